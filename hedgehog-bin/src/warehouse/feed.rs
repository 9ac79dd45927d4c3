//! A worker's reading position, which outlives the worker.
//!
//! The subscription is lossless and acknowledged: the topic keeps every event after the last acknowledged one, and a
//! worker acknowledges what is durable: committed by the database, or on disk (see [`unstored`](super::unstored)). So a worker killed
//! between reading and storing loses nothing: its successor rewinds to the last acknowledgement.

use super::entry::Entry;
use super::memory::Backlog;
use super::stored::Stored;
use crate::market::Bus;
use hedgehog_core::{Subscription, Topic};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The position in one topic.
pub(super) struct Feed<T> {
    pub(super) entry: Arc<Entry>,
    subscription: Mutex<Subscription<T>>,
    topic: Topic<T>,
    /// Everything before this position is durable.
    acknowledged: AtomicU64,
}

/// Events read and not acknowledged yet; `end` is the position to acknowledge when they are stored.
pub(super) struct Batch<T> {
    pub(super) events: Vec<T>,
    pub(super) end: u64,
}

/// Events that go to disk at once, at most.
const AT_ONCE: usize = 20_000;

impl<T: Stored> Feed<T> {
    /// Begins at the topic's present end: nothing is stored for late subscribers.
    pub(super) fn subscribe(bus: &Bus, entry: &Arc<Entry>) -> Self {
        let subscription = T::bus(bus).subscribe_acked(&entry.topic.to_string());
        Self {
            entry: Arc::clone(entry),
            topic: subscription.topic().clone(),
            acknowledged: AtomicU64::new(subscription.position()),
            subscription: Mutex::new(subscription),
        }
    }

    /// Everything that touches the position goes through here; never held across an await.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Subscription<T>) -> R) -> R {
        act(&mut self.subscription.lock())
    }

    /// The next events, at most `max`.
    pub(super) fn read(&self, max: usize) -> Batch<T> {
        self.with(|subscription| {
            let mut events = Vec::with_capacity(max.min(subscription.lag() as usize));
            let drained = subscription.drain(max, |event: &T| events.push(event.clone()));
            debug_assert_eq!(drained.lagged, 0, "a lossless subscription never lags");
            Batch {
                events,
                end: subscription.position(),
            }
        })
    }

    /// Everything before `end` is durable.
    pub(super) fn acknowledge(&self, end: u64) {
        self.with(|subscription| {
            subscription.ack(end);
            self.acknowledged.fetch_max(end, Relaxed);
        });
    }

    /// Puts unacknowledged events on disk, oldest first, until `enough`, or all. What was read of them before is read again.
    pub(super) async fn keep(&self, enough: impl Fn() -> bool) -> io::Result<()> {
        self.with(Subscription::rewind);
        while !enough() {
            let Batch { events, end } = self.read(AT_ONCE);
            if events.is_empty() {
                break;
            }
            let kept = self.entry.unstored().append(events).await;
            if let Err(error) = kept {
                self.with(Subscription::rewind);
                return Err(error);
            }
            self.acknowledge(end);
        }
        Ok(())
    }
}

impl<T: Stored> Backlog for Feed<T> {
    fn events(&self) -> u64 {
        self.topic.published().saturating_sub(self.acknowledged.load(Relaxed))
    }

    fn weight(&self) -> u64 {
        // As it lies in the topic's log.
        self.events() * (size_of::<OnceLock<T>>() as u64 + T::HEAP)
    }
}
