//! [`Task`]: a future that runs as an actor of its own, for its value or under a supervisor.
//!
//! Reading order: [`Task`] here, [`TaskSupervisor`] for tasks that belong in a tree, [`TaskStream`] for many of a kind;
//! [`runner`] holds the actors behind them.

mod runner;
mod stream;
mod supervisor;

pub use runner::TaskMsg;
pub use stream::{OnTimeout, TaskResults, TaskStream};
pub use supervisor::TaskSupervisor;

use crate::{
    actor_ref::AnyActorRef,
    adapter::{self, Launch},
    child_spec::{ChildId, ChildSpec, Restart, Shutdown},
    exit::{ExitReason, record::Incarnation},
    start_error::StartError,
    supervisor::options::KILL_GRACE,
};
use futures_util::{FutureExt as _, TryFutureExt as _, future};
use ractor::ActorProcessingErr;
use runner::{Job, Once, Repeated, Run};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// A running future and the right to its value: Elixir's `%Task{}`.
///
/// A *linked* task ([`async_linked`](Self::async_linked)) belongs to this handle: when the handle is dropped (with the state of
/// the actor that holds it, for one) the task is killed. A task started with
/// [`async_nolink`](TaskSupervisor::async_nolink) goes on. That a task failed is told to whoever asks for its value, and to
/// nobody else.
///
/// ```
/// # use hedgehog_core::*;
/// # use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), TaskError> {
/// let mut slow = Task::async_linked(async {
///     tokio::time::sleep(Duration::from_millis(20)).await;
///     42
/// });
/// assert!(slow.yield_for(Duration::ZERO).await.is_none()); // not yet; the task is kept
/// assert_eq!(slow.await_for(Duration::from_secs(5)).await?, 42);
/// # Ok(()) }
/// ```
#[must_use = "a linked task is killed when its handle is dropped: await it, keep it, or `ignore` it"]
pub struct Task<T = ()> {
    /// `None`: completed without ever running.
    actor: Option<AnyActorRef>,
    /// `None`: the outcome was taken.
    reply: Option<oneshot::Receiver<T>>,
    linked: bool,
}

impl Task {
    /// The spec of a task without a value. `future` is called for every start.
    ///
    /// Like an Elixir `Task`, it is temporary and does not clean up: a stop kills it at once, at its next `.await`. With
    /// another [`Shutdown`] the supervisor waits for the future to finish first.
    ///
    /// ```
    /// use hedgehog_core::{ActorProcessingErr, Restart, Task};
    /// let spec = Task::spec("autostart", || async { Ok::<(), ActorProcessingErr>(()) }).restart(Restart::Transient);
    /// ```
    pub fn spec<F, E>(id: impl Into<ChildId>, future: impl Fn() -> F + Send + Sync + 'static) -> ChildSpec<TaskMsg>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<ActorProcessingErr> + 'static,
    {
        let run: Run = Arc::new(move || future().map_err(Into::into).boxed());
        ChildSpec::worker(id, move || (Repeated(run.clone()), ()))
            .restart(Restart::Temporary)
            .shutdown(Shutdown::BrutalKill)
    }

    /// Runs `future` beside everything else: nobody owns it and nobody gets a value. `Task.start`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(future: impl Future<Output = ()> + Send + 'static) -> AnyActorRef {
        let mut task = Task::async_linked(future);
        task.linked = false;
        task.actor.clone().expect("it was started just now")
    }

    /// Inside a task's future: from this call on a stop does not end the task at its next `.await` but is told here, so that
    /// the future can still finish with a value, within whatever deadline the stop has. A kill remains a kill.
    ///
    /// Never resolves anywhere else, a [`Task::spec`] included: nothing ends that one at a stop.
    pub fn trap_exit() -> impl Future<Output = ExitReason> + Send {
        runner::trap_exit()
    }
}

