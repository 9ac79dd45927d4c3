//! Tasks with a value: who gets it, how long anybody waits, and what is left when nobody wants it any more.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod values {
    use std::future::pending;
    use std::time::Duration;

    use hedgehog_core::{AnyActorRef, ExitReason, Shutdown, Task, TaskError};
    use hedgehog_tests::scenario::{INTENDED, settle, word};
    use tokio::time::{Instant, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    async fn after<T>(delay: Duration, value: T) -> T {
        sleep(delay).await;
        value
    }

    fn actor<T: Send + 'static>(task: &Task<T>) -> AnyActorRef {
        task.actor().expect("it runs").clone()
    }

    #[row("TASK-003", "TASK-004", "TASK-008")]
    async fn value_of_a_task_is_awaited_and_its_actor_exits_normally() {
        let task = Task::async_linked(after(SECOND, 42));
        let running = actor(&task);
        assert_eq!(task.await_for(5 * SECOND).await.expect("a value"), 42);
        assert_eq!(word(&running.exited().await), "normal");
        assert!(Task::completed(7).actor().is_none());
        assert_eq!(Task::completed(7).await_for(SECOND).await.expect("a value"), 7);
    }

    #[row("TASK-006", "TASK-007")]
    async fn started_task_belongs_to_nobody() {
        let running = Task::start(sleep(SECOND));
        settle().await;
        assert!(running.is_alive());
        assert_eq!(word(&running.exited().await), "normal");
    }

    #[row("TASK-012", "TASK-014", "TASK-017")]
    async fn outcome_that_is_there_comes_back_when_a_task_is_ignored() {
        let done = Task::async_linked(async { 1 });
        let failed = Task::async_linked(async { panic!("{INTENDED}a failing task") });
        settle().await;
        assert!(matches!(done.ignore(), Some(Ok(1))));
        let outcome: Option<Result<(), _>> = failed.ignore();
        assert!(matches!(outcome, Some(Err(ExitReason::Panic(_)))), "{outcome:?}");
        assert!(matches!(Task::completed(2).ignore(), Some(Ok(2))));
    }

    #[row("TASK-013", "TASK-015")]
    async fn ignored_task_goes_on_and_its_end_troubles_nobody() {
        let task = Task::async_linked(after(SECOND, 1));
        let running = actor(&task);
        assert!(task.ignore().is_none());
        settle().await;
        assert!(running.is_alive());
        assert_eq!(word(&running.exited().await), "normal");
        let failing = Task::async_linked(async {
            sleep(SECOND).await;
            panic!("{INTENDED}a late failure")
        });
        let running = actor(&failing);
        let early: Option<Result<(), _>> = failing.ignore();
        assert!(early.is_none());
        assert_eq!(word(&running.exited().await), "panic");
    }

    #[row("TASK-018", "TASK-019")]
    async fn linked_task_is_killed_when_its_await_times_out() {
        let task = Task::async_linked(after(2 * SECOND, 1));
        let running = actor(&task);
        let begin = Instant::now();
        let outcome = task.await_for(SECOND).await;
        assert!(
            matches!(outcome, Err(TaskError::Timeout(limit)) if limit == SECOND),
            "{outcome:?}"
        );
        assert_eq!(begin.elapsed(), SECOND);
        assert_eq!(word(&running.exited().await), "killed");
    }

    #[row("TASK-020", "TASK-022", "TASK-025")]
    async fn await_tells_why_there_is_no_value() {
        let panicking: Result<(), _> = Task::async_linked(async { panic!("{INTENDED}no value") })
            .await_for(None)
            .await;
        assert!(
            matches!(panicking, Err(TaskError::Exited(ExitReason::Panic(_)))),
            "{panicking:?}"
        );
        let detail = ExitReason::ShutdownWith("enough".into());
        for reason in [ExitReason::Normal, detail] {
            let task = Task::async_linked(pending::<()>());
            settle().await;
            actor(&task).stop(reason.clone());
            match task.await_for(None).await {
                Err(TaskError::Exited(seen)) => assert_eq!(word(&seen), word(&reason)),
                other => panic!("no value was to come: {other:?}"),
            }
        }
    }

    #[row("TASK-028", "TASK-047", "TASK-071")]
    async fn whoever_holds_the_handle_may_await_yield_and_shut_down() {
        let mut yielded = Task::async_linked(after(SECOND, 1));
        let awaited = Task::async_linked(after(SECOND, 2));
        let stopped = Task::async_linked(pending::<()>());
        let running = actor(&stopped);
        let owner = Task::async_linked(async move {
            let yielded = yielded.yield_for(None).await;
            let awaited = awaited.await_for(None).await;
            let stopped = stopped.shutdown(Shutdown::Infinity).await;
            assert!(matches!((yielded, awaited, stopped), (Some(Ok(1)), Ok(2), None)));
        });
        owner.await_for(None).await.expect("the owner has them all");
        assert_eq!(running.exit_reason().as_ref().map(word), Some("shutdown"));
    }

    #[row("TASK-043", "TASK-044", "TASK-045")]
    async fn yield_gives_nothing_then_the_outcome_once() {
        let mut task = Task::async_linked(after(2 * SECOND, 5));
        assert!(task.yield_for(SECOND).await.is_none());
        assert!(actor(&task).is_alive());
        assert!(matches!(task.yield_for(5 * SECOND).await, Some(Ok(5))));
        assert!(task.yield_for(SECOND).await.is_none());
        assert!(matches!(task.await_for(SECOND).await, Err(TaskError::Taken)));

        let mut stopped = Task::async_linked(pending::<()>());
        settle().await;
        actor(&stopped).stop(ExitReason::Normal);
        assert!(matches!(stopped.yield_for(SECOND).await, Some(Err(ExitReason::Normal))));
    }
}

