//! The children of a dynamic supervisor: how they are started and restarted, and how they are looked up.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod starts {
    use std::time::Duration;

    use hedgehog_core::{
        ChildSpec, DynamicSupervisor, DynamicSupervisorRef, Name, Restart, Shutdown, StartError, set_start_info,
    };
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, settle};
    use tokio::time::Instant;

    /// What the supervisors of these cases give to every factory call.
    type Extra = (Journal, &'static str);

    /// A child whose factory writes down what it was given, and an argument of its own.
    fn with_extra(probe: &Probe, own: u32) -> ChildSpec<Command, Extra> {
        let child = probe.clone();
        let factory = move |(journal, word): Extra| {
            journal.record(format!("{word} {own}"));
            child.actor()
        };
        ChildSpec::worker_with("extra", factory).via(probe.latest())
    }

    #[row("DSUP-012")]
    async fn spec_with_all_its_parts_is_started() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let shutdown = Shutdown::Timeout(Duration::from_secs(1));
        let spec = a.spec().id("b").restart(Restart::Transient).shutdown(shutdown).drain();
        let child = sup.start_child(spec).await.expect("start");
        assert_eq!((child.is_alive(), child.pid()), (true, a.current().pid()));
    }

    #[row("DSUP-013")]
    async fn what_a_type_says_of_itself_with_an_argument_is_started() {
        struct Module;
        impl Module {
            fn child_spec(probe: &Probe) -> ChildSpec<Command> {
                let probe = probe.clone();
                ChildSpec::of(move || probe.actor())
            }
        }
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let child = sup.start_child(Module::child_spec(&a)).await.expect("start");
        assert_eq!((child.is_alive(), a.alive()), (true, 1));
    }

    #[row("DSUP-014", "DSUP-025")]
    async fn extra_arguments_come_before_the_childs_own_at_every_start() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().extra_arguments((journal.clone(), "extra"));
        let sup = sup.start().await.expect("boot");
        let probes = ["a", "b"].map(|name| Probe::new(name, &Journal::new()));
        for (probe, own) in probes.iter().zip(1..) {
            sup.start_child(with_extra(probe, own)).await.expect("start");
        }
        assert_eq!(journal.take(), "extra 1, extra 2");
        probes[1].fail_starts(1);
        probes[1].crash().await;
        settle().await;
        assert_eq!(journal.take(), "extra 2, extra 2", "for the try that fails, too");
        probes[0].crash().await;
        settle().await;
        assert_eq!(journal.take(), "extra 1");
        assert_eq!(probes.each_ref().map(Probe::alive), [1, 1]);
    }

    #[row("DSUP-015")]
    async fn impossible_spec_is_refused_without_asking_a_supervisor() {
        let a = Probe::new("a", &Journal::new());
        let nobody = DynamicSupervisorRef::from(&Name::new("nobody"));
        let begin = Instant::now();
        let refused = nobody
            .start_child(a.spec().restart(Restart::Transient).significant())
            .await;
        assert!(
            matches!(&refused, Err(StartError::SignificantNeedsAutoShutdown { id }) if id == "a"),
            "{refused:?}"
        );
        let refused = nobody.start_child(a.spec().significant()).await;
        assert!(
            matches!(&refused, Err(StartError::SignificantPermanent { id }) if id == "a"),
            "{refused:?}"
        );
        assert_eq!(begin.elapsed(), Duration::ZERO);
        // With nothing to refuse it is the supervisor that is missing.
        let refused = nobody.start_child(a.spec()).await;
        assert!(matches!(refused, Err(StartError::NoProc)), "{refused:?}");
        assert_eq!(a.starts(), 0);
    }

    #[row("DSUP-016")]
    async fn outcome_of_a_start_is_handed_on_as_it_is() {
        let journal = Journal::new();
        let [plain, telling, declining, failing] =
            ["plain", "telling", "declining", "failing"].map(|name| Probe::new(name, &journal));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let child = sup.start_child(plain.spec()).await.expect("start");
        assert_eq!((child.pid(), child.start_info::<u32>()), (plain.current().pid(), None));

        telling.before_start(|| set_start_info(42_u32));
        let child = sup.start_child(telling.spec()).await.expect("start");
        assert_eq!(child.start_info::<u32>(), Some(&42));
        assert_eq!(sup.count_children().await.expect("it runs").active, 2);

        declining.decline_starts(1);
        let declined = sup.start_child(declining.spec()).await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        failing.fail_starts(1);
        let failed = sup.start_child(failing.spec()).await;
        assert!(
            matches!(&failed, Err(StartError::Failed(cause)) if cause.to_string() == "failing fails to start"),
            "{failed:?}"
        );
        assert_eq!(
            sup.count_children().await.expect("it runs").specs,
            2,
            "and nothing is kept of these"
        );
    }

    #[row("DSUP-017")]
    async fn panic_of_a_factory_or_of_a_start_is_its_outcome() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().max_restarts(0).start().await.expect("boot");
        let supervisor = sup.whereis();
        let spec = ChildSpec::worker("panics", || -> (hedgehog_tests::scenario::ProbeActor, ()) {
            panic!("{INTENDED}in the factory")
        });
        let failed = sup.start_child(spec).await;
        assert!(
            matches!(&failed, Err(StartError::Panicked(text)) if text.ends_with("in the factory")),
            "{failed:?}"
        );
        a.panic_starts(1);
        let failed = sup.start_child(a.spec()).await;
        assert!(
            matches!(&failed, Err(StartError::Panicked(text)) if text.ends_with("starting a")),
            "{failed:?}"
        );
        a.fail_starts(1);
        let failed = sup.start_child(a.spec()).await;
        assert!(matches!(failed, Err(StartError::Failed(_))), "{failed:?}");
        sup.start_child(a.spec()).await.expect("the supervisor goes on");
        assert_eq!((sup.whereis(), a.alive()), (supervisor, 1));
    }

    #[row("DSUP-018")]
    async fn limit_of_no_children_lets_no_factory_run() {
        let sup = DynamicSupervisor::new().max_children(0).start().await.expect("boot");
        let spec = || {
            ChildSpec::worker("never", || -> (hedgehog_tests::scenario::ProbeActor, ()) {
                panic!("the factory runs")
            })
        };
        for _ in 0..3 {
            let refused = sup.start_child(spec()).await;
            assert!(
                matches!(refused, Err(StartError::MaxChildren { max: 0 })),
                "{refused:?}"
            );
        }
    }

    #[row("DSUP-010")]
    async fn limit_lowered_below_the_number_of_children_keeps_them_and_takes_no_more() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for _ in 0..3 {
            sup.start_child(a.spec()).await.expect("start");
        }
        sup.set_max_children(2).await.expect("it runs");
        let refused = sup.start_child(a.spec()).await;
        assert!(
            matches!(refused, Err(StartError::MaxChildren { max: 2 })),
            "{refused:?}"
        );
        assert_eq!(a.alive(), 3);
        for child in &a.incarnations()[..2] {
            sup.terminate_child(child).await.expect("terminate");
        }
        sup.start_child(a.spec()).await.expect("there is room again");
    }

    #[row("DSUP-047")]
    async fn others_wait_while_a_child_starts_or_stops() {
        let a = Probe::new("a", &Journal::new());
        a.start_takes(Duration::from_secs(2));
        a.stop_takes(Duration::from_secs(3));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let begin = Instant::now();
        let starter = tokio::spawn({
            let (sup, spec) = (sup.clone(), a.spec());
            async move { sup.start_child(spec).await }
        });
        settle().await;
        assert_eq!(sup.count_children().await.expect("it runs").active, 1);
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
        let child = starter.await.expect("a task").expect("start");

        let begin = Instant::now();
        let terminator = tokio::spawn({
            let sup = sup.clone();
            async move { sup.terminate_child(&child).await }
        });
        settle().await;
        assert_eq!(sup.count_children().await.expect("it runs").specs, 0);
        assert_eq!(begin.elapsed(), Duration::from_secs(3));
        terminator.await.expect("a task").expect("terminate");
    }

    #[row("DSUP-048")]
    async fn name_that_is_taken_refuses_the_child_and_nothing_is_kept_of_it() {
        let (name, journal) = (Name::new("taken"), Journal::new());
        let [holder, late] = ["holder", "late"].map(|name| Probe::new(name, &journal));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let held = sup.start_child(holder.spec().name(&name)).await.expect("start");
        let refused = sup.start_child(late.spec().name(&name)).await;
        assert!(
            matches!(&refused, Err(StartError::AlreadyRegistered { holder, .. }) if *holder == held.pid()),
            "{refused:?}"
        );
        assert_eq!((late.alive(), name.whereis()), (0, Some(held)));
        assert_eq!(sup.count_children().await.expect("it runs").specs, 1);
    }
}

