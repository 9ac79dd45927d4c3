//! Recordings that a test writes itself: it knows every price its market will have.

use crate::program::Folder;
use anyhow::Result;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The trades of one symbol, to be played at `--speed 1`.
///
/// Where it matters that a trader sees a price, the price is held over many trades or silence follows it: traders read the
/// market in batches, and one may just be starting.
#[derive(Clone, Debug)]
pub struct Tape {
    symbol: &'static str,
    /// In milliseconds since the epoch.
    clock: u64,
    next_id: u64,
    trades: u64,
    rows: String,
}

const HEADER: &str = "event_type,event_time,symbol,trade_id,price,quantity,trade_time,buyer_market_maker\n";
/// Between two trades of a held price.
const PULSE: Duration = Duration::from_millis(50);
/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(24);

impl Tape {
    /// An empty recording. Its time is June 2024, which decides the rules that the simulator knows for a symbol.
    pub fn of(symbol: &'static str) -> Self {
        Self {
            symbol,
            clock: 1_717_200_000_000,
            next_id: 1_000,
            trades: 0,
            rows: HEADER.to_owned(),
        }
    }

    /// Twenty trades a second at one price.
    #[must_use]
    pub fn hold(mut self, price: &str, duration: Duration) -> Self {
        let end = self.clock + duration.as_millis() as u64;
        while self.clock < end {
            self = self.trade(price);
        }
        self
    }

    /// One trade.
    #[must_use]
    pub fn trade(mut self, price: &str) -> Self {
        let (clock, symbol, id) = (self.clock, self.symbol, self.next_id);
        // Writing to a String cannot fail.
        let _ = writeln!(self.rows, "trade,{clock},{symbol},{id},{price},1,{clock},true");
        self.next_id += 1;
        self.trades += 1;
        self.clock += PULSE.as_millis() as u64;
        self
    }

    /// Trades that happened and were not recorded.
    #[must_use]
    pub fn skip(mut self, trades: u64) -> Self {
        self.next_id += trades;
        self
    }

    /// A line that is no trade.
    #[must_use]
    pub fn line(mut self, text: &str) -> Self {
        self.rows.push_str(text);
        self.rows.push('\n');
        self
    }

    /// Nothing happens for so long.
    #[must_use]
    pub fn silence(mut self, duration: Duration) -> Self {
        self.clock += duration.as_millis() as u64;
        self
    }

    /// Nothing more happens while this run of the program lasts; the next run goes on at once.
    #[must_use]
    pub fn until_the_next_run(self) -> Self {
        self.silence(NEVER)
    }

    /// How many trades it has.
    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// The id of its last trade so far.
    pub fn last_id(&self) -> u64 {
        self.next_id - 1
    }

    /// Writes it beside the data folder.
    pub fn write(&self, folder: &Folder) -> Result<PathBuf> {
        folder.file("tape.csv", &self.rows)
    }
}
