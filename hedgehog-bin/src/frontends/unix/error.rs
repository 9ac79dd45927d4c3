//! Why nothing came back over the socket.

use super::holder::Holder;
use super::version::{VERSION, named};
use crate::data_dir::DataDir;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Another version of the program answers there.
    #[error(
        "the running program is {}, and this command is {}: ask with the command that it was started with, or stop it with Ctrl-C or \
         SIGTERM and start it anew",
        named(theirs.as_deref()),
        named(Some(VERSION))
    )]
    OtherVersion {
        /// What it calls itself; the first ones did not say.
        theirs: Option<String>,
    },
    /// The answer was no answer: another build of this version.
    #[error("the program's answer is unreadable, is it another version?")]
    Unreadable(#[source] serde_json::Error),
}

impl ControlError {
    pub(super) fn silent(folder: &DataDir, holder: Option<Holder>, within: Duration) -> Self {
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