#[suite]
pub(crate) mod restarts {
    use hedgehog_core::{
        ChildCount, ChildState, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Restart, StartError,
        set_start_info,
    };
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    /// A clean exit of each kind, and one that is not.
    fn reasons() -> [ExitReason; 4] {
        let error: Box<dyn std::error::Error + Send + Sync> = "broken".into();
        [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("detail".into()),
            ExitReason::Error(error.into()),
        ]
    }

    /// Workers and how many of them run; a dynamic supervisor keeps no other specs.
    async fn workers(sup: &DynamicSupervisorRef) -> (usize, usize) {
        let ChildCount {
            specs, active, workers, ..
        } = sup.count_children().await.expect("it runs");
        assert_eq!(specs, workers);
        (workers, active)
    }

    #[row("DSUP-019")]
    async fn temporary_child_is_removed_after_any_exit() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().max_restarts(0).start().await.expect("boot");
        for (reason, starts) in reasons().into_iter().zip(1..) {
            sup.start_child(a.spec().restart(Restart::Temporary))
                .await
                .expect("start");
            a.exit(reason).await;
            settle().await;
            assert_eq!((workers(&sup).await, a.starts()), ((0, 0), starts));
        }
    }

    #[row("DSUP-020")]
    async fn transient_child_is_removed_after_a_clean_exit_and_restarted_after_another() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for reason in reasons() {
            let starts = a.starts();
            let clean = reason.is_clean();
            sup.start_child(a.spec().restart(Restart::Transient))
                .await
                .expect("start");
            a.exit(reason).await;
            settle().await;
            let expected = if clean {
                ((0, 0), starts + 1)
            } else {
                ((1, 1), starts + 2)
            };
            assert_eq!((workers(&sup).await, a.starts()), expected);
        }
    }

    #[row("DSUP-021")]
    async fn permanent_child_is_restarted_after_any_exit() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().max_restarts(4).start().await.expect("boot");
        for (reason, added) in reasons().into_iter().zip(1..) {
            let probe = Probe::new("a", &journal);
            let old = sup.start_child(probe.spec()).await.expect("start");
            probe.exit(reason).await;
            settle().await;
            assert_eq!((workers(&sup).await, probe.starts()), ((added, added), 2));
            assert_ne!(probe.current(), old);
        }
    }

    #[row("DSUP-022")]
    async fn restart_may_yield_another_process_one_with_information_nothing_or_a_failure() {
        let journal = Journal::new();
        let [plain, telling, declining, failing] =
            ["plain", "telling", "declining", "failing"].map(|name| Probe::new(name, &journal));
        let sup = DynamicSupervisor::new()
            .max_restarts(usize::MAX)
            .start()
            .await
            .expect("boot");
        for probe in [&plain, &telling, &declining, &failing] {
            sup.start_child(probe.spec()).await.expect("start");
        }
        let old = plain.current();
        plain.crash().await;
        telling.before_start(|| set_start_info(42_u32));
        telling.crash().await;
        settle().await;
        assert_eq!(workers(&sup).await, (4, 4));
        assert_ne!(plain.current(), old);
        assert_eq!(telling.current().start_info::<u32>(), Some(&42));
        assert_eq!(
            sup.which_child(&old).await.expect("it runs").map(|child| child.id),
            None
        );

        declining.decline_starts(1);
        declining.crash().await;
        settle().await;
        assert_eq!(workers(&sup).await, (3, 3), "nothing is kept of it");

        failing.fail_starts(usize::MAX);
        failing.crash().await;
        while failing.starts() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers(&sup).await, (3, 2));
        let children = sup.which_children().await.expect("it runs");
        let states: Vec<_> = children.iter().map(|child| (&*child.id, child.state)).collect();
        // OTP hides the ids, which are free for anything there. Here they are told.
        assert_eq!(
            states,
            [
                ("plain", ChildState::Running),
                ("telling", ChildState::Running),
                ("failing", ChildState::Restarting)
            ]
        );
    }

    #[row("DSUP-023", "DSUP-024")]
    async fn children_that_are_or_were_restarted_count_towards_the_limit() {
        let (a, b) = (Probe::new("a", &Journal::new()), Probe::new("b", &Journal::new()));
        let sup = DynamicSupervisor::new().max_children(1).max_restarts(usize::MAX);
        let sup = sup.start().await.expect("boot");
        sup.start_child(a.spec()).await.expect("start");
        a.crash().await;
        settle().await;
        assert_eq!((workers(&sup).await, a.starts()), ((1, 1), 2));
        let refused = sup.start_child(b.spec()).await;
        assert!(
            matches!(refused, Err(StartError::MaxChildren { max: 1 })),
            "{refused:?}"
        );

        a.fail_starts(usize::MAX);
        a.crash().await;
        while a.starts() < 5 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers(&sup).await, (1, 0));
        let refused = sup.start_child(b.spec()).await;
        assert!(
            matches!(refused, Err(StartError::MaxChildren { max: 1 })),
            "{refused:?}"
        );
        assert_eq!(b.starts(), 0);
    }

    #[row("DSUP-026")]
    async fn restart_that_fails_is_tried_again_and_both_are_counted() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().max_restarts(2).start().await.expect("boot");
        sup.start_child(a.spec()).await.expect("start");
        a.fail_starts(1);
        a.crash().await;
        settle().await;
        assert_eq!((workers(&sup).await, a.starts(), a.alive()), ((1, 1), 3, 1));
        let supervisor = sup.whereis().expect("it runs");
        a.crash().await;
        assert_eq!(
            word(&supervisor.exited().await),
            "shutdown",
            "the third within five seconds"
        );
    }

    #[row("DSUP-027", "DSUP-028")]
    async fn restart_that_always_fails_ends_the_supervisor_when_the_tries_are_used_up() {
        for max_restarts in [1, 10] {
            let (a, b) = (Probe::new("a", &Journal::new()), Probe::new("b", &Journal::new()));
            let sup = DynamicSupervisor::new().max_restarts(max_restarts);
            let sup = sup.start().await.expect("boot");
            sup.start_child(b.spec()).await.expect("start");
            sup.start_child(a.spec()).await.expect("start");
            a.fail_starts(usize::MAX);
            let supervisor = sup.whereis().expect("it runs");
            a.crash().await;
            assert_eq!(word(&supervisor.exited().await), "shutdown");
            assert_eq!((a.starts(), b.exits()), (1 + max_restarts, vec!["shutdown"]));
        }
    }
}

