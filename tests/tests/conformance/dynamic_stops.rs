//! How the children of a dynamic supervisor are stopped, with it and by themselves.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod with_the_supervisor {
    use std::time::Duration;

    use hedgehog_core::{DynamicSupervisor, ExitReason, Registry, Shutdown, Strategy, Supervisor, Task};
    use hedgehog_tests::scenario::{Journal, Probe};
    use tokio::time::Instant;

    /// Starts each probe with its shutdown, stops the supervisor, and tells the reasons of the probes.
    async fn exits_of<const N: usize>(probes: &[Probe; N], shutdowns: [Shutdown; N]) -> [&'static str; N] {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for (probe, shutdown) in probes.iter().zip(shutdowns) {
            sup.start_child(probe.spec().shutdown(shutdown)).await.expect("start");
        }
        sup.stop(ExitReason::Shutdown).await;
        probes.each_ref().map(|probe| {
            assert_eq!((probe.alive(), probe.starts()), (0, 1));
            let exits = probe.exits();
            assert_eq!(exits.len(), 1);
            exits[0]
        })
    }

    fn three() -> [Probe; 3] {
        let journal = Journal::new();
        ["a", "b", "c"].map(|name| Probe::new(name, &journal))
    }

    const SECOND: Shutdown = Shutdown::Timeout(Duration::from_secs(1));

    #[row("DSUP-029")]
    async fn deadline_of_no_time_and_of_almost_none_are_legal() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for millis in [0, 1] {
            let a = Probe::new("a", &Journal::new());
            let shutdown = Shutdown::Timeout(Duration::from_millis(millis));
            let child = sup.start_child(a.spec().shutdown(shutdown)).await.expect("start");
            sup.terminate_child(&child).await.expect("terminate");
            assert_eq!(a.alive(), 0);
        }
    }

    #[row("DSUP-031")]
    async fn brutal_kill_ends_them_killed() {
        assert_eq!(exits_of(&three(), [Shutdown::BrutalKill; 3]).await, ["killed"; 3]);
    }

    #[row("DSUP-032")]
    async fn shutdown_without_a_deadline_ends_them_with_shutdown() {
        assert_eq!(exits_of(&three(), [Shutdown::Infinity; 3]).await, ["shutdown"; 3]);
    }

    #[row("DSUP-033")]
    async fn own_reason_is_kept_without_a_deadline() {
        let probes = three();
        probes[1].stop_with(ExitReason::ShutdownWith("own".into()));
        let exits = exits_of(&probes, [Shutdown::Infinity; 3]).await;
        assert_eq!(exits, ["shutdown", "shutdown with detail", "shutdown"]);
    }

    #[row("DSUP-034")]
    async fn shutdown_in_time_ends_them_with_shutdown() {
        let probes = three();
        probes[1].stop_takes(Duration::from_millis(900));
        assert_eq!(exits_of(&probes, [SECOND; 3]).await, ["shutdown"; 3]);
    }

    #[row("DSUP-035")]
    async fn own_reason_is_kept_within_a_deadline() {
        let probes = three();
        probes[0].stop_with(ExitReason::ShutdownWith("own".into()));
        let error: Box<dyn std::error::Error + Send + Sync> = "broken".into();
        probes[2].stop_with(ExitReason::Error(error.into()));
        assert_eq!(
            exits_of(&probes, [SECOND; 3]).await,
            ["shutdown with detail", "shutdown", "error"]
        );
    }

    #[row("DSUP-036")]
    async fn deadline_that_passes_concerns_only_the_child_that_missed_it() {
        let probes = three();
        probes[1].stop_takes(Duration::from_secs(10));
        let millisecond = Shutdown::Timeout(Duration::from_millis(1));
        assert_eq!(
            exits_of(&probes, [millisecond; 3]).await,
            ["shutdown", "killed", "shutdown"]
        );
    }

    #[row("DSUP-037")]
    async fn permanent_child_that_ends_normally_meanwhile_is_not_restarted() {
        let probes = three();
        probes[1].stop_with(ExitReason::Normal);
        assert_eq!(exits_of(&probes, [SECOND; 3]).await, ["shutdown", "normal", "shutdown"]);
    }

    #[row("DSUP-038")]
    async fn each_is_stopped_in_its_own_way() {
        let probes = three();
        let exits = exits_of(&probes, [Shutdown::Infinity, Shutdown::BrutalKill, Shutdown::Infinity]).await;
        assert_eq!(exits, ["shutdown", "killed", "shutdown"]);
    }

    #[row("DSUP-045")]
    async fn all_together_take_as_long_as_the_slowest() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for (name, millis) in [("a", 300), ("b", 100), ("c", 500), ("d", 300)] {
            let probe = Probe::new(name, &journal);
            probe.stop_takes(Duration::from_millis(millis));
            sup.start_child(probe.spec()).await.expect("start");
        }
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(500));
        assert_eq!(journal.take_only(&["stop"]), "stop b, stop a, stop d, stop c");
    }

    /// How long it takes to stop so many children that have names.
    async fn stop_of(many: u32) -> Duration {
        let registry = Registry::<u32, _>::unique("names");
        let root = Supervisor::new(Strategy::OneForOne).child(registry.spec("registry"));
        let root = root.start().await.expect("boot");
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for key in 0..many {
            let child = Task::spec("named", std::future::pending::<Result<(), String>>).via(registry.via(key));
            sup.start_child(child.shutdown(Shutdown::Infinity))
                .await
                .expect("start");
        }
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        let took = begin.elapsed();
        assert_eq!(registry.count(), 0);
        root.stop(ExitReason::Shutdown).await;
        took
    }

    #[invariant(real_time)]
    async fn each_of_many_costs_no_more_than_each_of_few() {
        let few = stop_of(1_000).await.min(stop_of(1_000).await);
        let many = stop_of(16_000).await;
        // Were it quadratic, it would be 256 times.
        assert!(many < few * 16 * 5, "{few:?} for 1000 and {many:?} for 16000");
    }
}

