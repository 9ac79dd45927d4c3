//! Nobody outlives its supervisor, and no child ever lives twice.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod parents {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{DynamicSupervisor, ExitReason, Restart, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, settle, word};
    use parking_lot::Mutex;

    #[row("SPEC-046")]
    async fn supervisor_ends_in_good_order_with_the_actor_that_started_it_and_for_the_same_reason() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("day is over".into()),
        ] {
            let journal = Journal::new();
            let [parent, a, b] = ["parent", "a", "b"].map(|name| Probe::new(name, &journal));
            b.stop_takes(Duration::from_secs(2));
            let root = Supervisor::new(Strategy::OneForOne).child(parent.spec().restart(Restart::Temporary));
            let _root = root.start().await.expect("boot");
            let slot: Arc<Mutex<Option<SupervisorRef>>> = Arc::default();
            let (started, children) = (Arc::clone(&slot), [a.clone(), b.clone()]);
            parent.tell(Command::Run(Box::new(move |_| {
                Box::pin(async move {
                    let sup = Supervisor::new(Strategy::OneForOne)
                        .child(children[0].spec())
                        .child(children[1].spec());
                    *started.lock() = sup.start().await.ok();
                })
            })));
            settle().await;
            let sup = slot.lock().clone().expect("the supervisor has started");
            let actor = sup.whereis().expect("it runs");
            let _ = journal.take();
            parent.exit(reason.clone()).await;
            assert_eq!(actor.exited().await.to_string(), reason.to_string());
            assert_eq!(
                journal.take_only(&["stop", "drop"]),
                "stop parent, drop parent, stop b, drop b, stop a, drop a"
            );
            assert_eq!([&a, &b].map(Probe::exits), [["shutdown"]; 2]);
        }
    }

    #[row("SPEC-046")]
    async fn supervisor_ends_when_the_actor_that_started_it_is_killed() {
        let journal = Journal::new();
        let (parent, a) = (Probe::new("parent", &journal), Probe::new("a", &journal));
        let root = Supervisor::new(Strategy::OneForOne).child(parent.spec().restart(Restart::Temporary));
        let _root = root.start().await.expect("boot");
        let child = a.clone();
        parent.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { drop(Supervisor::new(Strategy::OneForOne).child(child.spec()).start().await) })
        })));
        settle().await;
        assert_eq!(a.alive(), 1);
        parent.current().kill();
        settle().await;
        assert_eq!(a.alive(), 0);
    }

    #[row("SPEC-047")]
    async fn no_child_survives_a_killed_supervisor() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        // Children that are busy, or would take long to stop, die all the same.
        a.stop_takes(Duration::from_hours(1));
        let (inner, below) = (Latest::new(), Latest::new());
        let (bind, children) = (below.clone(), [a.clone(), b.clone()]);
        let spec = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne)
                .child(children[0].spec())
                .child(Supervisor::spec("middle", {
                    let b = children[1].clone();
                    move || Supervisor::new(Strategy::OneForOne).child(b.spec())
                }))
                .child(DynamicSupervisor::spec("below", DynamicSupervisor::new).via(bind.clone()))
        });
        let outer = Supervisor::new(Strategy::OneForOne).child(spec.restart(Restart::Temporary).via(inner.clone()));
        let _outer = outer.start().await.expect("boot");
        let dynamic = hedgehog_core::DynamicSupervisorRef::from(below.current());
        dynamic.start_child(c.spec()).await.expect("start");
        b.tell(Command::Wait(Duration::from_hours(1)));
        settle().await;

        let (seen, all) = (Arc::new(Mutex::new(None)), [a.clone(), b.clone(), c.clone()]);
        let note = Arc::clone(&seen);
        inner
            .current()
            .on_exit(move |_| *note.lock() = Some(all.map(|probe| probe.alive())));
        inner.current().kill();
        assert_eq!(word(&inner.current().exited().await), "killed");
        // Not a moment later: the exit of the supervisor is visible only when its whole subtree is gone.
        assert_eq!(*seen.lock(), Some([0; 3]));
        assert!([&a, &b, &c].iter().all(|probe| probe.current().exit_reason().is_some()));
        assert!(below.current().exit_reason().is_some());
        assert_eq!(a.exits(), ["killed"]);
    }
}

