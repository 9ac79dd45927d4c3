//! Runs any [`ractor::Actor`] with OTP's exit order.
//!
//! ractor announces an exit before it drops the state, and skips `post_stop` on the way. Here the state and the actor live
//! in a [`Holder`], which is ractor's notion of the state: whichever way ractor ends the actor, the holder is dropped in the
//! actor's own task, and only [`Holder::finish`] finishes the incarnation.
//!
//! Actors are not linked to ractor's own tree, because a dying ractor parent kills its children unordered.

use crate::{
    actor_ref::ActorRef,
    exit::ExitReason,
    incarnation::{Current, Incarnation},
    name::Bind,
    panic, printing,
    start_error::StartError,
};
use pin_project_lite::pin_project;
use ractor::{Actor, ActorProcessingErr, SpawnErr, SupervisionEvent};
use std::{
    future::Future,
    marker::PhantomData,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// What an incarnation is started from.
pub(crate) struct Launch<A: Actor> {
    pub(crate) actor: A,
    pub(crate) args: A::Arguments,
    /// Bound in this order before `pre_start` runs.
    pub(crate) binds: Arc<[Arc<dyn Bind<A::Msg>>]>,
    pub(crate) incarnation: Arc<Incarnation>,
}

/// Starts an actor and returns when its `pre_start` has returned.
///
/// A failed start leaves nothing behind: when the error is returned the names are free. Dropping the future in the middle
/// kills the incarnation.
pub(crate) async fn start<A: Actor>(launch: Launch<A>) -> Result<ActorRef<A::Msg>, StartError> {
    let incarnation = launch.incarnation.clone();
    let unfinished = Unfinished(Some(incarnation.clone()));
    // Panics that ractor lets through come from dropping what was sent to the mailbox during a failing `pre_start`.
    let spawned = panic::catch(Actor::spawn(None, Adapter::<A>(PhantomData), launch)).await;
    let (error, reason) = match spawned {
        Ok(Ok(_)) => {
            unfinished.disarm();
            return Ok(ActorRef::new(incarnation));
        }
        Ok(Err(SpawnErr::StartupFailed(error))) => start_failure(error),
        Ok(Err(error)) => {
            let error: Arc<dyn std::error::Error + Send + Sync> = Arc::new(error);
            (StartError::Failed(error.clone()), ExitReason::Error(error))
        }
        Err(text) => (StartError::Panicked(text.clone()), ExitReason::Panic(text)),
    };
    incarnation.finish(reason);
    // A supervisor that failed half-way through its children is gone only when they are.
    incarnation.exited().await;
    unfinished.disarm();
    Err(error)
}

fn start_failure(error: ActorProcessingErr) -> (StartError, ExitReason) {
    match error.downcast::<StartError>() {
        Ok(error) => {
            let reason = match &*error {
                StartError::Ignore => ExitReason::Normal,
                StartError::Panicked(text) => ExitReason::Panic(text.clone()),
                StartError::Killed => ExitReason::Killed,
                StartError::FailedToStartChild { .. } => ExitReason::ShutdownWith(printing::chain(&*error).into()),
                StartError::Failed(source) => ExitReason::Error(source.clone()),
                other => ExitReason::Error(Arc::new(other.clone())),
            };
            (*error, reason)
        }
        // The one failure that does not come from our own `pre_start`: ractor's kill during startup.
        Err(_) => (StartError::Killed, ExitReason::Killed),
    }
}

/// Finishes an incarnation whose start was cancelled.
struct Unfinished(Option<Arc<Incarnation>>);

impl Unfinished {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(incarnation) = self.0.take() {
            incarnation.finish(ExitReason::Killed);
        }
    }
}

/// The actor that ractor sees. It owns nothing; everything of the user's lives in the [`Holder`].
struct Adapter<A>(PhantomData<fn() -> A>);

/// The user's actor and state. Invariant: once `body` is gone the incarnation is finished or about to be.
struct Holder<A: Actor> {
    body: Option<Body<A>>,
    incarnation: Arc<Incarnation>,
    /// See [`Callback`].
    lent: Option<Arc<Incarnation>>,
}

struct Body<A: Actor> {
    actor: A,
    state: A::State,
}

impl<A: Actor> Holder<A> {
    /// Ends the actor for `reason`, an error or a panic of a callback, here in its own task.
    #[cold]
    async fn fail(&mut self, myself: ractor::ActorRef<A::Msg>, reason: ExitReason) -> Result<(), ActorProcessingErr> {
        self.incarnation.close();
        // It gave way too late: whoever killed it need not care what it says now, and a successor may be running.
        if self.incarnation.is_killed() {
            self.finish(ExitReason::Killed);
            return Err(ExitReason::Killed.into());
        }
        // After a panic the state may be torn, so only an orderly error is followed by the actor's own cleanup.
        if !matches!(reason, ExitReason::Panic(_))
            && let Some(Body { actor, state }) = &mut self.body
            && let Err(error) = callback(&self.incarnation, &mut self.lent, actor.post_stop(myself, state)).await
        {
            tracing::warn!(pid = %self.incarnation.pid(), error = %printing::text(&error), "cleanup failed");
            panic::discard(error);
        }
        self.finish(reason.clone());
        Err(reason.into())
    }

