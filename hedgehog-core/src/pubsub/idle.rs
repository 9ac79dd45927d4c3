//! Who sleeps: one bit per subscriber, and how to wake each.
//!
//! Owned by a [`Feed`](super::feed::Feed). A subscriber with nothing to read sets its bit and looks at the publish position
//! once more; a publisher stores the position and then takes all bits of a group in one swap. Both orders are `SeqCst`, so at
//! least one of the two sees the other, and whoever takes a bit owes that subscriber a wake. Publishing to subscribers
//! that are awake costs one load per 64 of them.
//!
//! A wake may come without need (a bit taken just before its subscriber left or read on), never too late.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::reader::CacheLine;
use super::sync::{AtomicU64, OnceLock, SEATS, WakerSlot};

/// The owner of a subscription that nobody owns: no pid is zero.
pub(super) const NOBODY: u64 = 0;

/// A list of groups that grows at its end and never shrinks. It grows under the log's lock, which orders that with the
/// publishers that come after.
#[derive(Default)]
pub(super) struct IdleSet {
    first: OnceLock<Arc<Group>>,
}

impl IdleSet {
    /// Makes room for the subscriber `id`.
    pub(super) fn reserve(&self, id: usize) {
        let mut place = &self.first;
        for _ in 0..=id / SEATS {
            place = &place.get_or_init(Arc::default).next;
        }
    }

    /// The place of the subscriber `id`, for which there is room.
    pub(super) fn seat(&self, id: usize) -> Seat {
        let group = self
            .groups()
            .nth(id / SEATS)
            .expect("room is reserved before a seat is taken");
        Seat {
            group: Arc::clone(group),
            index: id % SEATS,
        }
    }

    /// Wakes every subscriber that is idle.
    pub(super) fn wake(&self) {
        for group in self.groups() {
            // A load first: the swap would take the cache line away from subscribers that are busy, at every event.
            if group.idle.0.load(Ordering::SeqCst) != 0 {
                group.wake(group.idle.0.swap(0, Ordering::SeqCst));
            }
        }
    }

    /// Wakes every subscriber that is idle and does not belong to `owner`.
    pub(super) fn wake_except(&self, owner: u64) {
        for group in self.groups() {
            let idle = group.idle.0.load(Ordering::SeqCst);
            let others = bits(idle).filter(|&index| group.owners[index].load(Ordering::Acquire) != owner);
            let others = others.fold(0, |others, index| others | 1 << index);
            if others != 0 {
                group.wake(group.idle.0.fetch_and(!others, Ordering::SeqCst) & others);
            }
        }
    }

    fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        std::iter::successors(self.first.get(), |group| group.next.get())
    }
}

/// One subscriber's bit and waker, and whose it is.
#[derive(Clone)]
pub(super) struct Seat {
    group: Arc<Group>,
    index: usize,
}

impl Seat {
    /// Asks for a wake at the next event. The caller then looks whether one came in between.
    #[inline]
    pub(super) fn set_idle(&self) {
        self.group.idle.0.fetch_or(self.bit(), Ordering::SeqCst);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.group.idle.0.load(Ordering::SeqCst) & self.bit() != 0
    }

    /// Wakes this subscriber if it is idle.
    pub(super) fn wake(&self) {
        let idle = self.group.idle.0.fetch_and(!self.bit(), Ordering::SeqCst);
        self.group.wake(idle & self.bit());
    }

    /// The pid of the actor it belongs to, or [`NOBODY`].
    pub(super) fn owner(&self) -> u64 {
        self.group.owners[self.index].load(Ordering::Acquire)
    }

    pub(super) fn set_owner(&self, owner: u64) {
        self.group.owners[self.index].store(owner, Ordering::Release);
    }

    /// Takes the seat away from `owner`, unless it is somebody else's by now.
    pub(super) fn disown(&self, owner: u64) {
        let _ = self.group.owners[self.index].compare_exchange(owner, NOBODY, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// How this subscriber is woken from now on. To be called before [`set_idle`](Self::set_idle).
    pub(super) fn register(&self, waker: Waker) {
        self.group.wakers[self.index].register(waker);
    }

    /// Leaves the seat as the next subscriber expects to find it.
    pub(super) fn vacate(&self) {
        self.group.idle.0.fetch_and(!self.bit(), Ordering::SeqCst);
        self.group.wakers[self.index].clear();
        self.set_owner(NOBODY);
    }

    fn bit(&self) -> u64 {
        1 << self.index
    }
}

/// Up to 64 subscribers. What a publisher looks at when nobody is idle is one cache line.
struct Group {
    idle: CacheLine<AtomicU64>,
    next: OnceLock<Arc<Group>>,
    wakers: [WakerSlot; SEATS],
    owners: [AtomicU64; SEATS],
}

impl Default for Group {
    fn default() -> Self {
        Self {
            idle: CacheLine(AtomicU64::new(0)),
            next: OnceLock::new(),
            wakers: std::array::from_fn(|_| WakerSlot::default()),
            owners: std::array::from_fn(|_| AtomicU64::new(NOBODY)),
        }
    }
}

impl Group {
    /// Wakes those whose bits the caller has taken.
    fn wake(&self, owed: u64) {
        for index in bits(owed) {
            // The bits are taken: a panic that got through here would leave the others asleep for good.
            if catch_unwind(AssertUnwindSafe(|| self.wakers[index].wake())).is_err() {
                tracing::error!("the wake of a topic's subscriber panicked; the subscriber may have missed it");
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // One after the other: dropped by recursion, a long list would need a deep stack.
        let mut next = self.next.take();
        while let Some(mut group) = next.and_then(Arc::into_inner) {
            next = group.next.take();
        }
    }
}

/// The places of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(index)
    })
}
