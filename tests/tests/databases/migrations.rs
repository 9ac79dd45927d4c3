//! A database is brought up to date once, by whoever comes first, and never touched when it is not ours.

use diesel::prelude::*;
use futures_util::future::join_all;
use hedgehog_bin::databases::{self, DATA_WAREHOUSE, NAIVE, STREAMER};
use hedgehog_bin::naive::schema::{TradingStatus, settings};
use hedgehog_bin::store::{Db, Decimal, StoreError};
use hedgehog_bin::warehouse::schema::subscriber_settings;
use hedgehog_bin::warehouse::writer::store_trade_events;

use crate::bare::Bare;
use crate::columns::naive_setting;
use crate::engine::Engine;

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

async fn versions(db: &Db) -> Vec<String> {
    let query = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version);
    let versions = db.fetch(query.order(__diesel_schema_migrations::version)).await;
    versions.expect("reads")
}

pub(crate) async fn the_original_stamps_are_kept(engine: Engine) {
    let naive = engine.open(NAIVE).await;
    assert_eq!(
        versions(&naive.db).await[..3],
        ["20210202223209", "20210205232303", "20261120110100"]
    );
    let streamer = engine.open(STREAMER).await;
    assert_eq!(versions(&streamer.db).await[0], "20210203184805");
    let warehouse = engine.open(DATA_WAREHOUSE).await;
    assert_eq!(
        versions(&warehouse.db).await[..3],
        ["20210222224514", "20210222224522", "20210227230123"]
    );
}

pub(crate) async fn opening_twice_changes_nothing(engine: Engine) {
    for &database in engine.databases() {
        let fresh = engine.open(database).await;
        let applied = versions(&fresh.db).await;
        let schema = || tokio::task::block_in_place(|| Bare::connect(&engine, &fresh.url, database).schema());
        let before = schema();
        assert!(!before.is_empty() && !applied.is_empty(), "{database}");
        let again = fresh.again().await.expect("opens");
        assert_eq!((schema(), versions(&again).await), (before, applied), "{database}");
    }
}

pub(crate) async fn many_may_open_a_new_database_at_once(engine: Engine) {
    for &database in engine.databases() {
        let url = engine.url(database);
        let opened = join_all((0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Db::open(&url, database).await })
        }))
        .await;
        for db in opened {
            let db = db.expect("no panic").expect("opens");
            assert!(!versions(&db).await.is_empty());
        }
    }
}

pub(crate) async fn many_may_open_an_existing_database_at_once(engine: Engine) {
    let fresh = engine.open(NAIVE).await;
    for db in join_all((0..8).map(|_| fresh.again())).await {
        db.expect("opens");
    }
}

pub(crate) async fn each_down_takes_back_what_its_up_did(engine: Engine) {
    for &database in engine.databases() {
        let url = engine.url(database);
        tokio::task::block_in_place(|| {
            let mut bare = Bare::connect(&engine, &url, database);
            let mut before = vec![bare.schema()];
            while bare.up() {
                before.push(bare.schema());
            }
            before.pop();
            assert!(!before.is_empty(), "{database} has migrations");
            while let Some(before) = before.pop() {
                bare.down();
                assert_eq!(bare.schema(), before, "{database}");
            }
        });
        let again = Db::open(&url, database).await.expect("goes up again");
        assert!(!versions(&again).await.is_empty());
    }
}

pub(crate) async fn rows_survive_the_way_back_and_forth(engine: Engine) {
    let fresh = engine.open(NAIVE).await;
    let row = naive_setting("BTCUSDT", TradingStatus::Shutdown);
    let insert = diesel::insert_into(settings::table).values(row);
    fresh.db.run(insert).await.expect("inserts");
    tokio::task::block_in_place(|| {
        let mut bare = Bare::connect(&engine, &fresh.url, NAIVE);
        // Back to where a status has no third word yet.
        while bare.newest().as_deref() != Some("20210202223209") {
            bare.down();
        }
    });
    let db = fresh.again().await.expect("goes up again");
    let kept = settings::table.select((settings::symbol, settings::budget, settings::status));
    let kept: (String, Decimal, TradingStatus) = db.fetch_one(kept).await.expect("reads");
    let row = naive_setting("BTCUSDT", TradingStatus::Off);
    assert_eq!(kept, (row.symbol, row.budget.into(), row.status));
    let shutdown = diesel::update(settings::table).set(settings::status.eq(TradingStatus::Shutdown));
    assert_eq!(db.run(shutdown).await.expect("a status again"), 1);
}

