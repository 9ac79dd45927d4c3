//! The children of a dynamic supervisor, found by incarnation or by id in constant or logarithmic time.
//!
//! A child stands under the pid of its last incarnation. Invariant: every incarnation that may still be alive stands in
//! here, so that a supervisor that dies at any point leaves no orphan.

use crate::{
    actor_ref::{AnyActorRef, Pid},
    child_spec::{ChildId, ErasedSpec},
    exit::{
        ExitReason,
        record::{Incarnation, Subtree},
    },
    name::NameId,
    observe::{ChildState, ChildView},
    supervisor::{ChildCount, ChildInfo},
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

#[derive(Debug, Default)]
pub(super) struct Table {
    children: HashMap<Pid, Child>,
    /// The same children by id. A set of pairs, because many children may share one id.
    by_id: BTreeSet<(ChildId, Pid)>,
    /// The same children by each of their names. Many may share one of those too, as long as one of them lives.
    by_name: BTreeSet<(NameId, Pid)>,
    /// The supervisor ended: a start still under way must not count.
    closed: bool,
    attempts: u64,
}

#[derive(Debug)]
struct Child {
    spec: Arc<ErasedSpec>,
    status: Status,
    restarts: u64,
    last_exit: Option<ExitReason>,
}

#[derive(Debug)]
enum Status {
    Starting(Arc<Incarnation>),
    Running(Arc<Incarnation>),
    Restarting(Attempt),
}

/// One scheduled retry of the child that last ran as this pid; stale when the child's attempt is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) child: Pid,
    number: u64,
}

/// A child that was taken out, to be stopped or forgotten.
pub(super) struct Stopping {
    pub(super) spec: Arc<ErasedSpec>,
    pub(super) incarnation: Arc<Incarnation>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    /// Enters a new child before it starts. False when the supervisor has ended.
    pub(super) fn insert(&mut self, spec: Arc<ErasedSpec>, incarnation: &Arc<Incarnation>) -> bool {
        if self.closed {
            return false;
        }
        let status = Status::Starting(incarnation.clone());
        let child = Child {
            spec,
            status,
            restarts: 0,
            last_exit: None,
        };
        self.insert_entry(incarnation.pid(), child);
        true
    }

    /// Enters the next incarnation of a child before it starts. `None` when the supervisor has ended.
    pub(super) fn reincarnate(&mut self, child: Pid, incarnation: &Arc<Incarnation>) -> Option<Arc<ErasedSpec>> {
        let child = self.children.get_mut(&child).filter(|_| !self.closed)?;
        child.status = Status::Starting(incarnation.clone());
        Some(child.spec.clone())
    }

    /// The incarnation that `child` was to become runs: from now on the child stands under its pid.
    pub(super) fn started(&mut self, child: Pid, incarnation: &Arc<Incarnation>) {
        let Some(mut entry) = self.remove_entry(child) else {
            return;
        };
        entry.status = Status::Running(incarnation.clone());
        self.insert_entry(incarnation.pid(), entry);
    }

    /// The spec of the child whose running incarnation this is; `None` for a stale one.
    pub(super) fn running(&self, pid: Pid) -> Option<Stopping> {
        let child = self.children.get(&pid)?;
        match &child.status {
            Status::Running(incarnation) => Some(Stopping {
                spec: child.spec.clone(),
                incarnation: incarnation.clone(),
            }),
            Status::Starting(_) | Status::Restarting(_) => None,
        }
    }

    /// Records why the child's incarnation ended, and marks it for a retry, which must carry the attempt.
    pub(super) fn restarting(&mut self, pid: Pid, reason: Option<ExitReason>) -> Option<Attempt> {
        self.attempts += 1;
        let attempt = Attempt {
            child: pid,
            number: self.attempts,
        };
        let child = self.children.get_mut(&pid)?;
        child.status = Status::Restarting(attempt);
        if reason.is_some() {
            child.last_exit = reason;
        }
        Some(attempt)
    }

    pub(super) fn is_current(&self, attempt: Attempt) -> bool {
        let child = self.children.get(&attempt.child);
        child.is_some_and(|child| matches!(child.status, Status::Restarting(now) if now == attempt))
    }

