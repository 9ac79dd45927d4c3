//! Gathers the trades of a file while it is read, and puts those of each symbol into the order of their ids.
//!
//! Up to a million trades stay in memory. Beyond that they go to a temporary file, in runs: what has gathered is sorted and appended
//! to the run of its symbol, or begins another where it does not follow it. A file that is in order makes one run per symbol and
//! is read once; the runs of another are merged at the end.

use super::spool::{Run, Spool, Spooled};
use super::trade::RecordedTrade;
use crate::market::Symbol;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// How many trades stay in memory for good: 40 MB.
pub(super) const IN_MEMORY: usize = 1_000_000;

/// How many trades gather before they are sorted and written: 10 MB.
const GATHERED: usize = 1 << 18;

/// How many trades all runs together have in memory while they are merged.
const MERGING: usize = 1 << 16;

/// The trades of one symbol, each id once, in the order of the ids.
#[derive(Debug)]
pub(super) enum Trades {
    Memory(Vec<RecordedTrade>),
    Spooled(Spooled),
}

#[cfg(test)]
impl Trades {
    pub(super) fn truncate_file(&self) {
        match self {
            Self::Memory(_) => panic!("there is no file"),
            Self::Spooled(trades) => trades.truncate_file(),
        }
    }
}

/// What all trades of a symbol have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Trades of the market, duplicates included.
    pub(super) trades: u64,
    /// The earliest time.
    pub(super) first_time: i64,
    /// The finest digits used.
    pub(super) price_places: u32,
    pub(super) quantity_places: u32,
}

/// Everything of one symbol.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) trades: Trades,
    /// Where the trades stand that are none of the market's, in order.
    pub(super) nobodys: Vec<usize>,
    pub(super) facts: Facts,
}

/// Why the trades could not be kept.
pub(super) struct NoRoom {
    pub(super) folder: PathBuf,
    pub(super) source: io::Error,
}

/// Takes the trades in any order.
pub(super) struct Gathering {
    symbols: BTreeMap<Symbol, OfSymbol>,
    /// How many trades are in memory.
    gathered: usize,
    in_memory: usize,
    at_once: usize,
    spool: Option<Spool>,
    /// Where the temporary file may be, best first.
    folders: Vec<PathBuf>,
    duplicates: u64,
}

#[derive(Default)]
struct OfSymbol {
    trades: Vec<RecordedTrade>,
    runs: Vec<Run>,
    facts: Facts,
}

impl Gathering {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self::with_room(IN_MEMORY, GATHERED, folders)
    }

    /// With other limits than the usual ones.
    pub(super) fn with_room(in_memory: usize, at_once: usize, folders: Vec<PathBuf>) -> Self {
        Self {
            symbols: BTreeMap::new(),
            gathered: 0,
            in_memory,
            at_once,
            spool: None,
            folders,
            duplicates: 0,
        }
    }

    pub(super) fn add(&mut self, symbol: Symbol, trade: RecordedTrade) -> Result<(), NoRoom> {
        let of_symbol = match self.symbols.get_mut(&symbol) {
            Some(of_symbol) => of_symbol,
            None => self.symbols.entry(symbol).or_default(),
        };
        of_symbol.facts.add(&trade);
        of_symbol.trades.push(trade);
        self.gathered += 1;
        let room = if self.spool.is_some() {
            self.at_once
        } else {
            self.in_memory
        };
        if self.gathered > room { self.spill() } else { Ok(()) }
    }

    /// Everything by symbol, and how many duplicates were dropped. Symbols without a trade of the market are left out.
    pub(super) fn finish(mut self) -> Result<(BTreeMap<Symbol, Gathered>, u64), NoRoom> {
        if self.spool.is_some() {
            self.spill()?;
        }
        let mut duplicates = self.duplicates;
        let mut spool = self.spool.take();
        let mut kept = BTreeMap::new();
        let mut spooled = Vec::new();
        for (symbol, mut of_symbol) in self.symbols {
            if of_symbol.facts.trades == 0 {
                continue;
            }
            let facts = of_symbol.facts;
            if let Some(spool) = &mut spool {
                let (run, dropped) = spool.merge(of_symbol.runs).map_err(|source| spool.no_room(source))?;
                duplicates += dropped;
                spooled.push((symbol, run.until_the_last_of_the_market(), facts));
            } else {
                duplicates += sort_and_dedup(&mut of_symbol.trades);
                // Behind the last trade of the market nobody waits for an id.
                let of_market = of_symbol.trades.iter().rposition(|trade| !trade.nobodys);
                of_symbol.trades.truncate(of_market.map_or(0, |last| last + 1));
                of_symbol.trades.shrink_to_fit();
                let positions = of_symbol.trades.iter().enumerate();
                let nobodys = positions.filter(|(_, trade)| trade.nobodys).map(|(at, _)| at).collect();
                kept.insert(
                    symbol,
                    Gathered {
                        trades: Trades::Memory(of_symbol.trades),
                        nobodys,
                        facts,
                    },
                );
            }
        }
        if let Some(spool) = spool {
            let (spool, symbols) = (Arc::new(spool), spooled.len());
            for (symbol, mut run, facts) in spooled {
                let gathered = Gathered {
                    nobodys: std::mem::take(&mut run.nobodys),
                    trades: Trades::Spooled(Spooled::new(Arc::clone(&spool), run, symbols)),
                    facts,
                };
                kept.insert(symbol, gathered);
            }
        }
        Ok((kept, duplicates))
    }

    /// Sorts what has gathered and writes it.
    fn spill(&mut self) -> Result<(), NoRoom> {
        if self.spool.is_none() {
            self.spool = Some(Spool::create(&self.folders)?);
        }
        let Some(spool) = &mut self.spool else { return Ok(()) };
        for of_symbol in self.symbols.values_mut() {
            // Not only emptied: each symbol of a file that has one after the other would keep the room for all.
            let mut trades = std::mem::take(&mut of_symbol.trades);
            self.duplicates += sort_and_dedup(&mut trades);
            self.duplicates += append(spool, &mut of_symbol.runs, &trades).map_err(|source| spool.no_room(source))?;
        }
        self.gathered = 0;
        Ok(())
    }
}

