//! The command's side of the socket.

use super::protocol::Request;
use super::version::{Spoken, VERSION};
use super::{ControlError, Holder, Response};
use crate::app::Operation;
use crate::data_dir::DataDir;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than any operation takes: a stop waits for the deadlines of a tree.
const DEADLINE: Duration = Duration::from_mins(2);
/// What is answered from memory is answered at once, or something is wrong that a person must hear of.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Asks the program that runs on a data folder. Blocks.
pub fn call(folder: &DataDir, operation: &Operation) -> Result<Response, ControlError> {
    let within = if operation.is_answered_at_once() {
        AT_ONCE
    } else {
        DEADLINE
    };
    call_within(folder, operation, within)
}

pub(super) fn call_within(folder: &DataDir, operation: &Operation, within: Duration) -> Result<Response, ControlError> {
    let mut line = serde_json::to_vec(&Request::from(operation.clone()))
        .map_err(io::Error::other)
        .map_err(ControlError::Broken)?;
    line.push(b'\n');
    let path = folder.socket();
    let (sender, answer) = mpsc::channel();
    // Connecting to a suspended program may wait for ever, and has no deadline of its own.
    std::thread::spawn(move || {
        // Refused only when the answer came too late for the caller.
        let _ = sender.send(converse(&path, &line, within + AT_ONCE));
    });
    let end = Instant::now() + within;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if let Ok(answered) = answer.recv_timeout(left.min(AT_ONCE)) {
            return answered.map_err(|failed| failed.explain(folder));
        }
        let holder = Holder::of(folder);
        if left <= AT_ONCE || holder.is_some_and(|holder| holder.is_suspended) {
            return Err(ControlError::silent(folder, holder, within));
        }
    }
}

/// What went wrong, and whether before anybody was reached.
enum Failed {
    Connecting(io::Error),
    Later(ControlError),
}

fn converse(path: &Path, line: &[u8], within: Duration) -> Result<Response, Failed> {
    let mut socket = UnixStream::connect(path).map_err(Failed::Connecting)?;
    let reply = || -> io::Result<String> {
        socket.set_read_timeout(Some(within))?;
        socket.set_write_timeout(Some(within))?;
        socket.write_all(line)?;
        let mut reply = String::new();
        BufReader::new(socket).read_line(&mut reply)?;
        Ok(reply)
    };
    let reply = reply().map_err(ControlError::Broken).map_err(Failed::Later)?;
    if reply.is_empty() {
        return Err(Failed::Later(ControlError::Ended));
    }
    read(&reply).map_err(Failed::Later)
}

/// The version first: what another one says may look like an answer, and mean something else.
fn read(reply: &str) -> Result<Response, ControlError> {
    let Spoken { version } = serde_json::from_str(reply).map_err(ControlError::Unreadable)?;
    if version.as_deref() != Some(VERSION) {
        return Err(ControlError::OtherVersion { theirs: version });
    }
    serde_json::from_str(reply).map_err(ControlError::Unreadable)
}

impl Failed {
    /// "Not running" only where nobody holds the folder.
    fn explain(self, folder: &DataDir) -> ControlError {
        let error = match self {
            Self::Connecting(error) => error,
            Self::Later(error) => return error,
        };
        match (error.kind(), Holder::of(folder)) {
            (io::ErrorKind::PermissionDenied, _) => ControlError::NotAllowed {
                folder: folder.path().into(),
                owner: std::fs::metadata(folder.path()).ok().map(|folder| folder.uid()),
            },
            (_, Some(holder)) if holder.is_suspended => ControlError::silent(folder, Some(holder), AT_ONCE),
            (io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused, Some(holder)) => ControlError::NotServing {
                folder: folder.path().into(),
                holder,
            },
            // A socket without a listener is what a killed program leaves.
            (io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory, None) => {
                ControlError::NotRunning {
                    folder: folder.path().into(),
                    exists: folder.path().exists(),
                }
            }
            _ => ControlError::Broken(error),
        }
    }
}
