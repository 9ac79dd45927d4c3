//! A recorded market: the trades of a file, in the order of their ids, and the rules of their time.
//!
//! Read in this order: `text` cuts the file into lines, `layout` tells how they are read (`columns`, `frames`), `gather` puts the trades
//! in order, and where they are many `spool` keeps them on the disk; `rules` and `assets` tell what is known of the symbols, and
//! `file_name` whose trades they are where the lines do not say.
//!
//! Invariant: per symbol, trades stand in the order of their ids, and none stands twice. A line that cannot be read is counted with its
//! number and its reason and never stops the others; a file in which nothing can be read is refused. However long the file is, no
//! more than a million of its trades are in memory.

mod assets;
mod columns;
mod error;
mod file_name;
mod frames;
mod gather;
mod layout;
mod rules;
mod spool;
mod text;
mod trade;

use crate::market::{ExchangeInfo, OddListing, Symbol, SymbolInfo, grouped, short_text};
use gather::{Gathering, NoRoom, Trades};
use layout::{Layout, Line};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

pub use error::RecordingError;
pub use rules::RuleSource;
pub(crate) use trade::RecordedTrade;

/// So many unreadable lines are kept with their reason; the rest is only counted.
const KEPT_MALFORMED: usize = 100;

/// So many odd listings of a file with rules are named; the rest is only counted.
const NAMED_LISTINGS: usize = 20;

/// How many lines are read between two words about the progress.
const TOLD_EVERY: u64 = 50_000;

/// A file of recorded trades.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    hash: String,
    symbols: BTreeMap<Symbol, RecordedSymbol>,
    malformed: Vec<MalformedLine>,
    malformed_lines: u64,
    other_events: u64,
    duplicates: u64,
}

/// One symbol of a recording.
#[derive(Debug)]
struct RecordedSymbol {
    info: SymbolInfo,
    rules: RuleSource,
    trades: Trades,
    /// Where the trades stand that are none of the market's.
    nobodys: Vec<usize>,
}

/// How a file is to be read; by default as it says itself.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// A recorded `exchangeInfo` answer with the rules of the time.
    pub exchange_info: Option<&'a Path>,
    /// Whose trades they are, for a file whose lines do not say.
    pub symbol: Option<&'a Symbol>,
    /// Which symbols are wanted: decides where the file's name could mean several.
    pub started: &'a [Symbol],
    /// Where the trades may be kept that do not fit into memory, beside the folder of the file itself.
    pub folder: Option<&'a Path>,
    /// Told the number of trades now and then.
    pub progress: Option<&'a dyn Fn(u64)>,
}

