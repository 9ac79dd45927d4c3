//! Trades as the lines of a csv file: with a header in any order of columns, or in one of the layouts that are known without one.
//!
//! Lines are cut here and not by the crate `csv`: its reader of files takes a quote that is never closed for the beginning of a cell
//! that reaches to the end of the file, where one line is to be left out, and knows no limit to a line; line by line it is slower.

use super::layout::Line;
use super::{ReadOptions, RecordedTrade, RecordingError, file_name};
use crate::market::{Symbol, TradeText};
use std::path::Path;
use std::str::FromStr;

/// Where each value of a trade stands in a line of a csv file.
pub(super) struct Columns {
    separator: char,
    count: usize,
    trade_id: usize,
    price: usize,
    quantity: usize,
    trade_time: usize,
    buyer_market_maker: usize,
    /// Absent in public dumps: the event counts as sent when the trade happened.
    event_time: Option<usize>,
    event_type: Option<usize>,
    /// Absent in public dumps: the file's name tells it.
    symbol: Option<usize>,
    /// The file's, or that of the last line: most lines have the same.
    last: Option<Symbol>,
    /// The first line is the header.
    header: bool,
}

/// The most columns that any layout has.
const MOST_COLUMNS: usize = 32;

impl Columns {
    /// `None` when the line is neither a header nor a first row of a layout without one.
    pub(super) fn detect(first: &str, path: &Path, options: &ReadOptions<'_>) -> Result<Option<Self>, RecordingError> {
        if let Some(what) = other_dump(first) {
            return Err(RecordingError::NotTrades {
                path: path.to_owned(),
                what,
            });
        }
        let Some(mut columns) = Self::named(first).or_else(|| Self::known(first)) else {
            return Ok(None);
        };
        if columns.symbol.is_none() {
            columns.last = Some(file_name::symbol(path, options)?);
        }
        Ok(Some(columns))
    }

    /// Whether a column tells the symbol.
    pub(super) fn names_symbols(&self) -> bool {
        self.symbol.is_some()
    }

    /// By the names in a header.
    fn named(line: &str) -> Option<Self> {
        let separator = separator(line);
        let cells: Vec<&str> = line.split(separator).map(bare).collect();
        let at = |names: &[&str]| {
            cells
                .iter()
                .position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
        };
        Some(Self {
            separator,
            count: cells.len(),
            // This program's exports name the row itself `id` beside `trade_id`.
            trade_id: at(&["trade_id"]).or_else(|| at(&["id"]))?,
            price: at(&["price"])?,
            quantity: at(&["quantity", "qty"])?,
            trade_time: at(&["trade_time", "time"])?,
            buyer_market_maker: at(&["buyer_market_maker", "isBuyerMaker", "is_buyer_maker"])?,
            event_time: at(&["event_time"]),
            event_type: at(&["event_type"]),
            symbol: at(&["symbol"]),
            last: None,
            header: true,
        })
    }

    /// By the kinds of values in a first row without a header.
    fn known(line: &str) -> Option<Self> {
        let separator = separator(line);
        let cells: Vec<&str> = line.split(separator).map(bare).collect();
        let whole = |index: usize| cells.get(index).is_some_and(|cell| is_whole(cell));
        let is_flag = |index: usize| cells.get(index).is_some_and(|cell| flag(cell).is_ok());
        let layout = Self {
            separator,
            count: cells.len(),
            trade_id: 0,
            price: 1,
            quantity: 2,
            trade_time: 4,
            buyer_market_maker: 5,
            event_time: None,
            event_type: None,
            symbol: None,
            last: None,
            header: false,
        };
        match (separator, cells.len()) {
            // Rows of a table: a row id, the ten columns of an event, two stamps.
            (';', 13) if whole(4) && whole(9) && is_flag(10) => Some(Self {
                event_type: Some(1),
                event_time: Some(2),
                symbol: Some(3),
                trade_id: 4,
                price: 5,
                quantity: 6,
                trade_time: 9,
                buyer_market_maker: 10,
                ..layout
            }),
            // The public dumps: id, price, qty, quoteQty, time, isBuyerMaker, and on the spot market isBestMatch.
            (',', 6 | 7) if whole(0) && whole(4) && is_flag(5) => Some(layout),
            _ => None,
        }
    }

    pub(super) fn read(&mut self, text: &str) -> Result<Line, String> {
        if std::mem::take(&mut self.header) {
            return Ok(Line::Header);
        }
        self.row(text).or_else(|why| self.another_header(text).ok_or(why))
    }

