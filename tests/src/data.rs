//! The real recordings: where they are, when they are there at all, and what is in them.
//!
//! They are read by other code than the program's own, so that a trade which the program drops or bends is noticed.

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use hedgehog_bin::exchange::Frame;
use hedgehog_bin::exchange::binance::streams::decode;
use hedgehog_bin::market::TradeEvent;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A day of XRPUSDT trades.
pub const XRPUSDT_DAY: &str = "trades/2019-06-01-XRPUSDT.csv.gz";
/// Six minutes of BTCUSDT frames of which some are trades.
pub const BTCUSDT_FRAMES: &str = "frames/btcusdt_20240808.gz";
/// Counts, sums and results of a reference of the strategy, for the files above.
pub const GOLDEN: &str = "golden.json";

/// A file of the shared market data, or why a test that needs it must report *ignored*.
pub fn recording(name: &str) -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("the recording {name} is not beside the project"))
    }
}

/// The same for a test that has begun, and so has it.
fn present(name: &str) -> Result<PathBuf> {
    recording(name).map_err(anyhow::Error::msg)
}

/// [`GOLDEN`].
pub fn golden() -> Result<Value> {
    Ok(serde_json::from_reader(File::open(present(GOLDEN)?)?)?)
}

/// The trades of one of the files above, by trade time and id.
pub fn trades(name: &str) -> Result<Vec<TradeEvent>> {
    let path = present(name)?;
    let reader = BufReader::new(MultiGzDecoder::new(File::open(&path)?));
    let trades = if name.contains(".csv") {
        rows(reader)
    } else {
        frames(reader)
    };
    let mut trades = trades.with_context(|| path.display().to_string())?;
    trades.sort_by_key(|trade| (trade.trade_time, trade.trade_id));
    Ok(trades)
}

#[derive(Deserialize)]
struct Row {
    event_time: i64,
    symbol: String,
    trade_id: i64,
    price: String,
    quantity: String,
    trade_time: i64,
    buyer_market_maker: bool,
}

fn rows(reader: impl std::io::Read) -> Result<Vec<TradeEvent>> {
    let rows = csv::Reader::from_reader(reader).into_deserialize();
    rows.map(|row| {
        let row: Row = row?;
        Ok(TradeEvent {
            event_time: row.event_time,
            symbol: row.symbol.parse()?,
            epoch: 0,
            trade_id: row.trade_id,
            price: row.price.parse()?,
            quantity: row.quantity.parse()?,
            trade_time: row.trade_time,
            buyer_market_maker: row.buyer_market_maker,
        })
    })
    .collect()
}

/// Each line is the time of its reception and a frame.
fn frames(reader: impl std::io::BufRead) -> Result<Vec<TradeEvent>> {
    let mut trades = Vec::new();
    for line in reader.lines() {
        let line = line?;
        let (_, frame) = line.split_once(' ').context("a line without a frame")?;
        if let Frame::Trade(trade) = decode(frame) {
            trades.push(trade);
        }
    }
    Ok(trades)
}

/// The trades of a day that happened in some of its hours, in UTC.
#[must_use]
pub fn cut(day: &[TradeEvent], hours: &Range<i64>) -> Vec<TradeEvent> {
    const HOUR: i64 = 3_600_000;
    let of_day = |trade: &&TradeEvent| hours.contains(&(trade.trade_time / HOUR % 24));
    day.iter().filter(of_day).cloned().collect()
}

/// The layout of [`XRPUSDT_DAY`], without the order ids.
#[must_use]
pub fn csv(trades: &[TradeEvent]) -> String {
    let mut text = "event_type,event_time,symbol,trade_id,price,quantity,trade_time,buyer_market_maker\n".to_owned();
    for trade in trades {
        let TradeEvent {
            event_time,
            symbol,
            epoch: _,
            trade_id,
            price,
            quantity,
            trade_time,
            buyer_market_maker,
        } = trade;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "trade,{event_time},{symbol},{trade_id},{price},{quantity},{trade_time},{buyer_market_maker}"
        );
    }
    text
}
