//! [`SupervisorRef`]: what others ask of a supervisor, and what it answers.

use super::{
    info::{ChildCount, ChildInfo},
    server::{Request, SupervisorMsg},
};
use crate::{
    actor_ref::{ActorRef, AnyActorRef, CastError},
    address::Address,
    child_spec::{AnyChildSpec, ChildSpec},
    exit::ExitReason,
    identity::ChildId,
    name::Name,
    registry::{Key, Value, Via},
    start_error::StartError,
};
use ractor::{Message, RpcReplyPort};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// How long a reference by name waits for a supervisor that is just being restarted.
const RESTART_PATIENCE: Duration = Duration::from_secs(5);

/// A reference to a [`Supervisor`](crate::Supervisor).
///
/// Made from an [`ActorRef`] it means that one incarnation; made from a [`Name`] or a [`Via`] it follows restarts, waiting up
/// to 5 s for one in progress. Requests are answered one after another and without a deadline, because starting and stopping a child
/// takes as long as the child does: a child must not ask its own supervisor from `pre_start` or `post_stop`.
///
/// What was terminated is not forgotten, so that it can be started again in its place:
///
/// ```
/// # use hedgehog_core::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::new(Strategy::OneForOne).start().await?;
/// let clock = || Task::spec("clock", std::future::pending::<()>).restart(Restart::Permanent);
/// supervisor.start_child(clock()).await?;
/// supervisor.terminate_child("clock").await?;
///
/// let again = supervisor.start_child(clock()).await;
/// assert!(matches!(again, Err(StartError::AlreadyPresent { .. }))); // its spec is still there
/// supervisor.restart_child("clock").await?; // either start it from that,
/// supervisor.terminate_child("clock").await?;
/// supervisor.delete_child("clock").await?; // or drop that first
/// supervisor.start_child(clock()).await?;
/// # supervisor.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SupervisorRef(Target<SupervisorMsg>);