/// Writes sorted trades behind the symbol's last run, or as another. Returns how many were there already.
fn append(spool: &mut Spool, runs: &mut Vec<Run>, trades: &[RecordedTrade]) -> io::Result<u64> {
    let Some(first) = trades.first() else { return Ok(0) };
    match runs.last_mut() {
        // Of one id the trade with the earliest time stays; where that is the later one, merging finds it.
        Some(run) if run.last <= first.rank() => {
            let known = usize::from(run.last.0 == first.trade_id);
            spool.write(run, &trades[known..])?;
            Ok(known as u64)
        }
        _ => {
            let mut run = Run::default();
            spool.write(&mut run, trades)?;
            runs.push(run);
            Ok(0)
        }
    }
}

impl Spool {
    /// One run of several. Of one id the trade with the earliest time stays; returns how many others there were.
    fn merge(&mut self, mut runs: Vec<Run>) -> io::Result<(Run, u64)> {
        if runs.len() == 1 {
            return Ok((runs.remove(0), 0));
        }
        let at_once = (MERGING / runs.len().max(1)).clamp(64, 4_096);
        let mut cursors: Vec<_> = runs.iter().map(|run| run.cursor(at_once)).collect();
        let mut heads = BinaryHeap::new();
        let mut current = Vec::with_capacity(cursors.len());
        for (index, cursor) in cursors.iter_mut().enumerate() {
            let trade = cursor.next(self)?;
            heads.extend(trade.map(|trade| Reverse((trade.rank(), index))));
            current.push(trade);
        }
        let (mut merged, mut ready) = (Run::default(), Vec::with_capacity(4_096));
        let (mut last, mut duplicates) = (None, 0);
        while let Some(Reverse((_, index))) = heads.pop() {
            let Some(trade) = std::mem::replace(&mut current[index], cursors[index].next(self)?) else {
                continue;
            };
            heads.extend(current[index].map(|next| Reverse((next.rank(), index))));
            if last == Some(trade.trade_id) {
                duplicates += 1;
                continue;
            }
            last = Some(trade.trade_id);
            ready.push(trade);
            if ready.len() == ready.capacity() {
                self.write(&mut merged, &ready)?;
                ready.clear();
            }
        }
        self.write(&mut merged, &ready)?;
        Ok((merged, duplicates))
    }
}

impl Facts {
    fn add(&mut self, trade: &RecordedTrade) {
        if trade.nobodys {
            return;
        }
        if self.trades == 0 || trade.trade_time < self.first_time {
            self.first_time = trade.trade_time;
        }
        self.trades += 1;
        finer(&mut self.price_places, trade.price);
        finer(&mut self.quantity_places, trade.quantity);
    }
}

/// Raises `places` until they hold every digit of `raw`, which is in hundred-millionths.
fn finer(places: &mut u32, raw: i64) {
    while *places < 8 && raw % 10i64.pow(8 - *places) != 0 {
        *places += 1;
    }
}

/// Returns how many duplicates were dropped.
fn sort_and_dedup(trades: &mut Vec<RecordedTrade>) -> u64 {
    let before = trades.len();
    // Nearly every file is in order already.
    if !trades.is_sorted_by_key(RecordedTrade::rank) {
        trades.sort_unstable_by_key(RecordedTrade::rank);
    }
    trades.dedup_by_key(|trade| trade.trade_id);
    (before - trades.len()) as u64
}
