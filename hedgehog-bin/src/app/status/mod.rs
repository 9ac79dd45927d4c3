//! What is on, and how it goes.

mod line;
mod totals;

pub use line::{StoringLine, StreamLine, SymbolLine, TradingLine};
pub use totals::{Balance, QuoteTotal, totals};

use crate::config::AppSet;
use crate::exchange::simulator::Progress;
use crate::market::{Symbol, Topic};
use crate::naive::TradingStatus;
use crate::naive::schema::TradingStatus as Switch;
use crate::streamer::StreamStatus;
use crate::venue::Venue;
use crate::warehouse::StoringStatus;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The program at a glance; a part is `None` when its app does not run.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What the account holds, by asset.
    pub balances: Vec<Balance>,
    /// What trading has earned, by quote asset.
    pub totals: Vec<QuoteTotal>,
    /// What could not be read, by part (`streaming`, `trading`, `storing`), and why: that part shows nothing, the others are true.
    pub unreadable: BTreeMap<String, String>,
}

impl SystemStatus {
    /// What is on, one line per symbol: `BTCUSDT: storing, streaming, trading`.
    pub fn on(&self) -> Vec<String> {
        let line = |(symbol, activities): (Symbol, Vec<&str>)| {
            let mut activities = activities;
            activities.sort_unstable();
            format!("{symbol}: {}", activities.join(", "))
        };
        self.activities().into_iter().map(line).collect()
    }

    /// The same after a start, which finds some of it on: what was on `before` goes on, with its open trades.
    pub fn on_since(&self, before: &Self) -> Vec<String> {
        let before: BTreeMap<Symbol, Vec<&str>> = before.activities().into_iter().collect();
        let line = |(symbol, activities): (Symbol, Vec<&'static str>)| {
            let known = before.get(&symbol).map(Vec::as_slice).unwrap_or_default();
            let traded = self.trading.iter().flatten().find(|traded| traded.symbol == symbol);
            let open = traded.map_or(0, |traded| traded.open_traders.len());
            format!("{symbol}: {}", going_on(known, activities, open))
        };
        self.activities().into_iter().map(line).collect()
    }

    /// What is on, by symbol: `streaming`, `storing`, and `trading` or `draining`, in this order.
    pub fn activities(&self) -> Vec<(Symbol, Vec<&'static str>)> {
        let of = |line: SymbolLine| {
            let traded = line.trading.as_ref().and_then(|trading| match trading.status {
                Switch::On => Some("trading"),
                Switch::Shutdown => Some("draining"),
                Switch::Off => None,
            });
            let streamed = line.stream.as_ref().is_some_and(|stream| stream.on);
            let stored = line.stored().any(|part| part.on);
            let known = [streamed.then_some("streaming"), stored.then_some("storing"), traded];
            let on: Vec<_> = known.into_iter().flatten().collect();
            (!on.is_empty()).then_some((line.symbol, on))
        };
        self.lines().into_iter().filter_map(of).collect()
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

/// `streaming, storing and trading go on (2 open trades)`, and what is new.
fn going_on(known: &[&str], activities: Vec<&'static str>, open: usize) -> String {
    // A drain that was cancelled goes on as trading.
    let goes_on = |activity: &str| known.contains(&activity) || (activity == "trading" && known.contains(&"draining"));
    let (old, mut new): (Vec<&str>, Vec<&str>) = activities.into_iter().partition(|activity| goes_on(activity));
    let mut parts = Vec::new();
    if !old.is_empty() {
        let verb = if old.len() == 1 { "goes on" } else { "go on" };
        let trades = match open {
            0 => String::new(),
            1 => " (1 open trade)".to_owned(),
            open => format!(" ({open} open trades)"),
        };
        parts.push(format!("{} {verb}{trades}", enumeration(&old)));
    }
    if !new.is_empty() {
        new.sort_unstable();
        parts.push(new.join(", "));
    }
    parts.join("; new: ")
}

/// `streaming, storing and trading`.
fn enumeration(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayStatus {
    /// Trades played.
    pub played: u64,
    /// Trades in the recording.
    pub total: u64,
    /// Lines of the file that could not be read.
    pub malformed_lines: u64,
}

impl ReplayStatus {
    pub(super) fn of(progress: &Progress) -> Option<Self> {
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

/// What a seeding found and did, by kind of settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeedReport(Vec<SeededRows>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SeededRows {
    settings: String,
    inserted: usize,
    known: usize,
}

impl SeedReport {
    pub(super) fn add(&mut self, settings: &str, inserted: usize, known: usize) {
        self.0.push(SeededRows {
            settings: settings.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_tells_what_goes_on_and_what_is_new() {
        let all = || vec!["streaming", "storing", "trading"];
        assert_eq!(going_on(&[], all(), 1), "storing, streaming, trading");
        assert_eq!(
            going_on(&all(), all(), 2),
            "streaming, storing and trading go on (2 open trades)"
        );
        assert_eq!(
            going_on(&["streaming"], all(), 0),
            "streaming goes on; new: storing, trading"
        );
        assert_eq!(
            going_on(&["draining"], vec!["trading"], 1),
            "trading goes on (1 open trade)"
        );
    }
}
