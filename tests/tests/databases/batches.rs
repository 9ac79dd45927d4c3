//! The warehouse's batches: each trade once, and no order goes back in time.

use std::sync::Arc;

use diesel::prelude::*;
use futures_util::future::join_all;
use hedgehog_bin::databases::DATA_WAREHOUSE;
use hedgehog_bin::store::{Db, Decimal, Id, StoreError, columns, decimal_sum};
use hedgehog_bin::warehouse::rows::{OrderRow, TradeEventRow};
use hedgehog_bin::warehouse::schema::{orders, subscriber_settings as settings, trade_events};
use hedgehog_bin::warehouse::writer::{Written, insert_trade_events, store_orders, store_trade_events, upsert_orders};

use crate::engine::{Engine, decimal, moment};

/// A trade as the exchange tells it.
pub(crate) fn trade(symbol: &str, trade_id: i64) -> TradeEventRow {
    TradeEventRow {
        id: Id::new(),
        event_type: "trade".into(),
        event_time: 1_700_000_000_000 + trade_id,
        symbol: symbol.into(),
        trade_id,
        price: decimal("61079.19000000"),
        quantity: decimal("0.00100000"),
        trade_time: 1_700_000_000_000 + trade_id,
        buyer_market_maker: trade_id % 2 == 0,
        inserted_at: moment(trade_id),
        updated_at: moment(trade_id),
        epoch: 0,
    }
}

fn order(status: &str, executed: &str, update_time: i64) -> OrderRow {
    OrderRow {
        order_id: 1,
        client_order_id: "hh-1".into(),
        symbol: "BTCUSDT".into(),
        price: decimal("61000"),
        original_quantity: decimal("10"),
        executed_quantity: decimal(executed),
        cummulative_quote_quantity: decimal(executed),
        status: status.into(),
        time_in_force: "GTC".into(),
        type_: "LIMIT".into(),
        side: "BUY".into(),
        stop_price: decimal("0"),
        iceberg_quantity: decimal("0"),
        time: 5,
        update_time,
        inserted_at: moment(update_time),
        updated_at: moment(update_time),
    }
}

async fn stored(db: &Db) -> OrderRow {
    db.fetch_one(orders::table.select(columns::<OrderRow>()))
        .await
        .expect("one order")
}

pub(crate) async fn a_batch_of_trades_round_trips(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let rows: Arc<[_]> = (1..=3000).map(|trade_id| trade("BTCUSDT", trade_id)).collect();
    assert_eq!(
        insert_trade_events(&fresh.db, rows.clone()).await.expect("inserts"),
        3000
    );
    let read = fresh
        .db
        .fetch::<TradeEventRow>(trade_events::table.order(trade_events::trade_id))
        .await;
    assert_eq!(read.expect("reads"), *rows);
    let volume = trade_events::table.select(decimal_sum(trade_events::quantity));
    let volume = fresh.db.fetch_one::<Option<Decimal>>(volume).await.expect("sums");
    assert_eq!(volume, Some(decimal("3")));
}

pub(crate) async fn trades_that_stand_already_are_left_out_and_not_counted(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let first: Arc<[_]> = [trade("BTCUSDT", 1), trade("BTCUSDT", 2)].into();
    assert_eq!(insert_trade_events(&fresh.db, first.clone()).await.expect("inserts"), 2);
    assert_eq!(
        insert_trade_events(&fresh.db, first.clone())
            .await
            .expect("the same again"),
        0
    );
    // Twice within one batch, once before it, once for another symbol.
    let second = [
        trade("BTCUSDT", 2),
        trade("BTCUSDT", 3),
        trade("BTCUSDT", 3),
        trade("ETHUSDT", 2),
    ];
    assert_eq!(insert_trade_events(&fresh.db, second.into()).await.expect("inserts"), 2);
    assert_eq!(
        insert_trade_events(&fresh.db, [].into()).await.expect("nothing to do"),
        0
    );
    let kept = trade_events::table.order(trade_events::trade_id).limit(2);
    assert_eq!(fresh.db.fetch::<TradeEventRow>(kept).await.expect("reads"), *first);
}

pub(crate) async fn a_batch_with_an_impossible_row_stores_nothing(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let mut bad = trade("BTCUSDT", 2);
    bad.price = decimal("1e5000");
    let error = insert_trade_events(&fresh.db, [trade("BTCUSDT", 1), bad].into())
        .await
        .expect_err("does not fit");
    assert!(!error.is_transient(), "{error:?}");
    assert_eq!(
        fresh
            .db
            .fetch_one::<i64>(trade_events::table.count())
            .await
            .expect("counts"),
        0
    );
    let good = [trade("BTCUSDT", 1)].into();
    assert_eq!(
        insert_trade_events(&fresh.db, good)
            .await
            .expect("the writer still works"),
        1
    );
}

pub(crate) async fn a_new_order_becomes_filled_in_place(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let states = [
        order("NEW", "0", 10),
        order("PARTIALLY_FILLED", "9.5", 20),
        order("FILLED", "10", 20),
    ];
    assert_eq!(upsert_orders(&fresh.db, &states).await.expect("stores"), 3);
    let expected = OrderRow {
        inserted_at: moment(10),
        ..order("FILLED", "10", 20)
    };
    assert_eq!(stored(&fresh.db).await, expected);
}

pub(crate) async fn an_older_state_never_overwrites_a_newer_one(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let current = order("PARTIALLY_FILLED", "9.0", 20);
    upsert_orders(&fresh.db, std::slice::from_ref(&current))
        .await
        .expect("stores");
    for late in [
        order("NEW", "0", 10),
        // The clock stood still: quantity and status tell which came first.
        order("NEW", "0", 20),
        order("PARTIALLY_FILLED", "8.0", 20),
        // A later time with less done is not a later state.
        order("PARTIALLY_FILLED", "8.0", 30),
        order("NEW", "9.0", 30),
        order("PENDING_NEW", "9.0", 30),
    ] {
        assert_eq!(upsert_orders(&fresh.db, &[late]).await.expect("is left out"), 0);
        assert_eq!(stored(&fresh.db).await, current);
    }
}

