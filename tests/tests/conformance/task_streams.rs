//! Many tasks of a kind: order, concurrency, timeouts, and what is left when the consumer has enough.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod results {
    use std::num::NonZeroUsize;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use hedgehog_core::{AnyActorRef, ExitReason, OnTimeout, Task, TaskError};
    use hedgehog_tests::scenario::{INTENDED, settle};
    use tokio::time::{Instant, sleep};

    /// What a task does with an item: it takes so many milliseconds and gives them back.
    async fn take(millis: u64) -> u64 {
        sleep(Duration::from_millis(millis)).await;
        millis
    }

    async fn fail(n: u64) -> u64 {
        assert!(n.is_multiple_of(2), "{INTENDED}odd");
        n
    }

    fn at_a_time(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).expect("not zero")
    }

    /// Results in words.
    fn words(results: Vec<Result<u64, TaskError>>) -> Vec<String> {
        let word = |result| match result {
            Ok(value) => format!("{value}"),
            Err(TaskError::Timeout(_)) => "timeout".to_owned(),
            Err(TaskError::Exited(ExitReason::Panic(_))) => "panic".to_owned(),
            Err(other) => other.to_string(),
        };
        results.into_iter().map(word).collect()
    }

    #[row("TASK-095", "TASK-096", "TASK-098")]
    async fn results_keep_the_order_of_the_items_at_any_concurrency() {
        for concurrency in [2, 4, 6] {
            let stream = Task::async_stream([400, 300, 20, 10], take).max_concurrency(at_a_time(concurrency));
            let values: Vec<u64> = stream.try_collect().await.expect("values");
            assert_eq!(values, [400, 300, 20, 10], "{concurrency} at a time");
        }
    }

    #[row("TASK-085")]
    async fn unordered_results_come_as_they_are_ready() {
        for (concurrency, expected) in [(1, [30, 20, 10]), (3, [10, 20, 30])] {
            let stream = Task::async_stream([30, 20, 10], take)
                .max_concurrency(at_a_time(concurrency))
                .unordered();
            let values: Vec<u64> = stream.try_collect().await.expect("values");
            assert_eq!(values, expected, "{concurrency} at a time");
        }
    }

    #[row("TASK-084")]
    async fn timeout_ends_the_stream_and_kills_the_rest() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let mut results = Task::async_stream([1, 60_000, 70_000], move |millis| {
            let held = Arc::clone(&held);
            async move {
                let value = take(millis).await;
                drop(held);
                value
            }
        })
        .max_concurrency(at_a_time(3))
        .run();
        let begin = Instant::now();
        assert!(matches!(results.next().await, Some(Ok(1))));
        assert!(matches!(results.next().await, Some(Err(TaskError::Timeout(_)))));
        assert_eq!(begin.elapsed(), Duration::from_secs(5), "the default");
        assert!(results.next().await.is_none());
        drop(results);
        settle().await;
        assert_eq!(Arc::strong_count(&alive), 1, "no task is left");
    }

    #[row("TASK-086", "TASK-114")]
    async fn timed_out_task_can_be_one_result_among_others() {
        for (unordered, expected) in [
            (false, ["timeout", "1", "timeout", "2"]),
            (true, ["1", "2", "timeout", "timeout"]),
        ] {
            let stream = Task::async_stream([100, 1, 100, 2], take)
                .max_concurrency(at_a_time(4))
                .timeout(Duration::from_millis(50))
                .on_timeout(OnTimeout::KillTask);
            let stream = if unordered { stream.unordered() } else { stream };
            assert_eq!(words(stream.run().collect().await), expected);
        }
    }

    #[row("TASK-087")]
    async fn task_may_take_as_long_as_it_likes() {
        let stream = Task::async_stream([86_400_000], take).timeout(None);
        assert_eq!(
            stream.try_collect::<_, Vec<u64>>().await.expect("a value"),
            [86_400_000]
        );
    }

    #[row("TASK-117")]
    async fn timeout_counts_from_the_start_of_each_task() {
        let stream = Task::async_stream([60, 60, 60], take)
            .max_concurrency(at_a_time(1))
            .timeout(Duration::from_millis(100));
        assert_eq!(stream.try_collect::<_, Vec<u64>>().await.expect("values"), [60; 3]);
    }

    #[row("TASK-093", "TASK-123")]
    async fn stream_is_consumed_elsewhere_than_it_was_built() {
        let results = Task::async_stream([7, 20, 20], take).run();
        let sum = Task::async_linked(results.fold(0, |sum, value| async move { sum + value.expect("a value") }));
        assert_eq!(sum.await_for(None).await.expect("the sum"), 47);
    }

    #[row("TASK-094", "TASK-118")]
    async fn nothing_runs_and_no_item_is_pulled_before_there_is_a_slot() {
        let pulled = AtomicUsize::new(0);
        let items = (1..).inspect(|_| {
            pulled.fetch_add(1, Ordering::Relaxed);
        });
        let mut results = Task::async_stream(items, take).max_concurrency(at_a_time(2)).run();
        settle().await;
        assert_eq!(pulled.load(Ordering::Relaxed), 0);
        assert!(matches!(results.next().await, Some(Ok(1))));
        assert_eq!(pulled.load(Ordering::Relaxed), 2);
        assert!(matches!(results.next().await, Some(Ok(2))));
        assert_eq!(pulled.load(Ordering::Relaxed), 3);
    }

    #[row("TASK-097")]
    async fn nothing_is_left_of_a_stream_that_was_consumed() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let results = Task::async_stream([3, 2, 1], move |millis| {
            let held = Arc::clone(&held);
            async move { (take(millis).await, held).0 }
        })
        .run();
        assert_eq!(words(results.collect().await), ["3", "2", "1"]);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[row("TASK-088")]
    async fn least_concurrency_is_one() {
        // Zero has no value of this type: it is refused before there is a stream.
        let one: NonZeroUsize = NonZeroUsize::MIN;
        let begin = Instant::now();
        let stream = Task::async_stream([10, 10], take).max_concurrency(one);
        assert_eq!(stream.try_collect::<_, Vec<u64>>().await.expect("values"), [10, 10]);
        assert_eq!(begin.elapsed(), Duration::from_millis(20), "one after the other");
    }

    #[row("TASK-092")]
    async fn caller_of_each_item_is_whoever_consumes_the_stream() {
        let results = Task::async_stream([1, 2], |_| async { Task::callers() }).run();
        let consumer = Task::async_linked(results.collect::<Vec<_>>());
        let pid = consumer.actor().map(AnyActorRef::pid).expect("it runs");
        for callers in consumer.await_for(None).await.expect("results") {
            assert_eq!(callers.expect("a value"), [pid]);
        }
    }

    #[row("TASK-099")]
    async fn slow_head_holds_up_results_but_not_starts() {
        let running = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let seen = Arc::clone(&running);
        let begin = Instant::now();
        let stream = Task::async_stream([1000, 300, 300, 300], move |millis| {
            let seen = Arc::clone(&seen);
            async move {
                let now = seen.0.fetch_add(1, Ordering::Relaxed) + 1;
                seen.1.fetch_max(now, Ordering::Relaxed);
                let value = take(millis).await;
                seen.0.fetch_sub(1, Ordering::Relaxed);
                value
            }
        })
        .max_concurrency(at_a_time(2));
        let values: Vec<u64> = stream.try_collect().await.expect("values");
        assert_eq!(values, [1000, 300, 300, 300]);
        assert_eq!(
            begin.elapsed(),
            Duration::from_secs(1),
            "the others ran beside the first"
        );
        assert_eq!(running.1.load(Ordering::Relaxed), 2, "the peak");
    }

    #[row("TASK-100", "TASK-106", "TASK-107")]
    async fn failing_tasks_are_results_in_their_place() {
        for concurrency in [2, 4, 6] {
            let stream = Task::async_stream((1..).take(4), fail).max_concurrency(at_a_time(concurrency));
            assert_eq!(words(stream.run().collect().await), ["panic", "2", "panic", "4"]);
        }
    }

    #[row("TASK-108")]
    async fn input_may_be_limited_before_a_slow_head() {
        let stream = Task::async_stream([900, 3, 2, 1, 5, 6].into_iter().take(4), take).max_concurrency(at_a_time(4));
        assert_eq!(words(stream.run().collect().await), ["900", "3", "2", "1"]);
    }

    #[row("TASK-101", "TASK-102")]
    async fn tasks_nobody_waits_for_are_killed() {
        for concurrency in [2, 4, 6] {
            let alive = Arc::new(());
            let held = Arc::clone(&alive);
            let mut results = Task::async_stream([1, 900, 900, 900], move |millis| {
                let held = Arc::clone(&held);
                async move {
                    let value = take(millis).await;
                    drop(held);
                    value
                }
            })
            .max_concurrency(at_a_time(concurrency))
            .run();
            assert!(matches!(results.next().await, Some(Ok(1))));
            drop(results);
            settle().await;
            assert_eq!(Arc::strong_count(&alive), 1, "no task is left");
        }
    }

    #[row("TASK-119")]
    async fn tasks_end_with_the_consumer_of_their_stream() {
        for end in [AnyActorRef::kill, |consumer: &AnyActorRef| {
            consumer.stop(ExitReason::Shutdown);
        }] {
            let alive = Arc::new(());
            let held = Arc::clone(&alive);
            let endless = move |()| {
                let held = Arc::clone(&held);
                async move { (std::future::pending::<()>().await, held).0 }
            };
            let results = Task::async_stream([(), ()], endless).timeout(None).run();
            let consumer = Task::async_linked(results.count());
            settle().await;
            assert!(Arc::strong_count(&alive) > 2, "both run");
            end(consumer.actor().expect("it runs"));
            settle().await;
            assert_eq!(Arc::strong_count(&alive), 1, "no task is left");
        }
    }

    #[row("TASK-115", "TASK-116")]
    async fn failed_items_come_back_with_their_errors() {
        for concurrency in [2, 4, 6] {
            let concurrency = at_a_time(concurrency);
            let late = Task::async_stream([100, 1, 100, 1], take)
                .max_concurrency(concurrency)
                .timeout(Duration::from_millis(50))
                .on_timeout(OnTimeout::KillTask)
                .zip_input_on_exit();
            let results: Vec<_> = late.run().collect().await;
            assert!(
                matches!(
                    results[..],
                    [
                        Err((100, TaskError::Timeout(_))),
                        Ok(1),
                        Err((100, TaskError::Timeout(_))),
                        Ok(1)
                    ]
                ),
                "{results:?}"
            );
            let failing = Task::async_stream([1, 3, 5, 7, 9, 11], fail).max_concurrency(concurrency);
            let results: Vec<_> = failing.zip_input_on_exit().run().take(4).collect().await;
            for (result, item) in results.into_iter().zip([1, 3, 5, 7]) {
                assert!(
                    matches!(result, Err((input, TaskError::Exited(ExitReason::Panic(_)))) if input == item),
                    "{result:?}"
                );
            }
        }
    }

    #[row("TASK-103", "TASK-104", "TASK-105")]
    async fn two_streams_are_consumed_in_turn() {
        let slowest_first = || Task::async_stream([40, 1, 2], take).max_concurrency(at_a_time(4)).run();
        let (mut one, mut other) = (slowest_first(), slowest_first());
        for expected in [40, 1, 2] {
            assert!(matches!(one.next().await, Some(Ok(value)) if value == expected));
            assert!(matches!(other.next().await, Some(Ok(value)) if value == expected));
        }
        let failing = || Task::async_stream(1..=4, fail).max_concurrency(at_a_time(2)).run();
        let pairs: Vec<_> = failing().zip(failing()).collect().await;
        let (one, other) = pairs.into_iter().unzip();
        assert_eq!([words(one), words(other)], [["panic", "2", "panic", "4"]; 2]);
    }

    #[row("TASK-109", "TASK-110", "TASK-111")]
    async fn consumer_takes_as_many_results_as_it_wants() {
        for concurrency in [2, 4, 6] {
            let concurrency = at_a_time(concurrency);
            let some = Task::async_stream(1..=8, fail)
                .max_concurrency(concurrency)
                .run()
                .take(4);
            assert_eq!(words(some.collect().await), ["panic", "2", "panic", "4"]);
            let slow = Task::async_stream([900, 3, 2, 1, 5, 6], take);
            let some = slow.max_concurrency(concurrency).run().take(4);
            assert_eq!(words(some.collect().await), ["900", "3", "2", "1"]);
        }
    }

    #[row("TASK-112", "TASK-113")]
    async fn input_and_results_are_dropped_when_the_consumer_has_enough() {
        let alive = Arc::new(());
        let (input, output) = (Arc::clone(&alive), Arc::clone(&alive));
        let items = (1..9).inspect(move |_| drop(Arc::clone(&input)));
        let results = Task::async_stream(items, take)
            .run()
            .inspect(move |_| drop(Arc::clone(&output)));
        assert_eq!(results.take(1).count().await, 1);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
