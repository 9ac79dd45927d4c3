//! What an operation did, or why it could not: the typed answers behind `start`, `stop` and `shutdown`.

use crate::exchange::ExchangeError;
use crate::market::Symbol;
use crate::spelling::{did_you_mean, nearest};
use crate::store::StoreError;
use hedgehog_core::StartError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an operation found and did. Every variant means that the wished state holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not running; it is now.
    Started,
    /// It was running and goes on.
    AlreadyRunning,
    /// It was draining; the drain is cancelled and it goes on.
    DrainCancelled,
    /// It was running; it has ended.
    Stopped,
    /// It was not running.
    NotRunning,
    /// It opens nothing new and ends by itself when its open traders have finished.
    Draining,
    /// It was draining before.
    AlreadyDraining,
}

impl Outcome {
    /// Whether the operation did anything; the wished state may have held before.
    pub fn is_change(self) -> bool {
        match self {
            Self::Started | Self::DrainCancelled | Self::Stopped | Self::Draining => true,
            Self::AlreadyRunning | Self::NotRunning | Self::AlreadyDraining => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Started => "started",
            Self::AlreadyRunning => "already running",
            Self::DrainCancelled => "drain cancelled, trading goes on",
            Self::Stopped => "stopped",
            Self::NotRunning => "not running",
            Self::Draining => "draining: open traders finish, none is opened",
            Self::AlreadyDraining => "already draining",
        })
    }
}

/// What seeding the settings did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    /// Symbols that have a row since now.
    pub inserted: usize,
    /// Symbols that had one.
    pub known: usize,
}

/// Why an operation changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// No settings row has this symbol.
    #[error("unknown symbol {symbol}{}", did_you_mean(nearest))]
    UnknownSymbol {
        /// What was asked for.
        symbol: Symbol,
        /// Known ones that are spelt alike, best first.
        nearest: Vec<Symbol>,
    },
    /// The exchange has never been reached, so nothing is known of any symbol: the same may succeed as soon as it is.
    #[error("{symbol} has no settings yet, because the exchange has not been reached: {why}")]
    NotSeededYet {
        /// What was asked for.
        symbol: Symbol,
        /// What was last tried, with its causes.
        why: String,
    },
    /// The app has not read its rows yet: it tries on.
    #[error("settings and ledger have not been read yet: {why}")]
    NotReadYet {
        /// What was last tried, with its causes.
        why: String,
    },
    /// The app is not part of this program (`--apps`).
    #[error("the {0} app does not run in this program (see --apps)")]
    AppNotRunning(&'static str),
    /// The settings could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The exchange was asked and did not answer as needed.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The supervisor could not start the process; the row says `on`, and the next start of the program tries again.
    #[error("could not start: {0}")]
    Start(#[from] StartError),
}

impl OperationError {
    /// The refusal of a symbol that is not one of the `known`.
    pub fn unknown_symbol<'a>(symbol: &Symbol, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = nearest(symbol.as_str(), known);
        Self::UnknownSymbol {
            symbol: symbol.clone(),
            nearest: near.into_iter().filter_map(|name| name.parse().ok()).collect(),
        }
    }
}