#[suite]
pub(crate) mod lookups {
    use hedgehog_core::{ChildKind, ChildState, DynamicSupervisor, Restart, Strategy, Supervisor, TerminateError};
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    #[row("SUP-122")]
    async fn child_is_told_by_its_reference_for_as_long_as_it_is_one() {
        let journal = Journal::new();
        let [a, b, stranger] = ["a", "b", "stranger"].map(|name| Probe::new(name, &journal));
        let sup = DynamicSupervisor::new()
            .max_restarts(usize::MAX)
            .start()
            .await
            .expect("boot");
        let other = DynamicSupervisor::new().start().await.expect("boot");
        let (first, second) = (
            sup.start_child(a.spec()).await.expect("start"),
            sup.start_child(b.spec()).await.expect("start"),
        );
        let stranger = other.start_child(stranger.spec()).await.expect("start");
        for (child, id) in [(&first, "a"), (&second, "b")] {
            let found = sup.which_child(child).await.expect("it runs").expect("a child");
            assert_eq!(
                (&*found.id, found.pid(), found.state),
                (id, Some(child.pid()), ChildState::Running)
            );
        }
        assert!(sup.which_child(&stranger).await.expect("it runs").is_none());
        sup.terminate_child(&first).await.expect("terminate");
        assert!(sup.which_child(&first).await.expect("it runs").is_none());

        // The old reference tells the child until there is a new one.
        b.fail_starts(usize::MAX);
        b.crash().await;
        while b.starts() < 3 {
            tokio::task::yield_now().await;
        }
        let found = sup.which_child(second.pid()).await.expect("it runs").expect("a child");
        assert_eq!((found.state, found.pid()), (ChildState::Restarting, None));
        b.fail_starts(0);
        settle().await;
        assert!(sup.which_child(&second).await.expect("it runs").is_none());
        assert!(sup.which_child(&b.current()).await.expect("it runs").is_some());
    }

