//! The frames of trade streams, decoded.
//!
//! The hot path reads a trade with borrowed text and no intermediate tree; whatever is not a trade is looked at a second
//! time and named, and is never an error of the connection.

use crate::market::{Symbol, TradeEvent, TradeFrame};
use serde_json::Value;

#[cfg(test)]
mod tests;

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

/// Reads one text frame, raw or combined (`{"stream":…,"data":…}`), in today's format or the one before 2024-06-18, with
/// times in milliseconds or microseconds. Takes any text and never panics.
pub fn decode(text: &str) -> Frame {
    decode_for(text, None)
}

/// As [`decode`]; a trade of `expected` shares its symbol instead of making a new one.
pub(super) fn decode_for(text: &str, expected: Option<&Symbol>) -> Frame {
    let read = match TradeFrame::of(text) {
        TradeFrame::Trade(trade) => trade.event(expected).map(Frame::Trade),
        TradeFrame::Nobodys(trade) => trade.symbol(expected).map(|symbol| Frame::OtherTrade {
            symbol,
            trade_id: trade.trade_id,
        }),
        TradeFrame::Refused(why) => Err(why),
        TradeFrame::Malformed(error) => Err(format!("{error}: {}", excerpt(text))),
        TradeFrame::Other(_) | TradeFrame::NoFrame(_) => Ok(classify(text)),
    };
    read.unwrap_or_else(Frame::Malformed)
}

/// The slow path: what is it, if not a trade?
fn classify(text: &str) -> Frame {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Frame::Malformed(format!("{error}: {}", excerpt(text))),
    };
    let event = value.get("data").unwrap_or(&value);
    let event = event.get("event").unwrap_or(event);
    match event.get("e").and_then(Value::as_str) {
        Some("serverShutdown") => Frame::ServerShutdown,
        Some(name) => Frame::Unknown(excerpt(name)),
        // Errors come flat (`code`, `msg`) by the documentation and nested (`error`) on the wire.
        None if ["result", "error", "code"].iter().any(|key| value.get(key).is_some()) => Frame::Control,
        None => Frame::Unknown(excerpt(text)),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
