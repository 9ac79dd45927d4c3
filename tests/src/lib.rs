//! The testkit: what hedgehog's integration tests share, and nothing that the library or the program needs.
//!
//! * [`conformance`] knows which behaviours of OTP are due, runs the cases that show them, and counts what is covered.
//! * `program` runs the real binary in a folder of its own; `tape` and `recording` steer its market, `tree` and `sqlite` read it.
//!   They, `data`, `disk` and `postgres` belong to the feature `program`.
//! * [`oracle`] judges what the program has stored and told.
//! * [`build`] gives a test the example or the program that it runs.
//! * [`scenario`] is the cast of those cases: a worker that records its life and misbehaves on command, and ways to wait.
//!
//! Invariant: a test never waits a fixed time of the real clock; it waits for a condition, or runs on a paused clock.

pub mod build;
pub mod conformance;
pub mod oracle;
pub mod scenario;

#[cfg(feature = "program")]
pub mod data;
#[cfg(feature = "program")]
pub mod disk;
#[cfg(feature = "program")]
pub mod postgres;
#[cfg(feature = "program")]
pub mod program;
#[cfg(feature = "program")]
pub mod recording;
#[cfg(feature = "program")]
pub mod sqlite;
#[cfg(feature = "program")]
pub mod tape;
#[cfg(feature = "program")]
pub mod tree;

pub use hedgehog_tests_macros::suite;
