//! Supervision as its users see it: whole trees of real actors, mostly on paused time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod application;
mod calls;
mod dynamic;
mod events;
mod exits;
mod kills;
mod kit;
mod namesakes;
mod races;
mod registry;
mod restarts;
mod starts;
mod stops;
mod tree;
mod unruly;
