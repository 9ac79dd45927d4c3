//! Watching a recording being played: the bar, the last line, and when it is over.

use crate::app::{System, SystemStatus};
use crate::exchange::simulator::{Progress, Recording};
use crate::failure::{Failure, FailureKind};
use crate::market::Symbol;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the apps are asked whether they have seen the end.
const LOOK: Duration = Duration::from_millis(50);

/// What was played, for the last line.
pub(super) struct Played {
    trades: u64,
    malformed_lines: u64,
    took: Duration,
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
        if self.before.finished {
            let path = self.recording.path().display();
            tracing::info!("{path} was played to its end before: nothing is left to play");
        }
        show(bar, self.recording.trades());
        let begun = Instant::now();
        loop {
            let progress = self.progress.borrow_and_update().clone();
            bar.set_position(progress.played);
            if progress.finished {
                break;
            }
            self.progress.changed().await.context("the simulator is gone")?;
        }
        let to_see = self.last_trades_of_this_run();
        while !self.system.status().await.has_seen(&to_see) {
            tokio::time::sleep(LOOK).await;
        }
        bar.finish_and_clear();
        let after = self.progress.borrow().clone();
        let played = Played {
            trades: after.played.saturating_sub(self.before.played),
            malformed_lines: after.malformed_lines,
            took: begun.elapsed(),
        };
        if exit_at_end {
            return Ok(played);
        }
        let summary = played.summary(&self.system.status().await);
        tracing::info!("{summary}; the program goes on without new trades, Ctrl-C stops it");
        std::future::pending().await
    }

    /// At full speed a market waits for a stream, and `--exit-at-end` would wait for ever.
    pub(super) fn check_streamed(&self, status: &SystemStatus, exit_at_end: bool) -> Result<(), Failure> {
        if self.before.finished {
            return Ok(());
        }
        let on = |symbol: &Symbol| {
            status
                .streaming
                .iter()
                .flatten()
                .any(|stream| stream.on && stream.symbol == *symbol)
        };
        let symbols: Vec<_> = self.recording.symbols().map(|(info, ..)| &info.symbol).collect();
        let deaf: Vec<_> = symbols
            .iter()
            .filter(|symbol| !on(symbol))
            .map(|symbol| symbol.as_str())
            .collect();
        if !deaf.is_empty() {
            let message = format!(
                "{} is in the recording and not streamed: add --start {}",
                deaf.join(", "),
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
        } = self;
        let gaps: u64 = status.streaming.iter().flatten().map(|stream| stream.gaps).sum();
        let stored = status.stored().map(|stored| format!(", {stored}")).unwrap_or_default();
        let pace = match took.as_secs_f64() {
            seconds if *trades > 0 => format!(" in {seconds:.1} s ({:.0} trades/s)", *trades as f64 / seconds),
            _ => String::new(),
        };
        format!("{trades} trades played{pace}{stored}, {malformed_lines} malformed lines, {gaps} gaps")
    }
}

impl SystemStatus {
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
        streamed && self.storing.iter().flatten().all(|topic| !topic.on || topic.lag == 0)
    }
}
