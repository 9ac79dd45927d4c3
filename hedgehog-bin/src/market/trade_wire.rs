//! What an exchange or a file tells of a trade: the one place where its text becomes values, and where its limits stand.
//!
//! Read by the live stream's decoder and by every layout of a recording. Invariant: what passes [`TradeText::check`] has a positive
//! price and quantity of at most [`LONGEST_DECIMAL`] digits, an id that any reader of JSON can hold, and times in milliseconds; and
//! what does not pass is refused before anything is computed from it.

use super::decimal::LONGEST_DECIMAL;
use super::{Price, Quantity, Symbol, TradeEvent};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;

/// Ids beyond this are no ids: JSON readers with floats inside cannot tell them apart.
const LARGEST_ID: i64 = 1 << 53;

/// November 2286 in milliseconds. What claims to be later is in another unit.
const LATEST: i64 = 10_000_000_000_000;

/// Every moment from 2001 to 2286 as it is written in seconds. Read as milliseconds they are days of early 1970.
const SECONDS: std::ops::Range<i64> = 1_000_000_000..10_000_000_000;

/// The keys of a trade event, today's or the older one with `b` and `a`, which are not kept. All are optional, so that an event of
/// another kind is read far enough to be told apart.
#[derive(Debug, Deserialize)]
pub(crate) struct TradeWire<'a> {
    #[serde(rename = "e", borrow, default)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(rename = "E", default)]
    event_time: Option<i64>,
    #[serde(rename = "s", borrow, default)]
    symbol: Cow<'a, str>,
    #[serde(rename = "t", default)]
    trade_id: Option<i64>,
    #[serde(rename = "p", borrow, default)]
    price: Cow<'a, str>,
    #[serde(rename = "q", borrow, default)]
    quantity: Cow<'a, str>,
    #[serde(rename = "T", default)]
    trade_time: Option<i64>,
    #[serde(rename = "m", default)]
    buyer_market_maker: Option<bool>,
    /// Futures only: `MARKET`, or who else traded: `INSURANCE_FUND`, `ADL`, `NA`.
    #[serde(rename = "X", borrow, default)]
    order_type: Option<Cow<'a, str>>,
}

/// What an event of the kind `trade` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// A trade of the market.
    Trade(TradeText<'a>),
    /// A trade that is none of the market's, as of an insurance fund. It uses an id up, and has no price that anybody could get.
    Other(TradeText<'a>),
}

/// A trade as it is written. Once checked, everything in it is within its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TradeText<'a> {
    pub(crate) event_time: i64,
    pub(crate) symbol: Cow<'a, str>,
    pub(crate) trade_id: i64,
    pub(crate) price: Cow<'a, str>,
    pub(crate) quantity: Cow<'a, str>,
    pub(crate) trade_time: i64,
    pub(crate) buyer_market_maker: bool,
}

/// A frame of a combined stream: `{"stream":…,"data":…}`.
#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    data: TradeWire<'a>,
}

impl<'a> TradeWire<'a> {
    /// The event of a frame, raw or combined. Events of other kinds use the same keys with other types, so an error says only that
    /// this is no well-formed trade.
    pub(crate) fn of_frame(frame: &'a str) -> Result<Self, serde_json::Error> {
        if frame.starts_with(r#"{"stream""#) || frame.starts_with(r#"{"data""#) {
            serde_json::from_str::<Combined<'_>>(frame).map(|combined| combined.data)
        } else {
            serde_json::from_str(frame)
        }
    }

    /// Whether it says of itself that it is a trade.
    pub(crate) fn is_trade(&self) -> bool {
        self.kind == "trade"
    }

    /// Reads the event within its limits; an error names the field.
    pub(crate) fn read(self) -> Result<Told<'a>, String> {
        let trade = TradeText {
            event_time: self.event_time.ok_or("a trade without E")?,
            symbol: self.symbol,
            trade_id: self.trade_id.ok_or("a trade without an id in t")?,
            price: self.price,
            quantity: self.quantity,
            trade_time: self.trade_time.ok_or("a trade without T")?,
            buyer_market_maker: self.buyer_market_maker.ok_or("a trade without m")?,
        };
        match self.order_type.as_deref() {
            None | Some("MARKET") => trade.check().map(Told::Trade),
            // Its price may be zero.
            Some(_) => trade.check_numbers().map(Told::Other),
        }
    }
}

impl TradeText<'_> {
    /// The same trade within its limits, its times in milliseconds.
    pub(crate) fn check(self) -> Result<Self, String> {
        amount("price", &self.price)?;
        amount("quantity", &self.quantity)?;
        self.check_numbers()
    }

    fn check_numbers(mut self) -> Result<Self, String> {
        if !(0..=LARGEST_ID).contains(&self.trade_id) {
            return Err(format!("trade id {} is not an id of a trade", self.trade_id));
        }
        self.event_time = moment("event time", self.event_time)?;
        self.trade_time = moment("trade time", self.trade_time)?;
        Ok(self)
    }

    /// As the rest of the program speaks of it. A trade of `expected` shares its symbol instead of making a new one.
    pub(crate) fn event(&self, expected: Option<&Symbol>) -> Result<TradeEvent, String> {
        Ok(TradeEvent {
            event_time: self.event_time,
            symbol: self.symbol(expected)?,
            epoch: 0,
            trade_id: self.trade_id,
            price: (self.price.parse::<Price>()).map_err(|error| format!("price: {error}"))?,
            quantity: (self.quantity.parse::<Quantity>()).map_err(|error| format!("quantity: {error}"))?,
            trade_time: self.trade_time,
            buyer_market_maker: self.buyer_market_maker,
        })
    }

    /// Its symbol; the one that is expected is shared.
    pub(crate) fn symbol(&self, expected: Option<&Symbol>) -> Result<Symbol, String> {
        match expected {
            Some(symbol) if symbol.as_str() == self.symbol => Ok(symbol.clone()),
            _ => self.symbol.parse().map_err(|error| format!("{error}")),
        }
    }
}

