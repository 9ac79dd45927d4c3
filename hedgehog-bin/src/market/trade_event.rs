//! One trade of the market, and a hole in the sequence of trades.

use super::{Price, Quantity, Symbol};
use serde::{Deserialize, Serialize};

/// A trade as the exchange's `<symbol>@trade` stream tells it (web-socket-streams, "Trade Streams").
///
/// The buyer's and seller's order ids are gone from the wire since 2024-06-18; a recording that still has them is read,
/// and they are dropped: one's own fills come from the user data stream and from order queries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeEvent {
    /// When the exchange sent the event, in milliseconds since the epoch.
    pub event_time: i64,
    /// The traded pair.
    pub symbol: Symbol,
    /// Which world of ids [`trade_id`](Self::trade_id) belongs to: 0 at first, one more each time the exchange's ids were seen to
    /// go back (a reset test network, a new simulator). The wire does not tell it; the streamer does.
    pub epoch: i32,
    /// One more than the id of the symbol's previous trade in the same epoch.
    pub trade_id: i64,
    /// In the quote asset.
    pub price: Price,
    /// In the base asset.
    pub quantity: Quantity,
    /// When the trade happened, in milliseconds since the epoch.
    pub trade_time: i64,
    /// Whether the buyer was the maker, that is, the aggressor sold.
    pub buyer_market_maker: bool,
}

/// Trade ids that the stream never delivered: `first_missing_id ..= last_missing_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The pair whose trades are missing.
    pub symbol: Symbol,
    /// In which world of ids; see [`TradeEvent::epoch`].
    pub epoch: i32,
    /// The first id that did not come.
    pub first_missing_id: i64,
    /// The last id that did not come.
    pub last_missing_id: i64,
}

impl Gap {
    /// How many trades are missing.
    pub fn missing(&self) -> i64 {
        self.last_missing_id - self.first_missing_id + 1
    }
}
