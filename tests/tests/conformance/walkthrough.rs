//! What is asked of a supervisor and what its children do, step by step, as OTP's own tests play it.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod requests {
    use std::time::Duration;

    use hedgehog_core::{
        ChildKind, ChildState, DeleteError, DynamicSupervisor, ExitReason, Name, Restart, RestartError, Shutdown,
        StartError, Strategy, Supervisor, SupervisorRef, TerminateError,
    };
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    /// Specs, active, supervisors, workers.
    async fn counts(sup: &SupervisorRef) -> [usize; 4] {
        let count = sup.count_children().await.expect("it runs");
        [count.specs, count.active, count.supervisors, count.workers]
    }

    async fn empty() -> SupervisorRef {
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(2).start().await;
        sup.expect("boot")
    }

    #[row("SUP-001")]
    async fn supervisor_without_children_starts_and_stops() {
        let sup = empty().await;
        assert_eq!(counts(&sup).await, [0; 4]);
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
    }

    #[row("SUP-003", "SUP-005")]
    async fn declined_child_keeps_its_spec_and_a_temporary_one_does_not() {
        let journal = Journal::new();
        let [kept, dropped, running] = ["kept", "dropped", "running"].map(|name| Probe::new(name, &journal));
        kept.decline_starts(1);
        dropped.decline_starts(1);
        let sup = empty().await;
        let declined = sup.start_child(kept.spec()).await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        let declined = sup.start_child(dropped.spec().restart(Restart::Temporary)).await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        sup.start_child(running.spec()).await.expect("start");
        assert_eq!(counts(&sup).await, [2, 1, 0, 2]);
        let kept = sup
            .which_child("kept")
            .await
            .expect("it runs")
            .expect("its spec is kept");
        assert_eq!((kept.state, kept.pid()), (ChildState::Stopped, None));
    }

    #[row("SUP-010")]
    async fn child_that_fails_when_started_again_stays_listed() {
        let a = Probe::new("a", &Journal::new());
        let sup = empty().await;
        sup.start_child(a.spec()).await.expect("start");
        assert_eq!(sup.terminate_child("a").await, Ok(()));
        a.fail_starts(usize::MAX);
        let failed = sup.restart_child("a").await;
        assert!(matches!(failed, Err(RestartError::Start(_))), "{failed:?}");
        assert_eq!(counts(&sup).await, [1, 0, 0, 1]);
    }

    #[row("SUP-013")]
    async fn spec_is_told_with_its_defaults_filled_in() {
        let journal = Journal::new();
        let (worker, brutal) = (Probe::new("worker", &journal), Probe::new("brutal", &journal));
        let sup = empty().await;
        sup.start_child(worker.spec()).await.expect("start");
        sup.start_child(brutal.spec().shutdown(Shutdown::BrutalKill))
            .await
            .expect("start");
        let below = DynamicSupervisor::spec("below", DynamicSupervisor::new);
        sup.start_child(below).await.expect("start");
        for (id, kind, shutdown) in [
            ("worker", ChildKind::Worker, Shutdown::Timeout(Duration::from_secs(5))),
            ("brutal", ChildKind::Worker, Shutdown::BrutalKill),
            ("below", ChildKind::Supervisor, Shutdown::Infinity),
        ] {
            let spec = sup.get_child_spec(id).await.expect("it runs").expect("it is a child");
            assert_eq!((&*spec.id, spec.kind, spec.shutdown), (id, kind, shutdown));
            assert_eq!((spec.restart, spec.significant), (Restart::Permanent, false));
        }
        assert!(sup.get_child_spec("nobody").await.expect("it runs").is_none());
    }

    #[row("SUP-024", "SUP-027", "SUP-028")]
    async fn what_is_refused_changes_nothing() {
        let a = Probe::new("a", &Journal::new());
        let sup = empty().await;
        sup.start_child(a.spec()).await.expect("start");
        let twice = sup.start_child(a.spec()).await;
        let holder = a.current().pid();
        assert!(
            matches!(&twice, Err(StartError::AlreadyStarted { id, pid }) if id == "a" && *pid == holder),
            "{twice:?}"
        );
        assert_eq!(
            sup.terminate_child("b").await,
            Err(TerminateError::NotFound { child: "b".into() })
        );
        assert_eq!(
            sup.delete_child("b").await,
            Err(DeleteError::NotFound { id: "b".into() })
        );
        assert!(matches!(
            sup.restart_child("b").await,
            Err(RestartError::NotFound { .. })
        ));
        assert_eq!(
            sup.delete_child("a").await,
            Err(DeleteError::Running { id: "a".into() })
        );
        assert!(matches!(
            sup.restart_child("a").await,
            Err(RestartError::Running { .. })
        ));
        assert_eq!((counts(&sup).await, a.starts()), ([1, 1, 0, 1], 1));

        let nobody = SupervisorRef::from(&Name::new("nobody"));
        assert_eq!(nobody.terminate_child("a").await, Err(TerminateError::NoProc));
        assert_eq!(nobody.delete_child("a").await, Err(DeleteError::NoProc));
        assert!(matches!(nobody.start_child(a.spec()).await, Err(StartError::NoProc)));
        assert!(nobody.which_children().await.is_err() && nobody.count_children().await.is_err());
    }

    #[row("SUP-025", "SUP-029", "SUP-030")]
    async fn child_is_terminated_started_again_terminated_and_deleted() {
        let a = Probe::new("a", &Journal::new());
        let sup = empty().await;
        let first = sup.start_child(a.spec()).await.expect("start");
        assert_eq!(sup.terminate_child("a").await, Ok(()));
        assert_eq!(first.exit_reason().as_ref().map(word), Some("shutdown"));
        assert_eq!(counts(&sup).await, [1, 0, 0, 1]);
        let present = sup.start_child(a.spec()).await;
        assert!(matches!(present, Err(StartError::AlreadyPresent { .. })), "{present:?}");

        let second = sup.restart_child("a").await.expect("restart");
        assert_ne!(second.pid(), first.pid());
        assert!(matches!(
            sup.restart_child("a").await,
            Err(RestartError::Running { .. })
        ));
        assert_eq!(counts(&sup).await, [1, 1, 0, 1]);

        assert_eq!(sup.terminate_child("a").await, Ok(()));
        assert_eq!(sup.terminate_child("a").await, Ok(()));
        assert_eq!(sup.delete_child("a").await, Ok(()));
        assert!(matches!(
            sup.restart_child("a").await,
            Err(RestartError::NotFound { .. })
        ));
        assert_eq!(counts(&sup).await, [0; 4]);
    }

    #[row("SUP-026", "SUP-031", "SUP-121")]
    async fn deleted_child_can_be_added_anew_and_is_looked_after() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = empty().await;
        assert!(sup.which_children().await.expect("it runs").is_empty());
        sup.start_child(a.spec()).await.expect("start");
        sup.start_child(b.spec()).await.expect("start");
        sup.terminate_child("a").await.expect("terminate");
        let listed = sup.which_children().await.expect("it runs");
        let listed: Vec<_> = listed.iter().map(|child| (&*child.id, child.pid())).collect();
        assert_eq!(listed, [("a", None), ("b", Some(b.current().pid()))]);
        sup.delete_child("a").await.expect("delete");
        assert!(sup.which_child("a").await.expect("it runs").is_none());
        assert_eq!(counts(&sup).await, [1, 1, 0, 1]);

        let anew = sup.start_child(a.spec()).await.expect("start");
        a.crash().await;
        settle().await;
        let now = sup
            .which_child("a")
            .await
            .expect("it runs")
            .and_then(|child| child.pid());
        assert_eq!(now, Some(a.current().pid()));
        assert_ne!(now, Some(anew.pid()));
    }

    #[row("SUP-039", "SUP-040", "SUP-045")]
    async fn what_cannot_work_is_told_before_anything_starts() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let twice = || {
            Supervisor::new(Strategy::OneForOne)
                .child(b.spec())
                .child(a.spec())
                .child(a.spec())
        };
        let windowless = || {
            Supervisor::new(Strategy::OneForOne)
                .max_seconds(Duration::ZERO)
                .child(a.spec())
        };
        for outcome in [twice().validate(), twice().start().await.map(drop)] {
            assert!(
                matches!(&outcome, Err(StartError::DuplicateId { id }) if id == "a"),
                "{outcome:?}"
            );
        }
        for outcome in [windowless().validate(), windowless().start().await.map(drop)] {
            assert!(matches!(outcome, Err(StartError::NoWindow)), "{outcome:?}");
        }
        let dynamic = DynamicSupervisor::new().max_seconds(Duration::ZERO).start().await;
        assert!(matches!(dynamic, Err(StartError::NoWindow)), "{dynamic:?}");
        let sound = Supervisor::new(Strategy::OneForAll).child(a.spec()).child(b.spec());
        assert!(sound.validate().is_ok());
        assert_eq!(journal.take(), "", "a check starts nothing");
    }

    #[row("SUP-043", "SUP-044")]
    async fn combinations_of_restart_and_shutdown_are_valid_as_long_as_nothing_is_significant() {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for shutdown in [
                Shutdown::BrutalKill,
                Shutdown::Timeout(Duration::ZERO),
                Shutdown::Infinity,
            ] {
                let a = Probe::new("a", &Journal::new());
                let spec = || a.spec().restart(restart).shutdown(shutdown);
                let sup = Supervisor::new(Strategy::OneForOne);
                assert!(sup.child(spec()).validate().is_ok(), "{restart:?} {shutdown:?}");
                let sup = Supervisor::new(Strategy::OneForOne).child(spec().significant());
                assert!(sup.validate().is_err(), "{restart:?} {shutdown:?}");
                assert!(sup.start().await.is_err(), "{restart:?} {shutdown:?}");
                assert_eq!(a.starts(), 0);
            }
        }
    }

    #[row("SUP-103")]
    async fn specs_survive_every_end_but_those_of_temporary_children() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
                for end in 0..4 {
                    let a = Probe::new("a", &Journal::new());
                    let sup = Supervisor::new(strategy).start().await.expect("boot");
                    let spec = || a.spec().restart(restart);
                    sup.start_child(spec()).await.expect("start");
                    match end {
                        0 => a.current().kill(),
                        1 => a.exit(ExitReason::Normal).await,
                        2 => a.crash().await,
                        _ => sup.terminate_child("a").await.expect("terminate"),
                    }
                    settle().await;
                    let again = sup.start_child(spec()).await;
                    let runs_on =
                        restart == Restart::Permanent && end < 3 || restart == Restart::Transient && end % 2 == 0;
                    let runs_on = runs_on && end != 3;
                    let as_expected = match restart {
                        Restart::Temporary => again.is_ok(),
                        _ if runs_on => matches!(again, Err(StartError::AlreadyStarted { .. })),
                        _ => {
                            matches!(again, Err(StartError::AlreadyPresent { .. }))
                                && sup.restart_child("a").await.is_ok()
                        }
                    };
                    assert!(as_expected, "{strategy:?} {restart:?} {end}: {again:?}");
                }
            }
        }
    }

    #[row("SUP-120")]
    async fn name_held_outside_the_supervisor_is_told_with_its_holder() {
        let journal = Journal::new();
        let (outside, inside, name) = (
            Probe::new("outside", &journal),
            Probe::new("inside", &journal),
            Name::new("n"),
        );
        let other = empty().await;
        let holder = other.start_child(outside.spec().name(&name)).await.expect("start");
        let sup = empty().await;
        let refused = sup.start_child(inside.spec().name(&name)).await;
        assert!(
            matches!(refused, Err(StartError::AlreadyRegistered { holder: pid, .. }) if pid == holder.pid()),
            "{refused:?}"
        );
        assert_eq!(counts(&sup).await, [0; 4]);
        other.terminate_child("outside").await.expect("terminate");
        sup.start_child(inside.spec().name(&name))
            .await
            .expect("the name is free");
    }
}

