//! Which events have a table, and what is known of each there.

use super::rows::{OrderRow, TradeEventRow};
use super::writer::{self, Written};
use crate::market::{Bus, Order, TradeEvent};
use crate::store::{Db, Id, Moment, StoreError};
use futures_util::future::BoxFuture;
use hedgehog_core::PubSub;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
        Box::pin(writer::store_trade_events(db, rows.collect()))
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
        Box::pin(async move { writer::store_orders(db, &rows).await })
    }

    fn trade(&self) -> Option<(i32, i64)> {
        None
    }

    fn describe(&self) -> String {
        format!("order {} of {}", self.order_id, self.symbol)
    }
}
