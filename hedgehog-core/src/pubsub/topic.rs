//! One topic: its log and its sleepers, and what can be seen of them from outside.

use std::sync::Arc;

use serde::Serialize;

use super::idle::{IdleSet, Seat};
use super::log::{Cursor, Log, Reader};
use super::subscription::Acknowledge;
use super::{Overflow, Subscription};
use crate::exit::record::Incarnation;

/// A handle on one topic: clones publish to the same subscribers.
pub struct Topic<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    name: Arc<str>,
    log: Log<T>,
    idle: IdleSet,
}

impl<T: Send + Sync + 'static> Topic<T> {
    /// Publishes `event` to every subscriber of this moment, and returns without waiting for any.
    ///
    /// The event is dropped when its last subscriber is past it, in whichever thread that happens: here too, after
    /// everybody has been woken. With no subscriber it is dropped at once. If its `Drop` panics, that is logged and goes
    /// no further.
    ///
    /// From an actor that was declared dead, because a kill could not interrupt it, it publishes nothing.
    pub fn broadcast(&self, event: T) {
        if Incarnation::current_is_fenced() {
            return;
        }
        let evicted = self.shared.log.append(event);
        self.shared.idle.wake();
        drop(evicted);
    }

    /// Subscribes, starting with the next event published. Subscribing twice delivers twice.
    pub fn subscribe(&self, overflow: Overflow) -> Subscription<T> {
        Subscription::new(self, overflow, Acknowledge::OnDrain)
    }

    /// What the topic is doing at this moment. Other threads go on meanwhile: the figures need not add up exactly.
    pub fn info(&self) -> TopicInfo {
        let (readers, retained) = self.shared.log.readers();
        let published = self.published();
        let subscribers = readers
            .iter()
            .map(|reader| self.subscriber_info(reader, published))
            .collect();
        TopicInfo {
            name: Arc::clone(&self.shared.name),
            published,
            retained,
            subscribers,
        }
    }

    fn subscriber_info(&self, reader: &Reader, published: u64) -> SubscriberInfo {
        let position = reader.position();
        // A reader in the middle of its work may have moved on since `published` was read.
        let lag = published.saturating_sub(position);
        // What overflowed counts as lost now, although the subscriber will find out at its next drain only.
        let overflowed = reader.oldest(published).saturating_sub(position);
        SubscriberInfo {
            overflow: reader.overflow(),
            position,
            acknowledged: reader.acknowledged(),
            lag,
            high_water: reader.high_water().max(lag),
            lagged: reader.lagged() + overflowed,
            idle: self.shared.idle.seat(reader.id()).is_idle(),
        }
    }
}

impl<T> Topic<T> {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            shared: Arc::new(Shared {
                name,
                log: Log::new(),
                idle: IdleSet::default(),
            }),
        }
    }

    /// The name it is found under.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How many events were published so far; equally, the position of the next one.
    pub fn published(&self) -> u64 {
        self.shared.log.published()
    }

    pub(super) fn log(&self) -> &Log<T> {
        &self.shared.log
    }

    pub(super) fn admit(&self, overflow: Overflow) -> (Arc<Reader>, Cursor<T>, Seat) {
        let idle = &self.shared.idle;
        // Reserved under the log's lock: a publisher that this subscriber waits for comes after it, and sees the seat.
        let (reader, cursor) = self.shared.log.subscribe(overflow, |id| idle.reserve(id));
        let seat = idle.seat(reader.id());
        (reader, cursor, seat)
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> std::fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic")
            .field("name", &self.name())
            .field("published", &self.published())
            .finish()
    }
}

/// A topic as seen from outside.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TopicInfo {
    /// The name it is found under.
    pub name: Arc<str>,
    /// Events published since the topic was created.
    pub published: u64,
    /// Events the log holds at this moment for its slowest subscriber, rounded to chunks.
    pub retained: u64,
    /// Its subscribers, in no order that means anything.
    pub subscribers: Vec<SubscriberInfo>,
}

/// A subscriber as seen from outside.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SubscriberInfo {
    /// What it asked for.
    pub overflow: Overflow,
    /// The next event it will read, as of its last drain.
    pub position: u64,
    /// Everything before was acknowledged: by reading, or by hand where the subscription asks for that.
    pub acknowledged: u64,
    /// Events published but not read.
    pub lag: u64,
    /// The largest lag seen, now included.
    pub high_water: u64,
    /// Events it lost since it subscribed.
    pub lagged: u64,
    /// Whether it sleeps until the next event.
    pub idle: bool,
}
