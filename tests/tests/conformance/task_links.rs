//! Tasks and the actors they were started by: links, the chain of callers, and what the log says of a failure.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod links {
    use std::future::pending;
    use std::time::Duration;

    use hedgehog_core::{AnyActorRef, ExitReason, StartError, Strategy, Supervisor, Task};
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, settle, word};
    use tokio::sync::oneshot;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    /// Makes the child of `probe` start a task of `kind` that is linked to it, and says which.
    async fn start_linked(probe: &Probe, kind: Kind) -> AnyActorRef {
        let (tell, told) = oneshot::channel();
        probe.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { drop(tell.send(Task::start_linked(run(kind, SECOND)))) })
        })));
        told.await.expect("an answer").expect("it was started")
    }

    #[derive(Clone, Copy)]
    enum Kind {
        Done,
        Failing,
        Panicking,
        Endless,
    }

    /// The named function that the tasks run.
    async fn run(kind: Kind, takes: Duration) -> Result<(), String> {
        sleep(takes).await;
        match kind {
            Kind::Done => Ok(()),
            Kind::Failing => Err("the task fails".to_owned()),
            Kind::Panicking => panic!("{INTENDED}a linked task"),
            Kind::Endless => pending().await,
        }
    }

    async fn owner(journal: &Journal) -> Probe {
        let owner = Probe::new("owner", journal);
        let root = Supervisor::new(Strategy::OneForOne).child(owner.spec());
        root.start().await.expect("boot");
        settle().await;
        owner
    }

    #[row("TASK-009", "TASK-010")]
    async fn linked_task_that_fails_ends_its_owner_with_the_same_reason() {
        for (kind, end) in [(Kind::Failing, "error"), (Kind::Panicking, "panic")] {
            let owner = owner(&Journal::new()).await;
            let first = owner.current();
            let task = start_linked(&owner, kind).await;
            assert_eq!(word(&task.exited().await), end);
            assert_eq!(word(&first.exited().await), end);
            settle().await;
            assert_eq!(owner.starts(), 2, "its supervisor restarted it");
        }
        let journal = Journal::new();
        let owner = owner(&journal).await;
        start_linked(&owner, Kind::Endless).await.kill();
        settle().await;
        assert_eq!(owner.exits(), ["killed"]);
        assert_eq!(
            journal.take(),
            "start owner, stop owner, drop owner, start owner",
            "after its own cleanup"
        );
    }

    #[row("TASK-009")]
    async fn linked_task_that_is_done_is_no_trouble_to_its_owner() {
        let owner = owner(&Journal::new()).await;
        let task = start_linked(&owner, Kind::Done).await;
        assert_eq!(word(&task.exited().await), "normal");
        settle().await;
        assert!(owner.current().is_alive());
        assert_eq!(owner.starts(), 1);
    }

    #[row("TASK-009", "TASK-010")]
    async fn linked_task_ends_with_its_owner() {
        let ends: [fn() -> Command; 3] = [
            || Command::Fail,
            || Command::Panic,
            || Command::Exit(ExitReason::Normal),
        ];
        for (end, reason) in ends.into_iter().zip(["error", "panic", "normal"]) {
            let owner = owner(&Journal::new()).await;
            let task = start_linked(&owner, Kind::Endless).await;
            settle().await;
            assert!(task.is_alive());
            owner.tell(end());
            assert_eq!(word(&task.exited().await), reason);
            settle().await;
            assert_eq!(owner.starts(), 2, "and the next incarnation is left alone");
            assert!(owner.current().is_alive());
        }
        let owner = owner(&Journal::new()).await;
        let task = start_linked(&owner, Kind::Endless).await;
        owner.current().kill();
        assert_eq!(word(&task.exited().await), "killed");
    }

    #[invariant]
    async fn nobody_is_linked_where_there_is_no_actor() {
        let refused = Task::start_linked(async { Ok::<_, String>(()) });
        assert!(matches!(refused, Err(StartError::NotInCallback)), "{refused:?}");
        settle().await;
    }

    #[row("TASK-120")]
    async fn task_dies_with_the_owner_of_its_handle() {
        let (tell, told) = oneshot::channel();
        let owner = Task::async_linked(async {
            let inner = Task::async_linked(pending::<()>());
            drop(tell.send(inner.actor().expect("it runs").clone()));
            sleep(SECOND).await;
            panic!("{INTENDED}the owner fails")
        });
        let inner = told.await.expect("the inner task");
        assert!(inner.is_alive());
        let outcome: Result<(), _> = owner.await_for(None).await;
        assert!(outcome.is_err());
        assert_eq!(word(&inner.exited().await), "killed");
    }
}

