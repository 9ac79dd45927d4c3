//! What is stored: trade events, orders, subscriber settings.
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

/// The database of the warehouse: what it has acknowledged is told by nobody again.
pub const DATABASE: &Database = &Database {
    name: "data_warehouse",
    sqlite: &SQLITE,
    postgres: Some(&POSTGRES),
    durability: Durability::PowerCut,
};

static SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/data_warehouse/sqlite");
static POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/data_warehouse/postgres");

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Exact, Moment, Uuid};

    /// Trades, each once: unique by symbol, epoch and trade id.
    trade_events (id) {
        id -> Uuid,
        event_type -> Text,
        /// The exchange's time of sending, in its own unit since 1970.
        event_time -> BigInt,
        symbol -> Text,
        trade_id -> BigInt,
        price -> Exact,
        quantity -> Exact,
        /// The exchange's time of the trade, in its own unit since 1970.
        trade_time -> BigInt,
        buyer_market_maker -> Bool,
        inserted_at -> Moment,
        updated_at -> Moment,
        /// Which world of ids: one more each time the exchange's ids began again.
        epoch -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Exact, Moment};

    /// Orders in their latest known state. An order id is unique within its symbol only, and begins again where the exchange
    /// was reset; the client order id is ours alone.
    orders (symbol, order_id, client_order_id) {
        order_id -> BigInt,
        client_order_id -> Text,
        symbol -> Text,
        price -> Exact,
        original_quantity -> Exact,
        executed_quantity -> Exact,
        /// Two m: the exchange's own spelling.
        cummulative_quote_quantity -> Exact,
        status -> Text,
        time_in_force -> Text,
        #[sql_name = "type"]
        type_ -> Text,
        side -> Text,
        stop_price -> Exact,
        iceberg_quantity -> Exact,
        time -> BigInt,
        update_time -> BigInt,
        inserted_at -> Moment,
        updated_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Moment, Uuid};
    use crate::warehouse::schema::sql::SubscriberStatus;

    /// What is stored, by topic (`TRADE_EVENTS:BTCUSDT`).
    subscriber_settings (id) {
        id -> Uuid,
        topic -> Text,
        status -> SubscriberStatus,
        inserted_at -> Moment,
        updated_at -> Moment,
        /// How many rows the topic has in its table; changed in the transaction that adds them.
        rows_stored -> BigInt,
    }
}

/// The column types that only these tables have.
pub mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// `enum subscriber_status` on PostgreSQL, checked `TEXT` on SQLite.
    #[derive(SqlType, QueryId, Clone, Copy, Debug)]
    #[diesel(postgres_type(name = "subscriber_status"), sqlite_type(name = "Text"))]
    pub struct SubscriberStatus;
}

text_enum! {
    /// Whether a topic is stored.
    SubscriberStatus: sql::SubscriberStatus {
        /// Stored, also after the next start.
        On = "on",
        /// Not stored.
        Off = "off",
    }
}
