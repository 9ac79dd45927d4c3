use super::*;
use crate::market::parse_decimal;
use crate::naive::position::Leg;

fn decimal(text: &str) -> Decimal {
    parse_decimal(text).expect(text)
}

fn price(text: &str) -> Price {
    text.parse().expect(text)
}

fn quantity(text: &str) -> Quantity {
    text.parse().expect(text)
}

fn terms(chunk: &str, [buy_down, profit, rebuy]: [&str; 3], tick: &str, step: &str) -> Terms {
    Terms {
        chunk: decimal(chunk),
        buy_down_interval: decimal(buy_down),
        profit_interval: decimal(profit),
        rebuy_interval: decimal(rebuy),
        filters: SymbolFilters::of(decimal(tick), decimal(step)),
    }
}

fn leg(price_text: &str, ordered: &str, executed: &str, state: LegState) -> Leg {
    Leg {
        client_order_id: "ours".to_owned(),
        order_id: Some(1),
        price: price(price_text),
        quantity: quantity(ordered),
        executed: quantity(executed),
        paid: None,
        state,
    }
}

#[test]
fn buy_prices_are_floored_to_the_tick() {
    for (market, interval, tick, expected) in [
        ("0.43183010", "0.0025", "0.0001", "0.4307"),
        ("0.43183010", "0.0025", "0.00010000", "0.43070000"),
        ("0.43205", "0.0025", "0.0001", "0.4309"),
        ("0.43210", "0.0025", "0.0001", "0.4310"),
        ("1.0", "0.2", "0.000001", "0.800000"),
    ] {
        let terms = terms("1", [interval, "0", "0"], tick, "1");
        assert_eq!(terms.buy_price(&price(market)).to_string(), expected, "{market}");
    }
}

#[test]
fn sell_prices_cover_both_fees_and_the_profit() {
    for (bought, profit, tick, expected) in [
        ("0.4307", "0.001", "0.0001", "0.4319"),
        ("1.00", "0.01", "0.0001", "1.0120"),
        ("0.44391", "-0.0012", "0.00001", "0.44426"),
        ("37.549", "-0.0012", "0.001", "37.578"),
        ("38.16", "-0.0012", "0.01", "38.19"),
        ("100", "0.02", "0.01", "102.20"),
        ("8.175", "-0.0012", "0.001", "8.181"),
    ] {
        let terms = terms("1", ["0", profit, "0"], tick, "1");
        assert_eq!(terms.sell_price(&price(bought)).to_string(), expected, "{bought}");
    }
}

#[test]
fn quantities_are_floored_to_the_step() {
    for (chunk, at, step, expected) in [
        ("200", "37.549", "0.001", "5.326"),
        ("200", "0.44391", "0.1", "450.5"),
        ("200", "0.4307", "0.001", "464.360"),
        ("20", "0.4307", "0.01", "46.43"),
        ("20", "8.175", "0.001", "2.446"),
        ("10", "0.99", "1", "10"),
        ("40", "0.8", "0.001", "50.000"),
    ] {
        let terms = terms(chunk, ["0", "0", "0"], "0.0001", step);
        assert_eq!(terms.quantity(&price(at)).to_string(), expected, "{chunk} at {at}");
    }
}

#[test]
fn a_price_that_floors_to_nothing_parks_instead_of_dividing_by_zero() {
    let terms = terms("20", ["0.0025", "0.001", "0.1"], "1", "0.1");
    let decision = decide(&Position::default(), Some(&price("0.5")), &terms, false);
    assert!(
        matches!(&decision, Decision::Park(broken) if broken.filter == "PRICE_FILTER"),
        "{decision:?}"
    );
}

/// Tick 0.0001, step 0.01, chunk 20, buy 0.25 % below, 0.1 % profit, rebuy 10 % below.
fn usual() -> Terms {
    terms("20", ["0.0025", "0.001", "0.1"], "0.0001", "0.01")
}

fn quote(at: &str, of: &str) -> Quote {
    Quote {
        price: price(at),
        quantity: quantity(of),
    }
}

