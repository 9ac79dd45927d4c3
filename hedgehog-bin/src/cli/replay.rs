//! Watching a recording being read and played: the bar, when it is over, and what came of it.
//!
//! Invariant: a replay that was asked to end ends, and what was not played or not stored of it is told and is a failure.

use crate::app::{System, SystemStatus};
use crate::exchange::simulator::Progress;
use crate::failure::{Failure, FailureKind};
use crate::market::{Symbol, Topic, grouped};
use crate::recording::{ReadOptions, Recording, RecordingError};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How often the apps are asked what is on, and whether they have seen the end. They answer from memory.
const LOOK: Duration = Duration::from_millis(500);

/// Reads a recording; where a person waits for a large one, they see how far it is.
pub(super) fn read(file: &Path, options: ReadOptions<'_>, bar: &ProgressBar) -> Result<Recording, RecordingError> {
    let watched = stderr().is_terminal();
    let progress = |trades: u64| {
        if watched {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_message(reading(file, trades));
            bar.tick();
        }
    };
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    let recording = Recording::read(
        file,
        &ReadOptions {
            progress: Some(&progress),
            ..options
        },
    );
    bar.finish_and_clear();
    bar.set_draw_target(ProgressDrawTarget::hidden());
    bar.reset();
    recording
}

/// `reading day.csv.gz, 4.2 M trades`.
fn reading(file: &Path, trades: u64) -> String {
    let (millions, tenths) = (trades / 1_000_000, trades / 100_000 % 10);
    format!("reading {}, {millions}.{tenths} M trades", file.display())
}

/// What was played, for the last line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    trades: u64,
    malformed_lines: u64,
    took: Duration,
    /// What is still to come of symbols that nobody streams.
    unplayed: BTreeMap<Symbol, u64>,
    /// What was played and is not in the warehouse, if there is one.
    unstored: BTreeMap<Symbol, u64>,
}

/// A replay that is watched.
pub(super) struct Replay<'a> {
    system: &'a System,
    recording: &'a Recording,
    progress: watch::Receiver<Progress>,
    /// Where former runs of the program had come.
    before: Progress,
}

impl<'a> Replay<'a> {
    /// To be called before the market opens: a short recording at full speed is over in no time.
    pub(super) fn of(system: &'a System, recording: &'a Recording) -> anyhow::Result<Self> {
        let progress = system.progress().context("a recording is played by the simulator")?;
        let before = progress.borrow().clone();
        Ok(Self {
            system,
            recording,
            progress,
            before,
        })
    }

    /// Shows the progress until all is played and stored; then returns if `exit_at_end`, and otherwise says so and waits
    /// for good.
    pub(super) async fn follow(mut self, exit_at_end: bool, bar: &ProgressBar) -> anyhow::Result<Played> {
        if self.before.total.is_none() {
            // The simulator could not read yet where it stands.
            let known = self.progress.wait_for(|progress| progress.total.is_some()).await;
            self.before = known.context("the simulator is gone")?.clone();
        }
        if self.before.finished {
            let path = self.recording.path().display();
            tracing::info!("{path} was played and stored before: nothing is left to play");
        }
        show(bar, self.recording.trades().saturating_sub(self.before.played));
        let begun = Instant::now();
        let unreadable = unreadable(self.recording);
        tokio::pin!(unreadable);
        tokio::select! {
            biased;
            why = &mut unreadable => anyhow::bail!(why),
            ended = self.until_over(exit_at_end, bar) => ended?,
        }
        bar.finish_and_clear();
        let status = self.system.status().await;
        let after = self.progress.borrow().clone();
        let played = self.played(&after, &status, begun.elapsed());
        if exit_at_end {
            return Ok(played);
        }
        tracing::info!(
            "{}; the program goes on without new trades, Ctrl-C stops it",
            played.summary(&status)
        );
        if let Some(failure) = played.failure() {
            tracing::warn!("{failure}");
        }
        std::future::pending().await
    }

