//! What is stored, for whoever must tell what is missing. What waits on disk counts as stored.

use super::Warehouse;
use super::schema::trade_events;
use crate::market::{Price, Quantity, Symbol, Topic, TradeEvent};
use crate::operation::OperationError;
use crate::service::TradeArchive;
use crate::store::{Db, Decimal, StoreError};
use diesel::prelude::*;
use futures_util::future::BoxFuture;
use std::ops::RangeInclusive;

/// Ids that are in memory at once.
const PAGE: i64 = 10_000;

impl TradeArchive for Warehouse {
    fn missing<'a>(
        &'a self,
        symbol: &'a Symbol,
        epoch: i32,
        range: RangeInclusive<i64>,
    ) -> BoxFuture<'a, Result<Vec<RangeInclusive<i64>>, OperationError>> {
        Box::pin(async move {
            self.load().await?;
            // Before the database: what leaves the disk in between is found there.
            let on_disk = self.entries.find(&Topic::trade_events(symbol));
            let on_disk = on_disk.map(|entry| entry.unstored().ids(epoch)).unwrap_or_default();
            let missing = missing(&self.db, symbol, epoch, range).await?;
            Ok(missing.into_iter().flat_map(|range| on_disk.missing(range)).collect())
        })
    }

    fn trades<'a>(
        &'a self,
        symbol: &'a Symbol,
        epoch: i32,
        trade_ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<TradeEvent>, OperationError>> {
        Box::pin(async move {
            self.load().await?;
            // Before the database, as above. A file that cannot be read is told of by its worker.
            let mut trades = match self.entries.find(&Topic::trade_events(symbol)) {
                Some(entry) => entry.unstored().find(epoch, trade_ids).await.unwrap_or_default(),
                None => Vec::new(),
            };
            // What stands in both is the same trade twice.
            trades.extend(find(&self.db, symbol, epoch, trade_ids).await?);
            Ok(trades)
        })
    }
}

/// Page by page, by the key's own index: a range may hold millions of ids.
async fn missing(
    db: &Db,
    symbol: &Symbol,
    epoch: i32,
    range: RangeInclusive<i64>,
) -> Result<Vec<RangeInclusive<i64>>, StoreError> {
    let (mut next, end) = range.into_inner();
    let mut missing = Vec::new();
    while next <= end {
        let page = trade_events::table
            .filter(trade_events::symbol.eq(symbol.as_str()))
            .filter(trade_events::epoch.eq(epoch))
            .filter(trade_events::trade_id.between(next, end))
            .order(trade_events::trade_id)
            .select(trade_events::trade_id)
            .limit(PAGE);
        let page: Vec<i64> = db.fetch(page).await?;
        for &id in &page {
            if id > next {
                missing.push(next..=id - 1);
            }
            if id == end {
                return Ok(missing);
            }
            next = id + 1;
        }
        if (page.len() as i64) < PAGE {
            missing.push(next..=end);
            break;
        }
    }
    Ok(missing)
}

async fn find(db: &Db, symbol: &Symbol, epoch: i32, trade_ids: &[i64]) -> Result<Vec<TradeEvent>, StoreError> {
    type Row = (i64, i64, Decimal, Decimal, i64, bool);
    let rows = trade_events::table
        .filter(trade_events::symbol.eq(symbol.as_str()))
        .filter(trade_events::epoch.eq(epoch))
        .filter(trade_events::trade_id.eq_any(trade_ids))
        .select((
            trade_events::trade_id,
            trade_events::event_time,
            trade_events::price,
            trade_events::quantity,
            trade_events::trade_time,
            trade_events::buyer_market_maker,
        ));
    let rows: Vec<Row> = db.fetch(rows).await?;
    let trade = |(trade_id, event_time, price, quantity, trade_time, buyer_market_maker): Row| TradeEvent {
        event_time,
        symbol: symbol.clone(),
        epoch,
        trade_id,
        price: Price::from(price.0),
        quantity: Quantity::from(quantity.0),
        trade_time,
        buyer_market_maker,
    };
    Ok(rows.into_iter().map(trade).collect())
}
