//! The warehouse's writer: many rows at once, and each at most once.
//!
//! Writing the same batch again changes nothing, so whoever is in doubt whether one arrived sends it again.

mod insert;

use std::sync::Arc;

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::rows::{OrderRow, TradeEventRow};
use super::schema::{orders, subscriber_settings as settings};
use crate::market::{OrderStatus, Stream};
use crate::store::advance::{advances, overwrites};
use crate::store::native::Native;
use crate::store::{Db, Statement, StoreError, Transaction};
use insert::{One, Unnest};

/// Adds to the count of a topic, and yields it. A macro, because the type has no name that fits on a page, and both kinds of
/// connection run it.
macro_rules! counted {
    ($topic:expr, $added:expr) => {
        diesel::update(settings::table)
            .filter(settings::topic.eq($topic))
            .set(settings::rows_stored.eq(settings::rows_stored + $added as i64))
            .returning(settings::rows_stored)
    };
}

/// The count of a topic.
macro_rules! standing {
    ($topic:expr) => {
        settings::table
            .filter(settings::topic.eq($topic))
            .select(settings::rows_stored)
    };
}

/// What storing a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that were made or changed.
    pub changed: usize,
    /// The rows of the batch's topic in its table, as counted in the topic's settings row; `None` where that has none.
    pub rows_stored: Option<i64>,
}

/// Inserts trade events, all or none, and tells how many were new. A trade that stands already, by symbol, epoch and trade id,
/// is left as it is.
///
/// The rows are shared, so that a batch can be kept for another try without a copy.
pub async fn insert_trade_events(db: &Db, rows: Arc<[TradeEventRow]>) -> Result<usize, StoreError> {
    Ok(store_trade_events(db, rows).await?.changed)
}

/// As [`insert_trade_events`], and tells how many rows the topic has now. The count is changed in the same transaction.
pub async fn store_trade_events(db: &Db, rows: Arc<[TradeEventRow]>) -> Result<Written, StoreError> {
    match db.begin_native().await? {
        Native::Postgres(mut transaction) => {
            let mut written = Written::default();
            for of_symbol in rows.chunk_by(same_symbol) {
                let added = transaction.run_on_postgres(Unnest::new(of_symbol)).await?;
                written.changed += added;
                written.rows_stored = count(&mut transaction, Stream::TradeEvents, &of_symbol[0].symbol, added).await?;
            }
            transaction.commit().await?;
            Ok(written)
        }
        Native::Sqlite(blocking) => {
            let insert = move |connection: &mut SqliteConnection| {
                let mut written = Written::default();
                for of_symbol in rows.chunk_by(same_symbol) {
                    let added = (of_symbol.iter())
                        .try_fold(0, |added, row| QueryResult::Ok(added + One(row).execute(connection)?))?;
                    written.changed += added;
                    let topic = topic(Stream::TradeEvents, &of_symbol[0].symbol);
                    written.rows_stored = if added > 0 {
                        counted!(&topic, added).get_result(connection).optional()?
                    } else {
                        standing!(&topic).get_result(connection).optional()?
                    };
                }
                Ok(written)
            };
            blocking.transaction(insert).await
        }
    }
}

fn same_symbol(left: &TradeEventRow, right: &TradeEventRow) -> bool {
    left.symbol == right.symbol
}

/// Stores the states of orders, all or none, and tells how many rows that made or changed.
///
/// A state that is older than the stored one changes nothing: neither time nor executed quantity nor status goes back,
/// and an ended order stays as it ended. Only what moves during an order's life is written; `inserted_at` stays.
pub async fn upsert_orders(db: &Db, rows: &[OrderRow]) -> Result<usize, StoreError> {
    Ok(store_orders(db, rows).await?.changed)
}

/// As [`upsert_orders`], and tells how many rows the topic has now. The count is changed in the same transaction.
pub async fn store_orders(db: &Db, rows: &[OrderRow]) -> Result<Written, StoreError> {
    let mut transaction = db.begin().await?;
    let mut written = Written::default();
    for of_symbol in rows.chunk_by(|left, right| left.symbol == right.symbol) {
        let mut added = 0;
        for row in of_symbol {
            // Apart from the update, because an upsert does not tell which of the two it did.
            let inserted = transaction.run(insert(row)).await?;
            added += inserted;
            written.changed += match inserted {
                0 => transaction.run(upsert(row)).await?,
                _ => inserted,
            };
        }
        written.rows_stored = count(&mut transaction, Stream::Orders, &of_symbol[0].symbol, added).await?;
    }
    transaction.commit().await?;
    Ok(written)
}

/// Counts rows that were added; how many there are now.
async fn count(
    transaction: &mut Transaction,
    stream: Stream,
    symbol: &str,
    added: usize,
) -> Result<Option<i64>, StoreError> {
    let topic = topic(stream, symbol);
    if added > 0 {
        transaction.fetch_optional(counted!(&topic, added)).await
    } else {
        transaction.fetch_optional(standing!(&topic)).await
    }
}

fn topic(stream: Stream, symbol: &str) -> String {
    format!("{}:{symbol}", stream.as_str())
}

fn insert(row: &OrderRow) -> impl Statement + '_ {
    diesel::insert_into(orders::table).values(row).on_conflict_do_nothing()
}

fn upsert(row: &OrderRow) -> impl Statement + '_ {
    let insert = diesel::insert_into(orders::table).values(row);
    let upsert = insert
        .on_conflict((orders::symbol, orders::order_id, orders::client_order_id))
        .do_update()
        .set(overwrites!(orders: executed_quantity, cummulative_quote_quantity, status, update_time, updated_at));
    let advances = advances!(orders: update_time, executed_quantity, status in OrderStatus::LIVING);
    // By its full name: in the prelude `filter` means the one of a select.
    diesel::query_dsl::methods::FilterDsl::filter(upsert, advances)
}
