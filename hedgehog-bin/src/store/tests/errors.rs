//! Errors say what the caller can do, and never a password.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::schema::{DATABASE, counters};
use super::{Fresh, moment};
use crate::store::target::Target;
use crate::store::{Db, StoreError};

fn location(url: &str) -> String {
    let (_, location) = Target::parse(url).expect("a URL");
    location.to_string()
}

#[test]
fn a_password_is_never_shown() {
    for url in [
        "postgres://me:secret@host/streamer",
        "postgresql://me:secret@host:5432/streamer?connect_timeout=2",
        "postgres://me@host/streamer?password=secret",
        "postgres://me:sec%72et@host/streamer",
        "postgres://me:secret@[bad/streamer",
    ] {
        let shown = location(url);
        assert!(!shown.contains("secret") && !shown.contains("sec%72et"), "{shown}");
        assert!(shown.starts_with("postgres"), "{shown}");
    }
    assert_eq!(
        location("postgres://me:secret@host/streamer"),
        "postgres://me:***@host/streamer"
    );
    assert_eq!(location("hedgehog-data/streamer.db"), "hedgehog-data/streamer.db");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_another_kind_is_refused_with_the_right_form() {
    for url in ["mysql://me:secret@host/x", "", "sqlite://"] {
        let error = Db::open(url, DATABASE).await.expect_err(url);
        assert!(matches!(error, StoreError::UnsupportedUrl { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let error = Db::open("postgres://host/x", DATABASE).await.expect_err("SQLite only");
    assert!(matches!(error, StoreError::UnsupportedUrl { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_does_not_exist_is_named() {
    let error = Db::open("/no/such/folder/streamer.db", DATABASE)
        .await
        .expect_err("no folder");
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains("/no/such/folder/streamer.db") && told.ends_with("unable to open database file"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("streamer.db");
    let text = "not a database, but long enough to be taken for one: ".repeat(20);
    std::fs::write(&path, &text).expect("writes");
    let error = Db::open(&path.display().to_string(), DATABASE)
        .await
        .expect_err("no database");
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_where_one_was_asked_for_is_not_found() {
    let fresh = Fresh::open().await;
    let query = || counters::table.select(counters::count);
    assert_eq!(fresh.db.fetch_optional::<i64>(query()).await.expect("reads"), None);
    let error = fresh.db.fetch_one::<i64>(query()).await.expect_err("no row");
    assert!(
        matches!(
            error,
            StoreError::Query {
                cause: QueryError::NotFound,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_cannot_write_on_sqlite() {
    let fresh = Fresh::open().await;
    let insert = diesel::insert_into(counters::table)
        .values((
            counters::name.eq("X"),
            counters::count.eq(1i64),
            counters::updated_at.eq(moment(0)),
        ))
        .returning(counters::name);
    fresh
        .db
        .fetch::<String>(insert)
        .await
        .expect_err("readers are read-only");
    assert_eq!(
        fresh
            .db
            .fetch_one::<i64>(counters::table.count())
            .await
            .expect("counts"),
        0
    );
}

#[test]
fn what_may_pass_by_itself_is_transient() {
    let (_, location) = Target::parse("x.db").expect("a path");
    let database = |kind, text: &str| {
        StoreError::from_query(&location, QueryError::DatabaseError(kind, Box::new(text.to_owned())))
    };
    assert!(database(DatabaseErrorKind::Unknown, "database is locked").is_transient());
    assert!(database(DatabaseErrorKind::UnableToSendCommand, "connection closed").is_transient());
    assert!(
        database(
            DatabaseErrorKind::Unknown,
            "terminating connection due to administrator command"
        )
        .is_transient()
    );
    let full = database(DatabaseErrorKind::Unknown, "database or disk is full");
    assert!(
        full.is_transient() && full.to_string().contains("the disk is full"),
        "{full}"
    );
    for why in ["No space left on device", "wrote only 4096 of 8192 bytes at block 758"] {
        let full = format!("could not extend file \"base/1/2\": {why}");
        let full = database(DatabaseErrorKind::Unknown, &full);
        assert!(
            full.is_transient() && full.to_string().contains("the disk is full"),
            "{full}"
        );
    }
    let locked = "canceling statement due to lock timeout";
    assert!(database(DatabaseErrorKind::Unknown, locked).is_transient());
    assert!(!database(DatabaseErrorKind::UniqueViolation, "duplicate key").is_transient());
    assert!(!database(DatabaseErrorKind::CheckViolation, "CHECK constraint failed").is_transient());
    assert!(!StoreError::from_query(&location, QueryError::NotFound).is_transient());
}
