//! Streams whose tasks are children of a supervisor: their place there, its limit, and that none is left behind.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod results {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use futures_util::{FutureExt as _, StreamExt as _};
    use hedgehog_core::{AnyActorRef, DynamicSupervisor, OnTimeout, StartError, Task, TaskError, TaskSupervisor};
    use hedgehog_tests::scenario::{INTENDED, settle};
    use tokio::time::sleep;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

    async fn take(millis: u64) -> u64 {
        sleep(Duration::from_millis(millis)).await;
        millis
    }

    async fn supervisor(limits: DynamicSupervisor) -> TaskSupervisor {
        TaskSupervisor::from(limits.start().await.expect("boot"))
    }

    async fn is_empty(tasks: &TaskSupervisor) -> bool {
        tasks.children().await.expect("children").is_empty()
    }

    async fn power(base: u64, exponent: u32) -> u64 {
        take(1).await;
        base.pow(exponent)
    }

    #[row("TSUP-027", "TSUP-045")]
    async fn items_are_given_to_a_named_function_before_its_other_arguments() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let stream = tasks.async_stream([1, 2, 3], |base| power(base, 2));
        assert_eq!(stream.try_collect::<_, Vec<u64>>().await.expect("values"), [1, 4, 9]);
    }

    #[row("TSUP-034")]
    async fn caller_of_each_supervised_item_is_whoever_consumes_the_stream() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let results = tasks.async_stream([1, 2], |_| async { Task::callers() }).run();
        let consumer = Task::async_linked(results.collect::<Vec<_>>());
        let pid = consumer.actor().map(AnyActorRef::pid).expect("it runs");
        for callers in consumer.await_for(None).await.expect("results") {
            assert_eq!(callers.expect("a value"), [pid]);
        }
    }

    #[row("TSUP-036", "TSUP-037")]
    async fn failed_items_of_supervised_tasks_come_back_with_their_errors() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let late = tasks
            .async_stream([100, 1], take)
            .timeout(Duration::from_millis(50))
            .on_timeout(OnTimeout::KillTask)
            .zip_input_on_exit();
        let results: Vec<_> = late.run().collect().await;
        assert!(
            matches!(results[..], [Err((100, TaskError::Timeout(_))), Ok(1)]),
            "{results:?}"
        );
        let failing = tasks.async_stream(1..=8, async |n: u64| panic!("{INTENDED}item {n}"));
        let results: Vec<Result<(), _>> = failing.zip_input_on_exit().run().take(4).collect().await;
        let inputs: Vec<_> = results
            .into_iter()
            .filter_map(Result::err)
            .map(|(input, _)| input)
            .collect();
        assert_eq!(inputs, [1, 2, 3, 4]);
        settle().await;
        assert!(is_empty(&tasks).await);
    }

    #[row("TSUP-026", "TSUP-028", "TSUP-029")]
    async fn results_of_supervised_tasks_keep_their_order() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let values: Vec<u64> = tasks
            .async_stream([90, 2, 3, 4], take)
            .max_concurrency(TWO)
            .try_collect()
            .await
            .expect("values");
        assert_eq!(values, [90, 2, 3, 4]);
        assert!(is_empty(&tasks).await);
    }

    #[row("TSUP-039", "TSUP-040", "TSUP-041")]
    async fn limit_of_children_that_covers_the_concurrency_is_never_met() {
        let tasks = supervisor(DynamicSupervisor::new().max_children(2)).await;
        let items = (0..40).map(|n| 40 - n);
        let stream = tasks.async_stream(items.clone(), take).max_concurrency(TWO);
        let values: Vec<u64> = stream
            .try_collect()
            .await
            .expect("a slot is free when its child is gone");
        assert_eq!(values, items.collect::<Vec<_>>());
        assert!(is_empty(&tasks).await);
    }

    #[row("TSUP-030", "TSUP-042")]
    async fn failing_tasks_are_results_and_leave_their_consumer_alone() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let results = tasks.async_stream([1, 2, 3], |n| async move {
            assert!(n == 2, "{INTENDED}not two");
            n
        });
        let results: Vec<_> = results.run().collect().await;
        assert!(
            matches!(
                results[..],
                [Err(TaskError::Exited(_)), Ok(2), Err(TaskError::Exited(_))]
            ),
            "{results:?}"
        );
    }

    #[row("TSUP-031", "TSUP-032")]
    async fn unused_tasks_leave_their_supervisor() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let mut results = tasks.async_stream([1, 900, 900], take).max_concurrency(TWO).run();
        assert!(matches!(results.next().await, Some(Ok(1))));
        drop(results);
        settle().await;
        assert!(is_empty(&tasks).await);
    }

    #[row("TSUP-043", "TSUP-044")]
    async fn stream_that_is_dropped_while_it_starts_tasks_leaves_none() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let mut results = tasks.async_stream([900, 900], take).max_concurrency(TWO).run();
        assert!(results.next().now_or_never().is_none());
        drop(results);
        settle().await;
        assert!(is_empty(&tasks).await);
    }

    #[row("TSUP-033", "TSUP-046")]
    async fn limit_of_children_ends_the_stream_and_its_tasks() {
        let tasks = supervisor(DynamicSupervisor::new().max_children(1)).await;
        let mut results = tasks.async_stream([900, 900, 900], take).max_concurrency(TWO).run();
        let refused = results.next().await;
        assert!(
            matches!(refused, Some(Err(TaskError::Start(StartError::MaxChildren { max: 1 })))),
            "{refused:?}"
        );
        assert!(results.next().await.is_none());
        settle().await;
        assert!(is_empty(&tasks).await);
    }

    #[row("TSUP-035")]
    async fn supervised_stream_is_consumed_elsewhere_than_it_was_built() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let results = tasks.async_stream([3, 4], take).run();
        let count = Task::async_linked(results.count());
        assert_eq!(count.await_for(None).await.expect("a count"), 2);
    }
}
