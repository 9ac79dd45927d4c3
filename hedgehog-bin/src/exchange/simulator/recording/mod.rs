//! A recorded market: the trades of a file, in order, compact in memory, and the rules of their time.
//!
//! Invariant: per symbol, trades stand in (trade time, trade id) order and no trade id stands twice. A line that cannot
//! be read is counted with its number and its reason and never stops the others; a file in which nothing can be read
//! is refused.

mod layout;
mod rules;

use super::units::Units;
use crate::market::{ExchangeInfo, Symbol, SymbolInfo, short_text};
use flate2::read::MultiGzDecoder;
use layout::{Layout, Line};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub use rules::RuleSource;

/// So many unreadable lines are kept with their reason; the rest is only counted.
const KEPT_MALFORMED: usize = 100;

/// A line beyond this length is read in pieces, each of them unreadable: what is no recording at all must not fill the
/// memory. The largest frames are order books of a hundred kilobytes.
const LONGEST_LINE: u64 = 1 << 20;

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
pub(super) struct RecordedSymbol {
    pub(super) info: SymbolInfo,
    pub(super) rules: RuleSource,
    pub(super) trades: Vec<RecordedTrade>,
}

/// One trade in 40 bytes: a day of a busy symbol fits a few megabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordedTrade {
    pub(super) trade_id: i64,
    /// In hundred-millionths.
    pub(super) price: i64,
    /// In hundred-millionths.
    pub(super) quantity: i64,
    /// In milliseconds since the epoch.
    pub(super) trade_time: i64,
    /// How much later than the trade the event was sent, in milliseconds.
    pub(super) event_lag: i32,
    pub(super) buyer_market_maker: bool,
}

/// A line of the file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedLine {
    /// Counted from 1, the header included.
    pub number: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file cannot be opened or read to its end.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// The first line tells no layout that is known.
    #[error(
        "{path} is not a recording: expected trades as csv with a header, a public dump of the exchange, or WebSocket \
         frames, one per line (first line: {first_line:?})", path = path.display()
    )]
    UnknownLayout {
        /// The file.
        path: PathBuf,
        /// Its first line, shortened.
        first_line: String,
    },
    /// A public dump names its symbol only in the file name.
    #[error("{path} does not name its symbol: rename it like BTCUSDT-trades-2024-08-08.csv", path = path.display())]
    UnnamedSymbol {
        /// The file.
        path: PathBuf,
    },
    /// The layout is known and there is no trade.
    #[error("{path} holds no trade{}", first_malformed(malformed), path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Lines that could not be read.
        malformed: Vec<MalformedLine>,
    },
    /// The file given for the rules is not an answer of `exchangeInfo`.
    #[error("{path} is not a recorded exchangeInfo answer: {source}", path = path.display())]
    ExchangeInfo {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
}

fn first_malformed(malformed: &[MalformedLine]) -> String {
    malformed
        .first()
        .map(|line| format!(" (line {}: {})", line.number, line.reason))
        .unwrap_or_default()
}

