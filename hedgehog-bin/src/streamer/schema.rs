//! What is streamed: settings, positions, gaps.
//!
//! Written by hand to match `migrations/`: diesel's generator knows one back end only. A test loads every table.

#![expect(
    missing_docs,
    reason = "`table!` documents the modules it writes no better than the column names do"
)]
#![allow(clippy::wildcard_imports, reason = "`table!` uses diesel's types by name")]

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::store::types::text_enum;
use crate::store::{Database, Durability};

/// The database of the streamer. Positions may fall behind what is stored: then more of it is compared once more.
pub const DATABASE: &Database = &Database {
    name: "streamer",
    sqlite: &SQLITE,
    postgres: Some(&POSTGRES),
    durability: Durability::Crash,
};

static SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/streamer/sqlite");
static POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/streamer/postgres");

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Moment, Uuid};
    use crate::streamer::schema::sql::StreamingStatus;

    /// One row per symbol the exchange lists, whether or not it trades at present.
    settings (id) {
        id -> Uuid,
        symbol -> Text,
        status -> StreamingStatus,
        /// The exchange's own word: `TRADING`, `BREAK`, `HALT`.
        exchange_status -> Text,
        inserted_at -> Moment,
        updated_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::Moment;

    /// How far each stream has come.
    streams (symbol) {
        symbol -> Text,
        /// Of the newest trade that is done: stored, where the warehouse stores the symbol.
        last_trade_id -> BigInt,
        updated_at -> Moment,
        /// In which world of ids.
        epoch -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Moment, Uuid};

    /// Trade ids that never arrived, both ends included.
    gaps (id) {
        id -> Uuid,
        symbol -> Text,
        first_missing_id -> BigInt,
        last_missing_id -> BigInt,
        detected_at -> Moment,
        cause -> Text,
        epoch -> Integer,
    }
}

/// The column types that only these tables have.
pub mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// `enum streaming_status` on PostgreSQL, checked `TEXT` on SQLite.
    #[derive(SqlType, QueryId, Clone, Copy, Debug)]
    #[diesel(postgres_type(name = "streaming_status"), sqlite_type(name = "Text"))]
    pub struct StreamingStatus;
}

text_enum! {
    /// Whether a symbol is streamed.
    StreamingStatus: sql::StreamingStatus {
        /// Streamed, also after the next start.
        On = "on",
        /// Not streamed.
        Off = "off",
    }
}
