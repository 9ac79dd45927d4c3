//! What a replay at full speed leaves in the warehouse, to the last digit.

use anyhow::{Context, Result, ensure};
use hedgehog_bin::market::{Decimal, parse_decimal};
use hedgehog_tests::data::{BTCUSDT_FRAMES, XRPUSDT_DAY, golden, recording};
use hedgehog_tests::program::{Folder, SOON, eventually};
use serde_json::Value;
use std::time::Duration;

/// How long a whole day may take at full speed, in a debug build and beside other tests.
const A_DAY_TAKES: Duration = Duration::from_mins(4);
const MEGABYTE: u64 = 1_000_000;

pub(super) fn whole_day() -> Result<()> {
    let golden = golden()?;
    plays(XRPUSDT_DAY, "XRPUSDT", &golden["trades"]["2019-06-01-XRPUSDT.csv.gz"])
}

pub(super) fn frames() -> Result<()> {
    let golden = golden()?;
    plays(
        BTCUSDT_FRAMES,
        "BTCUSDT",
        &golden["frames"]["btcusdt_20240808"]["trades"],
    )
}

/// Plays a file with everything on: once, and once again.
fn plays(name: &str, symbol: &str, facts: &Value) -> Result<()> {
    let folder = Folder::new()?;
    let file = recording(name).map_err(anyhow::Error::msg)?.display().to_string();
    let args = ["--replay", &file, "--speed", "max", "--start", symbol];

    let program = folder.run(args)?;
    let played = || Ok(program.log().contains(" trades played in ").then_some(()));
    eventually("all is played and stored", A_DAY_TAKES, played).with_context(|| program.log())?;
    eventually_orders_are_stored(&folder)?;
    let peak = program.peak_memory()?;
    let log = program.stop()?;
    ensure!(peak < 100 * MEGABYTE, "{} MB were resident", peak / MEGABYTE);
    let rows = facts["rows"].as_u64().context("no count of rows")?;
    ensure!(log.contains(&format!("{rows} new trades stored")), "{log}");
    ensure!(log.contains(" 0 gaps"), "{log}");
    stored_exactly(&folder, facts)?;

    let log = folder
        .spawn(args.into_iter().chain(["--exit-at-end"]))?
        .ends_well(A_DAY_TAKES)?;
    ensure!(log.contains("0 new trades stored"), "{log}");
    stored_exactly(&folder, facts)
}

/// Compares the table with what is known of the file.
fn stored_exactly(folder: &Folder, facts: &Value) -> Result<()> {
    let columns = ["trade_id", "price", "quantity", "trade_time", "buyer_market_maker"];
    let rows = folder.select(
        "data_warehouse.db",
        &columns,
        "FROM trade_events ORDER BY trade_time, trade_id",
    )?;
    let (mut quantities, mut quotes, mut makers) = (Decimal::default(), Decimal::default(), 0);
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        let (price, quantity) = (parse_decimal(&row[1])?, parse_decimal(&row[2])?);
        quotes += &price * &quantity;
        quantities += quantity;
        makers += u64::from(row[4] == "1");
        ids.push(row[0].parse::<i64>()?);
    }
    ids.sort_unstable();
    ids.dedup();
    ensure!(
        facts["rows"] == rows.len() && facts["rows"] == ids.len(),
        "{} rows",
        rows.len()
    );
    ensure!(facts["buyer_is_maker"] == makers, "{makers}");
    for (key, sum) in [("sum_quantity", quantities), ("sum_quote", quotes)] {
        let expected = parse_decimal(facts[key].as_str().context("no sum")?)?;
        ensure!(sum == expected, "{key}: {sum} instead of {expected}");
    }
    let ends = [
        ("first_trade_id", &facts["first_trade_id"], ids.first()),
        ("last_trade_id", &facts["last_trade_id"], ids.last()),
    ];
    for (key, expected, id) in ends {
        ensure!(
            id.is_some_and(|id| expected == id),
            "{key}: {id:?} instead of {expected}"
        );
    }
    Ok(())
}

/// Every order that the exchange has is in the warehouse, in the state that the exchange has it in.
///
/// That takes a moment: a trader that was killed, or whose stream was, has to ask the exchange first.
pub(super) fn eventually_orders_are_stored(folder: &Folder) -> Result<()> {
    eventually("the orders are stored", SOON, || Ok(orders_are_stored(folder).ok()))
        .with_context(|| format!("{:?}", orders_are_stored(folder)))
}

fn orders_are_stored(folder: &Folder) -> Result<()> {
    let columns = [
        "order_id",
        "client_order_id",
        "side",
        "price",
        "original_quantity",
        "executed_quantity",
        "status",
    ];
    let rest = "FROM orders ORDER BY symbol, order_id";
    let (placed, stored) = (
        folder.select("simulator.db", &columns, rest)?,
        folder.select("data_warehouse.db", &columns, rest)?,
    );
    ensure!(!placed.is_empty(), "no order was placed");
    let differ: Vec<_> = placed.iter().filter(|order| !stored.contains(order)).collect();
    ensure!(
        placed.len() == stored.len() && differ.is_empty(),
        "placed {differ:?}, stored {stored:?}"
    );
    Ok(())
}