pub(crate) async fn executed_quantities_are_compared_as_numbers(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    upsert_orders(&fresh.db, &[order("PARTIALLY_FILLED", "9.0", 20)])
        .await
        .expect("stores");
    // As text "10.0" would come before "9.0".
    assert_eq!(
        upsert_orders(&fresh.db, &[order("FILLED", "10.0", 20)])
            .await
            .expect("stores"),
        1
    );
}

pub(crate) async fn an_ended_order_stays_as_it_ended(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    for end in ["FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"] {
        delete_all(&fresh.db).await;
        upsert_orders(&fresh.db, &[order(end, "5", 20)]).await.expect("stores");
        for later in [
            "NEW",
            "PARTIALLY_FILLED",
            "PENDING_CANCEL",
            "FILLED",
            "CANCELED",
            "EXPIRED",
        ] {
            let changed = upsert_orders(&fresh.db, &[order(later, "5", 30)]).await.expect("runs");
            assert_eq!(changed, usize::from(later == end), "{end} then {later}");
        }
        assert_eq!(stored(&fresh.db).await.status, end);
    }
}

pub(crate) async fn order_ids_of_two_symbols_do_not_meet(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let other = OrderRow {
        symbol: "ETHUSDT".into(),
        ..order("NEW", "0", 1)
    };
    assert_eq!(
        upsert_orders(&fresh.db, &[order("FILLED", "10", 9), other])
            .await
            .expect("stores"),
        2
    );
    assert_eq!(
        fresh.db.fetch_one::<i64>(orders::table.count()).await.expect("counts"),
        2
    );
}

pub(crate) async fn four_writers_of_the_same_trades_store_each_once(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let writers = (0..4).map(|_| {
        let db = fresh.db.clone();
        tokio::spawn(async move {
            let mut new = 0;
            for first in (0..1000).step_by(100) {
                let batch: Vec<_> = (first..first + 100)
                    .map(|trade_id| trade("BTCUSDT", trade_id))
                    .collect();
                new += insert_trade_events(&db, batch.into()).await?;
            }
            Ok::<_, StoreError>(new)
        })
    });
    let new: usize = join_all(writers)
        .await
        .into_iter()
        .map(|new| new.expect("no panic").expect("stores"))
        .sum();
    let stored = fresh.db.fetch_one::<i64>(trade_events::table.count()).await;
    assert_eq!((new, stored.expect("counts")), (1000, 1000));
}

pub(crate) async fn a_trade_of_another_epoch_is_another_trade(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let again = TradeEventRow {
        epoch: 1,
        ..trade("BTCUSDT", 1)
    };
    let both = [trade("BTCUSDT", 1), again.clone(), again];
    assert_eq!(insert_trade_events(&fresh.db, both.into()).await.expect("inserts"), 2);
    let epochs = trade_events::table
        .select(trade_events::epoch)
        .order(trade_events::epoch);
    assert_eq!(fresh.db.fetch::<i32>(epochs).await.expect("reads"), [0, 1]);
}

pub(crate) async fn an_order_id_that_begins_again_is_another_order(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let other = OrderRow {
        client_order_id: "hh-2".into(),
        ..order("NEW", "0", 1)
    };
    let states = [order("FILLED", "10", 9), other];
    assert_eq!(upsert_orders(&fresh.db, &states).await.expect("stores"), 2);
    let statuses = orders::table.select(orders::status).order(orders::client_order_id);
    assert_eq!(
        fresh.db.fetch::<String>(statuses).await.expect("reads"),
        ["FILLED", "NEW"]
    );
}

pub(crate) async fn rows_are_counted_in_the_transaction_that_adds_them(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    for topic in ["TRADE_EVENTS:BTCUSDT", "ORDERS:BTCUSDT"] {
        let row = (
            settings::id.eq(Id::new()),
            settings::topic.eq(topic),
            settings::inserted_at.eq(moment(0)),
            settings::updated_at.eq(moment(0)),
        );
        fresh
            .db
            .run(diesel::insert_into(settings::table).values(row))
            .await
            .expect("inserts");
    }
    let trades: Arc<[_]> = (1..=10).map(|id| trade("BTCUSDT", id)).collect();
    let added = |changed, rows_stored| Written {
        changed,
        rows_stored: Some(rows_stored),
    };
    let stored = store_trade_events(&fresh.db, trades.clone()).await.expect("stores");
    assert_eq!(stored, added(10, 10));
    let again = store_trade_events(&fresh.db, trades).await.expect("stores");
    assert_eq!(again, added(0, 10), "the count is told also when nothing was new");
    let mut bad = trade("BTCUSDT", 12);
    bad.price = decimal("1e5000");
    let half = [trade("BTCUSDT", 11), bad].into();
    store_trade_events(&fresh.db, half).await.expect_err("does not fit");
    let states = [order("NEW", "0", 1), order("FILLED", "10", 2)];
    let stored = store_orders(&fresh.db, &states).await.expect("stores");
    assert_eq!(stored, added(2, 1), "one row, changed once");
    let counts = settings::table.select(settings::rows_stored).order(settings::topic);
    assert_eq!(fresh.db.fetch::<i64>(counts).await.expect("reads"), [1, 10]);
}

async fn delete_all(db: &Db) {
    db.run(diesel::delete(orders::table)).await.expect("deletes");
}