impl SupervisorRef {
    /// Appends a child and starts it. The spec is kept when the child ignored its start, and dropped when it failed.
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`] and [`StartError::AlreadyPresent`] when the id is taken;
    /// [`StartError::AlreadyRegistered`] and [`StartError::Ignore`] bare; any other failure of the child inside
    /// [`StartError::FailedToStartChild`]. What is wrong with the spec itself ([`Supervisor::validate`]) comes before all that.
    ///
    /// [`Supervisor::validate`]: crate::Supervisor::validate
    pub async fn start_child<M: Message>(&self, child: ChildSpec<M>) -> Result<ActorRef<M>, StartError> {
        let spec = child.erase();
        let started = self.0.ask(|reply| SupervisorMsg(Request::Start(spec, reply))).await;
        started
            .map_err(|NoProc| StartError::NoProc)??
            .typed()
            .ok_or(StartError::NoProc)
    }

    /// Stops a child, or cancels its restart, and returns when it is gone. Its siblings are left alone, whatever the
    /// strategy. The spec is kept, unless the child is temporary; a later group restart starts it again.
    ///
    /// # Errors
    /// [`TerminateError::NotFound`] for an unknown id. A child that does not run is no error.
    pub async fn terminate_child(&self, id: impl Into<ChildId>) -> Result<(), TerminateError> {
        let id = id.into();
        self.0.ask(|reply| SupervisorMsg(Request::Terminate(id, reply))).await?
    }

    /// Starts a child again that has ended or was terminated; returns when its `pre_start` has. It keeps its place among its
    /// siblings, and the start does not count as a restart. When it fails, the child stays as it was.
    ///
    /// The new incarnation comes without its message type; whoever sends to it has it under a [`Name`].
    ///
    /// # Errors
    /// [`RestartError::Running`] and [`RestartError::Restarting`] when there is no need; [`RestartError::Start`] with
    /// whatever kept the child from starting, bare.
    pub async fn restart_child(&self, id: impl Into<ChildId>) -> Result<AnyActorRef, RestartError> {
        let id = id.into();
        self.0.ask(|reply| SupervisorMsg(Request::Restart(id, reply))).await?
    }

    /// Forgets a child that has ended or was terminated, spec and all. Its id is free again.
    ///
    /// # Errors
    /// [`DeleteError::Running`] and [`DeleteError::Restarting`] for one that must be terminated first.
    pub async fn delete_child(&self, id: impl Into<ChildId>) -> Result<(), DeleteError> {
        let id = id.into();
        self.0.ask(|reply| SupervisorMsg(Request::Delete(id, reply))).await?
    }

    /// The spec of one child, defaults filled in. `None` for an unknown id.
    pub async fn get_child_spec(&self, id: impl Into<ChildId>) -> Result<Option<AnyChildSpec>, NoProc> {
        let id = id.into();
        self.0.ask(|reply| SupervisorMsg(Request::Spec(id, reply))).await
    }

    /// One child and what it is doing. `None` for an unknown id.
    pub async fn which_child(&self, id: impl Into<ChildId>) -> Result<Option<ChildInfo>, NoProc> {
        let id = id.into();
        self.0.ask(|reply| SupervisorMsg(Request::WhichOne(id, reply))).await
    }

    /// The children in start order.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, NoProc> {
        self.0.ask(|reply| SupervisorMsg(Request::Which(reply))).await
    }

    /// How many children there are, by kind and activity.
    pub async fn count_children(&self) -> Result<ChildCount, NoProc> {
        self.0.ask(|reply| SupervisorMsg(Request::Count(reply))).await
    }

    /// Stops the supervisor, after its children, and returns when it is gone, with its exit reason: `reason`, unless
    /// something else ended it first. When it is not running: [`ExitReason::Normal`] for an address nobody holds, else the
    /// reason it ended with. A permanent supervisor is restarted by its parent.
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        self.0.stop(reason).await
    }

    /// The present incarnation.
    pub fn whereis(&self) -> Option<ActorRef<SupervisorMsg>> {
        self.0.whereis()
    }
}

impl fmt::Debug for SupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SupervisorRef").field(&self.0).finish()
    }
}

impl From<ActorRef<SupervisorMsg>> for SupervisorRef {
    fn from(actor: ActorRef<SupervisorMsg>) -> Self {
        Self(Target::Incarnation(actor))
    }
}

impl From<&Name<SupervisorMsg>> for SupervisorRef {
    fn from(name: &Name<SupervisorMsg>) -> Self {
        Self(Target::address(name.clone()))
    }
}

impl<K: Key, V: Value> From<&Via<K, SupervisorMsg, V>> for SupervisorRef {
    fn from(via: &Via<K, SupervisorMsg, V>) -> Self {
        Self(Target::address(via.clone()))
    }
}

/// One incarnation of a supervisor, or whichever one is found at an address.
pub(crate) enum Target<M> {
    Incarnation(ActorRef<M>),
    Address(Arc<dyn Address<M>>),
}

impl<M: Message> Target<M> {
    pub(crate) fn address(address: impl Address<M> + 'static) -> Self {
        Self::Address(Arc::new(address))
    }

    pub(crate) fn whereis(&self) -> Option<ActorRef<M>> {
        match self {
            Self::Incarnation(actor) => actor.is_alive().then(|| actor.clone()),
            Self::Address(address) => address.whereis(),
        }
    }

    /// The present incarnation, or the next one if it is being restarted.
    pub(crate) async fn holder(&self) -> Option<ActorRef<M>> {
        match self {
            Self::Incarnation(_) => self.whereis(),
            Self::Address(address) => match address.whereis() {
                Some(holder) => Some(holder),
                None => address.holder().await,
            },
        }
    }

    pub(crate) async fn ask<R: Send + 'static>(&self, make: impl FnOnce(RpcReplyPort<R>) -> M) -> Result<R, NoProc> {
        if let Self::Incarnation(actor) = self {
            return actor.call(make, None).await.map_err(|_| NoProc);
        }
        let (reply_to, reply) = oneshot::channel();
        let mut message = make(RpcReplyPort::from(reply_to));
        let delivered = async {
            loop {
                let holder = self.holder().await?;
                match holder.cast(message) {
                    Ok(()) => return Some(holder),
                    // Refused, so nothing has happened: this one is on its way out, the next one will take it.
                    Err(CastError(refused)) => message = refused,
                }
                holder.exited().await;
            }
        };
        let delivered = tokio::time::timeout(RESTART_PATIENCE, delivered).await;
        let holder = delivered.ok().flatten().ok_or(NoProc)?;
        holder.answer(reply).await.map_err(|_| NoProc)
    }

    pub(crate) async fn stop(&self, reason: ExitReason) -> ExitReason {
        let actor = match self {
            Self::Incarnation(actor) => actor.clone(),
            Self::Address(address) => match address.whereis() {
                Some(actor) => actor,
                None => return ExitReason::Normal,
            },
        };
        actor.stop(reason);
        actor.exited().await
    }
}

impl<M> fmt::Debug for Target<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incarnation(actor) => actor.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl<M> Clone for Target<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Incarnation(actor) => Self::Incarnation(actor.clone()),
            Self::Address(address) => Self::Address(address.clone()),
        }
    }
}

/// The supervisor is not running, or ended before it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the supervisor is not running")]
pub struct NoProc;

/// Why a child could not be terminated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TerminateError {
    /// The supervisor has no such child.
    #[error("the supervisor has no child {child}")]
    NotFound {
        /// The id or the pid that was asked for.
        child: String,
    },
    /// The supervisor is not running.
    #[error("the supervisor is not running")]
    NoProc,
}

impl From<NoProc> for TerminateError {
    fn from(NoProc: NoProc) -> Self {
        Self::NoProc
    }
}

/// Why a child could not be started again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestartError {
    /// The supervisor has no such child.
    #[error("the supervisor has no child {id}")]
    NotFound {
        /// The id.
        id: ChildId,
    },
    /// It runs.
    #[error("child {id} is running already")]
    Running {
        /// The id.
        id: ChildId,
    },
    /// It is being restarted already.
    #[error("child {id} is being restarted already")]
    Restarting {
        /// The id.
        id: ChildId,
    },
    /// It did not start.
    #[error(transparent)]
    Start(StartError),
    /// The supervisor is not running.
    #[error("the supervisor is not running")]
    NoProc,
}

impl From<NoProc> for RestartError {
    fn from(NoProc: NoProc) -> Self {
        Self::NoProc
    }
}

/// Why a child could not be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// The supervisor has no such child.
    #[error("the supervisor has no child {id}")]
    NotFound {
        /// The id.
        id: ChildId,
    },
    /// It runs: terminate it first.
    #[error("child {id} is running, terminate it first")]
    Running {
        /// The id.
        id: ChildId,
    },
    /// It is being restarted: terminate it first.
    #[error("child {id} is being restarted, terminate it first")]
    Restarting {
        /// The id.
        id: ChildId,
    },
    /// The supervisor is not running.
    #[error("the supervisor is not running")]
    NoProc,
}

impl From<NoProc> for DeleteError {
    fn from(NoProc: NoProc) -> Self {
        Self::NoProc
    }
}
