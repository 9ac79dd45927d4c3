//! Who holds a data folder whose program does not answer: the difference between "not running" and "running, but …".

use crate::data_dir::DataDir;
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A living process that holds the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number, as far as it has said so.
    pub pid: Option<u32>,
    /// Whether somebody has suspended it (Ctrl-Z, SIGSTOP).
    pub is_suspended: bool,
}

impl Holder {
    /// The process that holds the folder's lock.
    pub(super) fn of(folder: &DataDir) -> Option<Self> {
        let path = folder.file("hedgehog.lock");
        let pid: Option<u32> = std::fs::read_to_string(&path).ok()?.trim().parse().ok();
        // Asking for the lock takes it for a moment, in which a program that starts would find it taken: so only where it is
        // likely to be held.
        if pid.is_some_and(|pid| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{pid}")).exists()) {
            return None;
        }
        match File::open(path).ok()?.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self {
                pid,
                is_suspended: pid.is_some_and(is_suspended),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("a process"),
        }
    }
}

/// As Linux tells it; elsewhere nobody is known to be.
fn is_suspended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state(&stat).is_some_and(|state| matches!(state, 'T' | 't'))
}

/// The state stands after the name, which stands in brackets and may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_found_behind_any_name() {
        assert_eq!(state("12 (a) T (b) S 1 12"), Some('S'));
        assert_eq!(state("12 (hedgehog) T 1 12"), Some('T'));
        assert_eq!(state(""), None);
    }

    #[test]
    fn a_held_folder_has_a_holder_and_a_released_one_has_none() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = DataDir::new(parent.path());
        assert_eq!(Holder::of(&folder), None);
        let lock = folder.lock().expect("nobody holds it");
        let holder = Holder::of(&folder).expect("we do");
        assert_eq!((holder.pid, holder.is_suspended), (Some(std::process::id()), false));
        drop(lock);
        assert_eq!(Holder::of(&folder), None);
    }
}