    /// Returns when there is nothing more to play, or, if that was asked for, nothing more that is streamed; and when all of
    /// it is stored.
    async fn until_over(&mut self, exit_at_end: bool, bar: &ProgressBar) -> anyhow::Result<()> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let progress = self.progress.borrow_and_update().clone();
            bar.set_position(progress.played.saturating_sub(self.before.played));
            if progress.finished {
                break;
            }
            tokio::select! {
                changed = self.progress.changed() => changed.context("the simulator is gone")?,
                _ = looks.tick() => {
                    let status = self.system.status().await;
                    if exit_at_end && self.progress.borrow().is_over_for(&status) {
                        break;
                    }
                }
            }
        }
        let to_see = self.last_trades_of_this_run();
        while !self.system.status().await.has_seen(&to_see) {
            tokio::select! {
                // A simulator that is gone tells no more, and what it has told can still be stored.
                Ok(()) = self.progress.changed() => {}
                _ = looks.tick() => {}
            }
        }
        Ok(())
    }

    /// At full speed a market waits for a stream, and `--exit-at-end` would end at once.
    pub(super) fn check_streamed(&self, status: &SystemStatus, exit_at_end: bool) -> Result<(), Failure> {
        if self.before.finished {
            return Ok(());
        }
        let symbols: Vec<_> = self.recording.symbols().map(|(info, ..)| &info.symbol).collect();
        let deaf: Vec<_> = (symbols.iter())
            .filter(|symbol| !status.streams(symbol))
            .map(|symbol| symbol.as_str())
            .collect();
        if !deaf.is_empty() {
            let message = format!(
                "{} in the recording and not streamed: add --start {}",
                some(&deaf, "is", "are"),
                deaf.join(",")
            );
            if exit_at_end && deaf.len() == symbols.len() {
                return Err(Failure {
                    kind: FailureKind::BadInput,
                    message,
                });
            }
            // Where nothing is on, that is said anyway.
            if !status.on().is_empty() {
                tracing::warn!("{message}");
            }
        }
        Ok(())
    }

    /// A symbol that had nothing left to play shows nothing to its stream.
    fn last_trades_of_this_run(&self) -> BTreeMap<Symbol, i64> {
        let mut last = self.progress.borrow().last_trade_ids.clone();
        last.retain(|symbol, _| self.before.remaining.get(symbol).is_some_and(|left| *left > 0));
        last
    }

    /// What this run has played, and what became of it.
    fn played(&self, after: &Progress, status: &SystemStatus, took: Duration) -> Played {
        let mut played = Played {
            malformed_lines: after.malformed_lines,
            took,
            ..Played::default()
        };
        for (info, total, _) in self.recording.symbols() {
            let (symbol, total) = (&info.symbol, total as u64);
            let left = |progress: &Progress| progress.remaining.get(symbol).copied().unwrap_or(total).min(total);
            let (from, to) = (total - left(&self.before), total - left(after));
            let trades = self.recording.market_trades(symbol, from..to);
            let unplayed = self.recording.market_trades(symbol, to..total);
            played.trades += trades;
            if unplayed > 0 {
                played.unplayed.insert(symbol.clone(), unplayed);
            }
            let unstored = trades.saturating_sub(status.stored_of(symbol).unwrap_or(trades));
            let unstored = unstored.max(after.unheard.get(symbol).copied().unwrap_or(0));
            if unstored > 0 {
                played.unstored.insert(symbol.clone(), unstored);
            }
        }
        played
    }
}

/// Returns why the trades of a recording cannot be read any more, if that happens.
async fn unreadable(recording: &Recording) -> String {
    let Some(mut failure) = recording.failure() else {
        return std::future::pending().await;
    };
    match failure.wait_for(Option::is_some).await.map(|why| why.clone()) {
        Ok(Some(why)) => why,
        // The recording lives as long as its borrow, and who tells of it lives with it.
        _ => std::future::pending().await,
    }
}

/// `BTCUSDT is`, `ADAUSDT, BTCUSDT are`, `ADAUSDT, BTCUSDT, ETHUSDT and 17 more are`.
fn some(names: &[&str], one: &str, many: &str) -> String {
    const NAMED: usize = 5;
    let verb = if names.len() == 1 { one } else { many };
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => format!("{shown} {verb}"),
        more => format!("{shown} and {more} more {verb}"),
    }
}

fn show(bar: &ProgressBar, total: u64) {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} trades, {rate} trades/s, {eta} left");
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A bar that cannot be drawn is no reason to stop.
        let _ = write!(out, "{:.0}", state.per_sec());
    };
    bar.set_style(
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", rate),
    );
    bar.set_length(total);
    if stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

impl Played {
    /// All of a replay in one line.
    pub(super) fn summary(&self, status: &SystemStatus) -> String {
        let Self {
            trades,
            malformed_lines,
            took,
            ..
        } = self;
        let gaps: u64 = status.streaming.iter().flatten().map(|stream| stream.gaps).sum();
        let stored = status.stored().map(|stored| format!(", {stored}")).unwrap_or_default();
        let pace = match took.as_secs_f64() {
            seconds if *trades > 0 => format!(" in {seconds:.1} s ({:.0} trades/s)", *trades as f64 / seconds),
            _ => String::new(),
        };
        format!("{trades} trades played{pace}{stored}, {malformed_lines} malformed lines, {gaps} gaps")
    }

