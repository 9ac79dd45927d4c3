//! What only the owner may read: the data folder and everything in it tells of orders and profit.
//!
//! A file is made so, and one of an earlier version is made so when it is opened. Whoever owns it decides: what belongs to
//! another user is left as it is.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;
/// Of a folder that several users share, such as the one for temporary files.
const STICKY: u32 = 0o1000;

/// Opens a file to read and write it, and makes it if need be.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(FILE).open(path)?;
    tighten(path);
    Ok(file)
}

/// Makes a folder and those above it.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Takes the rights of others away from what is there and is ours; what is not there, or not ours, stays as it is.
pub(crate) fn tighten(path: &Path) {
    let Ok(found) = path.metadata() else { return };
    let mode = if found.is_dir() { FOLDER } else { FILE };
    let shared = found.mode() & STICKY != 0;
    if is_ours(&found) && !shared && found.mode() & 0o077 != 0 {
        // A file system without rights has none to take away.
        let _ = std::fs::set_permissions(path, Permissions::from_mode(mode));
    }
}

/// The kernel shows a process as owned by the user it runs as. Where it does not, only the owner may change rights anyway.
fn is_ours(found: &std::fs::Metadata) -> bool {
    std::fs::metadata("/proc/self").map_or(true, |this| this.uid() == found.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it exists").mode() & 0o777
    }

    #[test]
    fn what_is_made_and_what_is_found_is_the_owners_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let new = parent.path().join("a/b");
        folder(&new).expect("is made");
        assert_eq!((mode(&new), mode(&parent.path().join("a"))), (0o700, 0o700));
        let file = new.join("file");
        std::fs::write(&file, "x").expect("is written");
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("ours");
        drop(open(&file).expect("opens"));
        assert_eq!(mode(&file), 0o600);
        std::fs::set_permissions(&new, Permissions::from_mode(0o1777)).expect("ours");
        tighten(&new);
        assert_eq!(mode(&new), 0o777, "many share it");
    }
}