/// One row of the decision table: the position, the market's price, and the answers while trading and while draining.
type Row = (Position, Option<&'static str>, Decision, Decision);

#[test]
fn the_decision_table_holds() {
    use LegState::{Ended, Unconfirmed, Working};
    let held = |buy: Option<Leg>, sell: Option<Leg>| Position {
        buy,
        sell,
        ..Position::default()
    };
    let notified = |position: Position| Position {
        rebuy_notified: true,
        ..position
    };
    let working_buy = || Some(leg("1.0000", "20.00", "0", Working));
    let filled_buy = || Some(leg("1.0000", "20.00", "20.00", Ended));
    let sold = |executed, state| Some(leg("1.0030", "20.00", executed, state));
    let same = |position, price, decision: Decision| (position, price, decision.clone(), decision);

    let rows: Vec<Row> = vec![
        // Ready.
        (
            held(None, None),
            Some("0.43183010"),
            Decision::Buy(quote("0.4307", "46.43")),
            Decision::Withdraw,
        ),
        (held(None, None), None, Decision::Wait, Decision::Withdraw),
        // The buy order is out.
        same(
            held(Some(leg("1.0000", "20.00", "0", Unconfirmed)), None),
            Some("0.5"),
            Decision::Wait,
        ),
        (
            held(working_buy(), None),
            Some("1.1"),
            Decision::Wait,
            Decision::CancelBuy,
        ),
        (
            held(working_buy(), None),
            Some("0.89"),
            Decision::OfferRebuy,
            Decision::CancelBuy,
        ),
        (
            held(working_buy(), None),
            Some("0.9"),
            Decision::Wait,
            Decision::CancelBuy,
        ),
        (
            notified(held(working_buy(), None)),
            Some("0.89"),
            Decision::Wait,
            Decision::CancelBuy,
        ),
        // A price through the order is not a fill.
        (
            notified(held(working_buy(), None)),
            Some("0.1"),
            Decision::Wait,
            Decision::CancelBuy,
        ),
        (
            held(Some(leg("1.0000", "20.00", "5", Working)), None),
            Some("1"),
            Decision::Wait,
            Decision::CancelBuy,
        ),
        // The buy order has ended.
        same(
            held(Some(leg("1.0000", "20.00", "0", Ended)), None),
            Some("1"),
            Decision::Withdraw,
        ),
        same(held(filled_buy(), None), None, Decision::Sell(quote("1.0030", "20.00"))),
        same(
            held(filled_buy(), None),
            Some("0.89"),
            Decision::Sell(quote("1.0030", "20.00")),
        ),
        same(
            held(Some(leg("1.0000", "20.00", "5.00000000", Ended)), None),
            None,
            Decision::Sell(quote("1.0030", "5.00")),
        ),
        // The sell order is out.
        same(held(filled_buy(), sold("0", Unconfirmed)), Some("0.5"), Decision::Wait),
        (
            held(filled_buy(), sold("0", Working)),
            Some("0.89"),
            Decision::OfferRebuy,
            Decision::Wait,
        ),
        same(
            notified(held(filled_buy(), sold("0", Working))),
            Some("0.89"),
            Decision::Wait,
        ),
        same(held(filled_buy(), sold("0", Working)), Some("2"), Decision::Wait),
        // The sell order has ended.
        same(held(filled_buy(), sold("20.0", Ended)), Some("0.89"), Decision::Finish),
        same(
            held(filled_buy(), sold("15", Ended)),
            None,
            Decision::Sell(quote("1.0030", "5.00")),
        ),
    ];
    for (position, market, trading, draining) in rows {
        let market = market.map(price);
        assert_eq!(
            decide(&position, market.as_ref(), &usual(), false),
            trading,
            "trading: {position:?} at {market:?}"
        );
        assert_eq!(
            decide(&position, market.as_ref(), &usual(), true),
            draining,
            "draining: {position:?} at {market:?}"
        );
    }
}

#[test]
fn what_breaks_a_filter_is_parked_and_not_sent() {
    let mut terms = usual();
    terms.filters.min_notional = decimal("25");
    let decision = decide(&Position::default(), Some(&price("1")), &terms, false);
    assert!(
        matches!(&decision, Decision::Park(broken) if broken.filter == "NOTIONAL"),
        "{decision:?}"
    );

    terms.filters.step_size = decimal("100");
    let decision = decide(&Position::default(), Some(&price("1")), &terms, false);
    assert!(
        matches!(&decision, Decision::Park(broken) if broken.filter == "LOT_SIZE"),
        "{decision:?}"
    );
}

proptest::proptest! {
    #[test]
    fn a_buy_spends_at_most_its_chunk_and_a_sale_at_no_profit_covers_the_fees(
        market in 1_000u64..100_000_000, tick in 0i64..5, step in 0i64..6, chunk in 10u64..100_000,
    ) {
        let unit = |scale: i64| Decimal::new(1.into(), scale);
        let terms = Terms {
            chunk: Decimal::from(chunk),
            buy_down_interval: decimal("0.002"),
            profit_interval: Decimal::from(0),
            rebuy_interval: decimal("0.005"),
            filters: SymbolFilters::of(unit(tick), unit(step)),
        };
        let market = Price::from(Decimal::new(market.into(), 3));
        let bought = terms.buy_price(&market);
        proptest::prop_assume!(!bought.is_zero());
        let spent = |quantity: &Decimal| bought.value() * quantity;
        let quantity = terms.quantity(&bought).into_inner();
        assert!(bought <= market && spent(&quantity) <= terms.chunk);
        assert!(spent(&(quantity + unit(step))) > terms.chunk, "not the greatest quantity");
        // The floor to the tick may take back at most one tick of what the two fees need.
        let sold = terms.sell_price(&bought);
        assert!(sold.value() + unit(tick) > bought.value() * decimal("1.002001"));
    }
}

/// The table of decisions as it reads in decimals, without anything that is worked out before: what a [`Stance`] is held against.
fn in_decimals(position: &Position, price: Option<&Price>, terms: &Terms, draining: bool) -> Decision {
    let checked = |price: Price, quantity: Quantity, decision: fn(Quote) -> Decision| match terms
        .filters
        .check(&price, &quantity)
    {
        Ok(()) => decision(Quote { price, quantity }),
        Err(violation) => Decision::Park(violation),
    };
    let sell = |price: Price, quantity: Decimal| {
        checked(
            price,
            floor_to(&quantity, &terms.filters.step_size).into(),
            Decision::Sell,
        )
    };
    let rebuy = |bought: &Price| {
        let fallen = |price: &Price| *price.value() < bought.value() * (Decimal::from(1) - &terms.rebuy_interval);
        if !draining && !position.rebuy_notified && price.is_some_and(fallen) {
            Decision::OfferRebuy
        } else {
            Decision::Wait
        }
    };
    match (&position.buy, &position.sell) {
        (None, _) if draining => Decision::Withdraw,
        (None, _) => price.map_or(Decision::Wait, |market| {
            let price = terms.buy_price(market);
            let quantity = terms.quantity(&price);
            checked(price, quantity, Decision::Buy)
        }),
        (Some(buy), None) => match buy.state {
            LegState::Unconfirmed => Decision::Wait,
            LegState::Working if draining => Decision::CancelBuy,
            LegState::Working => rebuy(&buy.price),
            LegState::Ended if buy.executed.is_zero() => Decision::Withdraw,
            LegState::Ended => sell(terms.sell_price(&buy.price), buy.executed.value().clone()),
        },
        (Some(buy), Some(sold)) => match sold.state {
            LegState::Unconfirmed => Decision::Wait,
            LegState::Working => rebuy(&buy.price),
            LegState::Ended if sold.executed >= sold.quantity => Decision::Finish,
            LegState::Ended => sell(sold.price.clone(), sold.quantity.value() - sold.executed.value()),
        },
    }
}

/// An order at prices that are as fine as an exchange's, and finer than any.
fn any_leg() -> impl proptest::strategy::Strategy<Value = Option<Leg>> {
    use proptest::prelude::*;
    let state = proptest::sample::select(&[LegState::Unconfirmed, LegState::Working, LegState::Ended][..]);
    let leg = (9_000i64..11_000, 3i64..12, 0i64..4, state).prop_map(|(digits, scale, executed, state)| Leg {
        price: Decimal::new(digits.into(), scale).into(),
        executed: Decimal::from(executed).into(),
        ..leg("1", "3", "0", state)
    });
    proptest::option::weighted(0.8, leg)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]
    #[test]
    fn scaled_integers_decide_as_decimals_do(
        buy in any_leg(), sell in any_leg(), rebuy_notified: bool, draining: bool,
        interval in -50i64..500, places in 2i64..10,
        prices in proptest::collection::vec((proptest::option::of(7_000i64..12_000), 3i64..12, -2i64..3), 1..20),
    ) {
        let mut terms = usual();
        terms.rebuy_interval = Decimal::new(interval.into(), places);
        let threshold = buy.as_ref().map(|buy| terms.rebuy_below(&buy.price));
        let position = Position { buy, sell, rebuy_notified, ..Position::default() };
        let stance = Stance::of(&position, &terms, draining);
        for (digits, scale, beside) in prices {
            // Anywhere, or beside the price where the decision turns.
            let price = match (digits, &threshold) {
                (Some(digits), _) => Some(Decimal::new(digits.into(), scale)),
                (None, Some(threshold)) => Some(threshold + Decimal::new(beside.into(), scale)),
                (None, None) => None,
            };
            let price = price.map(Price::from);
            let expected = in_decimals(&position, price.as_ref(), &terms, draining);
            proptest::prop_assert_eq!(&stance.at(price.as_ref().map(Level::of), &terms), &expected);
            proptest::prop_assert_eq!(&decide(&position, price.as_ref(), &terms, draining), &expected);
        }
    }
}
