//! The trading app.

pub mod position;
pub mod replay;
pub mod strategy;
