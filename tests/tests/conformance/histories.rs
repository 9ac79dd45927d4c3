//! Whole histories of small trees, step by step, as OTP's own tests play them.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod strategies {
    use std::time::Duration;

    use hedgehog_core::{ActorRef, ChildSpec, Restart, Strategy, Supervisor, SupervisorMsg, SupervisorRef};
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, settle, word};

    async fn tree<const N: usize>(
        strategy: Strategy,
        max_restarts: usize,
        probes: [&Probe; N],
    ) -> ActorRef<SupervisorMsg> {
        let sup = Supervisor::new(strategy)
            .max_restarts(max_restarts)
            .max_seconds(Duration::from_hours(1));
        let sup = probes.iter().fold(sup, |sup, probe| sup.child(probe.spec()));
        sup.start().await.expect("boot").whereis().expect("it runs")
    }

    async fn crash(probe: &Probe) {
        probe.crash().await;
        settle().await;
    }

    fn pair() -> [Probe; 2] {
        let journal = Journal::new();
        ["a", "b"].map(|name| Probe::new(name, &journal))
    }

    #[row("SUP-059", "SUP-060")]
    async fn one_for_one_replaces_the_child_alone_until_the_limit() {
        let [a, b] = pair();
        let sup = tree(Strategy::OneForOne, 2, [&a, &b]).await;
        crash(&a).await;
        crash(&a).await;
        assert_eq!([a.starts(), b.starts(), a.alive(), b.alive()], [3, 1, 1, 1]);
        crash(&b).await;
        assert_eq!(sup.exit_reason().as_ref().map(word), Some("shutdown"));
        assert_eq!([a.alive(), b.alive()], [0, 0]);
    }

    #[row("SUP-062", "SUP-063")]
    async fn one_for_all_replaces_both_until_the_limit() {
        let [a, b] = pair();
        let sup = tree(Strategy::OneForAll, 2, [&a, &b]).await;
        crash(&a).await;
        assert_eq!([a.starts(), b.starts(), a.alive(), b.alive()], [2, 2, 1, 1]);
        crash(&b).await;
        crash(&a).await;
        assert_eq!(sup.exit_reason().as_ref().map(word), Some("shutdown"));
    }

    #[row("SUP-072", "SUP-073")]
    async fn rest_for_one_replaces_the_child_and_the_later_ones_until_the_limit() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        let sup = tree(Strategy::RestForOne, 2, [&a, &b, &c]).await;
        crash(&b).await;
        assert_eq!([&a, &b, &c].map(Probe::starts), [1, 2, 2]);
        crash(&c).await;
        assert_eq!([&a, &b, &c].map(Probe::starts), [1, 2, 3]);
        crash(&b).await;
        assert_eq!(sup.exit_reason().as_ref().map(word), Some("shutdown"));
        assert_eq!([&a, &b, &c].map(Probe::alive), [0; 3]);
    }

    #[row("SUP-061", "SUP-064", "SUP-074")]
    async fn child_that_can_start_only_once_takes_the_tree_down() {
        for (strategy, crashing) in [
            (Strategy::OneForOne, 1),
            (Strategy::OneForAll, 0),
            (Strategy::RestForOne, 0),
        ] {
            let probes = pair();
            let sup = tree(strategy, 4, [&probes[0], &probes[1]]).await;
            probes[1].fail_starts(usize::MAX);
            crash(&probes[crashing]).await;
            assert_eq!(sup.exit_reason().as_ref().map(word), Some("shutdown"), "{strategy:?}");
            assert_eq!(probes.each_ref().map(Probe::alive), [0, 0], "{strategy:?}");
        }
    }

    #[row("SUP-065", "SUP-075")]
    async fn sibling_that_fails_once_in_a_group_restart_begins_it_again_or_resumes_it() {
        for (strategy, starts, stops) in [(Strategy::OneForAll, 3, 1), (Strategy::RestForOne, 2, 0)] {
            let [a, b] = pair();
            let sup = tree(strategy, 3, [&a, &b]).await;
            b.fail_starts(1);
            a.current().kill();
            settle().await;
            assert!(sup.is_alive());
            assert_eq!([a.alive(), b.alive()], [1, 1], "{strategy:?}");
            assert_eq!((a.starts(), b.starts()), (starts, 3), "{strategy:?}");
            let stopped = a.exits().iter().filter(|exit| **exit == "shutdown").count();
            assert_eq!(stopped, stops, "{strategy:?}");
        }
    }

    #[row("SUP-116")]
    async fn order_is_that_of_the_list_not_of_the_ids() {
        let journal = Journal::new();
        let [fifth, third, fourth, first, second] = ["1", "3", "2", "5", "4"].map(|name| Probe::new(name, &journal));
        let sup = tree(Strategy::RestForOne, 2, [&fifth, &third, &fourth, &first, &second]).await;
        assert_eq!(journal.take(), "start 1, start 3, start 2, start 5, start 4");
        crash(&fourth).await;
        assert_eq!(
            journal.take_only(&["stop", "start"]),
            "stop 2, stop 4, stop 5, start 2, start 5, start 4"
        );
        sup.stop(hedgehog_core::ExitReason::Shutdown);
        sup.exited().await;
        assert_eq!(journal.take_only(&["stop"]), "stop 4, stop 5, stop 2, stop 3, stop 1");
    }

    /// A supervisor of `probes` that reports its incarnations to `latest`.
    fn inner(id: &'static str, latest: &Latest<SupervisorMsg>, probes: Vec<Probe>) -> ChildSpec<SupervisorMsg> {
        let spec = Supervisor::spec(id, move || {
            let sup = Supervisor::new(Strategy::OneForOne).max_restarts(1);
            probes.iter().fold(sup, |sup, probe| sup.child(probe.spec()))
        });
        spec.via(latest.clone())
    }

    #[row("SUP-077", "SUP-078", "SUP-079")]
    async fn failure_is_dealt_with_as_low_in_the_tree_as_can_be() {
        let journal = Journal::new();
        let [a, b, c, added] = ["a", "b", "c", "added"].map(|name| Probe::new(name, &journal));
        let latest: [Latest<SupervisorMsg>; 3] = Default::default();
        let top = Supervisor::new(Strategy::OneForAll)
            .child(inner("one", &latest[0], vec![a.clone()]))
            .child(inner("two", &latest[1], vec![b.clone(), c.clone()]))
            .child(inner("three", &latest[2], vec![]).restart(Restart::Transient))
            .start()
            .await
            .expect("boot");
        top.terminate_child("three").await.expect("terminate");
        let count = top.count_children().await.expect("it runs");
        assert_eq!(
            [count.specs, count.active, count.supervisors, count.workers],
            [3, 2, 3, 0]
        );
        let two = SupervisorRef::from(latest[1].current());
        two.start_child(added.spec()).await.expect("start");

        crash(&b).await;
        assert_eq!([&a, &b, &c, &added].map(Probe::starts), [1, 2, 1, 1]);

        // One more than its supervisor bears.
        crash(&b).await;
        assert_eq!(latest[1].all()[0].exit_reason().as_ref().map(word), Some("shutdown"));
        settle().await;
        let count = top.count_children().await.expect("it runs");
        assert_eq!(
            [count.specs, count.active, count.supervisors, count.workers],
            [3, 3, 3, 0]
        );
        assert_eq!([&a, &b, &c, &added].map(Probe::alive), [1, 1, 1, 0]);
        assert_eq!(latest.each_ref().map(Latest::count), [2; 3]);
    }

    #[row("SUP-105")]
    async fn names_follow_through_restarts_of_the_holder_and_of_its_supervisor() {
        let (a, latest, name) = (
            Probe::new("a", &Journal::new()),
            Latest::new(),
            hedgehog_core::Name::<Command>::new("a"),
        );
        let (child, held) = (a.clone(), name.clone());
        let spec = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForAll).child(child.spec().name(&held))
        });
        let top = Supervisor::new(Strategy::OneForAll).child(spec.via(latest.clone()));
        let top = top.start().await.expect("boot");
        latest.current().kill();
        settle().await;
        assert_eq!(name.whereis(), Some(a.current()));
        a.current().kill();
        settle().await;
        assert_eq!((name.whereis(), a.starts()), (Some(a.current()), 3));
        let inner = SupervisorRef::from(latest.current());
        inner.terminate_child("a").await.expect("terminate");
        assert_eq!(name.whereis(), None);
        inner.restart_child("a").await.expect("restart");
        assert_eq!(name.whereis(), Some(a.current()));
        let top = top.whereis().expect("it runs");
        top.kill();
        top.exited().await;
        assert_eq!(name.whereis(), None);
    }
}

