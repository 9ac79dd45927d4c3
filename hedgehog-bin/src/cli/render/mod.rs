//! Answers, drawn for people and written for programs.
//!
//! Every function is pure: data and the width of the terminal in, lines out. Invariant: no line is wider than that terminal,
//! so that none is broken by it. Nothing that is drawn is meant to be parsed: that is what `--json` is for.

mod listing;
mod status;
mod table;
mod text;
mod tree;
mod view;

pub(super) use view::View;

use crate::app::Answer;
use serde_json::Value;

/// For people: lines without a last line end.
pub(super) fn text(answer: &Answer, view: View) -> String {
    match answer {
        Answer::Status(status) => status::status(status, view),
        Answer::Tree(tree) if view.dot => tree.to_dot(),
        Answer::Tree(tree) => tree::tree(tree, view),
        Answer::Seeded(report) => report.to_string(),
        Answer::Killed(killed) => killed.to_string(),
        Answer::Symbols(symbols) => listing::symbols(symbols, view),
        Answer::Settings(settings) => listing::settings(settings, view),
        Answer::Changed { changes, .. } if changes.is_empty() => "nothing to do".to_owned(),
        Answer::Changed { action, changes } => {
            let lines: Vec<_> = changes.iter().map(|change| action.describe(change)).collect();
            lines.join("\n")
        }
    }
}

/// For programs: the answer alone, since who asks knows what was asked.
pub(super) fn json(answer: &Answer) -> serde_json::Result<Value> {
    match answer {
        Answer::Status(status) => serde_json::to_value(status),
        Answer::Tree(tree) => serde_json::to_value(tree),
        Answer::Seeded(report) => serde_json::to_value(report),
        Answer::Killed(killed) => serde_json::to_value(killed),
        Answer::Symbols(symbols) => serde_json::to_value(symbols),
        Answer::Settings(settings) => serde_json::to_value(settings),
        Answer::Changed { changes, .. } => serde_json::to_value(changes),
    }
}
