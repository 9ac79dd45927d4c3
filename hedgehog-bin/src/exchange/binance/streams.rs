//! The frames of trade streams, decoded.
//!
//! The hot path reads a trade with borrowed text and no intermediate tree; whatever is not a trade is looked at a second
//! time and named, and is never an error of the connection.

use crate::exchange::milliseconds;
use crate::market::{Symbol, TradeEvent};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// What one text frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A trade.
    Trade(TradeEvent),
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
    let event = if text.starts_with(r#"{"stream""#) {
        serde_json::from_str::<Combined<'_>>(text).map(|combined| combined.data)
    } else {
        serde_json::from_str::<TradeWire<'_>>(text)
    };
    match event {
        Ok(event) if event.kind == "trade" => event.into_frame(expected),
        // Other events use the same keys with other types, so a refusal says nothing yet.
        _ => classify(text),
    }
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
        Some("trade") => match TradeWire::deserialize(event) {
            Ok(trade) => trade.into_frame(None),
            Err(error) => Frame::Malformed(format!("{error}: {}", excerpt(text))),
        },
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

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    data: TradeWire<'a>,
}

/// The keys of a trade event. All are optional, so that an event of another kind is read far enough to be told apart.
#[derive(Deserialize)]
struct TradeWire<'a> {
    #[serde(rename = "e", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(rename = "E", default)]
    event_time: Option<i64>,
    #[serde(rename = "s", borrow, default)]
    symbol: Cow<'a, str>,
    #[serde(rename = "t", default)]
    trade_id: Option<i64>,
    #[serde(rename = "p", borrow, default)]
    price: Cow<'a, str>,
    #[serde(rename = "q", borrow, default)]
    quantity: Cow<'a, str>,
    #[serde(rename = "T", default)]
    trade_time: Option<i64>,
    #[serde(rename = "m", default)]
    buyer_market_maker: Option<bool>,
}

impl TradeWire<'_> {
    fn into_frame(self, expected: Option<&Symbol>) -> Frame {
        self.read(expected).map_or_else(Frame::Malformed, Frame::Trade)
    }

    fn read(self, expected: Option<&Symbol>) -> Result<TradeEvent, String> {
        let symbol = match expected {
            Some(symbol) if symbol.as_str() == self.symbol => symbol.clone(),
            _ => self.symbol.parse().map_err(|error| format!("s: {error}"))?,
        };
        Ok(TradeEvent {
            event_time: milliseconds(self.event_time.ok_or("a trade without E")?),
            symbol,
            epoch: 0,
            trade_id: self
                .trade_id
                .filter(|id| *id >= 0)
                .ok_or("a trade without an id in t")?,
            price: self.price.parse().map_err(|error| format!("p: {error}"))?,
            quantity: self.quantity.parse().map_err(|error| format!("q: {error}"))?,
            trade_time: milliseconds(self.trade_time.ok_or("a trade without T")?),
            buyer_market_maker: self.buyer_market_maker.ok_or("a trade without m")?,
        })
    }
}
