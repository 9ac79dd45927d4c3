//! What a connection to trade streams brings.

use crate::market::{Symbol, TradeEvent};

/// What one text frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A trade.
    Trade(TradeEvent),
    /// A trade that is none of the market's, as of an insurance fund: no event, and the id it uses up is not missing.
    OtherTrade {
        /// The pair.
        symbol: Symbol,
        /// The id that no trade of the market will have.
        trade_id: i64,
    },
    /// The server is about to go: open a new connection at once, then leave this one.
    ServerShutdown,
    /// The answer to a control message (`SUBSCRIBE` and its like), or its refusal.
    Control,
    /// JSON that is none of these; carries the event's name or an excerpt.
    Unknown(String),
    /// Not JSON, or a trade that lacks something; carries the reason.
    Malformed(String),
}