/// A number above zero in plain digits, and not longer than anything that an exchange means.
fn amount(what: &str, text: &str) -> Result<(), String> {
    if text.len() > LONGEST_DECIMAL {
        return Err(format!("{what} has {} digits, more than {LONGEST_DECIMAL}", text.len()));
    }
    let (mut points, mut digits, mut above_zero) = (0, 0, false);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                above_zero |= byte != b'0';
            }
            b'.' => points += 1,
            b'-' if digits + points == 0 => {}
            _ => return Err(format!("{what} {text:?} is not a decimal number such as 0.43849000")),
        }
    }
    match (digits, points) {
        (1.., 0 | 1) if above_zero && !text.starts_with('-') => Ok(()),
        (1.., 0 | 1) => Err(format!("{what} {text:?} is not above zero")),
        _ => Err(format!("{what} {text:?} is not a decimal number such as 0.43849000")),
    }
}

/// A time in milliseconds, told in milliseconds or microseconds.
fn moment(what: &str, time: i64) -> Result<i64, String> {
    let refused = |why: &dyn fmt::Display| Err(format!("{what} {time} {why}"));
    if SECONDS.contains(&time) {
        return refused(&"is in seconds: milliseconds or microseconds are expected");
    }
    match milliseconds(time) {
        told @ 0..LATEST => Ok(told),
        ..0 => refused(&"is not a time"),
        _ => refused(&"is neither in milliseconds nor in microseconds"),
    }
}

/// A time in milliseconds, whether it was told in milliseconds or microseconds: no market was open before 1973-03-03,
/// which is this bound in microseconds, and none is in the year 5138, which it is in milliseconds.
pub(crate) fn milliseconds(time: i64) -> i64 {
    const LEAST_MICROSECONDS: i64 = 100_000_000_000_000;
    if time >= LEAST_MICROSECONDS { time / 1000 } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    const TRADE: &str = r#"{"e":"trade","E":1722470400001,"T":1722470399999,"s":"BTCUSDT","t":7,"p":"60000.10","q":"0.010","X":"MARKET","m":true}"#;

    fn read(text: &str) -> Result<Told<'_>, String> {
        TradeWire::of_frame(text).expect(text).read()
    }

    fn refusal(from: &str, to: &str) -> String {
        read(&TRADE.replace(from, to)).expect_err(to)
    }

    #[test]
    fn prices_and_quantities_that_nobody_can_pay_are_refused_by_name() {
        for odd in ["0", "0.000", "-1", "-0.0"] {
            assert!(refusal("60000.10", odd).contains("price"), "{odd}");
            assert!(refusal("0.010", odd).contains("is not above zero"), "{odd}");
        }
        for odd in ["", ".", "-", "1.2.3", "1e5", "1-2", "NaN", " 1", "\u{661}"] {
            assert!(refusal("60000.10", odd).contains("is not a decimal"), "{odd:?}");
        }
    }

    #[test]
    fn a_price_of_millions_of_digits_is_refused_without_being_read() {
        let text = TRADE.replace("60000.10", &"9".repeat(4_000_000));
        let wire: TradeWire<'_> = serde_json::from_str(&text).expect("JSON");
        let begun = Instant::now();
        let refused = wire.read().expect_err("too long");
        assert_eq!(refused, "price has 4000000 digits, more than 64");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    #[test]
    fn ids_and_times_have_bounds() {
        for id in ["-1", "9007199254740993", "9223372036854775807"] {
            assert!(refusal("\"t\":7", &format!("\"t\":{id}")).contains("trade id"), "{id}");
        }
        for (time, why) in [
            ("1722470399", "is in seconds"),
            ("-1", "is not a time"),
            ("1722470399999000000", "neither in milliseconds nor"),
            ("-9223372036854775808", "is not a time"),
        ] {
            let told = refusal("1722470399999", time);
            assert!(told.contains("trade time") && told.contains(why), "{told}");
            assert!(refusal("1722470400001", time).contains("event time"), "{time}");
        }
    }

    #[test]
    fn whoever_is_not_the_market_uses_up_an_id_and_is_no_trade() {
        for other in ["INSURANCE_FUND", "ADL", "NA", "SOMETHING_NEW", ""] {
            let text = TRADE.replace("MARKET", other).replace("60000.10", "0");
            assert!(
                matches!(read(&text), Ok(Told::Other(trade)) if trade.trade_id == 7),
                "{other}"
            );
        }
        let spot = TRADE.replace(r#""X":"MARKET","#, "");
        for market in [TRADE, &spot] {
            assert!(matches!(read(market), Ok(Told::Trade(_))), "{market}");
        }
    }
}
