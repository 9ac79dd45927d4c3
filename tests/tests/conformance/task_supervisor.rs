//! Tasks as children: their place in the tree, the limit of their number, and what becomes of them with supervisor and caller.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod tasks {
    use std::future::pending;
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use hedgehog_core::{
        AnyActorRef, DynamicSupervisor, ExitReason, Name, Restart, Shutdown, StartError, Strategy, Supervisor, Task,
        TaskError, TaskSupervisor, TerminateError,
    };
    use hedgehog_tests::scenario::{INTENDED, settle, word};
    use parking_lot::Mutex;
    use tokio::sync::oneshot;
    use tokio::time::{Instant, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    async fn supervisor(limits: DynamicSupervisor) -> TaskSupervisor {
        TaskSupervisor::from(limits.start().await.expect("boot"))
    }

    fn actor<T: Send + 'static>(task: &Task<T>) -> AnyActorRef {
        task.actor().expect("it runs").clone()
    }

    #[row("TASK-001", "TASK-002", "TSUP-001")]
    async fn tasks_and_their_supervisor_have_places_in_a_tree() {
        let ran = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&ran);
        let task = Task::spec("task", move || {
            *counted.lock() += 1;
            async { Ok::<_, String>(()) }
        });
        let name = Name::new("tasks");
        let root = Supervisor::new(Strategy::OneForOne)
            .child(DynamicSupervisor::spec("tasks", DynamicSupervisor::new).name(&name))
            .child(task)
            .start()
            .await
            .expect("boot");
        settle().await;
        assert_eq!(*ran.lock(), 1, "temporary by default");
        assert_eq!(root.count_children().await.expect("count").specs, 1);
        let running = TaskSupervisor::from(&name)
            .async_linked(async { 1 })
            .await
            .expect("start");
        assert_eq!(running.await_for(SECOND).await.expect("a value"), 1);
    }

    #[row("TSUP-004", "TSUP-005", "TSUP-048")]
    async fn running_tasks_are_children_until_they_are_done() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        assert_eq!(tasks.children().await, Ok(Vec::new()));
        assert_eq!(tasks.supervisor().count_children().await.expect("count").specs, 0);
        let task = tasks.async_linked(sleep(SECOND)).await.expect("start");
        let running = actor(&task);
        assert_eq!(tasks.children().await, Ok(vec![running.clone()]));
        task.await_for(None).await.expect("it is done");
        assert_eq!(word(&running.exited().await), "normal");
        assert_eq!(tasks.children().await, Ok(Vec::new()));
    }

    #[row("TSUP-006", "TSUP-011", "TSUP-017")]
    async fn shutdown_of_a_tasks_own_choice_is_honoured() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let killed = tasks.clone().shutdown(Shutdown::BrutalKill);
        let endless = || async {
            Task::trap_exit().await;
            pending::<()>().await;
        };
        let running = [
            actor(&killed.async_nolink(endless()).await.expect("start")),
            actor(&killed.async_nolink(endless()).await.expect("start")),
            tasks
                .start_child(Task::spec("task", pending::<Result<(), String>>).shutdown(Shutdown::BrutalKill))
                .await
                .expect("start")
                .any(),
        ];
        settle().await;
        let begin = Instant::now();
        tasks.supervisor().stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(
            running
                .iter()
                .all(|task| task.exit_reason().as_ref().map(word) == Some("killed"))
        );
    }

    #[row("TSUP-007", "TSUP-012", "TSUP-020")]
    async fn limit_of_children_is_an_error_of_the_start() {
        let tasks = supervisor(DynamicSupervisor::new().max_children(1)).await;
        let _one = tasks.async_linked(pending::<()>()).await.expect("start");
        let spec = Task::spec("task", || async { Ok::<_, String>(()) });
        for refused in [
            tasks.async_linked(async {}).await.map(drop),
            tasks.async_nolink(async {}).await.map(drop),
            tasks.start_child(spec).await.map(drop),
        ] {
            assert!(
                matches!(refused, Err(StartError::MaxChildren { max: 1 })),
                "{refused:?}"
            );
        }
    }

    #[row("TSUP-010", "TSUP-024", "TSUP-025")]
    async fn failing_task_is_the_business_of_whoever_awaits_it() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let failing: Task<()> = tasks
            .async_nolink(async { panic!("{INTENDED}a task without a link") })
            .await
            .expect("start");
        let outcome = failing.await_for(None).await;
        assert!(
            matches!(outcome, Err(TaskError::Exited(ExitReason::Panic(_)))),
            "{outcome:?}"
        );
        let stopped = tasks.async_nolink(pending::<()>()).await.expect("start");
        actor(&stopped).stop(ExitReason::Shutdown);
        let outcome = stopped.await_for(None).await;
        assert!(
            matches!(outcome, Err(TaskError::Exited(ExitReason::Shutdown))),
            "{outcome:?}"
        );
        assert_eq!(
            tasks
                .async_linked(async { 1 })
                .await
                .expect("start")
                .await_for(None)
                .await
                .ok(),
            Some(1)
        );
    }

    #[row("TSUP-014")]
    async fn task_without_a_link_outlives_its_caller_and_a_linked_one_does_not() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let home = tasks.clone();
        let caller = Task::async_linked(async move {
            let _linked = home.async_linked(sleep(SECOND)).await.expect("start");
            let _nolink = home.async_nolink(sleep(SECOND)).await.expect("start");
            pending::<()>().await;
        });
        settle().await;
        let running = tasks.children().await.expect("children");
        actor(&caller).kill();
        let [linked, nolink] = &running[..] else {
            panic!("two tasks: {running:?}")
        };
        assert_eq!(word(&linked.exited().await), "killed");
        assert_eq!(word(&nolink.exited().await), "normal");
    }

    #[row("TSUP-022")]
    async fn late_value_is_for_nobody() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let alive = Arc::new(());
        let value = Arc::clone(&alive);
        let task = tasks
            .async_nolink(async {
                sleep(2 * SECOND).await;
                value
            })
            .await
            .expect("start");
        let running = actor(&task);
        assert!(matches!(task.await_for(SECOND).await, Err(TaskError::Timeout(_))));
        assert_eq!(word(&running.exited().await), "normal");
        assert_eq!(Arc::strong_count(&alive), 1, "dropped with the task");
    }

    #[invariant]
    async fn linked_task_whose_caller_goes_away_during_the_start_does_not_run_on() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let start = tasks.async_linked(pending::<()>());
        assert!(start.now_or_never().is_none());
        settle().await;
        assert_eq!(tasks.children().await, Ok(Vec::new()));
    }

    #[row("TSUP-015", "TSUP-018")]
    async fn child_without_a_value_is_run_again_when_it_is_permanent() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let runs = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&runs);
        let run = move || {
            *counted.lock() += 1;
            let first = *counted.lock() == 1;
            async move {
                if first {
                    Err(ExitReason::Shutdown)
                } else {
                    pending().await
                }
            }
        };
        let first = tasks
            .start_child(Task::spec("task", run).restart(Restart::Permanent))
            .await
            .expect("start");
        assert_eq!(word(&first.exited().await), "shutdown");
        settle().await;
        assert_eq!(*runs.lock(), 2);
        let [second] = &tasks.children().await.expect("children")[..] else {
            panic!("one child")
        };
        assert_ne!(*second, first.any());
    }

    #[row("TSUP-003")]
    async fn task_supervisors_of_one_tree_are_told_apart_by_their_ids() {
        let names = ["one", "other"].map(Name::new);
        let spec = |id: &'static str| DynamicSupervisor::spec(id, DynamicSupervisor::new);
        let root = Supervisor::new(Strategy::OneForOne)
            .child(spec("one").name(&names[0]))
            .child(spec("other").name(&names[1]))
            .start()
            .await
            .expect("boot");
        let task = TaskSupervisor::from(&names[1])
            .async_nolink(pending::<()>())
            .await
            .expect("start");
        let children = async |name| TaskSupervisor::from(name).children().await;
        assert_eq!(children(&names[0]).await, Ok(Vec::new()));
        assert_eq!(children(&names[1]).await, Ok(vec![actor(&task)]));
        let again = root.start_child(spec("one")).await;
        assert!(matches!(again, Err(StartError::AlreadyStarted { .. })), "{again:?}");
    }

    async fn sum(numbers: [u32; 2]) -> u32 {
        sleep(SECOND / 2).await;
        numbers.iter().sum()
    }

    async fn store(into: Arc<Mutex<u32>>, numbers: [u32; 2]) -> Result<(), String> {
        let sum = sum(numbers).await;
        *into.lock() = sum;
        Ok(())
    }

    #[row("TSUP-009", "TSUP-013", "TSUP-016")]
    async fn tasks_run_named_functions_with_arguments() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let linked = tasks.async_linked(sum([1, 2])).await.expect("start");
        assert_eq!(linked.await_for(SECOND).await.ok(), Some(3));
        let nolink = tasks.async_nolink(sum([3, 4])).await.expect("start");
        assert_eq!(nolink.await_for(SECOND).await.ok(), Some(7));
        let stored = Arc::default();
        let result = Arc::clone(&stored);
        let child = tasks
            .start_child(Task::spec("sum", move || store(Arc::clone(&result), [5, 6])))
            .await
            .expect("start");
        assert_eq!(word(&child.exited().await), "normal");
        assert_eq!(*stored.lock(), 11);
    }

    #[row("TSUP-008", "TSUP-019")]
    async fn callers_of_a_supervised_task_are_those_who_asked_for_it() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let caller = Task::async_linked(async move {
            let asked = tasks.async_nolink(async { Task::callers() }).await.expect("start");
            let asked = asked.await_for(None).await.expect("callers");
            let (tell, told) = oneshot::channel();
            let tell = Mutex::new(Some(tell));
            let child = Task::spec("child", move || {
                let tell = tell.lock().take().expect("it runs once");
                async move { tell.send(Task::callers()).map_err(|_| "nobody listens") }
            });
            tasks.start_child(child).await.expect("start");
            [asked, told.await.expect("callers")]
        });
        let pid = actor(&caller).pid();
        let callers = caller.await_for(None).await.expect("callers");
        assert_eq!(callers, [vec![pid], vec![pid]], "not the supervisor that started them");
    }

    #[row("TSUP-021")]
    async fn terminated_task_is_gone() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let task = tasks.async_nolink(pending::<()>()).await.expect("start");
        assert_eq!(tasks.terminate_child(&actor(&task)).await, Ok(()));
        assert_eq!(tasks.children().await, Ok(Vec::new()));
        let again = tasks.terminate_child(&actor(&task)).await;
        let child = actor(&task).pid().to_string();
        assert_eq!(again, Err(TerminateError::NotFound { child }));
    }

    #[row("TSUP-047")]
    async fn stop_of_the_supervisor_fails_those_who_wait() {
        let tasks = supervisor(DynamicSupervisor::new()).await;
        let stubborn = || async {
            Task::trap_exit().await;
            pending::<()>().await;
        };
        let waiting = [
            tasks.async_linked(pending::<()>()).await.expect("start"),
            tasks.async_linked(stubborn()).await.expect("start"),
            tasks.async_nolink(stubborn()).await.expect("start"),
        ];
        settle().await;
        let begin = Instant::now();
        tasks.supervisor().stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), 5 * SECOND, "side by side");
        let [asked, killed, other] = waiting.map(|task| async {
            match task.await_for(None).await {
                Err(TaskError::Exited(reason)) => word(&reason),
                _ => "no exit",
            }
        });
        assert_eq!(
            [asked.await, killed.await, other.await],
            ["shutdown", "killed", "killed"]
        );
    }
}
