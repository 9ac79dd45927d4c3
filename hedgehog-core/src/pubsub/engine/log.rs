//! The event log of one topic: its chunks, the publish position, and what is still retained for whom.
//!
//! Owned by a [`Feed`](super::feed::Feed). Publishers append under the writer's lock; subscribers read through a
//! [`Cursor`] of their own without it, and take it only to subscribe, to leave, to jump and to free the oldest chunk.
//!
//! Invariants:
//!
//! * The live chunks are contiguous, and hold every event from the lowest [`Reader::needs`] up to the publish position.
//!   Without open readers there are none: a topic nobody listens to retains nothing.
//! * No event is dropped, and nothing of the caller's runs, while the lock is held: what leaves the log is handed out as
//!   [`Evicted`]. A panic of an event's own `Drop` ends here: whoever happens to drop it last has no part in it.

use super::{
    chunk::{Audience, Chunk, Cursor, contain},
    overflow::{Metadata, Overflow},
    reader::{Acknowledge, CacheLine, Reader},
    sync::{AtomicU64, CHUNK, Mutex, fence},
};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

pub(crate) struct Log<T> {
    writer: Mutex<Writer<T>>,
    /// The position the next event gets; equally, how many were published.
    ///
    /// `SeqCst` throughout: with the idle bits it forms the pair of store-then-load that decides who wakes a parked
    /// subscriber (see `idle`).
    published: CacheLine<AtomicU64>,
    /// The id of the reader that held the oldest chunk when somebody last looked. While there is more than one chunk, that
    /// reader, and it alone, has to come and free the chunk when it moves on.
    slowest: AtomicU64,
}

impl<T> Log<T> {
    pub(super) fn new() -> Self {
        let writer = Writer {
            live: VecDeque::new(),
            readers: Vec::new(),
            free: Vec::new(),
            open: 0,
            blocking: Vec::new(),
            promised: 0,
        };
        Self {
            writer: Mutex::new(writer),
            published: CacheLine(AtomicU64::new(0)),
            slowest: AtomicU64::new(0),
        }
    }

    pub(crate) fn published(&self) -> u64 {
        self.published.0.load(Ordering::SeqCst)
    }

    /// Appends an event for everybody. The caller drops what comes back after it has woken the subscribers.
    pub(super) fn append(&self, event: T) -> Evicted<T> {
        self.append_under(&mut self.writer.lock(), event, None)
    }

    /// Appends an event for everybody but the subscriptions of `owner`.
    pub(super) fn append_except(&self, owner: u64, event: T) -> Evicted<T> {
        self.append_under(&mut self.writer.lock(), event, Some(Audience::Except(owner)))
    }

    /// Appends an event for those of `readers` that are still there, and names them.
    pub(super) fn append_only(&self, readers: &[&Arc<Reader>], event: T) -> (Evicted<T>, Vec<usize>) {
        let mut writer = self.writer.lock();
        let mut ids: Vec<_> = readers
            .iter()
            .filter(|reader| writer.has(reader))
            .map(|reader| reader.id())
            .collect();
        ids.sort_unstable();
        if ids.is_empty() {
            return (Evicted::of(event), ids);
        }
        let audience = Audience::Only(ids.clone().into());
        (self.append_under(&mut writer, event, Some(audience)), ids)
    }

    /// Promises room for one event at every reader that publishers wait for; the ids of those that are full if there is none.
    pub(crate) fn promise(&self) -> Result<(), Vec<usize>> {
        let mut writer = self.writer.lock();
        let (published, promised) = (self.published(), writer.promised);
        let full = writer
            .blocking
            .iter()
            .filter(|reader| reader.is_full(published, promised));
        let full: Vec<_> = full.map(|reader| reader.id()).collect();
        if full.is_empty() {
            writer.promised += 1;
            Ok(())
        } else {
            Err(full)
        }
    }

    /// Uses up a promise of room, for an event or for nothing.
    pub(super) fn append_promised(&self, event: Option<T>) -> Evicted<T> {
        let mut writer = self.writer.lock();
        writer.promised -= 1;
        match event {
            Some(event) => self.append_under(&mut writer, event, None),
            None => Evicted::default(),
        }
    }

