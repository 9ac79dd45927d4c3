//! The databases: one per app, on SQLite or PostgreSQL, with the same queries on both.
//!
//! Read in this order:
//!
//! * [`Db`]: the handle everybody holds. `fetch`, `run` and `begin` take plain diesel queries.
//! * [`schema`]: the tables of each app.
//! * [`types`]: the column types both back ends share, exact decimals first among them.
//! * [`rows`]: the warehouse's rows; [`batch`] writes many of them at once.
//! * [`Ownership`]: one venue and one writing program for each database.
//! * [`migrate`]: brings a database up to date when it is opened, and refuses one from a newer program.
//!
//! Invariants: a query that only one back end understands does not compile; money never passes through a float; a
//! password never reaches a log line or an error.

pub mod batch;
mod collation;
mod connect;
mod db;
mod error;
mod insert;
pub mod migrate;
pub(crate) mod order_states;
mod ownership;
pub mod rows;
pub mod schema;
mod seal;
mod sum;
mod transaction;
pub mod types;

#[cfg(test)]
mod tests;

pub use connect::Location;
pub use db::{Db, Rows, Statement, columns};
pub use error::StoreError;
pub use migrate::Database;
pub use ownership::Ownership;
pub use sum::decimal_sum;
pub use transaction::Transaction;
pub use types::{Decimal, Id, Moment, StreamingStatus, SubscriberStatus, TraderState, TradingStatus};
