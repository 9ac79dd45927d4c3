//! Which of the three apps a program runs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One of the apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum App {
    /// Receives trades.
    Streamer,
    /// Trades.
    Naive,
    /// Stores trades and orders.
    Warehouse,
}

impl App {
    /// What a list of apps may hold, for messages.
    pub const WORDS: &'static str = "a list of apps: expected some of streamer,naive,warehouse";

    const ALL: [Self; 3] = [Self::Streamer, Self::Naive, Self::Warehouse];

    /// As it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Streamer => "streamer",
            Self::Naive => "naive",
            Self::Warehouse => "warehouse",
        }
    }
}

/// The apps of a program; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppSet(BTreeSet<App>);

impl AppSet {
    /// Whether an app is part of the program.
    pub fn contains(&self, app: App) -> bool {
        self.0.contains(&app)
    }
}

impl Default for AppSet {
    fn default() -> Self {
        Self(App::ALL.into())
    }
}

impl FromStr for AppSet {
    /// The word that is no app, or the empty text.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |word: &str| App::ALL.into_iter().find(|app| app.as_str() == word.to_lowercase());
        let words = text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty());
        let named: BTreeSet<App> = words
            .map(|word| named(word).ok_or_else(|| word.to_owned()))
            .collect::<Result<_, _>>()?;
        if named.is_empty() {
            return Err(text.to_owned());
        }
        Ok(Self(named))
    }
}

impl fmt::Display for AppSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|app| app.as_str()).collect();
        f.write_str(&words.join(", "))
    }
}
