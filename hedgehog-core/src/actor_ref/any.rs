//! [`AnyActorRef`]: a reference whose message type is not known, or does not matter.

use super::{ActorRef, StopError};
use crate::{exit::ExitReason, identity::Pid, incarnation::Incarnation};
use ractor::Message;
use std::{fmt, sync::Arc, time::Duration};

/// A reference to one incarnation of an actor whatever its message type.
#[derive(Clone)]
pub struct AnyActorRef(pub(crate) Arc<Incarnation>);

impl AnyActorRef {
    /// The identity of this incarnation.
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }

    /// See [`ActorRef::is_alive`].
    pub fn is_alive(&self) -> bool {
        !self.0.is_exited()
    }

    /// See [`ActorRef::stop`].
    pub fn stop(&self, reason: ExitReason) {
        // The dead stop nobody.
        if !Incarnation::current_is_fenced() {
            self.0.stop(reason);
        }
    }

    /// See [`ActorRef::stop_and_wait`].
    pub async fn stop_and_wait(
        &self,
        reason: ExitReason,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<ExitReason, StopError> {
        if self.0.is_current() {
            return Err(StopError::CallingSelf);
        }
        if !self.is_alive() || Incarnation::current_is_fenced() {
            return Err(StopError::NoProc);
        }
        self.stop(reason);
        match deadline.into() {
            None => Ok(self.exited().await),
            Some(deadline) => tokio::time::timeout(deadline, self.exited())
                .await
                .map_err(|_| StopError::Timeout(deadline)),
        }
    }

    /// See [`ActorRef::kill`].
    pub fn kill(&self) {
        if !Incarnation::current_is_fenced() {
            self.0.kill();
        }
    }

    /// See [`ActorRef::exited`].
    pub async fn exited(&self) -> ExitReason {
        self.0.exited().await
    }

    /// See [`ActorRef::exit_reason`].
    pub fn exit_reason(&self) -> Option<ExitReason> {
        self.0.exit_reason().cloned()
    }

    /// See [`ActorRef::on_cleanup`].
    pub fn on_cleanup(&self, f: impl FnOnce() + Send + 'static) {
        self.0.on_cleanup(f);
    }

    /// See [`ActorRef::start_info`].
    pub fn start_info<T: 'static>(&self) -> Option<&T> {
        self.0.info()
    }

    /// Gives the message type back. The caller must have started the actor with this type.
    pub(crate) fn typed<M: Message>(&self) -> Option<ActorRef<M>> {
        self.0.cell()?;
        Some(ActorRef::new(self.0.clone()))
    }
}

impl<M> From<&ActorRef<M>> for AnyActorRef {
    fn from(actor: &ActorRef<M>) -> Self {
        Self(actor.incarnation.clone())
    }
}

impl From<&AnyActorRef> for AnyActorRef {
    fn from(actor: &AnyActorRef) -> Self {
        actor.clone()
    }
}

impl PartialEq for AnyActorRef {
    fn eq(&self, other: &Self) -> bool {
        self.pid() == other.pid()
    }
}

impl Eq for AnyActorRef {}

impl fmt::Debug for AnyActorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyActorRef({})", self.pid())
    }
}

impl From<&AnyActorRef> for Pid {
    fn from(actor: &AnyActorRef) -> Self {
        actor.0.pid()
    }
}
