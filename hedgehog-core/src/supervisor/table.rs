//! The children of a supervisor of any kind, in start order, found by id, by name and by incarnation. Pure: it records and
//! answers, the server acts.
//!
//! Written by the supervisor only, read by snapshots and by the supervisor's exit record. Invariant: every incarnation that
//! may still be alive stands in here, so that a supervisor that dies at any point leaves no orphan. Nothing that concerns
//! one child looks at all of them: it costs the same among ten as among a hundred thousand. What the user gave (specs,
//! errors) is never dropped under the lock.

use super::{
    child::{Attempt, Child, ChildView, Status},
    info::{ChildCount, ChildInfo},
};
use crate::{
    child_spec::{AnyChildSpec, ErasedSpec, Restart},
    exit::ExitReason,
    identity::{ChildId, Pid},
    incarnation::Incarnation,
    name::NameId,
    panic,
};
use parking_lot::{Mutex, MutexGuard};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    mem,
    ops::{Deref, DerefMut, RangeBounds},
    sync::Arc,
};

#[derive(Debug, Default)]
pub(crate) struct Table {
    /// In start order.
    children: BTreeMap<Place, Child>,
    /// A set of pairs, because children of a dynamic supervisor may share an id. Most share one there, so that comparing
    /// ids would mean to read all of their text over and over.
    by_id: BTreeSet<(IdHash, Place)>,
    /// Many may share a name too, as long as one of them lives.
    by_name: BTreeSet<(NameId, Place)>,
    /// By the last incarnation that ran.
    by_pid: HashMap<Pid, Place>,
    /// How many significant children run or are being restarted.
    active_significant: usize,
    /// The supervisor ended: a start still under way must not count.
    closed: bool,
    next_place: u64,
    attempts: u64,
    /// What was replaced or removed, until the table is unlocked.
    discarded: Vec<Discarded>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "kept to be dropped")]
enum Discarded {
    Child(Child),
    Status(Status),
    Reason(ExitReason),
}

/// Where a child stands among its siblings: after those that were added before. It keeps its place through all restarts,
/// and nobody has it after the child is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

/// The hash of an id. Two ids may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct IdHash(u64);

impl IdHash {
    fn of(id: &ChildId) -> Self {
        Self(BuildHasherDefault::<DefaultHasher>::default().hash_one(id))
    }
}

impl Place {
    const FIRST: Self = Self(0);
    const LAST: Self = Self(u64::MAX);
}

impl Table {
    pub(crate) fn new(specs: Vec<Arc<ErasedSpec>>) -> Self {
        let mut table = Self::default();
        for spec in specs {
            table.push(spec);
        }
        table
    }

    pub(crate) fn len(&self) -> usize {
        self.children.len()
    }

    /// The places of the children in `range`, in start order.
    pub(crate) fn places(&self, range: impl RangeBounds<Place>) -> Vec<Place> {
        self.children.range(range).map(|(at, _)| *at).collect()
    }

    pub(crate) fn child(&self, at: Place) -> &Child {
        self.children.get(&at).expect(PRESENT)
    }

    fn child_mut(&mut self, at: Place) -> &mut Child {
        self.children.get_mut(&at).expect(PRESENT)
    }

    /// Appends a child without a process and says where it stands.
    pub(crate) fn push(&mut self, spec: Arc<ErasedSpec>) -> Place {
        let at = Place(self.next_place);
        self.next_place += 1;
        self.by_id.insert((IdHash::of(&spec.id), at));
        self.by_name.extend(spec.names.iter().map(|name| (*name, at)));
        self.children.insert(at, Child::new(spec));
        at
    }

    /// Forgets a child.
    pub(crate) fn remove(&mut self, at: Place) {
        self.set(at, Status::Stopped);
        let Some(child) = self.children.remove(&at) else {
            return;
        };
        self.by_id.remove(&(IdHash::of(&child.spec.id), at));
        for name in &child.spec.names {
            self.by_name.remove(&(*name, at));
        }
        if let Some(pid) = child.last_pid {
            self.by_pid.remove(&pid);
        }
        self.discarded.push(Discarded::Child(child));
    }

    /// Forgets the temporary children in `range`.
    pub(crate) fn remove_temporary(&mut self, range: impl RangeBounds<Place>) {
        for at in self.places(range) {
            if self.child(at).spec.restart == Restart::Temporary {
                self.remove(at);
            }
        }
    }

    /// The children with this id; in a static supervisor one at most.
    pub(crate) fn with_id(&self, id: &ChildId) -> impl Iterator<Item = Place> {
        let hash = IdHash::of(id);
        let same = self.by_id.range((hash, Place::FIRST)..=(hash, Place::LAST));
        same.map(|(_, at)| *at).filter(move |at| self.child(*at).spec.id == *id)
    }

    /// The child that last ran as this incarnation.
    pub(crate) fn with_pid(&self, pid: Pid) -> Option<Place> {
        self.by_pid.get(&pid).copied()
    }

    /// The children that are bound to one of the names of `spec`.
    pub(crate) fn namesakes(&self, spec: &ErasedSpec) -> impl Iterator<Item = Place> {
        let of = |name: &NameId| self.by_name.range((*name, Place::FIRST)..=(*name, Place::LAST));
        spec.names.iter().flat_map(of).map(|(_, at)| *at)
    }

    /// Those of `places` whose exit could be seen, but was not handled yet.
    pub(crate) fn dead(&self, places: impl Iterator<Item = Place>) -> Vec<(Pid, ExitReason)> {
        let exit = |at| {
            let now = self.child(at).running()?;
            Some((now.pid(), now.exit_reason()?.clone()))
        };
        places.filter_map(exit).collect()
    }

