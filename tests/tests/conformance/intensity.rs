//! How many restarts a supervisor bears, and what it does when they are too many.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod window {
    use std::time::Duration;

    use hedgehog_core::{DynamicSupervisor, ExitReason, Restart, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Journal, Probe, settle};
    use tokio::time::{self, Instant};

    const WINDOW: Duration = Duration::from_secs(5);

    async fn one_child(max_restarts: usize) -> (SupervisorRef, Probe) {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(max_restarts)
            .max_seconds(WINDOW);
        (sup.child(a.spec()).start().await.expect("boot"), a)
    }

    /// Crashes `probe` at exactly `at`; whether it came back.
    async fn crash_at(probe: &Probe, at: Instant) -> bool {
        time::advance(at - Instant::now()).await;
        let starts = probe.starts();
        probe.crash().await;
        settle().await;
        probe.starts() > starts
    }

    #[row("SPEC-004")]
    async fn supervisor_bears_three_restarts_in_five_seconds_by_default() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        for _ in 0..3 {
            a.crash().await;
            settle().await;
        }
        assert_eq!(a.starts(), 4);
        time::advance(Duration::from_millis(6_500)).await;
        for _ in 0..3 {
            a.crash().await;
            settle().await;
        }
        assert_eq!(a.starts(), 7, "after five seconds the first three are forgotten");
        time::advance(Duration::from_millis(4_500)).await;
        a.crash().await;
        settle().await;
        assert_eq!(a.starts(), 7, "within five seconds they are not");
        assert!(sup.count_children().await.is_err(), "the supervisor has given up");
    }

    #[row("SPEC-004")]
    async fn dynamic_supervisor_bears_three_restarts_in_five_seconds_and_any_number_of_children_by_default() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let probes: Vec<_> = (0..1_000).map(|_| Probe::new("a", &journal)).collect();
        for probe in &probes {
            sup.start_child(probe.spec()).await.expect("room for another child");
        }
        assert_eq!(sup.count_children().await.expect("count").active, 1_000);
        for probe in &probes[..3] {
            probe.crash().await;
            settle().await;
            assert_eq!(probe.starts(), 2);
        }
        probes[3].crash().await;
        settle().await;
        assert_eq!(probes[3].starts(), 1);
        assert!(sup.count_children().await.is_err(), "the supervisor has given up");
        assert!(probes.iter().all(|probe| probe.alive() == 0));
    }

    #[row("SPEC-006")]
    async fn restart_exactly_as_old_as_the_window_still_counts() {
        let (_sup, a) = one_child(1).await;
        let first = Instant::now() + Duration::from_secs(1);
        assert!(crash_at(&a, first).await);
        assert!(!crash_at(&a, first + WINDOW).await);
    }

    #[row("SPEC-006")]
    async fn window_slides_and_the_new_restart_counts_itself() {
        let (_sup, a) = one_child(2).await;
        let first = Instant::now() + Duration::from_secs(1);
        let after = |milliseconds| first + Duration::from_millis(milliseconds);
        assert!(crash_at(&a, first).await);
        assert!(crash_at(&a, after(4_000)).await, "two within the window are two");
        assert!(crash_at(&a, after(6_500)).await, "the first has left the window");
        assert!(
            !crash_at(&a, after(7_000)).await,
            "the second has not: with this one there are three"
        );
    }

    #[row("SPEC-007")]
    async fn window_is_the_same_in_every_phase_of_a_second() {
        for phase in [0, 1, 250, 500, 750, 999] {
            let phase = Duration::from_millis(phase);
            let (_sup, a) = one_child(1).await;
            let first = Instant::now() + Duration::from_secs(1) + phase;
            assert!(crash_at(&a, first).await);
            assert!(
                !crash_at(&a, first + WINDOW - Duration::from_millis(50)).await,
                "inside of the window, {phase:?}"
            );

            let (_sup, a) = one_child(1).await;
            let first = Instant::now() + Duration::from_secs(1) + phase;
            assert!(crash_at(&a, first).await);
            assert!(
                crash_at(&a, first + WINDOW + Duration::from_millis(1_050)).await,
                "outside of it, {phase:?}"
            );
        }
    }

    #[row("SPEC-008")]
    async fn crashes_wider_apart_than_the_window_go_on_for_ever() {
        let (_sup, a) = one_child(1).await;
        for _ in 0..200 {
            assert!(crash_at(&a, Instant::now() + WINDOW + Duration::from_millis(1_500)).await);
        }
        assert_eq!(a.starts(), 201);
    }

    #[row("SPEC-009")]
    async fn group_restart_is_one_restart() {
        let journal = Journal::new();
        for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
            let probes = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
            let sup = Supervisor::new(strategy).max_restarts(2).max_seconds(WINDOW);
            let sup = probes.iter().fold(sup, |sup, probe| sup.child(probe.spec()));
            let _sup = sup.start().await.expect("boot");
            for starts in [2, 3] {
                probes[0].crash().await;
                settle().await;
                assert_eq!(probes.each_ref().map(Probe::starts), [starts; 3], "{strategy:?}");
            }
            probes[0].crash().await;
            settle().await;
            assert_eq!(
                probes.each_ref().map(Probe::alive),
                [0; 3],
                "a third is one too many, {strategy:?}"
            );
        }
    }

    #[row("SPEC-009")]
    async fn only_automatic_restarts_count() {
        let journal = Journal::new();
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(0)
            .start()
            .await
            .expect("boot");
        for _ in 0..3 {
            let [temporary, transient, stopped, failing] =
                ["temporary", "transient", "stopped", "failing"].map(|name| Probe::new(name, &journal));
            sup.start_child(temporary.spec().restart(Restart::Temporary))
                .await
                .expect("start");
            temporary.crash().await;
            sup.start_child(stopped.spec().restart(Restart::Temporary))
                .await
                .expect("start");
            sup.terminate_child("stopped").await.expect("terminate");
            failing.fail_starts(1);
            sup.start_child(failing.spec()).await.expect_err("a start that fails");
            // Its id stays taken once it has finished, so only the first round starts it.
            if sup
                .start_child(transient.spec().restart(Restart::Transient))
                .await
                .is_ok()
            {
                transient.exit(ExitReason::Normal).await;
            }
            settle().await;
        }
        assert!(sup.count_children().await.is_ok(), "nothing of this is a restart");
    }

    #[row("SPEC-010")]
    async fn all_children_of_a_supervisor_share_one_window() {
        let journal = Journal::new();
        let probes = ["a", "b", "c", "d"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::OneForOne);
        let sup = probes
            .iter()
            .fold(sup, |sup, probe| sup.child(probe.spec()))
            .start()
            .await
            .expect("boot");
        for probe in &probes {
            probe.crash().await;
            settle().await;
        }
        assert_eq!(probes.each_ref().map(Probe::starts), [2, 2, 2, 1]);
        assert!(sup.count_children().await.is_err());

        let probes = ["a", "b", "c", "d"].map(|name| Probe::new(name, &journal));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for probe in &probes {
            sup.start_child(probe.spec()).await.expect("start");
        }
        for probe in &probes {
            probe.crash().await;
            settle().await;
        }
        assert_eq!(probes.each_ref().map(Probe::starts), [2, 2, 2, 1]);
        assert!(sup.count_children().await.is_err());
    }

    #[row("SPEC-011")]
    async fn intensity_of_zero_bears_no_restart_at_all() {
        let (sup, a) = one_child(0).await;
        a.crash().await;
        settle().await;
        assert_eq!(a.starts(), 1);
        assert!(sup.count_children().await.is_err());
    }
}

