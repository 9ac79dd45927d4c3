//! Answers for people. Nothing here is meant to be parsed: that is what `--json` is for.

use super::table::{Table, duration};
use crate::app::SystemStatus;
use crate::market::{Price, Quantity, grouped, short_text};
use crate::naive::{TraderStatus, TradingStatus};
use crate::store::TradingStatus as Switch;
use crate::streamer::StreamStatus;
use crate::warehouse::StoringStatus;
use hedgehog_core::TreeNode;
use serde::Serialize;
use std::fmt::{Display, Write};
use std::time::Duration;

/// Ranges of missing trades shown per symbol; `--json` has them all.
const GAPS_SHOWN: usize = 3;

/// What is on, app by app.
pub(super) fn status(status: &SystemStatus) -> String {
    let SystemStatus {
        venue,
        exchange,
        data_dir,
        since,
        ..
    } = status;
    let mut text = format!(
        "{} at {exchange}, up {}, data in {}\n",
        venue.short(),
        age(Some(*since)),
        data_dir.display()
    );
    if let Some(replay) = &status.replay {
        // Writing to a String cannot fail; so below.
        let _ = writeln!(
            text,
            "replay: {} of {} trades played, {} malformed lines",
            grouped(replay.played),
            grouped(replay.total),
            replay.malformed_lines
        );
    }
    for (part, why) in &status.unreadable {
        let _ = writeln!(text, "{part} cannot be read: {why}");
    }
    section(
        &mut text,
        status.streaming.as_deref(),
        "streaming",
        |stream| stream.on || stream.trades > 0,
        streaming,
    );
    section(&mut text, status.trading.as_deref(), "trading", is_trading, trading);
    section(
        &mut text,
        status.storing.as_deref(),
        "storing",
        |topic| topic.on || topic.lag > 0,
        storing,
    );
    text
}

fn section<T: Clone>(
    text: &mut String,
    rows: Option<&[T]>,
    title: &str,
    tells: impl Fn(&T) -> bool,
    body: impl FnOnce(&[T]) -> String,
) {
    let Some(rows) = rows else {
        let _ = write!(text, "\n{title}: not part of this program\n");
        return;
    };
    let telling: Vec<T> = rows.iter().filter(|row| tells(row)).cloned().collect();
    let _ = if telling.is_empty() {
        write!(text, "\n{title}: nothing is on\n")
    } else {
        write!(text, "\n{}", body(&telling))
    };
}

fn streaming(streams: &[StreamStatus]) -> String {
    let mut table = Table::new([
        "STREAMING",
        "STATE",
        "SINCE",
        "TRADES",
        "LAST TRADE",
        "GAPS",
        "MISSING",
        "RECONNECTS",
    ]);
    for stream in streams {
        table.row([
            stream.symbol.to_string(),
            word(&stream.state),
            age(stream.since),
            grouped(stream.trades),
            or_dash(stream.last_trade_id.as_ref()),
            grouped(stream.gaps),
            grouped(stream.missing.unsigned_abs()),
            grouped(stream.reconnects),
        ]);
    }
    let mut text = table.to_string();
    for stream in streams {
        for gap in stream.gap_ranges.iter().rev().take(GAPS_SHOWN) {
            let _ = writeln!(
                text,
                "  {} misses {} to {}",
                stream.symbol, gap.first_missing_id, gap.last_missing_id
            );
        }
        if let Some(error) = &stream.last_error {
            let _ = writeln!(text, "  {}: {error}", stream.symbol);
        }
    }
    text
}

fn is_trading(symbol: &TradingStatus) -> bool {
    symbol.status != Switch::Off || !symbol.open_traders.is_empty()
}

fn trading(symbols: &[TradingStatus]) -> String {
    let mut table = Table::new(["TRADING", "STATUS", "SINCE", "OPEN TRADERS", "CYCLES", "PROFIT"]);
    for symbol in symbols {
        table.row([
            symbol.symbol.to_string(),
            symbol.status.to_string(),
            age(Some(symbol.since)),
            symbol.open_traders.len().to_string(),
            symbol.cycles.to_string(),
            short_text(&symbol.profit),
        ]);
    }
    let mut text = table.to_string();
    for symbol in symbols {
        if let Some(reason) = &symbol.parked {
            let _ = writeln!(text, "  {} waits: {reason}", symbol.symbol);
        }
        for trader in &symbol.open_traders {
            let _ = writeln!(text, "  {} {}", symbol.symbol, trader_line(trader));
        }
    }
    text
}

fn trader_line(trader: &TraderStatus) -> String {
    let mut line = format!("{} {}", trader.id, trader.state);
    let order = |side: &str, quantity: Option<String>, price: Option<String>| match (quantity, price) {
        (Some(quantity), Some(price)) => format!(", {side} {quantity} at {price}"),
        _ => String::new(),
    };
    let quantity = |value: &Option<Quantity>| value.as_ref().map(|value| short_text(value.value()));
    let price = |value: &Option<Price>| value.as_ref().map(|value| short_text(value.value()));
    line += &order("buy", quantity(&trader.buy_quantity), price(&trader.buy_price));
    line += &order("sell", quantity(&trader.sell_quantity), price(&trader.sell_price));
    if let Some(reason) = &trader.parked {
        let _ = write!(line, ", waits: {reason}");
    }
    line
}

fn storing(topics: &[StoringStatus]) -> String {
    let mut table = Table::new(["STORING", "STATE", "SINCE", "ROWS", "NEW", "TO STORE"]);
    for topic in topics {
        let state = match (topic.on, &topic.retrying) {
            (_, Some(_)) => "retrying",
            (true, None) => "on",
            (false, None) => "off",
        };
        table.row([
            topic.topic.clone(),
            state.to_owned(),
            age(topic.since),
            grouped(topic.rows_stored.unsigned_abs()),
            grouped(topic.rows_new),
            grouped(topic.lag),
        ]);
    }
    let mut text = table.to_string();
    for topic in topics {
        if let Some(reason) = &topic.retrying {
            let _ = writeln!(text, "  {}: {reason}", topic.topic);
        }
    }
    text
}

/// One process a line, with the path that `kill` takes.
pub(super) fn tree(root: &TreeNode) -> String {
    let mut table = Table::new(["PROCESS", "STATE", "PID", "RESTARTS", "UPTIME", "LAST EXIT"]);
    for node in root.iter() {
        table.row([
            node.path.clone(),
            word(&node.state),
            or_dash(node.pid.as_ref()),
            node.restarts.to_string(),
            node.uptime.map_or_else(|| "-".to_owned(), duration),
            node.last_exit.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn or_dash(value: Option<&impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// A state as its JSON spells it, for people: `backing off`.
fn word(state: &impl Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        _ => "?".to_owned(),
    }
}

/// Since a moment in milliseconds since the epoch.
fn age(since: Option<i64>) -> String {
    let Some(since) = since else { return "-".to_owned() };
    let milliseconds = chrono::Utc::now().timestamp_millis() - since;
    // A clock that was set back makes it negative for a while.
    duration(Duration::from_millis(milliseconds.max(0).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_as_words() {
        assert_eq!(word(&crate::market::Stream::TradeEvents), "trade events");
    }
}
