//! The races that ractor brings, in true parallelism: names during restarts, storms of kills, and code that does not yield.
//!
//! The same promises are shown in good order, on a paused clock, by the targets `conformance` and `model`.

mod leftovers;
mod restarts;
mod zombies;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use hedgehog_tests::scenario::hush_intended_panics;
use tokio::runtime::Builder;

/// Runs a race on more threads than most machines have cores, so that threads are interrupted anywhere.
fn race(scenario: impl Future<Output = ()>) {
    static HUSH: std::sync::Once = std::sync::Once::new();
    HUSH.call_once(hush_intended_panics);
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("threads for a runtime");
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(scenario)));
    // Not a plain drop: that would wait for the threads that a scenario has blocked on purpose, a failed one for ever.
    runtime.shutdown_timeout(Duration::from_millis(100));
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}
