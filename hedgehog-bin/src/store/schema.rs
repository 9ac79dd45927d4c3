//! The tables of each database.
//!
//! Written by hand to match `migrations/`: diesel's generator knows one back end only. A test loads every table.

#![expect(
    missing_docs,
    reason = "`table!` documents the modules it writes no better than the column names do"
)]
#![allow(clippy::wildcard_imports, reason = "`table!` uses diesel's types by name")]

/// What is streamed.
pub mod streamer {
    diesel::table! {
        use diesel::sql_types::*;
        use crate::store::types::sql::{Moment, StreamingStatus, Uuid};

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
            last_trade_id -> BigInt,
            updated_at -> Moment,
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
        }
    }
}

/// What is traded.
pub mod naive {
    diesel::table! {
        use diesel::sql_types::*;
        use crate::store::types::sql::{Exact, Moment, TradingStatus, Uuid};

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
            /// A [`TraderState`](crate::store::TraderState).
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
        }
    }
}

/// What is stored.
pub mod data_warehouse {
    diesel::table! {
        use diesel::sql_types::*;
        use crate::store::types::sql::{Exact, Moment, Uuid};

        /// Trades, each once: unique by symbol and trade id.
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
        }
    }

    diesel::table! {
        use diesel::sql_types::*;
        use crate::store::types::sql::{Exact, Moment};

        /// Orders in their latest known state. An order id is unique within its symbol only.
        orders (symbol, order_id) {
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
        use crate::store::types::sql::{Moment, SubscriberStatus, Uuid};

        /// What is stored, by topic (`TRADE_EVENTS:BTCUSDT`).
        subscriber_settings (id) {
            id -> Uuid,
            topic -> Text,
            status -> SubscriberStatus,
            inserted_at -> Moment,
            updated_at -> Moment,
        }
    }
}

/// What the simulated exchange remembers. On SQLite only.
pub mod simulator {
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
}
