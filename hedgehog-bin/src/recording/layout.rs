//! The layouts of recorded files, told by their first line.

use super::columns::Columns;
use super::frames::Frames;
use super::{ReadOptions, RecordedTrade, RecordingError};
use crate::market::Symbol;
use std::path::Path;

/// How the lines of a file are read.
pub(super) enum Layout {
    Columns(Columns),
    Frames(Frames),
}

/// What one line is.
pub(super) enum Line {
    Trade(Symbol, RecordedTrade),
    OtherEvent,
    Header,
}

impl Layout {
    /// Tells the layout by the first line that is not blank.
    pub(super) fn detect(first: &[u8], path: &Path, options: &ReadOptions<'_>) -> Result<Self, RecordingError> {
        let unknown = || RecordingError::UnknownLayout {
            path: path.to_owned(),
            first_line: String::from_utf8_lossy(&first[..first.len().min(80)]).into_owned(),
        };
        let text = std::str::from_utf8(first).map_err(|_| unknown())?;
        let layout = if Frames::begin_with(text) {
            Self::Frames(Frames::default())
        } else {
            Self::Columns(Columns::detect(text, path, options)?.ok_or_else(unknown)?)
        };
        if options.symbol.is_some() && layout.names_symbols() {
            return Err(RecordingError::NamedSymbol { path: path.to_owned() });
        }
        Ok(layout)
    }

    /// Reads one line; an error says what is wrong with it.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Line, String> {
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8 text".to_owned())?;
        match self {
            Self::Columns(columns) => columns.read(text),
            Self::Frames(frames) => frames.read(text),
        }
    }

    /// The kind of the first event that was no trade.
    pub(super) fn first_other(&self) -> &str {
        match self {
            Self::Columns(_) => "",
            Self::Frames(frames) => frames.first_other(),
        }
    }

    fn names_symbols(&self) -> bool {
        match self {
            Self::Columns(columns) => columns.names_symbols(),
            Self::Frames(_) => true,
        }
    }
}
