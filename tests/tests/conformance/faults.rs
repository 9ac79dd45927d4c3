//! Nothing that a child does harms its supervisor.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod containment {
    use std::fmt;

    use hedgehog_core::{
        ActorRef, Bind, DynamicSupervisor, ExitReason, Restart, Shutdown, StartError, Strategy, Supervisor,
        SupervisorRef,
    };
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, settle, word};

    /// A supervisor over `bad` and a sibling that must not notice anything.
    async fn beside_a_sibling(bad: &Probe) -> (SupervisorRef, Probe) {
        let sibling = Probe::new("sibling", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(sibling.spec())
            .child(bad.spec());
        (sup.start().await.expect("boot"), sibling)
    }

    async fn unharmed(sup: &SupervisorRef, sibling: &Probe, active: usize) {
        settle().await;
        assert_eq!(
            sup.count_children().await.expect("the supervisor goes on").active,
            active
        );
        assert_eq!((sibling.starts(), sibling.alive()), (1, 1));
    }

    #[invariant]
    async fn panicking_drop_of_the_state_is_an_exit_like_any_other() {
        let ends = [
            (Command::Exit(ExitReason::Normal), "panic"),
            (Command::Panic, "panic"),
            (Command::Fail, "error"),
        ];
        for (end, reason) in ends {
            let a = Probe::new("a", &Journal::new());
            a.panic_when_dropped();
            let (sup, sibling) = beside_a_sibling(&a).await;
            a.tell(end);
            assert_eq!(
                word(&a.current().exited().await),
                reason,
                "what went wrong first is the reason"
            );
            unharmed(&sup, &sibling, 2).await;
            a.current().kill();
            a.current().exited().await;
            unharmed(&sup, &sibling, 2).await;
            assert_eq!(a.starts(), 3);
            assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
            assert_eq!(a.alive(), 0);
        }
    }

    #[invariant]
    async fn panicking_cleanup_is_an_exit_like_any_other() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        a.panic_when_stopped();
        let (sup, sibling) = beside_a_sibling(&a).await;
        a.current().stop(ExitReason::Shutdown);
        assert_eq!(word(&a.current().exited().await), "panic");
        unharmed(&sup, &sibling, 2).await;
        sup.terminate_child("a").await.expect("terminate");
        unharmed(&sup, &sibling, 1).await;
        assert_eq!(journal.take_only(&["drop"]), "drop a, drop a");
    }

    #[invariant]
    async fn panicking_monitor_or_cleanup_hook_stops_neither_the_others_nor_the_supervisor() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        let (sup, sibling) = beside_a_sibling(&a).await;
        let actor = a.current();
        actor.on_exit(|_| panic!("{INTENDED}a monitor"));
        actor.on_cleanup(|| panic!("{INTENDED}a cleanup hook"));
        let log = journal.clone();
        actor.on_cleanup(move || log.record("cleanup"));
        let log = journal.clone();
        actor.on_exit(move |_| log.record("monitor"));
        let _ = journal.take();
        a.crash().await;
        unharmed(&sup, &sibling, 2).await;
        assert_eq!(
            journal.take_only(&["drop", "cleanup", "monitor", "start"]),
            "drop a, cleanup, monitor, start a"
        );
    }

    #[invariant]
    async fn binding_that_panics_is_a_failed_start() {
        struct Bad;
        impl Bind<Command> for Bad {
            fn bind(&self, _: &ActorRef<Command>) -> Result<(), StartError> {
                panic!("{INTENDED}a binding")
            }
        }
        let journal = Journal::new();
        let (good, a) = (Probe::new("good", &journal), Probe::new("a", &journal));
        let (sup, sibling) = beside_a_sibling(&good).await;
        assert!(sup.start_child(a.spec().via(Bad)).await.is_err());
        assert_eq!(a.starts(), 0);
        unharmed(&sup, &sibling, 2).await;
    }

    #[invariant]
    async fn error_that_cannot_be_printed_does_no_harm() {
        #[derive(Debug)]
        struct Unprintable;
        impl std::error::Error for Unprintable {}
        impl fmt::Display for Unprintable {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("{INTENDED}an error's text")
            }
        }
        // With a subscriber, so that the log really prints the reason.
        let _trace = hedgehog_tests::scenario::Trace::capture();
        let a = Probe::new("a", &Journal::new());
        let (sup, sibling) = beside_a_sibling(&a).await;
        a.exit(ExitReason::Error(std::sync::Arc::new(Unprintable))).await;
        unharmed(&sup, &sibling, 2).await;
        a.stop_with(ExitReason::Error(std::sync::Arc::new(Unprintable)));
        sup.terminate_child("a").await.expect("terminate");
        unharmed(&sup, &sibling, 1).await;
        assert!(sup.tree().is_some_and(|tree| !tree.to_string().is_empty()));
    }

    #[invariant]
    async fn children_of_a_dynamic_supervisor_fail_alone() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().max_restarts(100).start().await.expect("boot");
        let (good, bad) = (Probe::new("good", &journal), Probe::new("bad", &journal));
        bad.panic_when_dropped();
        sup.start_child(good.spec()).await.expect("start");
        sup.start_child(bad.spec().shutdown(Shutdown::BrutalKill))
            .await
            .expect("start");
        for _ in 0..10 {
            bad.tell(Command::Panic);
            bad.current().exited().await;
            settle().await;
        }
        bad.panic_starts(2);
        bad.crash().await;
        settle().await;
        assert_eq!((good.starts(), bad.starts(), bad.alive()), (1, 14, 1));
        let temporary = Probe::new("temporary", &journal);
        temporary.panic_when_dropped();
        sup.start_child(temporary.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        temporary.current().kill();
        settle().await;
        assert_eq!(sup.count_children().await.expect("the supervisor goes on").active, 2);
    }
}