    /// Files that were joined bring each its header.
    fn another_header(&mut self, text: &str) -> Option<Line> {
        let columns = Self::named(text)?;
        // A file that names its symbols beside one that does not: whose are the rows?
        if columns.symbol.is_some() != self.symbol.is_some() {
            return None;
        }
        *self = Self {
            header: false,
            last: self.last.take(),
            ..columns
        };
        Some(Line::Header)
    }

    fn row(&mut self, text: &str) -> Result<Line, String> {
        let mut cells = [""; MOST_COLUMNS];
        let mut count = 0;
        for cell in text.split(self.separator) {
            if let Some(place) = cells.get_mut(count) {
                *place = bare(cell);
            }
            count += 1;
        }
        if count != self.count {
            return Err(format!("{count} columns instead of {}", self.count));
        }
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
        if let Some(index) = self.event_type
            && cell(index) != "trade"
        {
            return Ok(Line::OtherEvent);
        }
        let trade_time = number("trade time", cell(self.trade_time))?;
        let trade = TradeText {
            event_time: match self.event_time {
                Some(index) => number("event time", cell(index))?,
                None => trade_time,
            },
            symbol: self.symbol.map_or("", cell).into(),
            trade_id: number("trade id", cell(self.trade_id))?,
            price: cell(self.price).into(),
            quantity: cell(self.quantity).into(),
            trade_time,
            buyer_market_maker: flag(cell(self.buyer_market_maker))?,
        };
        let trade = trade.check()?;
        let symbol = match (self.symbol, &self.last) {
            (None, Some(of_file)) => of_file.clone(),
            (_, last) => {
                let symbol = trade.symbol(last.as_ref())?;
                if last.as_ref() != Some(&symbol) {
                    self.last = Some(symbol.clone());
                }
                symbol
            }
        };
        Ok(Line::Trade(symbol, RecordedTrade::of(&trade)?))
    }
}

/// What else the exchange publishes beside trades, and takes its names and its numbers from the same alphabet.
fn other_dump(first: &str) -> Option<&'static str> {
    const AGGREGATES: &str = "holds aggregated trades, whose ids are others: take the trades dump of the same day";
    const KLINES: &str = "holds klines (candles), not trades: take the trades dump of the same day";
    const QUOTES: &str = "holds quotes of the order book, not trades: take the trades dump of the same day";
    let cells: Vec<&str> = first.split(separator(first)).map(bare).collect();
    let named = |names: &[&str]| (cells.iter()).any(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)));
    let whole = |index: usize| cells.get(index).is_some_and(|cell| is_whole(cell));
    let is_flag = |index: usize| cells.get(index).is_some_and(|cell| flag(cell).is_ok());
    if named(&["agg_trade_id", "aggTradeId", "first_trade_id", "firstTradeId"]) {
        return Some(AGGREGATES);
    }
    if named(&["open_time", "openTime"])
        || (named(&["open"]) && named(&["high"]) && named(&["low"]) && named(&["close"]))
    {
        return Some(KLINES);
    }
    if named(&["best_bid_price", "bestBidPrice", "percentage", "update_id"]) {
        return Some(QUOTES);
    }
    match cells.len() {
        // id, price, qty, first id, last id, time, isBuyerMaker, and on the spot market isBestMatch.
        7 | 8 if [0, 3, 4, 5].into_iter().all(whole) && (6..cells.len()).all(is_flag) && cells[5].len() >= 10 => {
            Some(AGGREGATES)
        }
        // open time, open, high, low, close, volume, close time, quote volume, count, two takers' volumes, nothing.
        12 if [0, 6, 8].into_iter().all(whole) && cells[0].len() >= 10 && cells[6].len() >= 10 => Some(KLINES),
        _ => None,
    }
}

fn separator(line: &str) -> char {
    if line.contains(';') { ';' } else { ',' }
}

fn bare(cell: &str) -> &str {
    // Nearly every cell is bare already, and between two letters or digits there is nothing to take off.
    match cell.as_bytes() {
        [first, .., last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => cell,
        _ => cell.trim().trim_matches('"'),
    }
}

fn is_whole(cell: &str) -> bool {
    !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(what: &str, text: &str) -> Result<i64, String> {
    i64::from_str(text).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        format!("{what} {shown:?} is not a whole number")
    })
}

fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "True" | "TRUE" | "t" | "1" => Ok(true),
        "false" | "False" | "FALSE" | "f" | "0" => Ok(false),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(format!("{shown:?} is neither true nor false"))
        }
    }
}