#[suite]
pub(crate) mod incarnations {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hedgehog_core::{ExitReason, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, eventually, settle, word};
    use parking_lot::Mutex;

    #[invariant(real_time)]
    async fn at_most_one_incarnation_of_a_child_is_alive() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            let journal = Journal::new();
            let probes = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
            let sup = Supervisor::new(strategy).max_restarts(usize::MAX);
            let sup = probes
                .iter()
                .fold(sup, |sup, probe| sup.child(probe.spec()))
                .start()
                .await
                .expect("boot");
            for round in 0..60 {
                let probe = &probes[round % probes.len()];
                let actor = probe.current();
                match round % 4 {
                    0 => actor.kill(),
                    1 => probe.tell(Command::Panic),
                    2 => probe.tell(Command::Fail),
                    _ => actor.stop(ExitReason::Normal),
                }
                actor.exited().await;
                eventually("the child is back", || probe.alive() == 1 && probe.current() != actor).await;
            }
            sup.stop(ExitReason::Shutdown).await;
            assert_eq!(probes.each_ref().map(Probe::most_alive), [1; 3], "{strategy:?}");
            assert_eq!(probes.each_ref().map(Probe::alive), [0; 3], "{strategy:?}");
        }
    }

    #[invariant]
    async fn monitor_fires_exactly_once_with_the_typed_reason_and_at_once_for_the_dead() {
        let a = Probe::new("a", &Journal::new());
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let first = a.current();
        let fired: Arc<Mutex<Vec<&str>>> = Arc::default();
        let monitor = || {
            let fired = Arc::clone(&fired);
            move |reason: &ExitReason| fired.lock().push(word(reason))
        };
        first.on_exit(monitor());
        first.any().on_exit(monitor());
        assert!(first.exit_reason().is_none());
        a.tell(Command::Panic);
        assert!(matches!(first.exited().await, ExitReason::Panic(text) if &*text == "intended: a panics"));
        settle().await;
        assert_eq!(*fired.lock(), ["panic"; 2]);
        first.on_exit(monitor());
        assert_eq!(
            *fired.lock(),
            ["panic"; 3],
            "a monitor of the dead fires before it returns"
        );
        first.kill();
        first.stop(ExitReason::Normal);
        settle().await;
        assert_eq!(*fired.lock(), ["panic"; 3]);
        assert_eq!(first.exit_reason().as_ref().map(word), Some("panic"));
    }

    #[invariant]
    async fn state_is_dropped_before_the_exit_can_be_seen() {
        for command in [Command::Panic, Command::Fail, Command::Exit(ExitReason::Normal)] {
            let a = Probe::new("a", &Journal::new());
            let _sup = Supervisor::new(Strategy::OneForOne)
                .max_restarts(0)
                .child(a.spec())
                .start()
                .await
                .expect("boot");
            // Noted, not asserted: a panic in a monitor is caught.
            let alive = Arc::new(AtomicUsize::new(usize::MAX));
            let (probe, noted) = (a.clone(), Arc::clone(&alive));
            a.current()
                .on_exit(move |_| noted.store(probe.alive(), Ordering::SeqCst));
            a.tell(command);
            a.current().exited().await;
            assert_eq!((alive.load(Ordering::SeqCst), a.alive()), (0, 0));
        }
    }

    #[invariant]
    async fn pid_is_never_used_again() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(usize::MAX);
        let _sup = sup.child(a.spec()).start().await.expect("boot");
        for _ in 0..100 {
            a.crash().await;
            settle().await;
        }
        let mut pids: Vec<_> = a.incarnations().iter().map(hedgehog_core::ActorRef::pid).collect();
        pids.dedup();
        assert_eq!(pids.len(), 101);
        assert!(pids.is_sorted());
    }
}
