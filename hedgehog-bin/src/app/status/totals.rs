//! What all symbols come to, by the asset that profit is counted in.

use super::line::SymbolLine;
use crate::market::{Decimal, short_text};
use crate::naive::AssetBalance;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// What trading has earned in one quote asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Symbols with open positions and without a price: what those are worth is in no sum.
    pub unpriced: usize,
}

/// What the account holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    let mut sums: BTreeMap<&str, QuoteTotal> = BTreeMap::new();
    for trading in lines.iter().filter_map(|line| line.trading.as_ref()) {
        let Some(asset) = &trading.quote_asset else { continue };
        let total = sums.entry(asset).or_insert_with(|| QuoteTotal {
            asset: asset.clone(),
            realised: Decimal::default(),
            open: Decimal::default(),
            net: Decimal::default(),
            unpriced: 0,
        });
        total.realised += &trading.realised;
        match &trading.open_profit {
            Some(open) => total.open += open,
            None => total.unpriced += 1,
        }
        total.net = &total.realised + &total.open;
    }
    sums.into_values().collect()
}

fn as_text<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&short_text(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::TradingLine;
    use crate::market::parse_decimal;
    use crate::naive::schema::TradingStatus as Switch;

    #[test]
    fn sums_are_by_quote_asset_and_say_what_is_not_in_them() {
        let decimal = |text: &str| parse_decimal(text).expect(text);
        let line = |name: &str, quote: Option<&str>, profit: &str, open: Option<&str>| SymbolLine {
            trading: Some(TradingLine {
                status: Switch::On,
                price: None,
                quote_asset: quote.map(str::to_owned),
                open_profit: open.map(decimal),
                realised: decimal(profit),
                cycles: 1,
                parked: None,
                traders: Vec::new(),
            }),
            ..SymbolLine::new(name.parse().expect(name))
        };
        let lines = [
            line("BTCUSDT", Some("USDT"), "3", Some("-5")),
            line("ETHBTC", Some("BTC"), "0.01", None),
            line("ETHUSDT", Some("USDT"), "0.5", Some("1")),
            line("OLD", None, "7", Some("0")),
        ];
        let told = totals(&lines).into_iter().map(|total| {
            let [realised, open, net] = [&total.realised, &total.open, &total.net].map(short_text);
            format!("{} {realised} {open} {net} {}", total.asset, total.unpriced)
        });
        assert_eq!(told.collect::<Vec<_>>(), ["BTC 0.01 0 0.01 1", "USDT 3.5 -4 -0.5 0"]);
    }
}
