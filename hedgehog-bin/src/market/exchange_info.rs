//! What the exchange says of its symbols, and the rules a limit order must meet before it is sent.

use super::{Decimal, Price, Quantity, Symbol, floor_to, plain_text};
use bigdecimal::Zero;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

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

/// A listing that cannot be read, and is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddListing {
    /// Its symbol; empty where not even that is told.
    pub symbol: String,
    /// What is odd about it.
    pub why: String,
}

impl fmt::Display for OddListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { symbol, why } = self;
        if symbol.is_empty() {
            write!(f, "a listing without a symbol: {why}")
        } else {
            write!(f, "{symbol}: {why}")
        }
    }
}

impl ExchangeInfo {
    /// Reads the exchange's JSON leniently: fields were added over the years, and recordings lack many. Each listing is read
    /// by itself; one that cannot be read is left out and named in the second part of the result, so that it never hides the
    /// others. Only a document without a list of symbols is refused.
    pub fn from_json(json: &[u8]) -> Result<(Self, Vec<OddListing>), serde_json::Error> {
        // A spreadsheet or an editor may have put a byte order mark in front.
        let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
        let document: wire::Document = serde_json::from_slice(json)?;
        Ok((
            Self {
                symbols: document.symbols.read,
            },
            document.symbols.odd,
        ))
    }
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The JSON as the exchange writes it.
mod wire {
    use super::{Decimal, OddListing, SymbolFilters, SymbolInfo, SymbolStatus};
    use crate::market::decimal::parse_foreign_decimal;
    use crate::market::{Symbol, SymbolError};
    use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
    use serde_json::Value;
    use std::collections::BTreeMap;
    use std::fmt;

    #[derive(serde::Deserialize)]
    pub(super) struct Document {
        pub(super) symbols: Listings,
    }

    /// Read one after the other: the answer weighs megabytes, and a tree of all of it a multiple.
    #[derive(Default)]
    pub(super) struct Listings {
        pub(super) read: BTreeMap<Symbol, SymbolInfo>,
        pub(super) odd: Vec<OddListing>,
    }

    impl<'de> Deserialize<'de> for Listings {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Self::default())
        }
    }

    impl<'de> Visitor<'de> for Listings {
        type Value = Self;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of symbols")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut listings: A) -> Result<Self, A::Error> {
            while let Some(listing) = listings.next_element::<Value>()? {
                match read(&listing) {
                    Ok(info) => drop(self.read.insert(info.symbol.clone(), info)),
                    Err(why) => self.odd.push(OddListing {
                        symbol: name(&listing).chars().take(60).collect(),
                        why,
                    }),
                }
            }
            Ok(self)
        }
    }

    /// As far as it is told: a listing may be no more than its name.
    fn name(listing: &Value) -> &str {
        listing["symbol"].as_str().or(listing.as_str()).unwrap_or_default()
    }

    fn read(listing: &Value) -> Result<SymbolInfo, String> {
        if !listing.is_object() {
            return Err(format!("{} instead of a listing", kind(listing)));
        }
        let text = |field: &str| match &listing[field] {
            Value::String(text) => Ok(text.clone()),
            other => Err(format!("{field} is {}", kind(other))),
        };
        let filters = match listing.get("filters") {
            Some(Value::Array(filters)) => filters.as_slice(),
            // Short answers and old ones have none.
            None => &[],
            Some(other) => return Err(format!("filters is {}", kind(other))),
        };
        let filter = |name: &str| filters.iter().find(|filter| filter["filterType"] == name);
        let number = |name: &str, field: &str| -> Result<Decimal, String> {
            let Some(found) = filter(name) else {
                return Ok(Decimal::default());
            };
            match &found[field] {
                Value::Null => Ok(Decimal::default()),
                Value::String(text) => parse_foreign_decimal(text).map_err(|error| format!("{name}.{field}: {error}")),
                other => Err(format!("{name}.{field} is {}, not a decimal in quotes", kind(other))),
            }
        };
        let notional = number("NOTIONAL", "minNotional")?;
        Ok(SymbolInfo {
            symbol: text("symbol")?
                .parse()
                .map_err(|error: SymbolError| error.to_string())?,
            status: SymbolStatus::from(text("status")?),
            base_asset: text("baseAsset")?,
            quote_asset: text("quoteAsset")?,
            filters: SymbolFilters {
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
                max_num_orders: filter("MAX_NUM_ORDERS")
                    .and_then(|filter| filter["maxNumOrders"].as_u64())
                    .and_then(|number| u32::try_from(number).ok()),
            },
        })
    }

    fn kind(value: &Value) -> &'static str {
        match value {
            Value::Null => "absent or null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
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
    #[test]
    fn an_odd_listing_is_left_out_and_named_and_hides_no_other() {
        let good = r#"{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[]}"#;
        let change = |from: &str, to: &str| good.replace("BTCUSDT", "ODDUSDT").replace(from, to);
        let odd = [
            (
                change(r#""filters":[]"#, r#""filters":null"#),
                "ODDUSDT: filters is absent or null",
            ),
            (
                change(r#""filters":[]"#, r#""filters":{}"#),
                "ODDUSDT: filters is an object",
            ),
            (
                change(r#""baseAsset":"BTC","#, ""),
                "ODDUSDT: baseAsset is absent or null",
            ),
            (change(r#""BTC""#, "null"), "ODDUSDT: baseAsset is absent or null"),
            (change(r#""TRADING""#, "null"), "ODDUSDT: status is absent or null"),
            (change(r#""TRADING""#, "7"), "ODDUSDT: status is a number"),
            (
                change(r#""ODDUSDT""#, "null"),
                "a listing without a symbol: symbol is absent or null",
            ),
            (r#""ODDUSDT""#.to_owned(), "ODDUSDT: a text instead of a listing"),
            (
                "null".to_owned(),
                "a listing without a symbol: absent or null instead of a listing",
            ),
            (change("ODDUSDT", &"A".repeat(41)), "is not a symbol"),
            (
                change("[]", r#"[{"filterType":"LOT_SIZE","stepSize":"x"}]"#),
                "ODDUSDT: LOT_SIZE.stepSize: \"x\" is not a decimal",
            ),
        ];
        for (listing, told) in odd {
            let json = format!(r#"{{"symbols":[{listing},{good}]}}"#);
            let (info, left_out) = ExchangeInfo::from_json(json.as_bytes()).expect(&json);
            assert_eq!(info.symbols.len(), 1, "{json}");
            let named: Vec<_> = left_out.iter().map(ToString::to_string).collect();
            assert!(
                named.len() == 1 && named[0].contains(told),
                "{named:?} instead of {told}"
            );
        }
    }

    #[test]
    fn only_what_is_no_exchange_info_at_all_is_refused_and_a_byte_order_mark_is_not_text() {
        for text in ["", "[]", "{}", r#"{"symbols":null}"#, r#"{"symbols":{}}"#, "id,price"] {
            assert!(ExchangeInfo::from_json(text.as_bytes()).is_err(), "{text}");
        }
        let marked = [BYTE_ORDER_MARK, BTCUSDT.as_bytes()].concat();
        assert_eq!(ExchangeInfo::from_json(&marked).expect("JSON").0.symbols.len(), 1);
    }
}
