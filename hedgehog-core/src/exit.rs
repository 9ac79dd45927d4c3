//! Why an actor ended: [`ExitReason`]. How it ends, and in which order, is in `incarnation`.

use std::{error::Error, fmt, sync::Arc};

/// Why one incarnation of an actor ended.
///
/// A callback that returns `Err(reason.into())` stops its actor with exactly that reason, as a `GenServer` does with
/// `{stop, Reason, State}`: `post_stop` runs, then the actor exits.
///
/// ```
/// use hedgehog_core::{ActorProcessingErr, ExitReason};
///
/// fn finish() -> Result<(), ActorProcessingErr> {
///     Err(ExitReason::Normal.into()) // the work is done: no crash, and a transient child stays down
/// }
/// assert!(finish().unwrap_err().downcast::<ExitReason>().unwrap().is_clean());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExitReason {
    /// The actor finished its work.
    Normal,
    /// A supervisor, or somebody acting like one, asked it to stop.
    Shutdown,
    /// As [`Shutdown`](Self::Shutdown), with a detail for whoever watches.
    ShutdownWith(Arc<str>),
    /// It was killed: no cleanup of its own ran.
    Killed,
    /// A callback returned an error.
    Error(Arc<dyn Error + Send + Sync>),
    /// A callback, or the drop of the state, panicked with this text. Counts as abnormal, as `Error` does.
    Panic(Arc<str>),
}

impl ExitReason {
    /// `Normal`, `Shutdown` and `ShutdownWith`: what a transient child is *not* restarted for.
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }

    /// The rest: `Killed`, `Error` and `Panic`.
    pub fn is_abnormal(&self) -> bool {
        !self.is_clean()
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(detail) => write!(f, "shutdown: {detail}"),
            Self::Killed => f.write_str("killed"),
            Self::Error(error) => write!(f, "error: {error}"),
            Self::Panic(text) => write!(f, "panic: {text}"),
        }
    }
}

impl Error for ExitReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Error(error) => Some(&**error),
            _ => None,
        }
    }
}
