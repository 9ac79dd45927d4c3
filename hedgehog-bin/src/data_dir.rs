//! The data folder: where its files lie, and the lock that gives it to one program at a time.
//!
//! The program ([`crate::app`]) holds the [`Lock`] for as long as it runs; the command line only asks for paths.
//! Invariant: whoever writes into the folder holds the lock. The operating system releases it when the process ends, however
//! it ends, so no stale lock can keep a folder shut.

use crate::owner_only;
use sha2::{Digest, Sha256};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Where a program without `--data-dir` keeps its data, relative to the working directory.
pub const DEFAULT: &str = "hedgehog-data";

/// A socket's address is a fixed array in the kernel: 108 bytes on Linux, 104 on macOS, the closing zero included.
const SOCKET_PATH_MAX: usize = 103;

/// A data folder, which need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder as anybody finds it, whatever folder they stand in.
    pub fn absolute(&self) -> PathBuf {
        self.0.canonicalize().unwrap_or_else(|_| self.0.clone())
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the settings lie unless `--config` names another file.
    pub fn config_file(&self) -> PathBuf {
        self.file("hedgehog.toml")
    }

    /// The address of the control socket.
    ///
    /// In the folder, unless that path is too long for a socket: then a short one in `/tmp`, which both sides derive from the
    /// data folder's absolute path alone. Not in `TMPDIR`, which two terminals may have set differently.
    pub fn socket(&self) -> PathBuf {
        let folder = self.absolute();
        let plain = folder.join("control.sock");
        if plain.as_os_str().len() <= SOCKET_PATH_MAX {
            return plain;
        }
        let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        Path::new("/tmp").join(format!("hedgehog-{}.sock", hex::encode(&digest[..8])))
    }

    /// Whether it is a data folder already or can become one: not a folder full of other things, whose rights are not ours to change.
    fn is_ours(&self) -> bool {
        let is_empty = || std::fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_none());
        self.file("hedgehog.lock").exists() || self.config_file().exists() || is_empty()
    }

    /// Creates the folder if need be and takes it for this process.
    pub fn lock(&self) -> Result<Lock, DataDirError> {
        let unusable = |source| DataDirError::Unusable {
            folder: self.0.clone(),
            source,
        };
        owner_only::folder(&self.0).map_err(unusable)?;
        if self.is_ours() {
            owner_only::tighten(&self.0);
            owner_only::tighten(&self.file("venue"));
        }
        let path = self.file("hedgehog.lock");
        let mut file = owner_only::open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without the number the message is still right.
                let _ = file.read_to_string(&mut holder);
                return Err(DataDirError::InUse {
                    folder: self.0.clone(),
                    holder: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(unusable)?;
        Ok(Lock {
            folder: self.clone(),
            _file: file,
        })
    }
}

impl Default for DataDir {
    fn default() -> Self {
        Self::new(DEFAULT)
    }
}

/// The folder is ours until this is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: DataDir,
    /// Held, never read: closing it releases the folder.
    _file: File,
}

impl Lock {
    /// The folder that is locked.
    pub fn folder(&self) -> &DataDir {
        &self.folder
    }
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// Another process holds it.
    #[error(
        "the data folder {} is in use by another hedgehog{}: stop that one, or choose another folder with --data-dir",
        folder.display(),
        holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that holds it, as far as it has said so.
        holder: Option<u32>,
    },
    /// It cannot be created or written.
    #[error("cannot write into the data folder {}, choose another one with --data-dir", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_holder_at_a_time() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = DataDir::new(parent.path().join("new/data"));
        let lock = folder.lock().expect("nobody holds a new folder");
        let refused = folder.lock().expect_err("it is held").to_string();
        assert!(
            refused.contains(&format!("process {}", std::process::id())),
            "{refused}"
        );
        drop(lock);
        folder.lock().expect("it was released");
    }

    #[test]
    fn folder_and_files_are_the_owners_alone_and_other_folders_keep_their_rights() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().expect("a temporary folder");
        let mode = |path: &Path| path.metadata().expect("it exists").permissions().mode() & 0o777;
        let open_to_all = |path: &Path| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        };
        let folder = DataDir::new(parent.path().join("data"));
        drop(folder.lock().expect("nobody holds it"));
        assert_eq!(
            (mode(folder.path()), mode(&folder.file("hedgehog.lock"))),
            (0o700, 0o600)
        );
        // Made by an earlier version.
        open_to_all(folder.path());
        open_to_all(&folder.file("hedgehog.lock"));
        drop(folder.lock().expect("nobody holds it"));
        assert_eq!(
            (mode(folder.path()), mode(&folder.file("hedgehog.lock"))),
            (0o700, 0o600)
        );

        let other = DataDir::new(parent.path().join("other"));
        std::fs::create_dir(other.path()).expect("is made");
        std::fs::write(other.file("thesis.tex"), "").expect("is written");
        open_to_all(other.path());
        drop(other.lock().expect("nobody holds it"));
        assert_eq!((mode(other.path()), mode(&other.file("hedgehog.lock"))), (0o755, 0o600));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let refused = DataDir::new(file.path().join("data"))
            .lock()
            .expect_err("a file is no folder");
        assert!(refused.to_string().contains(&file.path().display().to_string()));
    }

    #[test]
    fn a_socket_path_always_fits_and_both_sides_agree_on_it() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let short = DataDir::new(parent.path());
        assert!(
            short
                .socket()
                .starts_with(parent.path().canonicalize().expect("it exists"))
        );

        let long = DataDir::new(parent.path().join("d".repeat(120)));
        let _lock = long.lock().expect("a long name is a legal one");
        assert!(long.socket().as_os_str().len() <= SOCKET_PATH_MAX);
        let detour = DataDir::new(long.path().join("../").join("d".repeat(120)));
        assert_eq!(detour.socket(), long.socket());
    }
}
