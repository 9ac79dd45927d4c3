//! What a supervisor refuses, and what cannot even be asked of it.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod specs {
    use std::time::Duration;

    use hedgehog_core::{
        AutoShutdown, DynamicSupervisor, ExitReason, Restart, Shutdown, StartError, Strategy, Supervisor,
        TerminateError,
    };
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    #[row("SUP-015")]
    async fn faulty_specs_at_boot_are_named_and_nothing_is_started() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let good = || Supervisor::new(Strategy::OneForOne).child(a.spec());
        let twice = good().child(b.spec()).child(a.spec()).start().await;
        assert!(
            matches!(&twice, Err(StartError::DuplicateId { id }) if id == "a"),
            "{twice:?}"
        );
        let always_back = good().auto_shutdown(AutoShutdown::AnySignificant);
        let always_back = always_back.child(b.spec().significant()).start().await;
        assert!(
            matches!(&always_back, Err(StartError::SignificantPermanent { id }) if id == "b"),
            "{always_back:?}"
        );
        let in_vain = good()
            .child(b.spec().restart(Restart::Transient).significant())
            .start()
            .await;
        assert!(
            matches!(&in_vain, Err(StartError::SignificantNeedsAutoShutdown { id }) if id == "b"),
            "{in_vain:?}"
        );
        let no_window = good().max_seconds(Duration::ZERO).start().await;
        assert!(matches!(no_window, Err(StartError::NoWindow)), "{no_window:?}");
        settle().await;
        assert_eq!(journal.take(), "");
    }

    #[row("SUP-038", "SUP-042")]
    async fn spec_that_can_be_written_down_is_accepted_but_for_a_senseless_combination() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for shutdown in [
                Shutdown::BrutalKill,
                Shutdown::Timeout(Duration::ZERO),
                Shutdown::Timeout(Duration::MAX),
                Shutdown::Infinity,
            ] {
                let worker = a.spec().id("worker").restart(restart).shutdown(shutdown);
                let below = DynamicSupervisor::spec("below", DynamicSupervisor::new);
                sup.start_child(worker).await.expect("a worker");
                sup.start_child(below.restart(restart).shutdown(shutdown))
                    .await
                    .expect("a supervisor");
                for id in ["worker", "below"] {
                    sup.terminate_child(id).await.expect("terminate");
                    let deleted = sup.delete_child(id).await;
                    assert_eq!(deleted.is_ok(), restart != Restart::Temporary);
                }
            }
        }
        let starts = a.starts();
        let senseless = sup.start_child(a.spec().significant()).await;
        assert!(
            matches!(&senseless, Err(StartError::SignificantPermanent { id }) if id == "a"),
            "{senseless:?}"
        );
        assert!(senseless.is_err_and(|error| error.to_string().contains("child a is significant")));
        assert_eq!(
            (a.starts(), sup.count_children().await.expect("it goes on").specs),
            (starts, 0)
        );
    }

    #[row("SUP-032")]
    async fn child_of_a_static_supervisor_is_addressed_by_its_id_alone() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne);
        let sup = sup.child(a.spec()).start().await.expect("boot");
        // A reference or a pid is refused by the compiler; its text is an id like any other.
        let pid = a.current().pid();
        assert_eq!(
            sup.terminate_child(pid.to_string()).await,
            Err(TerminateError::NotFound { child: pid.to_string() })
        );
        assert!(a.current().is_alive());
        assert_eq!(sup.terminate_child("a").await, Ok(()));
    }

    #[row("SUP-087")]
    async fn dynamic_supervisor_takes_no_significant_child() {
        let a = Probe::new("a", &Journal::new());
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for restart in [Restart::Transient, Restart::Temporary] {
            let refused = sup.start_child(a.spec().restart(restart).significant()).await;
            assert!(
                matches!(&refused, Err(StartError::SignificantNeedsAutoShutdown { id }) if id == "a"),
                "{refused:?}"
            );
        }
        assert_eq!(a.starts(), 0);
        // Without the mark there is no difference: it does not end with its children.
        sup.start_child(a.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        a.exit(ExitReason::Normal).await;
        settle().await;
        assert_eq!(sup.count_children().await.expect("it goes on").specs, 0);
        assert_eq!(word(&sup.stop(ExitReason::Normal).await), "normal");
    }
}

#[suite]
pub(crate) mod dynamic_specs {
    use std::time::Duration;

    use hedgehog_core::{ChildKind, DynamicSupervisor, Restart, Shutdown};
    use hedgehog_tests::scenario::{Journal, Probe};

    #[row("SUP-014")]
    async fn spec_of_each_child_is_had_by_its_reference_and_that_of_a_stranger_is_not() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let mut children = Vec::new();
        for name in ["a", "b"] {
            let child = Probe::new(name, &journal);
            children.push(
                sup.start_child(child.spec().restart(Restart::Temporary))
                    .await
                    .expect("start"),
            );
        }
        for (child, id) in children.iter().zip(["a", "b"]) {
            let spec = sup.get_child_spec(child).await.expect("it runs").expect("a child");
            assert_eq!(
                (&*spec.id, spec.kind, spec.restart),
                (id, ChildKind::Worker, Restart::Temporary)
            );
            assert_eq!(
                (spec.shutdown, spec.significant),
                (Shutdown::Timeout(Duration::from_secs(5)), false)
            );
        }
        let elsewhere = DynamicSupervisor::new().start().await.expect("boot");
        let stranger = elsewhere
            .start_child(Probe::new("c", &journal).spec())
            .await
            .expect("start");
        assert_eq!(sup.get_child_spec(&stranger).await.expect("it runs"), None);
        sup.terminate_child(&children[0]).await.expect("terminate");
        assert_eq!(sup.get_child_spec(&children[0]).await.expect("it runs"), None);
    }
}

#[suite]
pub(crate) mod escapes {
    use std::future;
    use std::time::Duration;

    use hedgehog_core::{Actor, ActorProcessingErr, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};

    struct Stranger;

    impl Actor for Stranger {
        type Msg = ();
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    #[row("SUP-076")]
    async fn child_that_moves_about_in_ractors_tree_is_still_its_supervisors() {
        let (stranger, _) = Actor::spawn(None, Stranger, ()).await.expect("spawn");
        for stays in [true, false] {
            let a = Probe::new("a", &Journal::new());
            let sup = Supervisor::new(Strategy::OneForOne);
            let sup = sup.child(a.spec()).start().await.expect("boot");
            let elsewhere = stranger.get_cell();
            a.tell(Command::Run(Box::new(move |myself| {
                myself.link(elsewhere.clone());
                if !stays {
                    myself.unlink(elsewhere);
                }
                Box::pin(future::ready(()))
            })));
            settle().await;
            let terminated = tokio::time::timeout(Duration::from_secs(1), sup.terminate_child("a"));
            assert_eq!(terminated.await.expect("it does not hang"), Ok(()));
            assert_eq!((a.exits(), a.alive()), (vec!["shutdown"], 0));
            let count = sup.count_children().await.expect("it serves");
            assert_eq!((count.specs, count.active), (1, 0));
            sup.restart_child("a").await.expect("restart");
            a.crash().await;
            settle().await;
            assert_eq!((a.starts(), a.alive()), (3, 1));
        }
        stranger.stop(None);
    }
}
