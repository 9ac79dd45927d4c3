//! OTP's rules as a model: what a tree does, step by step, written from the rules alone.
//!
//! [`World`] is a small deterministic BEAM: processes with a mailbox each, links to a parent, and a clock that jumps. On it
//! [`worker`], [`supervisor`] and [`dynamic`] say in plain sequence what each kind of process does. hedgehog is not used here,
//! except for the four words of a child spec.
//!
//! Invariant: nothing depends on an order that OTP leaves open. Timers that fire at the same instant do, so that the model
//! refuses to go on ([`Tie`]); children of a killed supervisor die in any order, so that their entries say so.

mod dynamic;
mod serve;
mod supervisor;
mod worker;
mod world;

use std::collections::BTreeMap;
use std::fmt;

use crate::scenario::{Body, Deed, NodeId, ROOT, Reason};
use world::{Failure, Message, World};

pub(crate) use world::{Logged, Tie};

/// The model of one scenario.
pub(crate) struct Otp {
    world: World,
    asked: usize,
}

/// A supervisor as its snapshot shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Restarts inside the window that ends now.
    pub(crate) restarts: usize,
    /// In start order, where there is one.
    pub(crate) children: Vec<Row>,
}

/// A child as its supervisor's snapshot shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) node: NodeId,
    pub(crate) doing: Doing,
    /// How often it was restarted, not counting what was asked for.
    pub(crate) restarts: u64,
    /// Why its last incarnation that ran ended.
    pub(crate) last_exit: Option<&'static str>,
}

/// What a child of a supervisor is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doing {
    Running,
    Restarting,
    Stopped,
}

impl Otp {
    /// An empty root.
    pub(crate) fn new() -> Self {
        let world = World::new();
        world.spawn(None, &crate::generate::root());
        let begun = world.run_until(0);
        begun.expect("an empty root has no timers");
        Self { world, asked: 0 }
    }

    /// Lets time pass, and everything happen that is due by `at`.
    pub(crate) fn run_until(&mut self, at: u64) -> Result<(), Tie> {
        self.world.run_until(at)
    }

    /// Whether something is due at `at`.
    pub(crate) fn has_timer_at(&self, at: u64) -> bool {
        self.world.has_timer_at(at)
    }

    /// Does it now. What it causes at this instant has happened when [`run_until`](Self::run_until) returns.
    pub(crate) fn perform(&mut self, deed: &Deed) {
        match deed {
            Deed::Kill(node) => self.of_last(*node, World::kill),
            Deed::Stop(node, reason) => self.of_last(*node, |world, pid| world.request_stop(pid, *reason)),
            Deed::Tell(node, order) => self.of_last(*node, |world, pid| {
                world.send(pid, Message::Order(*order));
            }),
            Deed::Ask(node, request) => {
                let call = self.asked;
                self.asked += 1;
                let pid = self.world.last(*node);
                if !pid.is_some_and(|pid| self.world.send(pid, Message::Call(call, request.clone()))) {
                    self.world.answer(call, Failure::NoProc.to_string());
                }
            }
        }
    }

    fn of_last(&self, node: NodeId, act: impl FnOnce(&World, world::Pid)) {
        if let Some(pid) = self.world.last(node) {
            act(&self.world, pid);
        }
    }

    /// What has happened since the last `take`.
    pub(crate) fn take_log(&mut self) -> Vec<Logged> {
        self.world.take_log()
    }

    /// What supervisors have told since the last `take`.
    pub(crate) fn take_told(&mut self) -> Vec<Logged> {
        self.world.take_told()
    }

    /// The answers so far, by number of the question, with the time at which they came.
    pub(crate) fn answers(&self) -> BTreeMap<usize, (u64, String)> {
        self.world.answers()
    }

    /// The incarnations that have a name.
    pub(crate) fn names(&self) -> BTreeMap<NodeId, usize> {
        self.world.names()
    }

    /// Every supervisor that is waiting for something to do.
    pub(crate) fn idle_supervisors(&self) -> BTreeMap<NodeId, Snapshot> {
        self.world.idle_supervisors()
    }

    /// All live incarnations that are not the root, with what the next deed may want to know.
    pub(crate) fn alive(&self) -> Vec<Alive> {
        self.world.alive()
    }

    /// The number of the node's last start.
    pub(crate) fn last_nth(&self, node: NodeId) -> usize {
        self.world.last(node).map_or(0, |pid| self.world.nth(pid))
    }