impl fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOptions")
            .field("exchange_info", &self.exchange_info)
            .field("symbol", &self.symbol)
            .field("started", &self.started)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// A line of the file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedLine {
    /// Counted from 1, the header included.
    pub number: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl Recording {
    /// Reads a file as it says itself, with the rules of `exchange_info`; see [`Recording::read`].
    pub fn open(path: &Path, exchange_info: Option<&Path>) -> Result<Self, RecordingError> {
        let options = ReadOptions {
            exchange_info,
            ..ReadOptions::default()
        };
        Self::read(path, &options)
    }

    /// Reads a file once, from its beginning to its end: csv with a header in the columns of this program's own exports, the
    /// exchange's public dumps with or without a header, or WebSocket frames, raw or combined, with or without a leading time
    /// of receipt; plain or gzip.
    ///
    /// Rules (tick, step, minimal notional) come from a recorded `exchangeInfo` answer, for the symbols it lists; else from a
    /// table of what is known of the time; else from the digits seen.
    ///
    /// Blocking: takes a quarter of a second for a day of a busy symbol.
    pub fn read(path: &Path, options: &ReadOptions<'_>) -> Result<Self, RecordingError> {
        let rules = options.exchange_info.map(read_exchange_info).transpose()?;
        let mut recording = Self {
            path: path.to_owned(),
            hash: String::new(),
            symbols: BTreeMap::new(),
            malformed: Vec::new(),
            malformed_lines: 0,
            other_events: 0,
            duplicates: 0,
        };
        let mut gathering = Gathering::new(spool_folders(path, options.folder));
        let layout = recording.read_lines(options, &mut gathering)?;
        let (symbols, duplicates) = gathering.finish().map_err(|none| recording.no_room(none))?;
        if symbols.is_empty() {
            return Err(RecordingError::Empty {
                path: recording.path,
                malformed: recording.malformed,
                other_events: recording.other_events,
                first_other: layout.map_or_else(String::new, |layout| layout.first_other().to_owned()),
            });
        }
        recording.duplicates = duplicates;
        for (symbol, gathered) in symbols {
            let (info, source) = rules::of(&symbol, &gathered.facts, rules.as_ref().map(|(info, _)| info));
            recording.symbols.insert(
                symbol,
                RecordedSymbol {
                    info,
                    rules: source,
                    trades: gathered.trades,
                    nobodys: gathered.nobodys,
                },
            );
        }
        recording.report(rules.as_ref().map_or(&[], |(_, odd)| odd), options.exchange_info);
        Ok(recording)
    }

    /// The SHA-256 of the file as it lies on the disk, in hexadecimal: two recordings are two venues.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much there is to play, of all symbols together.
    pub fn trades(&self) -> u64 {
        self.symbols.values().map(|symbol| symbol.trades.len() as u64).sum()
    }

    /// Each symbol with how much there is to play of it, and where its rules come from.
    pub fn symbols(&self) -> impl Iterator<Item = (&SymbolInfo, usize, RuleSource)> {
        self.symbols
            .values()
            .map(|symbol| (&symbol.info, symbol.trades.len(), symbol.rules))
    }

    /// The first hundred lines that could not be read.
    pub fn malformed(&self) -> &[MalformedLine] {
        &self.malformed
    }

    /// How many lines could not be read.
    pub fn malformed_lines(&self) -> u64 {
        self.malformed_lines
    }

    /// Frames of other streams than trades, and trades that are none of the market's.
    pub fn other_events(&self) -> u64 {
        self.other_events
    }

    /// Trades that stood in the file more than once.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// How many trades a symbol has.
    pub(crate) fn len(&self, symbol: &Symbol) -> usize {
        self.symbols.get(symbol).map_or(0, |symbol| symbol.trades.len())
    }

    /// One trade of a symbol, counted from 0 in the order in which they are played.
    pub(crate) fn trade(&self, symbol: &Symbol, index: usize) -> Option<RecordedTrade> {
        self.symbols.get(symbol)?.trades.trade(index)
    }

    /// Where the first trade of a symbol stands whose id is `trade_id` or above it.
    pub(crate) fn position_of(&self, symbol: &Symbol, trade_id: i64) -> usize {
        (self.symbols.get(symbol)).map_or(0, |symbol| symbol.trades.position_of(trade_id))
    }

    /// How many trades of the market stand in a part of what is played of a symbol; the rest is nobody's.
    pub fn market_trades(&self, symbol: &Symbol, part: Range<u64>) -> u64 {
        let Some(symbol) = self.symbols.get(symbol) else {
            return 0;
        };
        let before = |end: u64| symbol.nobodys.partition_point(|at| (*at as u64) < end) as u64;
        let end = part.end.min(symbol.trades.len() as u64);
        let start = part.start.min(end);
        (end - start) - (before(end) - before(start))
    }

    /// Tells why the trades cannot be read any more, if they come to be unreadable; `None` where they are in memory.
    pub fn failure(&self) -> Option<watch::Receiver<Option<String>>> {
        self.symbols.values().find_map(|symbol| symbol.trades.failure())
    }

    fn read_lines(
        &mut self,
        options: &ReadOptions<'_>,
        gathering: &mut Gathering,
    ) -> Result<Option<Layout>, RecordingError> {
        let path = self.path.clone();
        let mut layout: Option<Layout> = None;
        let (mut trades, mut told) = (0, 0);
        self.hash = text::each_line(&path, |number, line| {
            let text = match (line, &layout) {
                (Ok(text), _) => text,
                (Err(why), Some(_)) => {
                    self.leave_out(number, why.to_string());
                    return Ok(());
                }
                (Err(why), None) => {
                    return Err(RecordingError::UnknownLayout {
                        path: path.clone(),
                        first_line: why.to_string(),
                    });
                }
            };
            let layout = match &mut layout {
                Some(layout) => layout,
                None => layout.insert(Layout::detect(text, &path, options)?),
            };
            match layout.read(text) {
                Ok(Line::Trade(symbol, trade)) => {
                    trades += u64::from(!trade.nobodys);
                    self.other_events += u64::from(trade.nobodys);
                    gathering.add(symbol, trade).map_err(|none| self.no_room(none))?;
                }
                Ok(Line::OtherEvent) => self.other_events += 1,
                Ok(Line::Header) => {}
                Err(reason) => self.leave_out(number, reason),
            }
            if let Some(progress) = options.progress
                && number >= told + TOLD_EVERY
            {
                told = number;
                progress(trades);
            }
            Ok(())
        })?;
        Ok(layout)
    }

    fn leave_out(&mut self, number: u64, reason: String) {
        self.malformed_lines += 1;
        if self.malformed.len() < KEPT_MALFORMED {
            self.malformed.push(MalformedLine { number, reason });
        }
    }

    fn no_room(&self, NoRoom { folder, source }: NoRoom) -> RecordingError {
        RecordingError::Spool {
            path: self.path.clone(),
            folder,
            source,
        }
    }

    fn report(&self, odd: &[OddListing], exchange_info: Option<&Path>) {
        for MalformedLine { number, reason } in &self.malformed {
            tracing::warn!("{} line {number} is left out: {reason}", self.path.display());
        }
        let more = self.malformed_lines - self.malformed.len() as u64;
        if more > 0 {
            tracing::warn!("{}: {more} more lines are left out", self.path.display());
        }
        for note in exchange_info.map_or_else(Vec::new, |file| self.notes_on_rules(odd, file)) {
            tracing::warn!("{note}");
        }
        for (symbol, recorded) in &self.symbols {
            let filters = &recorded.info.filters;
            tracing::info!(
                "{}: {} trades of {symbol}, tick {}, step {} ({})",
                self.path.display(),
                self.market_trades(symbol, 0..u64::MAX),
                short_text(&filters.tick_size),
                short_text(&filters.step_size),
                recorded.rules,
            );
        }
        let nobodys: usize = self.symbols.values().map(|symbol| symbol.nobodys.len()).sum();
        if nobodys > 0 {
            tracing::info!(
                "{}: {} trades are none of the market's (insurance fund, deleveraging) and are passed over",
                self.path.display(),
                grouped(nobodys as u64)
            );
        }
    }

    /// What the file with the rules does not tell although somebody wants to know it.
    fn notes_on_rules(&self, odd: &[OddListing], file: &Path) -> Vec<String> {
        let file = file.display();
        let mut notes: Vec<_> = (odd.iter().take(NAMED_LISTINGS))
            .map(|listing| format!("{file}: a listing is left out: {listing}"))
            .collect();
        if odd.len() > NAMED_LISTINGS {
            notes.push(format!(
                "{file}: {} more listings are left out",
                odd.len() - NAMED_LISTINGS
            ));
        }
        let elsewhere = (self.symbols.iter()).filter(|(_, recorded)| recorded.rules != RuleSource::ExchangeInfo);
        notes.extend(elsewhere.map(|(symbol, recorded)| {
            let unread = odd.iter().find(|listing| listing.symbol == symbol.as_str());
            let why = unread.map_or_else(
                || "is not listed".to_owned(),
                |listing| format!("cannot be read ({})", listing.why),
            );
            format!("{symbol} {why} in {file}: it is played with {}", recorded.rules)
        }));
        notes
    }
}

