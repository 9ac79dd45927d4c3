//! Dynamic supervisors: how they are started themselves, what they are called, and what they bear.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod supervisor {
    use std::time::Duration;

    use hedgehog_core::{
        ChildKind, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name, Registry, Restart, Shutdown, StartError,
        Strategy, Supervisor,
    };
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};
    use tokio::time;

    #[row("DSUP-001")]
    async fn named_one_starts_as_a_static_child_and_has_no_children() {
        let name = Name::new("workers");
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(DynamicSupervisor::spec("workers", DynamicSupervisor::new).name(&name))
            .start()
            .await
            .expect("boot");
        let children = sup.which_children().await.expect("it runs");
        assert_eq!((children.len(), children[0].kind), (1, ChildKind::Supervisor));
        assert_eq!(children[0].pid(), name.whereis().map(|actor| actor.pid()));
        let workers = DynamicSupervisorRef::from(&name);
        assert!(workers.which_children().await.expect("it runs").is_empty());
    }

    #[row("DSUP-002")]
    async fn several_under_one_parent_are_told_apart_by_their_names() {
        let registry = Registry::<_, _>::unique("pools");
        let (local, other) = (Name::new("local"), Name::new("other"));
        let spec = || DynamicSupervisor::child_spec(DynamicSupervisor::new);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(registry.spec("registry"))
            .child(spec().name(&local))
            .child(spec().name(&other))
            .child(spec().via(registry.via(7)))
            .start()
            .await
            .expect("boot");
        let unnamed = sup.start_child(spec()).await.expect("its id is free");
        let ids: Vec<_> = sup
            .which_children()
            .await
            .expect("it runs")
            .into_iter()
            .map(|child| child.id)
            .collect();
        assert_eq!(ids, ["registry", "local", "other", "pools/7", "DynamicSupervisor"]);
        let error = sup.start_child(spec()).await.expect_err("the id of the type is taken");
        assert!(
            matches!(&error, StartError::AlreadyStarted { id, pid } if id == "DynamicSupervisor" && *pid == unnamed.pid()),
            "{error:?}"
        );
    }

    #[row("DSUP-003")]
    async fn spec_is_called_as_the_type_unless_it_is_told_otherwise() {
        let spec = DynamicSupervisor::child_spec(DynamicSupervisor::new);
        let changed = spec
            .clone()
            .id("mine")
            .restart(Restart::Temporary)
            .shutdown(Shutdown::BrutalKill);
        let sup = Supervisor::new(Strategy::OneForOne).child(spec).child(changed);
        let sup = sup.start().await.expect("boot");
        let spec = sup
            .get_child_spec("DynamicSupervisor")
            .await
            .expect("it runs")
            .expect("a child");
        assert_eq!(
            (spec.kind, spec.restart, spec.shutdown),
            (ChildKind::Supervisor, Restart::Permanent, Shutdown::Infinity)
        );
        let spec = sup.get_child_spec("mine").await.expect("it runs").expect("a child");
        assert_eq!(
            (spec.kind, spec.restart, spec.shutdown),
            (ChildKind::Supervisor, Restart::Temporary, Shutdown::BrutalKill)
        );
    }

    #[row("DSUP-004")]
    async fn without_options_it_bears_three_restarts_in_five_seconds_and_any_number_of_children() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        // Made without extra arguments: the factories of these take none.
        sup.start_child(a.spec()).await.expect("start");
        for _ in 0..999 {
            sup.start_child(b.spec()).await.expect("there is room");
        }
        // The fourth within five seconds is too many, so four with more time between them are not.
        for gap in [0, 0, 6, 0] {
            time::sleep(Duration::from_secs(gap)).await;
            a.crash().await;
            settle().await;
            assert_eq!((a.alive(), b.alive()), (1, 999));
        }
        assert_eq!(b.starts(), 999, "one for one");
        let supervisor = sup.whereis().expect("it runs");
        for _ in 0..2 {
            a.crash().await;
            settle().await;
        }
        assert_eq!(supervisor.exit_reason().as_ref().map(word), Some("shutdown"));
    }

    #[row("DSUP-005")]
    async fn window_of_no_time_is_refused_and_a_factory_may_decline() {
        let windowless = || DynamicSupervisor::new().max_seconds(Duration::ZERO);
        let error = windowless().start().await.expect_err("no window");
        assert!(matches!(error, StartError::NoWindow), "{error:?}");
        let error = DynamicSupervisor::ignore().start().await.expect_err("it declines");
        assert!(matches!(error, StartError::Ignore), "{error:?}");

        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let error = sup.start_child(DynamicSupervisor::spec("windowless", windowless)).await;
        let error = error.expect_err("no window");
        assert!(
            matches!(&error, StartError::FailedToStartChild { source, .. } if matches!(**source, StartError::NoWindow)),
            "{error:?}"
        );
        let declined = sup
            .start_child(DynamicSupervisor::spec("ignored", DynamicSupervisor::ignore))
            .await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        assert_eq!(sup.count_children().await.expect("it runs").active, 0);
    }

    #[row("DSUP-006")]
    async fn start_links_the_starter_binds_the_name_and_a_stop_frees_it() {
        let journal = Journal::new();
        let (starter, child) = (Probe::new("starter", &journal), Probe::new("child", &journal));
        let root = Supervisor::new(Strategy::OneForOne).child(starter.spec().restart(Restart::Temporary));
        let root = root.start().await.expect("boot");
        let spec = child.spec();
        starter.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move {
                let sup = DynamicSupervisor::new().start().await.expect("boot");
                sup.start_child(spec).await.expect("start");
            })
        })));
        settle().await;
        assert_eq!(child.alive(), 1);
        starter.crash().await;
        settle().await;
        assert_eq!(child.alive(), 0, "the supervisor ended with its starter");

        let name = Name::new("workers");
        let spec = || {
            DynamicSupervisor::child_spec(DynamicSupervisor::new)
                .name(&name)
                .restart(Restart::Temporary)
        };
        root.start_child(spec()).await.expect("start");
        let reason = DynamicSupervisorRef::from(&name).stop(ExitReason::Normal).await;
        assert_eq!((word(&reason), name.whereis()), ("normal", None));
        settle().await;
        root.start_child(spec()).await.expect("the name is free");
    }

    #[row("DSUP-046")]
    async fn restarted_one_begins_without_children() {
        let (a, name) = (Probe::new("a", &Journal::new()), Name::new("workers"));
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(DynamicSupervisor::spec("workers", DynamicSupervisor::new).name(&name));
        let _sup = sup.start().await.expect("boot");
        let workers = DynamicSupervisorRef::from(&name);
        workers.start_child(a.spec()).await.expect("start");
        let before = name.whereis().expect("it runs");
        before.kill();
        before.exited().await;
        assert_eq!(workers.count_children().await.expect("it is restarted").specs, 0);
        assert_ne!(name.whereis(), Some(before));
        settle().await;
        assert_eq!((a.starts(), a.alive()), (1, 0));
    }
}
