//! What a supervisor does when a restart itself fails.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod of_one_child {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use hedgehog_core::{ChildSpec, ExitReason, Restart, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{INTENDED, Journal, Latest, Probe, settle, word};
    use tokio::time::Instant;

    /// A supervisor that never gives up, over `first` (whose restarts fail without end) and `second`.
    async fn busy_with_retries(first: &Probe, second: &Probe) -> SupervisorRef {
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(usize::MAX);
        let sup = sup
            .child(first.spec())
            .child(second.spec())
            .start()
            .await
            .expect("boot");
        first.fail_starts(usize::MAX);
        first.crash().await;
        sup
    }

    #[row("SPEC-014")]
    async fn start_that_never_succeeds_is_tried_as_often_as_the_intensity_says() {
        for intensity in [1, 3, 10] {
            for panics in [false, true] {
                let a = Probe::new("a", &Journal::new());
                let (sup, child) = (Latest::new(), a.clone());
                let inner = Supervisor::spec("inner", move || {
                    Supervisor::new(Strategy::OneForOne)
                        .max_restarts(intensity)
                        .child(child.spec())
                });
                let outer =
                    Supervisor::new(Strategy::OneForOne).child(inner.restart(Restart::Temporary).via(sup.clone()));
                let _outer = outer.start().await.expect("boot");
                if panics {
                    a.panic_starts(usize::MAX);
                } else {
                    a.fail_starts(usize::MAX);
                }
                a.crash().await;
                assert_eq!(word(&sup.current().exited().await), "shutdown");
                assert_eq!(a.starts(), 1 + intensity, "panics: {panics}");
            }
        }
    }

    #[row("SPEC-014")]
    async fn factory_that_panics_is_a_start_that_failed() {
        let a = Probe::new("a", &Journal::new());
        let calls = Arc::new(AtomicUsize::new(0));
        let (probe, counted) = (a.clone(), Arc::clone(&calls));
        let spec = ChildSpec::worker("a", move || {
            let call = counted.fetch_add(1, Ordering::SeqCst);
            assert!(call == 0 || call == 3, "{INTENDED}the factory of a");
            probe.actor()
        });
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(spec.via(a.latest()))
            .start()
            .await
            .expect("boot");
        a.crash().await;
        settle().await;
        assert_eq!(
            calls.load(Ordering::SeqCst),
            4,
            "the start, and three restarts of which the last succeeds"
        );
        assert_eq!((a.starts(), a.alive()), (2, 1));
        assert!(sup.count_children().await.is_ok());
    }

    #[row("SPEC-015")]
    async fn calls_are_served_between_two_tries() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = busy_with_retries(&a, &b).await;
        let count = sup.count_children().await.expect("count");
        assert_eq!((count.specs, count.active), (2, 1), "a is restarting and not active");
        assert!(a.starts() > 1, "the tries go on");
        sup.terminate_child("a").await.expect("terminate");
        let tries = a.starts();
        settle().await;
        assert_eq!(a.starts(), tries, "the pending try is cancelled");
    }

    #[row("SPEC-015")]
    async fn exits_of_other_children_are_served_between_two_tries() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let _sup = busy_with_retries(&a, &b).await;
        b.crash().await;
        while b.starts() < 2 {
            tokio::task::yield_now().await;
        }
    }

    #[row("SPEC-015")]
    async fn stop_is_served_between_two_tries() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = busy_with_retries(&a, &b).await;
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        assert_eq!(b.exits(), ["shutdown"]);
    }

    #[row("SPEC-015")]
    async fn next_try_follows_without_delay() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(100);
        let _sup = sup.child(a.spec()).start().await.expect("boot");
        a.fail_starts(50);
        let begin = Instant::now();
        a.crash().await;
        settle().await;
        assert_eq!(a.starts(), 52);
        assert_eq!(
            begin.elapsed(),
            Duration::from_millis(1),
            "no time but that of settling"
        );
    }
}

#[suite]
pub(crate) mod of_groups {
    use std::time::Duration;

    use hedgehog_core::{ChildState, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    async fn three(strategy: Strategy, journal: &Journal) -> (SupervisorRef, [Probe; 3]) {
        let probes = ["a", "b", "c"].map(|name| Probe::new(name, journal));
        let sup = Supervisor::new(strategy).max_restarts(10);
        let sup = probes
            .iter()
            .fold(sup, |sup, probe| sup.child(probe.spec()))
            .start()
            .await
            .expect("boot");
        let _ = journal.take();
        (sup, probes)
    }

    #[row("SPEC-033")]
    async fn one_for_all_begins_again_from_the_first_child() {
        let journal = Journal::new();
        let (_sup, [a, b, _]) = three(Strategy::OneForAll, &journal).await;
        b.fail_starts(1);
        a.current().kill();
        settle().await;
        let first = "drop a, stop c, drop c, stop b, drop b, start a, fail b";
        assert_eq!(
            journal.take(),
            format!("{first}, stop a, drop a, start a, start b, start c")
        );
    }

    #[row("SPEC-033")]
    async fn rest_for_one_resumes_from_the_child_that_failed() {
        let journal = Journal::new();
        let (_sup, [a, b, _]) = three(Strategy::RestForOne, &journal).await;
        b.fail_starts(2);
        a.current().kill();
        settle().await;
        let first = "drop a, stop c, drop c, stop b, drop b, start a, fail b";
        assert_eq!(journal.take(), format!("{first}, fail b, start b, start c"));
    }

    #[row("SPEC-033")]
    async fn between_two_tries_earlier_children_run_and_later_ones_do_not() {
        for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
            let journal = Journal::new();
            let (sup, [a, b, c]) = three(strategy, &journal).await;
            b.fail_starts(1);
            // While c takes its time to stop, the question queues up in front of the retry.
            c.stop_takes(Duration::from_secs(1));
            a.current().kill();
            settle().await;
            let children = sup.which_children().await.expect("which_children");
            let mut states: Vec<_> = children
                .iter()
                .map(|child| (child.id.to_string(), child.state))
                .collect();
            states.sort_by(|x, y| x.0.cmp(&y.0));
            let expected = [
                ("a", ChildState::Running),
                ("b", ChildState::Restarting),
                ("c", ChildState::Stopped),
            ];
            assert_eq!(
                states,
                expected.map(|(id, state)| (id.to_owned(), state)),
                "{strategy:?}"
            );
            settle().await;
            assert_eq!([&a, &b, &c].map(Probe::alive), [1; 3]);
        }
    }
}
