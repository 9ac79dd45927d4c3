//! Runs conformance cases and tells which catalogue rows they cover.
//!
//! A [`Case`] comes from `#[suite]`; [`main`] turns cases into libtest-mimic trials, so that filters, `--list` and exit codes are
//! those of any Rust test, and prints the [`Report`] after the runner's own summary.
//!
//! Invariant: every case ends. A scenario that waits for something that never comes fails at once on the paused clock, and one
//! that never stops working fails by the watchdog of the real clock.

mod case;
mod catalogue;
mod report;

pub use case::{Case, Clock, Verdict};
pub use catalogue::{Portable, Row, catalogue};
pub use report::{Report, Standing};

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, FormatSetting, Trial};
use parking_lot::Mutex;

use crate::scenario;

/// What a test target without the built-in harness does: runs `cases` as the command line asks and reports on the catalogue.
///
/// Fails when a case failed or, in a run of all cases, when a row is covered by none, or too many are different. A run of some
/// cases tells only of the rows that these name.
#[must_use]
pub fn main(cases: Vec<Case>) -> ExitCode {
    let arguments = Arguments::from_args();
    let rows = catalogue();
    if let Some(problem) = report::unknown_row(&rows, &cases) {
        eprintln!("conformance: {problem}");
        return ExitCode::FAILURE;
    }
    scenario::hush_intended_panics();

    let report = Arc::new(Mutex::new(Report::new(rows)));
    let trials = cases.into_iter().map(|case| trial(case, &report)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list || arguments.format == Some(FormatSetting::Json) {
        return conclusion.exit_code();
    }

    let mut report = report.lock();
    let whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.ignored && !arguments.bench;
    if !whole {
        report.retain_seen();
    }
    print!("{report}");
    if whole
        && !conclusion.has_failed()
        && let Some(shortfall) = report.shortfall()
    {
        eprintln!("conformance: {shortfall}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn trial(case: Case, report: &Arc<Mutex<Report>>) -> Trial {
    let report = Arc::clone(report);
    // The kind is printed before the name and filters match it too: `cargo test --test conformance SPEC-003`.
    let (name, kind) = (case.name(), case.rows().join(" "));
    let run = move || {
        let outcome = case.run();
        report.lock().record(case.rows(), outcome.is_ok());
        outcome.map_err(Into::into)
    };
    Trial::test(name, run).with_kind(kind)
}
