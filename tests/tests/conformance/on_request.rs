//! Children that are started again or deleted because somebody asks for it.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod restart_child {
    use hedgehog_core::{ChildState, ExitReason, Restart, RestartError, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    #[row("SPEC-037")]
    async fn stopped_child_is_started_and_any_other_is_refused() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(usize::MAX);
        let sup = sup.child(a.spec()).child(b.spec()).start().await.expect("boot");
        let running = sup.restart_child("a").await;
        assert!(matches!(running, Err(RestartError::Running { .. })), "{running:?}");
        let unknown = sup.restart_child("nobody").await;
        assert!(matches!(unknown, Err(RestartError::NotFound { .. })), "{unknown:?}");

        sup.terminate_child("a").await.expect("terminate");
        let new = sup.restart_child("a").await.expect("restart");
        assert_eq!((new.pid(), a.starts()), (a.current().pid(), 2));

        b.fail_starts(usize::MAX);
        b.crash().await;
        while b.starts() < 3 {
            tokio::task::yield_now().await;
        }
        let restarting = sup.restart_child("b").await;
        assert!(
            matches!(restarting, Err(RestartError::Restarting { .. })),
            "{restarting:?}"
        );
        sup.stop(ExitReason::Shutdown).await;
        let gone = sup.restart_child("a").await;
        assert!(matches!(gone, Err(RestartError::NoProc)), "{gone:?}");
    }

    #[row("SPEC-037")]
    async fn failed_or_declined_start_leaves_it_stopped_and_is_neither_counted_nor_retried() {
        let a = Probe::new("a", &Journal::new());
        // One restart that counts would be one too many.
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(0);
        let sup = sup.child(a.spec()).start().await.expect("boot");
        sup.terminate_child("a").await.expect("terminate");
        a.fail_starts(1);
        let failed = sup.restart_child("a").await;
        assert!(
            matches!(&failed, Err(RestartError::Start(StartError::Failed(why))) if why.to_string() == "a fails to start"),
            "{failed:?}"
        );
        a.decline_starts(1);
        let declined = sup.restart_child("a").await;
        assert!(
            matches!(declined, Err(RestartError::Start(StartError::Ignore))),
            "{declined:?}"
        );
        settle().await;
        let child = sup.which_child("a").await.expect("it runs").expect("the spec is kept");
        assert_eq!((child.state, child.pid()), (ChildState::Stopped, None));
        assert_eq!(a.starts(), 3, "nothing is tried again");
        sup.restart_child("a").await.expect("restart");
        assert_eq!(a.alive(), 1);
    }

    #[row("SPEC-034", "SPEC-037")]
    async fn child_started_again_keeps_its_place_and_its_supervision() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .child(b.spec().restart(Restart::Transient))
            .child(c.spec())
            .start()
            .await
            .expect("boot");
        b.exit(ExitReason::Normal).await;
        settle().await;
        sup.restart_child("b").await.expect("restart");
        b.crash().await;
        settle().await;
        assert_eq!((b.starts(), b.alive()), (3, 1), "its exits are seen again");
        let _ = journal.take();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(journal.take_only(&["stop"]), "stop c, stop b, stop a");
    }
}

#[suite]
pub(crate) mod delete_child {
    use hedgehog_core::{DeleteError, ExitReason, RestartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    #[row("SPEC-038")]
    async fn stopped_child_is_forgotten_and_any_other_is_refused() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(usize::MAX);
        let sup = sup.child(a.spec()).child(b.spec()).start().await.expect("boot");
        assert_eq!(
            sup.delete_child("a").await,
            Err(DeleteError::Running { id: "a".into() })
        );
        assert_eq!(
            sup.delete_child("nobody").await,
            Err(DeleteError::NotFound { id: "nobody".into() })
        );
        sup.terminate_child("a").await.expect("terminate");
        assert_eq!(sup.delete_child("a").await, Ok(()));
        assert_eq!(
            sup.delete_child("a").await,
            Err(DeleteError::NotFound { id: "a".into() })
        );
        assert!(sup.which_child("a").await.expect("it runs").is_none());
        let again = sup.restart_child("a").await;
        assert!(matches!(again, Err(RestartError::NotFound { .. })), "{again:?}");

        b.fail_starts(usize::MAX);
        b.crash().await;
        while b.starts() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            sup.delete_child("b").await,
            Err(DeleteError::Restarting { id: "b".into() })
        );
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(sup.delete_child("b").await, Err(DeleteError::NoProc));
    }

    #[row("SPEC-038")]
    async fn deleted_child_is_not_revived_with_its_group_and_its_id_is_free() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = Supervisor::new(Strategy::OneForAll);
        let sup = sup.child(a.spec()).child(b.spec()).start().await.expect("boot");
        sup.terminate_child("a").await.expect("terminate");
        sup.delete_child("a").await.expect("delete");
        b.crash().await;
        settle().await;
        assert_eq!([a.alive(), b.alive()], [0, 1]);
        sup.start_child(a.spec()).await.expect("start");
        let _ = journal.take();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(
            journal.take_only(&["stop"]),
            "stop a, stop b",
            "it came back as the last"
        );
    }
}