#[suite]
pub(crate) mod limit {
    use std::time::Duration;

    use hedgehog_core::{Restart, Shutdown, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Latest, Probe, settle, word};
    use tokio::time::Instant;

    #[row("SPEC-012")]
    async fn supervisor_that_gives_up_stops_the_rest_in_reverse_order_under_their_own_rules() {
        let journal = Journal::new();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| Probe::new(name, &journal));
        a.stop_takes(Duration::from_mins(1));
        c.stop_takes(Duration::from_mins(1));
        let sup = Latest::new();
        let probes = [a.clone(), b.clone(), c.clone(), d.clone()];
        let inner = Supervisor::spec("inner", move || {
            let [a, b, c, d] = &probes;
            Supervisor::new(Strategy::OneForOne)
                .max_restarts(0)
                .child(a.spec().shutdown(Shutdown::Infinity))
                .child(b.spec())
                .child(c.spec().shutdown(Shutdown::Timeout(Duration::from_millis(200))))
                .child(d.spec())
        });
        let outer = Supervisor::new(Strategy::OneForOne).child(inner.restart(Restart::Temporary).via(sup.clone()));
        let _outer = outer.start().await.expect("boot");
        let begin = Instant::now();
        b.crash().await;
        assert_eq!(word(&sup.current().exited().await), "shutdown");
        assert_eq!(begin.elapsed(), Duration::from_millis(60_200));
        assert_eq!(
            journal.take_only(&["stop", "drop"]),
            "stop b, drop b, stop d, drop d, drop c, stop a, drop a"
        );
        assert_eq!([&a, &c, &d].map(Probe::exits), [["shutdown"], ["killed"], ["shutdown"]]);
        settle().await;
        assert_eq!(b.starts(), 1, "the offender is not started again");
    }

    #[row("SPEC-013")]
    async fn only_a_permanent_supervisor_comes_back_after_it_gave_up() {
        for (restart, starts) in [
            (Restart::Permanent, 2),
            (Restart::Transient, 1),
            (Restart::Temporary, 1),
        ] {
            let a = Probe::new("a", &Journal::new());
            let (sup, child) = (Latest::new(), a.clone());
            let inner = Supervisor::spec("inner", move || {
                Supervisor::new(Strategy::OneForOne).max_restarts(1).child(child.spec())
            });
            let outer = Supervisor::new(Strategy::OneForOne).child(inner.restart(restart).via(sup.clone()));
            let outer = outer.start().await.expect("boot");
            let first = sup.current();
            for _ in 0..2 {
                a.crash().await;
                settle().await;
            }
            assert_eq!(word(&first.exited().await), "shutdown");
            settle().await;
            assert_eq!(sup.count(), starts, "{restart:?}");
            assert_eq!(a.alive(), starts - 1, "{restart:?}");
            assert!(outer.count_children().await.is_ok(), "the failure does not escalate");
        }
    }
}
