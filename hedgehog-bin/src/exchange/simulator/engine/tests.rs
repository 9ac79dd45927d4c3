use super::*;
use crate::market::{SymbolFilters, SymbolStatus, parse_decimal};
use proptest::prelude::*;

fn xrpusdt() -> SymbolInfo {
    let decimal = |text| parse_decimal(text).expect(text);
    let mut filters = SymbolFilters::of(decimal("0.00001"), decimal("0.1"));
    filters.min_notional = decimal("5");
    filters.max_num_orders = Some(4);
    SymbolInfo {
        symbol: "XRPUSDT".parse().expect("a symbol"),
        status: SymbolStatus::Trading,
        base_asset: "XRP".into(),
        quote_asset: "USDT".into(),
        filters,
    }
}

fn engine(rule: FillRule) -> Engine {
    Engine::new(rule, [xrpusdt()])
}

fn units(text: &str) -> Fixed {
    text.parse().expect(text)
}

fn symbol() -> Symbol {
    xrpusdt().symbol
}

fn order(side: Side, price: &str, quantity: &str) -> Placement {
    Placement {
        symbol: symbol(),
        side,
        price: units(price),
        quantity: units(quantity),
        client_order_id: None,
    }
}

fn filled_ids(engine: &mut Engine, price: &str) -> Vec<i64> {
    engine
        .trade(&symbol(), units(price), 7, 2_000)
        .into_iter()
        .map(|fill| fill.order.order_id)
        .collect()
}

#[test]
fn through_needs_a_better_price_and_touch_does_not() {
    for (rule, at_the_price, better) in [(FillRule::Touch, 1, 0), (FillRule::Through, 0, 1)] {
        let mut engine = engine(rule);
        engine
            .place(order(Side::Buy, "0.43844", "456.1"), 1_000)
            .expect("accepted");
        assert_eq!(filled_ids(&mut engine, "0.43845").len(), 0, "{rule}: above");
        assert_eq!(filled_ids(&mut engine, "0.43844").len(), at_the_price, "{rule}: at");
        assert_eq!(filled_ids(&mut engine, "0.43843").len(), better, "{rule}: below");
    }
}

#[test]
fn equal_prices_fill_oldest_first_and_better_prices_before_them() {
    let mut engine = engine(FillRule::Through);
    for price in ["0.43", "0.44", "0.43", "0.42"] {
        engine.place(order(Side::Buy, price, "100"), 1_000).expect("accepted");
    }
    assert_eq!(filled_ids(&mut engine, "0.425"), [2, 1, 3]);
    assert_eq!(engine.open_orders(None).len(), 1);
}

#[test]
fn a_fill_tells_everything_and_settles_with_commission_in_the_quote_asset() {
    let mut engine = engine(FillRule::Through);
    let before = engine.account().balance("USDT").free;
    engine
        .place(order(Side::Buy, "0.43844", "456.1"), 1_000)
        .expect("accepted");
    assert_eq!(
        engine.account().balance("USDT").locked,
        units("200.17245649"),
        "199.972484 and 0.1 %, rounded up"
    );
    let fill = engine.trade(&symbol(), units("0.43"), 7, 2_000).remove(0);
    assert_eq!(fill.order.status, OrderStatus::Filled);
    assert_eq!(fill.order.executed_quantity, fill.order.original_quantity);
    assert_eq!(fill.order.cummulative_quote_quantity.to_string(), "199.97248400");
    assert_eq!((fill.order.time, fill.order.update_time), (1_000, 2_000));
    assert_eq!(
        (fill.commission, fill.commission_asset.as_str()),
        (units("0.19997249"), "USDT")
    );
    assert_eq!(engine.account().balance("XRP").free, units("456.1"));

    engine
        .place(order(Side::Sell, "0.43879", "456.1"), 3_000)
        .expect("what was bought can be sold in whole");
    engine.trade(&symbol(), units("0.5"), 8, 4_000);
    assert_eq!(engine.account().balance("XRP"), Balance::default());
    let earned = units("200.132119") - units("0.20013212") - units("200.17245649");
    assert_eq!(engine.account().balance("USDT").free, before + earned);
}

#[test]
fn refusals_change_nothing() {
    let mut engine = engine(FillRule::Through);
    let code = |engine: &mut Engine, placement| engine.place(placement, 0).expect_err("refused");
    assert_eq!(
        code(&mut engine, order(Side::Sell, "0.4", "100")).code,
        -2010,
        "nothing to sell"
    );
    assert_eq!(
        code(&mut engine, order(Side::Buy, "0.400001", "100")).msg,
        "Filter failure: PRICE_FILTER"
    );
    assert_eq!(
        code(&mut engine, order(Side::Buy, "0.4", "100.01")).msg,
        "Filter failure: LOT_SIZE"
    );
    assert_eq!(
        code(&mut engine, order(Side::Buy, "0.4", "10")).msg,
        "Filter failure: NOTIONAL"
    );
    let elsewhere = Placement {
        symbol: "NOSUCH".parse().expect("a symbol"),
        ..order(Side::Buy, "1", "10")
    };
    assert_eq!(code(&mut engine, elsewhere).code, -1121);

    let named = Placement {
        client_order_id: Some("mine".into()),
        ..order(Side::Buy, "0.4", "100")
    };
    engine.place(named.clone(), 0).expect("accepted");
    assert_eq!(code(&mut engine, named.clone()).msg, "Duplicate order sent.");
    assert_eq!(engine.last_order_id(&symbol()), 1);

    let key = OrderKey::Client("mine".into());
    assert_eq!(
        engine.cancel(&symbol(), &key, 5).expect("open").status,
        OrderStatus::Canceled
    );
    assert_eq!(engine.cancel(&symbol(), &key, 6).expect_err("gone").code, -2011);
    assert_eq!(engine.account().balance("USDT").locked, Fixed::ZERO);
    engine.place(named, 0).expect("the client id is free again");
    for _ in 0..3 {
        engine.place(order(Side::Buy, "0.4", "100"), 0).expect("accepted");
    }
    assert_eq!(
        code(&mut engine, order(Side::Buy, "0.4", "100")).msg,
        "Filter failure: MAX_NUM_ORDERS"
    );
}

