//! The two hot paths of the trading system that are neither a topic nor an actor: reading a frame, and deciding.

use std::hint::black_box;
use std::time::Instant;

use hedgehog_bin::exchange::Frame;
use hedgehog_bin::exchange::binance::streams::decode;
use hedgehog_bin::market::{Decimal, FillRule, Price, SymbolFilters, TradeEvent};
use hedgehog_bin::naive::replay::replay;
use hedgehog_bin::naive::strategy::Terms;
use serde_json::Value;

use crate::children::Lehmer;
use crate::family::{Case, Entry, Family, Measure};

/// From a frame's text to a trade event.
pub const DECODE: Family = Family {
    name: "decode",
    unit: "frame",
    measure: Measure::Time,
    about: "One frame of a trade stream, 130 bytes of JSON, to a typed event with exact decimals; N is one frame. `raw` is the event \
        alone, `combined` has the stream's name around it. `serde-json-value` goes through a tree of JSON values to the same event. \
        An exchange sends some thousands of trades a second at most, so decoding is never what limits the system.",
    cases: || vec![decoding("raw", RAW), decoding("combined", COMBINED)],
};

/// Events through the pure strategy.
pub const STRATEGY: Family = Family {
    name: "strategy",
    unit: "event",
    measure: Measure::Time,
    about: "A seeded random walk of ten thousand prices through the strategy as a replay runs it: fills, decisions and exact \
        arithmetic, without a runtime; N is how many traders may be at work at once. There is nobody to compare it with: the figure \
        tells how long a recording takes, and that deciding costs less than bringing the event to the trader would on any bus but \
        ours.",
    cases: || [1, 5, 50].map(walking).into(),
};

const RAW: &str = r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#;
const COMBINED: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;

/// Frames of one iteration.
const FRAMES: u64 = 1_000;

fn decoding(name: &'static str, text: &'static str) -> Case {
    Case {
        name,
        n: 1,
        units: FRAMES,
        long: false,
        entries: vec![
            decoder("hedgehog", text, typed),
            decoder("serde-json-value", text, through_values),
        ],
    }
}

fn decoder(contender: &'static str, text: &'static str, read: fn(&str) -> Option<TradeEvent>) -> Entry {
    Entry::contender(contender, move || {
        assert!(
            read(text).is_some() && read(text) == typed(text),
            "both read the same event"
        );
        move |iterations: u64| {
            let start = Instant::now();
            for _ in 0..iterations * FRAMES {
                black_box(read(black_box(text)));
            }
            start.elapsed()
        }
    })
}

fn typed(text: &str) -> Option<TradeEvent> {
    match decode(text) {
        Frame::Trade(event) => Some(event),
        _ => None,
    }
}

fn through_values(text: &str) -> Option<TradeEvent> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let event = frame.get("data").unwrap_or(&frame);
    Some(TradeEvent {
        event_time: event["E"].as_i64()?,
        symbol: event["s"].as_str()?.parse().ok()?,
        epoch: 0,
        trade_id: event["t"].as_i64()?,
        price: event["p"].as_str()?.parse().ok()?,
        quantity: event["q"].as_str()?.parse().ok()?,
        trade_time: event["T"].as_i64()?,
        buyer_market_maker: event["m"].as_bool()?,
    })
}

/// Prices of one iteration.
const PRICES: usize = 10_000;

fn walking(traders: usize) -> Case {
    let hedgehog = move || {
        let (walk, terms) = (walk(), terms());
        move |iterations: u64| {
            let start = Instant::now();
            for _ in 0..iterations {
                let report = replay(walk.iter().cloned(), &terms, traders, FillRule::Through);
                assert!(
                    report.events == PRICES && report.cycles > 0,
                    "the walk is wide enough to trade in"
                );
            }
            start.elapsed()
        }
    };
    Case {
        name: "walk",
        n: traders,
        units: PRICES as u64,
        long: false,
        entries: vec![Entry::contender("hedgehog", hedgehog)],
    }
}

/// From 0.43 on, a tick of 0.0001 up, down or neither, always the same.
fn walk() -> Vec<Price> {
    let mut steps = Lehmer::new();
    let mut ticks = 4_300;
    let mut next = || {
        ticks += steps.below(3) as i64 - 1;
        Price::from(Decimal::new((ticks * 10_000).into(), 8))
    };
    (0..PRICES).map(|_| next()).collect()
}

/// 20 for each trader, 0.25 % below the market, 0.1 % of profit, another trader 0.1 % further down.
fn terms() -> Terms {
    Terms {
        chunk: Decimal::from(20),
        buy_down_interval: Decimal::new(25.into(), 4),
        profit_interval: Decimal::new(1.into(), 3),
        rebuy_interval: Decimal::new(1.into(), 3),
        filters: SymbolFilters::of(Decimal::new(1.into(), 4), Decimal::new(1.into(), 1)),
    }
}
