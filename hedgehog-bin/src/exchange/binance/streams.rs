//! The frames of trade streams, decoded.
//!
//! The hot path reads a trade with borrowed text and no intermediate tree; whatever is not a trade is looked at a second
//! time and named, and is never an error of the connection.

use crate::exchange::Frame;
use crate::market::{Symbol, TradeFrame};
use serde_json::Value;

#[cfg(test)]
mod tests;

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
