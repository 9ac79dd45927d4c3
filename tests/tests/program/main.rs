//! The whole program, run as a user runs it: the real binary, its command line, its databases.
//!
//! None of these needs a file from outside: the market is the generated one, or a tape that the test writes.

mod bad_input;
mod behaviours;
mod exchanges;
mod first_hour;
mod kills;
mod operations;
mod replays;
mod stopping;
