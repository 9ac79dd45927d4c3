//! [`Task`]: a future that runs as an actor of its own, for its value or under a supervisor.
//!
//! Reading order: [`Task`] here and several of them in [`many`], [`TaskSupervisor`] for tasks that belong in a tree,
//! [`TaskStream`] for many of a kind; [`runner`] holds the actors behind them, [`origin`] what they know of their starters.

mod many;
mod origin;
mod output;
mod runner;
mod stream;
mod supervisor;

pub use many::{OnYieldTimeout, YieldMany};
pub use output::TaskOutput;
pub use runner::TaskMsg;
pub use stream::{OnTimeout, TaskResults, TaskStream};
pub use supervisor::TaskSupervisor;

use crate::{
    actor_ref::AnyActorRef,
    adapter::{self, Launch},
    child_spec::{ChildSpec, Restart, Shutdown},
    exit::ExitReason,
    identity::{ChildId, Pid},
    incarnation::{Bond, Incarnation, KILL_GRACE},
    start_error::StartError,
};
use futures_util::FutureExt as _;
use origin::Origin;
use runner::{Job, Once, Outcome, Repeated, Run};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// A running future and the right to its value: Elixir's `%Task{}`.
///
/// A *linked* task ([`async_linked`](Self::async_linked)) belongs to this handle: when the handle is dropped (with the state of
/// the actor that holds it, for one) the task is killed. A task started with
/// [`async_nolink`](TaskSupervisor::async_nolink) goes on. That a task failed is told to whoever asks for its value and to the
/// log, and to nobody else.
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
    /// The spec of a task without a value. `future` is called for every start, and comes to `()` or to a `Result`, whose error
    /// is how the task fails (see [`TaskOutput`]).
    ///
    /// Like an Elixir `Task`, it is temporary, and a stop ends it at its next `.await` unless it [traps
    /// exits](Self::trap_exit): then it has the time its [`Shutdown`] gives, 5 s by default.
    ///
    /// ```
    /// use hedgehog_core::{Restart, Task};
    /// use std::{future::pending, io};
    ///
    /// async fn load() -> io::Result<()> {
    ///     Err(io::ErrorKind::NotFound.into())
    /// }
    /// let load = Task::spec("load", load).restart(Restart::Transient); // again after an error or a panic
    /// let endless = Task::spec("endless", pending::<()>).restart(Restart::Permanent); // fails by a panic only
    /// ```
    pub fn spec<F>(id: impl Into<ChildId>, future: impl Fn() -> F + Send + Sync + 'static) -> ChildSpec<TaskMsg>
    where
        F: Future<Output: TaskOutput> + Send + 'static,
    {
        let run: Run = Arc::new(move || future().map(TaskOutput::into_result).boxed());
        let origin = Origin::of::<F>();
        let factory = move || {
            let (run, origin) = (run.clone(), origin.clone());
            (Repeated { run, origin }, ())
        };
        ChildSpec::worker(id, factory).restart(Restart::Temporary)
    }

    /// Runs `future` beside everything else: nobody owns it and nobody gets a value. `Task.start`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<F: Future<Output = ()> + Send + 'static>(future: F) -> AnyActorRef {
        let (actor, _nobody) = Self::spawn(future.map(Ok), Origin::of::<F>());
        actor
    }

    /// Runs `future` for the actor in whose callback this is called, and linked to it: `Task.start_link`.
    ///
    /// When that actor ends, for whatever reason, the task is stopped with the same reason. When the task ends for any reason but
    /// [`Normal`](ExitReason::Normal), that actor is: so what it cannot do without, a socket's reader for one, is restarted with
    /// it.
    ///
    /// # Errors
    /// [`StartError::NotInCallback`] where there is no actor to link to.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// struct Client;
    /// # impl Actor for Client {
    /// #     type Msg = ();
    /// #     type State = ();
    /// #     type Arguments = ();
    /// async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
    ///     Task::start_linked(async { Err("connection lost") })?; // reads a socket, say
    ///     Ok(())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
    /// let client = ChildSpec::worker("client", || (Client, ())).start().await?;
    /// assert_eq!(client.exited().await.to_string(), "error: connection lost");
    /// # Ok(()) }
    /// ```
    pub fn start_linked<F>(future: F) -> Result<AnyActorRef, StartError>
    where
        F: Future<Output: TaskOutput> + Send + 'static,
    {
        let starter = Incarnation::current().ok_or(StartError::NotInCallback)?;
        let (actor, _nobody) = Self::spawn(future.map(TaskOutput::into_result), Origin::of::<F>());
        starter.link(&actor.0, Bond::Child);
        Ok(actor)
    }

    /// Inside a task's future: the actors that wanted it, nearest first. Elixir's `$callers`.
    ///
    /// The first is the actor in whose callback the task was started, or its spec written; if that is a task, its own callers
    /// follow, up to 16 in all. Nobody is known where there was no actor, as in `main`. Empty outside of tasks.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), TaskError> {
    /// let outer = Task::async_linked(async { Task::async_linked(async { Task::callers() }).await_for(None).await });
    /// let pid = outer.actor().map(AnyActorRef::pid);
    /// assert_eq!(outer.await_for(None).await??.first().copied(), pid);
    /// # Ok(()) }
    /// ```
    pub fn callers() -> Vec<Pid> {
        runner::callers().to_vec()
    }

    /// Inside a task's future: from this call on a stop does not end the task at its next `.await` but is told here, so that
    /// the future can still finish with a value, within whatever deadline the stop has. A kill remains a kill.
    ///
    /// Never resolves anywhere else.
    pub fn trap_exit() -> impl Future<Output = ExitReason> + Send {
        runner::trap_exit()
    }
}

