//! What is on, and how it goes.

use super::System;
use crate::config::AppSet;
use crate::exchange::simulator::Progress;
use crate::failure::Failure;
use crate::market::{Symbol, Topic};
use crate::naive::{Naive, TradingStatus};
use crate::operation::OperationError;
use crate::store::TradingStatus as Switch;
use crate::streamer::{StreamStatus, Streamer};
use crate::venue::Venue;
use crate::warehouse::{StoringStatus, Warehouse};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// The program at a glance; a part is `None` when its app does not run.
#[derive(Clone, Debug, Serialize)]
pub struct SystemStatus {
    /// Whose market it is.
    pub venue: Venue,
    /// Where the exchange answers.
    pub exchange: String,
    /// Where everything is kept; whoever reads this may stand in another folder.
    pub data_dir: PathBuf,
    /// Which apps run.
    pub apps: AppSet,
    /// When the program started, in milliseconds since the epoch.
    pub since: i64,
    /// How far the recording is, if one is played.
    pub replay: Option<ReplayStatus>,
    /// By symbol.
    pub streaming: Option<Vec<StreamStatus>>,
    /// By symbol.
    pub trading: Option<Vec<TradingStatus>>,
    /// By topic.
    pub storing: Option<Vec<StoringStatus>>,
    /// What could not be read, by part (`streaming`, `trading`, `storing`), and why: that part shows nothing, the others are true.
    pub unreadable: BTreeMap<&'static str, String>,
}

/// How long one part may take to tell of itself before it counts as unreadable.
const PART_WITHIN: Duration = Duration::from_millis(700);

impl SystemStatus {
    /// What is on, one line per symbol: "streaming, trading and storing BTCUSDT".
    pub fn on(&self) -> Vec<String> {
        let mut by_symbol: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut add = |symbol: String, activity| by_symbol.entry(symbol).or_default().insert(activity);
        for stream in self.streaming.iter().flatten().filter(|stream| stream.on) {
            add(stream.symbol.to_string(), "streaming");
        }
        for symbol in self
            .trading
            .iter()
            .flatten()
            .filter(|symbol| symbol.status != Switch::Off)
        {
            let activity = if symbol.status == Switch::On {
                "trading"
            } else {
                "draining"
            };
            add(symbol.symbol.to_string(), activity);
        }
        for topic in self.storing.iter().flatten().filter(|topic| topic.on) {
            add(topic.topic.rsplit(':').next().unwrap_or_default().to_owned(), "storing");
        }
        by_symbol
            .into_iter()
            .map(|(symbol, activities)| format!("{symbol}: {}", activities.into_iter().collect::<Vec<_>>().join(", ")))
            .collect()
    }

    /// Events that were received and are not in the database.
    pub fn unstored(&self) -> Unstored {
        let topics = || self.storing.iter().flatten();
        Unstored {
            kept: topics().map(|topic| topic.spilled).sum(),
            lost: topics().map(|topic| topic.lag + topic.lost).sum(),
        }
    }

    /// Whether anything of a symbol is on or has been since the start.
    pub(super) fn knows(&self, symbol: &Symbol) -> bool {
        let topics = [Topic::trade_events(symbol), Topic::orders(symbol)].map(|topic| topic.to_string());
        self.streaming.iter().flatten().any(|stream| stream.symbol == *symbol)
            || self.trading.iter().flatten().any(|traded| traded.symbol == *symbol)
            || (self.storing.iter().flatten()).any(|stored| topics.contains(&stored.topic))
    }

    /// What this run of the program has added to the warehouse; `None` without one.
    pub fn stored(&self) -> Option<String> {
        let topics = self.storing.as_ref()?;
        let (trades, orders): (Vec<_>, Vec<_>) =
            topics.iter().partition(|topic| topic.topic.starts_with("TRADE_EVENTS"));
        let sum =
            |topics: &[&StoringStatus], field: fn(&StoringStatus) -> u64| topics.iter().map(|t| field(t)).sum::<u64>();
        Some(format!(
            "{} new trades stored, {} were there already; {} new orders",
            sum(&trades, |topic| topic.rows_new),
            sum(&trades, |topic| topic.rows_known),
            sum(&orders, |topic| topic.rows_new),
        ))
    }
}

