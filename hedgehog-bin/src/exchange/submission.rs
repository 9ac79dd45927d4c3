//! What became of placing an order.

use super::ExchangeError;
use crate::market::Order;

/// The three outcomes that placing an order really has.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per placed order: a box would cost more than it saves"
)]
pub enum Submission {
    /// The engine has it. A marketable order may already be filled.
    Accepted(Order),
    /// The engine never had it, and never will.
    Rejected(ExchangeError),
    /// It may have reached the engine (a lost answer, a timeout, HTTP 5xx, −1006, −1007): query it, never resend.
    Unknown(ExchangeError),
}
