//! What can be asked of a running supervisor.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod start_child {
    use hedgehog_core::{DynamicSupervisor, Restart, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Probe};

    #[row("SPEC-039")]
    async fn id_of_a_running_child_is_already_started_and_that_of_another_is_already_present() {
        let journal = Journal::new();
        let [running, stopped, restarting] =
            ["running", "stopped", "restarting"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(usize::MAX)
            .child(running.spec())
            .child(stopped.spec())
            .child(restarting.spec())
            .start()
            .await
            .expect("boot");
        sup.terminate_child("stopped").await.expect("terminate");
        restarting.fail_starts(usize::MAX);
        restarting.crash().await;

        let twin = Probe::new("running", &journal);
        let error = sup.start_child(twin.spec()).await.expect_err("the id is taken");
        let holder = running.current().pid();
        assert!(
            matches!(&error, StartError::AlreadyStarted { id, pid } if id == "running" && *pid == holder),
            "{error:?}"
        );
        for name in ["stopped", "restarting"] {
            let twin = Probe::new(name, &journal);
            let error = sup.start_child(twin.spec()).await.expect_err("the id is taken");
            assert!(
                matches!(&error, StartError::AlreadyPresent { id } if id == name),
                "{error:?}"
            );
            assert_eq!(twin.starts(), 0);
        }
        assert_eq!(twin.starts(), 0);
        assert!(running.current().is_alive());
    }

    #[row("SPEC-040")]
    async fn declined_start_keeps_the_spec_unless_it_is_temporary() {
        let journal = Journal::new();
        let (kept, dropped) = (Probe::new("kept", &journal), Probe::new("dropped", &journal));
        kept.decline_starts(1);
        dropped.decline_starts(1);
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let declined = sup.start_child(kept.spec()).await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        let again = sup.start_child(kept.spec()).await;
        assert!(matches!(again, Err(StartError::AlreadyPresent { .. })), "{again:?}");

        let declined = sup.start_child(dropped.spec().restart(Restart::Temporary)).await;
        assert!(matches!(declined, Err(StartError::Ignore)), "{declined:?}");
        sup.start_child(dropped.spec().restart(Restart::Temporary))
            .await
            .expect("its spec was dropped");
        let count = sup.count_children().await.expect("count");
        assert_eq!((count.specs, count.active), (2, 1));
    }

    #[row("SPEC-040", "SPEC-041", "SUP-011")]
    async fn failed_start_drops_the_spec_and_names_the_child() {
        let a = Probe::new("a", &Journal::new());
        a.fail_starts(1);
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(0)
            .start()
            .await
            .expect("boot");
        let error = sup.start_child(a.spec()).await.expect_err("a fails");
        let StartError::FailedToStartChild { id, source, .. } = &error else {
            panic!("unexpected: {error:?}")
        };
        assert_eq!(id, "a");
        assert!(matches!(&**source, StartError::Failed(_)), "{source:?}");
        assert_eq!(sup.count_children().await.expect("count").specs, 0);
        sup.start_child(a.spec()).await.expect("its spec was dropped");
    }

    #[row("SPEC-041", "SPEC-042", "SUP-012")]
    async fn dynamic_supervisor_hands_back_the_reason_itself() {
        let a = Probe::new("a", &Journal::new());
        a.fail_starts(1);
        let sup = DynamicSupervisor::new().max_restarts(0).start().await.expect("boot");
        let error = sup.start_child(a.spec()).await.expect_err("a fails");
        assert!(
            matches!(&error, StartError::Failed(cause) if cause.to_string() == "a fails to start"),
            "{error:?}"
        );
        a.panic_starts(1);
        let error = sup.start_child(a.spec()).await.expect_err("a panics");
        assert!(
            matches!(&error, StartError::Panicked(text) if &**text == "intended: starting a"),
            "{error:?}"
        );
        assert_eq!(sup.count_children().await.expect("count").specs, 0);
    }

    #[row("SPEC-042")]
    async fn error_of_a_start_keeps_its_type_and_a_panic_its_text() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        a.fail_starts(1);
        let error = anyhow::Error::from(sup.start_child(a.spec()).await.expect_err("a fails"));
        assert_eq!(error.root_cause().to_string(), "a fails to start");
        a.panic_starts(1);
        let error = sup.start_child(a.spec()).await.expect_err("a panics");
        let StartError::FailedToStartChild { source, .. } = error else {
            panic!("unexpected: {error:?}")
        };
        assert!(
            matches!(&*source, StartError::Panicked(text) if &**text == "intended: starting a"),
            "{source:?}"
        );
    }
}

