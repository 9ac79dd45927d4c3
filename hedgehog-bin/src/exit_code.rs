//! Which error has which exit code, and how an error is told on one line.
//!
//! Invariant: this is the only place that knows. It stands above everything that can fail; what leaves it is a [`Failure`].

use crate::app::{OpenError, RequestError};
use crate::causes::on_one_line;
use crate::config::ConfigError;
use crate::data_dir::DataDirError;
use crate::failure::Failure;
use crate::failure::FailureKind::{self, BadInput, Database, Failed, InUse, NotRunning};
use crate::frontends::unix::ControlError;
use crate::market::SymbolError;
use crate::naive::SettingsError;
use crate::operation::OperationError;
use crate::recording::RecordingError;
use crate::store::StoreError;
use crate::venue::VenueError;
use std::error::Error;
use std::io;

/// What an error is told as: the first error of its chain that means something decides; the line tells the whole chain once.
pub fn failure(error: &(dyn Error + 'static)) -> Failure {
    Failure {
        kind: anyhow::Chain::new(error).find_map(kind_of).unwrap_or(Failed),
        message: on_one_line(error),
    }
}

/// What one error says by itself, without its causes.
fn kind_of(error: &(dyn Error + 'static)) -> Option<FailureKind> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.kind);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return (error.kind() == io::ErrorKind::AddrInUse).then_some(InUse);
    }
    if let Some(error) = error.downcast_ref::<DataDirError>() {
        return Some(match error {
            DataDirError::InUse { .. } => InUse,
            DataDirError::Unusable { .. } => BadInput,
        });
    }
    if let Some(error) = error.downcast_ref::<OpenError>() {
        return match error {
            OpenError::DataDir(error) => kind_of(error),
            OpenError::Venue(_)
            | OpenError::NeedsRecording { .. }
            | OpenError::NoKeys
            | OpenError::OpenTrading { .. }
            | OpenError::LiveTrading => Some(BadInput),
            OpenError::Database { source, .. } => kind_of(source),
            OpenError::Simulator(_) | OpenError::Exchange(_) | OpenError::Frontend { .. } => None,
        };
    }
    if let Some(error) = error.downcast_ref::<RequestError>() {
        return match error {
            RequestError::UnknownPath { .. } | RequestError::AmbiguousPath { .. } | RequestError::Root => {
                Some(BadInput)
            }
            RequestError::Unreadable { .. } => Some(Database),
            RequestError::Operation(error) => kind_of(error),
            RequestError::For { source, .. } => kind_of(&**source),
            RequestError::NotStarted | RequestError::Stuck { .. } => Some(Failed),
        };
    }
    if let Some(error) = error.downcast_ref::<OperationError>() {
        return match error {
            OperationError::UnknownSymbol { .. } | OperationError::AppNotRunning(_) => Some(BadInput),
            OperationError::Store(error) => kind_of(error),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ControlError>() {
        return Some(if matches!(error, ControlError::NotRunning { .. }) {
            NotRunning
        } else {
            Failed
        });
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return Some(match error {
            StoreError::UnsupportedUrl { .. } | StoreError::OtherVenue { .. } => BadInput,
            StoreError::Held { .. } | StoreError::TakenOver { .. } => InUse,
            _ => Database,
        });
    }
    if let Some(error) = error.downcast_ref::<RecordingError>() {
        let is_input = !matches!(error, RecordingError::Spool { .. });
        return Some(if is_input { BadInput } else { Failed });
    }
    let is_input = error.is::<SettingsError>()
        || error.is::<SymbolError>()
        || error.is::<ConfigError>()
        || error.is::<VenueError>();
    is_input.then_some(BadInput)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_first_meaningful_error_of_a_chain_decides() {
        let busy = io::Error::from(io::ErrorKind::AddrInUse);
        let told = failure(&*anyhow::Error::from(busy).context("cannot listen on 127.0.0.1:80"));
        assert_eq!(told.kind.exit_code(), 5);
        assert!(told.message.starts_with("cannot listen on 127.0.0.1:80: "), "{told}");

        let unknown = OperationError::UnknownSymbol {
            symbol: "BTCUSD".parse().expect("a symbol"),
            nearest: Vec::new(),
        };
        let told = failure(&RequestError::from(unknown));
        assert_eq!(
            (told.kind, told.message.as_str()),
            (FailureKind::BadInput, "unknown symbol BTCUSD")
        );
    }

    #[test]
    fn a_line_is_one_line_and_tells_a_cause_once() {
        let cause: Result<(), _> = Err(io::Error::other("the disk\nis full"));
        let error = cause.context("cannot write: the disk\nis full").expect_err("it failed");
        assert_eq!(failure(&*error).message, "cannot write: the disk is full");
    }
}