#[suite]
pub(crate) mod exits {
    use std::time::Duration;

    use hedgehog_core::{ChildSpec, ExitReason, Restart, Shutdown, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    async fn one(restart: Restart) -> (SupervisorRef, Probe) {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(2)
            .child(a.spec().restart(restart));
        (sup.start().await.expect("boot"), a)
    }

    /// Specs and active children once everything has settled.
    async fn left(sup: &SupervisorRef) -> (usize, usize) {
        settle().await;
        let count = sup.count_children().await.expect("it runs");
        (count.specs, count.active)
    }

    #[row("SUP-047", "SUP-050", "SUP-054")]
    async fn permanent_child_comes_back_whatever_the_reason() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("x".into()),
        ] {
            let (sup, a) = one(Restart::Permanent).await;
            a.exit(reason).await;
            assert_eq!((left(&sup).await, a.starts()), ((1, 1), 2));
            a.crash().await;
            assert_eq!((left(&sup).await, a.starts()), ((1, 1), 3));
        }
    }

    #[row("SUP-048", "SUP-051", "SUP-055")]
    async fn transient_child_comes_back_after_a_crash_and_else_on_request() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("x".into()),
        ] {
            let (sup, a) = one(Restart::Transient).await;
            a.crash().await;
            assert_eq!((left(&sup).await, a.starts()), ((1, 1), 2));
            a.exit(reason).await;
            assert_eq!((left(&sup).await, a.starts()), ((1, 0), 2));
            sup.restart_child("a").await.expect("restart");
            assert_eq!(left(&sup).await, (1, 1));
        }
    }

    #[row("SUP-049", "SUP-052", "SUP-056")]
    async fn temporary_child_is_gone_and_its_id_free() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("x".into()),
            ExitReason::Killed,
        ] {
            let (sup, a) = one(Restart::Temporary).await;
            a.exit(reason).await;
            assert_eq!((left(&sup).await, a.starts()), ((0, 0), 1));
            sup.start_child(a.spec().restart(Restart::Temporary))
                .await
                .expect("start");
            a.crash().await;
            assert_eq!(left(&sup).await, (0, 0));
        }
    }

    #[row("SUP-057")]
    async fn temporary_bystander_of_a_group_restart_is_gone() {
        for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
            let journal = Journal::new();
            let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
            let sup = Supervisor::new(strategy)
                .child(a.spec())
                .child(b.spec().restart(Restart::Temporary));
            let sup = sup.start().await.expect("boot");
            a.exit(ExitReason::Normal).await;
            assert_eq!(left(&sup).await, (1, 1));
            assert_eq!([a.starts(), b.starts(), b.alive()], [2, 1, 0]);
        }
    }

    #[row("SUP-058")]
    async fn crashes_far_apart_never_end_it() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(1)
            .max_seconds(Duration::from_secs(1));
        let sup = sup.child(a.spec()).start().await.expect("boot");
        for _ in 0..4 {
            a.crash().await;
            tokio::time::sleep(Duration::from_millis(2_100)).await;
        }
        assert_eq!((left(&sup).await, a.starts()), ((1, 1), 5));
        sup.terminate_child("a").await.expect("terminate");
        sup.delete_child("a").await.expect("delete");
    }

    #[row("SUP-016", "SUP-017", "SUP-019")]
    async fn each_child_ends_the_way_its_spec_says() {
        let journal = Journal::new();
        let [patient, brutal, stuck] = ["patient", "brutal", "stuck"].map(|name| Probe::new(name, &journal));
        patient.stop_takes(Duration::from_hours(1));
        stuck.stop_takes(Duration::from_hours(1));
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(patient.spec().shutdown(Shutdown::Infinity))
            .child(brutal.spec().shutdown(Shutdown::BrutalKill))
            .child(stuck.spec().shutdown(Shutdown::Timeout(Duration::from_secs(1))));
        let sup = sup.start().await.expect("boot");
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
        assert_eq!(
            [&patient, &brutal, &stuck].map(Probe::exits),
            [["shutdown"], ["killed"], ["killed"]]
        );
    }

    #[row("SUP-021")]
    async fn children_that_end_by_themselves_while_the_tree_stops_keep_their_reasons() {
        let journal = Journal::new();
        let (first, last) = (Probe::new("first", &journal), Probe::new("last", &journal));
        last.stop_takes(Duration::from_secs(1));
        let mut middle = Vec::new();
        let mut sup = Supervisor::new(Strategy::OneForOne).max_restarts(0).child(first.spec());
        for (name, restart) in [
            ("t", Restart::Temporary),
            ("s", Restart::Transient),
            ("p", Restart::Permanent),
        ] {
            for (n, reason) in [ExitReason::Normal, ExitReason::Shutdown, ExitReason::Killed]
                .into_iter()
                .enumerate()
            {
                let probe = Probe::new(name, &journal);
                let child = probe.clone();
                let spec = ChildSpec::worker(format!("{name}{n}"), move || child.actor());
                sup = sup.child(spec.via(probe.latest()).restart(restart));
                middle.push((probe, reason));
            }
        }
        let actor = sup
            .child(last.spec())
            .start()
            .await
            .expect("boot")
            .whereis()
            .expect("it runs");
        actor.stop(ExitReason::Shutdown);
        settle().await;
        for (probe, reason) in &middle {
            probe.exit(reason.clone()).await;
        }
        assert_eq!(word(&actor.exited().await), "shutdown");
        for (probe, reason) in &middle {
            assert_eq!((probe.starts(), probe.exits()), (1, vec![word(reason)]));
        }
        assert_eq!([first.exits(), last.exits()], [["shutdown"], ["shutdown"]]);
    }
}
