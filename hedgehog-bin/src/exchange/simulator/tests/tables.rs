//! Every column of the simulator's tables takes what its type holds and gives it back.

use super::*;
use crate::store::Decimal;
use diesel::prelude::*;

fn decimal(text: &str) -> Decimal {
    Decimal(text.parse().expect("a decimal"))
}

#[tokio::test(flavor = "multi_thread")]
async fn simulator_tables_round_trip() {
    let folder = TempDir::new().expect("a folder");
    let db = database(&folder).await;
    let order = (
        ("BTCUSDT".to_owned(), 1i64, "x".to_owned(), "SELL".to_owned()),
        (decimal("1.5"), decimal("2"), decimal("0"), decimal("0.00")),
        ("NEW".to_owned(), 3i64, 4i64),
    );
    {
        use schema::orders::dsl::*;
        let values = (
            (
                symbol.eq(&order.0.0),
                order_id.eq(order.0.1),
                client_order_id.eq(&order.0.2),
                side.eq(&order.0.3),
            ),
            (
                price.eq(&order.1.0),
                original_quantity.eq(&order.1.1),
                executed_quantity.eq(&order.1.2),
            ),
            cummulative_quote_quantity.eq(&order.1.3),
            (status.eq(&order.2.0), time.eq(order.2.1), update_time.eq(order.2.2)),
        );
        db.run(diesel::insert_into(orders).values(values))
            .await
            .expect("inserts");
        let query = orders.select((
            (symbol, order_id, client_order_id, side),
            (price, original_quantity, executed_quantity, cummulative_quote_quantity),
            (status, time, update_time),
        ));
        let stored = db.fetch::<((String, i64, String, String), (Decimal, Decimal, Decimal, Decimal), _)>(query);
        assert_eq!(stored.await.expect("reads"), [order]);
    }
    {
        use schema::balances::dsl::*;
        let values = (asset.eq("USDT"), free.eq(decimal("10000.00")), locked.eq(decimal("0")));
        db.run(diesel::insert_into(balances).values(values))
            .await
            .expect("inserts");
        let stored = db
            .fetch_one::<(String, Decimal, Decimal)>(balances)
            .await
            .expect("reads");
        assert_eq!(stored, ("USDT".into(), decimal("10000.00"), decimal("0")));
    }
    {
        use schema::markets::dsl::*;
        for (name, played) in [("BTCUSDT", None), ("ETHUSDT", Some(7i64))] {
            let values = (
                symbol.eq(name),
                last_trade_id.eq(1i64),
                last_order_id.eq(2i64),
                played_to.eq(played),
                matched_to.eq(3i64),
            );
            db.run(diesel::insert_into(markets).values(values))
                .await
                .expect("inserts");
        }
        let stored = db
            .fetch::<(String, i64, i64, Option<i64>, i64)>(markets.order(symbol))
            .await
            .expect("reads");
        assert_eq!(
            stored,
            [("BTCUSDT".into(), 1, 2, None, 3), ("ETHUSDT".into(), 1, 2, Some(7), 3)]
        );
    }
}
