//! What a user can ask of the running program, written once: an [`Operation`] in, an [`Answer`] out, both plain data.
//!
//! The command line, the control socket and whatever comes next ask with these, and decide themselves how an answer looks.

use super::action::{Action, Change, Which};
use super::{Killed, ListedSymbol, RequestError, SeedReport, System, SystemStatus};
use crate::market::Symbol;
use crate::naive::{SettingsChange, TradingSettings};
use hedgehog_core::TreeNode;
use serde::{Deserialize, Serialize};

/// What a running program can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// What is on, and how it goes.
    Status,
    /// The live supervision tree.
    Tree,
    /// Settings rows for every symbol that the exchange lists.
    Seed,
    /// Ends one process brutally.
    Kill {
        /// Ids from the root, joined by `/`, or the end of that as far as it names one process.
        path: String,
    },
    /// What the exchange lists.
    Symbols {
        /// A part of a symbol, or a pattern with `*` and `?`; `None` for all.
        pattern: Option<String>,
    },
    /// Trading settings, after a change of them if there is one.
    Settings {
        /// Of which symbols; empty for all.
        symbols: Vec<Symbol>,
        /// What to change.
        change: Option<SettingsChange>,
    },
    /// Turns something on or off, symbol after symbol.
    Change {
        /// What.
        action: Action,
        /// Of which symbols.
        symbols: Which,
    },
}

impl Operation {
    /// Whether the answer comes from memory, and so within a moment.
    pub fn is_answered_at_once(&self) -> bool {
        matches!(self, Self::Status | Self::Tree)
    }
}

/// What an operation has found or done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Operation::Status`].
    Status(Box<SystemStatus>),
    /// To [`Operation::Tree`].
    Tree(TreeNode),
    /// To [`Operation::Seed`].
    Seeded(SeedReport),
    /// To [`Operation::Kill`].
    Killed(Killed),
    /// To [`Operation::Symbols`].
    Symbols(Vec<ListedSymbol>),
    /// To [`Operation::Settings`].
    Settings(Vec<TradingSettings>),
    /// To [`Operation::Change`].
    Changed {
        /// What was asked for.
        action: Action,
        /// What it came to, in the order in which it was done; empty when there was nothing to do.
        changes: Vec<Change>,
    },
}

/// What came of an operation: an answer, an error, or both when only some of several symbols could be done.
#[derive(Debug)]
pub struct Reply {
    /// What was found or done.
    pub answer: Option<Answer>,
    /// What could not be done.
    pub error: Option<RequestError>,
}

impl From<Result<Answer, RequestError>> for Reply {
    fn from(found: Result<Answer, RequestError>) -> Self {
        match found {
            Ok(answer) => Self {
                answer: Some(answer),
                error: None,
            },
            Err(error) => Self {
                answer: None,
                error: Some(error),
            },
        }
    }
}

impl System {
    /// Carries out what was asked.
    pub async fn carry_out(&self, operation: Operation) -> Reply {
        let found = match operation {
            Operation::Status => Ok(Answer::Status(Box::new(self.status().await))),
            Operation::Tree => self.processes().await.map(Answer::Tree),
            Operation::Seed => self.seed().await.map(Answer::Seeded),
            Operation::Kill { path } => self.kill(&path).await.map(Answer::Killed),
            Operation::Symbols { pattern } => self.symbols(pattern.as_deref()).await.map(Answer::Symbols),
            Operation::Settings { symbols, change } => {
                self.seeded().await;
                let settings = match change {
                    Some(change) => self.change_settings(&symbols, &change).await,
                    None => self.settings(&symbols).await,
                };
                settings.map(Answer::Settings)
            }
            Operation::Change { action, symbols } => return self.change(action, symbols).await,
        };
        found.into()
    }
}
