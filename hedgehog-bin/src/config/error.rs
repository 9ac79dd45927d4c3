//! What can be wrong with the configuration: always one line that names the place and the nearest right form.

use std::io;
use std::path::PathBuf;

/// Why the configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting that does not exist.
    #[error("{place}: unknown setting {key:?}{}", nearest.as_ref().map(|near| format!(", did you mean {near:?}?")).unwrap_or_default())]
    UnknownKey {
        /// The file or variable.
        place: String,
        /// As written.
        key: String,
        /// The known one that is spelt most alike.
        nearest: Option<String>,
    },
    /// A place that is named by nothing: taken literally it would be the working directory.
    #[error("{place} is empty: name {expected}, or leave it out")]
    Empty {
        /// The flag or the variable.
        place: &'static str,
        /// What it is to name.
        expected: &'static str,
    },
    /// A setting with a value that it cannot have.
    #[error("{place}: {value:?} is not {expected}")]
    BadValue {
        /// The flag, the variable, or the file and the key in it.
        place: String,
        /// As written.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The file is not TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser expected; never the line itself, which may hold a password.
        message: String,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}
