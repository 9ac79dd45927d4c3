//! Why what was asked of an actor did not happen.

use crate::exit::ExitReason;
use std::{fmt, time::Duration};

/// The actor is gone or stopping; the message comes back.
pub struct CastError<M>(pub M);

impl<M> CastError<M> {
    /// The message that was not delivered.
    pub fn into_message(self) -> M {
        self.0
    }
}

impl<M> fmt::Debug for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CastError(..)")
    }
}

impl<M> fmt::Display for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the actor is not running")
    }
}

impl<M> std::error::Error for CastError<M> {}

/// Why a call brought no reply.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The actor was gone or stopping before the request reached its mailbox.
    #[error("the actor is not running")]
    NoProc,
    /// The deadline passed. The request may still be handled; its reply will be dropped.
    #[error("no reply within {0:?}")]
    Timeout(Duration),
    /// An actor called itself from its own callback, which could never return.
    #[error("an actor cannot call itself")]
    CallingSelf,
    /// The actor ended before it replied.
    #[error("the actor ended before it replied: {0}")]
    Exited(#[source] ExitReason),
    /// The actor dropped the reply port and goes on living, or is slow to clean up.
    #[error("the actor dropped the request without a reply")]
    NoReply,
}

/// Why [`self_ref`](crate::SelfRef::self_ref) knows of no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this actor was not started by hedgehog, or this is none of its callbacks")]
pub struct NotSupervised;

/// Why [`ActorRef::stop_and_wait`](crate::ActorRef::stop_and_wait) has not seen the actor end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// It was gone already.
    #[error("the actor is not running")]
    NoProc,
    /// The deadline passed. The actor has been asked to stop and will, unless it is killed first.
    #[error("the actor did not stop within {0:?}")]
    Timeout(Duration),
    /// An actor waited for its own end, which could never come.
    #[error("an actor cannot wait for its own end")]
    CallingSelf,
}
