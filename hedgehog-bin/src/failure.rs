//! What an error means to whoever asked: the exit codes, and the one line on the terminal.
//!
//! Invariant: this is the only place that knows which error has which exit code. The program sends the kind over the control
//! socket, so a command ends with the same code whether it was carried out here or there.

use crate::app::{OpenError, RequestError};
use crate::config::ConfigError;
use crate::control::ControlError;
use crate::data_dir::DataDirError;
use crate::market::SymbolError;
use crate::naive::SettingsError;
use crate::operation::OperationError;
use crate::recording::RecordingError;
use crate::store::StoreError;
use crate::venue::VenueError;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt::Write;
use std::io;

/// A failure as it leaves the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Decides the exit code.
    pub kind: FailureKind,
    /// One line: what is wrong with what, and what to do.
    pub message: String,
}

/// Whose fault it is, as far as a script needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It was tried and did not work: 1.
    Failed,
    /// It cannot be done as asked: 2.
    BadInput,
    /// There is no program to ask: 3.
    NotRunning,
    /// A database is not usable: 4.
    Database,
    /// The port, the data folder or a database is taken: 5.
    InUse,
}

impl FailureKind {
    /// The exit code of a command that failed so.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::BadInput => 2,
            Self::NotRunning => 3,
            Self::Database => 4,
            Self::InUse => 5,
        }
    }

    /// What one error says by itself, without its causes.
    fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure.kind);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return (error.kind() == io::ErrorKind::AddrInUse).then_some(Self::InUse);
        }
        if let Some(error) = error.downcast_ref::<DataDirError>() {
            return Some(match error {
                DataDirError::InUse { .. } => Self::InUse,
                DataDirError::Unusable { .. } => Self::BadInput,
            });
        }
        if let Some(error) = error.downcast_ref::<OpenError>() {
            return match error {
                OpenError::DataDir(error) => Self::of(error),
                OpenError::Venue(_)
                | OpenError::NeedsRecording { .. }
                | OpenError::NoKeys
                | OpenError::OpenTrading { .. }
                | OpenError::LiveTrading => Some(Self::BadInput),
                OpenError::Database { source, .. } => Self::of(source),
                OpenError::Simulator(_) | OpenError::Exchange(_) | OpenError::Control(_) => None,
            };
        }
        if let Some(error) = error.downcast_ref::<RequestError>() {
            return match error {
                RequestError::UnknownPath { .. } | RequestError::AmbiguousPath { .. } | RequestError::Root => {
                    Some(Self::BadInput)
                }
                RequestError::Unreadable { .. } => Some(Self::Database),
                RequestError::Operation(error) => Self::of(error),
                RequestError::NotStarted | RequestError::Stuck { .. } => Some(Self::Failed),
            };
        }
        if let Some(error) = error.downcast_ref::<OperationError>() {
            return match error {
                OperationError::UnknownSymbol { .. } | OperationError::AppNotRunning(_) => Some(Self::BadInput),
                OperationError::Store(error) => Self::of(error),
                _ => None,
            };
        }
        if let Some(error) = error.downcast_ref::<ControlError>() {
            return Some(if matches!(error, ControlError::NotRunning { .. }) {
                Self::NotRunning
            } else {
                Self::Failed
            });
        }
        if let Some(error) = error.downcast_ref::<StoreError>() {
            return Some(match error {
                StoreError::UnsupportedUrl { .. } | StoreError::OtherVenue { .. } => Self::BadInput,
                StoreError::Held { .. } | StoreError::TakenOver { .. } => Self::InUse,
                _ => Self::Database,
            });
        }
        if let Some(error) = error.downcast_ref::<RecordingError>() {
            let is_input = !matches!(error, RecordingError::Spool { .. });
            return Some(if is_input { Self::BadInput } else { Self::Failed });
        }
        let is_input = error.is::<SettingsError>()
            || error.is::<SymbolError>()
            || error.is::<ConfigError>()
            || error.is::<VenueError>();
        is_input.then_some(Self::BadInput)
    }
}

impl From<&(dyn Error + 'static)> for Failure {
    /// The first error of the chain that means something decides; the line tells the whole chain once.
    fn from(error: &(dyn Error + 'static)) -> Self {
        let chain = || anyhow::Chain::new(error);
        let kind = chain().find_map(FailureKind::of).unwrap_or(FailureKind::Failed);
        let mut message = String::new();
        for text in chain().map(ToString::to_string) {
            // Some errors tell their cause themselves.
            if message.is_empty() {
                message = text;
            } else if !message.contains(&text) {
                // Writing to a String cannot fail.
                let _ = write!(message, ": {text}");
            }
        }
        Self {
            kind,
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

impl From<&anyhow::Error> for Failure {
    fn from(error: &anyhow::Error) -> Self {
        Self::from(error.as_ref() as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_first_meaningful_error_of_a_chain_decides() {
        let busy = io::Error::from(io::ErrorKind::AddrInUse);
        let failure = Failure::from(&anyhow::Error::from(busy).context("cannot listen on 127.0.0.1:80"));
        assert_eq!(failure.kind.exit_code(), 5);
        assert!(
            failure.message.starts_with("cannot listen on 127.0.0.1:80: "),
            "{failure}"
        );

        let unknown = OperationError::UnknownSymbol {
            symbol: "BTCUSD".parse().expect("a symbol"),
            nearest: Vec::new(),
        };
        let failure = Failure::from(&anyhow::Error::from(RequestError::from(unknown)));
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::BadInput, "unknown symbol BTCUSD")
        );
    }

    #[test]
    fn a_line_is_one_line_and_tells_a_cause_once() {
        let cause: Result<(), _> = Err(io::Error::other("the disk\nis full"));
        let error = cause.context("cannot write: the disk\nis full").expect_err("it failed");
        assert_eq!(Failure::from(&error).message, "cannot write: the disk is full");
    }
}
