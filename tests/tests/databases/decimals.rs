//! Decimals are exact and in numeric order.

use diesel::prelude::*;
use hedgehog_bin::databases::DATA_WAREHOUSE;
use hedgehog_bin::store::{Decimal, decimal_sum};
use hedgehog_bin::warehouse::rows::TradeEventRow;
use hedgehog_bin::warehouse::schema::trade_events::{price, symbol, table as trade_events, trade_id};
use hedgehog_bin::warehouse::writer::insert_trade_events;

use crate::batches::trade;
use crate::engine::{Engine, Fresh, decimal};

/// A warehouse with a trade at each of the prices.
async fn filled(engine: &Engine, prices: &[&str]) -> Fresh {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let row = |(id, text): (i64, &&str)| TradeEventRow {
        price: decimal(text),
        ..trade("BTCUSDT", id)
    };
    let rows: Vec<_> = (1..).zip(prices).map(row).collect();
    let inserted = insert_trade_events(&fresh.db, rows.into()).await;
    assert_eq!(inserted.expect("inserts"), prices.len());
    fresh
}

fn texts(prices: &[Decimal]) -> Vec<String> {
    prices.iter().map(ToString::to_string).collect()
}

pub(crate) async fn a_decimal_comes_back_with_every_digit_and_its_scale(engine: Engine) {
    let prices = [
        "61079.19000000",
        "0.00000000",
        "-0.1",
        "99999999.99999999",
        "123456789012345678.12345678",
        "123456789012345678901234567890.123456789012345678901234567890",
        "-340282366920938463463374607431768211456",
        "0.00000000000000000000000000000000000000000000000001",
    ];
    let fresh = filled(&engine, &prices).await;
    let stored = fresh.db.fetch(trade_events.select(price).order(trade_id)).await;
    assert_eq!(texts(&stored.expect("reads")), prices);
}

pub(crate) async fn comparisons_are_numeric(engine: Engine) {
    let fresh = filled(&engine, &["10.0", "9.0", "9.50", "100", "-20", "0.00000001"]).await;
    let above = trade_events.select(price).filter(price.gt(decimal("9.5"))).order(price);
    assert_eq!(texts(&fresh.db.fetch(above).await.expect("reads")), ["10.0", "100"]);
    let equal = trade_events.select(price).filter(price.eq(decimal("9.5")));
    assert_eq!(texts(&fresh.db.fetch(equal).await.expect("reads")), ["9.50"]);
    let ascending = fresh.db.fetch(trade_events.select(price).order(price.asc())).await;
    let ascending = texts(&ascending.expect("reads"));
    assert_eq!(ascending, ["-20", "0.00000001", "9.0", "9.50", "10.0", "100"]);
    let largest = fresh
        .db
        .fetch_one::<Option<Decimal>>(trade_events.select(diesel::dsl::max(price)));
    assert_eq!(largest.await.expect("reads"), Some(decimal("100")));
}

pub(crate) async fn a_sum_is_exact(engine: Engine) {
    let fresh = filled(&engine, &["0.1", "0.2", "123456789012345678.12345678", "-0.00000001"]).await;
    let sum = fresh
        .db
        .fetch_one::<Option<Decimal>>(trade_events.select(decimal_sum(price)));
    assert_eq!(sum.await.expect("reads"), Some(decimal("123456789012345678.42345677")));
    let none = trade_events.filter(symbol.eq("NONE")).select(decimal_sum(price));
    assert_eq!(fresh.db.fetch_one::<Option<Decimal>>(none).await.expect("reads"), None);
}