impl Trades {
    fn len(&self) -> usize {
        match self {
            Self::Memory(trades) => trades.len(),
            Self::Spooled(trades) => trades.len(),
        }
    }

    fn trade(&self, index: usize) -> Option<RecordedTrade> {
        match self {
            Self::Memory(trades) => trades.get(index).copied(),
            Self::Spooled(trades) => trades.trade(index),
        }
    }

    fn position_of(&self, trade_id: i64) -> usize {
        match self {
            Self::Memory(trades) => trades.partition_point(|trade| trade.trade_id < trade_id),
            Self::Spooled(trades) => trades.position_of(trade_id),
        }
    }

    fn failure(&self) -> Option<watch::Receiver<Option<String>>> {
        match self {
            Self::Memory(_) => None,
            Self::Spooled(trades) => Some(trades.failure()),
        }
    }
}

/// Where a temporary file may be: beside the data first, whose disk was chosen for much of it. A folder that does not exist yet
/// stands for the nearest one above it.
fn spool_folders(path: &Path, folder: Option<&Path>) -> Vec<PathBuf> {
    let existing = |folder: &Path| {
        let above = folder.ancestors().find(|folder| folder.is_dir())?;
        Some(if above.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            above.to_owned()
        })
    };
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    [folder, Some(beside.unwrap_or(Path::new(".")))]
        .into_iter()
        .flatten()
        .map(|folder| existing(folder).unwrap_or_else(|| PathBuf::from(".")))
        .collect()
}

fn read_exchange_info(path: &Path) -> Result<(ExchangeInfo, Vec<OddListing>), RecordingError> {
    ExchangeInfo::from_json(&text::whole(path)?).map_err(|source| RecordingError::ExchangeInfo {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
