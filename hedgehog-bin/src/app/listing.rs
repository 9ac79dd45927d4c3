//! What the exchange lists, what of it is on, and by which settings it is traded.

use super::{RequestError, System};
use crate::market::Symbol;
use crate::naive::{SettingsChange, TradingSettings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A symbol as the exchange lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedSymbol {
    /// The pair.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base_asset: String,
    /// What it is paid in.
    pub quote_asset: String,
    /// The exchange's own word: `TRADING`, `HALT`.
    pub status: String,
    /// What of it is on here: `streaming`, `trading`, `storing`.
    pub on: Vec<String>,
}

impl System {
    /// The symbols that match a pattern, or all: a part of the name in any case, or the whole name with `*` for any letters
    /// and `?` for one.
    pub async fn symbols(&self, pattern: Option<&str>) -> Result<Vec<ListedSymbol>, RequestError> {
        let info = self.exchange_info().await?;
        let on: BTreeMap<Symbol, Vec<&'static str>> = self.status().await.activities().into_iter().collect();
        let listed = info
            .symbols
            .values()
            .filter(|listed| pattern.is_none_or(|pattern| matches(&pattern.to_uppercase(), listed.symbol.as_str())));
        Ok(listed
            .map(|listed| ListedSymbol {
                symbol: listed.symbol.clone(),
                base_asset: listed.base_asset.clone(),
                quote_asset: listed.quote_asset.clone(),
                status: listed.status.as_str().to_owned(),
                on: (on.get(&listed.symbol).into_iter().flatten())
                    .map(|&activity| activity.to_owned())
                    .collect(),
            })
            .collect())
    }

    /// The trading settings of these symbols, or of every one that has some.
    pub async fn settings(&self, symbols: &[Symbol]) -> Result<Vec<TradingSettings>, RequestError> {
        Ok(self.naive()?.settings(symbols).await?)
    }

    /// Changes the trading settings of these symbols, of all or of none.
    pub async fn change_settings(
        &self,
        symbols: &[Symbol],
        change: &SettingsChange,
    ) -> Result<Vec<TradingSettings>, RequestError> {
        let settings = self.naive()?.change_settings(symbols, change).await?;
        for symbol in symbols {
            tracing::info!(
                "{symbol}: trades by new settings: {}",
                Vec::from(change.clone()).join(" ")
            );
        }
        Ok(settings)
    }
}

/// Without a wildcard a part of the name is enough.
fn matches(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return name.contains(pattern);
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last star stands, and how much of the name it has taken: a mismatch goes back there.
    let (mut at, mut reached, mut star) = (0, 0, None);
    while reached < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, reached));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[reached] => {
                at += 1;
                reached += 1;
            }
            _ => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                at = back + 1;
                reached = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_part_of_the_name_or_all_of_it_with_wildcards() {
        for (pattern, name, fits) in [
            ("USD", "BTCUSDT", true),
            ("USDC", "BTCUSDT", false),
            ("*USDT", "BTCUSDT", true),
            ("*USD", "BTCUSDT", false),
            ("B*C*T", "BTCUSDT", true),
            ("???USDT", "BTCUSDT", true),
            ("??USDT", "BTCUSDT", false),
            ("*", "BTCUSDT", true),
            ("币*", "币安人生USDT", true),
            ("", "BTCUSDT", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
