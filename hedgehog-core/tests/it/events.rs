//! The events of supervisors, as somebody who subscribes to them sees them.

use crate::kit::{Log, Order, Script, quiet, settle};
use hedgehog_core::{
    AutoShutdown, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name, Overflow, PartitionSupervisor, Pid,
    PubSub, Restart, Shutdown, Strategy, Subscription, Supervisor, SupervisorEvent, SupervisorEventKind as Kind,
    SupervisorRef, TaskSupervisor, Topic,
};
use std::{
    collections::HashMap,
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Wake},
    time::Duration,
};

fn topic() -> (Topic<SupervisorEvent>, Subscription<SupervisorEvent>) {
    let topic = PubSub::new().topic("supervisors");
    let subscription = topic.subscribe(Overflow::Lossless);
    (topic, subscription)
}

fn events(seen: &mut Subscription<SupervisorEvent>) -> Vec<SupervisorEvent> {
    let mut events = Vec::new();
    let _ = seen.drain(usize::MAX, |event| events.push(event.clone()));
    events
}

/// What was published since the last time, without the pids, which no test can foretell.
fn lines(seen: &mut Subscription<SupervisorEvent>) -> Vec<String> {
    let line = |event: SupervisorEvent| {
        let text = event.to_string();
        match event.pid {
            Some(pid) => text.replacen(&format!(" {pid}"), "", 1),
            None => text,
        }
    };
    events(seen).into_iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn one_subscription_sees_the_whole_tree() {
    let log = Log::default();
    let (a, b) = (Script::new("a", &log), Script::new("b", &log));
    let (inner, tasks) = (Name::new("inner"), Name::new("tasks"));
    let (topic, mut seen) = topic();
    let root = Supervisor::new(Strategy::OneForOne)
        .label("Root")
        .events(&topic)
        .child(a.spec())
        .child(Supervisor::spec("Inner", || Supervisor::new(Strategy::OneForOne)).name(&inner))
        .child(DynamicSupervisor::spec("Tasks", DynamicSupervisor::new).name(&tasks))
        .child(PartitionSupervisor::spec("Pool", move || {
            let idle = || Supervisor::spec("idle", || Supervisor::new(Strategy::OneForOne));
            PartitionSupervisor::new(move |_| idle()).partitions(NonZeroUsize::MIN)
        }))
        .start()
        .await
        .unwrap();
    let up = ["a", "Inner", "Tasks", "Pool/0", "Pool"].map(|path| format!("Root/{path} started"));
    assert_eq!(lines(&mut seen), up);

    SupervisorRef::from(&inner).start_child(b.spec()).await.unwrap();
    b.end(Order::Fail("broken")).await;
    settle().await;
    let of_b = ["started", "exited: error: broken", "started", "restarted, restarts: 1"];
    assert_eq!(lines(&mut seen), of_b.map(|what| format!("Root/Inner/b {what}")));

    let task = TaskSupervisor::from(&tasks).async_nolink(async {}).await.unwrap();
    task.await_for(None).await.unwrap();
    settle().await;
    assert_eq!(
        lines(&mut seen),
        ["Root/Tasks/task started", "Root/Tasks/task exited: normal"]
    );

    root.stop(ExitReason::Shutdown).await;
    let down =
        ["Pool/0", "Pool", "Tasks", "Inner/b", "Inner", "a"].map(|path| format!("Root/{path} terminated: shutdown"));
    assert_eq!(lines(&mut seen), down);
}

#[tokio::test(start_paused = true)]
async fn an_event_says_who_which_incarnation_and_why() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let (topic, mut seen) = topic();
    let root = Supervisor::new(Strategy::OneForOne).events(&topic).child(a.spec());
    let root = root.start().await.unwrap();
    let old = a.pid();
    a.end(Order::Fail("broken")).await;
    settle().await;
    let seen = events(&mut seen);
    assert!(
        seen.iter()
            .all(|event| &*event.supervisor == "supervisor" && event.child == "a")
    );
    let pids: Vec<_> = seen.iter().map(|event| event.pid.unwrap()).collect();
    assert_eq!(pids, [old, old, a.pid(), a.pid()]);
    assert!(
        matches!(&seen[1].kind, Kind::Exited { reason: ExitReason::Error(error) } if error.to_string() == "broken")
    );
    assert!(seen[1].is_problem() && !seen[2].is_problem());
    let json = serde_json::to_value(&seen[1]).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "supervisor": "supervisor",
            "child": "a",
            "pid": old.as_u64(),
            "event": "exited",
            "reason": "error: broken",
        })
    );
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn failed_starts_and_the_end_of_patience_are_told() {
    let log = Log::default();
    let (a, b) = (Script::new("a", &log), Script::new("b", &log));
    let inner = Name::new("inner");
    let (topic, mut seen) = topic();
    let spec = {
        let (a, b) = (a.spec(), b.spec());
        Supervisor::spec("inner", move || {
            let inner = Supervisor::new(Strategy::OneForOne).max_restarts(2);
            inner.child(a.clone()).child(b.clone())
        })
    };
    let spec = spec.name(&inner).restart(Restart::Temporary);
    let root = Supervisor::new(Strategy::OneForOne).label("R").events(&topic);
    let root = root.child(spec.clone()).start().await.unwrap();
    events(&mut seen);

    a.failing_starts.store(usize::MAX, SeqCst);
    a.end(Order::Fail("broken")).await;
    settle().await;
    let told = [
        "R/inner/a exited: error: broken",
        "R/inner/a did not start again: no start",
        "R/inner/a did not start again: no start",
        "R/inner/a was restarted too often, its supervisor gives up",
        "R/inner/b terminated: shutdown",
        "R/inner exited: shutdown",
    ];
    assert_eq!(lines(&mut seen), told);

    // The whole chain, once at each level.
    root.start_child(spec).await.unwrap_err();
    let told = [
        "R/inner/a did not start: no start",
        "R/inner did not start: failed to start child a: no start",
    ];
    assert_eq!(lines(&mut seen), told);
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn an_automatic_shutdown_is_told() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let (topic, mut seen) = topic();
    let root = Supervisor::new(Strategy::OneForOne)
        .events(&topic)
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(a.spec().restart(Restart::Temporary).significant());
    let root = root.start().await.unwrap().whereis().unwrap();
    a.end(Order::Exit(ExitReason::Normal)).await;
    root.exited().await;
    let told = [
        "started",
        "exited: normal",
        "was significant, its supervisor shuts down",
    ];
    assert_eq!(lines(&mut seen), told.map(|what| format!("supervisor/a {what}")));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_misses_its_deadline_was_not_terminated_in_good_order() {
    let log = Log::default();
    let mut slow = Script::new("slow", &log);
    slow.slow_stop = Duration::from_secs(3600);
    let (topic, mut seen) = topic();
    let root = Supervisor::new(Strategy::OneForOne).events(&topic).child(slow.spec());
    root.start().await.unwrap().stop(ExitReason::Shutdown).await;
    let last = events(&mut seen).pop().unwrap();
    let killed = |kind: &Kind| {
        matches!(
            kind,
            Kind::Terminated {
                reason: ExitReason::Killed,
                orderly: false
            }
        )
    };
    assert!(killed(&last.kind), "{last}");
    assert!(last.is_problem());
}

#[tokio::test(start_paused = true)]
async fn every_start_has_one_end_when_supervisors_are_killed() {
    let log = Log::default();
    let scripts = ["a", "b", "c", "d"].map(|id| Script::new(id, &log));
    let [a, b, c, d] = &scripts;
    let (middle, dynamic) = (Name::new("middle"), Name::new("dynamic"));
    let (topic, mut seen) = topic();
    let spec = {
        let (a, b, dynamic) = (a.spec(), b.spec(), dynamic.clone());
        Supervisor::spec("middle", move || {
            let dynamic = DynamicSupervisor::spec("dynamic", DynamicSupervisor::new).name(&dynamic);
            Supervisor::new(Strategy::OneForOne)
                .child(a.clone())
                .child(b.clone())
                .child(dynamic)
        })
    };
    let root = Supervisor::new(Strategy::OneForOne)
        .events(&topic)
        .child(spec.name(&middle));
    let root = root.start().await.unwrap();
    let workers = DynamicSupervisorRef::from(&dynamic);
    workers.start_child(c.spec()).await.unwrap();
    workers.start_child(d.spec()).await.unwrap();
    // Their supervisors are killed in the moment of their death, and never read the notice.
    let old = [middle.whereis().unwrap().any(), workers.whereis().unwrap().any()];
    for (dead, supervisor) in [a, c].into_iter().zip(old.clone()) {
        dead.it().on_exit(move |_| supervisor.kill());
    }
    c.it().kill();
    settle().await;
    assert!(!old[1].is_alive());
    a.it().kill();
    settle().await;
    assert!(!old[0].is_alive());
    root.stop(ExitReason::Shutdown).await;

    let (mut starts, mut ends) = (HashMap::<Pid, usize>::new(), HashMap::<Pid, usize>::new());
    for event in events(&mut seen) {
        match event.kind {
            Kind::Started => *starts.entry(event.pid.unwrap()).or_default() += 1,
            Kind::Exited { .. } | Kind::Terminated { .. } => *ends.entry(event.pid.unwrap()).or_default() += 1,
            _ => {}
        }
    }
    assert!(
        starts.len() >= 10 && starts.values().all(|times| *times == 1),
        "{starts:?}"
    );
    assert_eq!(starts, ends);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_with_a_topic_of_its_own_publishes_to_both() {
    let log = Log::default();
    let a = Script::new("a", &log).spec();
    let ((outer, mut seen_outside), (inner, mut seen_inside)) = (topic(), topic());
    let spec = Supervisor::spec("inner", move || {
        Supervisor::new(Strategy::OneForOne).events(&inner).child(a.clone())
    });
    let root = Supervisor::new(Strategy::OneForOne)
        .label("R")
        .events(&outer)
        .child(spec);
    let root = root.start().await.unwrap();
    assert_eq!(lines(&mut seen_outside), ["R/inner/a started", "R/inner started"]);
    assert_eq!(lines(&mut seen_inside), ["R/inner/a started"]);
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_zombie_is_told_under_its_path() {
    let log = Log::default();
    let stuck = Script::new("stuck", &log);
    let (topic, mut seen) = topic();
    let root = Supervisor::new(Strategy::OneForOne)
        .events(&topic)
        .kill_grace(Duration::from_millis(50))
        .child(stuck.spec().restart(Restart::Temporary).shutdown(Shutdown::BrutalKill));
    let root = root.start().await.unwrap();
    let (entered_to, entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let run = move |_| {
        entered_to.send(()).unwrap();
        let _ = released.recv();
    };
    stuck.it().cast(Order::Run(Box::new(run))).unwrap();
    tokio::task::spawn_blocking(move || entered.recv())
        .await
        .unwrap()
        .unwrap();
    root.stop(ExitReason::Shutdown).await;
    let mut told = Vec::new();
    while told.len() < 3 {
        let _ = seen.next_batch(1, |event| told.push(event.clone())).await;
    }
    drop(release);
    let zombie = |event: &SupervisorEvent| matches!(event.kind, Kind::ZombieLeft { grace } if grace.as_millis() == 50);
    let zombie = told.iter().find(|event| zombie(event)).unwrap();
    assert_eq!(
        (zombie.path(), zombie.pid),
        ("supervisor/stuck".to_owned(), told[0].pid)
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_can_neither_block_nor_break_a_supervisor() {
    struct Explosive;
    impl Wake for Explosive {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    quiet();
    let log = Log::default();
    let a = Script::new("a", &log);
    let (topic, stuck) = topic();
    let root = Supervisor::new(Strategy::OneForOne)
        .events(&topic)
        .max_restarts(usize::MAX);
    let root = root.child(a.spec()).start().await.unwrap();
    for _ in 0..3 {
        let mut waiting = topic.subscribe(Overflow::Lossless);
        let mut next = Box::pin(waiting.next_batch(1, |_| {}));
        let waker = Arc::new(Explosive).into();
        assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        a.end(Order::Fail("broken")).await;
        settle().await;
        assert!(a.name.whereis().is_some());
    }
    assert_eq!(root.which_children().await.unwrap()[0].restarts, 3);
    assert_eq!(stuck.lag(), 10);
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_reason_may_look_at_the_tree() {
    /// Prints the tree whose failure it is, in which it stands itself.
    #[derive(Debug)]
    struct Curious(SupervisorRef, AtomicBool);
    impl fmt::Display for Curious {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.1.swap(true, SeqCst) {
                return f.write_str("itself");
            }
            write!(
                f,
                "failed in {}",
                self.0.tree().map(|tree| tree.path).unwrap_or_default()
            )?;
            self.1.store(false, SeqCst);
            Ok(())
        }
    }
    impl std::error::Error for Curious {}

    let log = Log::default();
    let (a, b) = (Script::new("a", &log), Script::new("b", &log));
    let (topic, mut seen) = topic();
    let dynamic = Name::new("dynamic");
    let root = Supervisor::new(Strategy::OneForOne)
        .events(&topic)
        .child(a.spec())
        .child(DynamicSupervisor::spec("dynamic", DynamicSupervisor::new).name(&dynamic));
    let root = root.start().await.unwrap();
    DynamicSupervisorRef::from(&dynamic)
        .start_child(b.spec())
        .await
        .unwrap();
    for script in [&a, &b] {
        script
            .end(Order::Exit(ExitReason::Error(Arc::new(Curious(
                root.clone(),
                AtomicBool::new(false),
            )))))
            .await;
        settle().await;
    }
    let told = lines(&mut seen);
    let told: Vec<_> = told
        .iter()
        .filter(|line| line.ends_with("exited: error: failed in supervisor"))
        .collect();
    assert_eq!(told.len(), 2);
    root.stop(ExitReason::Shutdown).await;
}
