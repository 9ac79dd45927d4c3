//! What a reference to one incarnation promises to those who send to it.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod references {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{CallError, ExitReason, Restart, SelfRef, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};
    use parking_lot::Mutex;
    use tokio::time::Instant;

    const HOUR: Duration = Duration::from_hours(1);

    async fn one_temporary_child() -> (SupervisorRef, Probe) {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).child(a.spec().restart(Restart::Temporary));
        (sup.start().await.expect("boot"), a)
    }

    #[invariant]
    async fn call_waits_for_its_deadline_and_no_longer() {
        let (_sup, a) = one_temporary_child().await;
        a.current().call(Command::Ping, HOUR).await.expect("an answer");
        a.tell(Command::Wait(HOUR));
        let begin = Instant::now();
        let error = a
            .current()
            .call(Command::Ping, Duration::from_secs(5))
            .await
            .expect_err("it is busy");
        assert!(
            matches!(error, CallError::Timeout(after) if after == Duration::from_secs(5)),
            "{error:?}"
        );
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        a.current()
            .call(Command::Ping, None)
            .await
            .expect("an answer, an hour later");
        assert_eq!(begin.elapsed(), HOUR);
    }

    #[invariant]
    async fn call_fails_at_once_when_its_target_ends() {
        for (end, reason) in [
            (None, "killed"),
            (Some(ExitReason::ShutdownWith("enough".into())), "shutdown with detail"),
        ] {
            let (_sup, a) = one_temporary_child().await;
            let actor = a.current();
            a.tell(Command::Wait(Duration::from_secs(2)));
            settle().await;
            let caller = tokio::spawn({
                let actor = actor.clone();
                async move { actor.call(Command::Ping, HOUR).await }
            });
            settle().await;
            let begin = Instant::now();
            match end {
                None => actor.kill(),
                Some(reason) => actor.stop(reason),
            }
            let error = caller.await.expect("the caller's task").expect_err("nobody answers");
            assert!(
                matches!(&error, CallError::Exited(why) if word(why) == reason),
                "{error:?}"
            );
            assert!(
                begin.elapsed() <= Duration::from_secs(2),
                "not an hour: {:?}",
                begin.elapsed()
            );
        }
    }

    #[invariant]
    async fn nothing_can_be_sent_to_the_dead() {
        let (_sup, a) = one_temporary_child().await;
        let actor = a.current();
        a.crash().await;
        let error = actor.cast(Command::Note("too late")).expect_err("it is dead");
        assert!(
            matches!(error.into_message(), Command::Note("too late")),
            "the message comes back"
        );
        assert!(matches!(actor.call(Command::Ping, HOUR).await, Err(CallError::NoProc)));
        assert!(!actor.is_alive());
        assert_eq!(word(&actor.exited().await), "error");
    }

    #[invariant]
    async fn actor_that_calls_itself_is_told_so_instead_of_waiting_for_ever() {
        let (_sup, a) = one_temporary_child().await;
        let outcome: Arc<Mutex<Option<Result<(), CallError>>>> = Arc::default();
        let (told, actor) = (Arc::clone(&outcome), a.current());
        a.tell(Command::Run(Box::new(move |myself| {
            Box::pin(async move {
                assert_eq!(myself.self_ref().ok(), Some(actor.clone()), "its own reference");
                let result = actor.call(Command::Ping, None).await;
                *told.lock() = Some(result);
            })
        })));
        settle().await;
        assert!(
            matches!(*outcome.lock(), Some(Err(CallError::CallingSelf))),
            "{:?}",
            outcome.lock()
        );
        assert!(a.current().is_alive());
    }

    #[invariant]
    async fn restarted_child_is_not_reached_by_an_old_reference() {
        let a = Probe::new("a", &Journal::new());
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let first = a.current();
        a.crash().await;
        settle().await;
        assert!(a.current().is_alive());
        first.kill();
        first.stop(ExitReason::Shutdown);
        assert!(first.cast(Command::Panic).is_err());
        settle().await;
        assert!(a.current().is_alive());
        assert_eq!((a.starts(), a.exits()), (2, vec!["error"]));
    }
}
