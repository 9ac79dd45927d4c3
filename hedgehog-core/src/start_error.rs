//! [`StartError`]: why an actor, or a whole tree, did not start.

use crate::identity::{ChildId, Pid};
use std::sync::Arc;

/// Why an actor could not be started.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The name is held by a living actor. What OTP calls `already_started` of the child itself.
    #[error("the name {name} is already registered by {holder}")]
    AlreadyRegistered {
        /// The name, or the registry and its key.
        name: String,
        /// Who holds it.
        holder: Pid,
    },
    /// The registry that should hold the name has no owner at present.
    #[error("the registry {registry} is not running, start its spec first")]
    RegistryDown {
        /// The registry's name.
        registry: Arc<str>,
    },
    /// The supervisor has a running child with this id.
    #[error("child {id} is already started as {pid}")]
    AlreadyStarted {
        /// The id.
        id: ChildId,
        /// The running child.
        pid: Pid,
    },
    /// The supervisor has a stopped or restarting child with this id.
    #[error("child {id} is already present, restart or delete it")]
    AlreadyPresent {
        /// The id.
        id: ChildId,
    },
    /// Two children of one supervisor have this id.
    #[error("two children are called {id}, give one of them another id")]
    DuplicateId {
        /// The id.
        id: ChildId,
    },
    /// The child is significant but permanent: it is always restarted, so its end can never be its supervisor's.
    #[error("child {id} is significant and must be transient or temporary")]
    SignificantPermanent {
        /// The id.
        id: ChildId,
    },
    /// The child is significant, but its supervisor never shuts down automatically.
    #[error("child {id} is significant, which needs auto_shutdown of its supervisor")]
    SignificantNeedsAutoShutdown {
        /// The id.
        id: ChildId,
    },
    /// The supervisor's restart window, `max_seconds`, is zero.
    #[error("max_seconds must be more than zero")]
    NoWindow,
    /// The dynamic supervisor has as many children as it may.
    #[error("the limit of {max} children is reached")]
    MaxChildren {
        /// The limit.
        max: usize,
    },
    /// A supervisor could not start one of its children.
    #[error("failed to start child {id}")]
    FailedToStartChild {
        /// The child's id.
        id: ChildId,
        /// Why.
        #[source]
        source: Box<StartError>,
    },
    /// `pre_start` returned an error.
    #[error(transparent)]
    Failed(Arc<dyn std::error::Error + Send + Sync>),
    /// The factory or `pre_start` panicked.
    #[error("panicked during start: {0}")]
    Panicked(Arc<str>),
    /// It was killed during its start.
    #[error("killed during start")]
    Killed,
    /// `pre_start` returned this to say that there is nothing to do: not a failure. A static supervisor keeps the spec
    /// without a process (unless it is temporary), a dynamic one forgets it. What OTP calls `ignore`.
    #[error("there is nothing to start")]
    Ignore,
    /// The supervisor is not running, or ended before it answered.
    #[error("the supervisor is not running")]
    NoProc,
    /// [`ChildSpec::start_linked`](crate::ChildSpec::start_linked) was called where there is no actor to link to.
    #[error("start_linked works in a callback of an actor only, elsewhere use start")]
    NotInCallback,
}
