//! Junk in decimal columns of SQLite neither gets in nor brings the process down.

use diesel::prelude::*;
use diesel::sql_query;

use super::schema::amounts::{free, locked, name, table as amounts};
use super::schema::counters;
use super::{Fresh, decimal};
use crate::store::types::sql::Exact;
use crate::store::{Db, Decimal, Moment, StoreError, decimal_sum};

async fn insert(db: &Db, text: &str, amount: &str) -> Result<usize, StoreError> {
    let values = (name.eq(text), free.eq(decimal(amount)), locked.eq(decimal("0")));
    db.run(diesel::insert_into(amounts).values(values)).await
}

async fn filled(texts: &[&str]) -> Fresh {
    let fresh = Fresh::open().await;
    for (index, amount) in texts.iter().enumerate() {
        insert(&fresh.db, &format!("{index}"), amount).await.expect("inserts");
    }
    fresh
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tool_can_store_what_is_not_a_decimal() {
    let fresh = filled(&["1"]).await;
    let junk = [
        "''",
        "'-'",
        "'.'",
        "'-.'",
        "'--1'",
        "'1-2'",
        "'1.2.3'",
        "'1e5'",
        "'1E-8'",
        "'+1'",
        "' 1'",
        "'1 '",
        "'NaN'",
        "'inf'",
        "'0x10'",
        "'\u{0661}'",
        "'abc'",
        "x'31'",
        "x'ff'",
        "CAST(x'ff' AS TEXT)",
        "CAST(x'31ff' AS TEXT)",
        "CAST(x'3100' AS TEXT)",
        "CAST(x'3100ff' AS TEXT)",
        "CAST(x'ff31' AS TEXT)",
        "NULL",
    ];
    for text in junk {
        let insert = format!("INSERT INTO amounts (name, free, locked) VALUES ('x', {text}, '0')");
        let refused = fresh.db.run(sql_query(insert)).await.expect_err(text);
        assert!(!refused.is_transient(), "{text}: {refused:?}");
        let update = format!("UPDATE amounts SET free = {text}");
        fresh.db.run(sql_query(update)).await.expect_err(text);
    }
    assert_eq!(
        fresh.db.fetch::<Decimal>(amounts.select(free)).await.expect("reads"),
        [decimal("1")]
    );
    for text in ["-1", "007", "1.50", "0.1"] {
        let update = format!("UPDATE amounts SET free = '{text}'");
        assert_eq!(fresh.db.run(sql_query(update)).await.expect(text), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comparing_with_junk_does_not_bring_the_process_down() {
    let fresh = filled(&["1", "-2.5", "10"]).await;
    let long = format!("'{}'", "9".repeat(100_000));
    let junk = [
        "''",
        "'-'",
        "'.'",
        "'..'",
        "'-.-'",
        "'abc'",
        "'é'",
        "'1e5'",
        "x''",
        "x'ff'",
        "CAST(x'' AS TEXT)",
        &long,
    ];
    for text in junk {
        for operator in ["<", ">", "=", "<>"] {
            let condition = format!("free {operator} {text}");
            let query = amounts
                .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(&condition))
                .count();
            let found = fresh.db.fetch_one::<i64>(query).await.expect(text);
            assert!((0..=3).contains(&found));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_over_junk_fails_loudly() {
    let fresh = Fresh::open().await;
    let values = (
        counters::name.eq("BTCUSDT"),
        counters::count.eq(1i64),
        counters::updated_at.eq(Moment::now()),
    );
    fresh
        .db
        .run(diesel::insert_into(counters::table).values(values))
        .await
        .expect("inserts");
    // A text column passed off as a decimal one.
    let sum = counters::table.select(decimal_sum(diesel::dsl::sql::<Exact>("name")));
    let error = fresh.db.fetch_one::<Option<Decimal>>(sum).await.expect_err("no sum");
    assert!(matches!(error, StoreError::BadData { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_a_billion_digits_is_refused() {
    let fresh = filled(&[]).await;
    for text in ["1e999999999", "1e-999999999"] {
        let error = insert(&fresh.db, "X", text).await.expect_err(text);
        assert!(matches!(error, StoreError::BadData { .. }), "{error:?}");
    }
}
