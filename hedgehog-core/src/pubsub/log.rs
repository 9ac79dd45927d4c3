//! The event log of one topic: chunks of slots, a publish position, and what is still retained for whom.
//!
//! Owned by a [`Topic`](super::Topic). Publishers append under the writer's lock; subscribers read through a
//! [`Cursor`] of their own without it, and take it only to subscribe, to leave, to jump and to free the oldest chunk.
//!
//! Invariants:
//!
//! * The live chunks are contiguous, and hold every event from the lowest [`Reader::needs`] up to the publish position.
//!   Without readers there are none: a topic nobody listens to retains nothing.
//! * A chunk points to the next one weakly, so a reader that never moves pins one chunk and not the chain behind it.
//! * No event is dropped, and nothing of the caller's runs, while the lock is held: what leaves the log is handed out as
//!   [`Evicted`]. A panic of an event's own `Drop` ends here: whoever happens to drop it last has no part in it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::Overflow;

/// Slots of a chunk: the unit in which events are allocated and freed.
pub(super) const CHUNK: usize = 64;

pub(super) struct Log<T> {
    writer: Mutex<Writer<T>>,
    /// The position the next event gets; equally, how many were published.
    ///
    /// `SeqCst` throughout: with the idle bits it forms the pair of store-then-load that decides who wakes a parked
    /// subscriber (see `idle`).
    published: CacheLine<AtomicU64>,
}

impl<T> Log<T> {
    pub(super) fn new() -> Self {
        let writer = Writer {
            live: VecDeque::new(),
            readers: Vec::new(),
            free: Vec::new(),
            slowest: 0,
        };
        Self {
            writer: Mutex::new(writer),
            published: CacheLine(AtomicU64::new(0)),
        }
    }

    pub(super) fn published(&self) -> u64 {
        self.published.0.load(Ordering::SeqCst)
    }

    /// Appends an event. The caller drops what comes back after it has woken the subscribers.
    pub(super) fn append(&self, event: T) -> Evicted<T> {
        let mut writer = self.writer.lock();
        let position = self.published();
        let mut evicted = Evicted::default();
        let unwanted = if let Some(newest) = writer.live.back() {
            let offset = (position - newest.base) as usize;
            if offset < CHUNK {
                newest.slots[offset].set(event).err()
            } else {
                let chunk = Chunk::new(position);
                let unwanted = chunk.slots[0].set(event).err();
                let linked = newest.next.set(Arc::downgrade(&chunk));
                debug_assert!(linked.is_ok(), "only the newest chunk is extended, once");
                writer.live.push_back(chunk);
                evicted.chunks = writer.trim(position);
                unwanted
            }
        } else {
            Some(event)
        };
        evicted.event = unwanted;
        self.published.0.store(position + 1, Ordering::SeqCst);
        evicted
    }

    /// Adds a reader that starts at the next event published. `prepare` runs before any of those can be.
    pub(super) fn subscribe(&self, overflow: Overflow, prepare: impl FnOnce(usize)) -> (Arc<Reader>, Cursor<T>) {
        let mut writer = self.writer.lock();
        let position = self.published();
        let id = writer.free.pop().unwrap_or(writer.readers.len());
        prepare(id);
        let reader = Arc::new(Reader::new(id, overflow, position));
        if id == writer.readers.len() {
            writer.readers.push(Some(Arc::clone(&reader)));
        } else {
            writer.readers[id] = Some(Arc::clone(&reader));
        }
        if writer.live.is_empty() {
            writer.live.push_back(Chunk::new(position));
        }
        let chunk = Arc::clone(writer.live.back().expect("a log with a reader has a chunk"));
        (reader, Cursor { chunk, position })
    }

    /// Removes a reader; its id is free for the next one from here on.
    pub(super) fn unsubscribe(&self, reader: &Reader) -> Evicted<T> {
        let mut writer = self.writer.lock();
        writer.readers[reader.id] = None;
        writer.free.push(reader.id);
        let chunks = if writer.free.len() == writer.readers.len() {
            std::mem::take(&mut writer.live).into()
        } else {
            let published = self.published();
            writer.trim(published)
        };
        Evicted { event: None, chunks }
    }