#[suite]
pub(crate) mod by_themselves {
    use std::time::Duration;

    use hedgehog_core::{DynamicSupervisor, Shutdown, TerminateError};
    use hedgehog_tests::scenario::{Journal, Probe, settle};
    use tokio::time::Instant;

    #[row("DSUP-039", "DSUP-040")]
    async fn terminated_child_is_dead_when_the_answer_comes_and_forgotten() {
        for (shutdown, exit, takes) in [
            (Shutdown::BrutalKill, "killed", 0),
            (Shutdown::Timeout(Duration::from_secs(1)), "shutdown", 600),
        ] {
            let a = Probe::new("a", &Journal::new());
            a.stop_takes(Duration::from_millis(600));
            let sup = DynamicSupervisor::new().start().await.expect("boot");
            let child = sup.start_child(a.spec().shutdown(shutdown)).await.expect("start");
            let begin = Instant::now();
            assert_eq!(sup.terminate_child(&child).await, Ok(()));
            assert_eq!(begin.elapsed(), Duration::from_millis(takes));
            assert_eq!((a.alive(), a.exits()), (0, vec![exit]));
            assert_eq!(
                sup.terminate_child(&child).await,
                Err(TerminateError::NotFound {
                    child: child.pid().to_string()
                })
            );
            let count = sup.count_children().await.expect("it runs");
            assert_eq!((count.specs, count.active), (0, 0));
        }
    }

    #[row("DSUP-041")]
    async fn child_in_the_restart_loop_is_terminated_by_its_old_reference() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new()
            .max_restarts(usize::MAX)
            .start()
            .await
            .expect("boot");
        let old = sup.start_child(a.spec()).await.expect("start");
        a.fail_starts(usize::MAX);
        a.crash().await;
        while a.starts() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sup.terminate_child(&old).await, Ok(()));
        let tries = a.starts();
        assert_eq!(
            sup.terminate_child(&old).await,
            Err(TerminateError::NotFound {
                child: old.pid().to_string()
            })
        );
        a.fail_starts(0);
        settle().await;
        assert_eq!(
            (a.starts(), a.alive()),
            (tries, 0),
            "the retry that was queued finds nothing"
        );
        let count = sup.count_children().await.expect("it runs");
        assert_eq!((count.specs, count.active), (0, 0));
    }
}