#[suite]
pub(crate) mod origins {
    use futures_util::future::BoxFuture;
    use hedgehog_core::{ActorProcessingErr, AnyActorRef, ExitReason, Pid, Task};
    use hedgehog_tests::scenario::{INTENDED, Trace, settle};
    use tokio::sync::oneshot;
    use tracing::Level;

    #[row("TASK-005")]
    async fn task_knows_its_callers_nearest_first() {
        assert!(Task::callers().is_empty(), "nobody calls a test");
        let grandparent = Task::async_linked(async {
            let parent = Task::async_linked(async {
                let task = Task::async_linked(async { Task::callers() });
                (Task::callers(), task.await_for(None).await.expect("callers"))
            });
            let pid = pid(&parent);
            (pid, parent.await_for(None).await.expect("callers"))
        });
        let eldest = pid(&grandparent);
        let (parent, (of_parent, of_task)) = grandparent.await_for(None).await.expect("callers");
        assert_eq!(of_parent, [eldest]);
        assert_eq!(of_task, [parent, eldest]);
    }

    #[row("TASK-011")]
    async fn linked_start_knows_its_callers() {
        let (tell, told) = oneshot::channel();
        let caller = Task::async_linked(async {
            Task::start_linked(async { tell.send(Task::callers()).map_err(|_| "nobody listens") })
                .expect("a task is an actor");
            told.await.expect("callers")
        });
        let pid = pid(&caller);
        assert_eq!(caller.await_for(None).await.expect("callers"), [pid]);
    }

    #[invariant]
    async fn chain_of_callers_does_not_grow_for_ever() {
        fn descend(generations: usize) -> BoxFuture<'static, usize> {
            Box::pin(async move {
                if generations == 0 {
                    return Task::callers().len();
                }
                let next = Task::async_linked(descend(generations - 1));
                next.await_for(None).await.expect("a number")
            })
        }
        assert_eq!(Task::async_linked(descend(5)).await_for(None).await.ok(), Some(5));
        assert_eq!(Task::async_linked(descend(40)).await_for(None).await.ok(), Some(16));
    }

    async fn stumble() {
        settle().await;
        panic!("{INTENDED}over a stone");
    }

    #[row("TASK-121")]
    async fn failure_of_a_task_is_logged_with_task_starter_function_and_reason() {
        let trace = Trace::capture();
        let starter = Task::async_linked(async {
            let task = Task::async_linked(stumble());
            let pid = pid(&task);
            assert!(task.await_for(None).await.is_err());
            pid
        });
        let starters_pid = pid(&starter);
        let pid = starter.await_for(None).await.expect("a pid");
        let [failure] = &trace.take()[..] else {
            panic!("one event")
        };
        assert_eq!(failure.level, Level::ERROR);
        for part in [
            "message=task failed ",
            &format!("pid={pid} "),
            &format!("caller={starters_pid} "),
            "function=\"conformance::task_links::origins::stumble\"",
            &format!("reason=\"panic: {INTENDED}over a stone\""),
        ] {
            assert!(failure.text.contains(part), "{part} is not in {}", failure.text);
        }
    }

    #[invariant]
    async fn task_that_was_ended_or_ends_in_good_order_is_not_logged() {
        let trace = Trace::capture();
        let [killed, stopped] = [(), ()].map(|()| Task::start(std::future::pending()));
        let leaving = Task::async_linked(async {
            Task::start_linked(async { Err::<(), ActorProcessingErr>(ExitReason::Shutdown.into()) })
                .expect("it starts");
            std::future::pending::<()>().await;
        });
        settle().await;
        killed.kill();
        stopped.stop(ExitReason::Error(std::sync::Arc::new(std::fmt::Error)));
        assert!(leaving.await_for(None).await.is_err());
        settle().await;
        assert!(trace.take().is_empty());
    }

    fn pid<T: Send + 'static>(task: &Task<T>) -> Pid {
        task.actor().map(AnyActorRef::pid).expect("it runs")
    }
}