    /// What is missing after a replay that was to be played and stored whole.
    pub(super) fn failure(&self) -> Option<Failure> {
        let names = |trades: &BTreeMap<Symbol, u64>| {
            let names: Vec<_> = trades.keys().map(Symbol::as_str).collect();
            (grouped(trades.values().sum()), names.join(","))
        };
        let mut told = Vec::new();
        if !self.unstored.is_empty() {
            let (count, symbols) = names(&self.unstored);
            told.push(format!("{count} trades of {symbols} were played and not stored"));
        }
        if !self.unplayed.is_empty() {
            let (count, symbols) = names(&self.unplayed);
            told.push(format!(
                "{count} trades were not played, nobody streams them: add --start {symbols}"
            ));
        }
        (!told.is_empty()).then(|| Failure {
            kind: FailureKind::Failed,
            message: told.join("; "),
        })
    }
}

impl Progress {
    /// Whether nothing is left to play but what nobody streams.
    fn is_over_for(&self, status: &SystemStatus) -> bool {
        let mut left = self.remaining.iter().filter(|(_, left)| **left > 0);
        self.total.is_some() && left.all(|(symbol, _)| !status.streams(symbol))
    }
}

impl SystemStatus {
    fn streams(&self, symbol: &Symbol) -> bool {
        // What could not be read may well be on.
        self.unreadable.contains_key("streaming")
            || (self.streaming.iter().flatten()).any(|stream| stream.on && stream.symbol == *symbol)
    }

    /// How many trades of a symbol this run of the program knows to be in the warehouse; `None` where that cannot be told.
    fn stored_of(&self, symbol: &Symbol) -> Option<u64> {
        if self.unreadable.contains_key("storing") {
            return None;
        }
        let topic = Topic::trade_events(symbol).to_string();
        let stored = self.storing.as_ref()?.iter().find(|stored| stored.topic == topic);
        let heard = self.streaming.iter().flatten().find(|stream| stream.symbol == *symbol);
        let before = heard.map_or(0, |stream| stream.stored_before);
        Some(before + stored.map_or(0, |stored| stored.rows_new + stored.rows_known))
    }

    /// Whether every stream that is on has seen its last trade, and the warehouse has stored it.
    fn has_seen(&self, last_trade_ids: &BTreeMap<Symbol, i64>) -> bool {
        let streamed = self
            .streaming
            .iter()
            .flatten()
            .filter(|stream| stream.on)
            .all(|stream| {
                last_trade_ids
                    .get(&stream.symbol)
                    .is_none_or(|last| stream.last_trade_id >= Some(*last))
            });
        self.unreadable.is_empty() && streamed && self.storing.iter().flatten().all(|topic| !topic.on || topic.lag == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(unplayed: &[(&str, u64)], unstored: &[(&str, u64)]) -> Played {
        let of = |list: &[(&str, u64)]| {
            list.iter()
                .map(|(symbol, count)| (symbol.parse().expect("a symbol"), *count))
                .collect()
        };
        Played {
            unplayed: of(unplayed),
            unstored: of(unstored),
            ..Played::default()
        }
    }

    #[test]
    fn what_was_not_played_or_not_stored_is_a_failure_that_says_what_to_do() {
        assert_eq!(played(&[], &[]).failure(), None);
        let failure = played(&[("ETHUSDT", 1_200), ("ADAUSDT", 1)], &[("BTCUSDT", 7)]).failure();
        assert_eq!(
            failure,
            Some(Failure {
                kind: FailureKind::Failed,
                message: "7 trades of BTCUSDT were played and not stored; 1 201 trades were not played, nobody streams them: \
                          add --start ADAUSDT,ETHUSDT"
                    .to_owned()
            })
        );
    }

    #[test]
    fn names_are_told_up_to_a_number_that_a_line_holds() {
        assert_eq!(some(&["A"], "is", "are"), "A is");
        assert_eq!(some(&["A", "B"], "is", "are"), "A, B are");
        assert_eq!(
            some(&["A", "B", "C", "D", "E", "F", "G"], "is", "are"),
            "A, B, C, D, E and 2 more are"
        );
    }

    #[test]
    fn a_large_file_is_told_in_millions() {
        assert_eq!(
            reading(Path::new("day.csv"), 4_250_000),
            "reading day.csv, 4.2 M trades"
        );
    }
}
