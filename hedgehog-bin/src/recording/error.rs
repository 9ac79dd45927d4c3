//! Why a file cannot be played, in one line that says what to do.

use super::MalformedLine;
use std::io;
use std::path::PathBuf;

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
    /// It is known what the file is, and that it is not played.
    #[error("{path} {what}", path = path.display())]
    NotTrades {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: &'static str,
    },
    /// A public dump names its symbol only in the file name.
    #[error("{path} {}", which_symbol(candidates), path = path.display())]
    UnnamedSymbol {
        /// The file.
        path: PathBuf,
        /// What its name could mean; nothing or several.
        candidates: Vec<String>,
    },
    /// A symbol was given for a file that names its own.
    #[error("{path} names its symbols itself: leave out --symbol", path = path.display())]
    NamedSymbol {
        /// The file.
        path: PathBuf,
    },
    /// The layout is known and there is no trade.
    #[error("{path} holds no trade{}", instead(malformed, *other_events, first_other), path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Lines that could not be read.
        malformed: Vec<MalformedLine>,
        /// Frames of other streams.
        other_events: u64,
        /// The kind of the first of them.
        first_other: String,
    },
    /// The file given for the rules is not an answer of `exchangeInfo`.
    #[error("{path} is not a recorded exchangeInfo answer: {source}", path = path.display())]
    ExchangeInfo {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A large recording is kept in a temporary file, which cannot be written.
    #[error(
        "the trades of {path} do not fit into memory and cannot be kept in {folder}: {source}; free some room there, or choose \
         another --data-dir", path = path.display(), folder = folder.display()
    )]
    Spool {
        /// The recording.
        path: PathBuf,
        /// Where the temporary file is.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn which_symbol(candidates: &[String]) -> String {
    match candidates {
        [] => {
            "does not name its symbol: say it with --symbol, or rename it like BTCUSDT-trades-2024-08-08.csv".to_owned()
        }
        [first, ..] => format!(
            "may hold the trades of {}: say which with --symbol {first}",
            candidates.join(" or ")
        ),
    }
}

fn instead(malformed: &[MalformedLine], other_events: u64, first_other: &str) -> String {
    match (malformed.first(), other_events) {
        (Some(line), _) => format!(" (line {}: {})", line.number, line.reason),
        (None, 0) => String::new(),
        (None, _) if first_other == "aggTrade" => {
            format!(": it holds {other_events} aggregated trades: record the stream <symbol>@trade instead")
        }
        (None, _) => format!(" ({other_events} events of other kinds, the first is {first_other:?})"),
    }
}
