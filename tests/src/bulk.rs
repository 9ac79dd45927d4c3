//! Recordings of any length, written quickly: to see what the program does with more trades than it keeps in memory.

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const HEADER: &[u8] = b"event_type,event_time,symbol,trade_id,price,quantity,trade_time,buyer_market_maker\n";

/// What a recording is made of. Its symbols take turns, one trade each millisecond, and the ids of each begin at 1.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// Trades of all symbols.
    pub trades: u64,
    /// `BULK0USDT` and so on.
    pub symbols: u64,
}

impl Bulk {
    /// The name of a symbol.
    #[must_use]
    pub fn symbol(index: u64) -> String {
        format!("BULK{index}USDT")
    }

    /// Every symbol, as `--start` takes them.
    #[must_use]
    pub fn names(&self) -> String {
        (0..self.symbols).map(Self::symbol).collect::<Vec<_>>().join(",")
    }

    /// Writes it; as gzip where the name ends so.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        if path.extension().is_some_and(|ending| ending == "gz") {
            let mut packed = GzEncoder::new(file, Compression::fast());
            self.rows(&mut packed)?;
            packed.finish()?.flush()?;
        } else {
            let mut file = file;
            self.rows(&mut file)?;
            file.flush()?;
        }
        Ok(())
    }

    fn rows(&self, out: &mut impl Write) -> Result<()> {
        const BEGIN: u64 = 1_717_200_000_000;
        out.write_all(HEADER)?;
        let symbols: Vec<_> = (0..self.symbols).map(Self::symbol).collect();
        let mut rows = Vec::with_capacity(1 << 16);
        for trade in 0..self.trades {
            let (symbol, id) = (&symbols[(trade % self.symbols) as usize], trade / self.symbols + 1);
            let (time, cents) = (BEGIN + trade, id * 7_919 % 1_000);
            writeln!(
                rows,
                "trade,{time},{symbol},{id},60{cents:03}.25,0.125,{time},{}",
                trade % 3 == 0
            )?;
            if rows.len() > 60_000 {
                out.write_all(&rows)?;
                rows.clear();
            }
        }
        out.write_all(&rows)?;
        Ok(())
    }
}
