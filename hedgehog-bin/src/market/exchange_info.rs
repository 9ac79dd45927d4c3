//! What the exchange says of its symbols, and the rules a limit order must meet before it is sent.

use super::{Decimal, Price, Quantity, Symbol, floor_to, plain_text};
use bigdecimal::Zero;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a symbol trades (`exchangeInfo`, `status`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SymbolStatus {
    /// Orders are taken.
    Trading,
    /// Anything else, in the exchange's words: `HALT`, `BREAK`, `END_OF_DAY`, `CANCEL_ONLY`.
    Other(String),
}

impl SymbolStatus {
    /// The exchange's own spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Trading => "TRADING",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for SymbolStatus {
    fn from(text: String) -> Self {
        if text == "TRADING" {
            Self::Trading
        } else {
            Self::Other(text)
        }
    }
}

impl From<SymbolStatus> for String {
    fn from(status: SymbolStatus) -> Self {
        status.as_str().to_owned()
    }
}

/// The rules for a LIMIT order. A bound of zero means that the exchange has switched that bound off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolFilters {
    /// `PRICE_FILTER.tickSize`: prices are multiples of it.
    pub tick_size: Decimal,
    /// `PRICE_FILTER.minPrice`.
    pub min_price: Decimal,
    /// `PRICE_FILTER.maxPrice`.
    pub max_price: Decimal,
    /// `LOT_SIZE.stepSize`: quantities are multiples of it.
    pub step_size: Decimal,
    /// `LOT_SIZE.minQty`.
    pub min_quantity: Decimal,
    /// `LOT_SIZE.maxQty`.
    pub max_quantity: Decimal,
    /// `NOTIONAL.minNotional`, or `MIN_NOTIONAL.minNotional` in older answers.
    pub min_notional: Decimal,
    /// `NOTIONAL.maxNotional`; zero where only the older filter exists.
    pub max_notional: Decimal,
    /// `MAX_NUM_ORDERS.maxNumOrders`: open orders per symbol and account.
    pub max_num_orders: Option<u32>,
}

/// A rule that an order would break; the exchange answers these with −1013 "Filter failure: NAME".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{filter}: {detail}")]
pub struct FilterViolation {
    /// The exchange's name of the filter, such as `LOT_SIZE`.
    pub filter: &'static str,
    /// The value and the bound.
    pub detail: String,
}

impl SymbolFilters {
    /// Only tick and step, every other bound off: what is known of old recordings.
    pub fn of(tick_size: Decimal, step_size: Decimal) -> Self {
        let off = Decimal::zero;
        Self {
            tick_size,
            min_price: off(),
            max_price: off(),
            step_size,
            min_quantity: off(),
            max_quantity: off(),
            min_notional: off(),
            max_notional: off(),
            max_num_orders: None,
        }
    }

    /// Checks a limit order before it is sent (filters.md, each filter's own section).
    pub fn check(&self, price: &Price, quantity: &Quantity) -> Result<(), FilterViolation> {
        let (price, quantity) = (price.value(), quantity.value());
        let violation = |filter, detail| Err(FilterViolation { filter, detail });
        let within = |filter, name: &str, value: &Decimal, min: &Decimal, max: &Decimal| {
            let (zero, text) = (Decimal::zero(), plain_text(value));
            if *value <= zero {
                violation(filter, format!("{name} {text} is not above 0"))
            } else if !min.is_zero() && value < min {
                violation(
                    filter,
                    format!("{name} {text} is below the minimum {}", plain_text(min)),
                )
            } else if !max.is_zero() && value > max {
                violation(
                    filter,
                    format!("{name} {text} is above the maximum {}", plain_text(max)),
                )
            } else {
                Ok(())
            }
        };
        let multiple = |filter, name: &str, value: &Decimal, unit: &Decimal| {
            if unit.is_zero() || floor_to(value, unit) == *value {
                return Ok(());
            }
            let (value, unit) = (plain_text(value), plain_text(unit));
            violation(filter, format!("{name} {value} is not a multiple of {unit}"))
        };
        within("PRICE_FILTER", "price", price, &self.min_price, &self.max_price)?;
        multiple("PRICE_FILTER", "price", price, &self.tick_size)?;
        within("LOT_SIZE", "quantity", quantity, &self.min_quantity, &self.max_quantity)?;
        multiple("LOT_SIZE", "quantity", quantity, &self.step_size)?;
        within(
            "NOTIONAL",
            "price x quantity",
            &(price * quantity),
            &self.min_notional,
            &self.max_notional,
        )
    }
}

/// One symbol of `exchangeInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolInfo {
    /// The pair.
    pub symbol: Symbol,
    /// Whether it trades.
    pub status: SymbolStatus,
    /// What is bought and sold.
    pub base_asset: String,
    /// What prices are in.
    pub quote_asset: String,
    /// Its rules.
    pub filters: SymbolFilters,
}

