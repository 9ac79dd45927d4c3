//! What is placed.

use crate::market::{Price, Quantity, Side, Symbol};

/// A limit order to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The pair.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// A multiple of the tick size.
    pub price: Price,
    /// In the base asset, a multiple of the step size.
    pub quantity: Quantity,
    /// Ours: unique among open orders, at most 36 characters of `[A-Za-z0-9-_]`. The order can be found by it even when
    /// the answer to its placement was lost.
    pub client_order_id: String,
}
