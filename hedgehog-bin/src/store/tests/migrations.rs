//! A database is brought up to date once, by whoever comes first, and never touched when it is not ours.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sqlite::Sqlite;
use diesel_migrations::MigrationHarness;
use futures_util::future::join_all;

use super::{Fresh, Place};
use crate::store::{Database, Db, StoreError};

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

async fn versions(db: &Db) -> Vec<String> {
    let query = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version);
    db.fetch(query.order(__diesel_schema_migrations::version))
        .await
        .expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_stamps_are_kept() {
    let fresh = Fresh::open(Database::Naive).await;
    assert_eq!(
        versions(&fresh.db).await,
        ["20210202223209", "20210205232303", "20261120110100"]
    );
    let fresh = Fresh::open(Database::Streamer).await;
    assert_eq!(versions(&fresh.db).await[0], "20210203184805");
    let fresh = Fresh::open(Database::DataWarehouse).await;
    assert_eq!(
        versions(&fresh.db).await,
        ["20210222224514", "20210222224522", "20210227230123"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_database_at_once() {
    for database in Database::ALL {
        let place = Place::new(database).await;
        let opened = join_all((0..8).map(|_| {
            let url = place.url.clone();
            tokio::spawn(async move { Db::open(&url, database).await })
        }))
        .await;
        for db in opened {
            let db = db.expect("no panic").expect("opens");
            assert!(!versions(&db).await.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_an_existing_database_at_once() {
    let fresh = Fresh::open(Database::Naive).await;
    let opened = join_all((0..8).map(|_| fresh.again())).await;
    for db in opened {
        db.expect("opens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_and_left_alone() {
    let fresh = Fresh::open(Database::Naive).await;
    let newer = diesel::insert_into(__diesel_schema_migrations::table)
        .values(__diesel_schema_migrations::version.eq("29990101000000"));
    fresh.db.run(newer).await.expect("inserts");
    let older = diesel::delete(__diesel_schema_migrations::table)
        .filter(__diesel_schema_migrations::version.eq("20261120110100"));
    fresh.db.run(older).await.expect("deletes");

    let error = fresh.again().await.expect_err("a newer program was here");
    assert!(
        matches!(&error, StoreError::NewerSchema { found, .. } if found == "29990101000000"),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.contains(&fresh.db.location().to_string()) && text.contains("20261120110100"),
        "{text}"
    );
    assert!(!error.is_transient());
    // Nothing was applied, although something was left to apply.
    assert_eq!(
        versions(&fresh.db).await,
        ["20210202223209", "20210205232303", "29990101000000"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_apps_database_is_refused() {
    let fresh = Fresh::open(Database::Streamer).await;
    let error = Db::open(&fresh.place.url, Database::Naive)
        .await
        .expect_err("the streamer's");
    assert!(
        matches!(
            error,
            StoreError::OtherApp {
                expected: Database::Naive,
                found: Database::Streamer,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_survive_the_rebuild_that_adds_shutdown() {
    let mut connection = memory();
    let migrations = Database::Naive.sqlite();
    connection
        .run_next_migration(Borrowed(migrations))
        .expect("creates settings");
    let insert = "INSERT INTO settings VALUES (x'000102030405060708090a0b0c0d0e0f', 'BTCUSDT', 5, '1000', '0.0001', \
                  '-0.0012', '0.001', 'on', 1, 2)";
    sql_query(insert).execute(&mut connection).expect("inserts");
    let shutdown = "UPDATE settings SET status = 'shutdown'";
    sql_query(shutdown)
        .execute(&mut connection)
        .expect_err("not yet a status");
    connection
        .run_next_migration(Borrowed(migrations))
        .expect("rebuilds settings");
    assert_eq!(sql_query(shutdown).execute(&mut connection).expect("a status now"), 1);
    connection
        .revert_last_migration(Borrowed(migrations))
        .expect("goes back");
    let off = "UPDATE settings SET symbol = symbol WHERE status = 'off' AND inserted_at = 1 AND budget = '1000'";
    assert_eq!(sql_query(off).execute(&mut connection).expect("reads"), 1);
}

#[test]
fn every_migration_of_sqlite_can_be_undone() {
    for database in Database::ALL {
        let mut connection = memory();
        connection
            .run_pending_migrations(Borrowed(database.sqlite()))
            .expect("applies");
        connection
            .revert_all_migrations(Borrowed(database.sqlite()))
            .expect("reverts");
        connection
            .run_pending_migrations(Borrowed(database.sqlite()))
            .expect("applies again");
    }
}

#[test]
fn both_back_ends_have_the_same_versions_and_no_two_apps_share_one() {
    use diesel::migration::MigrationSource;

    let mut all = Vec::new();
    for database in Database::ALL {
        let sqlite = MigrationSource::<Sqlite>::migrations(database.sqlite()).expect("embedded");
        let sqlite: Vec<String> = sqlite.iter().map(|migration| migration.name().to_string()).collect();
        if let Some(postgres) = database.postgres() {
            let postgres = MigrationSource::<diesel::pg::Pg>::migrations(postgres).expect("embedded");
            let postgres: Vec<String> = postgres.iter().map(|migration| migration.name().to_string()).collect();
            assert_eq!(sqlite, postgres, "{database}");
        }
        all.extend(
            sqlite
                .into_iter()
                .map(|name| name.split('_').next().unwrap_or_default().to_owned()),
        );
    }
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

fn memory() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").expect("memory");
    crate::store::collation::register(&mut connection).expect("registers");
    connection
}

/// Diesel wants its migrations by value.
struct Borrowed(&'static diesel_migrations::EmbeddedMigrations);

impl diesel::migration::MigrationSource<Sqlite> for Borrowed {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn diesel::migration::Migration<Sqlite>>>> {
        self.0.migrations()
    }
}
