//! Restart strategies as a pure function: which children does the exit of one of them concern?

use crate::{child_spec::Restart, exit::ExitReason};
use std::ops::Bound::{self, Included, Unbounded};

/// Whom a static supervisor restarts when a child ends in a way that calls for a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// That child only.
    OneForOne,
    /// All children: the others are stopped in reverse start order, then all are started in start order.
    OneForAll,
    /// That child and those that were started after it.
    RestForOne,
}

impl Strategy {
    /// The places of the children that are stopped and started when the one at `failed` is to be restarted.
    pub(crate) fn group<P: Copy>(self, failed: P) -> (Bound<P>, Bound<P>) {
        match self {
            Self::OneForOne => (Included(failed), Included(failed)),
            Self::OneForAll => (Unbounded, Unbounded),
            Self::RestForOne => (Included(failed), Unbounded),
        }
    }
}

/// Whether a child that ended by itself is started again.
pub(crate) fn calls_for_restart(restart: Restart, reason: &ExitReason) -> bool {
    match restart {
        Restart::Permanent => true,
        Restart::Transient => reason.is_abnormal(),
        Restart::Temporary => false,
    }
}

#[cfg(test)]
mod tests;
