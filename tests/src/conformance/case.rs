//! One conformance case: a scenario, the rows it shows, and the clock it runs on.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Real time that a case may take, whatever clock it runs on.
const WATCHDOG: Duration = Duration::from_mins(1);

/// Paused time after which a scenario is known to wait for something that never comes: longer than any that it uses.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// A scenario with its name and the catalogue rows it shows; made by `#[suite]`.
#[derive(Debug, Clone)]
pub struct Case {
    path: &'static str,
    rows: &'static [&'static str],
    clock: Clock,
    scenario: fn() -> Scenario,
}

/// The clock of a case's runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// A current-thread runtime whose time stands still while anything can run and else jumps to the next timer.
    Paused,
    /// A multi-thread runtime on the real clock, for scenarios with code that never yields or with true parallelism.
    Real,
}

type Scenario = Pin<Box<dyn Future<Output = Option<String>>>>;

/// What a case may return: nothing, or a `Result` whose error is the failure.
pub trait Verdict {
    /// Why the case failed, if it did.
    fn failure(self) -> Option<String>;
}

impl Verdict for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Verdict for Result<(), E> {
    fn failure(self) -> Option<String> {
        // `#`: an `anyhow::Error` then tells its whole chain.
        self.err().map(|error| format!("{error:#}"))
    }
}

impl Case {
    /// A case of the function at `path` (as `module_path!` writes it).
    pub const fn new(
        path: &'static str,
        rows: &'static [&'static str],
        clock: Clock,
        scenario: fn() -> Scenario,
    ) -> Self {
        Self {
            path,
            rows,
            clock,
            scenario,
        }
    }

    /// The name to print and to filter by: the path without the test target's own name.
    pub fn name(&self) -> &'static str {
        self.path.split_once("::").map_or(self.path, |(_, name)| name)
    }

    /// The ids of the rows that this case shows.
    pub fn rows(&self) -> &'static [&'static str] {
        self.rows
    }

    /// Runs the scenario on a thread and a runtime of its own.
    pub fn run(&self) -> Result<(), String> {
        let (ended, end) = mpsc::channel();
        let (clock, scenario) = (self.clock, self.scenario);
        let body = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| run_on(clock, scenario)));
            // Nobody listens any more when the watchdog has already failed the case.
            let _ = ended.send(outcome.unwrap_or_else(|payload| Some(panic_text(payload.as_ref()))));
        };
        // Named for the case, so that the panic message of a failed assertion says which.
        let thread = thread::Builder::new().name(self.name().to_owned()).spawn(body);
        let _running = thread.map_err(|error| format!("no thread for the case: {error}"))?;
        match end.recv_timeout(WATCHDOG) {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(failure),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("still busy after {} s of the real clock", WATCHDOG.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => Err("the case's thread ended without an outcome".to_owned()),
        }
    }
}

fn run_on(clock: Clock, scenario: fn() -> Scenario) -> Option<String> {
    let runtime = match clock.runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Some(format!("no runtime for the case: {error}")),
    };
    let limit = match clock {
        Clock::Paused => FOR_EVER,
        Clock::Real => WATCHDOG / 2,
    };
    let outcome = runtime.block_on(async { tokio::time::timeout(limit, scenario()).await });
    // Not a plain drop: that would wait for the threads which a scenario has blocked on purpose.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|_| Some("the scenario waits for something that never comes".to_owned()))
}

impl Clock {
    fn runtime(self) -> std::io::Result<Runtime> {
        match self {
            Self::Paused => Builder::new_current_thread().enable_all().start_paused(true).build(),
            Self::Real => Builder::new_multi_thread().worker_threads(4).enable_all().build(),
        }
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("panicked")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(clock: Clock, scenario: fn() -> Scenario) -> Case {
        Case::new("target::suite::case", &["SPEC-001"], clock, scenario)
    }

    #[test]
    fn a_name_leaves_the_target_out() {
        assert_eq!(case(Clock::Paused, || Box::pin(async { None })).name(), "suite::case");
    }

    #[test]
    fn outcomes_are_told_apart() {
        assert_eq!(case(Clock::Paused, || Box::pin(async { None })).run(), Ok(()));
        assert_eq!(
            case(Clock::Real, || Box::pin(async { Some("no".to_owned()) })).run(),
            Err("no".to_owned())
        );
        let panicking = case(Clock::Paused, || {
            Box::pin(async { panic!("{}scene", crate::scenario::INTENDED) })
        });
        assert_eq!(panicking.run(), Err("intended: scene".to_owned()));
    }

    #[test]
    fn waiting_for_ever_fails_at_once_on_the_paused_clock() {
        let stuck = case(Clock::Paused, || Box::pin(std::future::pending()));
        assert_eq!(
            stuck.run(),
            Err("the scenario waits for something that never comes".to_owned())
        );
    }

    #[test]
    fn a_result_is_a_verdict() {
        assert_eq!(Ok::<(), String>(()).failure(), None);
        assert_eq!(
            Err::<(), _>(anyhow::anyhow!("inner").context("outer"))
                .failure()
                .as_deref(),
            Some("outer: inner")
        );
    }
}
