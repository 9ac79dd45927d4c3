//! a
pub mod pubsub;
