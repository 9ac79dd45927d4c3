//! What an exchange or a file tells of a trade: the one place where its text becomes values, and where its limits stand.
//!
//! The live stream's decoder and the frames of a recording are read by [`TradeFrame::of`]; the columns of a recording meet the same
//! limits in [`TradeText::check`]. Invariant: what passes [`TradeText::check`] has a positive
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

/// What one frame of a stream, raw or combined (`{"stream":…,"data":…}`), tells of a trade.
#[derive(Debug)]
pub(crate) enum TradeFrame<'a> {
    /// A trade of the market.
    Trade(TradeText<'a>),
    /// A trade that is none of the market's, as of an insurance fund. It uses an id up, and has no price that anybody could get.
    Nobodys(TradeText<'a>),
    /// It says that it is a trade, and lacks something or is beyond the limits; names the field.
    Refused(String),
    /// It says that it is a trade, and is not well-formed.
    Malformed(serde_json::Error),
    /// Of another kind, and how it calls itself.
    Other(Option<Cow<'a, str>>),
    /// Nothing that tells its kind, or no JSON at all.
    NoFrame(serde_json::Error),
}

impl<'a> TradeFrame<'a> {
    /// Reads a frame in today's format or the one before 2024-06-18. Takes any text and never panics.
    pub(crate) fn of(frame: &'a str) -> Self {
        // Every frame of a combined stream begins so as the exchange writes them, and only that is quick.
        let combined = frame.starts_with(r#"{"stream""#) || frame.starts_with(r#"{"data""#);
        match TradeWire::of(frame, combined) {
            Ok(event) if event.kind == "trade" => event.read(),
            // Events of other kinds use the same keys with other types, so a refusal says nothing yet.
            _ => Self::at_second_sight(frame),
        }
    }

    /// What is it, if it was not read as a trade?
    fn at_second_sight(frame: &'a str) -> Self {
        let Kind { e, data } = match serde_json::from_str(frame) {
            Ok(kind) => kind,
            Err(error) => return Self::NoFrame(error),
        };
        let combined = data.is_some();
        let kind = data.map_or(e, |data| data.e);
        if kind.as_deref() != Some("trade") {
            return Self::Other(kind);
        }
        TradeWire::of(frame, combined).map_or_else(Self::Malformed, TradeWire::read)
    }
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

/// The keys of a trade event, today's or the older one with `b` and `a`, which are not kept. All are optional, so that an event of
/// another kind is read far enough to be told apart.
#[derive(Debug, Deserialize)]
struct TradeWire<'a> {
    #[serde(rename = "e", borrow, default)]
    kind: Cow<'a, str>,
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

/// A frame of a combined stream.
#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    data: TradeWire<'a>,
}

/// What names the kind of a frame, and nothing else of it: books and tickers are many and large.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<KindOfData<'a>>,
}

#[derive(Deserialize)]
struct KindOfData<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
}

impl<'a> TradeWire<'a> {
    fn of(frame: &'a str, combined: bool) -> Result<Self, serde_json::Error> {
        if combined {
            serde_json::from_str::<Combined<'_>>(frame).map(|combined| combined.data)
        } else {
            serde_json::from_str(frame)
        }
    }

    /// The event within its limits.
    fn read(self) -> TradeFrame<'a> {
        let of_market = matches!(self.order_type.as_deref(), None | Some("MARKET"));
        let read = self.text().and_then(|trade| {
            if of_market {
                trade.check().map(TradeFrame::Trade)
            } else {
                // Its price may be zero.
                trade.check_numbers().map(TradeFrame::Nobodys)
            }
        });
        read.unwrap_or_else(TradeFrame::Refused)
    }

    fn text(self) -> Result<TradeText<'a>, String> {
        Ok(TradeText {
            event_time: self.event_time.ok_or("a trade without E")?,
            symbol: self.symbol,
            trade_id: self.trade_id.ok_or("a trade without an id in t")?,
            price: self.price,
            quantity: self.quantity,
            trade_time: self.trade_time.ok_or("a trade without T")?,
            buyer_market_maker: self.buyer_market_maker.ok_or("a trade without m")?,
        })
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

    fn refusal(from: &str, to: &str) -> String {
        refused(&TRADE.replace(from, to))
    }

    fn refused(frame: &str) -> String {
        match TradeFrame::of(frame) {
            TradeFrame::Refused(why) => why,
            other => panic!("{other:?}"),
        }
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
        let begun = Instant::now();
        assert_eq!(refused(&text), "price has 4000000 digits, more than 64");
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
                matches!(TradeFrame::of(&text), TradeFrame::Nobodys(trade) if trade.trade_id == 7),
                "{other}"
            );
        }
        let spot = TRADE.replace(r#""X":"MARKET","#, "");
        for market in [TRADE, &spot] {
            assert!(matches!(TradeFrame::of(market), TradeFrame::Trade(_)), "{market}");
        }
    }

    #[test]
    fn a_combined_frame_is_one_however_it_is_spaced_and_ordered() {
        for frame in [
            format!(r#"{{"stream":"btcusdt@trade","data":{TRADE}}}"#),
            format!(r#"{{"data":{TRADE},"stream":"btcusdt@trade"}}"#),
            format!(r#"{{ "stream": "btcusdt@trade", "data": {TRADE} }}"#),
            format!(r#"{{"received":1722470400002,"data":{TRADE}}}"#),
        ] {
            assert!(
                matches!(TradeFrame::of(&frame), TradeFrame::Trade(trade) if trade.trade_id == 7),
                "{frame}"
            );
        }
    }

    #[test]
    fn what_is_no_trade_is_told_apart_from_a_trade_that_cannot_be_read() {
        let book = r#"{"e":"depthUpdate","E":1,"s":"BTCUSDT","t":[],"p":{}}"#;
        for frame in [
            book.to_owned(),
            format!(r#"{{"stream":"btcusdt@depth","data":{book}}}"#),
        ] {
            let told = TradeFrame::of(&frame);
            assert!(
                matches!(&told, TradeFrame::Other(Some(kind)) if kind == "depthUpdate"),
                "{told:?}"
            );
        }
        assert!(matches!(
            TradeFrame::of(r#"{"result":null,"id":1}"#),
            TradeFrame::Other(None)
        ));
        for frame in ["", "[]", "null", "hello", &TRADE[..60]] {
            assert!(matches!(TradeFrame::of(frame), TradeFrame::NoFrame(_)), "{frame}");
        }
        let number = TRADE.replace("\"60000.10\"", "60000.10");
        assert!(matches!(TradeFrame::of(&number), TradeFrame::Malformed(_)));
        assert_eq!(refused(&TRADE.replace("\"t\":7,", "")), "a trade without an id in t");
    }
}