    #[inline]
    fn append_under(&self, writer: &mut Writer<T>, event: T, audience: Option<Audience>) -> Evicted<T> {
        let position = self.published();
        let mut evicted = Evicted::default();
        if let Some(newest) = writer.live.back() {
            if position < newest.end() {
                newest.fill(position, event, audience);
            } else {
                let chunk = Chunk::new(position);
                chunk.fill(position, event, audience);
                newest.link(&chunk);
                writer.live.push_back(chunk);
                evicted.chunks = self.trim(writer, position);
            }
        } else {
            evicted.event = Some(event);
        }
        self.published.0.store(position + 1, Ordering::SeqCst);
        evicted
    }

    /// Adds a reader that starts at the next event published. `prepare` runs before any of those can be.
    pub(super) fn subscribe(
        &self,
        overflow: Overflow,
        metadata: Option<Metadata>,
        acknowledge: Acknowledge,
        prepare: impl FnOnce(usize),
    ) -> (Arc<Reader>, Cursor<T>) {
        let mut writer = self.writer.lock();
        let position = self.published();
        let id = writer.free.pop().unwrap_or(writer.readers.len());
        prepare(id);
        let reader = Arc::new(Reader::new(id, overflow, metadata, acknowledge, position));
        if id == writer.readers.len() {
            writer.readers.push(Some(Arc::clone(&reader)));
        } else {
            writer.readers[id] = Some(Arc::clone(&reader));
        }
        writer.open += 1;
        if matches!(overflow, Overflow::Block(_)) {
            writer.blocking.push(Arc::clone(&reader));
        }
        if writer.live.is_empty() {
            writer.live.push_back(Chunk::new(position));
        }
        let chunk = Arc::clone(writer.live.back().expect("a log with an open reader has a chunk"));
        (reader, Cursor::new(chunk, position))
    }

    /// Ends a reader where the log is now: nothing is kept for it any more. Its id stays taken.
    pub(super) fn close(&self, reader: &Arc<Reader>) -> Evicted<T> {
        let mut writer = self.writer.lock();
        self.close_under(&mut writer, reader)
    }

    /// Removes a reader; its id is free for the next one from here on.
    pub(super) fn unsubscribe(&self, reader: &Arc<Reader>) -> Evicted<T> {
        let mut writer = self.writer.lock();
        let evicted = self.close_under(&mut writer, reader);
        writer.readers[reader.id()] = None;
        writer.free.push(reader.id());
        evicted
    }

    fn close_under(&self, writer: &mut Writer<T>, reader: &Arc<Reader>) -> Evicted<T> {
        let published = self.published();
        let mut evicted = Evicted::default();
        if reader.close(published) {
            writer.open -= 1;
            writer.blocking.retain(|blocking| !Arc::ptr_eq(blocking, reader));
            evicted.chunks = if writer.open == 0 {
                std::mem::take(&mut writer.live).into()
            } else {
                self.trim(writer, published)
            };
        }
        evicted
    }

    /// A cursor at `position`, or at the oldest event that `reader` has not lost if that is later. `None` if it was closed.
    pub(super) fn seek(&self, reader: &Reader, position: u64) -> Option<Cursor<T>> {
        let writer = self.writer.lock();
        if reader.end().is_some() {
            return None;
        }
        let position = position.max(reader.oldest(self.published()));
        let oldest = writer
            .live
            .front()
            .expect("a log with an open reader has a chunk")
            .base();
        // The end of the newest chunk belongs to that chunk as long as there is no next one.
        let index = ((position - oldest) as usize / CHUNK).min(writer.live.len() - 1);
        Some(Cursor::new(Arc::clone(&writer.live[index]), position))
    }

    /// Frees what `reader`, which has just moved on, may have been the last to need.
    pub(super) fn release(&self, reader: &Reader) -> Evicted<T> {
        // The other half is in `holds`: either the one that counts on this reader sees where it is now, or it is seen here.
        fence(Ordering::SeqCst);
        let chunks = if self.slowest.load(Ordering::Relaxed) == reader.id() as u64 {
            let mut writer = self.writer.lock();
            let published = self.published();
            self.trim(&mut writer, published)
        } else {
            Vec::new()
        };
        Evicted { event: None, chunks }
    }

