//! [`TaskSupervisor`]: tasks as children of a dynamic supervisor.

use super::{Once, Origin, Outcome, Task, TaskMsg, TaskStream, job};
use crate::{
    actor_ref::{ActorRef, AnyActorRef},
    child_spec::{ChildSpec, Restart, Shutdown},
    dynamic_supervisor::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef},
    identity::{ChildId, Pid},
    start_error::StartError,
    supervisor::{NoProc, TerminateError},
};
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use std::{future::Future, time::Duration};

/// A [`DynamicSupervisor`] seen as the home of tasks: `Task.Supervisor`.
///
/// Made from a reference or a name of the dynamic supervisor, which sets the limits and has its place in the tree. When it
/// stops, so do its tasks, all at the same time, each with up to 5 s (see [`shutdown`](Self::shutdown)).
///
/// ```
/// # use hedgehog_core::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name = Name::new("tasks");
/// let root = Supervisor::new(Strategy::OneForOne)
///     .child(TaskSupervisor::spec("tasks", DynamicSupervisor::new).name(&name))
///     .start()
///     .await?;
/// let tasks = TaskSupervisor::from(&name);
/// let failing = tasks.async_nolink(async { Option::<u32>::None.expect("a number") }).await?;
/// assert!(failing.await_for(None).await.is_err()); // and nobody else is troubled
///
/// let squares: Vec<u32> = tasks.async_stream(1..=3, |n| async move { n * n }).try_collect().await?;
/// assert_eq!(squares, [1, 4, 9]);
/// # root.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TaskSupervisor {
    supervisor: DynamicSupervisorRef,
    shutdown: Shutdown,
}

impl TaskSupervisor {
    /// A home of tasks as a child of a supervisor. It is a [`DynamicSupervisor::spec`], and can be used as one.
    pub fn spec(
        id: impl Into<ChildId>,
        factory: impl Fn() -> DynamicSupervisor + Send + Sync + 'static,
    ) -> ChildSpec<DynamicSupervisorMsg> {
        DynamicSupervisor::spec(id, factory)
    }

    /// How the tasks started through this reference for their value are stopped by the supervisor. Default: 5 s.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Starts a task that is killed when its handle is dropped. `Task.Supervisor.async`.
    ///
    /// # Errors
    /// [`StartError::MaxChildren`] at the supervisor's limit, [`StartError::NoProc`] when it is not running.
    pub async fn async_linked<F>(&self, future: F) -> Result<Task<F::Output>, StartError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.run(future.map(Ok), Origin::of::<F>(), true).await
    }

    /// Starts a task that outlives its handle. `Task.Supervisor.async_nolink`.
    ///
    /// # Errors
    /// As for [`async_linked`](Self::async_linked).
    pub async fn async_nolink<F>(&self, future: F) -> Result<Task<F::Output>, StartError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.run(future.map(Ok), Origin::of::<F>(), false).await
    }

    /// Starts a task that nobody waits for, with the restart type and shutdown of its own [`Task::spec`].
    pub async fn start_child(&self, task: ChildSpec<TaskMsg>) -> Result<ActorRef<TaskMsg>, StartError> {
        self.supervisor.start_child(task).await
    }

    /// Runs `run` on every item, several at a time, each in a linked task of its own, and streams what comes out
    /// (see [`TaskStream`]).
    pub fn async_stream<I, F, Fut>(&self, items: I, run: F) -> TaskStream<I::IntoIter, F>
    where
        I: IntoIterator,
        F: Fn(I::Item) -> Fut,
        Fut: Future,
    {
        TaskStream::new(items.into_iter(), run, Some(self.clone()))
    }

    /// Stops a task, by reference or pid, and returns when it is gone.
    ///
    /// # Errors
    /// As for [`DynamicSupervisorRef::terminate_child`].
    pub async fn terminate_child(&self, task: impl Into<Pid>) -> Result<(), TerminateError> {
        self.supervisor.terminate_child(task).await
    }

    /// The tasks that run, oldest first; those being restarted are not among them.
    pub async fn children(&self) -> Result<Vec<AnyActorRef>, NoProc> {
        let children = self.supervisor.which_children().await?;
        Ok(children.into_iter().filter_map(|child| child.actor).collect())
    }

    /// The dynamic supervisor itself.
    pub fn supervisor(&self) -> &DynamicSupervisorRef {
        &self.supervisor
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = Outcome<T>> + Send + 'static,
        origin: Origin,
        linked: bool,
    ) -> Result<Task<T>, StartError> {
        let (job, reply, adopt) = job(future, origin);
        // A caller that is dropped while it waits below never gets a handle to kill the task with.
        let adopt = if linked {
            Some(adopt)
        } else {
            let _ = adopt.send(());
            None
        };
        let job = Mutex::new(Some(job));
        let once = move || {
            let job = job.lock().take();
            (Once::new(), job.expect("a temporary child is started once"))
        };
        let spec = ChildSpec::worker("task", once)
            .restart(Restart::Temporary)
            .shutdown(self.shutdown);
        let actor = self.supervisor.start_child(spec).await?;
        if let Some(adopt) = adopt {
            let _ = adopt.send(());
        }
        Ok(Task::running(actor.any(), reply, linked))
    }
}

/// From a [`DynamicSupervisorRef`] and whatever that can be made from: a name, a key of a registry, one incarnation.
impl<T: Into<DynamicSupervisorRef>> From<T> for TaskSupervisor {
    fn from(supervisor: T) -> Self {
        Self {
            supervisor: supervisor.into(),
            shutdown: Shutdown::Timeout(Duration::from_secs(5)),
        }
    }
}
