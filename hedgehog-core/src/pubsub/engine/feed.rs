//! A log together with its sleepers: what publishers and subscribers meet at.
//!
//! Everything that depends on the order of two threads' steps is here and below, and knows neither topics nor actors, so
//! that it can be checked step by step against every order (`tests/models`).

use super::{
    chunk::Cursor,
    idle::{IdleSet, Seat},
    log::Log,
    overflow::{Metadata, Overflow},
    reader::{Acknowledge, Reader},
    sync::CHUNK,
};
use std::{sync::Arc, task::Waker};

pub(crate) struct Feed<T> {
    log: Log<T>,
    idle: IdleSet,
}

impl<T> Feed<T> {
    pub(crate) fn new() -> Self {
        Self {
            log: Log::new(),
            idle: IdleSet::default(),
        }
    }

    pub(crate) fn log(&self) -> &Log<T> {
        &self.log
    }

    /// The seat of the subscriber `id`, which is there.
    pub(crate) fn seat(&self, id: usize) -> Seat {
        self.idle.seat(id)
    }

    /// An event for everybody.
    pub(crate) fn publish(&self, event: T) {
        let evicted = self.log.append(event);
        self.idle.wake();
        drop(evicted);
    }

    /// An event for everybody but the subscriptions of `owner`.
    pub(crate) fn publish_except(&self, owner: u64, event: T) {
        let evicted = self.log.append_except(owner, event);
        self.idle.wake_except(owner);
        self.wake_blocking();
        drop(evicted);
    }

    /// An event for those of `readers` that are still there; returns how many those are.
    pub(crate) fn publish_only(&self, readers: &[&Arc<Reader>], event: T) -> usize {
        let (evicted, ids) = self.log.append_only(readers, event);
        for &id in &ids {
            self.idle.seat(id).wake();
        }
        self.wake_blocking();
        drop(evicted);
        ids.len()
    }

    /// An event that a subscriber has to pass over takes up room too: asleep on it, it would keep publishers waiting.
    fn wake_blocking(&self) {
        for id in self.log.blocking() {
            self.idle.seat(id).wake();
        }
    }

    /// The event for which the log has promised room; without one the promise is given back.
    pub(crate) fn publish_promised(&self, event: Option<T>) {
        let evicted = self.log.append_promised(event);
        self.idle.wake();
        drop(evicted);
    }

    pub(crate) fn admit(&self, overflow: Overflow, metadata: Option<Metadata>, acknowledge: Acknowledge) -> Place<T> {
        // Reserved under the log's lock: a publisher that this subscriber waits for comes after it, and sees the seat.
        let (reader, cursor) = self
            .log
            .subscribe(overflow, metadata, acknowledge, |id| self.idle.reserve(id));
        let seat = self.seat(reader.id());
        Place {
            released: cursor.position(),
            cursor,
            reader,
            seat,
            registered: None,
        }
    }

    /// Ends a subscription from outside, and lets its subscriber know.
    pub(crate) fn close(&self, reader: &Arc<Reader>, seat: &Seat) {
        let evicted = self.log.close(reader);
        seat.wake();
        drop(evicted);
    }
}

/// What a drain came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "`lagged` is the only word of events that were lost"]
pub struct Drained {
    /// Events handed over.
    pub read: usize,
    /// Events lost by overflow since the last drain, all of them older than those handed over; or not read when the
    /// subscription was closed.
    pub lagged: u64,
}

/// One subscriber's place in a feed. To be given back with [`leave`](Self::leave).
pub(crate) struct Place<T> {
    pub(super) cursor: Cursor<T>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) seat: Seat,
    /// The waker in the seat, which nobody else replaces: a task that falls asleep again need not look there.
    registered: Option<Waker>,
    /// The position up to which freeing the log was last tried.
    released: u64,
}

impl<T> Place<T> {
    pub(crate) fn position(&self) -> u64 {
        self.cursor.position()
    }

    /// How many events wait, or are lost and not counted yet.
    pub(crate) fn lag(&self, feed: &Feed<T>) -> u64 {
        let published = feed.log.published();
        self.reader.end().unwrap_or(published).saturating_sub(self.position())
    }

