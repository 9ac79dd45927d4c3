//! Several tasks at once: all of their values, or what there is of them by now.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod many {
    use std::future::pending;
    use std::time::Duration;

    use hedgehog_core::{AnyActorRef, ExitReason, OnYieldTimeout, Task, TaskError, YieldMany};
    use hedgehog_tests::scenario::{INTENDED, settle, word};
    use tokio::time::{Instant, sleep, timeout};

    const SECOND: Duration = Duration::from_secs(1);

    async fn after<T>(delay: Duration, value: T) -> T {
        sleep(delay).await;
        value
    }

    fn actor<T: Send + 'static>(task: &Task<T>) -> AnyActorRef {
        task.actor().expect("it runs").clone()
    }

    #[row("TASK-042", "TASK-054")]
    async fn whoever_holds_many_handles_may_ask_for_all() {
        let [mut yielded, awaited] =
            [1, 3].map(|first| [first, first + 1].map(|n| Task::async_linked(after(SECOND, n))));
        let owner = Task::async_linked(async move {
            let yielded = Task::yield_many(&mut yielded, None).await;
            assert!(matches!(yielded[..], [Some(Ok(1)), Some(Ok(2))]), "{yielded:?}");
            Task::await_many(awaited, None).await
        });
        let awaited = owner.await_for(None).await.expect("the owner lives");
        assert_eq!(awaited.expect("values"), [3, 4]);
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
    async fn late_tasks_of_many_are_killed_or_ignored_when_told_so() {
        for (on_timeout, end) in [(OnYieldTimeout::KillTask, "killed"), (OnYieldTimeout::Ignore, "normal")] {
            let mut tasks = [1, 3].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
            let late = actor(&tasks[1]);
            let outcomes = Task::yield_many(&mut tasks, 2 * SECOND).on_timeout(on_timeout).await;
            assert!(matches!(outcomes[..], [Some(Ok(1)), None]), "{outcomes:?}");
            assert_eq!(late.is_alive(), on_timeout == OnYieldTimeout::Ignore);
            let [_, task] = tasks;
            // Ignored, it goes on without its handle, and what it brings is for nobody.
            assert!(matches!(
                task.await_for(5 * SECOND).await,
                Err(TaskError::Taken | TaskError::Exited(_))
            ));
            assert_eq!(word(&late.exited().await), end);
        }
    }

    #[row("TASK-055", "TASK-059")]
    async fn yield_many_mixes_outcomes_in_the_order_of_the_tasks() {
        let tasks = || [2, 1, 4].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        let mut some = tasks();
        actor(&some[0]).kill();
        let outcomes = Task::yield_many(&mut some, 2 * SECOND).await;
        assert!(
            matches!(outcomes[..], [Some(Err(ExitReason::Killed)), Some(Ok(1)), None]),
            "{outcomes:?}"
        );
        let outcomes = Task::yield_many(&mut tasks(), None).await;
        assert!(
            matches!(outcomes[..], [Some(Ok(2)), Some(Ok(1)), Some(Ok(4))]),
            "{outcomes:?}"
        );
    }

    #[row("TASK-056", "TASK-057")]
    async fn yield_many_returns_when_it_has_as_many_outcomes_as_it_may() {
        let mut tasks = [2, 1, 1].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        let begin = Instant::now();
        let outcomes = Task::yield_many(&mut tasks, None).limit(1).await;
        assert_eq!(begin.elapsed(), SECOND);
        assert!(matches!(outcomes[..], [None, Some(Ok(1)), None]), "{outcomes:?}");
        let outcomes = Task::yield_many(&mut tasks, Duration::ZERO).limit(1).await;
        assert!(
            matches!(outcomes[..], [None, None, Some(Ok(1))]),
            "it was there all the time: {outcomes:?}"
        );
        let outcomes = Task::yield_many(&mut tasks, None).limit(9).await;
        assert!(matches!(outcomes[..], [Some(Ok(2)), None, None]), "{outcomes:?}");
    }

    fn one_or_kill(tasks: &mut [Task<u32>], timeout: Duration) -> YieldMany<'_, u32> {
        Task::yield_many(tasks, timeout)
            .limit(1)
            .on_timeout(OnYieldTimeout::KillTask)
    }

    #[row("TASK-058")]
    async fn reaching_the_limit_is_no_timeout() {
        let mut tasks = [1, 2].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        let rest = actor(&tasks[1]);
        let outcomes = one_or_kill(&mut tasks, SECOND * 3 / 2).await;
        assert!(matches!(outcomes[..], [Some(Ok(1)), None]), "{outcomes:?}");
        assert!(rest.is_alive());
        let outcomes = one_or_kill(&mut tasks, SECOND / 2).await;
        assert!(matches!(outcomes[..], [None, None]), "{outcomes:?}");
        assert_eq!(rest.exit_reason().as_ref().map(word), Some("killed"));
    }

    #[invariant]
    async fn yield_many_that_is_given_up_takes_nothing() {
        let mut tasks = [1, 3].map(|seconds| Task::async_linked(after(seconds * SECOND, seconds)));
        let ask = Task::yield_many(&mut tasks, None).into_future();
        assert!(timeout(2 * SECOND, ask).await.is_err());
        let outcomes = Task::yield_many(&mut tasks, None).await;
        assert!(matches!(outcomes[..], [Some(Ok(1)), Some(Ok(3))]), "{outcomes:?}");
    }
}
