//! The children of a static supervisor, in start order. Pure: it records and answers, the server acts.
//!
//! Written by the supervisor only, read by snapshots and by the supervisor's exit record. Invariant: every incarnation that
//! may still be alive stands in here, so that a supervisor that dies at any point leaves no orphan.

use super::handle::{ChildCount, ChildInfo};
use crate::{
    Restart,
    actor_ref::{AnyActorRef, Pid},
    child_spec::ErasedSpec,
    exit::{
        ExitReason,
        record::{Incarnation, Subtree},
    },
    observe::{ChildState, ChildView},
};
use parking_lot::Mutex;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct Table {
    /// Position = start order; it is the position of the spec and never changes with restarts.
    children: Vec<Child>,
    /// The supervisor ended: a start still under way must not count.
    closed: bool,
    attempts: u64,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) spec: Arc<ErasedSpec>,
    status: Status,
    /// The last incarnation that ran.
    last_pid: Option<Pid>,
    restarts: u64,
    last_exit: Option<ExitReason>,
}

#[derive(Clone, Debug)]
pub(super) enum Status {
    /// No process; started again by a group restart or on request.
    Stopped,
    Starting(Arc<Incarnation>),
    Running(Arc<Incarnation>),
    /// No process; the retry that carries this attempt starts it again.
    Restarting(Attempt),
}

/// One scheduled retry. A retry whose attempt is no longer the child's is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt(u64);

impl Table {
    pub(super) fn new(specs: Vec<Arc<ErasedSpec>>) -> Self {
        let mut table = Self::default();
        for spec in specs {
            table.push(spec);
        }
        table
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    pub(super) fn spec(&self, at: usize) -> Arc<ErasedSpec> {
        self.children[at].spec.clone()
    }

    pub(super) fn status(&self, at: usize) -> &Status {
        &self.children[at].status
    }

    /// Appends a child without a process and says where it stands.
    pub(super) fn push(&mut self, spec: Arc<ErasedSpec>) -> usize {
        self.children.push(Child {
            spec,
            status: Status::Stopped,
            last_pid: None,
            restarts: 0,
            last_exit: None,
        });
        self.children.len() - 1
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.children.remove(at);
    }

    /// Forgets the temporary children from `from` on.
    pub(super) fn remove_temporary(&mut self, from: usize) {
        let mut at = 0;
        self.children.retain(|child| {
            at += 1;
            at <= from || child.spec.restart != Restart::Temporary
        });
    }

    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.children.iter().position(|child| child.spec.id == id)
    }

    /// The children with the id or a name of `spec` whose exit could be seen, but was not handled yet.
    pub(super) fn dead_namesakes(&self, spec: &ErasedSpec) -> Vec<(Pid, ExitReason)> {
        let same = |child: &&Child| child.spec.id == spec.id || child.spec.shares_name_with(spec);
        let exit = |child: &Child| match &child.status {
            Status::Running(now) => now.exit_reason().map(|reason| (now.pid(), reason.clone())),
            _ => None,
        };
        self.children.iter().filter(same).filter_map(exit).collect()
    }

    /// The last incarnation of a child that is being restarted under one of the names of `spec`.
    pub(super) fn restarting_namesake(&self, spec: &ErasedSpec) -> Option<Pid> {
        let restarting = |child: &&Child| matches!(child.status, Status::Restarting(_));
        let mut namesakes = self.children.iter().filter(|child| child.spec.shares_name_with(spec));
        namesakes.find(restarting)?.last_pid
    }

    /// The child whose running incarnation this is; `None` for a stale one.
    pub(super) fn by_pid(&self, pid: Pid) -> Option<usize> {
        self.children
            .iter()
            .position(|child| matches!(&child.status, Status::Running(now) if now.pid() == pid))
    }

    pub(super) fn by_attempt(&self, attempt: Attempt) -> Option<usize> {
        self.children
            .iter()
            .position(|child| matches!(child.status, Status::Restarting(now) if now == attempt))
    }

    /// False when the supervisor has ended, and nothing may be started any more.
    pub(super) fn starting(&mut self, at: usize, incarnation: Arc<Incarnation>) -> bool {
        if !self.closed {
            self.children[at].status = Status::Starting(incarnation);
        }
        !self.closed
    }

    pub(super) fn started(&mut self, at: usize, incarnation: Arc<Incarnation>) {
        let child = &mut self.children[at];
        child.last_pid = Some(incarnation.pid());
        child.status = Status::Running(incarnation);
    }

    pub(super) fn stopped(&mut self, at: usize) {
        self.children[at].status = Status::Stopped;
    }

    pub(super) fn exited(&mut self, at: usize, reason: ExitReason) {
        let child = &mut self.children[at];
        child.status = Status::Stopped;
        child.last_exit = Some(reason);
    }

    /// Marks the child for a retry, which must carry the attempt.
    pub(super) fn restarting(&mut self, at: usize) -> Attempt {
        self.attempts += 1;
        let attempt = Attempt(self.attempts);
        self.children[at].status = Status::Restarting(attempt);
        attempt
    }

    /// Counts a restart of this child and says how many it has had.
    pub(super) fn restarted(&mut self, at: usize) -> u64 {
        self.children[at].restarts += 1;
        self.children[at].restarts
    }

    pub(super) fn info(&self) -> Vec<ChildInfo> {
        self.children.iter().map(Child::info).collect()
    }

    pub(super) fn info_of(&self, id: &str) -> Option<ChildInfo> {
        self.by_id(id).map(|at| self.children[at].info())
    }

    /// How many significant children run or are being restarted.
    pub(super) fn active_significant(&self) -> usize {
        let significant = self.children.iter().filter(|child| child.spec.significant);
        significant
            .filter(|child| !matches!(child.status, Status::Stopped))
            .count()
    }

    pub(super) fn count(&self) -> ChildCount {
        let mut count = ChildCount::default();
        for child in &self.children {
            count.add(child.spec.kind, matches!(child.status, Status::Running(_)));
        }
        count
    }

    fn close(&mut self) -> Vec<Arc<Incarnation>> {
        self.closed = true;
        let alive = self.children.iter().filter_map(|child| child.status.incarnation());
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
        self.children.iter().map(view).collect()
    }
}

impl Child {
    fn info(&self) -> ChildInfo {
        let actor = self.status.incarnation().cloned().map(AnyActorRef);
        ChildInfo::new(&self.spec, self.status.state(), actor, self.restarts)
    }
}

impl Status {
    fn incarnation(&self) -> Option<&Arc<Incarnation>> {
        match self {
            Self::Starting(incarnation) | Self::Running(incarnation) => Some(incarnation),
            Self::Stopped | Self::Restarting(_) => None,
        }
    }

    pub(super) fn state(&self) -> ChildState {
        match self {
            Self::Stopped => ChildState::Stopped,
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