impl<T: Send + 'static> Task<T> {
    /// Starts `future` as a linked task outside any tree. `Task.async`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn async_linked(future: impl Future<Output = T> + Send + 'static) -> Self {
        let (job, reply, adopt) = job(future);
        let _ = adopt.send(());
        let incarnation = Incarnation::new("task".into(), KILL_GRACE);
        let actor = AnyActorRef(incarnation.clone());
        // How it ended, even before it began, is in its exit record.
        tokio::spawn(adapter::start(Launch {
            actor: Once::new(),
            args: job,
            binds: Arc::from([]),
            incarnation,
        }));
        Self::running(actor, reply, true)
    }

    /// A task that already has its value; nothing runs. For callers that sometimes know the answer.
    pub fn completed(value: T) -> Self {
        let (reply_to, reply) = oneshot::channel();
        drop(reply_to.send(value));
        Self {
            actor: None,
            reply: Some(reply),
            linked: false,
        }
    }

    fn running(actor: AnyActorRef, reply: oneshot::Receiver<T>, linked: bool) -> Self {
        Self {
            actor: Some(actor),
            reply: Some(reply),
            linked,
        }
    }

    /// The actor that runs it; `None` for a [`completed`](Self::completed) one.
    pub fn actor(&self) -> Option<&AnyActorRef> {
        self.actor.as_ref()
    }

    /// Waits for the value, for `deadline` at most; `None` waits as long as the task runs. `Task.await`.
    ///
    /// # Errors
    /// [`TaskError::Timeout`], after which a linked task is killed and another goes on for nobody; [`TaskError::Exited`]
    /// when the task ended without a value; [`TaskError::Taken`] when [`yield_for`](Self::yield_for) has given it already.
    pub async fn await_for(mut self, deadline: impl Into<Option<Duration>>) -> Result<T, TaskError> {
        within(deadline.into(), self.value()).await
    }

    /// Waits for the outcome for `timeout` at most. `None`: there is none yet, and the task goes on and can be asked again.
    /// The outcome is given once. `Task.yield`.
    ///
    /// # Cancel safety
    /// When the future is dropped the outcome stays.
    pub async fn yield_for(&mut self, timeout: Duration) -> Option<Result<T, ExitReason>> {
        tokio::time::timeout(timeout, self.outcome()).await.ok().flatten()
    }

    /// Ends the task and returns when it is gone. `Task.shutdown`.
    ///
    /// A value that was there first is returned, and so is any reason it ended with but the one that is this function's own
    /// doing: `Shutdown`, or `Killed` for [`Shutdown::BrutalKill`]. A task that outlives the [`Shutdown::Timeout`] is
    /// killed, which is not what was asked for: `Some(Err(ExitReason::Killed))`.
    pub async fn shutdown(mut self, shutdown: Shutdown) -> Option<Result<T, ExitReason>> {
        if let Some(actor) = &self.actor {
            match shutdown {
                Shutdown::BrutalKill => actor.kill(),
                Shutdown::Infinity => actor.stop(ExitReason::Shutdown),
                Shutdown::Timeout(limit) => {
                    actor.stop(ExitReason::Shutdown);
                    if tokio::time::timeout(limit, actor.exited()).await.is_err() {
                        actor.kill();
                    }
                }
            }
        }
        let outcome = self.outcome().await?;
        let intended = matches!(
            (&outcome, shutdown),
            (Err(ExitReason::Killed), Shutdown::BrutalKill)
                | (Err(ExitReason::Shutdown), Shutdown::Timeout(_) | Shutdown::Infinity)
        );
        (!intended).then_some(outcome)
    }

    /// Gives the task up: it goes on, linked or not, and nobody hears of it. Returns the outcome if there is one already.
    pub fn ignore(mut self) -> Option<Result<T, ExitReason>> {
        self.linked = false;
        self.outcome().now_or_never().flatten()
    }

    /// The values of all tasks, in the order given, within one `deadline` for all of them. `Task.await_many`.
    ///
    /// # Errors
    /// As for [`await_for`](Self::await_for), at once when one of them fails; the linked ones among the others are killed.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), TaskError> {
    /// let tasks = [1, 2].map(|n| Task::async_linked(async move { n * 10 }));
    /// assert_eq!(Task::await_many(tasks, None).await?, [10, 20]);
    /// # Ok(()) }
    /// ```
    pub async fn await_many(
        tasks: impl IntoIterator<Item = Self>,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<Vec<T>, TaskError> {
        let mut tasks: Vec<_> = tasks.into_iter().collect();
        within(deadline.into(), future::try_join_all(tasks.iter_mut().map(Self::value))).await
    }

    /// [`yield_for`](Self::yield_for) on all tasks with one `timeout`; the outcomes in the order given. `Task.yield_many`.
    pub async fn yield_many(tasks: &mut [Self], timeout: Duration) -> Vec<Option<Result<T, ExitReason>>> {
        future::join_all(tasks.iter_mut().map(|task| task.yield_for(timeout))).await
    }

    async fn value(&mut self) -> Result<T, TaskError> {
        self.outcome().await.ok_or(TaskError::Taken)?.map_err(TaskError::Exited)
    }

    /// The outcome, once; `None` when it was taken. Dropping the future takes nothing.
    async fn outcome(&mut self) -> Option<Result<T, ExitReason>> {
        self.reply.as_ref()?;
        // The value is sent before the exit: one wait serves for both.
        let reason = match &self.actor {
            Some(actor) => actor.exited().await,
            None => ExitReason::Normal,
        };
        let mut reply = self.reply.take()?;
        Some(reply.try_recv().map_err(|_| reason))
    }
}

/// A job, the receiver of its value, and what its starter sends when it has the handle.
fn job<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> (Job<T>, oneshot::Receiver<T>, oneshot::Sender<()>) {
    let (reply_to, reply) = oneshot::channel();
    let (adopt, adopted) = oneshot::channel();
    let job = Job {
        future: Box::pin(future),
        reply: reply_to,
        adopted,
    };
    (job, reply, adopt)
}

async fn within<R>(
    deadline: Option<Duration>,
    awaited: impl Future<Output = Result<R, TaskError>>,
) -> Result<R, TaskError> {
    match deadline {
        None => awaited.await,
        Some(deadline) => tokio::time::timeout(deadline, awaited)
            .await
            .unwrap_or(Err(TaskError::Timeout(deadline))),
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(actor) = self.actor.as_ref().filter(|_| self.linked)
            && actor.is_alive()
        {
            actor.kill();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("actor", &self.actor)
            .field("linked", &self.linked)
            .finish_non_exhaustive()
    }
}

/// Why a task brought no value.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The deadline passed.
    #[error("the task brought no value within {0:?}")]
    Timeout(Duration),
    /// The task ended without a value.
    #[error("the task ended without a value: {0}")]
    Exited(#[source] ExitReason),
    /// It was given to an earlier caller.
    #[error("the task's value was taken before")]
    Taken,
    /// Of a stream: the supervisor did not start the task.
    #[error("the task was not started")]
    Start(#[source] StartError),
}
