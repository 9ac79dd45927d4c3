//! The layouts of recorded files, told by their first line, and how one line of each is read.

use super::{RecordedTrade, RecordingError};
use crate::exchange::milliseconds;
use crate::exchange::simulator::units::Units;
use crate::market::Symbol;
use serde::Deserialize;
use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr;

/// How the lines of a file are read.
pub(super) enum Layout {
    Columns(Columns),
    Frames,
}

/// What one line is.
pub(super) enum Line {
    Trade(Symbol, RecordedTrade),
    OtherEvent,
    Header,
}

impl Layout {
    /// Tells the layout by the first line that is not blank.
    pub(super) fn detect(first: &[u8], path: &Path) -> Result<Self, RecordingError> {
        let unknown = || RecordingError::UnknownLayout {
            path: path.to_owned(),
            first_line: String::from_utf8_lossy(&first[..first.len().min(80)]).into_owned(),
        };
        // A spreadsheet may have put a byte order mark in front.
        let text = std::str::from_utf8(first)
            .map_err(|_| unknown())?
            .trim_start_matches('\u{feff}');
        if frame_of(text).starts_with('{') {
            return Ok(Self::Frames);
        }
        Columns::detect(text, path)
            .transpose()
            .ok_or_else(unknown)?
            .map(Self::Columns)
    }

    /// Reads one line; an error says what is wrong with it.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Line, String> {
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8 text".to_owned())?;
        match self {
            Self::Columns(columns) => columns.read(text),
            Self::Frames => read_frame(text),
        }
    }
}

/// Where each value of a trade stands in a line of a csv file.
pub(super) struct Columns {
    separator: char,
    header: bool,
    count: usize,
    trade_id: usize,
    price: usize,
    quantity: usize,
    trade_time: usize,
    buyer_market_maker: usize,
    /// Absent in public dumps: the event counts as sent when the trade happened.
    event_time: Option<usize>,
    event_type: Option<usize>,
    symbol: SymbolOf,
}

enum SymbolOf {
    Column { index: usize, last: Option<Symbol> },
    File(Symbol),
}

impl Columns {
    /// `None` when the line is neither a header nor a first row of a layout without one.
    fn detect(first: &str, path: &Path) -> Result<Option<Self>, RecordingError> {
        let separator = if first.contains(';') { ';' } else { ',' };
        let cells: Vec<&str> = first.split(separator).map(bare).collect();
        let at = |names: &[&str]| {
            cells
                .iter()
                .position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
        };
        let from_file = || {
            symbol_in(path)
                .map(SymbolOf::File)
                .ok_or_else(|| RecordingError::UnnamedSymbol { path: path.to_owned() })
        };
        let named = (|| {
            Some(Self {
                separator,
                header: true,
                count: cells.len(),
                trade_id: at(&["trade_id", "id"])?,
                price: at(&["price"])?,
                quantity: at(&["quantity", "qty"])?,
                trade_time: at(&["trade_time", "time"])?,
                buyer_market_maker: at(&["buyer_market_maker", "isBuyerMaker", "is_buyer_maker"])?,
                event_time: at(&["event_time"]),
                event_type: at(&["event_type"]),
                symbol: SymbolOf::Column {
                    index: at(&["symbol"]).unwrap_or(usize::MAX),
                    last: None,
                },
            })
        })();
        if let Some(mut columns) = named {
            // This program's exports name the row itself `id` beside `trade_id`.
            if let Some(trade_id) = at(&["trade_id"]) {
                columns.trade_id = trade_id;
            }
            if at(&["symbol"]).is_none() {
                columns.symbol = from_file()?;
            }
            return Ok(Some(columns));
        }
        let number = |index: usize| {
            let digits =
                |cell: &&str| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            cells.get(index).is_some_and(digits)
        };
        Ok(match (separator, cells.len()) {
            // Rows of a table: a row id, the ten columns of an event, two stamps.
            (';', 13) if number(4) && number(5) && number(6) => Some(Self {
                separator,
                header: false,
                count: 13,
                event_type: Some(1),
                event_time: Some(2),
                symbol: SymbolOf::Column { index: 3, last: None },
                trade_id: 4,
                price: 5,
                quantity: 6,
                trade_time: 9,
                buyer_market_maker: 10,
            }),
            // The public dumps: id, price, qty, quoteQty, time, isBuyerMaker, isBestMatch.
            (',', 7) if (0..5).all(number) => Some(Self {
                separator,
                header: false,
                count: 7,
                event_type: None,
                event_time: None,
                symbol: from_file()?,
                trade_id: 0,
                price: 1,
                quantity: 2,
                trade_time: 4,
                buyer_market_maker: 5,
            }),
            _ => None,
        })
    }