pub(crate) async fn rows_of_an_earlier_version_are_keyed_and_counted(engine: Engine) {
    let url = engine.url(DATA_WAREHOUSE);
    tokio::task::block_in_place(|| {
        let mut bare = Bare::connect(&engine, &url, DATA_WAREHOUSE);
        while bare.newest().as_deref() != Some("20210227230123") {
            assert!(bare.up());
        }
        let (id, moment, of) = match &engine {
            Engine::Sqlite(_) => (
                "randomblob(16)",
                "0",
                "WITH RECURSIVE ids(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM ids WHERE n < 500)",
            ),
            Engine::Postgres(_) => (
                "gen_random_uuid()",
                "now()",
                "WITH ids(n) AS (SELECT generate_series(1, 500))",
            ),
        };
        let (no, zero) = match &engine {
            Engine::Sqlite(_) => ("0", "'0'"),
            Engine::Postgres(_) => ("false", "0"),
        };
        bare.run(&format!(
            "{of} INSERT INTO trade_events SELECT {id}, 'trade', 0, 'BTCUSDT', n, {zero}, {zero}, n, {no}, {moment}, {moment} FROM ids;
             INSERT INTO orders VALUES (1, 'ours', 'BTCUSDT', {zero}, {zero}, {zero}, {zero}, 'NEW', 'GTC', 'LIMIT', 'BUY', {zero}, \
             {zero}, 1, 1, {moment}, {moment});
             INSERT INTO subscriber_settings VALUES ({id}, 'TRADE_EVENTS:BTCUSDT', 'on', {moment}, {moment}), \
             ({id}, 'ORDERS:BTCUSDT', 'on', {moment}, {moment}), ({id}, 'ORDERS:ETHUSDT', 'off', {moment}, {moment})"
        ));
    });
    let db = Db::open(&url, DATA_WAREHOUSE).await.expect("goes up");
    let counts = subscriber_settings::table.select(subscriber_settings::rows_stored);
    let counts = db.fetch::<i64>(counts.order(subscriber_settings::topic)).await;
    assert_eq!(counts.expect("reads"), [1, 0, 500]);
    let rows: Vec<_> = (500..=501).map(|id| crate::batches::trade("BTCUSDT", id)).collect();
    let stored = store_trade_events(&db, rows.into()).await.expect("stores");
    assert_eq!((stored.changed, stored.rows_stored), (1, Some(501)));
    if let Engine::Sqlite(_) = engine {
        let sound: Vec<String> = db
            .fetch(diesel::dsl::sql::<diesel::sql_types::Text>(
                "SELECT integrity_check FROM pragma_integrity_check",
            ))
            .await
            .expect("is checked");
        assert_eq!(sound, ["ok"]);
    }
}

pub(crate) async fn a_newer_schema_is_refused_and_left_alone(engine: Engine) {
    let fresh = engine.open(NAIVE).await;
    let newest = versions(&fresh.db).await.pop().expect("there are some");
    let newer = diesel::insert_into(__diesel_schema_migrations::table)
        .values(__diesel_schema_migrations::version.eq("29990101000000"));
    fresh.db.run(newer).await.expect("inserts");
    let older = diesel::delete(__diesel_schema_migrations::table)
        .filter(__diesel_schema_migrations::version.eq("20261120110100"));
    fresh.db.run(older).await.expect("deletes");
    let left = versions(&fresh.db).await;

    let error = fresh.again().await.expect_err("a newer program was here");
    let StoreError::NewerSchema { found, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(found, "29990101000000");
    let text = error.to_string();
    assert!(
        text.contains(&fresh.db.location().to_string()) && text.contains(&newest),
        "{text}"
    );
    assert!(!error.is_transient());
    // Nothing was applied, although something was left to apply.
    assert_eq!(versions(&fresh.db).await, left);
}

pub(crate) async fn another_apps_database_is_refused(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let error = databases::open(&fresh.url, NAIVE).await.expect_err("the streamer's");
    let StoreError::OtherApp { expected, found, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((expected, found), (NAIVE, STREAMER));
}
