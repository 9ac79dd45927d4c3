//! A worker's reading position, which outlives the worker.
//!
//! The subscription is lossless and acknowledged: the topic keeps every event after the last acknowledged one, and a
//! worker acknowledges what is durable: committed by the database, or on disk (see [`unstored`](super::unstored)). So a worker killed
//! between reading and storing loses nothing: its successor rewinds to the last acknowledgement.

use super::entry::Entry;
use super::memory::Backlog;
use crate::market::{Bus, Order, TradeEvent};
use crate::store::batch::{self, Written};
use crate::store::rows::{OrderRow, TradeEventRow};
use crate::store::{Db, Id, Moment, StoreError};
use futures_util::future::BoxFuture;
use hedgehog_core::{PubSub, Subscription, Topic};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// An event that has a table.
pub(super) trait Stored: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What an event weighs in memory besides itself: digits and texts, each with what the allocator keeps beside it.
    const HEAP: u64;

    /// Where events of this type are published.
    fn bus(bus: &Bus) -> &PubSub<Self>;

    /// Stores a batch in one transaction.
    fn store<'a>(db: &'a Db, events: &'a [Self]) -> BoxFuture<'a, Result<Written, StoreError>>;

    /// Epoch and id, of a trade.
    fn trade(&self) -> Option<(i32, i64)>;

    /// How the event is named in a log line.
    fn describe(&self) -> String;
}

/// One decimal: a vector of one digit of 64 bits.
const DECIMAL: u64 = 32;

impl Stored for TradeEvent {
    const HEAP: u64 = 2 * DECIMAL;

    fn bus(bus: &Bus) -> &PubSub<Self> {
        &bus.trade_events
    }

    fn store<'a>(db: &'a Db, events: &'a [Self]) -> BoxFuture<'a, Result<Written, StoreError>> {
        let now = Moment::now();
        let rows = events.iter().map(|event| TradeEventRow {
            id: Id::new(),
            event_type: "trade".to_owned(),
            event_time: event.event_time,
            symbol: event.symbol.to_string(),
            trade_id: event.trade_id,
            price: event.price.value().clone().into(),
            quantity: event.quantity.value().clone().into(),
            trade_time: event.trade_time,
            buyer_market_maker: event.buyer_market_maker,
            inserted_at: now,
            updated_at: now,
            epoch: event.epoch,
        });
        Box::pin(batch::store_trade_events(db, rows.collect()))
    }

    fn trade(&self) -> Option<(i32, i64)> {
        Some((self.epoch, self.trade_id))
    }

    fn describe(&self) -> String {
        format!("trade {} of {}", self.trade_id, self.symbol)
    }
}

impl Stored for Order {
    const HEAP: u64 = 6 * DECIMAL + 64;

    fn bus(bus: &Bus) -> &PubSub<Self> {
        &bus.orders
    }

    fn store<'a>(db: &'a Db, events: &'a [Self]) -> BoxFuture<'a, Result<Written, StoreError>> {
        let now = Moment::now();
        let rows = events.iter().map(|order| OrderRow {
            order_id: order.order_id,
            client_order_id: order.client_order_id.clone(),
            symbol: order.symbol.to_string(),
            price: order.price.value().clone().into(),
            original_quantity: order.original_quantity.value().clone().into(),
            executed_quantity: order.executed_quantity.value().clone().into(),
            cummulative_quote_quantity: order.cummulative_quote_quantity.value().clone().into(),
            status: order.status.as_str().to_owned(),
            time_in_force: order.time_in_force.as_str().to_owned(),
            type_: order.order_type.as_str().to_owned(),
            side: order.side.as_str().to_owned(),
            stop_price: order.stop_price.value().clone().into(),
            iceberg_quantity: order.iceberg_quantity.value().clone().into(),
            time: order.time,
            update_time: order.update_time,
            inserted_at: now,
            updated_at: now,
        });
        let rows: Vec<_> = rows.collect();
        Box::pin(async move { batch::store_orders(db, &rows).await })
    }

    fn trade(&self) -> Option<(i32, i64)> {
        None
    }

    fn describe(&self) -> String {
        format!("order {} of {}", self.order_id, self.symbol)
    }
}

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