/// The answer of `GET /api/v3/exchangeInfo`, as far as this program uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeInfo {
    /// By symbol.
    pub symbols: BTreeMap<Symbol, SymbolInfo>,
}

impl ExchangeInfo {
    /// Reads the exchange's JSON leniently: fields were added over the years, and recordings lack many. A symbol whose
    /// filters cannot be read is left out and named in the second part of the result, so that one odd listing never
    /// hides the others.
    pub fn from_json(json: &[u8]) -> Result<(Self, Vec<String>), serde_json::Error> {
        let wire: wire::ExchangeInfo = serde_json::from_slice(json)?;
        let mut info = Self::default();
        let mut unreadable = Vec::new();
        for symbol in wire.symbols {
            let name = symbol.name.clone();
            match symbol.read() {
                Ok(read) => {
                    info.symbols.insert(read.symbol.clone(), read);
                }
                Err(why) => unreadable.push(format!("{name}: {why}")),
            }
        }
        Ok((info, unreadable))
    }
}

/// The JSON as the exchange writes it.
mod wire {
    use super::{Decimal, SymbolFilters, SymbolInfo, SymbolStatus};
    use crate::market::parse_decimal;
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Deserialize)]
    pub(super) struct ExchangeInfo {
        pub(super) symbols: Vec<Symbol>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct Symbol {
        #[serde(rename = "symbol")]
        pub(super) name: String,
        status: SymbolStatus,
        base_asset: String,
        quote_asset: String,
        #[serde(default)]
        filters: Vec<Value>,
    }

    impl Symbol {
        pub(super) fn read(self) -> Result<SymbolInfo, String> {
            let number = |filter: &str, field: &str| -> Result<Decimal, String> {
                let Some(found) = self.filters.iter().find(|f| f["filterType"] == filter) else {
                    return Ok(Decimal::default());
                };
                match &found[field] {
                    Value::Null => Ok(Decimal::default()),
                    Value::String(text) => parse_decimal(text).map_err(|e| format!("{filter}.{field}: {e}")),
                    other => Err(format!("{filter}.{field}: {other} is not a decimal in quotes")),
                }
            };
            let notional = number("NOTIONAL", "minNotional")?;
            let filters = SymbolFilters {
                tick_size: number("PRICE_FILTER", "tickSize")?,
                min_price: number("PRICE_FILTER", "minPrice")?,
                max_price: number("PRICE_FILTER", "maxPrice")?,
                step_size: number("LOT_SIZE", "stepSize")?,
                min_quantity: number("LOT_SIZE", "minQty")?,
                max_quantity: number("LOT_SIZE", "maxQty")?,
                min_notional: if notional == Decimal::default() {
                    number("MIN_NOTIONAL", "minNotional")?
                } else {
                    notional
                },
                max_notional: number("NOTIONAL", "maxNotional")?,
                max_num_orders: (self.filters.iter())
                    .find(|f| f["filterType"] == "MAX_NUM_ORDERS")
                    .and_then(|f| f["maxNumOrders"].as_u64())
                    .and_then(|n| u32::try_from(n).ok()),
            };
            Ok(SymbolInfo {
                symbol: self
                    .name
                    .parse()
                    .map_err(|e: crate::market::SymbolError| e.to_string())?,
                status: self.status,
                base_asset: self.base_asset,
                quote_asset: self.quote_asset,
                filters,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BTCUSDT: &str = r#"{"symbols":[
        {"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"},
            {"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000","stepSize":"0.00001000"},
            {"filterType":"NOTIONAL","minNotional":"5.00000000","maxNotional":"9000000.00000000"}]},
        {"symbol":"ODD","status":"BREAK","baseAsset":"O","quoteAsset":"D","filters":[
            {"filterType":"PRICE_FILTER","tickSize":0.1}]}]}"#;

    fn filters() -> SymbolFilters {
        let (info, unreadable) = ExchangeInfo::from_json(BTCUSDT.as_bytes()).expect("valid JSON");
        assert_eq!(unreadable.len(), 1, "the odd symbol is named: {unreadable:?}");
        info.symbols.into_values().next().expect("BTCUSDT").filters
    }

    fn check(price: &str, quantity: &str) -> Result<(), &'static str> {
        filters()
            .check(&price.parse().expect(price), &quantity.parse().expect(quantity))
            .map_err(|violation| violation.filter)
    }

    #[test]
    fn each_filter_is_named_by_what_breaks_it() {
        assert_eq!(check("60000.00", "0.00100"), Ok(()));
        assert_eq!(check("60000.001", "0.001"), Err("PRICE_FILTER"));
        assert_eq!(check("2000000.00", "0.001"), Err("PRICE_FILTER"));
        assert_eq!(check("60000.00", "0.000001"), Err("LOT_SIZE"));
        assert_eq!(check("60000.00", "0"), Err("LOT_SIZE"));
        assert_eq!(check("60000.00", "0.00008"), Err("NOTIONAL"));
        assert_eq!(check("60000.00", "200"), Err("NOTIONAL"));
    }
}
