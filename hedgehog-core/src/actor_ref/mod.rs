//! References to one incarnation of an actor: [`ActorRef`], typed by its message, [`AnyActorRef`] ([`any`]), and what
//! becomes of what is asked through them ([`errors`]).
//!
//! A reference is a counted pointer to the incarnation and nothing else. Invariant: it never follows a restart; for that
//! there are [`Name`](crate::Name) and [`Via`](crate::Via). What is more than talking to one actor is added to it where that
//! stands: monitors and links in `monitor`, timers in `timer`.

mod any;
mod errors;

pub use any::AnyActorRef;
pub use errors::{CallError, CastError, NotSupervised, StopError};

use crate::{exit::ExitReason, identity::Pid, incarnation::Incarnation};
use ractor::{Message, MessagingErr, RpcReplyPort};
use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};
use tokio::sync::oneshot;

/// How long a caller whose reply port was dropped waits for the exit that most likely caused it.
const REPLY_PORT_DROPPED: Duration = Duration::from_secs(1);

/// A typed reference to one incarnation of an actor.
///
/// It never follows a restart: once the incarnation is gone, what is sent comes back. A [`Name`](crate::Name) and a
/// [`Via`](crate::Via) lead to whoever does the work now.
///
/// There are three ways to end an actor from outside. [`stop`](Self::stop) overtakes the mailbox, [`drain`](Self::drain) does
/// not, and [`kill`](Self::kill) leaves out the cleanup, too. None of them waits; [`stop_and_wait`](Self::stop_and_wait) and
/// [`exited`](Self::exited) do:
///
/// ```
/// # use hedgehog_core::*;
/// struct Clerk;
/// # impl Actor for Clerk {
/// #     type Msg = &'static str;
/// #     type State = ();
/// #     type Arguments = ();
/// #     async fn pre_start(&self, _: ractor::ActorRef<&'static str>, (): ()) -> Result<(), ActorProcessingErr> { Ok(()) }
/// async fn handle(&self, _: ractor::ActorRef<&'static str>, letter: &'static str, (): &mut ()) -> Result<(), ActorProcessingErr> {
///     Err(letter.into()) // fails at the first letter
/// }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = ChildSpec::worker("clerk", || (Clerk, ()));
/// let (one, other) = (spec.start().await?, spec.start().await?);
/// one.cast("illegible")?;
/// one.stop(ExitReason::Normal); // at once: the letter is never read
/// assert!(matches!(one.exited().await, ExitReason::Normal));
///
/// other.cast("illegible")?;
/// other.drain(ExitReason::Normal); // after the letter, and no other one is taken
/// assert_eq!(other.cast("a second one").unwrap_err().into_message(), "a second one");
/// assert_eq!(other.exited().await.to_string(), "error: illegible");
/// # Ok(()) }
/// ```
pub struct ActorRef<M> {
    /// The only thing counted when a reference is copied or dropped; ractor's cell is reached through it.
    incarnation: Arc<Incarnation>,
    message: PhantomData<fn(M)>,
}

impl<M: Message> ActorRef<M> {
    /// The actor of `incarnation`, which must have been started with this message type and has its cell.
    pub(crate) fn new(incarnation: Arc<Incarnation>) -> Self {
        Self {
            incarnation,
            message: PhantomData,
        }
    }

    /// The identity of this incarnation.
    pub fn pid(&self) -> Pid {
        self.incarnation.pid()
    }

    /// Whether the exit of this incarnation cannot be seen yet. True while it cleans up.
    pub fn is_alive(&self) -> bool {
        !self.incarnation.is_exited()
    }

    /// Puts `message` into the mailbox and does not wait.
    ///
    /// # Errors
    /// Gives the message back when the incarnation is gone or stopping.
    pub fn cast(&self, message: M) -> Result<(), CastError<M>> {
        if Incarnation::current_is_fenced() {
            return Err(CastError(message));
        }
        self.deliver(message)
    }

    /// [`cast`](Self::cast) for what is owed to this actor, whoever happens to bring it about.
    pub(crate) fn deliver(&self, message: M) -> Result<(), CastError<M>> {
        if self.incarnation.is_closed() {
            return Err(CastError(message));
        }
        let Some(cell) = self.incarnation.cell() else {
            return Err(CastError(message));
        };
        cell.send_message(message).map_err(|error| match error {
            MessagingErr::SendErr(message) => CastError(message),
            MessagingErr::ChannelClosed | MessagingErr::InvalidActorType => {
                unreachable!("a local, typed reference is refused only with the message")
            }
        })
    }

    /// Sends the message that `make` builds around a reply port, and waits for the reply.
    ///
    /// `deadline` is a [`Duration`], or `None` to wait as long as the actor lives. The call fails at once when the actor
    /// ends before it replied. A late reply is dropped. `GenServer.call`.
    ///
    /// # Errors
    /// [`CallError::NoProc`] when the actor was gone or stopping already; [`CallError::Exited`] when it ended without a reply;
    /// [`CallError::NoReply`] when it dropped the reply port and lives on; [`CallError::Timeout`], after which the request may
    /// still be handled; [`CallError::CallingSelf`].
    pub async fn call<R: Send + 'static>(
        &self,
        make: impl FnOnce(RpcReplyPort<R>) -> M,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<R, CallError> {
        if self.incarnation.is_current() {
            return Err(CallError::CallingSelf);
        }
        let deadline = deadline.into();
        let (reply_to, reply) = oneshot::channel();
        let port = match deadline {
            Some(deadline) => RpcReplyPort::from((reply_to, deadline)),
            None => RpcReplyPort::from(reply_to),
        };
        self.cast(make(port)).map_err(|_| CallError::NoProc)?;
        let answer = self.answer(reply);
        match deadline {
            None => answer.await,
            Some(deadline) => tokio::time::timeout(deadline, answer)
                .await
                .unwrap_or(Err(CallError::Timeout(deadline))),
        }
    }

