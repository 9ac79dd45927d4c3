//! [`SupervisorEvent`]: one thing that a supervisor did or learned.

use crate::{
    exit::ExitReason,
    identity::{ChildId, Pid},
    printing::{chain, text},
    start_error::StartError,
};
use serde::{Serialize, Serializer};
use std::{fmt, sync::Arc, time::Duration};

/// Something that happened to a child of a supervisor.
///
/// A supervisor publishes its events, and those below it theirs, to the topic it was given with
/// [`Supervisor::events`](crate::Supervisor::events). The events of one supervisor come in the order in which things
/// happened to it. Its `Display` is a line for people, its JSON is flat.
///
/// Every incarnation that starts has one [`Started`](SupervisorEventKind::Started), and one
/// [`Exited`](SupervisorEventKind::Exited) or [`Terminated`](SupervisorEventKind::Terminated) when it is gone, also when its
/// supervisor was killed.
///
/// ```
/// # use hedgehog_core::*;
/// # struct Idle;
/// # impl Actor for Idle {
/// #     type Msg = (); type State = (); type Arguments = ();
/// #     async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let events = PubSub::new().topic("supervisors");
/// let mut seen = events.subscribe(Overflow::Lossless); // before the start, to miss nothing
///
/// let inner = || Supervisor::new(Strategy::OneForOne).child(ChildSpec::worker("idle", || (Idle, ())));
/// let root = Supervisor::new(Strategy::OneForOne)
///     .label("Root")
///     .events(&events) // and whatever stands below
///     .child(Supervisor::spec("Inner", inner))
///     .start()
///     .await?;
/// root.stop(ExitReason::Shutdown).await;
///
/// let mut paths = Vec::new();
/// let _ = seen.drain(usize::MAX, |event| paths.push(event.path()));
/// assert_eq!(paths, ["Root/Inner/idle", "Root/Inner", "Root/Inner/idle", "Root/Inner"]); // up, and down again
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SupervisorEvent {
    /// The path of the supervisor, as [`TreeNode::path`](crate::TreeNode::path) has it.
    pub supervisor: Arc<str>,
    /// The child's id.
    pub child: ChildId,
    /// The child's incarnation, if the event is about one.
    pub pid: Option<Pid>,
    /// What happened.
    #[serde(flatten)]
    pub kind: SupervisorEventKind,
}

/// What happened to a child. In JSON its name stands in the field `event`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SupervisorEventKind {
    /// Its `pre_start` has returned: it runs.
    Started,
    /// It did not start; the caller, or the supervisor that was just booting, has the error too.
    StartFailed {
        /// Why.
        #[serde(serialize_with = "as_chain")]
        error: StartError,
    },
    /// It ended, and not because its supervisor stopped it.
    Exited {
        /// Why.
        #[serde(serialize_with = "as_text")]
        reason: ExitReason,
    },
    /// The incarnation of the [`Started`](Self::Started) just before takes the place of one that ended.
    Restarted {
        /// How often this child was restarted so far.
        restarts: u64,
    },
    /// It could not be started again; its supervisor tries once more.
    RestartFailed {
        /// Why.
        #[serde(serialize_with = "as_chain")]
        error: StartError,
    },
    /// It is not started again, because a sibling has taken its name.
    Replaced {
        /// The sibling.
        holder: Pid,
    },
    /// Its supervisor stopped it, and it is gone.
    Terminated {
        /// With which reason it ended in fact.
        #[serde(serialize_with = "as_text")]
        reason: ExitReason,
        /// Whether it ended the way its spec says. False for one that missed its deadline and was killed, that failed while
        /// it stopped, or whose supervisor was killed.
        orderly: bool,
    },
    /// It was killed, did not yield, and was declared dead: it may still be running, and is heard no more. The end of the
    /// incarnation has its own event, as ever.
    ZombieLeft {
        /// How long it had.
        #[serde(serialize_with = "milliseconds", rename = "grace_ms")]
        grace: Duration,
    },
    /// The child's exit, or a failed attempt to start it again, was one restart too many: the supervisor gives up.
    MaxRestartsReached,
    /// The child was significant and has ended: the supervisor shuts down.
    AutoShutdown,
}

impl SupervisorEvent {
    /// The path of the child.
    pub fn path(&self) -> String {
        format!("{}/{}", self.supervisor, self.child)
    }

    /// Whether it deserves somebody's attention: what the log has at the level of errors.
    pub fn is_problem(&self) -> bool {
        match &self.kind {
            SupervisorEventKind::Started
            | SupervisorEventKind::Restarted { .. }
            | SupervisorEventKind::AutoShutdown => false,
            SupervisorEventKind::Exited { reason } => reason.is_abnormal(),
            SupervisorEventKind::Terminated { orderly, .. } => !orderly,
            SupervisorEventKind::StartFailed { .. }
            | SupervisorEventKind::RestartFailed { .. }
            | SupervisorEventKind::Replaced { .. }
            | SupervisorEventKind::ZombieLeft { .. }
            | SupervisorEventKind::MaxRestartsReached => true,
        }
    }
}

impl fmt::Display for SupervisorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())?;
        if let Some(pid) = self.pid {
            write!(f, " {pid}")?;
        }
        match &self.kind {
            SupervisorEventKind::Started => f.write_str(" started"),
            SupervisorEventKind::StartFailed { error } => write!(f, " did not start: {}", chain(error)),
            SupervisorEventKind::Exited { reason } => write!(f, " exited: {}", text(reason)),
            SupervisorEventKind::Restarted { restarts } => write!(f, " restarted, restarts: {restarts}"),
            SupervisorEventKind::RestartFailed { error } => write!(f, " did not start again: {}", chain(error)),
            SupervisorEventKind::Replaced { holder } => write!(f, " is not restarted, {holder} has taken its name"),
            SupervisorEventKind::Terminated { reason, orderly: true } => write!(f, " terminated: {}", text(reason)),
            SupervisorEventKind::Terminated { reason, orderly: false } => {
                write!(f, " did not terminate in good order: {}", text(reason))
            }
            SupervisorEventKind::ZombieLeft { grace } => {
                write!(f, " was killed, did not yield within {grace:?} and is left behind")
            }
            SupervisorEventKind::MaxRestartsReached => f.write_str(" was restarted too often, its supervisor gives up"),
            SupervisorEventKind::AutoShutdown => f.write_str(" was significant, its supervisor shuts down"),
        }
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    (duration.as_millis() as u64).serialize(serializer)
}

fn as_text<S: Serializer>(reason: &ExitReason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(reason))
}

fn as_chain<S: Serializer>(error: &StartError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&chain(error))
}

#[cfg(test)]
mod tests;