#[suite]
pub(crate) mod terminate_child {
    use std::time::Duration;

    use hedgehog_core::{ChildState, Restart, Strategy, Supervisor, TerminateError};
    use hedgehog_tests::scenario::{Journal, Probe, settle};
    use tokio::time::Instant;

    #[row("SPEC-026")]
    async fn child_that_died_just_before_counts_as_terminated() {
        let journal = Journal::new();
        let (a, slow) = (Probe::new("a", &journal), Probe::new("slow", &journal));
        slow.start_takes(Duration::from_secs(1));
        // One restart would be one too many.
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(0)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let starter = tokio::spawn({
            let (sup, spec) = (sup.clone(), slow.spec());
            async move { sup.start_child(spec).await.map(drop) }
        });
        settle().await;
        let terminator = tokio::spawn({
            let sup = sup.clone();
            async move { sup.terminate_child("a").await }
        });
        settle().await;
        // The request waits in the mailbox of the busy supervisor; the notice of this exit comes after it.
        a.current().kill();
        a.current().exited().await;
        assert_eq!(slow.alive(), 0, "the supervisor is still busy");
        starter.await.expect("the starter's task").expect("slow starts");
        assert_eq!(terminator.await.expect("the terminator's task"), Ok(()));
        settle().await;
        assert_eq!(a.starts(), 1);
        let count = sup.count_children().await.expect("the supervisor goes on");
        assert_eq!((count.specs, count.active), (2, 1));
    }

    #[row("SPEC-035")]
    async fn siblings_are_left_alone_whatever_the_strategy() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            let journal = Journal::new();
            let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
            let sup = Supervisor::new(strategy)
                .child(a.spec())
                .child(b.spec())
                .child(c.spec());
            let sup = sup.start().await.expect("boot");
            sup.terminate_child("b").await.expect("terminate");
            settle().await;
            assert_eq!([&a, &b, &c].map(Probe::alive), [1, 0, 1], "{strategy:?}");
            assert_eq!([&a, &b, &c].map(Probe::starts), [1; 3], "{strategy:?}");
        }
    }

    #[row("SPEC-036")]
    async fn running_child_is_dead_when_the_answer_comes_and_stays_so() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        a.stop_takes(Duration::from_secs(3));
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let begin = Instant::now();
        assert_eq!(sup.terminate_child("a").await, Ok(()));
        assert_eq!(begin.elapsed(), Duration::from_secs(3));
        assert_eq!((a.alive(), a.exits()), (0, vec!["shutdown"]));
        assert_eq!(sup.terminate_child("a").await, Ok(()), "once more does no harm");
        settle().await;
        assert_eq!(a.starts(), 1);
        assert_eq!(sup.count_children().await.expect("count").specs, 1);
    }

    #[row("SPEC-036")]
    async fn restarting_child_becomes_stopped() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(usize::MAX);
        let sup = sup.child(a.spec()).start().await.expect("boot");
        a.fail_starts(usize::MAX);
        a.crash().await;
        let states = |children: Vec<hedgehog_core::ChildInfo>| children.iter().map(|c| c.state).collect::<Vec<_>>();
        while states(sup.which_children().await.expect("which_children")) != [ChildState::Restarting] {
            assert!(a.starts() < 1_000, "a is never seen restarting");
        }
        assert_eq!(sup.terminate_child("a").await, Ok(()));
        a.fail_starts(0);
        settle().await;
        assert_eq!(
            states(sup.which_children().await.expect("which_children")),
            [ChildState::Stopped]
        );
        assert_eq!(a.alive(), 0);
    }

    #[row("SPEC-036")]
    async fn spec_of_a_temporary_child_goes_and_an_unknown_id_is_not_found() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).child(a.spec().restart(Restart::Temporary));
        let sup = sup.start().await.expect("boot");
        assert_eq!(
            sup.terminate_child("b").await,
            Err(TerminateError::NotFound { child: "b".into() })
        );
        assert_eq!(sup.terminate_child("a").await, Ok(()));
        assert_eq!(
            sup.terminate_child("a").await,
            Err(TerminateError::NotFound { child: "a".into() })
        );
        sup.stop(hedgehog_core::ExitReason::Shutdown).await;
        assert_eq!(sup.terminate_child("a").await, Err(TerminateError::NoProc));
    }
}