    /// Who is whose child.
    pub(crate) fn parents(&self) -> BTreeMap<NodeId, NodeId> {
        self.world.parents()
    }

    /// How often each situation has come up.
    pub(crate) fn rules(&self) -> BTreeMap<Rule, usize> {
        self.world.rules()
    }

    /// Asks the root to stop.
    pub(crate) fn stop_root(&mut self) {
        self.of_last(ROOT, |world, pid| world.request_stop(pid, Reason::Shutdown));
    }
}

impl Drop for Otp {
    fn drop(&mut self) {
        self.world.clear();
    }
}

/// A situation that the scenarios have to come to, or they would prove nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// A supervisor fails to boot with children running that it stops again.
    BootFailsHalfWay,
    DeclinesAtBoot,
    TemporaryDeclinesAtBoot,
    DeclinesRestart,
    RestartFails,
    /// A restart that failed is tried again by itself.
    Retries,
    /// By the time of the retry it is due no more.
    RetryIsStale,
    RestartsAll,
    RestartsRest,
    /// A group restart starts a child that was terminated or had finished.
    GroupRevives,
    GroupDropsTemporary,
    GivesUp,
    GivesUpAtOnce,
    FirstSignificantEnds,
    LastSignificantEnds,
    /// Another significant child is still active.
    SignificantWaits,
    /// The other one is being restarted.
    SignificantWaitsForRestarting,
    /// A supervisor stops a child that is dead already, and whose exit it has not heard of.
    StopsTheDead,
    ShutdownTimesOut,
    BrutalKill,
    KilledDuringStart,
    /// A supervisor ends with questions unanswered.
    EndsUnanswered,
    /// The name of a child is kept for it while it is being restarted.
    KeepsName,
    /// A newcomer finds that its namesake has died, and the supervisor has not heard of it.
    HearsOfDeathFirst,
    TerminatesRestarting,
    StopsSideBySide,
    /// A child handles what its mailbox holds before it stops.
    DrainsMailbox,
}

impl Rule {
    pub(crate) const ALL: [Self; 27] = [
        Self::BootFailsHalfWay,
        Self::DeclinesAtBoot,
        Self::TemporaryDeclinesAtBoot,
        Self::DeclinesRestart,
        Self::RestartFails,
        Self::Retries,
        Self::RetryIsStale,
        Self::RestartsAll,
        Self::RestartsRest,
        Self::GroupRevives,
        Self::GroupDropsTemporary,
        Self::GivesUp,
        Self::GivesUpAtOnce,
        Self::FirstSignificantEnds,
        Self::LastSignificantEnds,
        Self::SignificantWaits,
        Self::SignificantWaitsForRestarting,
        Self::StopsTheDead,
        Self::ShutdownTimesOut,
        Self::BrutalKill,
        Self::KilledDuringStart,
        Self::EndsUnanswered,
        Self::KeepsName,
        Self::HearsOfDeathFirst,
        Self::TerminatesRestarting,
        Self::StopsSideBySide,
        Self::DrainsMailbox,
    ];
}

/// A live incarnation.
#[derive(Debug, Clone)]
pub(crate) struct Alive {
    pub(crate) node: NodeId,
    pub(crate) starting: bool,
    /// A supervisor that is starting or stopping a child: what it is asked now has to wait.
    pub(crate) busy: bool,
    pub(crate) body: Body,
    /// The children that the supervisor knows of, dead or alive.
    pub(crate) children: Vec<NodeId>,
    /// Those of them that are being restarted, or would be if the supervisor had heard of their end.
    pub(crate) troubled: Vec<NodeId>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("failed"),
            Self::Panicked => f.write_str("panicked"),
            Self::Killed => f.write_str("killed"),
            Self::Ignore => f.write_str("ignore"),
            Self::Registered => f.write_str("already registered"),
            Self::Child(id, cause) => write!(f, "failed to start child {id}: {cause}"),
            Self::MaxChildren => f.write_str("max children"),
            Self::AlreadyStarted => f.write_str("already started"),
            Self::AlreadyPresent => f.write_str("already present"),
            Self::SignificantPermanent => f.write_str("significant and permanent"),
            Self::SignificantNeedsAutoShutdown => f.write_str("significant without auto-shutdown"),
            Self::NotFound => f.write_str("not found"),
            Self::Running => f.write_str("running"),
            Self::Restarting => f.write_str("restarting"),
            Self::NoProc => f.write_str("noproc"),
        }
    }
}