#[test]
fn a_restored_engine_goes_on_where_the_old_one_was() {
    let mut old = engine(FillRule::Through);
    old.place(order(Side::Buy, "0.43", "100"), 1_000).expect("accepted");
    old.place(order(Side::Buy, "0.44", "100"), 1_000).expect("accepted");
    filled_ids(&mut old, "0.435");
    let mut new = engine(FillRule::Through);
    for (asset, balance) in old.account().balances() {
        new.restore_balance(asset.to_owned(), balance);
    }
    for order in old.open_orders(None) {
        assert!(new.restore_order(order));
    }
    new.restore_last_order_id(&symbol(), old.last_order_id(&symbol()));
    assert_eq!(filled_ids(&mut new, "0.42"), [1]);
    assert_eq!(
        new.place(order(Side::Sell, "0.5", "200"), 0)
            .expect("both fills are owned")
            .order_id,
        3
    );
}

#[derive(Clone, Debug)]
enum Step {
    Place { side: Side, price: i64, quantity: i64 },
    Cancel(i64),
    Trade(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop_oneof![
        (side, 40_000i64..44_000, 1i64..100_000).prop_map(|(side, price, quantity)| Step::Place {
            side,
            price,
            quantity
        }),
        (1i64..40).prop_map(Step::Cancel),
        (40_000i64..44_000).prop_map(Step::Trade),
    ]
}

proptest! {
    /// No balance is ever negative; the locked part is what the open orders would spend; money only moves or is taken
    /// as commission.
    #[test]
    fn balances_are_conserved(steps in prop::collection::vec(step(), 1..120)) {
        let mut engine = engine(FillRule::Touch);
        let info = xrpusdt();
        let started = engine.account().balance("USDT").free;
        let (mut paid, mut earned, mut bought, mut sold, mut commission) =
            (Fixed::ZERO, Fixed::ZERO, Fixed::ZERO, Fixed::ZERO, Fixed::ZERO);
        let mut last_id = 0;
        for step in steps {
            match step {
                Step::Place { side, price, quantity } => {
                    let price = Fixed::from_raw(price * 1_000);
                    let quantity = Fixed::from_raw(quantity * 10_000_000);
                    let placement = Placement { symbol: symbol(), side, price, quantity, client_order_id: None };
                    if let Ok(order) = engine.place(placement, 0) {
                        prop_assert_eq!(order.order_id, last_id + 1);
                        last_id = order.order_id;
                    }
                }
                Step::Cancel(id) => {
                    let _ = engine.cancel(&symbol(), &OrderKey::Id(id), 0);
                }
                Step::Trade(price) => {
                    let price = Fixed::from_raw(price * 1_000);
                    for fill in engine.trade(&symbol(), price, 1, 0) {
                        let quote = Fixed::from_decimal(fill.order.cummulative_quote_quantity.value()).expect("exact");
                        let quantity = Fixed::from_decimal(fill.order.executed_quantity.value()).expect("exact");
                        commission += fill.commission;
                        match fill.order.side {
                            Side::Buy => { paid += quote; bought += quantity; }
                            Side::Sell => { earned += quote; sold += quantity; }
                        }
                    }
                    prop_assert!(!engine.crosses(&symbol(), price), "nothing that the trade fills is left");
                }
            }
            let (usdt, xrp) = (engine.account().balance("USDT"), engine.account().balance("XRP"));
            for amount in [usdt.free, usdt.locked, xrp.free, xrp.locked] {
                prop_assert!(amount >= Fixed::ZERO);
            }
            prop_assert_eq!(usdt.free + usdt.locked + paid + commission, started + earned);
            prop_assert_eq!(xrp.free + xrp.locked + sold, bought);
            let spent = |asset: &str| -> Fixed {
                (engine.open_orders(None).iter())
                    .map(|order| {
                        let price = Fixed::from_decimal(order.price.value()).expect("exact");
                        let quantity = Fixed::from_decimal(order.original_quantity.value()).expect("exact");
                        Settlement::of(&info, order.side, price, quantity).spent
                    })
                    .map(|(spent, amount)| if spent == asset { amount } else { Fixed::ZERO })
                    .sum()
            };
            prop_assert_eq!((usdt.locked, xrp.locked), (spent("USDT"), spent("XRP")));
        }
    }
}
