//! The databases: on SQLite or PostgreSQL, with the same queries on both.
//!
//! Mechanism only: what a database is called, which tables it has and what brings them about is told by its owner, as a
//! [`Database`]. Read in this order:
//!
//! * [`Db`]: the handle everybody holds. `fetch`, `run` and `begin` take plain diesel queries ([`query`]).
//! * [`types`]: the column types both back ends share, exact decimals first among them.
//! * [`native`]: writing in a back end's own way, where many rows come at once.
//! * [`Ownership`]: one venue and one writing program for each database. Its table is the store's own, and the only one.
//! * `migrate`: brings a database up to date when it is opened, and refuses one from a newer program.
//!
//! Invariants: a query that only one back end understands does not compile; money never passes through a float; a
//! password never reaches a log line or an error.

pub(crate) mod advance;
mod collation;
mod connect;
mod database;
mod db;
mod error;
mod location;
mod migrate;
pub mod native;
pub mod ownership;
pub mod query;
mod seal;
mod sum;
mod target;
mod transaction;
pub mod types;

#[cfg(test)]
mod tests;

pub use database::{Database, Durability};
pub use db::Db;
pub use error::StoreError;
pub use location::Location;
pub use ownership::Ownership;
pub use query::{Rows, Statement, columns};
pub use sum::decimal_sum;
pub use transaction::Transaction;
pub use types::{Decimal, Id, Moment};
