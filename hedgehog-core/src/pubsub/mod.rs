//! Publish and subscribe on named topics: Phoenix.PubSub's place, built as a log instead of a message per subscriber.
//!
//! A topic is one append-only log with a publish position. A subscriber is a cursor into it. Broadcasting writes one slot
//! and wakes the subscribers that sleep; reading costs a load and gives a reference. Nothing is allocated, locked or
//! cloned per subscriber, so a hundred of them cost a publisher hardly more than one.
//!
//! A topic delivers to its subscribers of this moment, in the order of publication (which is per publisher the order of
//! its broadcasts); who subscribes later starts with the next event. [`broadcast`](Topic::broadcast) never waits. What
//! happens to a subscriber that cannot keep up is its own choice, [`Overflow`]; a publisher that is willing to wait for those
//! that ask for it says so with [`broadcast_wait`](Topic::broadcast_wait).
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
//! What is only counted or measured need not subscribe at all: [`Topic::inline`] has publishers call a closure.
//!
//! Differences from Phoenix.PubSub: one node; one event type per `PubSub`; a subscription is a value, whose drop is the
//! unsubscription; it is an actor's, and ends with it, if that actor is rung or named as its
//! [owner](SubscribeOptions::owner).
//!
//! The files, in reading order: `topic` (broadcasting) with `wait` and `dispatch`; `options` and `subscription` (reading) with
//! `events` (the stream) and `owner`; `supervised` (as a child) and `info` (from outside). Beneath this face is the `engine`, which
//! knows neither topics nor actors.

mod dispatch;
mod engine;
mod events;
mod info;
mod options;
mod owner;
mod subscription;
mod supervised;
#[cfg(test)]
mod tests;
mod topic;
mod wait;

pub use dispatch::{Subscriber, Subscribers};
pub use engine::{Drained, Overflow};
pub use events::{Events, Lagged};
pub use info::{SubscriberInfo, TopicInfo};
pub use options::SubscribeOptions;
pub use subscription::{Closed, Subscription};
pub use supervised::PubSubMsg;
pub(crate) use supervised::Topics;
pub use topic::{Inline, Topic};
pub use wait::{BroadcastWaitError, NoRoom};

use crate::{
    child_spec::ChildSpec,
    identity::{ChildId, Pid},
};
use dashmap::DashMap;
use engine::Acknowledge;
use std::sync::{Arc, atomic::AtomicBool};

/// Named topics of one event type.
///
/// A handle: clones share the topics. Topics come into being when first asked for and stay, so names are to come from a
/// bounded set. It works by itself; as a child of a supervisor ([`spec`](Self::spec)) it starts afresh with every restart.
pub struct PubSub<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    topics: DashMap<Arc<str>, Topic<T>>,
    /// An owner is running.
    owned: AtomicBool,
}

impl<T: Send + Sync + 'static> PubSub<T> {
    /// A `PubSub` without topics.
    pub fn new() -> Self {
        Self::default()
    }

    /// It as a child; one at a time. Put it before its subscribers, in a `RestForOne` supervisor.
    ///
    /// When this child ends, for whatever reason, every subscription is closed: a task's next
    /// [`next_batch`](Subscription::next_batch) fails with [`Closed`], a stream ends, a doorbell rings a last time. Handles on
    /// topics stay good, and whoever subscribes afterwards is served. Without a `spec` nothing of this ever happens.
    ///
    /// The node of this child in the [tree](crate::TreeNode::topics) shows the topics and their subscribers.
    pub fn spec(&self, id: impl Into<ChildId>) -> ChildSpec<PubSubMsg> {
        supervised::spec(&self.shared, id)
    }

    /// The topic of exactly this name. A publisher keeps it: that saves the look-up at every broadcast.
    pub fn topic(&self, name: &str) -> Topic<T> {
        if let Some(topic) = self.find(name) {
            return topic;
        }
        let name: Arc<str> = name.into();
        self.shared
            .topics
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

    /// Publishes `event` to the subscribers of `topic` but for the actor `from`; see [`Topic::broadcast_from`].
    pub fn broadcast_from(&self, from: Pid, topic: &str, event: T) {
        if let Some(topic) = self.find(topic) {
            topic.broadcast_from(from, event);
        }
    }

    /// Leaves it to `dispatcher` which subscribers of `topic` get what; see [`Topic::dispatch`].
    pub fn dispatch<E>(
        &self,
        topic: &str,
        from: Option<Pid>,
        event: E,
        dispatcher: impl FnOnce(&Subscribers<'_, T>, Option<Pid>, E),
    ) {
        if let Some(topic) = self.find(topic) {
            topic.dispatch(from, event, dispatcher);
        }
    }

    /// Subscribes to `topic`, starting with the next event published. Subscribing twice delivers twice.
    ///
    /// An [`Overflow`] is enough of an option for most.
    pub fn subscribe(&self, topic: &str, options: impl Into<SubscribeOptions>) -> Subscription<T> {
        self.topic(topic).subscribe(options)
    }

    /// Subscribes to `topic` without loss, with acknowledgement by hand: events are retained until
    /// [`Subscription::ack`], and [`Subscription::rewind`] goes back to the last one acknowledged.
    pub fn subscribe_acked(&self, topic: &str) -> Subscription<T> {
        Subscription::new(&self.topic(topic), Overflow::Lossless.into(), Acknowledge::ByHand)
    }

    /// Closes all subscriptions of the actor `owner` to `topic`, and says how many those were; see [`Topic::unsubscribe`].
    pub fn unsubscribe(&self, topic: &str, owner: Pid) -> usize {
        self.find(topic).map_or(0, |topic| topic.unsubscribe(owner))
    }

    /// What every topic is doing at this moment, by name.
    pub fn topics(&self) -> Vec<TopicInfo> {
        self.shared.infos()
    }

    /// Gives out a clone, never the map's guard: broadcasting runs wakers, and those may come back here.
    fn find(&self, name: &str) -> Option<Topic<T>> {
        self.shared.topics.get(name).map(|topic| topic.clone())
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    fn infos(&self) -> Vec<TopicInfo> {
        let mut infos: Vec<_> = self.all().iter().map(Topic::info).collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        infos
    }

    fn close_all(&self) {
        for topic in self.all() {
            topic.close_all();
        }
    }

    /// Clones, for the reason that `find` gives them out.
    fn all(&self) -> Vec<Topic<T>> {
        self.topics.iter().map(|entry| entry.value().clone()).collect()
    }
}

impl<T> Default for PubSub<T> {
    fn default() -> Self {
        let shared = Shared {
            topics: DashMap::new(),
            owned: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl<T> Clone for PubSub<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> std::fmt::Debug for PubSub<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PubSub")
            .field("topics", &self.shared.topics.len())
            .finish()
    }
}
