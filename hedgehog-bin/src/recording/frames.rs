//! Frames of a WebSocket, one per line, raw or combined, with or without the time of receipt that captures put in front.

use super::RecordedTrade;
use super::layout::Line;
use crate::market::{Symbol, Told, TradeWire};
use serde::Deserialize;
use std::borrow::Cow;

/// Reads frames.
#[derive(Default)]
pub(super) struct Frames {
    /// Of the last trade: most lines have the same.
    symbol: Option<Symbol>,
    first_other: String,
}

/// What names the kind of a frame, and nothing else of it: books and tickers are many and large.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<KindOfData<'a>>,
}

#[derive(Deserialize)]
struct KindOfData<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
}

impl Frames {
    /// Whether a line is a frame.
    pub(super) fn begin_with(line: &str) -> bool {
        frame_of(line).starts_with('{')
    }

    /// The kind of the first event that was no trade.
    pub(super) fn first_other(&self) -> &str {
        &self.first_other
    }

    pub(super) fn read(&mut self, text: &str) -> Result<Line, String> {
        let frame = frame_of(text);
        let trade = match TradeWire::of_frame(frame) {
            Ok(event) if event.is_trade() => event,
            other => return self.other(frame, other.err()),
        };
        let (trade, kind) = match trade.read()? {
            Told::Trade(trade) => (trade, RecordedTrade::of as fn(&_) -> _),
            Told::Other(trade) => (trade, RecordedTrade::of_nobody as fn(&_) -> _),
        };
        let symbol = trade.symbol(self.symbol.as_ref())?;
        if self.symbol.as_ref() != Some(&symbol) {
            self.symbol = Some(symbol.clone());
        }
        Ok(Line::Trade(symbol, kind(&trade)?))
    }

    /// What is it, if it could not be read as a trade?
    fn other(&mut self, frame: &str, error: Option<serde_json::Error>) -> Result<Line, String> {
        let unreadable = |error: serde_json::Error| format!("not a frame: {error}");
        let kind: Kind<'_> = serde_json::from_str(frame).map_err(unreadable)?;
        let name = kind.data.map_or(kind.e, |data| data.e);
        match (name.as_deref(), error) {
            (Some("trade"), Some(error)) => Err(unreadable(error)),
            (name, _) => {
                if self.first_other.is_empty() {
                    self.first_other = name.unwrap_or("unnamed").chars().take(40).collect();
                }
                Ok(Line::OtherEvent)
            }
        }
    }
}

/// The line without the time of receipt.
fn frame_of(line: &str) -> &str {
    match line.split_once(' ') {
        Some((stamp, frame)) if !stamp.is_empty() && stamp.bytes().all(|byte| byte.is_ascii_digit()) => frame,
        _ => line,
    }
}
