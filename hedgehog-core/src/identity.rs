//! Who is who: [`Pid`], one incarnation of an actor, and [`ChildId`], what a child is called through all of them.
//!
//! Two small values that everything else speaks of, so they stand below everything else. Invariant: a pid is given out once
//! in the life of the process.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    borrow::Cow,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// What a child is called inside its supervisor.
pub type ChildId = Cow<'static, str>;

/// The identity of one incarnation. Never used again within the process, so a stale one matches nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u64);

impl Pid {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The inverse of [`as_u64`](Self::as_u64).
    pub(crate) fn from_u64(pid: u64) -> Self {
        Self(pid)
    }

    /// The bare number, for logs and wire formats.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({self})")
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<0.{}>", self.0)
    }
}

impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// Names what it named in the process that wrote it, and nothing in another one.
impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}