    #[row("DSUP-042")]
    async fn count_tells_entries_and_the_list_tells_processes() {
        let journal = Journal::new();
        let [running, restarting, finished] =
            ["running", "restarting", "finished"].map(|name| Probe::new(name, &journal));
        let sup = DynamicSupervisor::new()
            .max_restarts(usize::MAX)
            .start()
            .await
            .expect("boot");
        sup.start_child(running.spec()).await.expect("start");
        sup.start_child(restarting.spec()).await.expect("start");
        sup.start_child(finished.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        let inner = Supervisor::spec("inner", || Supervisor::new(Strategy::OneForOne));
        let inner = sup.start_child(inner).await.expect("start");
        finished.crash().await;
        restarting.fail_starts(usize::MAX);
        restarting.crash().await;
        while restarting.starts() < 3 {
            tokio::task::yield_now().await;
        }
        let count = sup.count_children().await.expect("it runs");
        assert_eq!(
            (count.specs, count.active, count.workers, count.supervisors),
            (3, 2, 2, 1)
        );
        let children = sup.which_children().await.expect("it runs");
        let mut told: Vec<_> = children.iter().map(|child| (child.pid(), child.kind)).collect();
        told.sort_unstable_by_key(|(pid, _)| *pid);
        assert_eq!(
            told,
            [
                (None, ChildKind::Worker),
                (Some(running.current().pid()), ChildKind::Worker),
                (Some(inner.pid()), ChildKind::Supervisor)
            ]
        );
    }

    #[row("DSUP-043")]
    async fn one_id_serves_any_number_of_children() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let [one, two, three] = [
            sup.start_child(a.spec()).await.expect("start"),
            sup.start_child(a.spec()).await.expect("start"),
            sup.start_child(a.spec()).await.expect("start"),
        ];
        sup.terminate_child(&two).await.expect("terminate");
        assert_eq!([one, two, three].map(|child| child.is_alive()), [true, false, true]);
        assert_eq!(sup.count_children().await.expect("it runs").active, 2);
    }

    #[row("DSUP-044")]
    async fn nothing_is_kept_of_a_terminated_child_of_any_type() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let child = sup.start_child(a.spec().restart(restart)).await.expect("start");
            sup.terminate_child(&child).await.expect("terminate");
            settle().await;
            assert_eq!(a.alive(), 0);
            assert_eq!(sup.count_children().await.expect("it runs").specs, 0, "{restart:?}");
            assert!(sup.which_child(&child).await.expect("it runs").is_none());
            assert_eq!(
                sup.terminate_child(&child).await,
                Err(TerminateError::NotFound {
                    child: child.pid().to_string()
                })
            );
        }
        assert_eq!(a.starts(), 3);
    }
}