#[suite]
pub(crate) mod shutdown {
    use std::future::pending;
    use std::time::Duration;

    use hedgehog_core::{AnyActorRef, ExitReason, Shutdown, Task};
    use hedgehog_tests::scenario::{INTENDED, settle, word};
    use tokio::sync::oneshot;
    use tokio::time::sleep;

    const GRACEFUL: Shutdown = Shutdown::Timeout(Duration::from_secs(5));

    /// A task that has a value or a reason by the time it is shut down.
    async fn ended(reason: Option<ExitReason>) -> Task<u32> {
        let task = Task::async_linked(async {
            sleep(Duration::from_secs(1)).await;
            1
        });
        settle().await;
        match (reason, actor(&task)) {
            (None, running) => drop(running.exited().await),
            (Some(ExitReason::Killed), running) => running.kill(),
            (Some(reason), running) => running.stop(reason),
        }
        actor(&task).exited().await;
        task
    }

    async fn crashed() -> Task<u32> {
        let task = Task::async_linked(async { panic!("{INTENDED}a crash before the shutdown") });
        actor(&task).exited().await;
        task
    }

    fn actor<T: Send + 'static>(task: &Task<T>) -> AnyActorRef {
        task.actor().expect("it runs").clone()
    }

    /// The outcome in one word.
    async fn outcome(task: Task<u32>, shutdown: Shutdown) -> &'static str {
        match task.shutdown(shutdown).await {
            None => "none",
            Some(Ok(_)) => "value",
            Some(Err(reason)) => word(&reason),
        }
    }

    /// A task that has its value, and whose actor ended otherwise: the last thing it did was to end itself.
    async fn ended_with_a_value(end: fn(&AnyActorRef)) -> (Task<u32>, &'static str) {
        let (tell, told) = oneshot::channel::<AnyActorRef>();
        let task = Task::async_linked(async move {
            end(&told.await.expect("it is told who it is"));
            1
        });
        let running = actor(&task);
        tell.send(running.clone()).expect("it waits");
        (task, word(&running.exited().await))
    }

    #[row("TASK-060")]
    async fn value_survives_a_graceful_shutdown_of_a_task_that_failed_after_it() {
        let (task, end) = ended_with_a_value(AnyActorRef::kill).await;
        assert_eq!((outcome(task, GRACEFUL).await, end), ("value", "killed"));
    }

    #[row("TASK-061")]
    async fn value_survives_a_graceful_shutdown_of_a_task_that_is_done() {
        for shutdown in [GRACEFUL, Shutdown::Infinity] {
            let (task, end) = ended_with_a_value(|_| ()).await;
            assert_eq!((outcome(task, shutdown).await, end), ("value", "normal"));
        }
    }

    #[row("TASK-062")]
    async fn value_survives_a_graceful_shutdown_of_a_task_that_was_shut_down_after_it() {
        let (task, end) = ended_with_a_value(|me| me.stop(ExitReason::Shutdown)).await;
        assert_eq!((outcome(task, GRACEFUL).await, end), ("value", "shutdown"));
    }

    #[row("TASK-063")]
    async fn running_task_is_asked_to_stop() {
        let task = Task::async_linked(pending());
        let running = actor(&task);
        settle().await;
        assert_eq!(outcome(task, GRACEFUL).await, "none");
        assert_eq!(running.exit_reason().as_ref().map(word), Some("shutdown"));
    }

    #[row("TASK-064")]
    async fn task_that_traps_exits_may_still_bring_its_value() {
        let task = Task::async_linked(async {
            let reason = Task::trap_exit().await;
            assert_eq!(word(&reason), "shutdown");
            sleep(Duration::from_secs(1)).await;
            9
        });
        settle().await;
        assert!(matches!(task.shutdown(GRACEFUL).await, Some(Ok(9))));
    }

    #[row("TASK-065", "TASK-066", "TASK-067")]
    async fn graceful_shutdown_tells_what_a_dead_task_died_of() {
        assert_eq!(outcome(crashed().await, GRACEFUL).await, "panic");
        assert_eq!(outcome(ended(Some(ExitReason::Normal)).await, GRACEFUL).await, "normal");
        assert_eq!(outcome(ended(Some(ExitReason::Shutdown)).await, GRACEFUL).await, "none");
    }

    #[row("TASK-068", "TASK-082")]
    async fn graceful_shutdown_that_meets_a_kill_says_so() {
        assert_eq!(outcome(ended(Some(ExitReason::Killed)).await, GRACEFUL).await, "killed");
        let stubborn = Task::async_linked(async {
            Task::trap_exit().await;
            pending().await
        });
        settle().await;
        let limit = Shutdown::Timeout(Duration::from_millis(1));
        assert_eq!(outcome(stubborn, limit).await, "killed");
    }

    #[row("TASK-070")]
    async fn task_that_never_ran_is_shut_down_with_its_value() {
        assert_eq!(outcome(Task::completed(1), GRACEFUL).await, "value");
        let mut taken = Task::completed(1);
        assert!(taken.yield_for(Duration::ZERO).await.is_some());
        assert_eq!(outcome(taken, GRACEFUL).await, "none");
    }

    #[row("TASK-072", "TASK-077")]
    async fn brutal_kill_ends_a_task_that_ignores_requests() {
        let stubborn = Task::async_linked(async {
            Task::trap_exit().await;
            pending().await
        });
        let running = actor(&stubborn);
        settle().await;
        assert_eq!(outcome(stubborn, Shutdown::BrutalKill).await, "none");
        assert_eq!(running.exit_reason().as_ref().map(word), Some("killed"));
        let killed = ended(Some(ExitReason::Killed)).await;
        assert_eq!(outcome(killed, Shutdown::BrutalKill).await, "none");
    }

    #[row("TASK-073", "TASK-083")]
    async fn handle_whose_outcome_was_taken_has_nothing_to_give() {
        for shutdown in [GRACEFUL, Shutdown::BrutalKill] {
            let mut task = ended(None).await;
            assert!(matches!(task.yield_for(None).await, Some(Ok(1))));
            assert_eq!(outcome(task, shutdown).await, "none");
        }
    }

    #[row("TASK-074")]
    async fn value_survives_a_brutal_kill_of_a_task_that_failed_after_it() {
        let (task, end) = ended_with_a_value(AnyActorRef::kill).await;
        assert_eq!((outcome(task, Shutdown::BrutalKill).await, end), ("value", "killed"));
    }

    #[row("TASK-075")]
    async fn value_survives_a_brutal_kill_of_a_task_that_is_done() {
        let (task, end) = ended_with_a_value(|_| ()).await;
        assert_eq!((outcome(task, Shutdown::BrutalKill).await, end), ("value", "normal"));
    }

    #[row("TASK-076")]
    async fn value_survives_a_brutal_kill_of_a_task_that_was_shut_down_after_it() {
        let (task, end) = ended_with_a_value(|me| me.stop(ExitReason::Shutdown)).await;
        assert_eq!((outcome(task, Shutdown::BrutalKill).await, end), ("value", "shutdown"));
    }

    #[row("TASK-078", "TASK-079", "TASK-080")]
    async fn brutal_kill_tells_what_a_dead_task_died_of() {
        assert_eq!(outcome(crashed().await, Shutdown::BrutalKill).await, "panic");
        for reason in [ExitReason::Normal, ExitReason::Shutdown] {
            let expected = word(&reason);
            assert_eq!(outcome(ended(Some(reason)).await, Shutdown::BrutalKill).await, expected);
        }
    }
}