    /// Drops what the user owns, then lets the incarnation end.
    fn finish(&mut self, reason: ExitReason) {
        let Some(Body { actor, state }) = self.body.take() else {
            return;
        };
        let incarnation = &self.incarnation;
        let state = panic::catch_sync(|| incarnation.run_sync(|| drop(state)));
        let actor = panic::catch_sync(|| incarnation.run_sync(|| drop(actor)));
        let reason = match state.and(actor) {
            Err(text) if reason.is_clean() => ExitReason::Panic(text),
            _ => reason,
        };
        incarnation.finish(reason);
    }
}

impl<A: Actor> Drop for Holder<A> {
    fn drop(&mut self) {
        // Every other way to end has finished already.
        self.finish(ExitReason::Killed);
    }
}

impl<A: Actor> Actor for Adapter<A> {
    type Msg = A::Msg;
    type State = Holder<A>;
    type Arguments = Launch<A>;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<A::Msg>,
        launch: Launch<A>,
    ) -> Result<Holder<A>, ActorProcessingErr> {
        let Launch {
            actor,
            args,
            binds,
            incarnation,
        } = launch;
        incarnation.set_cell(myself.get_cell());
        let me = ActorRef::new(incarnation.clone());
        let started = async {
            // Declared dead before it could begin: it must not take names or run anything.
            if incarnation.is_exited() {
                return Err(StartError::Killed);
            }
            for bind in binds.iter() {
                bind.bind(&me)?;
            }
            match panic::catch(incarnation.run(async { actor.pre_start(myself, args).await })).await {
                Ok(Ok(state)) => Ok(state),
                Ok(Err(error)) => Err(match error.downcast::<StartError>() {
                    Ok(error) => *error,
                    Err(error) => StartError::Failed(error.into()),
                }),
                Err(text) => Err(StartError::Panicked(text)),
            }
        };
        match started.await {
            Ok(state) => Ok(Holder {
                body: Some(Body { actor, state }),
                incarnation,
                lent: None,
            }),
            Err(error) => {
                let _ = panic::catch_sync(|| incarnation.run_sync(|| drop(actor)));
                Err(error.into())
            }
        }
    }

    async fn post_start(
        &self,
        myself: ractor::ActorRef<A::Msg>,
        holder: &mut Holder<A>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(Body { actor, state }) = &mut holder.body else {
            return Ok(());
        };
        match callback(
            &holder.incarnation,
            &mut holder.lent,
            actor.post_start(myself.clone(), state),
        )
        .await
        {
            Ok(()) => Ok(()),
            Err(reason) => Box::pin(holder.fail(myself, reason)).await,
        }
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<A::Msg>,
        message: A::Msg,
        holder: &mut Holder<A>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(Body { actor, state }) = &mut holder.body else {
            return Ok(());
        };
        match callback(
            &holder.incarnation,
            &mut holder.lent,
            actor.handle(myself.clone(), message, state),
        )
        .await
        {
            Ok(()) => Ok(()),
            Err(reason) => Box::pin(holder.fail(myself, reason)).await,
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ractor::ActorRef<A::Msg>,
        event: SupervisionEvent,
        holder: &mut Holder<A>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(Body { actor, state }) = &mut holder.body else {
            return Ok(());
        };
        match callback(
            &holder.incarnation,
            &mut holder.lent,
            actor.handle_supervisor_evt(myself.clone(), event, state),
        )
        .await
        {
            Ok(()) => Ok(()),
            Err(reason) => Box::pin(holder.fail(myself, reason)).await,
        }
    }

    async fn post_stop(
        &self,
        myself: ractor::ActorRef<A::Msg>,
        holder: &mut Holder<A>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(Body { actor, state }) = &mut holder.body else {
            return Ok(());
        };
        holder.incarnation.close();
        let stopped = callback(&holder.incarnation, &mut holder.lent, actor.post_stop(myself, state)).await;
        let requested = holder.incarnation.requested().unwrap_or(ExitReason::Normal);
        holder.finish(stopped.err().unwrap_or(requested));
        Ok(())
    }
}

/// Runs `future` as a callback of `incarnation`, and types what comes out of it.
fn callback<'a, F>(incarnation: &Arc<Incarnation>, lent: &'a mut Option<Arc<Incarnation>>, future: F) -> Callback<'a, F>
where
    F: Future<Output = Result<(), ActorProcessingErr>>,
{
    let current = lent.take().unwrap_or_else(|| incarnation.clone());
    Callback {
        running: current.run_owned(future),
        lent,
    }
}

pin_project! {
    /// A callback that runs as its incarnation, until it returns, fails or panics.
    ///
    /// Written by hand because it runs for every message: an `async fn` would keep the future twice, as its argument and as
    /// what it awaits, and move it in between. For the same reason the reference to the incarnation is lent and taken back:
    /// counting one up and down would fetch the record's memory, which most messages have no other use for.
    struct Callback<'a, F> {
        #[pin]
        running: Current<F>,
        lent: &'a mut Option<Arc<Incarnation>>,
    }
}

impl<F: Future<Output = Result<(), ActorProcessingErr>>> Future for Callback<'_, F> {
    type Output = Result<(), ExitReason>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let poll = AssertUnwindSafe(|| this.running.as_mut().poll(context));
        // Around the dropping of the future, too, which may panic when it is done.
        let outcome = match std::panic::catch_unwind(poll) {
            Ok(polled) => {
                let outcome = ready!(polled);
                **this.lent = this.running.take_value();
                Ok(outcome)
            }
            Err(panic) => Err(panic),
        };
        Poll::Ready(match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(match error.downcast::<ExitReason>() {
                Ok(reason) => *reason,
                Err(error) => ExitReason::Error(error.into()),
            }),
            Err(panic) => Err(ExitReason::Panic(panic::text(panic))),
        })
    }
}