impl Recording {
    /// Reads a file whole: csv with a header in the columns of this program's own exports, the exchange's public dumps
    /// with or without a header, or WebSocket frames, raw or combined, with or without a leading time of receipt;
    /// plain or gzip.
    ///
    /// Rules (tick, step, minimal notional) come from `exchange_info`, a recorded `exchangeInfo` answer, for the
    /// symbols it lists; else from a table of what is known of the time; else from the digits seen.
    ///
    /// Blocking: takes a quarter of a second for a day of a busy symbol.
    pub fn open(path: &Path, exchange_info: Option<&Path>) -> Result<Self, RecordingError> {
        let exchange_info = exchange_info.map(read_exchange_info).transpose()?;
        let mut recording = Self {
            path: path.to_owned(),
            hash: String::new(),
            symbols: BTreeMap::new(),
            malformed: Vec::new(),
            malformed_lines: 0,
            other_events: 0,
            duplicates: 0,
        };
        let mut trades = BTreeMap::new();
        recording.read(&mut trades)?;
        if trades.is_empty() {
            return Err(RecordingError::Empty {
                path: recording.path,
                malformed: recording.malformed,
            });
        }
        for (symbol, mut of_symbol) in trades {
            recording.duplicates += sort_and_dedup(&mut of_symbol);
            of_symbol.shrink_to_fit();
            let (info, rules) = rules::of(&symbol, &of_symbol, exchange_info.as_ref());
            recording.symbols.insert(
                symbol,
                RecordedSymbol {
                    info,
                    rules,
                    trades: of_symbol,
                },
            );
        }
        recording.report();
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

    /// Trades of all symbols.
    pub fn trades(&self) -> u64 {
        self.symbols.values().map(|symbol| symbol.trades.len() as u64).sum()
    }

    /// Each symbol with its number of trades and where its rules come from.
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

    /// Frames of other streams than trades.
    pub fn other_events(&self) -> u64 {
        self.other_events
    }

    /// Trades that stood in the file more than once.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// How many trades a symbol has.
    pub(super) fn len(&self, symbol: &Symbol) -> usize {
        self.symbols.get(symbol).map_or(0, |symbol| symbol.trades.len())
    }

    /// One trade of a symbol, counted from 0 in the order in which they are played.
    pub(super) fn trade(&self, symbol: &Symbol, index: usize) -> Option<RecordedTrade> {
        self.symbols.get(symbol)?.trades.get(index).copied()
    }

    /// Where the first trade of a symbol stands whose id is `trade_id` or above it.
    pub(super) fn position_of(&self, symbol: &Symbol, trade_id: i64) -> usize {
        let trades = self.symbols.get(symbol).map_or(&[][..], |symbol| &symbol.trades);
        trades.partition_point(|trade| trade.trade_id < trade_id)
    }

    fn read(&mut self, trades: &mut BTreeMap<Symbol, Vec<RecordedTrade>>) -> Result<(), RecordingError> {
        let path = self.path.clone();
        let unreadable = |source| RecordingError::Unreadable {
            path: path.clone(),
            source,
        };
        let mut file = HashingReader {
            file: File::open(&path).map_err(&unreadable)?,
            hash: Sha256::new(),
        };
        let mut lines = plain_text(&mut file).map_err(&unreadable)?;
        // `whole`: the last read ended with its line, so that the next one begins another.
        let (mut line, mut number, mut whole) = (Vec::new(), 0, true);
        let mut layout: Option<Layout> = None;
        loop {
            line.clear();
            let read = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            if read.map_err(&unreadable)? == 0 {
                break;
            }
            number += u64::from(whole);
            whole = line.ends_with(b"\n");
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let layout = match &mut layout {
                Some(layout) => layout,
                None => layout.insert(Layout::detect(text, &path)?),
            };
            match layout.read(text) {
                Ok(Line::Trade(symbol, trade)) => match trades.get_mut(&symbol) {
                    Some(of_symbol) => of_symbol.push(trade),
                    None => drop(trades.insert(symbol, vec![trade])),
                },
                Ok(Line::OtherEvent) => self.other_events += 1,
                Ok(Line::Header) => {}
                Err(reason) => {
                    self.malformed_lines += 1;
                    if self.malformed.len() < KEPT_MALFORMED {
                        self.malformed.push(MalformedLine { number, reason });
                    }
                }
            }
        }
        drop(lines);
        io::copy(&mut file, &mut io::sink()).map_err(&unreadable)?;
        self.hash = hex::encode(file.hash.finalize());
        Ok(())
    }

    fn report(&self) {
        for MalformedLine { number, reason } in &self.malformed {
            tracing::warn!("{} line {number} is left out: {reason}", self.path.display());
        }
        let more = self.malformed_lines - self.malformed.len() as u64;
        if more > 0 {
            tracing::warn!("{}: {more} more lines are left out", self.path.display());
        }
        for symbol in self.symbols.values() {
            let (info, filters) = (&symbol.info, &symbol.info.filters);
            tracing::info!(
                "{}: {} trades of {}, tick {}, step {} ({})",
                self.path.display(),
                symbol.trades.len(),
                info.symbol,
                short_text(&filters.tick_size),
                short_text(&filters.step_size),
                symbol.rules,
            );
        }
    }
}

impl RecordedTrade {
    pub(super) fn price(&self) -> Units {
        Units::from_raw(self.price)
    }

    pub(super) fn quantity(&self) -> Units {
        Units::from_raw(self.quantity)
    }
}

/// Returns how many duplicates were dropped.
fn sort_and_dedup(trades: &mut Vec<RecordedTrade>) -> u64 {
    let before = trades.len();
    trades.sort_unstable_by_key(|trade| (trade.trade_time, trade.trade_id));
    // Ids grow with time in every sane file; only where they do not, one id could stand at two times.
    if trades.is_sorted_by_key(|trade| trade.trade_id) {
        trades.dedup_by_key(|trade| trade.trade_id);
    } else {
        let mut seen = HashSet::with_capacity(before);
        trades.retain(|trade| seen.insert(trade.trade_id));
    }
    (before - trades.len()) as u64
}

fn read_exchange_info(path: &Path) -> Result<ExchangeInfo, RecordingError> {
    let unreadable = |source| RecordingError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut json = Vec::new();
    let mut file = File::open(path).map_err(unreadable)?;
    plain_text(&mut file)
        .and_then(|mut text| text.read_to_end(&mut json))
        .map_err(unreadable)?;
    let (info, left_out) = ExchangeInfo::from_json(&json).map_err(|source| RecordingError::ExchangeInfo {
        path: path.to_owned(),
        source,
    })?;
    for symbol in left_out {
        tracing::debug!("{}: {symbol}", path.display());
    }
    Ok(info)
}

/// Decompresses where the file begins like gzip (RFC 1952), whatever its name ends with.
fn plain_text<'a>(file: &'a mut impl Read) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut file = BufReader::with_capacity(1 << 17, file);
    let compressed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if compressed {
        Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// Hashes what is read through it.
struct HashingReader {
    file: File,
    hash: Sha256,
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
