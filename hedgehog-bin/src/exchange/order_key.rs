//! The two names of an order.

/// How an order is named in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderKey {
    /// The exchange's id, unique per symbol.
    Id(i64),
    /// Ours (`origClientOrderId`).
    Client(String),
}
