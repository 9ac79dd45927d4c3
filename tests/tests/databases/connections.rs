//! Connections to a server break, meet each other and are refused; the caller learns what it can do about it.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use hedgehog_bin::databases::STREAMER;
use hedgehog_bin::store::{Db, Statement, StoreError, Transaction};
use hedgehog_bin::streamer::schema::streams::{last_trade_id, symbol, table as streams, updated_at};
use hedgehog_tests::postgres::PASSWORD;

use crate::engine::{Engine, moment};

fn insert(name: &str) -> impl Statement + '_ {
    diesel::insert_into(streams).values((symbol.eq(name), last_trade_id.eq(0i64), updated_at.eq(moment(0))))
}

async fn touch(transaction: &mut Transaction, name: &str) -> Result<usize, StoreError> {
    transaction
        .run(diesel::update(streams.filter(symbol.eq(name))).set(last_trade_id.eq(1i64)))
        .await
}

pub(crate) async fn a_lost_connection_is_transient_and_the_next_call_works(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let administrator = fresh.again().await.expect("opens");
    let mut transaction = fresh.db.begin().await.expect("begins");
    transaction.run(insert("A")).await.expect("inserts");
    let end_the_others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
    administrator
        .run(sql_query(end_the_others))
        .await
        .expect("may end them");
    let lost = transaction.run(insert("B")).await.expect_err("its connection is gone");
    assert!(lost.is_transient(), "{lost:?}");
    drop(transaction);
    // An idle connection may be found out only when it is used.
    if let Err(error) = fresh.db.run(insert("C")).await {
        assert!(error.is_transient(), "{error:?}");
        fresh.db.run(insert("C")).await.expect("a new connection");
    }
    assert_eq!(
        fresh.db.fetch::<String>(streams.select(symbol)).await.expect("reads"),
        ["C"]
    );
}

pub(crate) async fn a_deadlock_may_pass_by_itself(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    fresh.db.run(insert("A")).await.expect("inserts");
    fresh.db.run(insert("B")).await.expect("inserts");
    let mut one = fresh.db.begin().await.expect("begins");
    let mut two = fresh.db.begin().await.expect("begins");
    touch(&mut one, "A").await.expect("has A");
    touch(&mut two, "B").await.expect("has B");
    let (one, two) = tokio::join!(touch(&mut one, "B"), touch(&mut two, "A"));
    let victim = one.and(two).expect_err("the server ends one of them");
    assert!(victim.is_transient(), "{victim:?}");
}

pub(crate) async fn a_wrong_password_is_refused_and_not_repeated(engine: Engine) {
    let wrong = "battery-staple";
    let url = engine.url(STREAMER).replace(PASSWORD, wrong);
    let refused = Db::open(&url, STREAMER).await.expect_err("the server checks it");
    assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused:?}");
    let told = format!("{refused:?} ") + &format!("{:#}", anyhow::Error::from(refused));
    assert!(!told.contains(wrong), "{told}");
    assert!(told.contains("password authentication failed"), "{told}");
}

pub(crate) async fn a_database_that_does_not_exist_is_told_as_such(engine: Engine) {
    let here = engine.url(STREAMER);
    let (server, _) = here.rsplit_once('/').expect("a path");
    let refused = Db::open(&format!("{server}/nothing_here"), STREAMER).await;
    let told = refused.expect_err("there is none").to_string();
    assert!(told.contains("database \"nothing_here\" does not exist"), "{told}");
}

pub(crate) async fn a_locked_table_is_not_waited_for_in_silence(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let administrator = fresh.again().await.expect("opens");
    let mut transaction = administrator.begin().await.expect("begins");
    transaction.run(sql_query("LOCK TABLE streams")).await.expect("locks");
    let told = tokio::time::timeout(Duration::from_secs(20), fresh.db.run(insert("A"))).await;
    let error = told.expect("it is told in time").expect_err("it is locked");
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    assert!(error.to_string().contains("lock timeout"), "{error}");
    drop(transaction);
    fresh.db.run(insert("A")).await.expect("the lock is gone");
}

pub(crate) async fn a_server_that_is_not_there_is_unreachable(engine: Engine) {
    let here = engine.url(STREAMER);
    let (_, name) = here.rsplit_once('/').expect("a path");
    let nowhere = format!("postgres://hedgehog:{PASSWORD}@127.0.0.1:1/{name}");
    let refused = Db::open(&nowhere, STREAMER).await.expect_err("nobody listens there");
    assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused:?}");
    let told = format!("{refused:?} ") + &format!("{:#}", anyhow::Error::from(refused));
    assert!(
        told.contains("127.0.0.1:1") && told.contains("refused") && !told.contains(PASSWORD),
        "{told}"
    );
}
