//! The warehouse's writer: many rows at once, and each at most once.
//!
//! Writing the same batch again changes nothing, so whoever is in doubt whether one arrived sends it again.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::upsert::excluded;

use super::db::{Db, Statement};
use super::error::StoreError;
use super::insert::{One, Unnest};
use super::rows::{OrderRow, TradeEventRow};
use super::schema::data_warehouse::orders;
use super::transaction::Connection;

/// Inserts trade events, all or none, and tells how many were new. A trade that stands already, by symbol and trade id,
/// is left as it is.
///
/// The rows are shared, so that a batch can be kept for another try without a copy.
pub async fn insert_trade_events(db: &Db, rows: Arc<[TradeEventRow]>) -> Result<usize, StoreError> {
    let inserted = match db.writer().await? {
        Connection::Pg(mut connection) => {
            let statement = Unnest::new(&rows);
            diesel_async::RunQueryDsl::execute(statement, &mut *connection).await
        }
        // One trip to the blocking thread per batch: one per row would cost more than the rows.
        Connection::Lite(mut connection) => {
            let insert = move |connection: &mut SqliteConnection| {
                connection.immediate_transaction(|connection| {
                    rows.iter()
                        .try_fold(0, |inserted, row| Ok(inserted + One(row).execute(connection)?))
                })
            };
            connection.spawn_blocking(insert).await
        }
    };
    db.told(inserted)
}

/// Stores the states of orders, all or none, and tells how many rows that made or changed.
///
/// A state that is older than the stored one changes nothing: neither time nor executed quantity nor status goes back,
/// and an ended order stays as it ended. Only what moves during an order's life is written; `inserted_at` stays.
pub async fn upsert_orders(db: &Db, rows: &[OrderRow]) -> Result<usize, StoreError> {
    let mut transaction = db.begin().await?;
    let mut changed = 0;
    for row in rows {
        changed += transaction.run(upsert(row)).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

fn upsert(row: &OrderRow) -> impl Statement + '_ {
    let moved = (
        orders::executed_quantity.eq(excluded(orders::executed_quantity)),
        orders::cummulative_quote_quantity.eq(excluded(orders::cummulative_quote_quantity)),
        orders::status.eq(excluded(orders::status)),
        orders::update_time.eq(excluded(orders::update_time)),
        orders::updated_at.eq(excluded(orders::updated_at)),
    );
    let not_older = excluded(orders::update_time)
        .ge(orders::update_time)
        .and(excluded(orders::executed_quantity).ge(orders::executed_quantity));
    // What may follow the stored status. Nothing but itself follows one that is not named here: the order has ended.
    let forward = excluded(orders::status)
        .eq(orders::status)
        .or(orders::status.eq("PENDING_NEW"))
        .or(orders::status.eq("NEW").and(excluded(orders::status).ne("PENDING_NEW")))
        .or(orders::status
            .eq_any(["PARTIALLY_FILLED", "PENDING_CANCEL"])
            .and(excluded(orders::status).ne_all(["PENDING_NEW", "NEW"])));
    let insert = diesel::insert_into(orders::table).values(row);
    let upsert = insert
        .on_conflict((orders::symbol, orders::order_id))
        .do_update()
        .set(moved);
    // By its full name: in the prelude `filter` means the one of a select.
    FilterDsl::filter(upsert, not_older.and(forward))
}
