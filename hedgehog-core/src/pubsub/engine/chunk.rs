//! A run of the log's slots, and the cursor that reads them.
//!
//! A chunk is filled by the log under its writer's lock and read without any. A chunk points to the next one weakly, so a
//! reader that never moves pins one chunk and not the chain behind it.

use super::{
    reader::Reader,
    sync::{AtomicU64, CHUNK, OnceLock},
};
use crate::panic;
use std::sync::{Arc, Weak, atomic::Ordering};

pub(super) struct Chunk<T> {
    base: u64,
    /// A bit per slot whose event is not for everybody. Hardly any chunk has one, and then reading costs this one load.
    addressed: AtomicU64,
    slots: [OnceLock<T>; CHUNK],
    audiences: OnceLock<Box<[OnceLock<Audience>; CHUNK]>>,
    next: OnceLock<Weak<Chunk<T>>>,
}

/// Whom an event is for, if not for everybody.
#[derive(Debug)]
pub(super) enum Audience {
    /// Everybody but the subscriptions of this owner.
    Except(u64),
    /// The readers of these ids, in rising order. A later reader of the same id begins behind the event.
    Only(Box<[usize]>),
}

impl Audience {
    fn includes(&self, reader: &Reader, owner: u64) -> bool {
        match self {
            Self::Except(from) => owner != *from,
            Self::Only(ids) => ids.binary_search(&reader.id()).is_ok(),
        }
    }
}

impl<T> Chunk<T> {
    pub(super) fn new(base: u64) -> Arc<Self> {
        Arc::new(Self {
            base,
            addressed: AtomicU64::new(0),
            slots: empty(),
            audiences: OnceLock::new(),
            next: OnceLock::new(),
        })
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn end(&self) -> u64 {
        self.base + CHUNK as u64
    }

    /// Fills the slot of `position`, which the caller publishes afterwards.
    pub(super) fn fill(&self, position: u64, event: T, audience: Option<Audience>) {
        let offset = (position - self.base) as usize;
        if let Some(audience) = audience {
            let audiences = self.audiences.get_or_init(|| Box::new(empty()));
            let first = audiences[offset].set(audience).is_ok();
            debug_assert!(first, "a slot is filled once");
            // Seen by whoever sees the position published.
            self.addressed.fetch_or(1 << offset, Ordering::Release);
        }
        let first = self.slots[offset].set(event).is_ok();
        debug_assert!(first, "a slot is filled once");
    }

    pub(super) fn link(&self, next: &Arc<Self>) {
        let linked = self.next.set(Arc::downgrade(next));
        debug_assert!(linked.is_ok(), "only the newest chunk is extended, once");
    }

    /// Whether the event at `offset` is for `reader`, which belongs to `owner`.
    fn is_for(&self, offset: usize, reader: &Reader, owner: u64) -> bool {
        let audience = self.audiences.get().and_then(|audiences| audiences[offset].get());
        audience.is_none_or(|audience| audience.includes(reader, owner))
    }
}

fn empty<T>() -> [OnceLock<T>; CHUNK] {
    std::array::from_fn(|_| OnceLock::new())
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

/// Runs the destructor of something of the user's in a thread that did nothing but hold it last.
pub(super) fn contain(destructor: impl FnOnce()) {
    if let Err(panic) = panic::catch_sync(destructor) {
        tracing::error!(%panic, "the destructor of a broadcast event panicked");
    }
}

/// Where a subscriber reads: a position and the chunk that holds it, or ends there.
pub(super) struct Cursor<T> {
    chunk: Arc<Chunk<T>>,
    position: u64,
}

/// The chunk after the cursor's is gone: it has to seek.
pub(super) struct Gone;

impl<T> Cursor<T> {
    pub(super) fn new(chunk: Arc<Chunk<T>>, position: u64) -> Self {
        Self { chunk, position }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Goes forward to `position` if its own chunk reaches so far.
    pub(super) fn advance(&mut self, position: u64) -> bool {
        let within = position <= self.chunk.end();
        if within {
            self.position = position;
        }
        within
    }

    /// Gives up what is left before `position`, where the subscription ended.
    pub(super) fn finish(&mut self, position: u64) {
        self.position = self.position.max(position);
    }

    /// Hands over the events up to `until`, which must be published, or up to the end of the chunk; `owner` is whose the
    /// reader is. Returns how many were passed over because they are for others.
    pub(super) fn read(
        &mut self,
        until: u64,
        reader: &Reader,
        owner: impl FnOnce() -> u64,
        mut f: impl FnMut(&T),
    ) -> Result<u64, Gone> {
        if self.position == self.chunk.end() {
            let next = self.chunk.next.get().and_then(Weak::upgrade);
            self.chunk = next.ok_or(Gone)?;
        }
        let base = self.chunk.base;
        let (from, to) = (
            (self.position - base) as usize,
            (until - base).min(CHUNK as u64) as usize,
        );
        if self.chunk.addressed.load(Ordering::Acquire) != 0 {
            return Ok(self.read_addressed(from, to, reader, owner(), f));
        }
        let mut reading = Reading {
            position: self.position,
            cursor: &mut self.position,
        };
        for slot in &self.chunk.slots[from..to] {
            // Before `f`, so that an event over which it panics is not read again.
            reading.position += 1;
            f(slot.get().expect("a slot is filled before its position is published"));
        }
        Ok(0)
    }

    #[cold]
    fn read_addressed(&mut self, from: usize, to: usize, reader: &Reader, owner: u64, mut f: impl FnMut(&T)) -> u64 {
        let mut skipped = 0;
        for offset in from..to {
            self.position += 1;
            if self.chunk.is_for(offset, reader, owner) {
                let slot = &self.chunk.slots[offset];
                f(slot.get().expect("a slot is filled before its position is published"));
            } else {
                reader.skip();
                skipped += 1;
            }
        }
        skipped
    }
}

/// Moves the cursor at the end of a read, also of one that panics: written for every event, it would take as long as the read.
struct Reading<'a> {
    position: u64,
    cursor: &'a mut u64,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        *self.cursor = self.position;
    }
}
