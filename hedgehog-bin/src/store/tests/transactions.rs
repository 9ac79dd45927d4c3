//! Units of writing: whole or not at all, in turn, and never "database is locked".

use std::time::Duration;

use diesel::prelude::*;
use futures_util::future::try_join_all;

use super::{Fresh, moment};
use crate::store::schema::streamer::streams::{last_trade_id, symbol, table as streams, updated_at};
use crate::store::{Database, Db, Statement, StoreError};

fn insert(name: &str) -> impl Statement + '_ {
    diesel::insert_into(streams).values((symbol.eq(name), last_trade_id.eq(0i64), updated_at.eq(moment(0))))
}

async fn count(db: &Db) -> i64 {
    db.fetch_one(streams.count()).await.expect("counts")
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

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_makes_all_of_it_visible() {
    let fresh = Fresh::open(Database::Streamer).await;
    let mut transaction = fresh.db.begin().await.expect("begins");
    transaction.run(insert("A")).await.expect("inserts");
    transaction.run(insert("B")).await.expect("inserts");
    assert_eq!(
        transaction
            .fetch_one::<i64>(streams.count())
            .await
            .expect("sees its own"),
        2
    );
    assert_eq!(count(&fresh.db).await, 0);
    transaction.commit().await.expect("commits");
    assert_eq!(count(&fresh.db).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_is_undone_and_blocks_nobody() {
    let fresh = Fresh::open(Database::Streamer).await;
    let other = fresh.again().await.expect("opens");
    let mut transaction = fresh.db.begin().await.expect("begins");
    transaction.run(insert("A")).await.expect("inserts");
    drop(transaction);
    // Another process need not wait until this one asks for a connection again.
    let free = tokio::time::timeout(Duration::from_secs(4), other.run(insert("B"))).await;
    assert_eq!(free.expect("the lock is free").expect("inserts"), 1);
    assert_eq!(
        fresh.db.fetch::<String>(streams.select(symbol)).await.expect("reads"),
        ["B"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_undoes_what_came_before_it() {
    let fresh = Fresh::open(Database::Streamer).await;
    fresh.db.run(insert("B")).await.expect("inserts");
    let both = async {
        let mut transaction = fresh.db.begin().await?;
        transaction.run(insert("A")).await?;
        transaction.run(insert("B")).await?;
        transaction.commit().await
    };
    let error = both.await.expect_err("B stands already");
    assert!(error.is_unique_violation(), "{error:?}");
    assert_eq!(count(&fresh.db).await, 1);
    fresh.db.run(insert("C")).await.expect("the writer still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_handle_take_turns() {
    let fresh = Fresh::sqlite(Database::Streamer).await;
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
    let fresh = Fresh::sqlite(Database::Streamer).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_borrows_can_be_spawned() {
    let fresh = Fresh::open(Database::Streamer).await;
    let db = fresh.db.clone();
    let found = tokio::spawn(async move {
        let name = String::from("A");
        db.run(insert(&name)).await?;
        db.fetch::<i64>(streams.select(last_trade_id).filter(symbol.eq(&name)))
            .await
    });
    assert_eq!(found.await.expect("no panic").expect("reads"), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_leaves_the_handle_usable() {
    let fresh = Fresh::open(Database::Streamer).await;
    for index in 0..20 {
        let name = format!("S{index}");
        // Polled once: begun, and then dropped while the database works.
        let call = fresh.db.run(insert(&name));
        tokio::select! {
            biased;
            _ = call => {}
            () = std::future::ready(()) => {}
        }
    }
    fresh.db.run(insert("last")).await.expect("the writer still works");
    assert!((1..=21).contains(&count(&fresh.db).await));
}
