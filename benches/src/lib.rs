//! What the benches and the report share: what is measured, and the contenders.
//!
//! * [`family`] is the vocabulary: a family of cases, each with its contenders, each set up as a rig that can be measured.
//! * [`criterion`] runs a family as a bench, [`report`] runs all of them, interleaved, and writes them down.
//! * The other modules are one family, or several akin: [`fan_out`], [`publishers`], [`slow_subscriber`].
//!
//! Invariant: no figure without its check. A contender that loses, repeats or reorders ends the process, unless it is known to
//! lose; then what was lost is counted and told beside the figure.

pub mod criterion;
pub mod family;
pub mod fan_out;
pub mod publishers;
pub mod report;
pub mod slow_subscriber;

use family::Family;

/// Everything that is measured, in the order of the report.
pub const FAMILIES: &[Family] = &[
    fan_out::FAN_OUT,
    fan_out::FAN_OUT_OUTSIDE,
    fan_out::FAN_OUT_ACTORS,
    fan_out::TOPICS,
    publishers::PUBLISHERS,
    slow_subscriber::SLOW_SUBSCRIBER,
];

/// A runtime like everybody else's, whatever the machine.
pub(crate) fn two_workers() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime of two threads")
}
