//! a

pub mod store;