    /// Counts a restart of this child and says how many it has had.
    pub(super) fn restarted(&mut self, pid: Pid) -> u64 {
        let Some(child) = self.children.get_mut(&pid) else {
            return 0;
        };
        child.restarts += 1;
        child.restarts
    }

    /// Forgets a child; false when there is none.
    pub(super) fn remove(&mut self, pid: Pid) -> bool {
        self.remove_entry(pid).is_some()
    }

    fn insert_entry(&mut self, pid: Pid, child: Child) {
        self.by_id.insert((child.spec.id.clone(), pid));
        self.by_name.extend(child.spec.names.iter().map(|name| (*name, pid)));
        self.children.insert(pid, child);
    }

    fn remove_entry(&mut self, pid: Pid) -> Option<Child> {
        let child = self.children.remove(&pid)?;
        self.by_id.remove(&(child.spec.id.clone(), pid));
        for name in &child.spec.names {
            self.by_name.remove(&(*name, pid));
        }
        Some(child)
    }

    /// The children that are bound to one of the names of `spec`.
    pub(super) fn namesakes(&self, spec: &ErasedSpec) -> Vec<Pid> {
        let of = |name: &NameId| self.by_name.range((*name, Pid::MIN)..=(*name, Pid::MAX));
        spec.names.iter().flat_map(of).map(|(_, pid)| *pid).collect()
    }

    pub(super) fn is_restarting(&self, pid: Pid) -> bool {
        let child = self.children.get(&pid);
        child.is_some_and(|child| matches!(child.status, Status::Restarting(_)))
    }

    /// The children with this id.
    pub(super) fn with_id(&self, id: &ChildId) -> Vec<Pid> {
        let from = (Bound::Included((id.clone(), Pid::MIN)), Bound::Unbounded);
        self.by_id
            .range(from)
            .take_while(|(other, _)| other == id)
            .map(|(_, pid)| *pid)
            .collect()
    }

    /// All children, oldest incarnation first.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let mut pids: Vec<Pid> = self.children.keys().copied().collect();
        pids.sort_unstable();
        pids
    }

    pub(super) fn spec_id(&self, pid: Pid) -> ChildId {
        self.children
            .get(&pid)
            .map(|child| child.spec.id.clone())
            .unwrap_or_default()
    }

    pub(super) fn info(&self) -> Vec<ChildInfo> {
        let info = |child: &Child| {
            let actor = child.status.incarnation().cloned().map(AnyActorRef);
            ChildInfo::new(&child.spec, child.status.state(), actor, child.restarts)
        };
        self.pids()
            .iter()
            .filter_map(|pid| self.children.get(pid))
            .map(info)
            .collect()
    }

    pub(super) fn count(&self) -> ChildCount {
        let mut count = ChildCount::default();
        for child in self.children.values() {
            count.add(child.spec.kind, matches!(child.status, Status::Running(_)));
        }
        count
    }

    fn close(&mut self) -> Vec<Arc<Incarnation>> {
        self.closed = true;
        let alive = self.children.values().filter_map(|child| child.status.incarnation());
        alive.cloned().collect()
    }

    fn views(&self) -> Vec<ChildView> {
        let view = |child: &Child| ChildView {
            spec: child.spec.clone(),
            state: child.status.state(),
            restarts: child.restarts,
            last_exit: child.last_exit.clone(),
            incarnation: child.status.incarnation().cloned(),
        };
        self.pids()
            .iter()
            .filter_map(|pid| self.children.get(pid))
            .map(view)
            .collect()
    }
}

impl Status {
    fn incarnation(&self) -> Option<&Arc<Incarnation>> {
        match self {
            Self::Starting(incarnation) | Self::Running(incarnation) => Some(incarnation),
            Self::Restarting(_) => None,
        }
    }

    fn state(&self) -> ChildState {
        match self {
            Self::Starting(_) => ChildState::Starting,
            Self::Running(_) => ChildState::Running,
            Self::Restarting(_) => ChildState::Restarting,
        }
    }
}

/// The table as the supervisor, its exit record and snapshots share it. Never locked across an `.await`.
pub(super) type SharedTable = Mutex<Table>;

impl Subtree for SharedTable {
    fn close(&self) -> Vec<Arc<Incarnation>> {
        self.lock().close()
    }

    fn children(&self) -> Vec<ChildView> {
        self.lock().views()
    }
}

#[cfg(test)]
mod tests;
