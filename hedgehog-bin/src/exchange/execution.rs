//! What becomes of an account's orders, told as it happens.

use crate::market::{Order, Price, Quantity};
use serde::Deserialize;

/// What [`Account::executions`](super::Account::executions) tells.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "handed to one callback by value; a box would be one more allocation"
)]
pub enum UserDataEvent {
    /// The subscription stands. What happened before is not told: query the open orders now.
    Connected,
    /// An order changed.
    Execution(Execution),
    /// Nothing is delivered until the next `Connected`; carries the reason.
    Disconnected(String),
}

/// One `executionReport`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The order after the change, every field filled.
    pub order: Order,
    /// What kind of change it was.
    pub execution_type: ExecutionType,
    /// When the exchange sent the report, in milliseconds since the epoch.
    pub event_time: i64,
    /// Why the order was rejected; `None` when it was not.
    pub reject_reason: Option<String>,
    /// At which this change executed; zero when it executed nothing.
    pub last_price: Price,
    /// How much this change executed, in the base asset.
    pub last_quantity: Quantity,
    /// Taken from the account for this change.
    pub commission: Quantity,
    /// In which asset; `None` when there was no commission.
    pub commission_asset: Option<String>,
    /// Identifies the trade; `None` when there was none.
    pub trade_id: Option<i64>,
    /// Whether the order was the resting side of the trade.
    pub maker: bool,
}

/// Why an `executionReport` was sent (enums.md, "Execution types").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionType {
    /// Accepted by the engine.
    New,
    /// Cancelled by its owner.
    Canceled,
    /// Amended.
    Replaced,
    /// Refused by the engine.
    Rejected,
    /// Executed, in part or in full.
    Trade,
    /// Cancelled by the exchange.
    Expired,
    /// Expired by self-trade prevention.
    TradePrevention,
    /// A type younger than this program.
    #[serde(untagged)]
    Other(String),
}