#[suite]
pub(crate) mod queries {
    use hedgehog_core::{ChildKind, DynamicSupervisor, ExitReason, Restart, Strategy, Supervisor, TerminateError};
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, settle};

    #[row("SPEC-043")]
    async fn count_tells_specs_of_each_kind_and_only_live_processes_as_active() {
        let journal = Journal::new();
        let [running, stopped, finished, inner] =
            ["running", "stopped", "finished", "inner"].map(|name| Probe::new(name, &journal));
        let child = inner.clone();
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(running.spec())
            .child(stopped.spec())
            .child(finished.spec().restart(Restart::Transient))
            .child(Supervisor::spec("up", move || {
                Supervisor::new(Strategy::OneForOne).child(child.spec())
            }))
            .child(DynamicSupervisor::spec("down", DynamicSupervisor::new))
            .start()
            .await
            .expect("boot");
        let count = sup.count_children().await.expect("count");
        assert_eq!(
            (count.specs, count.active, count.supervisors, count.workers),
            (5, 5, 2, 3)
        );
        sup.terminate_child("stopped").await.expect("terminate");
        sup.terminate_child("down").await.expect("terminate");
        finished.exit(ExitReason::Normal).await;
        settle().await;
        let count = sup.count_children().await.expect("count");
        assert_eq!(
            (count.specs, count.active, count.supervisors, count.workers),
            (5, 2, 2, 3)
        );
    }

    #[row("SPEC-043")]
    async fn count_of_a_restarting_child_is_not_active() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne).max_restarts(usize::MAX);
        let sup = sup.child(a.spec()).start().await.expect("boot");
        a.fail_starts(usize::MAX);
        a.crash().await;
        while a.starts() < 2 {
            tokio::task::yield_now().await;
        }
        let count = sup.count_children().await.expect("count");
        assert_eq!((count.specs, count.active, count.workers), (1, 0, 1));
    }

    #[row("SPEC-044")]
    async fn which_children_tells_them_in_start_order_and_a_restart_does_not_change_it() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::OneForOne).child(a.spec()).child(b.spec());
        let sup = sup.start().await.expect("boot");
        sup.start_child(c.spec()).await.expect("start");
        a.crash().await;
        settle().await;
        let children = sup.which_children().await.expect("which_children");
        let told: Vec<_> = children
            .iter()
            .map(|child| (&*child.id, child.kind, child.pid()))
            .collect();
        let expected = [("a", &a), ("b", &b), ("c", &c)];
        assert_eq!(
            told,
            expected.map(|(id, probe)| (id, ChildKind::Worker, Some(probe.current().pid())))
        );
    }

    #[row("SPEC-045")]
    async fn exits_of_former_children_are_ignored() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().max_restarts(0).start().await.expect("boot");
        let a = Probe::new("a", &journal);
        // Kept beyond its life: the notice of its exit reaches the supervisor after it was terminated.
        let old = sup.start_child(a.spec()).await.expect("start");
        sup.terminate_child(&old).await.expect("terminate");
        let new = sup.start_child(a.spec()).await.expect("start again");
        old.kill();
        old.stop(ExitReason::Shutdown);
        settle().await;
        assert!(new.is_alive());
        assert_eq!(a.starts(), 2);
        assert_eq!(sup.count_children().await.expect("the supervisor goes on").active, 1);
    }

    #[row("SPEC-045")]
    async fn exits_of_strangers_are_ignored() {
        let journal = Journal::new();
        let (a, below) = (Probe::new("a", &journal), Probe::new("below", &journal));
        let sup = Supervisor::new(Strategy::OneForAll)
            .max_restarts(0)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        // Started by a child, and so of the supervisor's tree, but not its child.
        let (started, child) = (Latest::new(), below.clone());
        let bind = started.clone();
        a.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move {
                let inner = Supervisor::spec("inner", move || {
                    Supervisor::new(Strategy::OneForOne).child(child.spec())
                });
                let outer = Supervisor::new(Strategy::OneForOne).child(inner.restart(Restart::Temporary).via(bind));
                drop(outer.start().await);
            })
        })));
        settle().await;
        assert_eq!(below.alive(), 1);
        started.current().kill();
        settle().await;
        assert_eq!(below.exits(), ["killed"]);
        assert_eq!((a.starts(), a.alive()), (1, 1));
        assert_eq!(sup.count_children().await.expect("the supervisor goes on").active, 1);

        let other = DynamicSupervisor::new().start().await.expect("boot");
        assert_eq!(
            other.terminate_child(&a.current()).await,
            Err(TerminateError::NotFound {
                child: a.current().pid().to_string()
            })
        );
        assert_eq!(a.alive(), 1, "and no supervisor stops a stranger");
    }
}
