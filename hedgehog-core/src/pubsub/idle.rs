//! Who sleeps: one bit per subscriber, and how to wake each.
//!
//! Owned by a [`Topic`](super::Topic). A subscriber with nothing to read sets its bit and looks at the publish position
//! once more; a publisher stores the position and then takes all bits of a group in one swap. Both orders are `SeqCst`, so at
//! least one of the two sees the other, and whoever takes a bit owes that subscriber a wake. Publishing to subscribers
//! that are awake costs one load per 64 of them.
//!
//! A wake may come without need (a bit taken just before its subscriber left or read on), never too late.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};

use super::doorbell::Wakeup;
use super::log::CacheLine;

const SEATS: usize = u64::BITS as usize;

#[derive(Default)]
pub(super) struct IdleSet {
    /// Grows, never shrinks. Replaced only under the log's lock, which orders it with the publishers that come after.
    groups: ArcSwap<Vec<Arc<Group>>>,
}

impl IdleSet {
    /// Makes room for the subscriber `id`.
    pub(super) fn reserve(&self, id: usize) {
        if self.groups.load().len() <= id / SEATS {
            let mut groups = Vec::clone(&self.groups.load());
            groups.resize_with(id / SEATS + 1, Arc::default);
            self.groups.store(Arc::new(groups));
        }
    }

    /// The place of the subscriber `id`, for which there is room.
    pub(super) fn seat(&self, id: usize) -> Seat {
        Seat {
            group: Arc::clone(&self.groups.load()[id / SEATS]),
            index: id % SEATS,
        }
    }

    /// Wakes every subscriber that is idle.
    pub(super) fn wake(&self) {
        for group in self.groups.load().iter() {
            group.wake();
        }
    }
}

/// One subscriber's bit and wakeup.
#[derive(Clone)]
pub(super) struct Seat {
    group: Arc<Group>,
    index: usize,
}

impl Seat {
    /// Asks for a wake at the next event. The caller then looks whether one came in between.
    pub(super) fn set_idle(&self) {
        self.group.idle.0.fetch_or(self.bit(), Ordering::SeqCst);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.group.idle.0.load(Ordering::SeqCst) & self.bit() != 0
    }

    /// How this subscriber is woken, unless that was retracted.
    pub(super) fn wakeup(&self) -> Guard<Option<Arc<Wakeup>>> {
        self.group.wakeups[self.index].load()
    }

    /// How this subscriber is woken from now on.
    pub(super) fn set_wakeup(&self, wakeup: Arc<Wakeup>) {
        self.group.wakeups[self.index].store(Some(wakeup));
    }

    /// Forgets `wakeup`, unless another has taken its place.
    pub(super) fn retract(&self, wakeup: Arc<Wakeup>) {
        self.group.wakeups[self.index].compare_and_swap(&Some(wakeup), None);
    }

    /// Leaves the seat as the next subscriber expects to find it.
    pub(super) fn vacate(&self) {
        self.group.idle.0.fetch_and(!self.bit(), Ordering::SeqCst);
        self.group.wakeups[self.index].store(None);
    }

    fn bit(&self) -> u64 {
        1 << self.index
    }
}

struct Group {
    idle: CacheLine<AtomicU64>,
    wakeups: [ArcSwapOption<Wakeup>; SEATS],
}

impl Default for Group {
    fn default() -> Self {
        Self {
            idle: CacheLine(AtomicU64::new(0)),
            wakeups: std::array::from_fn(|_| ArcSwapOption::empty()),
        }
    }
}

impl Group {
    fn wake(&self) {
        // A load first: the swap would take the cache line away from subscribers that are busy, at every event.
        if self.idle.0.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut owed = self.idle.0.swap(0, Ordering::SeqCst);
        while owed != 0 {
            let index = owed.trailing_zeros() as usize;
            owed &= owed - 1;
            // The bits are taken: a panic that got through here would leave the others asleep for good.
            let woken = catch_unwind(AssertUnwindSafe(|| {
                if let Some(wakeup) = &*self.wakeups[index].load() {
                    wakeup.wake();
                }
            }));
            if woken.is_err() {
                tracing::error!("the wake of a topic's subscriber panicked; the subscriber may have missed it");
            }
        }
    }
}
