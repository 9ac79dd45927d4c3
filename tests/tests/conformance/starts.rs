//! What a start tells: that there is nothing to start, information for whoever asked, and why it failed.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod information {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use hedgehog_core::{DynamicSupervisor, RestartError, StartError, Strategy, Supervisor, set_start_info};
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    /// A child that tells its starter the how-manyeth start this is.
    fn counting() -> Probe {
        let a = Probe::new("a", &Journal::new());
        let starts = Arc::new(AtomicU32::new(0));
        a.before_start(move || set_start_info(starts.fetch_add(1, Ordering::SeqCst) + 1));
        a
    }

    #[row("SUP-023")]
    async fn start_and_restart_on_request_hand_out_what_the_child_found() {
        let a = counting();
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let first = sup.start_child(a.spec()).await.expect("start");
        assert_eq!(first.start_info::<u32>(), Some(&1));
        assert_eq!(first.start_info::<String>(), None, "it is typed");
        let listed = sup.which_children().await.expect("it runs");
        assert_eq!(listed[0].pid(), Some(first.pid()));

        sup.terminate_child("a").await.expect("terminate");
        let second = sup.restart_child("a").await.expect("restart");
        assert_eq!(second.start_info::<u32>(), Some(&2));
        assert_eq!(first.start_info::<u32>(), Some(&1), "it belongs to the incarnation");
        let running = sup.restart_child("a").await;
        assert!(matches!(running, Err(RestartError::Running { .. })), "{running:?}");

        let mute = Probe::new("mute", &Journal::new());
        let mute = sup.start_child(mute.spec()).await.expect("start");
        assert_eq!(mute.start_info::<u32>(), None);
    }

    #[row("SUP-069")]
    async fn dynamic_children_hand_it_out_and_are_restarted_like_any() {
        let (a, b) = (counting(), counting());
        let sup = DynamicSupervisor::new().max_restarts(2).start().await.expect("boot");
        let actor = sup.whereis().expect("it runs");
        for probe in [&a, &b] {
            let child = sup.start_child(probe.spec()).await.expect("start");
            assert_eq!(child.start_info::<u32>(), Some(&1));
        }
        let bystander = b.current();
        a.crash().await;
        settle().await;
        assert_eq!((a.starts(), b.current()), (2, bystander));
        assert_eq!(sup.count_children().await.expect("it runs").active, 2);
        a.crash().await;
        settle().await;
        a.crash().await;
        assert_eq!(word(&actor.exited().await), "shutdown");
        assert_eq!([a.alive(), b.alive()], [0, 0]);
    }

    #[invariant]
    async fn outside_of_a_callback_nobody_is_spoken_for() {
        set_start_info(1_u32);
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let child = sup.start_child(a.spec()).await.expect("start");
        assert_eq!(child.start_info::<u32>(), None);
        let twice = sup.start_child(a.spec()).await;
        assert!(matches!(twice, Err(StartError::AlreadyStarted { .. })), "{twice:?}");
    }
}

#[suite]
pub(crate) mod declined {
    use hedgehog_core::{
        ChildInfo, ChildState, DynamicSupervisor, ExitReason, Restart, StartError, Strategy, Supervisor, SupervisorRef,
    };
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};

    async fn states(sup: &SupervisorRef) -> Vec<(String, ChildState)> {
        let children = sup.which_children().await.expect("it runs");
        children
            .iter()
            .map(|child| (child.id.to_string(), child.state))
            .collect()
    }

    #[row("SUP-002")]
    async fn supervisor_that_declines_is_no_failure_and_disturbs_nobody() {
        let journal = Journal::new();
        let (starter, idle) = (Probe::new("starter", &journal), Probe::new("idle", &journal));
        let sup = Supervisor::new(Strategy::OneForOne);
        let _sup = sup.child(starter.spec()).start().await.expect("boot");
        let (log, child) = (journal.clone(), idle.clone());
        starter.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move {
                let fixed = Supervisor::ignore().child(child.spec()).start().await;
                let dynamic = DynamicSupervisor::ignore().start().await;
                for declined in [fixed.err(), dynamic.err()] {
                    log.record(match declined {
                        Some(StartError::Ignore) => "ignore",
                        _ => "other",
                    });
                }
            })
        })));
        settle().await;
        assert_eq!(journal.take(), "start starter, ignore, ignore");
        assert!(starter.current().is_alive(), "the starter learns of no exit");
    }

    #[row("SUP-002")]
    async fn declining_supervisor_below_another_leaves_its_spec_unless_it_is_temporary() {
        let a = Probe::new("a", &Journal::new());
        let declining = |id| Supervisor::spec(id, Supervisor::ignore);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(declining("kept"))
            .child(declining("dropped").restart(Restart::Temporary))
            .child(DynamicSupervisor::spec("dynamic", DynamicSupervisor::ignore))
            .child(a.spec())
            .start()
            .await
            .expect("it is no failure");
        let [stopped, running] = [ChildState::Stopped, ChildState::Running];
        assert_eq!(
            states(&sup).await,
            [
                ("kept".into(), stopped),
                ("dynamic".into(), stopped),
                ("a".into(), running)
            ]
        );
        let added = sup.start_child(declining("added")).await;
        assert!(matches!(added, Err(StartError::Ignore)), "{added:?}");
        assert_eq!(word(&sup.stop(ExitReason::Shutdown).await), "shutdown");
    }

    #[row("SUP-006")]
    async fn temporary_dynamic_child_that_declines_leaves_nothing() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        a.decline_starts(1);
        let declined = sup.start_child(a.spec().restart(Restart::Temporary)).await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        let b = sup
            .start_child(b.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        let listed = sup.which_children().await.expect("it runs");
        assert_eq!(listed.iter().map(ChildInfo::pid).collect::<Vec<_>>(), [Some(b.pid())]);
        let count = sup.count_children().await.expect("it runs");
        assert_eq!(
            [count.specs, count.active, count.supervisors, count.workers],
            [1, 1, 0, 1]
        );
    }
}

