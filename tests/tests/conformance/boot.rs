//! How a supervisor starts its children, and what happens when one of them does not start.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod sequence {
    use std::time::Duration;

    use hedgehog_core::{ChildSpec, Restart, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};
    use tokio::time::Instant;

    /// A spec whose factory writes `factory NAME` into the journal.
    fn announced(probe: &Probe, name: &'static str, journal: &Journal) -> ChildSpec<Command> {
        let (probe, journal) = (probe.clone(), journal.clone());
        ChildSpec::worker(name, move || {
            journal.record(format!("factory {name}"));
            probe.actor()
        })
    }

    #[row("SPEC-016")]
    async fn supervisor_answers_nothing_while_a_child_starts_and_its_callers_wait_without_a_deadline() {
        let slow = Probe::new("slow", &Journal::new());
        slow.start_takes(Duration::from_hours(1));
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let begin = Instant::now();
        let starter = tokio::spawn({
            let (sup, spec) = (sup.clone(), slow.spec());
            async move { sup.start_child(spec).await }
        });
        settle().await;
        assert_eq!(slow.starts(), 1, "its start is under way");
        let count = sup.count_children().await.expect("count");
        assert_eq!(begin.elapsed(), Duration::from_hours(1));
        assert_eq!(count.active, 1);
        assert!(starter.await.expect("the starter's task").is_ok());
    }

    #[row("SPEC-017")]
    async fn children_start_one_after_another_and_start_returns_after_the_last() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        a.start_takes(Duration::from_secs(10));
        b.start_takes(Duration::from_secs(20));
        let begin = Instant::now();
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(announced(&a, "a", &journal))
            .child(announced(&b, "b", &journal))
            .child(announced(&c, "c", &journal))
            .start()
            .await
            .expect("boot");
        journal.record("started");
        assert_eq!(
            journal.take(),
            "factory a, start a, factory b, start b, factory c, start c, started"
        );
        assert_eq!(begin.elapsed(), Duration::from_secs(30));
    }

    #[row("SPEC-020", "SUP-004")]
    async fn child_that_declines_to_start_is_no_failure() {
        let journal = Journal::new();
        let [a, kept, dropped, b] = ["a", "kept", "dropped", "b"].map(|name| Probe::new(name, &journal));
        kept.decline_starts(1);
        dropped.decline_starts(1);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .child(kept.spec())
            .child(dropped.spec().restart(Restart::Temporary))
            .child(b.spec())
            .start()
            .await
            .expect("boot");
        assert_eq!(journal.take(), "start a, decline kept, decline dropped, start b");
        let count = sup.count_children().await.expect("count");
        assert_eq!(
            (count.specs, count.active),
            (3, 2),
            "the spec of a temporary child is dropped"
        );
        settle().await;
        assert_eq!(journal.take(), "", "nobody tries again");
    }
}

#[suite]
pub(crate) mod failure {
    use std::time::Duration;

    use hedgehog_core::{Restart, Shutdown, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Latest, Probe, settle, word};

    #[row("SPEC-018")]
    async fn failed_child_stops_those_before_it_in_reverse_order_and_those_after_it_never_start() {
        let journal = Journal::new();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| Probe::new(name, &journal));
        c.fail_starts(1);
        a.stop_takes(Duration::from_secs(4));
        b.stop_takes(Duration::from_secs(4));
        let error = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .child(b.spec().shutdown(Shutdown::Timeout(Duration::from_secs(1))))
            .child(c.spec())
            .child(d.spec())
            .start()
            .await
            .expect_err("c fails");
        assert_eq!(journal.take(), "start a, start b, fail c, drop b, stop a, drop a");
        assert_eq!([&a, &b].map(Probe::exits), [["shutdown"], ["killed"]]);
        let StartError::FailedToStartChild { id, source, .. } = error else {
            panic!("unexpected: {error:?}")
        };
        assert_eq!(id, "c");
        assert!(
            matches!(&*source, StartError::Failed(cause) if cause.to_string() == "c fails to start"),
            "{source:?}"
        );
        settle().await;
        assert_eq!(d.starts(), 0);
    }

    #[row("SPEC-018")]
    async fn supervisor_that_fails_to_boot_exits_with_shutdown_and_tells_which_child() {
        let (sup, a) = (Latest::new(), Probe::new("a", &Journal::new()));
        a.fail_starts(1);
        let child = a.clone();
        let inner = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).child(child.spec())
        });
        let outer = Supervisor::new(Strategy::OneForOne).child(inner.via(sup.clone()));
        let error = outer.start().await.expect_err("a fails");
        let chain = format!("{:#}", anyhow::Error::from(error));
        let (inner, a) = (chain.find("inner"), chain.find("child a"));
        assert!(
            inner.is_some() && a > inner && chain.ends_with("a fails to start"),
            "{chain}"
        );
        let reason = sup.current().exited().await;
        assert_eq!(word(&reason), "shutdown with detail");
        assert!(reason.to_string().contains("child a"), "{reason}");
    }

    #[row("SPEC-019")]
    async fn nothing_is_tried_again_at_boot_whatever_the_restart_type() {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let a = Probe::new("a", &Journal::new());
            a.fail_starts(1);
            let sup = Supervisor::new(Strategy::OneForOne)
                .max_restarts(10)
                .child(a.spec().restart(restart));
            assert!(sup.start().await.is_err(), "{restart:?}");
            settle().await;
            assert_eq!(a.starts(), 1, "{restart:?}");
        }
    }
}
