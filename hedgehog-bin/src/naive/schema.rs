//! What is traded: settings, the ledger of traders, our orders.
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

/// The database of the naive app: no order may be forgotten.
pub const DATABASE: &Database = &Database {
    name: "naive",
    sqlite: &SQLITE,
    postgres: Some(&POSTGRES),
    durability: Durability::PowerCut,
};

static SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/naive/sqlite");
static POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/naive/postgres");

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Exact, Moment, Uuid};
    use crate::naive::schema::sql::TradingStatus;

    /// One row per symbol the exchange lists.
    settings (id) {
        id -> Uuid,
        symbol -> Text,
        chunks -> Integer,
        budget -> Exact,
        buy_down_interval -> Exact,
        profit_interval -> Exact,
        rebuy_interval -> Exact,
        status -> TradingStatus,
        inserted_at -> Moment,
        updated_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Exact, Moment, Uuid};

    /// The order ledger: one row per trader, open or ended.
    traders (id) {
        id -> Uuid,
        symbol -> Text,
        /// A [`TraderState`](crate::naive::schema::TraderState).
        state -> Text,
        budget -> Exact,
        buy_order_id -> Nullable<BigInt>,
        buy_client_order_id -> Nullable<Text>,
        buy_price -> Nullable<Exact>,
        buy_quantity -> Nullable<Exact>,
        buy_executed -> Nullable<Exact>,
        sell_order_id -> Nullable<BigInt>,
        sell_client_order_id -> Nullable<Text>,
        sell_price -> Nullable<Exact>,
        sell_quantity -> Nullable<Exact>,
        sell_executed -> Nullable<Exact>,
        rebuy_notified -> Bool,
        profit -> Nullable<Exact>,
        inserted_at -> Moment,
        updated_at -> Moment,
        /// What the executed part came to in the quote asset; null where the exchange did not tell.
        buy_paid -> Nullable<Exact>,
        sell_paid -> Nullable<Exact>,
        /// Of how much of the base asset the commission is not in the profit.
        uncharged -> Nullable<Exact>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::{Exact, Moment};

    /// The last state of each of our orders, and whether whoever stores orders has it.
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
        acknowledged -> Bool,
        inserted_at -> Moment,
        updated_at -> Moment,
    }
}

/// The column types that only these tables have.
pub mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// `enum trading_status` on PostgreSQL, checked `TEXT` on SQLite.
    #[derive(SqlType, QueryId, Clone, Copy, Debug)]
    #[diesel(postgres_type(name = "trading_status"), sqlite_type(name = "Text"))]
    pub struct TradingStatus;
}

text_enum! {
    /// Whether a symbol is traded.
    TradingStatus: sql::TradingStatus {
        /// Traded, also after the next start.
        On = "on",
        /// Not traded.
        Off = "off",
        /// Open trades finish, none is opened.
        Shutdown = "shutdown",
    }
}

text_enum! {
    /// Where a trader stands in its cycle.
    TraderState: diesel::sql_types::Text {
        /// No order placed yet.
        Ready = "ready",
        /// The buy order is open.
        Buying = "buying",
        /// The buy order is filled, the sell order open.
        Selling = "selling",
        /// The sell order is filled.
        Finished = "finished",
        /// Ended without a full cycle.
        Cancelled = "cancelled",
    }
}

impl TraderState {
    /// Whether the trader is never started again.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }
}
