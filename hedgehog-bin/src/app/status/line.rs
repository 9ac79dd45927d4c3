//! All that is told of one symbol: what the three apps say of it, beside each other.
//!
//! Made from the apps' own statuses in one place, so that a word of an app has one meaning on the terminal.

use super::SystemStatus;
use crate::market::{Decimal, Gap, Stream, Symbol, Topic};
use crate::naive::schema::TradingStatus as Switch;
use crate::naive::{TraderStatus, TradingStatus};
use crate::streamer::{StreamState, StreamStatus};
use crate::warehouse::StoringStatus;
use std::collections::BTreeMap;

/// What is told of a symbol; a part is `None` when its app knows nothing of it.
#[derive(Clone, Debug)]
pub struct SymbolLine {
    /// The pair.
    pub symbol: Symbol,
    /// Of the streamer.
    pub stream: Option<StreamLine>,
    /// Of the naive app.
    pub trading: Option<TradingLine>,
    /// Of the warehouse, for trades.
    pub trades: Option<StoringLine>,
    /// Of the warehouse, for orders.
    pub orders: Option<StoringLine>,
}

/// How a symbol's stream is doing.
#[derive(Clone, Debug, Default)]
pub struct StreamLine {
    /// Whether the settings row says so.
    pub on: bool,
    /// How it is doing.
    pub state: StreamState,
    /// Why it is not connected.
    pub error: Option<String>,
    /// The exchange's own word: `TRADING`, or why nothing comes.
    pub exchange_status: String,
    /// Received by this program.
    pub trades: u64,
    /// How often the exchange's trade ids have begun again.
    pub epoch: u64,
    /// How many gaps there are.
    pub gaps: u64,
    /// How many trades are missing in them.
    pub missing: u64,
    /// The newest gaps, newest last.
    pub gap_ranges: Vec<Gap>,
    /// Trades that came again.
    pub duplicates: u64,
    /// Frames that were neither trades nor answers.
    pub unknown_frames: u64,
    /// Frames that could not be read.
    pub malformed_frames: u64,
}

/// How trading on a symbol stands.
#[derive(Clone, Debug)]
pub struct TradingLine {
    /// What the settings row says.
    pub status: Switch,
    /// The last price that trading has seen.
    pub price: Option<Decimal>,
    /// What profit is counted in.
    pub quote_asset: Option<String>,
    /// Of the open positions, at the last price.
    pub open_profit: Option<Decimal>,
    /// Of the finished cycles.
    pub realised: Decimal,
    /// Finished cycles.
    pub cycles: i64,
    /// Why nothing is traded.
    pub parked: Option<String>,
    /// Oldest first.
    pub traders: Vec<TraderStatus>,
}

/// How storing one stream of a symbol stands.
#[derive(Clone, Debug, Default)]
pub struct StoringLine {
    /// Whether the settings row says so.
    pub on: bool,
    /// Rows in the table.
    pub rows: u64,
    /// Received, in memory, and not stored yet.
    pub to_store: u64,
    /// Received, on disk, and not stored yet.
    pub on_disk: u64,
    /// Received and lost for good.
    pub lost: u64,
    /// Rows that the database refused for good.
    pub refused: u64,
    /// Why the last batch is being tried again.
    pub retrying: Option<String>,
}

impl SymbolLine {
    /// Nothing is known of it yet.
    pub fn new(symbol: Symbol) -> Self {
        Self {
            symbol,
            stream: None,
            trading: None,
            trades: None,
            orders: None,
        }
    }

    /// Both streams of the warehouse.
    pub fn stored(&self) -> impl Iterator<Item = &StoringLine> {
        self.trades.iter().chain(&self.orders)
    }

    /// Whether anything of it is on, goes on, or has come of it: what is not shown unless all is asked for is off and was.
    pub fn tells(&self) -> bool {
        let streamed = self
            .stream
            .as_ref()
            .is_some_and(|stream| stream.on || stream.trades > 0);
        let traded = self
            .trading
            .as_ref()
            .is_some_and(|trading| trading.status != Switch::Off || !trading.traders.is_empty() || trading.cycles > 0);
        let stored = |part: &StoringLine| part.on || part.to_store + part.on_disk + part.lost > 0;
        streamed || traded || self.stored().any(stored)
    }
}

impl SystemStatus {
    /// One entry for each symbol that an app knows, by symbol.
    pub fn lines(&self) -> Vec<SymbolLine> {
        let mut lines = BTreeMap::new();
        let mut line = |symbol: &Symbol, set: &dyn Fn(&mut SymbolLine)| {
            set(lines
                .entry(symbol.clone())
                .or_insert_with(|| SymbolLine::new(symbol.clone())));
        };
        for stream in self.streaming.iter().flatten() {
            line(&stream.symbol, &|line| line.stream = Some(StreamLine::from(stream)));
        }
        for trading in self.trading.iter().flatten() {
            line(&trading.symbol, &|line| line.trading = Some(TradingLine::from(trading)));
        }
        for storing in self.storing.iter().flatten() {
            if let Ok(Topic { stream, symbol }) = storing.topic.parse() {
                line(&symbol, &|line| match stream {
                    Stream::TradeEvents => line.trades = Some(StoringLine::from(storing)),
                    Stream::Orders => line.orders = Some(StoringLine::from(storing)),
                });
            }
        }
        lines.into_values().collect()
    }
}

impl From<&StreamStatus> for StreamLine {
    fn from(status: &StreamStatus) -> Self {
        Self {
            on: status.on,
            state: status.state,
            error: status.last_error.clone(),
            exchange_status: status.exchange_status.clone(),
            trades: status.trades,
            epoch: u64::try_from(status.epoch).unwrap_or_default(),
            gaps: status.gaps,
            missing: status.missing.max(0).unsigned_abs(),
            gap_ranges: status.gap_ranges.clone(),
            duplicates: status.duplicates,
            unknown_frames: status.unknown_frames,
            malformed_frames: status.malformed_frames,
        }
    }
}

impl From<&TradingStatus> for TradingLine {
    fn from(status: &TradingStatus) -> Self {
        Self {
            status: status.status,
            price: status.price.as_ref().map(|price| price.value().clone()),
            quote_asset: status.quote_asset.clone(),
            open_profit: status.open_profit.clone(),
            realised: status.profit.clone(),
            cycles: status.cycles,
            parked: status.parked.clone(),
            traders: status.open_traders.clone(),
        }
    }
}

impl From<&StoringStatus> for StoringLine {
    fn from(status: &StoringStatus) -> Self {
        Self {
            on: status.on,
            rows: status.rows_stored.max(0).unsigned_abs(),
            to_store: status.lag,
            on_disk: status.spilled,
            lost: status.lost,
            refused: status.rows_refused,
            retrying: status.retrying.clone(),
        }
    }
}
