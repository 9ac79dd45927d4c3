//! Links: the end of one incarnation is passed on to another.
//!
//! Each of two linked incarnations stands in the record of the other. Invariant: none stands in the record of somebody
//! who is not in its own, except for the moment in which they are linked or one of them ends.

use super::Incarnation;
use crate::{exit::ExitReason, identity::Pid};
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

/// Whom the end of an incarnation is passed on to.
#[derive(Default)]
pub(super) struct Links(BTreeMap<Pid, Linked>);

struct Linked {
    other: Weak<Incarnation>,
    bond: Bond,
}

/// What the end of one means to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// It is stopped too, unless the reason is `Normal`.
    Peer,
    /// It is stopped too, whatever the reason: it was started by the one that ended.
    Child,
}

impl Links {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn add(&mut self, other: &Arc<Incarnation>, bond: Bond) {
        let linked = self.0.entry(other.pid).or_insert_with(|| Linked {
            other: Arc::downgrade(other),
            bond,
        });
        // A child may have linked itself to its starter before the start was over. It is its child all the same.
        if bond == Bond::Child {
            linked.bond = bond;
        }
    }

    /// Passes the end of `ended` on. Locks the records of others, so the caller must hold no lock.
    pub(super) fn pass_on(self, ended: &Incarnation, reason: &ExitReason) {
        for Linked { other, bond } in self.0.into_values() {
            if let Some(other) = other.upgrade() {
                other.remove_link(ended.pid);
                bond.pass_on(reason, &other);
            }
        }
    }
}

impl Bond {
    fn pass_on(self, reason: &ExitReason, other: &Incarnation) {
        if self == Self::Child || !matches!(reason, ExitReason::Normal) {
            other.stop(reason.clone());
        }
    }
}

impl Incarnation {
    /// Links the two; `bond` is what the end of `self` means to `other`. If one is gone already, its end is passed on now.
    pub(crate) fn link(self: &Arc<Self>, other: &Arc<Self>, bond: Bond) {
        if self.pid == other.pid {
            return;
        }
        let linked = self.add_link(other, bond) && other.add_link(self, Bond::Peer);
        // It may have ended in between: then it has passed its end on, but was not in the record of `other` yet.
        if linked && self.is_exited() {
            other.remove_link(self.pid);
        }
    }

    /// Ends what [`link`](Self::link) began.
    pub(crate) fn unlink(&self, other: &Self) {
        self.remove_link(other.pid);
        other.remove_link(self.pid);
    }

    /// Puts `other` into the record, or passes the end on to it when there is no more to wait for.
    fn add_link(&self, other: &Arc<Self>, bond: Bond) -> bool {
        let mut ending = self.ending.lock();
        let Some(reason) = self.exit.get() else {
            ending.links.add(other, bond);
            return true;
        };
        drop(ending);
        other.remove_link(self.pid);
        bond.pass_on(reason, other);
        false
    }

    fn remove_link(&self, other: Pid) {
        self.ending.lock().links.0.remove(&other);
    }
}
