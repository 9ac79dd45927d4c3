//! The rules of a recorded time: which tick and step a symbol had when its trades happened.
//!
//! Rules change: XRPUSDT traded at tick 0.00001 and step 0.1 in 2019, at 0.0001 and 1 since 2021. Orders checked with
//! today's rules would not fit yesterday's prices.

use super::assets::{self, Known};
use super::gather::Facts;
use crate::market::{ExchangeInfo, Fixed, Symbol, SymbolFilters, SymbolInfo, SymbolStatus};
use std::fmt;

/// Where the rules of a symbol come from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// A recorded `exchangeInfo` answer.
    ExchangeInfo,
    /// The built-in table of what is known of the time.
    Table,
    /// The finest digits that the recording itself uses.
    Derived,
}

impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ExchangeInfo => "rules from the exchange info file",
            Self::Table => "rules of the time",
            Self::Derived => "rules derived from the digits seen",
        })
    }
}

/// 2021-01-01 in milliseconds since the epoch.
const Y2021: i64 = 1_609_459_200_000;
/// 2023-01-01: minimal notionals of USDT pairs fell from 10 to 5.
const Y2023: i64 = 1_672_531_200_000;
const EVER: i64 = i64::MAX;

/// Symbol, valid before, tick size, step size. The first row that fits is taken. From recorded `exchangeInfo` answers
/// of 2021-10-12 and 2024-09-08, and for earlier years from the digits of recorded trades.
const KNOWN: [(&str, i64, &str, &str); 12] = [
    ("XRPUSDT", Y2021, "0.00001", "0.1"),
    ("XRPUSDT", EVER, "0.0001", "1"),
    ("BTCUSDT", EVER, "0.01", "0.00001"),
    ("ETHUSDT", EVER, "0.01", "0.0001"),
    ("ADAUSDT", Y2021, "0.00001", "0.1"),
    ("ADAUSDT", Y2023, "0.001", "0.1"),
    ("ADAUSDT", EVER, "0.0001", "0.1"),
    ("BNBUSDT", Y2021, "0.0001", "0.01"),
    ("BNBUSDT", EVER, "0.1", "0.001"),
    ("LTCUSDT", EVER, "0.01", "0.001"),
    ("ETHBTC", Y2023, "0.000001", "0.0001"),
    ("ETHBTC", EVER, "0.00001", "0.0001"),
];

/// The rules of `symbol` at the time of its trades.
pub(super) fn of(symbol: &Symbol, facts: &Facts, exchange_info: Option<&ExchangeInfo>) -> (SymbolInfo, RuleSource) {
    if let Some(info) = exchange_info.and_then(|info| info.symbols.get(symbol)) {
        // Halted or delisted by the time the answer was recorded: in the recording it trades.
        return (
            SymbolInfo {
                status: SymbolStatus::Trading,
                ..info.clone()
            },
            RuleSource::ExchangeInfo,
        );
    }
    let time = facts.first_time;
    let derived = (facts.price_places, facts.quantity_places);
    let known = (KNOWN.iter())
        .find(|(name, before, ..)| *name == symbol.as_str() && time < *before)
        .map(|(_, _, tick, step)| {
            let number = |text: &str| text.parse::<Fixed>().expect("the table holds decimals");
            (number(tick), number(step))
        })
        // The recording itself is the better witness where it uses finer digits than the table knows of.
        .filter(|(tick, step)| tick.places() >= derived.0 && step.places() >= derived.1);
    let (tick_size, step_size, source) = match known {
        Some((tick_size, step_size)) => (tick_size, step_size, RuleSource::Table),
        None => (Fixed::unit(derived.0), Fixed::unit(derived.1), RuleSource::Derived),
    };
    let assets = assets::of(symbol.as_str());
    let mut filters = SymbolFilters::of(tick_size.to_decimal(), step_size.to_decimal());
    // A minimum in an asset that is only guessed would be a made-up rule.
    if assets.known >= Known::Quote && assets.quote.contains("USD") {
        filters.min_notional = Fixed::whole(if time < Y2023 { 10 } else { 5 }).to_decimal();
    }
    let info = SymbolInfo {
        symbol: symbol.clone(),
        status: SymbolStatus::Trading,
        base_asset: assets.base,
        quote_asset: assets.quote,
        filters,
    };
    (info, source)
}