    /// The last incarnation of a child that is being restarted under one of the names of `spec`.
    pub(crate) fn restarting_namesake(&self, spec: &ErasedSpec) -> Option<Pid> {
        let mut namesakes = self.namesakes(spec).map(|at| self.child(at));
        namesakes
            .find(|child| matches!(child.status, Status::Restarting(_)))?
            .last_pid
    }

    /// The child whose running incarnation this is; `None` for a stale one.
    pub(crate) fn running(&self, pid: Pid) -> Option<Place> {
        self.with_pid(pid).filter(|at| self.child(*at).running().is_some())
    }

    /// Whether the child still waits for this attempt.
    pub(crate) fn is_due(&self, at: Place, attempt: Attempt) -> bool {
        let child = self.children.get(&at);
        child.is_some_and(|child| matches!(child.status, Status::Restarting(now) if now == attempt))
    }

    /// False when the supervisor has ended, and nothing may be started any more.
    pub(crate) fn starting(&mut self, at: Place, incarnation: Arc<Incarnation>) -> bool {
        if !self.closed {
            self.set(at, Status::Starting(incarnation));
        }
        !self.closed
    }

    pub(crate) fn started(&mut self, at: Place, incarnation: Arc<Incarnation>) {
        let pid = incarnation.pid();
        self.set(at, Status::Running(incarnation));
        self.by_pid.insert(pid, at);
        if let Some(old) = self.child_mut(at).last_pid.replace(pid) {
            self.by_pid.remove(&old);
        }
    }

    pub(crate) fn stopped(&mut self, at: Place) {
        self.set(at, Status::Stopped);
    }

    pub(crate) fn exited(&mut self, at: Place, reason: ExitReason) {
        self.set(at, Status::Stopped);
        let before = self.child_mut(at).last_exit.replace(reason);
        self.discarded.extend(before.map(Discarded::Reason));
    }

    /// Marks the child for a retry, which must carry the attempt.
    pub(crate) fn restarting(&mut self, at: Place) -> Attempt {
        self.attempts += 1;
        let attempt = Attempt(self.attempts);
        self.set(at, Status::Restarting(attempt));
        attempt
    }

    /// Counts a restart of this child and says how many it has had.
    pub(crate) fn restarted(&mut self, at: Place) -> u64 {
        let child = self.child_mut(at);
        child.restarts += 1;
        child.restarts
    }

    fn set(&mut self, at: Place, status: Status) {
        let active = |status: &Status| usize::from(!matches!(status, Status::Stopped));
        let Some(child) = self.children.get_mut(&at) else {
            return;
        };
        if child.spec.significant {
            self.active_significant += active(&status);
            self.active_significant -= active(&child.status);
        }
        let before = mem::replace(&mut child.status, status);
        let now = child.incarnation().map(|now| now.pid());
        if before.incarnation().is_some_and(|before| Some(before.pid()) != now) {
            self.discarded.push(Discarded::Status(before));
        }
    }

    pub(crate) fn info(&self) -> Vec<ChildInfo> {
        self.children.values().map(Child::info).collect()
    }

    /// The child that last ran as this incarnation.
    pub(crate) fn info_of(&self, pid: Pid) -> Option<ChildInfo> {
        self.with_pid(pid).map(|at| self.child(at).info())
    }

    /// The spec of the child that last ran as this incarnation.
    pub(crate) fn spec_of(&self, pid: Pid) -> Option<AnyChildSpec> {
        self.with_pid(pid).map(|at| (&*self.child(at).spec).into())
    }

    /// How many significant children run or are being restarted.
    pub(crate) fn active_significant(&self) -> usize {
        self.active_significant
    }

    pub(crate) fn count(&self) -> ChildCount {
        let mut count = ChildCount::default();
        self.children.values().for_each(|child| child.count(&mut count));
        count
    }

    /// A snapshot of the children, in start order.
    pub(super) fn views(&self) -> Vec<ChildView> {
        self.children.values().map(Child::view).collect()
    }

    /// Takes no more starts, and gives up those whose end it has not seen.
    pub(super) fn close(&mut self) -> Vec<Arc<Incarnation>> {
        self.closed = true;
        self.children.values().filter_map(Child::incarnation).cloned().collect()
    }
}

/// Why a place that the supervisor looked up stands for a child.
const PRESENT: &str = "children are removed by their supervisor only, which does one thing at a time";

/// The table as the supervisor, its exit record and snapshots share it. Never locked across an `.await`.
#[derive(Debug, Default)]
pub(crate) struct SharedTable(Mutex<Table>);

impl SharedTable {
    pub(crate) fn new(specs: Vec<Arc<ErasedSpec>>) -> Self {
        Self(Mutex::new(Table::new(specs)))
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked(Some(self.0.lock()))
    }
}

/// The locked table. `Some` until it is dropped.
pub(crate) struct Locked<'a>(Option<MutexGuard<'a, Table>>);

const LOCKED: &str = "unlocked by drop only";

impl Deref for Locked<'_> {
    type Target = Table;

    fn deref(&self) -> &Table {
        self.0.as_ref().expect(LOCKED)
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Table {
        self.0.as_mut().expect(LOCKED)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let discarded = self.0.take().map(|mut table| mem::take(&mut table.discarded));
        // The user's: it may look at the tree, or panic, and neither is the supervisor's problem.
        let _ = panic::catch_sync(|| drop(discarded));
    }
}

#[cfg(test)]
mod tests;
