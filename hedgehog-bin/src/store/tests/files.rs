//! SQLite's files: whose they are, and that they are still there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use diesel::prelude::*;

use super::schema::DATABASE;
use super::schema::counters::{count, name, table as counters, updated_at};
use super::{Fresh, moment};
use crate::store::{Db, Ownership, Statement, StoreError};

fn insert(text: &str) -> impl Statement + '_ {
    diesel::insert_into(counters).values((name.eq(text), count.eq(0i64), updated_at.eq(moment(0))))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_deleted_or_replaced_takes_nothing_more() {
    for replaced in [false, true] {
        let fresh = Fresh::open().await;
        let claims = Ownership::claim([(DATABASE, fresh.db.clone())], "live").await;
        let ownership = claims.expect("it was nobody's");
        fresh.db.run(insert("A")).await.expect("inserts");
        if replaced {
            let other = Fresh::open().await;
            std::fs::copy(&other.url, format!("{}.new", fresh.url)).expect("is copied");
            std::fs::rename(format!("{}.new", fresh.url), &fresh.url).expect("is replaced");
        } else {
            std::fs::remove_file(&fresh.url).expect("is deleted");
        }
        let refused = fresh.db.run(insert("B")).await.expect_err("nobody would find it");
        assert!(matches!(refused, StoreError::Replaced { .. }), "{refused:?}");
        assert!(fresh.db.begin().await.is_err());
        assert!(matches!(ownership.lost().await, StoreError::Replaced { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn database_files_are_the_owners_alone() {
    let mode = |path: &str| Path::new(path).metadata().expect("it exists").permissions().mode() & 0o777;
    let fresh = Fresh::open().await;
    fresh.db.run(insert("A")).await.expect("inserts");
    let files = ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", fresh.url));
    assert_eq!(files.each_ref().map(|file| mode(file)), [0o600; 3]);
    // Made by an earlier version.
    for file in &files {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).expect("ours");
    }
    let again = Db::open(&fresh.url, DATABASE).await.expect("opens");
    assert_eq!(files.each_ref().map(|file| mode(file)), [0o600; 3]);
    drop(again);
}
