//! The two ways to insert trade events quickly, one per back end. Diesel's own multi-row insert is neither: on SQLite
//! diesel-async has none, and on PostgreSQL its text is parsed anew for each batch.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use diesel::sqlite::Sqlite;

use crate::store::types::{Decimal, Id, Moment, sql};
use crate::warehouse::rows::TradeEventRow;

/// `INSERT .. VALUES (..)` of one row on SQLite.
///
/// Its `QueryId` is static, which diesel's own insert has not: the prepared statement is found by type, without writing
/// the SQL first. That doubles the speed.
pub(super) struct One<'a>(pub(super) &'a TradeEventRow);

impl QueryId for One<'_> {
    type QueryId = One<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Connection> diesel::RunQueryDsl<Connection> for One<'_> {}

impl QueryFragment<Sqlite> for One<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let row = self.0;
        out.push_sql(
            "INSERT INTO trade_events (id, event_type, event_time, symbol, trade_id, price, quantity, trade_time, \
             buyer_market_maker, inserted_at, updated_at, epoch) VALUES (",
        );
        out.push_bind_param::<sql::Uuid, _>(&row.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&row.event_type)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&row.event_time)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&row.symbol)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&row.trade_id)?;
        out.push_sql(", ");
        out.push_bind_param::<sql::Exact, _>(&row.price)?;
        out.push_sql(", ");
        out.push_bind_param::<sql::Exact, _>(&row.quantity)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&row.trade_time)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&row.buyer_market_maker)?;
        out.push_sql(", ");
        out.push_bind_param::<sql::Moment, _>(&row.inserted_at)?;
        out.push_sql(", ");
        out.push_bind_param::<sql::Moment, _>(&row.updated_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&row.epoch)?;
        out.push_sql(") ON CONFLICT (symbol, epoch, trade_id) DO NOTHING");
        Ok(())
    }
}

/// `INSERT .. SELECT .. FROM unnest(..)` of many rows on PostgreSQL.
///
/// One array per column: one prepared statement serves every size of batch, and no batch runs into the limit of 65 535
/// parameters.
pub(super) struct Unnest<'a> {
    id: Vec<Id>,
    event_type: Vec<&'a str>,
    event_time: Vec<i64>,
    symbol: Vec<&'a str>,
    trade_id: Vec<i64>,
    price: Vec<&'a Decimal>,
    quantity: Vec<&'a Decimal>,
    trade_time: Vec<i64>,
    buyer_market_maker: Vec<bool>,
    inserted_at: Vec<Moment>,
    updated_at: Vec<Moment>,
    epoch: Vec<i32>,
}

impl<'a> Unnest<'a> {
    pub(super) fn new(rows: &'a [TradeEventRow]) -> Self {
        Unnest {
            id: rows.iter().map(|row| row.id).collect(),
            event_type: rows.iter().map(|row| &*row.event_type).collect(),
            event_time: rows.iter().map(|row| row.event_time).collect(),
            symbol: rows.iter().map(|row| &*row.symbol).collect(),
            trade_id: rows.iter().map(|row| row.trade_id).collect(),
            price: rows.iter().map(|row| &row.price).collect(),
            quantity: rows.iter().map(|row| &row.quantity).collect(),
            trade_time: rows.iter().map(|row| row.trade_time).collect(),
            buyer_market_maker: rows.iter().map(|row| row.buyer_market_maker).collect(),
            inserted_at: rows.iter().map(|row| row.inserted_at).collect(),
            updated_at: rows.iter().map(|row| row.updated_at).collect(),
            epoch: rows.iter().map(|row| row.epoch).collect(),
        }
    }
}

impl QueryId for Unnest<'_> {
    type QueryId = Unnest<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Unnest<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO trade_events (id, event_type, event_time, symbol, trade_id, price, quantity, trade_time, \
             buyer_market_maker, inserted_at, updated_at, epoch) SELECT * FROM unnest(",
        );
        out.push_bind_param::<Array<sql::Uuid>, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.event_type)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.event_time)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.symbol)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.trade_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<sql::Exact>, _>(&self.price)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<sql::Exact>, _>(&self.quantity)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.trade_time)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.buyer_market_maker)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<sql::Moment>, _>(&self.inserted_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<sql::Moment>, _>(&self.updated_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.epoch)?;
        out.push_sql(") ON CONFLICT (symbol, epoch, trade_id) DO NOTHING");
        Ok(())
    }
}
