//! What a supervisor says of its children when it is asked: each of them ([`ChildInfo`]), or all in numbers ([`ChildCount`]).

use crate::{
    actor_ref::AnyActorRef,
    child_spec::{ChildKind, ErasedSpec},
    identity::{ChildId, Pid},
};
use serde::{Deserialize, Serialize};

/// One child of a supervisor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its id.
    pub id: ChildId,
    /// What it is doing.
    pub state: ChildState,
    /// Its present incarnation, if it has one.
    pub actor: Option<AnyActorRef>,
    /// Worker or supervisor.
    pub kind: ChildKind,
    /// How often it was restarted since its supervisor started.
    pub restarts: u64,
}

impl ChildInfo {
    pub(crate) fn new(spec: &ErasedSpec, state: ChildState, actor: Option<AnyActorRef>, restarts: u64) -> Self {
        Self {
            id: spec.id.clone(),
            state,
            actor,
            kind: spec.kind,
            restarts,
        }
    }

    /// The present incarnation's identity.
    pub fn pid(&self) -> Option<Pid> {
        self.actor.as_ref().map(AnyActorRef::pid)
    }
}

/// The children of a supervisor in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildCount {
    /// Specs, whether they run or not.
    pub specs: usize,
    /// Children that run.
    pub active: usize,
    /// Specs of supervisors.
    pub supervisors: usize,
    /// Specs of workers.
    pub workers: usize,
}

impl ChildCount {
    pub(crate) fn add(&mut self, kind: ChildKind, active: bool) {
        self.specs += 1;
        self.active += usize::from(active);
        match kind {
            ChildKind::Worker => self.workers += 1,
            ChildKind::Supervisor => self.supervisors += 1,
        }
    }
}

/// What a child of a supervisor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ChildState {
    /// Its `pre_start` is running.
    Starting,
    /// It runs.
    Running,
    /// It ended, and starting it again failed so far.
    Restarting,
    /// It ended or was terminated; only its spec is left.
    Stopped,
}