    /// A cursor at `position`, or at the oldest event that `reader` has not lost if that is later.
    pub(super) fn seek(&self, reader: &Reader, position: u64) -> Cursor<T> {
        let writer = self.writer.lock();
        let position = position.max(reader.oldest(self.published()));
        let oldest = writer.live.front().expect("a log with a reader has a chunk").base;
        // The end of the newest chunk belongs to that chunk as long as there is no next one.
        let index = ((position - oldest) as usize / CHUNK).min(writer.live.len() - 1);
        Cursor {
            chunk: Arc::clone(&writer.live[index]),
            position,
        }
    }

    /// Frees what a reader that moved on from `before` may have been the last to need.
    pub(super) fn release(&self, before: u64) -> Evicted<T> {
        let mut writer = self.writer.lock();
        let held_oldest = writer.live.front().is_some_and(|chunk| before < chunk.end());
        let published = self.published();
        let chunks = if held_oldest {
            writer.trim(published)
        } else {
            Vec::new()
        };
        Evicted { event: None, chunks }
    }

    /// The readers of this moment and how many events the log holds for them.
    pub(super) fn readers(&self) -> (Vec<Arc<Reader>>, u64) {
        let writer = self.writer.lock();
        let retained = writer.live.front().map_or(0, |oldest| self.published() - oldest.base);
        (writer.readers.iter().flatten().cloned().collect(), retained)
    }
}

struct Writer<T> {
    /// Oldest first. Empty exactly while there is no reader.
    live: VecDeque<Arc<Chunk<T>>>,
    /// By reader id; `None` at the ids in `free`.
    readers: Vec<Option<Arc<Reader>>>,
    free: Vec<usize>,
    /// The reader that kept the oldest chunk alive last time. Asking it first makes a trim that frees nothing cost one
    /// load instead of one per reader.
    slowest: usize,
}

impl<T> Writer<T> {
    /// Takes out the chunks that no reader needs any more, never the newest.
    fn trim(&mut self, published: u64) -> Vec<Arc<Chunk<T>>> {
        let mut chunks = Vec::new();
        while self.live.len() > 1 {
            let end = self.live[0].end();
            let holds = |reader: &Option<Arc<Reader>>| reader.as_ref().is_some_and(|r| r.needs(published) < end);
            if self.readers.get(self.slowest).is_some_and(holds) {
                break;
            }
            if let Some(slowest) = self.readers.iter().position(holds) {
                self.slowest = slowest;
                break;
            }
            chunks.extend(self.live.pop_front());
        }
        chunks
    }
}

/// What left the log under the writer's lock. Dropping it runs the events' own `Drop`, so it is done without the lock.
#[must_use = "the events are to be dropped after the wakes, at a place chosen with care"]
pub(super) struct Evicted<T> {
    event: Option<T>,
    chunks: Vec<Arc<Chunk<T>>>,
}

impl<T> Default for Evicted<T> {
    fn default() -> Self {
        Self {
            event: None,
            chunks: Vec::new(),
        }
    }
}

impl<T> Drop for Evicted<T> {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            contain(|| drop(event));
        }
    }
}

/// Where a subscriber reads: a position and the chunk that holds it, or ends there.
pub(super) struct Cursor<T> {
    chunk: Arc<Chunk<T>>,
    position: u64,
}

impl<T> Cursor<T> {
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Hands over events up to `until`, which must be published, or up to the end of the chunk; `false` if the chunk after
    /// this one is gone, and the cursor has to seek.
    pub(super) fn read(&mut self, until: u64, mut f: impl FnMut(&T)) -> bool {
        if self.position == self.chunk.end() {
            let Some(next) = self.chunk.next.get().and_then(Weak::upgrade) else {
                return false;
            };
            self.chunk = next;
        }
        let base = self.chunk.base;
        let (from, to) = (self.position - base, (until - base).min(CHUNK as u64));
        for slot in &self.chunk.slots[from as usize..to as usize] {
            // Before `f`, so that an event over which it panics is not read again.
            self.position += 1;
            f(slot.get().expect("a slot is filled before its position is published"));
        }
        true
    }
}

