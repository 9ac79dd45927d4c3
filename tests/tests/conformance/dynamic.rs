//! What a dynamic supervisor promises beyond a static one: children that come and go, addressed by what they are.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod children {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{
        DynamicSupervisor, DynamicSupervisorRef, ExitReason, Restart, StartError, Strategy, Supervisor, Task,
        TerminateError,
    };
    use hedgehog_tests::scenario::{INTENDED, Journal, Latest, Probe, settle, word};
    use parking_lot::Mutex;
    use tokio::time::Instant;

    #[invariant]
    async fn old_reference_or_the_id_of_a_restarting_child_still_terminates_it() {
        for by_id in [false, true] {
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
            if by_id {
                assert_eq!(sup.terminate_id("a").await, Ok(()));
            } else {
                assert_eq!(sup.terminate_child(&old).await, Ok(()));
            }
            let tries = a.starts();
            settle().await;
            assert_eq!(a.starts(), tries, "the pending try is cancelled");
            assert_eq!(sup.count_children().await.expect("count").specs, 0);
            assert_eq!(
                sup.terminate_child(&old).await,
                Err(TerminateError::NotFound {
                    child: old.pid().to_string()
                })
            );
            assert_eq!(
                sup.terminate_id("a").await,
                Err(TerminateError::NotFound { child: "a".into() })
            );
        }
    }

    #[invariant]
    async fn restarting_children_count_towards_the_limit() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = DynamicSupervisor::new()
            .max_children(1)
            .max_restarts(usize::MAX)
            .start()
            .await
            .expect("boot");
        sup.start_child(a.spec()).await.expect("start");
        let refused = sup.start_child(b.spec()).await;
        assert!(
            matches!(refused, Err(StartError::MaxChildren { max: 1 })),
            "{refused:?}"
        );
        a.fail_starts(usize::MAX);
        a.crash().await;
        while a.starts() < 3 {
            tokio::task::yield_now().await;
        }
        let refused = sup.start_child(b.spec()).await;
        assert!(
            matches!(refused, Err(StartError::MaxChildren { max: 1 })),
            "{refused:?}"
        );
        sup.terminate_id("a").await.expect("terminate");
        sup.start_child(b.spec()).await.expect("there is room again");
        assert_eq!(b.starts(), 1);
    }

    #[invariant]
    async fn children_with_one_id_are_terminated_together_and_side_by_side() {
        let journal = Journal::new();
        let (twins, other) = (
            ["a", "a"].map(|name| Probe::new(name, &journal)),
            Probe::new("b", &journal),
        );
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for probe in twins.iter().chain([&other]) {
            probe.stop_takes(Duration::from_secs(2));
            sup.start_child(probe.spec()).await.expect("start");
        }
        let begin = Instant::now();
        sup.terminate_id("a").await.expect("terminate");
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
        assert_eq!((twins.each_ref().map(Probe::alive), other.alive()), ([0, 0], 1));
    }

    #[invariant]
    async fn killed_dynamic_supervisor_is_gone_only_when_all_its_children_are_and_comes_back_empty() {
        let journal = Journal::new();
        let probes: Vec<_> = (0..500).map(|_| Probe::new("a", &journal)).collect();
        let bind = Latest::new();
        let spec = DynamicSupervisor::spec("workers", DynamicSupervisor::new).via(bind.clone());
        let _root = Supervisor::new(Strategy::OneForOne)
            .child(spec)
            .start()
            .await
            .expect("boot");
        let killed = bind.current();
        let sup = DynamicSupervisorRef::from(killed.clone());
        for probe in &probes {
            sup.start_child(probe.spec()).await.expect("start");
        }
        let seen = Arc::new(Mutex::new(None));
        let (note, all) = (Arc::clone(&seen), probes.clone());
        killed.on_exit(move |_| *note.lock() = Some(all.iter().filter(|probe| probe.alive() > 0).count()));
        killed.kill();
        assert_eq!(word(&killed.exited().await), "killed");
        assert_eq!(*seen.lock(), Some(0));
        settle().await;
        assert!(probes.iter().all(|probe| probe.starts() == 1));
        let sup = DynamicSupervisorRef::from(bind.current());
        assert_eq!(sup.count_children().await.expect("it is back").specs, 0);
    }

    #[invariant]
    async fn task_ends_by_itself_and_is_restarted_only_when_told_so() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let task = Task::spec("task", || async { Ok::<_, String>(()) });
        let actor = sup.start_child(task).await.expect("start");
        assert_eq!(word(&actor.exited().await), "normal");

        let runs = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&runs);
        let failing = move || {
            let counted = Arc::clone(&counted);
            async move {
                *counted.lock() += 1;
                let run = *counted.lock();
                assert!(run != 1, "{INTENDED}the first run");
                if run == 2 { Err("the second run") } else { Ok(()) }
            }
        };
        sup.start_child(Task::spec("once", failing.clone()))
            .await
            .expect("start")
            .exited()
            .await;
        settle().await;
        assert_eq!(*runs.lock(), 1, "temporary by default");
        *runs.lock() = 0;
        sup.start_child(Task::spec("until done", failing).restart(Restart::Transient))
            .await
            .expect("start");
        settle().await;
        assert_eq!(*runs.lock(), 3);
        assert_eq!(sup.count_children().await.expect("count").specs, 0);

        let endless = sup
            .start_child(Task::spec("endless", std::future::pending::<Result<(), String>>))
            .await
            .expect("start");
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), Duration::ZERO, "a stop ends a task at once");
        assert_eq!(endless.exit_reason().as_ref().map(word), Some("shutdown"));
    }
}
