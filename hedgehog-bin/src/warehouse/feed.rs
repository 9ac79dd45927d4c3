//! A worker's reading position, which outlives the worker.
//!
//! The subscription is lossless and acknowledged: the topic keeps every event after the last acknowledged one, and a
//! worker acknowledges what the database has committed. So a worker killed between reading and storing loses nothing:
//! its successor rewinds to the last acknowledgement.

use super::StoringStatus;
use crate::market::{Bus, Order, Topic, TradeEvent};
use crate::store::rows::{OrderRow, TradeEventRow};
use crate::store::{Db, Id, Moment, StoreError, batch};
use futures_util::future::BoxFuture;
use hedgehog_core::{PubSub, Subscription};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// An event that has a table.
pub(super) trait Stored: Clone + Send + Sync + 'static {
    /// Where events of this type are published.
    fn bus(bus: &Bus) -> &PubSub<Self>;

    /// Stores a batch in one transaction; returns how many rows it added or changed.
    fn store<'a>(db: &'a Db, events: &'a [Self]) -> BoxFuture<'a, Result<usize, StoreError>>;

    /// How the event is named in a log line.
    fn describe(&self) -> String;
}

impl Stored for TradeEvent {
    fn bus(bus: &Bus) -> &PubSub<Self> {
        &bus.trade_events
    }

    fn store<'a>(db: &'a Db, events: &'a [Self]) -> BoxFuture<'a, Result<usize, StoreError>> {
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
        Box::pin(batch::insert_trade_events(db, rows.collect()))
    }

    fn describe(&self) -> String {
        format!("trade {} of {}", self.trade_id, self.symbol)
    }
}

impl Stored for Order {
    fn bus(bus: &Bus) -> &PubSub<Self> {
        &bus.orders
    }

    fn store<'a>(db: &'a Db, events: &'a [Self]) -> BoxFuture<'a, Result<usize, StoreError>> {
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
        Box::pin(async move { batch::upsert_orders(db, &rows).await })
    }

    fn describe(&self) -> String {
        format!("order {} of {}", self.order_id, self.symbol)
    }
}

/// The position in one topic and what became of the events before it.
pub(super) struct Feed<T> {
    pub(super) topic: Topic,
    subscription: Mutex<Subscription<T>>,
    /// Where in the topic the feed began.
    begin: u64,
    /// Rows of the topic in the table when the feed began: what is there beyond them is new.
    rows_before: i64,
    pub(super) counters: Counters,
}

/// What the status shows. Written by the worker, read by whoever asks.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) since: AtomicI64,
    /// Events acknowledged, refused ones included: counted once even when a killed worker's batch is stored again.
    pub(super) settled: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) retrying: Mutex<Option<String>>,
}

/// Events read and not acknowledged yet; `end` is the position to acknowledge when they are stored.
pub(super) struct Batch<T> {
    pub(super) events: Vec<T>,
    pub(super) end: u64,
}

impl<T: Stored> Feed<T> {
    /// Begins at the topic's present end: nothing is stored for late subscribers.
    pub(super) fn subscribe(bus: &Bus, topic: &Topic, rows_before: i64) -> Self {
        let subscription = T::bus(bus).subscribe_acked(&topic.to_string());
        let begin = subscription.position();
        let subscription = Mutex::new(subscription);
        Self {
            topic: topic.clone(),
            subscription,
            begin,
            rows_before,
            counters: Counters::default(),
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

    /// What the status tells of this feed, given the rows of its topic in the table now.
    pub(super) fn describe(&self, alive: bool, status: StoringStatus) -> StoringStatus {
        let Counters {
            since,
            settled,
            refused,
            retrying,
        } = &self.counters;
        let rows_new = status.rows_stored.saturating_sub(self.rows_before).max(0) as u64;
        let rows_refused = refused.load(Relaxed);
        let settled = settled.load(Relaxed);
        StoringStatus {
            since: alive.then(|| since.load(Relaxed)),
            rows_new,
            rows_known: settled.saturating_sub(rows_new + rows_refused),
            rows_refused,
            // Not the subscription's lag, which a batch leaves when it is read.
            lag: self
                .with(|subscription| subscription.published())
                .saturating_sub(self.begin + settled),
            retrying: retrying.lock().clone(),
            ..status
        }
    }
}