    /// Takes out the chunks that no reader needs any more, never the newest.
    ///
    /// The search begins with the reader that stopped the last one and goes round: most often that reader stops it again, and
    /// when readers move on one after the other it is the next.
    fn trim(&self, writer: &mut Writer<T>, published: u64) -> Vec<Arc<Chunk<T>>> {
        let Writer { live, readers, .. } = writer;
        let mut chunks = Vec::new();
        let mut slowest = (self.slowest.load(Ordering::Relaxed) as usize).min(readers.len());
        while live.len() > 1 {
            let oldest = live[0].end();
            let mut needed = u64::MAX;
            for id in (slowest..readers.len()).chain(0..slowest) {
                let Some(reader) = &readers[id] else { continue };
                let needs = reader.needs(published);
                if needs < oldest && self.holds(reader, published, oldest) {
                    return chunks;
                }
                if needs < needed {
                    (needed, slowest) = (needs, id);
                }
            }
            while live.len() > 1 && live[0].end() <= needed {
                chunks.extend(live.pop_front());
            }
        }
        chunks
    }

    /// Counts on `reader` to free the chunk that ends at `oldest`, unless it has moved on.
    fn holds(&self, reader: &Reader, published: u64, oldest: u64) -> bool {
        self.slowest.store(reader.id() as u64, Ordering::Relaxed);
        // The other half is in `release`.
        fence(Ordering::SeqCst);
        reader.needs(published) < oldest
    }

    /// The lowest position that an open reader that acknowledges by hand has acknowledged; `None` without such a reader.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        let writer = self.writer.lock();
        let open = writer.readers.iter().flatten().filter(|reader| reader.end().is_none());
        open.filter(|reader| reader.acknowledge_mode() == Acknowledge::ByHand)
            .map(|reader| reader.acknowledged())
            .min()
    }

    /// Whether every open reader that acknowledges by hand and was there when the event at `position` was published has
    /// acknowledged it; `None` without such a reader.
    pub(crate) fn has_acknowledged(&self, position: u64) -> Option<bool> {
        let writer = self.writer.lock();
        let open = writer.readers.iter().flatten().filter(|reader| reader.end().is_none());
        open.filter(|reader| reader.acknowledge_mode() == Acknowledge::ByHand && reader.began() <= position)
            .map(|reader| reader.acknowledged() > position)
            .reduce(|all, one| all && one)
    }

    /// The ids of the open readers that publishers wait for.
    pub(super) fn blocking(&self) -> Vec<usize> {
        let writer = self.writer.lock();
        writer.blocking.iter().map(|reader| reader.id()).collect()
    }

    /// The open readers of this moment, by id, and how many events the log holds for them.
    pub(crate) fn readers(&self) -> (Vec<Arc<Reader>>, u64) {
        let writer = self.writer.lock();
        let retained = writer.live.front().map_or(0, |oldest| self.published() - oldest.base());
        let open = writer.readers.iter().flatten().filter(|reader| reader.end().is_none());
        (open.cloned().collect(), retained)
    }
}

struct Writer<T> {
    /// Oldest first. Empty exactly while no reader is open.
    live: VecDeque<Arc<Chunk<T>>>,
    /// By reader id; `None` at the ids in `free`.
    readers: Vec<Option<Arc<Reader>>>,
    free: Vec<usize>,
    /// How many readers are not closed.
    open: usize,
    /// The open readers that publishers wait for.
    blocking: Vec<Arc<Reader>>,
    /// Events for which room was promised and that are still to come.
    promised: u64,
}

impl<T> Writer<T> {
    /// Whether it is this very reader that has its id, and is open.
    fn has(&self, reader: &Arc<Reader>) -> bool {
        let present = self.readers.get(reader.id()).and_then(Option::as_ref);
        present.is_some_and(|present| Arc::ptr_eq(present, reader)) && reader.end().is_none()
    }
}

/// What left the log under the writer's lock. Dropping it runs the events' own `Drop`, so it is done without the lock.
#[must_use = "the events are to be dropped after the wakes, at a place chosen with care"]
pub(super) struct Evicted<T> {
    event: Option<T>,
    chunks: Vec<Arc<Chunk<T>>>,
}

impl<T> Evicted<T> {
    fn of(event: T) -> Self {
        Self {
            event: Some(event),
            chunks: Vec::new(),
        }
    }
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
