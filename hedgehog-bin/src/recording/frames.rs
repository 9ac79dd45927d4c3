//! Frames of a WebSocket, one per line, raw or combined, with or without the time of receipt that captures put in front.

use super::RecordedTrade;
use super::layout::Line;
use crate::market::{Symbol, TradeFrame};

/// Reads frames.
#[derive(Default)]
pub(super) struct Frames {
    /// Of the last trade: most lines have the same.
    symbol: Option<Symbol>,
    first_other: String,
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
        let (trade, row) = match TradeFrame::of(frame_of(text)) {
            TradeFrame::Trade(trade) => (trade, RecordedTrade::of as fn(&_) -> _),
            TradeFrame::Nobodys(trade) => (trade, RecordedTrade::of_nobody as fn(&_) -> _),
            TradeFrame::Refused(why) => return Err(why),
            TradeFrame::Malformed(error) | TradeFrame::NoFrame(error) => return Err(format!("not a frame: {error}")),
            TradeFrame::Other(kind) => {
                if self.first_other.is_empty() {
                    self.first_other = kind.as_deref().unwrap_or("unnamed").chars().take(40).collect();
                }
                return Ok(Line::OtherEvent);
            }
        };
        let symbol = trade.symbol(self.symbol.as_ref())?;
        if self.symbol.as_ref() != Some(&symbol) {
            self.symbol = Some(symbol.clone());
        }
        Ok(Line::Trade(symbol, row(&trade)?))
    }
}

/// The line without the time of receipt.
fn frame_of(line: &str) -> &str {
    match line.split_once(' ') {
        Some((stamp, frame)) if !stamp.is_empty() && stamp.bytes().all(|byte| byte.is_ascii_digit()) => frame,
        _ => line,
    }
}
