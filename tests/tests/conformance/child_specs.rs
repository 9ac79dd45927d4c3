//! What a child spec says by default, and what an explicit word changes.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod defaults {
    use std::time::Duration;

    use hedgehog_core::{ChildSpec, ExitReason, Shutdown, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Probe, settle};
    use tokio::time::Instant;

    const MINUTE: Duration = Duration::from_mins(1);

    #[row("SPEC-001")]
    async fn child_is_a_permanent_worker_made_anew_by_its_factory_for_every_start() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        let (log, probe) = (journal.clone(), a.clone());
        let spec = ChildSpec::worker("a", move || {
            log.record("factory a");
            probe.actor()
        });
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(spec.via(a.latest()))
            .start()
            .await
            .expect("boot");
        a.exit(ExitReason::Normal).await;
        settle().await;
        assert_eq!(journal.take(), "factory a, start a, stop a, drop a, factory a, start a");
        let count = sup.count_children().await.expect("count");
        assert_eq!((count.workers, count.supervisors), (1, 0));
    }

    #[row("SPEC-001")]
    async fn worker_has_five_seconds_to_shut_down() {
        for (takes, exit) in [(4_900, "shutdown"), (5_100, "killed")] {
            let journal = Journal::new();
            let a = Probe::new("a", &journal);
            a.stop_takes(Duration::from_millis(takes));
            let sup = Supervisor::new(Strategy::OneForOne)
                .child(a.spec())
                .start()
                .await
                .expect("boot");
            let begin = Instant::now();
            sup.stop(ExitReason::Shutdown).await;
            assert_eq!(a.exits(), [exit], "a cleanup of {takes} ms");
            assert_eq!(begin.elapsed().as_millis(), u128::from(takes.min(5_000)));
        }
    }

    #[row("SPEC-001")]
    async fn supervisor_has_no_limit_to_shut_down() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        a.stop_takes(10 * MINUTE);
        let child = a.clone();
        let inner = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).child(child.spec().shutdown(Shutdown::Infinity))
        });
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(inner)
            .start()
            .await
            .expect("boot");
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(journal.take(), "start a, stop a, drop a");
        assert_eq!(begin.elapsed(), 10 * MINUTE);
    }

    #[row("SPEC-001")]
    async fn two_children_with_one_id_are_refused_before_anything_starts() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let twin = Probe::new("a", &journal);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .child(b.spec())
            .child(twin.spec());
        let error = sup.start().await.expect_err("an id twice");
        assert!(
            matches!(&error, StartError::DuplicateId { id } if id == "a"),
            "{error:?}"
        );
        settle().await;
        assert_eq!(journal.take(), "");
    }

    #[row("SPEC-002")]
    async fn explicit_shutdown_wins_over_the_default_of_the_kind() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        a.stop_takes(MINUTE);
        b.stop_takes(MINUTE);
        let child = b.clone();
        let inner = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).child(child.spec().shutdown(Shutdown::Infinity))
        });
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec().shutdown(Shutdown::Infinity))
            .child(inner.shutdown(Shutdown::Timeout(Duration::from_millis(100))))
            .start()
            .await
            .expect("boot");
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(100) + MINUTE);
        assert_eq!(a.exits(), ["shutdown"], "a worker may have for ever");
        assert_eq!(
            b.exits(),
            ["killed"],
            "a supervisor may have 100 ms, and its children die with it"
        );
    }
}
