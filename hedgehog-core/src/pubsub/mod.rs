//! Publish and subscribe on named topics: Phoenix.PubSub's place, built as a log instead of a message per subscriber.
//!
//! A topic is one append-only log with a publish position. A subscriber is a cursor into it. Broadcasting writes one slot
//! and wakes the subscribers that sleep; reading costs a load and gives a reference. Nothing is allocated, locked or
//! cloned per subscriber, so a hundred of them cost a publisher hardly more than one.
//!
//! A topic delivers to its subscribers of this moment, in the order of publication (which is per publisher the order of
//! its broadcasts); who subscribes later starts with the next event. A publisher never waits. What happens to a subscriber
//! that cannot keep up is its own choice, [`Overflow`].
//!
//! Tasks wait with [`Subscription::next_batch`] or as a stream ([`Subscription::into_events`]). An actor cannot wait for
//! anything but its mailbox, so it has itself rung: [`Subscription::ring`] sends it one message, and no second one before
//! it has read, however many events come in.
//!
//! ```
//! use hedgehog_core::pubsub::{Overflow, PubSub};
//!
//! let pubsub = PubSub::new();
//! pubsub.broadcast("TRADE_EVENTS:BTCUSDT", 1); // nobody listens: gone
//! let mut trades = pubsub.subscribe("TRADE_EVENTS:BTCUSDT", Overflow::DropOldest(2));
//! for price in [2, 3, 4] {
//!     pubsub.broadcast("TRADE_EVENTS:BTCUSDT", price);
//! }
//! let mut seen = Vec::new();
//! let drained = trades.drain(usize::MAX, |price| seen.push(*price));
//! assert_eq!((seen, drained.lagged), (vec![3, 4], 1));
//! ```
//!
//! Differences from Phoenix.PubSub: one node; one event type per `PubSub`; a subscription is a value, whose drop is the
//! unsubscription; a subscription is not tied to the process that made it, so that a successor can take it over.
//!
//! The files, in reading order: `topic` (broadcasting), `subscription` (reading), `log` and `idle` (how), `doorbell` (waking),
//! `events` (the stream).

mod doorbell;
mod events;
mod idle;
mod log;
mod subscription;
#[cfg(test)]
mod tests;
mod topic;

use std::sync::Arc;

use dashmap::DashMap;
use serde::Serialize;

pub use events::{Events, Lagged};
pub use subscription::{Drained, Subscription};
pub use topic::{SubscriberInfo, Topic, TopicInfo};

use subscription::Acknowledge;

/// Named topics of one event type.
///
/// A handle: clones share the topics. Topics come into being when first asked for and stay, so names are to come from a
/// bounded set.
pub struct PubSub<T> {
    topics: Arc<DashMap<Arc<str>, Topic<T>>>,
}

impl<T: Send + Sync + 'static> PubSub<T> {
    /// A `PubSub` without topics.
    pub fn new() -> Self {
        Self::default()
    }

    /// The topic of exactly this name. A publisher keeps it: that saves the look-up at every broadcast.
    pub fn topic(&self, name: &str) -> Topic<T> {
        if let Some(topic) = self.find(name) {
            return topic;
        }
        let name: Arc<str> = name.into();
        self.topics
            .entry(Arc::clone(&name))
            .or_insert_with(|| Topic::new(name))
            .clone()
    }

    /// Publishes `event` to the subscribers of `topic`; see [`Topic::broadcast`]. Creates no topic.
    pub fn broadcast(&self, topic: &str, event: T) {
        if let Some(topic) = self.find(topic) {
            topic.broadcast(event);
        }
    }

    /// Subscribes to `topic`, starting with the next event published. Subscribing twice delivers twice.
    pub fn subscribe(&self, topic: &str, overflow: Overflow) -> Subscription<T> {
        self.topic(topic).subscribe(overflow)
    }

    /// Subscribes to `topic` without loss, with acknowledgement by hand: events are retained until
    /// [`Subscription::ack`], and [`Subscription::rewind`] goes back to the last one acknowledged.
    pub fn subscribe_acked(&self, topic: &str) -> Subscription<T> {
        Subscription::new(&self.topic(topic), Overflow::Lossless, Acknowledge::ByHand)
    }

    /// What every topic is doing at this moment, by name.
    pub fn topics(&self) -> Vec<TopicInfo> {
        let topics: Vec<_> = self.topics.iter().map(|entry| entry.value().clone()).collect();
        let mut infos: Vec<_> = topics.iter().map(Topic::info).collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        infos
    }

    /// Gives out a clone, never the map's guard: broadcasting runs wakers, and those may come back here.
    fn find(&self, name: &str) -> Option<Topic<T>> {
        self.topics.get(name).map(|topic| topic.clone())
    }
}

impl<T> Default for PubSub<T> {
    fn default() -> Self {
        Self { topics: Arc::default() }
    }
}

impl<T> Clone for PubSub<T> {
    fn clone(&self) -> Self {
        Self {
            topics: Arc::clone(&self.topics),
        }
    }
}

impl<T> std::fmt::Debug for PubSub<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PubSub").field("topics", &self.topics.len()).finish()
    }
}

/// What happens when a subscriber does not keep up. The publisher waits in no case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overflow {
    /// At most this many events wait (0 counts as 1); beyond that the oldest are lost to this subscriber, and counted in
    /// [`Drained::lagged`]. A subscriber that never reads costs its capacity and one chunk of the log.
    DropOldest(usize),
    /// Nothing is lost: a mailbox's semantics, and like a mailbox it grows while its owner is stuck.
    /// [`Subscription::lag`] and [`TopicInfo`] show by how much.
    Lossless,
}

impl Default for Overflow {
    /// `DropOldest(4096)`.
    fn default() -> Self {
        Self::DropOldest(4096)
    }
}
