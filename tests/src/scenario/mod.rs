//! The cast of a supervision scenario, in reading order:
//!
//! * [`Journal`]: what happened, in order, as words that a test compares with a literal;
//! * [`Probe`]: a worker that writes its life into a journal and misbehaves as told, before or during it;
//! * [`Latest`]: the incarnations that a child spec has produced, for children that are no probes;
//! * [`settle`] and [`eventually`]: the two ways to wait;
//! * [`Trace`]: the events that the library emits.
//!
//! Invariant: the cast leans on the library's child specs and references alone, so that a broken registry or name shows in the
//! tests about it and nowhere else.

mod journal;
mod latest;
mod probe;
mod trace;
mod wait;

pub use journal::Journal;
pub use latest::Latest;
pub use probe::{Command, Probe, ProbeActor};
pub use trace::{Trace, Traced};
pub use wait::{eventually, settle};

use std::panic;

use hedgehog_core::ExitReason;

/// How the text of every panic begins that a scenario causes on purpose.
pub const INTENDED: &str = "intended: ";

/// Keeps the panics that scenarios cause on purpose from the terminal; all others are printed as ever.
pub fn hush_intended_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let intended = info.payload_as_str().is_some_and(|text| text.starts_with(INTENDED));
        if !intended {
            print(info);
        }
    }));
}

/// An exit reason in one word, for comparisons: reasons carry errors, which cannot be compared.
#[must_use]
pub fn word(reason: &ExitReason) -> &'static str {
    match reason {
        ExitReason::Normal => "normal",
        ExitReason::Shutdown => "shutdown",
        ExitReason::ShutdownWith(_) => "shutdown with detail",
        ExitReason::Killed => "killed",
        ExitReason::Error(_) => "error",
        ExitReason::Panic(_) => "panic",
        _ => "unknown",
    }
}
