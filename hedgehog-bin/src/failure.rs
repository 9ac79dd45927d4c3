//! A failure as data: what is told to whoever asked, and the exit code of a command that failed so.
//!
//! It goes over the control socket as it is, so that a command ends alike whether it was carried out here or there. Which
//! error has which code stands in `exit_code`.

use serde::{Deserialize, Serialize};

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
}
