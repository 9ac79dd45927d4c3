//! What is on, and how it goes: a line for each symbol, the sums, and what is wrong in sentences.

mod problems;
mod symbols;
#[cfg(test)]
mod tests;

use super::table::{Column, Table};
use super::text::{cut_front, duration, one_line, wrapped};
use super::view::View;
use crate::app::{Balance, QuoteTotal, SymbolLine, SystemStatus};
use crate::config::{App, AppSet};
use crate::market::{grouped, short_text};
use std::collections::BTreeMap;
use std::time::Duration;

/// Sentences about what is wrong that are shown unless all is asked for.
const PROBLEMS_SHOWN: usize = 20;

/// The program at a glance.
pub(super) fn status(status: &SystemStatus, view: View) -> String {
    let columns = view.columns();
    let mut heading = vec![format!(
        "{} at {}, up {}",
        status.venue.short(),
        status.exchange,
        age(status.since)
    )];
    if status.apps != AppSet::default() {
        heading.push(format!("runs {} only", status.apps));
    }
    if let Some(replay) = &status.replay {
        heading.push(format!(
            "replay: {} of {} trades played, {} malformed lines",
            grouped(replay.played),
            grouped(replay.total),
            grouped(replay.malformed_lines)
        ));
    }
    let mut heading: Vec<_> = heading.iter().flat_map(|line| wrapped(line, columns)).collect();
    let place = format!("data in {}", status.data_dir.display());
    heading.push(cut_front(&one_line(&place), columns));
    let overview = Overview {
        heading,
        apps: &status.apps,
        lines: status.lines(),
        totals: &status.totals,
        balances: &status.balances,
        unreadable: &status.unreadable,
    };
    overview.draw(view)
}

/// What the page is drawn from.
struct Overview<'a> {
    heading: Vec<String>,
    apps: &'a AppSet,
    lines: Vec<SymbolLine>,
    totals: &'a [QuoteTotal],
    balances: &'a [Balance],
    unreadable: &'a BTreeMap<String, String>,
}

impl Overview<'_> {
    fn draw(&self, view: View) -> String {
        let columns = view.columns();
        let shown: Vec<&SymbolLine> = self.lines.iter().filter(|line| view.all || line.tells()).collect();
        let mut blocks = vec![self.heading.clone()];
        // Without an answer of the apps nothing is known to be off.
        if shown.is_empty() && self.unreadable.is_empty() {
            let start = format!(
                "nothing is on: `hedgehog start {} BTCUSDT` begins",
                first_activity(self.apps)
            );
            blocks.push(wrapped(&start, columns));
        } else if !shown.is_empty() {
            blocks.push(symbols::table(&shown, self.apps).lines(columns));
        }
        if view.traders {
            blocks.push(symbols::traders(&shown, columns));
        }
        blocks.push(self.sums(columns));
        blocks.push(self.problems(view));
        let blocks: Vec<_> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
        blocks
            .iter()
            .map(|block| block.join("\n"))
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    /// A line for each asset that profit is counted in, and what is held of others.
    fn sums(&self, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.totals.is_empty() {
            let mut table = Table::new(vec![
                Column::words("TOTAL"),
                Column::numbers("REALISED"),
                Column::numbers("OPEN AT MARKET"),
                Column::numbers("NET"),
            ]);
            for total in self.totals {
                let unit = |value| format!("{} {}", short_text(value), total.asset);
                table.row(vec![
                    total.asset.clone(),
                    unit(&total.realised),
                    match total.unpriced {
                        0 => unit(&total.open),
                        unpriced => format!("{} ({unpriced} without a price)", unit(&total.open)),
                    },
                    unit(&total.net),
                ]);
            }
            lines.extend(table.lines(columns));
        }
        if !self.balances.is_empty() {
            let held = self.balances.iter().map(held).collect::<Vec<_>>().join(", ");
            lines.extend(wrapped(&format!("balance: {held}"), columns));
        }
        lines
    }

    fn problems(&self, view: View) -> Vec<String> {
        let unreadable = self
            .unreadable
            .iter()
            .map(|(part, why)| format!("{part} cannot be read: {why}"));
        let told: Vec<_> = unreadable.chain(problems::sentences(&self.lines, self.apps)).collect();
        let shown = if view.all { told.len() } else { PROBLEMS_SHOWN };
        let more = told.len().saturating_sub(shown);
        let more = (more > 0).then(|| format!("… {more} more, --all shows them"));
        let sentences = told.iter().take(shown).chain(&more);
        sentences
            .flat_map(|sentence| wrapped(sentence, view.columns()))
            .collect()
    }
}

fn held(balance: &Balance) -> String {
    let Balance { asset, free, locked } = balance;
    let all = short_text(&(free + locked));
    match short_text(locked).as_str() {
        "0" => format!("{all} {asset}"),
        locked => format!("{all} {asset} ({locked} in orders)"),
    }
}

/// What can be turned on where only some apps run.
fn first_activity(apps: &AppSet) -> &'static str {
    let known = [(App::Streamer, "streaming"), (App::Naive, "trading")];
    let first = known.into_iter().find(|(app, _)| apps.contains(*app));
    first.map_or("storing", |(_, activity)| activity)
}

/// Since a moment in milliseconds since the epoch.
fn age(since: i64) -> String {
    let milliseconds = chrono::Utc::now().timestamp_millis() - since;
    // A clock that was set back makes it negative for a while.
    duration(Duration::from_millis(milliseconds.max(0).unsigned_abs()))
}