#[suite]
pub(crate) mod hanging_restarts {
    use std::time::Duration;

    use hedgehog_core::{
        ChildState, DeleteError, DynamicSupervisor, ExitReason, RestartError, StartError, Strategy, Supervisor,
        SupervisorRef, TerminateError,
    };
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    /// The children "1", "2" and "3", the second of which fails to start again, two seconds a time.
    async fn hanging(strategy: Strategy) -> (SupervisorRef, [Probe; 3]) {
        let journal = Journal::new();
        let probes = ["1", "2", "3"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(strategy)
            .max_restarts(1_000_000)
            .max_seconds(Duration::from_secs(10));
        let sup = probes.iter().fold(sup, |sup, probe| sup.child(probe.spec()));
        let sup = sup.start().await.expect("boot");
        probes[1].start_takes(Duration::from_secs(2));
        probes[1].fail_starts(usize::MAX);
        probes[1].crash().await;
        settle().await;
        (sup, probes)
    }

    async fn states(sup: &SupervisorRef) -> Vec<ChildState> {
        let children = sup.which_children().await.expect("it runs");
        children.iter().map(|child| child.state).collect()
    }

    #[row("SUP-106", "SUP-107")]
    async fn child_is_restarting_until_it_is_terminated() {
        let (sup, [_, two, _]) = hanging(Strategy::OneForOne).await;
        assert_eq!(
            states(&sup).await,
            [ChildState::Running, ChildState::Restarting, ChildState::Running]
        );
        let taken = sup.start_child(two.spec()).await;
        assert!(matches!(taken, Err(StartError::AlreadyPresent { .. })), "{taken:?}");
        assert!(matches!(
            sup.restart_child("2").await,
            Err(RestartError::Restarting { .. })
        ));
        assert_eq!(
            sup.delete_child("2").await,
            Err(DeleteError::Restarting { id: "2".into() })
        );
        assert_eq!(sup.count_children().await.expect("it runs").active, 2);

        assert_eq!(sup.terminate_child("2").await, Ok(()));
        let tries = two.starts();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(two.starts(), tries);
        assert_eq!(states(&sup).await[1], ChildState::Stopped);
        two.fail_starts(0);
        sup.restart_child("2").await.expect("restart");
        assert_eq!(two.alive(), 1);
    }

    #[row("SUP-108")]
    async fn supervisor_can_be_stopped_meanwhile() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            let (sup, probes) = hanging(strategy).await;
            assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
            assert_eq!(probes.each_ref().map(Probe::alive), [0; 3], "{strategy:?}");
        }
    }

    #[row("SUP-109", "SUP-110")]
    async fn later_siblings_wait_and_stay_down_when_it_is_terminated() {
        let (sup, [one, two, three]) = hanging(Strategy::RestForOne).await;
        assert_eq!(
            states(&sup).await,
            [ChildState::Running, ChildState::Restarting, ChildState::Stopped]
        );
        assert_eq!((one.starts(), three.starts()), (1, 1));
        let count = sup.count_children().await.expect("it runs");
        assert_eq!([count.specs, count.active, count.workers], [3, 1, 3]);
        sup.terminate_child("2").await.expect("terminate");
        assert_eq!(
            states(&sup).await,
            [ChildState::Running, ChildState::Stopped, ChildState::Stopped]
        );
        two.fail_starts(0);
        sup.restart_child("2").await.expect("restart");
        assert_eq!(
            states(&sup).await,
            [ChildState::Running, ChildState::Running, ChildState::Stopped]
        );
    }

    #[row("SUP-111")]
    async fn dynamic_child_is_terminated_by_its_old_reference() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new()
            .max_restarts(1_000_000)
            .start()
            .await
            .expect("boot");
        let old = sup.start_child(a.spec()).await.expect("start");
        a.start_takes(Duration::from_secs(2));
        a.fail_starts(usize::MAX);
        a.crash().await;
        settle().await;
        let children = sup.which_children().await.expect("it runs");
        assert_eq!((children.len(), children[0].state), (1, ChildState::Restarting));
        assert_eq!(sup.terminate_child(&old).await, Ok(()));
        assert_eq!(sup.count_children().await.expect("it runs").specs, 0);
        assert_eq!(
            sup.terminate_child(&old).await,
            Err(TerminateError::NotFound {
                child: old.pid().to_string()
            })
        );
    }
}

