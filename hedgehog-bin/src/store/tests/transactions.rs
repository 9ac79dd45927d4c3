//! Writers who begin with reading take turns on SQLite, and never meet "database is locked".

use diesel::prelude::*;
use futures_util::future::try_join_all;

use super::schema::counters::{count, name, table as counters, updated_at};
use super::schema::{DATABASE, DURABLE};
use super::{Fresh, moment};
use crate::store::{Db, Statement, StoreError};

fn insert(text: &str) -> impl Statement + '_ {
    diesel::insert_into(counters).values((name.eq(text), count.eq(0i64), updated_at.eq(moment(0))))
}

/// Reads, then writes what it read plus one: the pattern that a deferred transaction fails at.
async fn increment(db: &Db) -> Result<(), StoreError> {
    let mut transaction = db.begin().await?;
    let last: i64 = transaction.fetch_one(counters.select(count)).await?;
    transaction
        .run(diesel::update(counters).set(count.eq(last + 1)))
        .await?;
    transaction.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_handle_take_turns() {
    let fresh = Fresh::open().await;
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
        fresh.db.fetch_one::<i64>(counters.select(count)).await.expect("reads"),
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_several_processes_take_turns() {
    let fresh = Fresh::open().await;
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
        fresh.db.fetch_one::<i64>(counters.select(count)).await.expect("reads"),
        40
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_waits_for_the_disk_where_its_owner_asks_for_it() {
    for (database, full) in [(DATABASE, false), (DURABLE, true)] {
        let fresh = Fresh::open_as(database).await;
        let mut transaction = fresh.db.begin().await.expect("begins");
        let level = diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT synchronous FROM pragma_synchronous");
        let level: i32 = transaction.fetch_one(level).await.expect("reads");
        // 1 is NORMAL, 2 is FULL.
        assert_eq!(level == 2, full, "{database}: {level}");
    }
}
