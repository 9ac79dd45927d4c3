//! What the benches and the report share: what is measured, and the contenders.
//!
//! * [`family`] is the vocabulary: a family of cases, each with its contenders, each set up as a rig that can be measured.
//! * [`criterion`] runs a family as a bench, [`report`] runs all of them, interleaved, and writes them down.
//! * The other modules are one family, or several akin: [`fan_out`], [`publishers`], [`slow_subscriber`],
//!   [`registry`], [`supervision`], [`memory`], [`trading`].
//!
//! Invariant: no figure without its check. A contender that loses, repeats or reorders ends the process, unless it is known to
//! lose; then what was lost is counted and told beside the figure.

mod children;
pub mod criterion;
pub mod family;
pub mod fan_out;
pub mod memory;
pub mod publishers;
pub mod registry;
pub mod report;
pub mod slow_subscriber;
pub mod supervision;
pub mod trading;

use std::sync::atomic::{AtomicU64, Ordering};

use family::Family;

/// Everything that is measured, in the order of the report.
pub const FAMILIES: &[Family] = &[
    fan_out::FAN_OUT,
    fan_out::FAN_OUT_OUTSIDE,
    fan_out::FAN_OUT_ACTORS,
    fan_out::TOPICS,
    publishers::PUBLISHERS,
    slow_subscriber::SLOW_SUBSCRIBER,
    registry::REGISTRY,
    supervision::SUPERVISION,
    memory::MEMORY,
    trading::DECODE,
    trading::STRATEGY,
];

/// A runtime like everybody else's, whatever the machine.
pub(crate) fn two_workers() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime of two threads")
}

/// A runtime where nobody runs while somebody else does.
pub(crate) fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of this thread")
}

/// A number that nobody had before, for names that are global to the process.
pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
