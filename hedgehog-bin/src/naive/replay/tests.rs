use super::*;
use crate::market::{SymbolFilters, parse_decimal};

fn decimal(text: &str) -> Decimal {
    parse_decimal(text).expect(text)
}

/// XRPUSDT at tick 0.0001; budget 100 in five chunks, 0.25 % below, 0.1 % profit.
fn terms() -> Terms {
    Terms {
        chunk: decimal("20"),
        buy_down_interval: decimal("0.0025"),
        profit_interval: decimal("0.001"),
        rebuy_interval: decimal("0.001"),
        filters: SymbolFilters::of(decimal("0.0001"), decimal("0.1")),
    }
}

fn orders(prices: &str, rule: FillRule) -> Vec<String> {
    let prices = prices.split_whitespace().map(|text| text.parse().expect(text));
    let report = replay(
        prices,
        &Terms {
            rebuy_interval: decimal("1"),
            ..terms()
        },
        5,
        rule,
    );
    report
        .log
        .iter()
        .map(|entry| format!("{} {} {}", entry.side, entry.price, entry.status))
        .collect()
}

#[test]
fn a_cycle_and_the_next_buy_under_rule_touch() {
    let log = orders(
        "0.43183010 0.43183020 0.43183030 0.4307 0.43065 0.4319 0.43205 0.43210",
        FillRule::Touch,
    );
    // Each trader acts once per event, so the finish of 0.4319 is followed by a buy at the next price.
    let expected = [
        "BUY 0.4307 NEW",
        "BUY 0.4307 FILLED",
        "SELL 0.4319 NEW",
        "SELL 0.4319 FILLED",
        "BUY 0.4309 NEW",
    ];
    assert_eq!(log, expected);
}

#[test]
fn a_cycle_and_the_next_buy_under_rule_through() {
    let log = orders(
        "0.43183010 0.43183020 0.43183030 0.4307 0.43065 0.43189 0.4319 0.43205 0.43210",
        FillRule::Through,
    );
    let expected = [
        "BUY 0.4307 NEW",
        "BUY 0.4307 FILLED",
        "SELL 0.4319 NEW",
        "SELL 0.4319 FILLED",
        "BUY 0.4310 NEW",
    ];
    assert_eq!(log, expected);
}

#[test]
fn falling_prices_open_traders_until_every_chunk_is_in_use() {
    let prices = (0..200).map(|step| Price::from(decimal("1") - Decimal::new(step.into(), 3)));
    let report = replay(prices, &terms(), 3, FillRule::Through);
    assert_eq!((report.peak_traders, report.open.len(), report.cycles), (3, 3, 0));
    assert_eq!((report.rebuys_offered, report.rebuys_refused), (3, 1));
}
