//! Tasks with a value: who gets it, how long anybody waits, and what is left when nobody wants it any more.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod values {
    use std::future::pending;
    use std::time::Duration;

    use hedgehog_core::{AnyActorRef, ExitReason, Task, TaskError};
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

    #[row("TASK-028", "TASK-047")]
    async fn handle_may_move_to_another_owner() {
        let task = Task::async_linked(after(SECOND, 1));
        let owner = Task::async_linked(async move { task.await_for(None).await.expect("a value") + 1 });
        assert_eq!(owner.await_for(None).await.expect("a value"), 2);
    }

    #[row("TASK-029", "TASK-030", "TASK-031")]
    async fn many_values_come_in_the_order_of_their_tasks() {
        let tasks = [3, 1, 2].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        assert_eq!(Task::await_many(tasks, None).await.expect("values"), [3, 1, 2]);
        let none: Vec<Task<u32>> = Vec::new();
        let values = Task::await_many(none, Duration::ZERO)
            .await
            .expect("nothing to wait for");
        assert!(values.is_empty());
    }

    #[row("TASK-034")]
    async fn many_tasks_share_one_deadline() {
        let tasks = [1, 3].map(|seconds| Task::async_linked(after(seconds * SECOND, ())));
        let running = tasks.each_ref().map(actor);
        let begin = Instant::now();
        let outcome = Task::await_many(tasks, 2 * SECOND).await;
        assert!(matches!(outcome, Err(TaskError::Timeout(_))), "{outcome:?}");
        assert_eq!(begin.elapsed(), 2 * SECOND);
        assert_eq!(word(&running[0].exited().await), "normal");
        assert_eq!(word(&running[1].exited().await), "killed");
    }

    #[row("TASK-035", "TASK-036")]
    async fn await_many_fails_at_once_when_one_task_exits() {
        let tasks = [Task::async_linked(pending::<()>()), Task::async_linked(pending())];
        let running = tasks.each_ref().map(actor);
        settle().await;
        running[1].stop(ExitReason::Normal);
        let outcome = Task::await_many(tasks, None).await;
        assert!(
            matches!(outcome, Err(TaskError::Exited(ExitReason::Normal))),
            "{outcome:?}"
        );
        assert_eq!(word(&running[0].exited().await), "killed");
    }

    #[row("TASK-037", "TASK-038", "TASK-039")]
    async fn await_many_fails_at_once_when_one_task_crashes() {
        let endless = Task::async_linked(pending::<()>());
        let running = actor(&endless);
        let crashing = Task::async_linked(async { panic!("{INTENDED}one of many") });
        let outcome = Task::await_many([endless, crashing], None).await;
        assert!(
            matches!(outcome, Err(TaskError::Exited(ExitReason::Panic(_)))),
            "{outcome:?}"
        );
        assert_eq!(word(&running.exited().await), "killed");
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

    #[row("TASK-048", "TASK-049", "TASK-052")]
    async fn yield_many_keeps_the_tasks_that_have_no_outcome_yet() {
        let mut tasks = [1, 3, 9].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        settle().await;
        actor(&tasks[2]).stop(ExitReason::Normal);
        let outcomes = Task::yield_many(&mut tasks, 2 * SECOND).await;
        assert!(
            matches!(outcomes[..], [Some(Ok(1)), None, Some(Err(ExitReason::Normal))]),
            "{outcomes:?}"
        );
        let outcomes = Task::yield_many(&mut tasks, 2 * SECOND).await;
        assert!(matches!(outcomes[..], [None, Some(Ok(3)), None]), "{outcomes:?}");
    }

    #[row("TASK-050", "TASK-051")]
    async fn late_tasks_of_many_are_killed_by_dropping_them_and_kept_by_ignoring_them() {
        for (ignored, end) in [(false, "killed"), (true, "normal")] {
            let mut tasks = [Task::async_linked(after(2 * SECOND, 1))];
            let running = actor(&tasks[0]);
            assert!(matches!(Task::yield_many(&mut tasks, SECOND).await[..], [None]));
            let [late] = tasks;
            if ignored {
                assert!(late.ignore().is_none());
            } else {
                drop(late);
            }
            assert_eq!(word(&running.exited().await), end);
        }
    }

    #[row("TASK-055", "TASK-059")]
    async fn yield_many_mixes_outcomes_in_the_order_of_the_tasks() {
        let mut tasks = [2, 1].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        let outcomes = Task::yield_many(&mut tasks, Duration::MAX).await;
        assert!(matches!(outcomes[..], [Some(Ok(2)), Some(Ok(1))]), "{outcomes:?}");
    }

    #[row("TASK-120")]
    async fn task_dies_with_the_owner_of_its_handle() {
        let owner = Task::async_linked(async {
            let inner = Task::async_linked(pending::<()>());
            let running = actor(&inner);
            tokio::spawn(async move {
                let _owned = inner;
                panic!("{INTENDED}the owner fails")
            });
            running
        });
        let running = owner.await_for(None).await.expect("a reference");
        assert_eq!(word(&running.exited().await), "killed");
    }
}

#[suite]
pub(crate) mod shutdown {
    use std::future::pending;
    use std::time::Duration;

    use hedgehog_core::{AnyActorRef, ExitReason, Shutdown, Task};
    use hedgehog_tests::scenario::{INTENDED, settle, word};
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

    #[row("TASK-060", "TASK-061", "TASK-062")]
    async fn value_that_came_first_survives_a_graceful_shutdown() {
        assert_eq!(outcome(ended(None).await, GRACEFUL).await, "value");
        assert_eq!(outcome(ended(None).await, Shutdown::Infinity).await, "value");
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

    #[row("TASK-074", "TASK-075", "TASK-076")]
    async fn value_that_came_first_survives_a_brutal_kill() {
        assert_eq!(outcome(ended(None).await, Shutdown::BrutalKill).await, "value");
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
