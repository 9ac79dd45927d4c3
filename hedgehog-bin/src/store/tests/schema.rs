//! A database that no app has: what the store promises, it promises to any.

#![allow(clippy::wildcard_imports, reason = "`table!` uses diesel's types by name")]

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::store::{Database, Durability};

/// On SQLite only.
pub(super) const DATABASE: &Database = &Database {
    name: "proof",
    sqlite: &SQLITE,
    postgres: None,
    durability: Durability::Crash,
};

/// The same where a commit outlives a power cut.
pub(super) const DURABLE: &Database = &Database {
    name: "durable proof",
    sqlite: &SQLITE,
    postgres: None,
    durability: Durability::PowerCut,
};

static SQLITE: EmbeddedMigrations = embed_migrations!("src/store/tests/migrations");

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::Moment;

    counters (name) {
        name -> Text,
        count -> BigInt,
        updated_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::Exact;

    amounts (name) {
        name -> Text,
        free -> Exact,
        locked -> Exact,
    }
}