#[suite]
pub(crate) mod fencing {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use hedgehog_core::{DynamicSupervisor, ExitReason, Name, Shutdown, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, eventually, word};
    use parking_lot::Mutex;

    const GRACE: Duration = Duration::from_millis(100);
    /// Far longer than the grace, so that a test which waits for the blocked code is told from one that does not.
    const BLOCKED: Duration = Duration::from_secs(3);

    /// Waits until `probe` sits in code that does not yield.
    async fn block(probe: &Probe, others: &Journal) {
        let log = others.clone();
        probe.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move {
                log.record("blocked");
                thread::sleep(BLOCKED);
            })
        })));
        eventually("the child blocks", || others.contains("blocked")).await;
    }

    #[invariant(real_time)]
    async fn tree_does_not_wait_for_a_killed_child_that_never_yields() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = Supervisor::new(Strategy::OneForOne)
            .kill_grace(GRACE)
            .child(b.spec())
            .child(a.spec().shutdown(Shutdown::Timeout(Duration::from_millis(10))))
            .start()
            .await
            .expect("boot");
        block(&a, &journal).await;
        let begin = Instant::now();
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        assert!(begin.elapsed() < BLOCKED / 2, "{:?}", begin.elapsed());
        assert_eq!(word(&a.current().exited().await), "killed");
        assert_eq!(b.exits(), ["shutdown"], "its sibling still stops in good order");
    }

    #[invariant(real_time)]
    async fn what_a_fenced_child_held_and_what_it_sends_is_void() {
        let journal = Journal::new();
        let (old, new, other) = (
            Probe::new("old", &journal),
            Probe::new("new", &journal),
            Probe::new("other", &journal),
        );
        let name = Name::new("taken");
        let sup = DynamicSupervisor::new().kill_grace(GRACE).start().await.expect("boot");
        sup.start_child(other.spec()).await.expect("start");
        let spec = old.spec().shutdown(Shutdown::BrutalKill).name(&name);
        let zombie = sup.start_child(spec).await.expect("start");

        let sent: Arc<Mutex<Option<bool>>> = Arc::default();
        let (outcome, target, log) = (Arc::clone(&sent), other.current(), journal.clone());
        zombie
            .cast(Command::Run(Box::new(move |_| {
                Box::pin(async move {
                    log.record("blocked");
                    thread::sleep(BLOCKED);
                    *outcome.lock() = Some(target.cast(Command::Note("from beyond")).is_ok());
                })
            })))
            .expect("it runs");
        eventually("the child blocks", || journal.contains("blocked")).await;

        sup.terminate_child(&zombie).await.expect("terminate");
        assert_eq!(zombie.exit_reason().as_ref().map(word), Some("killed"));
        assert!(zombie.cast(Command::Panic).is_err());
        let successor = sup.start_child(new.spec().name(&name)).await.expect("the name is free");
        assert_eq!(sent.lock().take(), None, "the old code still blocks");

        eventually("the old code has come to its end", || sent.lock().is_some()).await;
        assert_eq!(*sent.lock(), Some(false));
        eventually("its state is dropped", || old.alive() == 0).await;
        other.current().call(Command::Ping, None).await.expect("an answer");
        assert!(!journal.contains("note other: from beyond"));
        assert_eq!(
            name.whereis(),
            Some(successor),
            "its late end takes nothing from its successor"
        );
        assert_eq!(old.exits(), ["killed"], "and is no second exit");
    }

    #[invariant(real_time)]
    async fn killed_supervisor_does_not_wait_for_a_child_that_never_yields() {
        let journal = Journal::new();
        let (a, name) = (Probe::new("a", &journal), Name::new("a"));
        let sup = Supervisor::new(Strategy::OneForOne)
            .kill_grace(GRACE)
            .child(a.spec().name(&name));
        let sup = sup.start().await.expect("boot").whereis().expect("it runs");
        block(&a, &journal).await;
        let begin = Instant::now();
        sup.kill();
        assert_eq!(word(&sup.exited().await), "killed");
        assert!(begin.elapsed() < BLOCKED / 2, "{:?}", begin.elapsed());
        assert_eq!(a.current().exit_reason().as_ref().map(word), Some("killed"));
        assert!(name.whereis().is_none());
    }
}
