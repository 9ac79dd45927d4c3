//! The actors behind tasks: one that runs a future once and hands over its value, one that runs it anew for every start.
//!
//! Invariant: a value is handed over before the exit can be seen, so whoever sees the exit finds the value or there is none.

use super::origin::Origin;
use crate::{exit::ExitReason, identity::Pid, incarnation::Incarnation, panic};
use futures_util::future::BoxFuture;
use ractor::{Actor, ActorProcessingErr};
use std::{
    future::Future,
    marker::PhantomData,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::oneshot;

/// A task understands no messages.
pub enum TaskMsg {}

/// What the future of a task comes to: a value, or the end of the task without one.
pub(super) type Outcome<T> = Result<T, ActorProcessingErr>;

/// A future, where it comes from, and whom its value goes to.
pub(super) struct Job<T> {
    pub(super) future: BoxFuture<'static, Outcome<T>>,
    pub(super) origin: Origin,
    pub(super) reply: oneshot::Sender<T>,
    /// Resolves when its starter has its handle; fails when the starter was dropped before, which ends a linked task.
    pub(super) adopted: oneshot::Receiver<()>,
}

/// Runs one [`Job`].
pub(super) struct Once<T>(PhantomData<fn() -> T>);

impl<T> Once<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Send + 'static> Actor for Once<T> {
    type Msg = TaskMsg;
    type State = Option<Job<T>>;
    type Arguments = Job<T>;

    async fn pre_start(&self, _: ractor::ActorRef<TaskMsg>, job: Job<T>) -> Result<Option<Job<T>>, ActorProcessingErr> {
        Ok(Some(job))
    }

    // Not in `pre_start`, which the supervisor waits for.
    async fn post_start(
        &self,
        _: ractor::ActorRef<TaskMsg>,
        job: &mut Option<Job<T>>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(Job {
            future,
            origin,
            reply,
            adopted,
        }) = job.take()
        else {
            return Ok(());
        };
        let running = Running::new(origin);
        let value = tokio::select! {
            biased;
            outcome = running.run(future) => outcome?,
            Err(_) = adopted => return Err(ExitReason::Killed.into()),
        };
        // Whoever started it may have lost interest.
        drop(reply.send(value));
        Err(running.done().into())
    }
}

pub(super) type Run = Arc<dyn Fn() -> BoxFuture<'static, Outcome<()>> + Send + Sync>;

/// Runs a fresh future for every start.
pub(super) struct Repeated {
    pub(super) run: Run,
    pub(super) origin: Origin,
}

impl Actor for Repeated {
    type Msg = TaskMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<TaskMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    // Not in `pre_start`, which the supervisor waits for.
    async fn post_start(&self, _: ractor::ActorRef<TaskMsg>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let running = Running::new(self.origin.clone());
        running.run(async { (self.run)().await }).await?;
        Err(running.done().into())
    }
}

tokio::task_local! {
    /// The task whose future runs here.
    static TASK: Arc<Context>;
}

struct Context {
    origin: Origin,
    /// Whether the future wants to hear of a stop instead of being ended by it.
    traps: AtomicBool,
}

/// See [`Task::callers`](super::Task::callers).
pub(super) fn callers() -> Arc<[Pid]> {
    TASK.try_with(|task| task.origin.callers.clone()).unwrap_or_default()
}

/// See [`Task::trap_exit`](super::Task::trap_exit).
pub(super) fn trap_exit() -> impl Future<Output = ExitReason> + Send {
    let trapped = TASK.try_with(|task| task.traps.store(true, Ordering::Release)).is_ok();
    let incarnation = Incarnation::current().filter(|_| trapped);
    async move {
        match incarnation {
            Some(incarnation) => incarnation.stopping().await,
            None => std::future::pending().await,
        }
    }
}

/// A task at work, in the callback of its actor.
struct Running {
    incarnation: Arc<Incarnation>,
    context: Arc<Context>,
}

impl Running {
    fn new(origin: Origin) -> Self {
        let traps = AtomicBool::new(false);
        Self {
            incarnation: Incarnation::current().expect("the adapter runs callbacks as their incarnation"),
            context: Arc::new(Context { origin, traps }),
        }
    }

    /// Runs `future` to its end. A stop ends it at its next `.await`, unless it traps exits.
    async fn run<T>(&self, future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        let mut future = pin!(panic::catch(TASK.scope(self.context.clone(), future)));
        let ended = tokio::select! {
            biased;
            ended = &mut future => ended,
            reason = self.incarnation.stopping() => {
                if !self.traps() {
                    return Err(reason.into());
                }
                future.await
            }
        };
        let outcome = ended.unwrap_or_else(|text| Err(ExitReason::Panic(text).into()));
        outcome.inspect_err(|error| self.context.origin.log_failure(&self.incarnation, error))
    }

    /// With what the actor exits when the work is done.
    fn done(&self) -> ExitReason {
        // A stop that arrived during the last step was not too late for a task that does not trap exits.
        let stopped = self.incarnation.requested().filter(|_| !self.traps());
        stopped.unwrap_or(ExitReason::Normal)
    }

    fn traps(&self) -> bool {
        self.context.traps.load(Ordering::Acquire)
    }
}
