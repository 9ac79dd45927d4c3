//! What the simulated exchange remembers.
//!
//! Written by hand to match `migrations/`: diesel's generator knows one back end only. A test loads every table.

#![expect(
    missing_docs,
    reason = "`table!` documents the modules it writes no better than the column names do"
)]
#![allow(clippy::wildcard_imports, reason = "`table!` uses diesel's types by name")]

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::store::{Database, Durability};

/// The database of the simulator. On SQLite only.
pub const DATABASE: &Database = &Database {
    name: "simulator",
    sqlite: &SQLITE,
    postgres: None,
    durability: Durability::Crash,
};

static SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/simulator/sqlite");

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::Exact;

    /// Orders, open and ended.
    orders (symbol, order_id) {
        symbol -> Text,
        order_id -> BigInt,
        client_order_id -> Text,
        side -> Text,
        price -> Exact,
        original_quantity -> Exact,
        executed_quantity -> Exact,
        cummulative_quote_quantity -> Exact,
        status -> Text,
        time -> BigInt,
        update_time -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::Exact;

    /// What the one account holds.
    balances (asset) {
        asset -> Text,
        free -> Exact,
        locked -> Exact,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    /// How far each market has come, so that ids continue after a restart.
    markets (symbol) {
        symbol -> Text,
        last_trade_id -> BigInt,
        last_order_id -> BigInt,
        /// How far a recording was played; null for a generated market.
        played_to -> Nullable<BigInt>,
        /// How far its trades have met its orders.
        matched_to -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    /// One row: which generation of the generator made the market.
    generator (id) {
        id -> Integer,
        generation -> Integer,
    }
}