    /// Hands over at most `max` events and never waits.
    pub(crate) fn drain(&mut self, feed: &Feed<T>, max: usize, mut f: impl FnMut(&T)) -> Drained {
        let max = if self.reader.overflow() == Overflow::Latest {
            max.min(1)
        } else {
            max
        };
        let mut drained = Drained::default();
        let mut published = feed.log.published();
        self.reader.was_behind(published - self.position());
        if self.reader.end().is_some() || self.position() < self.reader.oldest(published) {
            drained.lagged += self.skip_lost(feed, published);
            published = feed.log.published();
        }
        while drained.read < max && self.position() < published && self.reader.end().is_none() {
            let from = self.position();
            let until = published.min(from.saturating_add((max - drained.read) as u64));
            let owner = || self.seat.owner();
            if let Ok(skipped) = self.cursor.read(until, &self.reader, owner, &mut f) {
                drained.read += (self.position() - from - skipped) as usize;
            } else {
                drained.lagged += self.skip_lost(feed, published);
                published = feed.log.published();
            }
        }
        self.reader.moved_to(self.position());
        drained
    }

    /// Moves to the oldest event that is not lost, and returns how many are.
    #[cold]
    fn skip_lost(&mut self, feed: &Feed<T>, published: u64) -> u64 {
        let position = self.position();
        let oldest = self.reader.oldest(published);
        if let Some(end) = self.reader.end() {
            self.cursor.finish(end);
        } else if oldest <= position || !self.cursor.advance(oldest) {
            match feed.log.seek(&self.reader, position) {
                Some(cursor) => self.cursor = cursor,
                None => self.cursor.finish(self.reader.end().unwrap_or(position)),
            }
        }
        let lost = self.position() - position;
        self.reader.lost(lost);
        lost
    }

    /// Lets go of everything before `position`.
    pub(crate) fn acknowledge(&mut self, feed: &Feed<T>, position: u64) {
        self.reader.acknowledge(position);
        // A publisher frees the log as it goes; a subscriber does it because no publisher may come, and less often while it is
        // far behind, because then one most likely does.
        let often = if self.lag(feed) < CHUNK as u64 { 1 } else { 8 };
        if position.saturating_sub(self.released) >= often * CHUNK as u64 {
            self.released = position;
            drop(feed.log.release(&self.reader));
        }
    }

    /// Falls asleep, to be woken by `waker`, if there is nothing to read; `false` if there is, or if the subscription was
    /// closed.
    pub(crate) fn park(&mut self, feed: &Feed<T>, waker: &Waker) -> bool {
        if !self
            .registered
            .as_ref()
            .is_some_and(|registered| registered.will_wake(waker))
        {
            self.seat.register(waker.clone());
            self.registered = Some(waker.clone());
        }
        self.seat.set_idle();
        // Asked after the bit was set: an event may have come, or the end, just before.
        self.lag(feed) == 0 && self.reader.end().is_none()
    }

    /// Falls asleep until `waker` rings, once; true if there is something to read or to know already, and nobody else will ring.
    pub(crate) fn rearm(&mut self, feed: &Feed<T>, waker: &Waker) -> bool {
        self.lag(feed) > 0 || (!self.park(feed, waker) && self.seat.call_off())
    }

    /// Goes back to what was acknowledged; has no effect where that may be lost.
    pub(crate) fn rewind(&mut self, feed: &Feed<T>) {
        let acknowledged = self.reader.acknowledged();
        let keeps = matches!(self.reader.overflow(), Overflow::Lossless | Overflow::Block(_));
        if keeps
            && acknowledged < self.position()
            && let Some(cursor) = feed.log.seek(&self.reader, acknowledged)
        {
            self.cursor = cursor;
            self.reader.moved_to(self.position());
        }
    }

    /// Gives the place up, for the next subscriber.
    pub(crate) fn leave(&self, feed: &Feed<T>) {
        // In this order: with `unsubscribe` the seat may belong to the next subscriber.
        self.seat.vacate();
        drop(feed.log.unsubscribe(&self.reader));
    }
}