    /// Waits for the reply to a request that is in the mailbox.
    pub(crate) async fn answer<R>(&self, mut reply: oneshot::Receiver<R>) -> Result<R, CallError> {
        tokio::select! {
            biased;
            answer = &mut reply => match answer {
                Ok(answer) => Ok(answer),
                // The callee dropped the port: it is about to exit, or it forgot to answer.
                Err(_) => match tokio::time::timeout(REPLY_PORT_DROPPED, self.exited()).await {
                    Ok(reason) => Err(CallError::Exited(reason)),
                    Err(_) => Err(CallError::NoReply),
                },
            },
            // It may have replied and exited between the two polls.
            reason = self.exited() => reply.try_recv().map_err(|_| CallError::Exited(reason)),
        }
    }

    /// Asks the actor to stop with `reason`, and does not wait: `Process.exit`. For `GenServer.stop` see
    /// [`stop_and_wait`](Self::stop_and_wait). Overtakes the mailbox; of several requests the first one's reason counts.
    pub fn stop(&self, reason: ExitReason) {
        self.any().stop(reason);
    }

    /// Asks the actor to stop with `reason` once it has handled what its mailbox holds now. From then on it takes no message.
    pub fn drain(&self, reason: ExitReason) {
        if !Incarnation::current_is_fenced() {
            self.incarnation.drain(reason);
        }
    }

    /// Kills the actor: at its next `.await`, without its `post_stop`. The reason is [`ExitReason::Killed`].
    ///
    /// One that does not come to an `.await` within its supervisor's [kill grace](crate::Supervisor::kill_grace) is declared
    /// dead.
    pub fn kill(&self) {
        self.any().kill();
    }

    /// Waits until the incarnation is gone and says why; at once for the dead.
    pub async fn exited(&self) -> ExitReason {
        self.incarnation.exited().await
    }

    /// Why the incarnation ended, if it did.
    pub fn exit_reason(&self) -> Option<ExitReason> {
        self.incarnation.exit_reason().cloned()
    }

    /// [`stop`](Self::stop), and waits until the actor is gone. `GenServer.stop`.
    ///
    /// `deadline` is a [`Duration`], or `None` to wait as long as it takes. Returns the reason the actor ended with: `reason`,
    /// unless something else ended it first or its `post_stop` failed.
    ///
    /// # Errors
    /// [`StopError::NoProc`] when it was gone already, [`StopError::CallingSelf`] in its own callback (return
    /// `Err(reason.into())` there), and [`StopError::Timeout`]: the request stands, and the actor ends when it can.
    pub async fn stop_and_wait(
        &self,
        reason: ExitReason,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<ExitReason, StopError> {
        self.any().stop_and_wait(reason, deadline).await
    }

    /// Runs `f` when the state has been dropped and before anyone can see the exit: the place to give back what the actor
    /// holds elsewhere. At once if the incarnation is gone. Runs after a kill too. `f` must not block.
    pub fn on_cleanup(&self, f: impl FnOnce() + Send + 'static) {
        self.incarnation.on_cleanup(f);
    }

    pub(crate) fn incarnation(&self) -> &Arc<Incarnation> {
        &self.incarnation
    }

    /// What the actor handed out with [`set_start_info`](crate::set_start_info), if it was a `T`.
    pub fn start_info<T: 'static>(&self) -> Option<&T> {
        self.incarnation.info()
    }

    /// The same incarnation without its message type.
    pub fn any(&self) -> AnyActorRef {
        AnyActorRef(self.incarnation.clone())
    }
}

/// From the reference that ractor hands to a callback to the one of this library.
pub trait SelfRef<M: Message> {
    /// Inside a callback: the reference to the actor itself, Erlang's `self()`.
    ///
    /// ```
    /// # use hedgehog_core::prelude::*;
    /// # struct Heart;
    /// impl Actor for Heart {
    ///     type Msg = ();
    ///     type State = Timer;
    ///     type Arguments = ();
    ///     async fn pre_start(&self, myself: ractor::ActorRef<()>, (): ()) -> Result<Timer, ActorProcessingErr> {
    ///         let every = std::time::Duration::from_secs(1);
    ///         Ok(myself.self_ref()?.send_interval(every, || ()))
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`NotSupervised`] in an actor that this library did not start, and outside of the actor's own callbacks.
    fn self_ref(&self) -> Result<ActorRef<M>, NotSupervised>;
}

impl<M: Message> SelfRef<M> for ractor::ActorRef<M> {
    fn self_ref(&self) -> Result<ActorRef<M>, NotSupervised> {
        let incarnation = Incarnation::current().ok_or(NotSupervised)?;
        let mine = incarnation.cell().is_some_and(|cell| cell.get_id() == self.get_id());
        mine.then(|| ActorRef::new(incarnation)).ok_or(NotSupervised)
    }
}

impl<M> Clone for ActorRef<M> {
    fn clone(&self) -> Self {
        Self {
            incarnation: self.incarnation.clone(),
            message: PhantomData,
        }
    }
}

impl<M> PartialEq for ActorRef<M> {
    fn eq(&self, other: &Self) -> bool {
        self.incarnation.pid() == other.incarnation.pid()
    }
}

impl<M> Eq for ActorRef<M> {}

impl<M> Hash for ActorRef<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.incarnation.pid().hash(state);
    }
}

impl<M> fmt::Debug for ActorRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorRef({})", self.incarnation.pid())
    }
}

impl<M> From<&ActorRef<M>> for Pid {
    fn from(actor: &ActorRef<M>) -> Self {
        actor.incarnation.pid()
    }
}
