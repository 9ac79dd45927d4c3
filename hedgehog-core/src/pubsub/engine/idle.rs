//! Who sleeps: one bit per subscriber, and how to wake each.
//!
//! Owned by a [`Feed`](super::feed::Feed). A subscriber with nothing to read sets its bit and looks at the publish position
//! once more; a publisher stores the position and then takes all bits of a group in one swap. Both orders are `SeqCst`, so at
//! least one of the two sees the other, and whoever takes a bit owes that subscriber a wake. Groups beyond the first have a bit of
//! their own, kept in the same way: publishing to subscribers that are awake costs one load, and one more per 4 096 of them.
//!
//! A wake may come without need (a bit taken just before its subscriber left or read on), never too late.

use super::{
    reader::CacheLine,
    sync::{AtomicU64, OnceLock, SEATS, WakerSlot},
};
use crate::panic;
use std::{
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

/// The owner of a subscription that nobody owns: no pid is zero.
pub(crate) const NOBODY: u64 = 0;

/// Groups of subscribers. They grow under the log's lock, which orders that with the publishers that come after, and never
/// shrink.
#[derive(Default)]
pub(super) struct IdleSet {
    /// The first ones are looked at without being asked for: most topics have no others.
    first: OnceLock<Arc<Group>>,
    blocks: OnceLock<Arc<Block>>,
}

impl IdleSet {
    /// Makes room for the subscriber `id`.
    pub(super) fn reserve(&self, id: usize) {
        let Some(further) = (id / SEATS).checked_sub(1) else {
            self.first.get_or_init(Arc::default);
            return;
        };
        let mut block = self.blocks.get_or_init(Arc::default);
        for _ in 0..further / SEATS {
            block = block.next.get_or_init(Arc::default);
        }
        block.groups[further % SEATS].get_or_init(Arc::default);
    }

    /// The place of the subscriber `id`, for which there is room.
    pub(super) fn seat(&self, id: usize) -> Seat {
        const RESERVED: &str = "room is reserved before a seat is taken";
        let index = id % SEATS;
        let Some(further) = (id / SEATS).checked_sub(1) else {
            let group = Arc::clone(self.first.get().expect(RESERVED));
            return Seat {
                group,
                index,
                block: None,
            };
        };
        let block = self.blocks().nth(further / SEATS).expect(RESERVED);
        let place = further % SEATS;
        let group = Arc::clone(block.groups[place].get().expect(RESERVED));
        Seat {
            group,
            index,
            block: Some((Arc::clone(block), 1 << place)),
        }
    }

    /// Wakes every subscriber that is idle.
    pub(super) fn wake(&self) {
        if let Some(group) = self.first.get() {
            group.wake_all();
        }
        for block in self.blocks() {
            if block.idle.0.load(Ordering::SeqCst) != 0 {
                // Before the groups are looked at: who falls asleep from here on sets the bit anew.
                let groups = bits(block.idle.0.swap(0, Ordering::SeqCst));
                for group in groups.filter_map(|place| block.groups[place].get()) {
                    group.wake_all();
                }
            }
        }
    }

    /// Wakes every subscriber that is idle and does not belong to `owner`.
    pub(super) fn wake_except(&self, owner: u64) {
        let further = self.blocks().flat_map(|block| &block.groups);
        for group in std::iter::once(&self.first).chain(further).filter_map(OnceLock::get) {
            let idle = group.idle.0.load(Ordering::SeqCst);
            let others = bits(idle).filter(|&index| group.owners[index].load(Ordering::Acquire) != owner);
            let others = others.fold(0, |others, index| others | 1 << index);
            if others != 0 {
                group.wake(group.idle.0.fetch_and(!others, Ordering::SeqCst) & others);
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        std::iter::successors(self.blocks.get(), |block| block.next.get())
    }
}

/// One subscriber's bit and waker, and whose it is.
#[derive(Clone)]
pub(crate) struct Seat {
    group: Arc<Group>,
    index: usize,
    /// Where the group has a bit, unless it is the first.
    block: Option<(Arc<Block>, u64)>,
}

impl Seat {
    /// Asks for a wake at the next event. The caller then looks whether one came in between.
    #[inline]
    pub(super) fn set_idle(&self) {
        self.group.idle.0.fetch_or(self.bit(), Ordering::SeqCst);
        if let Some((block, group)) = &self.block
            && block.idle.0.load(Ordering::SeqCst) & group == 0
        {
            block.idle.0.fetch_or(*group, Ordering::SeqCst);
        }
    }

    /// Asks for no wake after all; false if one is on its way.
    pub(super) fn call_off(&self) -> bool {
        self.group.idle.0.fetch_and(!self.bit(), Ordering::SeqCst) & self.bit() != 0
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.group.idle.0.load(Ordering::SeqCst) & self.bit() != 0
    }

    /// Wakes this subscriber if it is idle.
    pub(super) fn wake(&self) {
        let idle = self.group.idle.0.fetch_and(!self.bit(), Ordering::SeqCst);
        self.group.wake(idle & self.bit());
    }

    /// The pid of the actor it belongs to, or [`NOBODY`].
    pub(crate) fn owner(&self) -> u64 {
        self.group.owners[self.index].load(Ordering::Acquire)
    }

    pub(crate) fn set_owner(&self, owner: u64) {
        self.group.owners[self.index].store(owner, Ordering::Release);
    }

    /// Takes the seat away from `owner`, unless it is somebody else's by now.
    pub(crate) fn disown(&self, owner: u64) {
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
    wakers: [WakerSlot; SEATS],
    owners: [AtomicU64; SEATS],
}

impl Default for Group {
    fn default() -> Self {
        Self {
            idle: CacheLine(AtomicU64::new(0)),
            wakers: std::array::from_fn(|_| WakerSlot::default()),
            owners: std::array::from_fn(|_| AtomicU64::new(NOBODY)),
        }
    }
}

/// Up to 64 groups, with a bit for each in which somebody may be idle.
struct Block {
    idle: CacheLine<AtomicU64>,
    groups: [OnceLock<Arc<Group>>; SEATS],
    next: OnceLock<Arc<Block>>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            idle: CacheLine(AtomicU64::new(0)),
            groups: std::array::from_fn(|_| OnceLock::new()),
            next: OnceLock::new(),
        }
    }
}

impl Group {
    /// Wakes everybody who is idle.
    fn wake_all(&self) {
        // A load first: the swap would take the cache line away from subscribers that are busy, at every event.
        if self.idle.0.load(Ordering::SeqCst) != 0 {
            self.wake(self.idle.0.swap(0, Ordering::SeqCst));
        }
    }

    /// Wakes those whose bits the caller has taken.
    fn wake(&self, owed: u64) {
        for index in bits(owed) {
            // The bits are taken: a panic that got through here would leave the others asleep for good.
            if let Err(panic) = panic::catch_sync(|| self.wakers[index].wake()) {
                tracing::error!(%panic, "the wake of a topic's subscriber panicked; the subscriber may have missed it");
            }
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
