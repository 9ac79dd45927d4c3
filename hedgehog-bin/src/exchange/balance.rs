//! What an account holds.

use crate::market::Quantity;
use serde::{Deserialize, Serialize};

/// What an account holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetBalance {
    /// Its name at the exchange.
    pub asset: String,
    /// To be spent.
    pub free: Quantity,
    /// Bound by open orders.
    pub locked: Quantity,
}
