//! Long recordings that a test writes itself, of one symbol or of many, with holes where it wants them.

use anyhow::Result;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The time of the first trade: June 2024, which decides the rules that the simulator knows for a symbol.
const BEGIN: i64 = 1_717_200_000_000;
/// The id of each symbol's first trade.
pub const FIRST_ID: i64 = 1_000;

/// What a recording is made of. Its trades go round the symbols one after the other.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Each has the same number of trades.
    pub symbols: Vec<String>,
    /// Of all symbols together.
    pub trades: u64,
    /// Milliseconds between two trades, whatever their symbols.
    pub pulse: i64,
    /// After so many trades of a symbol some ids are left out; 0 is never.
    pub hole_each: u64,
}

/// Ids that are left out at a hole.
const HOLE: i64 = 7;
/// Trades in which a price goes up, and again in which it comes down.
const HALF_WAVE: i64 = 120;

impl Recording {
    /// Writes it as CSV.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        writeln!(
            file,
            "event_type,event_time,symbol,trade_id,price,quantity,trade_time,buyer_market_maker"
        )?;
        let symbols = self.symbols.len() as u64;
        for row in 0..self.trades {
            let symbol = &self.symbols[(row % symbols) as usize];
            let (id, time) = (self.id(row / symbols), BEGIN + row as i64 * self.pulse);
            let (price, maker) = (price(id), id % 2 == 0);
            writeln!(file, "trade,{time},{symbol},{id},{price},1.5,{time},{maker}")?;
        }
        file.flush()?;
        Ok(())
    }

    /// The ids that a symbol has, by its place among the symbols.
    pub fn ids(&self, symbol: usize) -> Vec<(i64, i64)> {
        let symbols = self.symbols.len() as u64;
        let trades = self.trades / symbols + u64::from(symbol as u64 % symbols < self.trades % symbols);
        let each = if self.hole_each == 0 { trades } else { self.hole_each };
        let runs = (0..trades).step_by(each.max(1) as usize);
        runs.map(|from| (self.id(from), self.id(trades.min(from + each) - 1)))
            .collect()
    }

    /// Of a symbol's trade by its number.
    fn id(&self, number: u64) -> i64 {
        let holes = number.checked_div(self.hole_each).unwrap_or(0) as i64;
        FIRST_ID + number as i64 + holes * HOLE
    }
}

/// Between 2 000 and 2 030, so that orders fill on the way down and on the way up.
fn price(id: i64) -> String {
    let at = id % (2 * HALF_WAVE);
    let cents = 200_000 + 25 * at.min(2 * HALF_WAVE - at);
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_the_ids_is_what_is_written() {
        let recording = Recording {
            symbols: vec!["ETHUSDT".to_owned(), "BTCUSDT".to_owned()],
            trades: 7,
            pulse: 10,
            hole_each: 2,
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("recording.csv");
        recording.write(&path).expect("written");
        let text = std::fs::read_to_string(path).expect("readable");
        let ids = |symbol: &str| -> Vec<i64> {
            let rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
            let of_symbol = rows.filter(|row| row[2] == symbol);
            of_symbol.map(|row| row[3].parse().expect("an id")).collect()
        };
        assert_eq!(ids("ETHUSDT"), [1_000, 1_001, 1_009, 1_010]);
        assert_eq!(recording.ids(0), [(1_000, 1_001), (1_009, 1_010)]);
        assert_eq!(ids("BTCUSDT"), [1_000, 1_001, 1_009]);
        assert_eq!(recording.ids(1), [(1_000, 1_001), (1_009, 1_009)]);
    }
}
