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
}

/// What is stored.
pub mod data_warehouse {
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
        use crate::store::types::sql::{Moment, SubscriberStatus, Uuid};

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
}

/// Whose a database is. Every database has it.
pub mod ownership {
    diesel::table! {
        use diesel::sql_types::*;
        use crate::store::types::sql::Moment;

        /// One row: the venue for good, and the program that writes while it runs.
        ownership (id) {
            id -> BigInt,
            /// Whose trade and order ids the database holds.
            venue -> Text,
            /// Drawn by the program that writes; null while none does.
            token -> Nullable<Text>,
            host -> Text,
            /// Of the machine's present run.
            boot -> Text,
            /// In which a process id means something.
            namespace -> Text,
            pid -> BigInt,
            /// When the process started, in the kernel's own unit.
            started -> BigInt,
            heartbeat_at -> Moment,
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
