//! [`Child`]: one child as the table of its supervisor keeps it, and what the outside sees of it.

use super::info::{ChildCount, ChildInfo, ChildState};
use crate::{
    actor_ref::AnyActorRef, child_spec::ErasedSpec, exit::ExitReason, identity::Pid, incarnation::Incarnation,
};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) spec: Arc<ErasedSpec>,
    pub(crate) status: Status,
    /// The last incarnation that ran: what callers may still know the child by while it is being restarted.
    pub(crate) last_pid: Option<Pid>,
    pub(crate) restarts: u64,
    pub(crate) last_exit: Option<ExitReason>,
}

#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// No process; started again by a group restart or on request.
    Stopped,
    Starting(Arc<Incarnation>),
    Running(Arc<Incarnation>),
    /// No process; the retry that carries this attempt starts it again.
    Restarting(Attempt),
}

/// One scheduled retry. A retry whose attempt is no longer the child's is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt(pub(super) u64);

impl Child {
    pub(super) fn new(spec: Arc<ErasedSpec>) -> Self {
        Self {
            spec,
            status: Status::Stopped,
            last_pid: None,
            restarts: 0,
            last_exit: None,
        }
    }

    pub(crate) fn state(&self) -> ChildState {
        match self.status {
            Status::Stopped => ChildState::Stopped,
            Status::Starting(_) => ChildState::Starting,
            Status::Running(_) => ChildState::Running,
            Status::Restarting(_) => ChildState::Restarting,
        }
    }

    pub(crate) fn running(&self) -> Option<&Arc<Incarnation>> {
        match &self.status {
            Status::Running(incarnation) => Some(incarnation),
            Status::Stopped | Status::Starting(_) | Status::Restarting(_) => None,
        }
    }

    /// The incarnation that runs or is about to.
    pub(super) fn incarnation(&self) -> Option<&Arc<Incarnation>> {
        self.status.incarnation()
    }

    pub(super) fn info(&self) -> ChildInfo {
        let actor = self.incarnation().cloned().map(AnyActorRef);
        ChildInfo::new(&self.spec, self.state(), actor, self.restarts)
    }

    pub(super) fn view(&self) -> ChildView {
        ChildView {
            spec: self.spec.clone(),
            state: self.state(),
            restarts: self.restarts,
            last_exit: self.last_exit.clone(),
            incarnation: self.incarnation().cloned(),
        }
    }

    pub(super) fn count(&self, count: &mut ChildCount) {
        count.add(self.spec.kind, self.running().is_some());
    }
}

impl Status {
    pub(super) fn incarnation(&self) -> Option<&Arc<Incarnation>> {
        match self {
            Self::Starting(incarnation) | Self::Running(incarnation) => Some(incarnation),
            Self::Stopped | Self::Restarting(_) => None,
        }
    }
}

/// A child as its supervisor's table shows it. Taken under the table's lock, so nothing of the user's runs to make it.
pub(crate) struct ChildView {
    pub(crate) spec: Arc<ErasedSpec>,
    pub(crate) state: ChildState,
    pub(crate) restarts: u64,
    pub(crate) last_exit: Option<ExitReason>,
    pub(crate) incarnation: Option<Arc<Incarnation>>,
}