    fn read(&mut self, text: &str) -> Result<Line, String> {
        if std::mem::take(&mut self.header) {
            return Ok(Line::Header);
        }
        let mut cells = [""; 32];
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
        let trade_time = milliseconds(number("trade time", cell(self.trade_time))?);
        let event_time = match self.event_time {
            Some(index) => milliseconds(number("event time", cell(index))?),
            None => trade_time,
        };
        let trade = RecordedTrade {
            trade_id: number("trade id", cell(self.trade_id))?,
            price: amount("price", cell(self.price))?,
            quantity: amount("quantity", cell(self.quantity))?,
            trade_time,
            event_lag: lag(event_time, trade_time),
            buyer_market_maker: flag(cell(self.buyer_market_maker))?,
        };
        let symbol = match &mut self.symbol {
            SymbolOf::File(symbol) => symbol.clone(),
            SymbolOf::Column { index, last } => {
                let text = cells.get(*index).copied().unwrap_or_default();
                match last {
                    Some(symbol) if symbol.as_str() == text => symbol.clone(),
                    _ => last.insert(text.parse().map_err(|error| format!("{error}"))?).clone(),
                }
            }
        };
        Ok(Line::Trade(symbol, trade))
    }
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

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    data: TradeEvent<'a>,
}

/// A trade event, today's or the older one with `b` and `a`, which are not kept.
#[derive(Deserialize)]
struct TradeEvent<'a> {
    #[serde(rename = "E")]
    event_time: i64,
    #[serde(borrow, rename = "s")]
    symbol: Cow<'a, str>,
    #[serde(rename = "t")]
    trade_id: i64,
    #[serde(borrow, rename = "p")]
    price: Cow<'a, str>,
    #[serde(borrow, rename = "q")]
    quantity: Cow<'a, str>,
    #[serde(rename = "T")]
    trade_time: i64,
    #[serde(rename = "m")]
    buyer_market_maker: bool,
}

fn read_frame(text: &str) -> Result<Line, String> {
    let frame = frame_of(text);
    let unreadable = |error: serde_json::Error| format!("not a frame: {error}");
    let kind: Kind<'_> = serde_json::from_str(frame).map_err(unreadable)?;
    let combined = kind.data.is_some();
    let event = kind.data.map_or(kind.e, |data| data.e);
    if event.as_deref() != Some("trade") {
        return Ok(Line::OtherEvent);
    }
    let trade = if combined {
        serde_json::from_str::<Combined<'_>>(frame).map_err(unreadable)?.data
    } else {
        serde_json::from_str::<TradeEvent<'_>>(frame).map_err(unreadable)?
    };
    if [trade.trade_id, trade.trade_time, trade.event_time]
        .iter()
        .any(|number| *number < 0)
    {
        return Err("a trade with a negative id or time".to_owned());
    }
    let trade_time = milliseconds(trade.trade_time);
    let recorded = RecordedTrade {
        trade_id: trade.trade_id,
        price: amount("price", &trade.price)?,
        quantity: amount("quantity", &trade.quantity)?,
        trade_time,
        event_lag: lag(milliseconds(trade.event_time), trade_time),
        buyer_market_maker: trade.buyer_market_maker,
    };
    Ok(Line::Trade(
        trade.symbol.parse().map_err(|error| format!("{error}"))?,
        recorded,
    ))
}

/// The line without the time of receipt that captures put in front.
fn frame_of(line: &str) -> &str {
    match line.split_once(' ') {
        Some((stamp, frame)) if !stamp.is_empty() && stamp.bytes().all(|byte| byte.is_ascii_digit()) => frame,
        _ => line,
    }
}

fn bare(cell: &str) -> &str {
    cell.trim().trim_matches('"')
}

fn number(what: &str, text: &str) -> Result<i64, String> {
    i64::from_str(text)
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| format!("{what} {text:?} is not a whole number"))
}

fn amount(what: &str, text: &str) -> Result<i64, String> {
    let units = Units::from_str(text).map_err(|error| format!("{what}: {error}"))?;
    units
        .raw()
        .filter(|raw| *raw > 0)
        .ok_or_else(|| format!("{what} {text:?} is not above zero"))
}

fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "True" | "TRUE" | "t" => Ok(true),
        "false" | "False" | "FALSE" | "f" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

fn lag(event_time: i64, trade_time: i64) -> i32 {
    i32::try_from(event_time - trade_time).unwrap_or(0)
}

/// `BTCUSDT-trades-2024-08-08.csv.gz`, `2019-06-01-XRPUSDT.csv`: the first part of the name that is all capitals and
/// digits with at least one letter.
fn symbol_in(path: &Path) -> Option<Symbol> {
    let name = path.file_name()?.to_str()?;
    name.split(['-', '_', '.', ' '])
        .find(|part| {
            part.len() >= 5
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                && part.bytes().any(|byte| byte.is_ascii_uppercase())
        })?
        .parse()
        .ok()
}