/// What the log knows of one subscriber: written by that subscriber, read by whoever trims the log or looks at it.
pub(super) struct Reader {
    id: usize,
    overflow: Overflow,
    progress: CacheLine<Progress>,
}

/// Alone on its cache lines: it is written at every drain.
struct Progress {
    /// The next event to read, as of the last drain.
    position: AtomicU64,
    /// Everything before it may go; only a lossless reader's is looked at.
    acknowledged: AtomicU64,
    lagged: AtomicU64,
    high_water: AtomicU64,
}

impl Reader {
    fn new(id: usize, overflow: Overflow, position: u64) -> Self {
        let progress = Progress {
            position: AtomicU64::new(position),
            acknowledged: AtomicU64::new(position),
            lagged: AtomicU64::new(0),
            high_water: AtomicU64::new(0),
        };
        Self {
            id,
            overflow,
            progress: CacheLine(progress),
        }
    }

    pub(super) fn id(&self) -> usize {
        self.id
    }

    pub(super) fn overflow(&self) -> Overflow {
        self.overflow
    }

    pub(super) fn position(&self) -> u64 {
        self.progress.0.position.load(Ordering::Acquire)
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.progress.0.acknowledged.load(Ordering::Acquire)
    }

    pub(super) fn lagged(&self) -> u64 {
        self.progress.0.lagged.load(Ordering::Relaxed)
    }

    pub(super) fn high_water(&self) -> u64 {
        self.progress.0.high_water.load(Ordering::Relaxed)
    }

    pub(super) fn moved_to(&self, position: u64) {
        self.progress.0.position.store(position, Ordering::Release);
    }

    /// Returns the acknowledged position from before.
    pub(super) fn acknowledge(&self, position: u64) -> u64 {
        self.progress.0.acknowledged.swap(position, Ordering::AcqRel)
    }

    pub(super) fn lost(&self, events: u64) {
        self.progress.0.lagged.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn was_behind(&self, lag: u64) {
        // Only the subscriber writes it: a load is all that most drains pay.
        if lag > self.high_water() {
            self.progress.0.high_water.store(lag, Ordering::Relaxed);
        }
    }

    /// The first event that this reader may not have lost by overflow.
    pub(super) fn oldest(&self, published: u64) -> u64 {
        match self.overflow {
            Overflow::DropOldest(capacity) => published.saturating_sub(capacity.max(1) as u64),
            Overflow::Lossless => 0,
        }
    }

    /// The first event that the log has to keep for this reader.
    fn needs(&self, published: u64) -> u64 {
        match self.overflow {
            Overflow::DropOldest(_) => self.position().max(self.oldest(published)),
            Overflow::Lossless => self.acknowledged(),
        }
    }
}

struct Chunk<T> {
    base: u64,
    slots: [OnceLock<T>; CHUNK],
    next: OnceLock<Weak<Chunk<T>>>,
}

impl<T> Chunk<T> {
    fn new(base: u64) -> Arc<Self> {
        Arc::new(Self {
            base,
            slots: [const { OnceLock::new() }; CHUNK],
            next: OnceLock::new(),
        })
    }

    fn end(&self) -> u64 {
        self.base + CHUNK as u64
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            // One by one: two panics in one unwinding would abort the process.
            for slot in &mut self.slots {
                if let Some(event) = slot.take() {
                    contain(|| drop(event));
                }
            }
        }
    }
}

/// Runs the destructor of an event in a thread that did nothing but hold it last.
fn contain(destructor: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(destructor)).is_err() {
        tracing::error!("the destructor of a broadcast event panicked");
    }
}

/// Keeps what different cores write apart: 128 bytes, because processors fetch lines in pairs.
#[repr(align(128))]
pub(super) struct CacheLine<T>(pub(super) T);