impl<T: Send + 'static> Task<T> {
    /// Starts `future` as a linked task outside any tree. `Task.async`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn async_linked<F: Future<Output = T> + Send + 'static>(future: F) -> Self {
        Self::launch(future.map(Ok), Origin::of::<F>())
    }

    fn launch(future: impl Future<Output = Outcome<T>> + Send + 'static, origin: Origin) -> Self {
        let (actor, reply) = Self::spawn(future, origin);
        Self::running(actor, reply, true)
    }

    /// Starts an actor outside any tree, and says where its value will be.
    fn spawn(
        future: impl Future<Output = Outcome<T>> + Send + 'static,
        origin: Origin,
    ) -> (AnyActorRef, oneshot::Receiver<T>) {
        let (job, reply, adopt) = job(future, origin);
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
        (actor, reply)
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

    /// Waits for the outcome for `timeout` at most; a timeout of `None` waits as long as the task runs. When it gives `None` there
    /// is no outcome yet, and the task goes on and can be asked again. The outcome is given once. `Task.yield`.
    ///
    /// # Cancel safety
    /// When the future is dropped the outcome stays.
    pub async fn yield_for(&mut self, timeout: impl Into<Option<Duration>>) -> Option<Result<T, ExitReason>> {
        // Late is not lost: what has not ended has nothing to take.
        let _ = within(timeout.into(), self.ended().map(Ok)).await;
        self.take()
    }

    /// Ends the task and returns when it is gone. `Task.shutdown`.
    ///
    /// A value that was there first is returned, and so is any reason it ended with but the one that is this function's own
    /// doing: `Shutdown`, or `Killed` for [`Shutdown::BrutalKill`]. A task that outlives the [`Shutdown::Timeout`] is
    /// killed, which is not what was asked for: `Some(Err(ExitReason::Killed))`. An outcome that
    /// [`yield_for`](Self::yield_for) has given before is not given again: `None`.
    pub async fn shutdown(mut self, shutdown: Shutdown) -> Option<Result<T, ExitReason>> {
        self.end(shutdown).await;
        self.take_ended(shutdown)
    }

    /// Gives the task up: it goes on, linked or not, and nobody hears of it. Returns the outcome if there is one already.
    pub fn ignore(mut self) -> Option<Result<T, ExitReason>> {
        self.give_up()
    }

    async fn value(&mut self) -> Result<T, TaskError> {
        self.ended().await;
        self.take().ok_or(TaskError::Taken)?.map_err(TaskError::Exited)
    }

    /// Whether the outcome was taken.
    fn is_spent(&self) -> bool {
        self.reply.is_none()
    }

    /// Waits until there is an outcome to take, or never will be.
    async fn ended(&self) {
        // The value is sent before the exit: one wait serves for both.
        if let Some(actor) = self.actor.as_ref().filter(|_| !self.is_spent()) {
            actor.exited().await;
        }
    }

    /// The outcome, once; `None` when it was taken, or is still to come.
    fn take(&mut self) -> Option<Result<T, ExitReason>> {
        let reason = match &self.actor {
            Some(actor) => actor.exit_reason()?,
            None => ExitReason::Normal,
        };
        let mut reply = self.reply.take()?;
        Some(reply.try_recv().map_err(|_| reason))
    }

    /// Ends the task and returns when it is gone.
    async fn end(&self, shutdown: Shutdown) {
        let Some(actor) = &self.actor else { return };
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
        actor.exited().await;
    }

    /// The outcome after [`end`](Self::end), unless it is what that was to bring about.
    fn take_ended(&mut self, shutdown: Shutdown) -> Option<Result<T, ExitReason>> {
        let outcome = self.take()?;
        let intended = matches!(
            (&outcome, shutdown),
            (Err(ExitReason::Killed), Shutdown::BrutalKill)
                | (Err(ExitReason::Shutdown), Shutdown::Timeout(_) | Shutdown::Infinity)
        );
        (!intended).then_some(outcome)
    }

    /// Lets the task go on for nobody; what it has brought so far is returned.
    fn give_up(&mut self) -> Option<Result<T, ExitReason>> {
        self.linked = false;
        let outcome = self.take();
        self.reply = None;
        outcome
    }
}

/// A job, the receiver of its value, and what its starter sends when it has the handle.
fn job<T: Send + 'static>(
    future: impl Future<Output = Outcome<T>> + Send + 'static,
    origin: Origin,
) -> (Job<T>, oneshot::Receiver<T>, oneshot::Sender<()>) {
    let (reply_to, reply) = oneshot::channel();
    let (adopt, adopted) = oneshot::channel();
    let job = Job {
        future: Box::pin(future),
        origin,
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
            // Not the reference's `kill`, which does nothing for an actor that was declared dead: its late end is the last
            // chance to take the task along.
            actor.0.kill();
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