/// What the warehouse has received and the database has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unstored {
    /// On disk, for the next start to store.
    pub kept: u64,
    /// In memory only: while the program runs on their way, after its end lost.
    pub lost: u64,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayStatus {
    /// Trades played.
    pub played: u64,
    /// Trades in the recording.
    pub total: u64,
    /// Lines of the file that could not be read.
    pub malformed_lines: u64,
}

impl ReplayStatus {
    fn of(progress: &Progress) -> Option<Self> {
        let Progress {
            played,
            total,
            malformed_lines,
            ..
        } = progress;
        Some(Self {
            played: *played,
            total: (*total)?,
            malformed_lines: *malformed_lines,
        })
    }
}

impl System {
    /// What is on, and how it goes. Answers within a second, whatever a database does.
    pub async fn status(&self) -> SystemStatus {
        let parts = &self.0;
        let (streaming, trading, storing) = tokio::join!(
            part(parts.streamer.as_ref().map(Streamer::status)),
            part(parts.naive.as_ref().map(Naive::status)),
            part(parts.warehouse.as_ref().map(Warehouse::status)),
        );
        let mut unreadable = BTreeMap::new();
        let streaming = readable("streaming", streaming, &mut unreadable);
        let trading = readable("trading", trading, &mut unreadable);
        let storing = readable("storing", storing, &mut unreadable);
        SystemStatus {
            venue: parts.venue.clone(),
            exchange: parts.endpoints.rest.to_string(),
            data_dir: parts.config.data_dir.absolute(),
            apps: parts.config.apps.clone(),
            since: parts.since,
            replay: self
                .progress()
                .and_then(|progress| ReplayStatus::of(&progress.borrow())),
            streaming,
            trading,
            storing,
            unreadable,
        }
    }

    /// How far the simulated market is; `None` on another exchange.
    pub fn progress(&self) -> Option<watch::Receiver<Progress>> {
        self.0
            .simulator
            .as_ref()
            .map(crate::exchange::simulator::Simulator::progress)
    }
}

/// Asks one app, if it runs.
async fn part<T>(
    status: Option<impl Future<Output = Result<Vec<T>, OperationError>>>,
) -> Option<Result<Vec<T>, String>> {
    match tokio::time::timeout(PART_WITHIN, status?).await {
        Ok(Ok(entries)) => Some(Ok(entries)),
        Ok(Err(error)) => Some(Err(Failure::from(&error as &(dyn Error + 'static)).message)),
        Err(_) => Some(Err(format!("no answer from its database within {PART_WITHIN:?}"))),
    }
}

/// The entries of a part, or none and a note of why.
fn readable<T>(
    name: &'static str,
    part: Option<Result<Vec<T>, String>>,
    unreadable: &mut BTreeMap<&'static str, String>,
) -> Option<Vec<T>> {
    part.map(|entries| {
        entries.unwrap_or_else(|why| {
            unreadable.insert(name, why);
            Vec::new()
        })
    })
}

/// What a seeding found and did, by kind of settings.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct SeedReport(Vec<SeededRows>);

#[derive(Clone, Debug, Serialize)]
struct SeededRows {
    settings: &'static str,
    inserted: usize,
    known: usize,
}

impl SeedReport {
    pub(super) fn add(&mut self, settings: &'static str, inserted: usize, known: usize) {
        self.0.push(SeededRows {
            settings,
            inserted,
            known,
        });
    }
}

impl fmt::Display for SeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no app here has settings to seed");
        }
        for (
            index,
            SeededRows {
                settings,
                inserted,
                known,
            },
        ) in self.0.iter().enumerate()
        {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{settings} settings: {inserted} new, {known} known")?;
        }
        Ok(())
    }
}
