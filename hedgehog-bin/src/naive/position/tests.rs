//! What answers, queries and reports do to a position, whatever the order in which they come.

use super::*;
use crate::market::{OrderStatus, OrderType, TimeInForce};

fn quantity(text: &str) -> Quantity {
    text.parse().expect(text)
}

fn leg(price: &str, ordered: &str) -> Leg {
    Leg::intended(
        "ours".to_owned(),
        Quote {
            price: price.parse().expect(price),
            quantity: quantity(ordered),
        },
    )
}

/// A state of the order that `leg(price, "20")` is.
fn told(side: Side, price: &str, executed: &str, status: OrderStatus) -> Order {
    Order {
        order_id: 7,
        client_order_id: "ours".to_owned(),
        symbol: "XRPUSDT".parse().expect("a symbol"),
        price: price.parse().expect(price),
        original_quantity: quantity("20"),
        executed_quantity: quantity(executed),
        cummulative_quote_quantity: Quantity::zero(),
        status,
        time_in_force: TimeInForce::Gtc,
        order_type: OrderType::Limit,
        side,
        stop_price: Price::zero(),
        iceberg_quantity: Quantity::zero(),
        time: 0,
        update_time: 0,
    }
}

#[test]
fn late_and_repeated_states_change_nothing() {
    let mut position = Position {
        buy: Some(leg("1.0", "20")),
        ..Position::default()
    };
    let mut absorb = |executed, status| position.absorb(Side::Buy, &told(Side::Buy, "1.0", executed, status));
    assert_eq!(
        absorb("0", OrderStatus::New),
        Some(Change {
            confirmed: true,
            ended: false
        })
    );
    assert_eq!(absorb("0", OrderStatus::New), None);
    assert_eq!(
        absorb("20", OrderStatus::Filled),
        Some(Change {
            confirmed: false,
            ended: true
        })
    );
    assert_eq!(absorb("5", OrderStatus::PartiallyFilled), None);
    assert_eq!(absorb("20", OrderStatus::Filled), None);
    let buy = position.buy.expect("a buy");
    assert_eq!(
        (buy.state, buy.executed, buy.order_id),
        (LegState::Ended, quantity("20"), Some(7))
    );
}

#[test]
fn the_gain_of_a_sell_is_booked_once_and_counts_what_was_really_sold() {
    let (buy, sell) = (Some(leg("1.0", "20")), Some(leg("1.003", "20")));
    let mut position = Position {
        buy,
        sell,
        realised: Decimal::new((-4).into(), 2),
        ..Position::default()
    };
    let cancelled = told(Side::Sell, "1.003", "15", OrderStatus::Canceled);
    position.absorb(Side::Sell, &cancelled);
    position.absorb(Side::Sell, &cancelled);
    assert_eq!(position.realised, Decimal::new(5.into(), 3));
    let rest = position.sell.expect("what is left");
    assert_eq!(
        (rest.quantity, rest.order_id, rest.state),
        (quantity("5"), None, LegState::Ended)
    );
}

#[test]
fn an_order_of_another_world_under_our_id_is_never_absorbed() {
    let mut ours = leg("1.0", "20");
    let position = |leg: &Leg| Position {
        buy: Some(leg.clone()),
        ..Position::default()
    };
    let new = told(Side::Buy, "1.0", "0", OrderStatus::New);
    assert_eq!(
        position(&ours).claim(&new),
        Some(Claim::Ours(Side::Buy)),
        "by its client order id"
    );
    ours.order_id = Some(7);
    ours.state = LegState::Working;
    let filled = told(Side::Buy, "1.0", "20", OrderStatus::Filled);
    assert_eq!(position(&ours).claim(&filled), Some(Claim::Ours(Side::Buy)));
    let changed = |change: fn(&mut Order)| {
        let mut order = filled.clone();
        change(&mut order);
        order
    };
    for foreign in [
        changed(|order| order.side = Side::Sell),
        changed(|order| order.price = "1.1".parse().expect("a price")),
        changed(|order| order.original_quantity = quantity("7")),
        changed(|order| order.client_order_id = "theirs".to_owned()),
        changed(|order| order.order_id = 8),
    ] {
        let mut position = position(&ours);
        assert_eq!(position.claim(&foreign), Some(Claim::Foreign(Side::Buy)), "{foreign:?}");
        assert_eq!(position.absorb(Side::Buy, &foreign), None);
        assert_eq!(position.buy.as_ref(), Some(&ours));
    }
    let nobodys = changed(|order| (order.order_id, order.client_order_id) = (8, String::new()));
    assert_eq!(position(&ours).claim(&nobodys), None);
    // Under the name of the cancellation, which is the only thing that differs.
    let mut cancelled = told(Side::Buy, "1.0", "5", OrderStatus::Canceled);
    cancelled.client_order_id = "of the cancellation".to_owned();
    assert_eq!(position(&ours).claim(&cancelled), Some(Claim::Ours(Side::Buy)));
}

#[test]
fn what_was_paid_counts_where_it_is_told_and_the_limit_where_it_is_not() {
    let decimal = |text: &str| crate::market::parse_decimal(text).expect(text);
    let at = |price, executed, quote: &str, status| Order {
        cummulative_quote_quantity: quantity(quote),
        ..told(Side::Buy, price, executed, status)
    };
    let mut position = Position {
        buy: Some(leg("1.0", "20")),
        ..Position::default()
    };
    // Better than its limit by a tenth.
    position.absorb(Side::Buy, &at("1.0", "20", "18", OrderStatus::Filled));
    assert_eq!((position.held(), position.cost()), (decimal("20"), decimal("18")));
    assert_eq!(position.uncharged, decimal("20"), "no commission is known of it");
    position.sell = Some(leg("1.1", "20"));
    let sold = |executed, quote, status| Order {
        side: Side::Sell,
        ..at("1.1", executed, quote, status)
    };
    position.absorb(Side::Sell, &sold("5", "-1", OrderStatus::PartiallyFilled));
    assert_eq!((position.held(), position.cost()), (decimal("15"), decimal("12.5")));
    position.absorb(Side::Sell, &sold("20", "24", OrderStatus::Filled));
    assert_eq!(position.realised, decimal("6"));
    assert_eq!((position.held(), position.cost()), (decimal("0"), decimal("-6")));
}

#[test]
fn an_order_that_never_arrived_is_forgotten_but_not_what_is_left_to_sell() {
    let mut position = Position {
        buy: Some(leg("1.0", "20")),
        ..Position::default()
    };
    position.forget(Side::Buy);
    assert_eq!(position.buy, None);

    let mut bought = leg("1.0", "20");
    bought.executed = quantity("20");
    let mut position = Position {
        buy: Some(bought),
        sell: Some(leg("1.1", "20")),
        ..Position::default()
    };
    position.forget(Side::Sell);
    assert_eq!(position.sell, None);

    position.sell = Some(leg("1.1", "5"));
    position.forget(Side::Sell);
    let rest = position.sell.expect("what is left");
    assert_eq!((rest.state, rest.quantity), (LegState::Ended, quantity("5")));
}