#[suite]
pub(crate) mod failures {
    use std::error::Error;
    use std::fmt;
    use std::iter;

    use hedgehog_core::{Application, ChildSpec, StartError, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, ProbeActor};

    async fn beside(a: &Probe) -> SupervisorRef {
        let sup = Supervisor::new(Strategy::OneForOne).child(a.spec());
        sup.start().await.expect("boot")
    }

    #[row("SUP-009")]
    async fn builder_that_panics_is_an_error_with_its_text_and_harms_nobody() {
        let a = Probe::new("a", &Journal::new());
        let sup = beside(&a).await;
        let inner = Supervisor::spec("inner", || panic!("{INTENDED}no tree today"));
        let refused = sup.start_child(inner).await;
        assert!(
            matches!(&refused, Err(StartError::FailedToStartChild { id, source })
                if id == "inner" && matches!(&**source, StartError::Panicked(text) if text.ends_with("no tree today"))),
            "{refused:?}"
        );
        assert_eq!((a.starts(), a.alive()), (1, 1));
        assert_eq!(sup.count_children().await.expect("it goes on").specs, 1);

        let child = ChildSpec::<Command>::of(|| -> (ProbeActor, ()) { panic!("{INTENDED}no child today") });
        let root = Supervisor::new(Strategy::OneForOne).child(child.id("b")).start().await;
        assert!(
            matches!(&root, Err(StartError::FailedToStartChild { id, source })
                if id == "b" && matches!(&**source, StartError::Panicked(_))),
            "{root:?}"
        );
    }

    /// The reason at the bottom.
    #[derive(Debug)]
    struct NoDisk;

    impl fmt::Display for NoDisk {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no disk")
        }
    }

    impl Error for NoDisk {}

    struct Storage;

    impl hedgehog_core::Actor for Storage {
        type Msg = ();
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), hedgehog_core::ActorProcessingErr> {
            Err(Box::new(NoDisk))
        }
    }

    #[row("SUP-053")]
    async fn failed_application_names_every_supervisor_on_the_way_to_the_cause() {
        let inner = Supervisor::spec("inner", || {
            Supervisor::new(Strategy::OneForOne).child(ChildSpec::worker("storage", || (Storage, ())))
        });
        let root = Supervisor::new(Strategy::OneForOne).child(inner);
        let error = Application::new("app").root(root).start().await.expect_err("no disk");
        let first: &(dyn Error + 'static) = &error;
        let chain: Vec<_> = iter::successors(Some(first), |&error| error.source()).collect();
        let told: Vec<_> = chain.iter().map(ToString::to_string).collect();
        let inner = told.iter().position(|text| text.contains("child inner"));
        let storage = told.iter().position(|text| text.contains("child storage"));
        assert!(inner < storage && inner.is_some(), "{told:?}");
        assert_eq!(told.last().map(String::as_str), Some("no disk"));
        let typed = chain.iter().find_map(|error| error.downcast_ref::<StartError>());
        assert!(
            matches!(typed, Some(StartError::FailedToStartChild { id, .. }) if id == "inner"),
            "{typed:?}"
        );
    }
}
