//! How the command line talks to a running program: one JSON line each way over a Unix socket in the data folder.
//!
//! The program's side is the tree's child `Control` (`server`); the command's side is [`call`]. The program renders its
//! answers itself, as text and as JSON, so that the command only prints. Whoever may open the socket may do everything, so
//! it is the owner's alone.

mod listener;
mod protocol;
mod render;
mod server;
mod table;
#[cfg(test)]
mod tests;

pub use listener::Listener;
pub use protocol::{Action, Answer, Request, Response};
pub use server::spec;

use crate::data_dir::DataDir;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Longer than any operation takes: a stop waits for the deadlines of a tree.
const DEADLINE: Duration = Duration::from_mins(2);

/// Asks the program that runs on a data folder. Blocks.
pub fn call(folder: &DataDir, request: &Request) -> Result<Response, ControlError> {
    let mut socket = UnixStream::connect(folder.socket()).map_err(|source| match source.kind() {
        // A socket without a listener is what a killed program leaves.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ControlError::NotRunning {
            folder: folder.path().into(),
        },
        _ => ControlError::Broken(source),
    })?;
    socket.set_read_timeout(Some(DEADLINE)).map_err(ControlError::Broken)?;
    let mut line = serde_json::to_string(request)
        .map_err(io::Error::other)
        .map_err(ControlError::Broken)?;
    line.push('\n');
    socket.write_all(line.as_bytes()).map_err(ControlError::Broken)?;
    let mut reply = String::new();
    BufReader::new(socket)
        .read_line(&mut reply)
        .map_err(ControlError::Broken)?;
    if reply.is_empty() {
        return Err(ControlError::Ended);
    }
    serde_json::from_str(&reply).map_err(ControlError::Unreadable)
}

/// Why a running program did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Nobody listens.
    #[error("no hedgehog runs on the data folder {}: start one with `hedgehog run`, or name its folder with --data-dir", folder.display())]
    NotRunning {
        /// The folder that was asked.
        folder: PathBuf,
    },
    /// The program ended in the middle.
    #[error("the program ended before it answered")]
    Ended,
    /// The connection broke.
    #[error("the connection to the program broke")]
    Broken(#[source] io::Error),
    /// The answer was no answer: another version of the program.
    #[error("the program's answer is unreadable, is it another version?")]
    Unreadable(#[source] serde_json::Error),
}
