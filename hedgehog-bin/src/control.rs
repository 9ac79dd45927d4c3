//! How the command line talks to a running program: one JSON line each way over a Unix socket in the data folder.
//!
//! The program's side is the tree's child `Control` (`server`); the command's side is [`call`]. The program renders its
//! answers itself, as text and as JSON, so that the command only prints. Whoever may open the socket may do everything, so
//! it is the owner's alone.

mod holder;
mod listener;
mod protocol;
mod render;
mod server;
#[cfg(test)]
mod tests;

pub use holder::Holder;
pub use listener::Listener;
pub use protocol::{Action, Answer, Request, Response, View};
pub use server::{settings, spec, symbols};

use crate::data_dir::DataDir;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than any operation takes: a stop waits for the deadlines of a tree.
const DEADLINE: Duration = Duration::from_mins(2);
/// What is answered from memory is answered at once, or something is wrong that a person must hear of.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Asks the program that runs on a data folder. Blocks.
pub fn call(folder: &DataDir, request: &Request) -> Result<Response, ControlError> {
    let within = match request {
        Request::Status(_) | Request::Tree(_) | Request::Graph => AT_ONCE,
        _ => DEADLINE,
    };
    call_within(folder, request, within)
}

fn call_within(folder: &DataDir, request: &Request, within: Duration) -> Result<Response, ControlError> {
    let mut line = serde_json::to_vec(request)
        .map_err(io::Error::other)
        .map_err(ControlError::Broken)?;
    line.push(b'\n');
    let path = folder.socket();
    let (sender, answer) = mpsc::channel();
    // Connecting to a suspended program may wait for ever, and has no deadline of its own.
    std::thread::spawn(move || {
        // Refused only when the answer came too late for the caller.
        let _ = sender.send(converse(&path, &line, within));
    });
    let end = Instant::now() + within;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match answer.recv_timeout(left.min(AT_ONCE)) {
            Ok(answered) => return answered.map_err(|failed| failed.explain(folder)),
            Err(_) => {
                let holder = Holder::of(folder);
                if left <= AT_ONCE || holder.is_some_and(|holder| holder.is_suspended) {
                    return Err(ControlError::silent(folder, holder, within));
                }
            }
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
    serde_json::from_str(&reply).map_err(|error| Failed::Later(ControlError::Unreadable(error)))
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

/// Why a running program did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Nobody holds the folder.
    #[error(
        "no hedgehog runs on the data folder {}{}: start one with `hedgehog run`, or name its folder with --data-dir",
        folder.display(),
        if *exists { "" } else { ", which does not exist" }
    )]
    NotRunning {
        /// The folder that was asked.
        folder: PathBuf,
        /// Whether there is one.
        exists: bool,
    },
    /// The folder or its socket is another user's.
    #[error(
        "this user may not ask the program on the data folder {}{}: ask as its owner, or name another folder with --data-dir",
        folder.display(),
        owner.map(|uid| format!(", which belongs to user {uid}")).unwrap_or_default()
    )]
    NotAllowed {
        /// The folder that was asked.
        folder: PathBuf,
        /// Whose it is, by number.
        owner: Option<u32>,
    },
    /// A process holds the folder, and does not serve the socket yet or any more.
    #[error("{holder} holds the data folder {} and takes no questions: it is starting or stopping, ask again in a moment", folder.display())]
    NotServing {
        /// The folder that was asked.
        folder: PathBuf,
        /// Who holds it.
        holder: Holder,
    },
    /// The process that holds the folder is suspended.
    #[error("process {pid} holds the data folder {} and is suspended: `kill -CONT {pid}` lets it go on", folder.display())]
    Suspended {
        /// The folder that was asked.
        folder: PathBuf,
        /// Who holds it.
        pid: u32,
    },
    /// It was reached and said nothing.
    #[error(
        "{} holds the data folder {} and did not answer within {} s: is it suspended, or the machine very busy?",
        holder.map_or_else(|| "the program".to_owned(), |holder| holder.to_string()),
        folder.display(),
        within.as_secs()
    )]
    Silent {
        /// The folder that was asked.
        folder: PathBuf,
        /// Who holds it.
        holder: Option<Holder>,
        /// How long it was waited for.
        within: Duration,
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

impl ControlError {
    fn silent(folder: &DataDir, holder: Option<Holder>, within: Duration) -> Self {
        let folder = folder.path().into();
        match holder {
            Some(Holder {
                pid: Some(pid),
                is_suspended: true,
            }) => Self::Suspended { folder, pid },
            _ => Self::Silent { folder, holder, within },
        }
    }
}