#[suite]
pub(crate) mod dynamic {
    use std::time::Duration;

    use hedgehog_core::{DynamicSupervisor, DynamicSupervisorRef, ExitReason, Restart, Shutdown};
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};
    use tokio::time::Instant;

    async fn children<const N: usize>(
        max_restarts: usize,
        names: [&'static str; N],
        shutdown: Shutdown,
    ) -> (DynamicSupervisorRef, [Probe; N]) {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new()
            .max_restarts(max_restarts)
            .max_seconds(Duration::from_hours(1));
        let sup = sup.start().await.expect("boot");
        let probes = names.map(|name| Probe::new(name, &journal));
        for probe in &probes {
            sup.start_child(probe.spec().shutdown(shutdown)).await.expect("start");
        }
        (sup, probes)
    }

    const FIVE: Shutdown = Shutdown::Timeout(Duration::from_secs(5));

    async fn left(sup: &DynamicSupervisorRef) -> (usize, usize) {
        settle().await;
        let count = sup.count_children().await.expect("it runs");
        (count.specs, count.active)
    }

    #[row("SUP-034", "SUP-035", "SUP-036")]
    async fn children_are_added_and_terminated_by_reference() {
        let (sup, [a, b]) = children(2, ["a", "b"], FIVE).await;
        assert_eq!(left(&sup).await, (2, 2));
        let (_other, [stranger]) = children(2, ["stranger"], FIVE).await;
        assert!(sup.terminate_child(&stranger.current()).await.is_err());
        assert!(stranger.current().is_alive());
        sup.terminate_child(&a.current()).await.expect("terminate");
        assert!(sup.terminate_child(&a.current()).await.is_err());
        assert_eq!((left(&sup).await, b.alive()), ((1, 1), 1));
        let empty = DynamicSupervisor::new().start().await.expect("boot");
        assert_eq!(left(&empty).await, (0, 0));
    }

    #[row("SUP-066", "SUP-071")]
    async fn children_are_restarted_apart_and_give_up_together() {
        let (sup, [a, b]) = children(2, ["a", "b"], FIVE).await;
        let actor = sup.whereis().expect("it runs");
        a.crash().await;
        a.crash().await;
        assert_eq!((left(&sup).await, a.starts(), b.starts()), ((2, 2), 3, 1));
        b.crash().await;
        assert_eq!(word(&actor.exited().await), "shutdown");
        assert_eq!([a.alive(), b.alive()], [0, 0]);

        let (sup, [a, b]) = children(4, ["a", "b"], FIVE).await;
        let actor = sup.whereis().expect("it runs");
        a.fail_starts(usize::MAX);
        a.crash().await;
        assert_eq!(word(&actor.exited().await), "shutdown");
        assert_eq!((a.starts(), b.exits()), (5, vec!["shutdown"]));
    }

    #[row("SUP-007", "SUP-067")]
    async fn child_that_declines_its_start_or_its_restart_is_forgotten() {
        for restart in [Restart::Transient, Restart::Permanent] {
            let (sup, [a]) = children(10, ["a"], FIVE).await;
            sup.terminate_child(&a.current()).await.expect("terminate");
            a.decline_starts(1);
            assert!(sup.start_child(a.spec().restart(restart)).await.is_err());
            assert_eq!(left(&sup).await, (0, 0));
            sup.start_child(a.spec().restart(restart)).await.expect("start");
            a.current().kill();
            assert_eq!(left(&sup).await, (1, 1));
            a.decline_starts(1);
            a.current().kill();
            assert_eq!(left(&sup).await, (0, 0));
            assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        }
    }

    #[row("SUP-018", "SUP-068")]
    async fn cleanups_overlap_and_the_slow_one_is_cut_off() {
        let (sup, [a, b, slow]) = children(2, ["a", "b", "slow"], Shutdown::Timeout(Duration::from_secs(2))).await;
        a.stop_takes(Duration::from_secs(1));
        b.stop_takes(Duration::from_secs(1));
        slow.stop_takes(Duration::from_secs(5));
        let begin = Instant::now();
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        assert_eq!(begin.elapsed().as_secs(), 2);
        assert_eq!(
            [&a, &b, &slow].map(Probe::exits),
            [["shutdown"], ["shutdown"], ["killed"]]
        );
    }

    #[row("SUP-020", "SUP-022")]
    async fn children_end_the_way_their_specs_say_or_with_reasons_of_their_own() {
        let (sup, probes) = children(2, ["a", "b", "c"], Shutdown::BrutalKill).await;
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        assert_eq!(
            probes.each_ref().map(Probe::exits),
            [["killed"], ["killed"], ["killed"]]
        );

        let (sup, probes) = children(0, ["a", "b", "c"], FIVE).await;
        let reasons = [
            ExitReason::Normal,
            ExitReason::ShutdownWith("x".into()),
            ExitReason::Killed,
        ];
        for (probe, reason) in probes.iter().zip(&reasons) {
            probe.stop_with(reason.clone());
        }
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        for (probe, reason) in probes.iter().zip(&reasons) {
            assert_eq!((probe.starts(), probe.exits()), (1, vec![word(reason)]));
        }
    }

    #[row("SUP-100")]
    async fn restarting_children_are_counted_but_not_active() {
        let (sup, [a, b, c]) = children(usize::MAX, ["a", "b", "c"], FIVE).await;
        for probe in [&a, &b, &c] {
            probe.crash().await;
        }
        assert_eq!(left(&sup).await, (3, 3));
        for probe in [&a, &b] {
            probe.start_takes(Duration::from_secs(1));
            probe.fail_starts(usize::MAX);
            probe.crash().await;
        }
        assert_eq!(left(&sup).await, (3, 1));
        for probe in [&a, &b] {
            probe.fail_starts(0);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(left(&sup).await, (3, 3));
        for (probe, left_over) in [(&a, 2), (&b, 1), (&c, 0)] {
            sup.terminate_child(&probe.current()).await.expect("terminate");
            assert_eq!(left(&sup).await, (left_over, left_over));
        }
    }
}
