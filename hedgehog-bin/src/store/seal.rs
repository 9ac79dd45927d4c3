//! Whether a database may be written still, and whether its file is the one that was opened.
//!
//! A seal is broken once and for good: by a program that has taken the database over, or by a file that is not there any more.
//! Shared by all clones of a [`Db`](super::Db), which ask it before each write.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::error::StoreError;
use super::location::Location;

/// Why nothing may be written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Another program has taken the database over.
    TakenOver,
    /// The file was deleted, moved or replaced.
    Replaced,
}

impl Broken {
    pub(super) fn error(self, location: &Location) -> StoreError {
        let location = location.clone();
        match self {
            Self::TakenOver => StoreError::TakenOver { location },
            Self::Replaced => StoreError::Replaced { location },
        }
    }
}

pub(super) struct Seal {
    broken: watch::Sender<Option<Broken>>,
    file: Option<OpenedFile>,
}

/// Which file a path led to when it was opened.
struct OpenedFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Seal {
    /// `path`: of an SQLite file that is open.
    pub(super) fn new(path: Option<&Path>) -> Self {
        Self {
            broken: watch::Sender::new(None),
            file: path.and_then(OpenedFile::at),
        }
    }

    /// Why nothing may be written any more, if so. Looks at the file: a write into one that was deleted succeeds.
    pub(super) fn broken(&self) -> Option<Broken> {
        if self.broken.borrow().is_none() && self.file.as_ref().is_some_and(OpenedFile::is_gone) {
            self.break_it(Broken::Replaced);
        }
        *self.broken.borrow()
    }

    pub(super) fn break_it(&self, why: Broken) {
        self.broken.send_if_modified(|broken| {
            let first = broken.is_none();
            broken.get_or_insert(why);
            first
        });
    }

    /// Returns when it is broken.
    pub(super) async fn wait(&self) -> Broken {
        let mut broken = self.broken.subscribe();
        match broken.wait_for(Option::is_some).await.map(|why| *why) {
            Ok(Some(why)) => why,
            // `self` holds the sender.
            _ => std::future::pending().await,
        }
    }
}

impl OpenedFile {
    fn at(path: &Path) -> Option<Self> {
        // Whole: the working directory may change.
        let path = path.canonicalize().ok()?;
        let found = path.metadata().ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            path,
        })
    }

    fn is_gone(&self) -> bool {
        match self.path.metadata() {
            Ok(found) => (found.dev(), found.ino()) != (self.device, self.inode),
            // Anything else (a folder that cannot be read for a moment) proves nothing.
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}
