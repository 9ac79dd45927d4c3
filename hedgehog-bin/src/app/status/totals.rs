//! What all symbols come to, by the asset that profit is counted in.

use super::line::SymbolLine;
use crate::market::{Decimal, short_text};
use crate::naive::AssetBalance;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// What trading has earned in one quote asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuoteTotal {
    /// The quote asset.
    pub asset: String,
    /// Of the finished cycles.
    #[serde(serialize_with = "as_text")]
    pub realised: Decimal,
    /// Of the open positions, at the last prices.
    #[serde(serialize_with = "as_text")]
    pub open: Decimal,
    /// Both together.
    #[serde(serialize_with = "as_text")]
    pub net: Decimal,
}

/// What the account holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The asset.
    pub asset: String,
    /// Not bound by an order.
    #[serde(serialize_with = "as_text")]
    pub free: Decimal,
    /// Bound by open orders.
    #[serde(serialize_with = "as_text")]
    pub locked: Decimal,
}

impl From<AssetBalance> for Balance {
    fn from(balance: AssetBalance) -> Self {
        Self {
            asset: balance.asset,
            free: balance.free.into_inner(),
            locked: balance.locked.into_inner(),
        }
    }
}

/// The sums over all symbols whose quote asset is known, by asset.
pub fn totals(lines: &[SymbolLine]) -> Vec<QuoteTotal> {
    let mut sums: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    for trading in lines.iter().filter_map(|line| line.trading.as_ref()) {
        let Some(asset) = &trading.quote_asset else { continue };
        let (realised, open) = sums.entry(asset).or_default();
        *realised += &trading.realised;
        *open += trading.open_profit.clone().unwrap_or_default();
    }
    let total = |(asset, (realised, open)): (&str, (Decimal, Decimal))| QuoteTotal {
        asset: asset.to_owned(),
        net: &realised + &open,
        realised,
        open,
    };
    sums.into_iter().map(total).collect()
}

fn as_text<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&short_text(value))
}
