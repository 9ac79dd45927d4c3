//! The actors behind tasks: one that runs a future once and hands over its value, one that runs it anew for every start.
//!
//! Invariant: a value is handed over before the exit can be seen, so whoever sees the exit finds the value or there is none.

use crate::exit::{ExitReason, record::Incarnation};
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

tokio::task_local! {
    /// Whether the task that runs here wants to hear of a stop instead of being ended by it.
    static TRAPS: Arc<AtomicBool>;
}

/// See [`Task::trap_exit`](super::Task::trap_exit).
pub(super) fn trap_exit() -> impl Future<Output = ExitReason> + Send {
    let trapped = TRAPS.try_with(|traps| traps.store(true, Ordering::Release)).is_ok();
    let incarnation = Incarnation::current().filter(|_| trapped);
    async move {
        match incarnation {
            Some(incarnation) => incarnation.stopping().await,
            None => std::future::pending().await,
        }
    }
}

/// A future and whom its value goes to.
pub(super) struct Job<T> {
    pub(super) future: BoxFuture<'static, T>,
    pub(super) reply: oneshot::Sender<T>,
    /// Resolves when its starter has its handle; fails when the starter was dropped before, which ends a linked task.
    pub(super) adopted: oneshot::Receiver<()>,
}

/// Runs one [`Job`]. A stop ends it at its next `.await`, unless the future traps exits.
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
        let Some(Job { future, reply, adopted }) = job.take() else {
            return Ok(());
        };
        let incarnation = Incarnation::current().expect("the adapter runs callbacks as their incarnation");
        let traps = Arc::<AtomicBool>::default();
        let mut future = pin!(TRAPS.scope(traps.clone(), future));
        let value = tokio::select! {
            biased;
            value = &mut future => value,
            Err(_) = adopted => return Err(ExitReason::Killed.into()),
            reason = incarnation.stopping() => {
                if !traps.load(Ordering::Acquire) {
                    return Err(reason.into());
                }
                future.await
            }
        };
        // Whoever started it may have lost interest.
        drop(reply.send(value));
        Err(ExitReason::Normal.into())
    }
}

pub(super) type Run = Arc<dyn Fn() -> BoxFuture<'static, Result<(), ActorProcessingErr>> + Send + Sync>;

/// Runs a fresh future for every start.
pub(super) struct Repeated(pub(super) Run);

impl Actor for Repeated {
    type Msg = TaskMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<TaskMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    // Not in `pre_start`, which the supervisor waits for.
    async fn post_start(&self, _: ractor::ActorRef<TaskMsg>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        (self.0)().await?;
        Err(ExitReason::Normal.into())
    }
}
