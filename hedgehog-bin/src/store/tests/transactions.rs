//! Writers who begin with reading take turns on SQLite, and never meet "database is locked".

use diesel::prelude::*;
use futures_util::future::try_join_all;

use super::{Fresh, moment};
use crate::store::schema::streamer::streams::{last_trade_id, symbol, table as streams, updated_at};
use crate::store::{Database, Db, Statement, StoreError};

fn insert(name: &str) -> impl Statement + '_ {
    diesel::insert_into(streams).values((symbol.eq(name), last_trade_id.eq(0i64), updated_at.eq(moment(0))))
}

/// Reads, then writes what it read plus one: the pattern that a deferred transaction fails at.
async fn increment(db: &Db) -> Result<(), StoreError> {
    let mut transaction = db.begin().await?;
    let last: i64 = transaction.fetch_one(streams.select(last_trade_id)).await?;
    transaction
        .run(diesel::update(streams).set(last_trade_id.eq(last + 1)))
        .await?;
    transaction.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_handle_take_turns() {
    let fresh = Fresh::open(Database::Streamer).await;
    fresh.db.run(insert("A")).await.expect("inserts");
    let writers = (0..4).map(|_| {
        let db = fresh.db.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                increment(&db).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    for written in try_join_all(writers).await.expect("no panic") {
        written.expect("nobody is locked out");
    }
    assert_eq!(
        fresh
            .db
            .fetch_one::<i64>(streams.select(last_trade_id))
            .await
            .expect("reads"),
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_several_processes_take_turns() {
    let fresh = Fresh::open(Database::Streamer).await;
    fresh.db.run(insert("A")).await.expect("inserts");
    let writers = (0..4).map(|_| async {
        let db = fresh.again().await?;
        for _ in 0..10 {
            increment(&db).await?;
        }
        Ok::<_, StoreError>(())
    });
    try_join_all(writers).await.expect("nobody is locked out");
    assert_eq!(
        fresh
            .db
            .fetch_one::<i64>(streams.select(last_trade_id))
            .await
            .expect("reads"),
        40
    );
}
