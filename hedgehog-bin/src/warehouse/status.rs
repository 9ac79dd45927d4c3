//! What the app tells of each topic.

use serde::{Deserialize, Serialize};

/// What is stored of one topic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StoringStatus {
    /// `TRADE_EVENTS:BTCUSDT`, `ORDERS:BTCUSDT`.
    pub topic: String,
    /// Whether the settings row says so.
    pub on: bool,
    /// When its present worker began, in milliseconds since the epoch; `None` when no worker runs.
    pub since: Option<i64>,
    /// Rows of this topic in the table.
    pub rows_stored: i64,
    /// Rows added by this program.
    pub rows_new: u64,
    /// Events stored that added no row: a trade that stood there already, a later state of an order.
    pub rows_known: u64,
    /// Rows the database refused for good; each is in the log.
    pub rows_refused: u64,
    /// Events in memory that are neither stored nor on disk yet; after the end of the tree, those that are lost.
    pub lag: u64,
    /// Events on disk that are not stored yet: stored when the database takes them, by the next program if need be.
    pub spilled: u64,
    /// Events that neither the database nor the disk took when storing was switched off.
    pub lost: u64,
    /// Why the last batch is being tried again.
    pub retrying: Option<String>,
}
