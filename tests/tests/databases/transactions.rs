//! Units of writing: whole or not at all, and in turn.

use std::time::Duration;

use diesel::prelude::*;
use futures_util::future::try_join_all;
use hedgehog_bin::databases::STREAMER;
use hedgehog_bin::store::{Db, Statement, StoreError};
use hedgehog_bin::streamer::schema::streams::{last_trade_id, symbol, table as streams, updated_at};

use crate::engine::{Engine, moment};

fn insert(name: &str) -> impl Statement + '_ {
    diesel::insert_into(streams).values((symbol.eq(name), last_trade_id.eq(0i64), updated_at.eq(moment(0))))
}

async fn count(db: &Db) -> i64 {
    db.fetch_one(streams.count()).await.expect("counts")
}

pub(crate) async fn a_commit_makes_all_of_it_visible(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
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

pub(crate) async fn a_dropped_transaction_is_undone_and_blocks_nobody(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
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

pub(crate) async fn a_failed_statement_undoes_what_came_before_it(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
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

pub(crate) async fn four_writers_lose_nothing(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    fresh.db.run(insert("A")).await.expect("inserts");
    let writers = (0..4).map(|_| async {
        let db = fresh.again().await?;
        for _ in 0..50 {
            let mut transaction = db.begin().await?;
            // The write first: it waits for its turn on either back end, and what follows sees what it wrote.
            let increment = diesel::update(streams).set(last_trade_id.eq(last_trade_id + 1));
            transaction.run(increment).await?;
            transaction.fetch_one::<i64>(streams.select(last_trade_id)).await?;
            transaction.commit().await?;
        }
        Ok::<_, StoreError>(())
    });
    try_join_all(writers).await.expect("nobody is locked out");
    let written = fresh.db.fetch_one::<i64>(streams.select(last_trade_id)).await;
    assert_eq!(written.expect("reads"), 200);
}

pub(crate) async fn a_query_that_borrows_can_be_spawned(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let db = fresh.db.clone();
    let found = tokio::spawn(async move {
        let name = String::from("A");
        db.run(insert(&name)).await?;
        db.fetch::<i64>(streams.select(last_trade_id).filter(symbol.eq(&name)))
            .await
    });
    assert_eq!(found.await.expect("no panic").expect("reads"), [0]);
}

pub(crate) async fn a_cancelled_call_leaves_the_handle_usable(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
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
