//! The warehouse's rows as they are written and read.

use diesel::prelude::*;

use super::schema::{orders, trade_events};
use crate::store::{Decimal, Id, Moment};

/// A row of `trade_events`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = trade_events)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct TradeEventRow {
    pub id: Id,
    pub event_type: String,
    pub event_time: i64,
    pub symbol: String,
    pub trade_id: i64,
    pub price: Decimal,
    pub quantity: Decimal,
    pub trade_time: i64,
    pub buyer_market_maker: bool,
    pub inserted_at: Moment,
    pub updated_at: Moment,
    pub epoch: i32,
}

/// A row of `orders`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = orders)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct OrderRow {
    pub order_id: i64,
    pub client_order_id: String,
    pub symbol: String,
    pub price: Decimal,
    pub original_quantity: Decimal,
    pub executed_quantity: Decimal,
    pub cummulative_quote_quantity: Decimal,
    pub status: String,
    pub time_in_force: String,
    pub type_: String,
    pub side: String,
    pub stop_price: Decimal,
    pub iceberg_quantity: Decimal,
    pub time: i64,
    pub update_time: i64,
    pub inserted_at: Moment,
    pub updated_at: Moment,
}
