//! Locks by key: who waits for whom, and what lets a lock go.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod turns {
    use super::super::actors;
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{ActorRef, DuplicateRegistry, DynamicSupervisor, ExitReason, Registry, Restart, SelfRef};
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, settle};
    use tokio::sync::{Barrier, oneshot};

    type Names = Registry<&'static str, Command>;

    const A_WHILE: Duration = Duration::from_millis(100);

    /// Lets `actor` take the lock, say so and keep it for ever.
    fn hold(names: &Names, key: &'static str, actor: &ActorRef<Command>, journal: &Journal, says: &'static str) {
        let (names, journal) = (names.clone(), journal.clone());
        let errand = async move {
            let forever = async || {
                journal.record(says);
                std::future::pending::<()>().await;
            };
            names.lock(key, forever).await;
        };
        actor
            .cast(Command::Run(Box::new(|_| Box::pin(errand))))
            .expect("it runs");
    }

    #[row("REG-002")]
    async fn locks_of_different_keys_are_held_at_the_same_time() {
        let names = Names::unique("names");
        for _ in 0..2 {
            let both_inside = Barrier::new(2);
            let inside = async |value| {
                both_inside.wait().await;
                value
            };
            let values = tokio::join!(names.lock("one", || inside(1)), names.lock("two", || inside(2)));
            assert_eq!(values, (1, 2), "and can be taken again");
        }
    }

    #[row("REG-003")]
    async fn locks_of_one_key_are_held_in_turn_the_first_caller_first() {
        let (names, journal) = (Names::unique("names"), Journal::new());
        let mut callers = Vec::new();
        for (enters, leaves) in [("enter a", "leave a"), ("enter b", "leave b"), ("enter c", "leave c")] {
            let (names, journal) = (names.clone(), journal.clone());
            callers.push(tokio::spawn(async move {
                let section = async || {
                    journal.record(enters);
                    tokio::time::sleep(A_WHILE * 2).await;
                    journal.record(leaves);
                };
                names.lock("one", section).await;
            }));
            settle().await;
        }
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(journal.take(), "enter a");
        for caller in callers {
            caller.await.expect("no panic");
        }
        assert_eq!(journal.take(), "leave a, enter b, leave b, enter c, leave c");
        assert_eq!(names.lock("one", async || "again").await, "again");
    }

    #[row("REG-004")]
    async fn failing_holder_sees_its_failure_and_lets_the_lock_go() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let own = names.clone();
        let errand = async move {
            let failing = async || {
                tokio::time::sleep(A_WHILE).await;
                panic!("{INTENDED}holding a lock");
            };
            own.lock("one", failing).await;
        };
        a.cast(Command::Run(Box::new(|_| Box::pin(errand)))).expect("it runs");
        settle().await;
        let waiter = names.lock("one", async || a.exit_reason());
        let when_it_was_free = waiter.await;
        let reason = a.exited().await;
        assert!(
            matches!(&reason, ExitReason::Panic(text) if text.contains("holding a lock")),
            "{reason}"
        );
        assert!(matches!(when_it_was_free, None | Some(ExitReason::Panic(_))));
    }

    #[row("REG-005")]
    async fn holder_that_is_killed_lets_the_lock_go_before_its_exit_can_be_seen() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let journal = Journal::new();
        hold(&names, "one", &a, &journal, "a holds it");
        settle().await;
        assert_eq!(journal.take(), "a holds it");
        let waiter = names.lock("one", async || "free");
        tokio::pin!(waiter);
        assert!(tokio::time::timeout(A_WHILE, &mut waiter).await.is_err());
        a.kill();
        a.exited().await;
        assert_eq!(waiter.await, "free");
    }

    #[row("REG-005", real_time)]
    async fn holder_that_is_declared_dead_loses_the_lock_though_it_still_runs() {
        let (names, probe) = (Names::unique("names"), Probe::new("a", &Journal::new()));
        let sup = DynamicSupervisor::new()
            .kill_grace(A_WHILE / 2)
            .start()
            .await
            .expect("boot");
        let a = sup
            .start_child(probe.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        let ((inside, is_inside), (go_on, may_go_on)) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
        let (own, going_on) = (names.clone(), Arc::new(parking_lot::Mutex::new(may_go_on)));
        let errand = async move {
            let section = async || {
                let _ = inside.send(());
                // Until the test lets go: no kill can interrupt it.
                let _ = going_on.lock().recv();
            };
            own.lock("one", section).await;
        };
        a.cast(Command::Run(Box::new(|_| Box::pin(errand)))).expect("it runs");
        is_inside.await.expect("it has the lock");
        a.kill();
        assert_eq!(names.lock("one", async || "free").await, "free");
        assert_eq!(probe.alive(), 1, "it has not come to an end");
        drop(go_on);
    }

    #[row("REG-006")]
    async fn waiter_that_ends_is_passed_over() {
        let (names, (_sup, [a, b, c])) = (Names::unique("names"), actors(["a", "b", "c"]).await);
        let journal = Journal::new();
        for (actor, says) in [(&a, "a holds it"), (&b, "b holds it"), (&c, "c holds it")] {
            hold(&names, "one", actor, &journal, says);
            settle().await;
        }
        b.kill();
        b.exited().await;
        assert_eq!(journal.take(), "a holds it");
        a.kill();
        settle().await;
        assert_eq!(journal.take(), "c holds it");
    }

    #[row("REG-007", "REG-093")]
    async fn lock_runs_in_the_caller_and_has_nothing_to_do_with_registrations() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = super::super::own(names.spec("registry")).await;
        names.register("one", &a, ()).expect("free");
        let (own, (tell, told)) = (names.clone(), oneshot::channel());
        let actor = b.clone();
        let errand = move |me: ractor::ActorRef<_>| async move {
            let section = async || {
                let caller = me.self_ref().ok();
                own.register("two", &actor, ()).expect("free");
                (caller, own.lookup(&"one"), own.register("one", &actor, ()).is_err())
            };
            let seen = own.lock("one", section).await;
            let _ = tell.send(seen);
        };
        b.cast(Command::Run(Box::new(|me| Box::pin(errand(me)))))
            .expect("it runs");
        let (caller, holder, refused) = told.await.expect("what the function returned");
        assert_eq!(caller, Some(b), "the function runs in the actor that called");
        assert_eq!(
            (holder, refused),
            (Some(a), true),
            "the lock takes no key and gives none"
        );
    }

    #[invariant]
    async fn lock_of_a_duplicate_registry_is_a_lock_too_and_a_dropped_caller_leaves() {
        let topics: DuplicateRegistry<&str, Command> = Registry::duplicate("topics");
        let forever = topics.lock("one", async || std::future::pending::<()>().await);
        assert!(tokio::time::timeout(A_WHILE, forever).await.is_err());
        assert_eq!(topics.lock("one", async || 1).await, 1);
    }
}
