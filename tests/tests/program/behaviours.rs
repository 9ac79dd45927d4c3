//! What a user of the system can see it do, from the streams that come back after a restart to the row of an order that
//! changes in place.

use anyhow::{Context, Result, ensure};
use diesel::prelude::*;
use hedgehog_bin::databases::{DATA_WAREHOUSE, NAIVE};
use hedgehog_bin::naive::schema::settings;
use hedgehog_bin::store::{Db, Decimal};
use hedgehog_bin::warehouse::schema::trade_events;
use hedgehog_core::ractor;
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef, Name,
    Registry, Restart, Strategy, Supervisor,
};
use hedgehog_tests::program::{Folder, SOON, eventually};
use hedgehog_tests::tape::Tape;
use serde_json::json;
use std::time::Duration;

const STREAMS: &str = "Hedgehog/Streamer.Supervisor/Streams";
const SYMBOLS: &str = "Hedgehog/Naive.Supervisor/Symbols";
const WORKERS: &str = "Hedgehog/Warehouse.SubscriberSupervisor/Workers";

/// Long enough for everything that one trade sets off.
const A_WHILE: Duration = Duration::from_secs(1);

/// Returns once the program has received trades of a symbol.
fn trades_arrive(folder: &Folder, symbol: &str) -> Result<()> {
    eventually("trades arrive", SOON, || {
        let status = folder.status("streaming", symbol)?;
        Ok((status["on"] == true && status["trades"].as_u64() > Some(0)).then_some(()))
    })
}

/// The ids of a symbol's traders, oldest first.
fn traders(folder: &Folder, symbol: &str) -> Result<Vec<String>> {
    let status = folder.status("trading", symbol)?;
    let traders = status["open_traders"].as_array().cloned().unwrap_or_default();
    Ok(traders
        .iter()
        .map(|trader| trader["id"].as_str().unwrap_or_default().to_owned())
        .collect())
}

#[test]
fn two_symbols_stream_again_after_a_restart_and_none_after_both_were_stopped() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    folder.ok(["start", "streaming", "btcusdt", "ethusdt"])?;
    trades_arrive(&folder, "BTCUSDT")?;
    trades_arrive(&folder, "ETHUSDT")?;
    program.stop()?;

    let program = folder.run([])?;
    trades_arrive(&folder, "BTCUSDT")?;
    trades_arrive(&folder, "ETHUSDT")?;
    folder.ok(["stop", "streaming", "BTCUSDT", "ETHUSDT"])?;
    program.stop()?;

    let program = folder.run([])?;
    ensure!(program.log().contains("nothing is on"), "{}", program.log());
    ensure!(folder.tree()?.below(STREAMS).is_empty());
    program.stop()?;
    Ok(())
}

#[test]
fn two_symbols_are_traded_again_after_a_restart_and_none_after_both_were_stopped() -> Result<()> {
    let folder = Folder::new()?;
    let open = |symbol: &str| {
        eventually("a trader is open", SOON, || {
            Ok(Some(traders(&folder, symbol)?).filter(|ids| ids.len() == 1))
        })
    };
    let program = folder.run([])?;
    folder.ok(["start", "trading", "btcusdt", "ethusdt"])?;
    let before = (open("BTCUSDT")?, open("ETHUSDT")?);
    program.stop()?;

    let program = folder.run([])?;
    ensure!((open("BTCUSDT")?, open("ETHUSDT")?) == before, "the same traders go on");
    let tree = folder.tree()?;
    ensure!(tree.below(SYMBOLS) == ["BTCUSDT", "ETHUSDT"], "{tree:?}");
    folder.ok(["stop", "trading", "btcusdt", "ethusdt"])?;
    program.stop()?;

    let program = folder.run([])?;
    ensure!(program.log().contains("nothing is on"), "{}", program.log());
    ensure!(folder.tree()?.below(SYMBOLS).is_empty());
    ensure!(
        traders(&folder, "BTCUSDT")? == before.0,
        "a stopped trader keeps its row"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn the_first_cycle_is_over_within_a_minute() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    // As long as `says` waits.
    const { assert!(SOON.as_secs() <= 60) };
    let line = program.says("BTCUSDT cycle finished: profit ")?;
    ensure!(line.ends_with(" USDT") && !line.contains("profit -"), "{line}");
    let trading = folder.status("trading", "BTCUSDT")?;
    ensure!(trading["cycles"].as_i64() >= Some(1), "{trading}");
    program.stop()?;
    Ok(())
}

/// Each step falls far enough below the last buy to fill it and to make a rebuy due. There are more steps than chunks: a
/// trader that misses a step takes the next one, and the fifth trader is the last all the same.
#[test]
fn five_traders_grown_by_rebuys_drain_one_by_one_and_the_tree_disappears() -> Result<()> {
    let folder = Folder::new()?;
    let falling = ["2000", "1980", "1960", "1940", "1920", "1900", "1880", "1860", "1840"];
    let rising = ["1870", "1890", "1910", "1930", "1950", "1970", "1990", "2010"];
    let tape = falling
        .iter()
        .fold(Tape::of("ETHUSDT"), |tape, price| tape.hold(price, A_WHILE));
    let tape = tape.hold("1840", 8 * A_WHILE);
    let tape = rising.iter().fold(tape, |tape, price| tape.hold(price, A_WHILE));
    let file = tape.write(&folder)?.display().to_string();
    let program = folder.run(["--replay", &file, "--speed", "1", "--start", "ETHUSDT"])?;

    eventually("five traders wait to sell", SOON, || {
        let status = folder.status("trading", "ETHUSDT")?;
        let traders = status["open_traders"].as_array().cloned().unwrap_or_default();
        Ok((traders.len() == 5 && traders.iter().all(|trader| trader["state"] == "selling")).then_some(()))
    })
    .with_context(|| program.log())?;
    let answer = folder.json(["shutdown", "trading", "ethusdt"])?;
    ensure!(
        answer == json!([{"symbol": "ETHUSDT", "outcome": "draining"}]),
        "{answer}"
    );
    ensure!(folder.status("trading", "ETHUSDT")?["status"] == "shutdown");

    program.says("the last trade has finished, trading is off")?;
    let log = program.log();
    let ended = log
        .lines()
        .filter_map(|line| line.split_once("a trader has ended, ")?.1.split_once(' '));
    let left: Vec<_> = ended.map(|(left, _)| left).collect();
    ensure!(left == ["4", "3", "2", "1", "0"], "{left:?}\n{log}");
    ensure!(log.matches("buy placed").count() == 5, "a drain opens nothing:\n{log}");

    let tree = folder.tree()?;
    ensure!(tree.below(SYMBOLS).is_empty(), "{tree:?}");
    let row = folder.select("naive.db", &["status"], "FROM settings WHERE symbol = 'ETHUSDT'")?;
    ensure!(row == [["off"]], "{row:?}");
    program.stop()?;
    let orders = folder.select(
        "data_warehouse.db",
        &["side", "status", "count(*)"],
        "FROM orders GROUP BY side, status ORDER BY side",
    )?;
    ensure!(
        orders == [["BUY", "FILLED", "5"], ["SELL", "FILLED", "5"]],
        "{orders:?}"
    );
    Ok(())
}

#[test]
fn storing_twice_is_already_running_and_both_topics_resume_after_a_restart() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    let answer = folder.json(["start", "storing", "btcusdt"])?;
    let already = |stream: &str| json!({"symbol": "BTCUSDT", "stream": stream, "outcome": "already_running"});
    ensure!(
        answer == json!([already("trade_events"), already("orders")]),
        "{answer}"
    );
    program.stop()?;

    let stored = || -> Result<i64> {
        let rows = folder.select("data_warehouse.db", &["count(*)"], "FROM trade_events")?;
        Ok(rows[0][0].parse()?)
    };
    let before = stored()?;
    let program = folder.run([])?;
    let tree = folder.tree()?;
    ensure!(
        tree.below(WORKERS) == ["ORDERS:BTCUSDT", "TRADE_EVENTS:BTCUSDT"],
        "{tree:?}"
    );
    eventually(
        "more trades are stored",
        SOON,
        || Ok((stored()? > before).then_some(())),
    )?;
    program.stop()?;
    Ok(())
}

#[test]
fn the_second_stop_of_storing_says_that_nothing_was_running() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    let stop = || folder.ok(["stop", "storing", "btcusdt"]);
    let both = |outcome: &str| format!("storing TRADE_EVENTS:BTCUSDT: {outcome}\nstoring ORDERS:BTCUSDT: {outcome}\n");
    ensure!(stop()? == both("stopped"));
    ensure!(stop()? == both("not running"));
    ensure!(folder.tree()?.below(WORKERS).is_empty());
    program.stop()?;

    let program = folder.run([])?;
    ensure!(folder.tree()?.below(WORKERS).is_empty(), "what was stopped stays off");
    program.stop()?;
    Ok(())
}

/// The order changes only after the kill: that its row follows shows that somebody listens again.
#[test]
fn a_killed_orders_worker_resubscribes_by_itself() -> Result<()> {
    let folder = Folder::new()?;
    let file = Tape::of("ETHUSDT")
        .hold("2000", A_WHILE)
        .write(&folder)?
        .display()
        .to_string();
    let program = folder.run(["--replay", &file, "--speed", "1", "--start", "ETHUSDT"])?;
    let orders = || folder.select("data_warehouse.db", &["side", "status"], "FROM orders");
    eventually("the buy is stored", SOON, || {
        Ok((orders()? == [["BUY", "NEW"]]).then_some(()))
    })
    .with_context(|| format!("{:?}\n{}", orders(), program.log()))?;

    let path = format!("{WORKERS}/ORDERS:ETHUSDT");
    let before = folder.tree()?.pid(&path).context("the worker runs")?;
    folder.ok(["kill", &path])?;
    eventually("the worker runs again", SOON, || {
        Ok(folder.tree()?.pid(&path).filter(|pid| *pid != before))
    })?;
    folder.ok(["shutdown", "trading", "ETHUSDT"])?;
    eventually("the cancelled buy is stored", SOON, || {
        Ok((orders()? == [["BUY", "CANCELED"]]).then_some(()))
    })
    .with_context(|| format!("{:?}\n{}", orders(), program.log()))?;
    program.stop()?;
    Ok(())
}

#[test]
fn a_buy_row_goes_from_new_to_filled_in_place_while_the_sell_row_is_new() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("ETHUSDT").hold("2000", A_WHILE);
    let silent_from = tape.last_id();
    let tape = tape.until_the_next_run().hold("1990", 3 * A_WHILE);
    let file = tape.write(&folder)?.display().to_string();
    let replay = ["--replay", &file, "--speed", "1"];
    let orders = |columns: &[&str]| folder.select("data_warehouse.db", columns, "FROM orders ORDER BY order_id");
    let states = || orders(&["side", "price", "status", "executed_quantity"]);

    let program = folder.run(replay.into_iter().chain(["--start", "ETHUSDT"]))?;
    eventually("the buy is stored", SOON, || {
        Ok((states()? == [["BUY", "1996.00000000", "NEW", "0.00000000"]]).then_some(()))
    })
    .with_context(|| format!("{:?}\n{}", states(), program.log()))?;
    folder.received("ETHUSDT", silent_from)?;
    let placed = orders(&["order_id", "client_order_id", "inserted_at"])?;
    program.stop()?;

    let program = folder.run(replay)?;
    let both = [
        ["BUY", "1996.00000000", "FILLED", "0.10020000"],
        ["SELL", "2001.99000000", "NEW", "0.00000000"],
    ];
    eventually("the sell is stored", SOON, || Ok((states()? == both).then_some(())))
        .with_context(|| format!("{:?}\n{}", states(), program.log()))?;
    let filled = orders(&["order_id", "client_order_id", "inserted_at"])?;
    ensure!(
        filled.first() == placed.first(),
        "the row of the buy is the same one: {filled:?}, {placed:?}"
    );
    program.stop()?;
    Ok(())
}

/// The rules of XRPUSDT at the time of the session below.
const XRPUSDT_RULES: &str = r#"{"symbols":[{"symbol":"XRPUSDT","status":"TRADING","baseAsset":"XRP","quoteAsset":"USDT",
    "filters":[{"filterType":"PRICE_FILTER","minPrice":"0.0001","maxPrice":"1000","tickSize":"0.0001"},
    {"filterType":"LOT_SIZE","minQty":"0.01","maxQty":"100000","stepSize":"0.01"}]}]}"#;

/// Eight trades, one after the other: the first is bought under, the fourth fills the buy, the sixth the sell, and the
/// seventh is bought under again.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_eight_trades_ends_with_its_three_orders() -> Result<()> {
    let folder = Folder::new()?;
    let prices = [
        "0.43183010",
        "0.43183020",
        "0.43183030",
        "0.4307",
        "0.43065",
        "0.4319",
        "0.43205",
        "0.43210",
    ];
    let tape = prices
        .iter()
        .fold(Tape::of("XRPUSDT"), |tape, price| tape.trade(price).silence(A_WHILE));
    let file = tape.write(&folder)?.display().to_string();
    let rules = folder.file("exchange_info.json", XRPUSDT_RULES)?.display().to_string();
    let replay = ["--replay", &file, "--exchange-info", &rules, "--rule", "touch"];

    // At full speed the market waits for a first stream, so this run makes the settings and nothing else.
    folder.run(replay.into_iter().chain(["--speed", "max"]))?.stop()?;
    let db = Db::open(&folder.data().join("naive.db").display().to_string(), NAIVE).await?;
    let decimal = |text: &str| -> Result<Decimal> { Ok(Decimal(text.parse()?)) };
    let of_session = (
        settings::chunks.eq(5),
        settings::budget.eq(decimal("100")?),
        settings::buy_down_interval.eq(decimal("0.0025")?),
        settings::profit_interval.eq(decimal("0.001")?),
    );
    db.run(diesel::update(settings::table).set(of_session)).await?;
    drop(db);

    let args = ["--speed", "1", "--exit-at-end", "--start", "XRPUSDT"];
    let log = folder.spawn(replay.into_iter().chain(args))?.ends_well(SOON)?;
    let columns = ["side", "price", "original_quantity", "status"];
    let orders = folder.select("data_warehouse.db", &columns, "FROM orders ORDER BY order_id")?;
    let expected = [
        ["BUY", "0.43070000", "46.43000000", "FILLED"],
        ["SELL", "0.43190000", "46.43000000", "FILLED"],
        ["BUY", "0.43090000", "46.41000000", "NEW"],
    ];
    ensure!(orders == expected, "{orders:?}\n{log}");
    Ok(())
}

/// As text, "9.5" stands behind "10.25".
#[tokio::test(flavor = "multi_thread")]
async fn prices_are_compared_as_numbers_in_sql() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT").trade("10.25").trade("9.5").trade("100");
    let file = tape.write(&folder)?.display().to_string();
    let args = [
        "--replay",
        &file,
        "--speed",
        "max",
        "--exit-at-end",
        "--start",
        "LTCUSDT",
        "--apps",
        "streamer,warehouse",
    ];
    folder.spawn(args)?.ends_well(SOON)?;

    let url = folder.data().join("data_warehouse.db").display().to_string();
    let db = Db::open(&url, DATA_WAREHOUSE).await?;
    let price = |text: &str| -> Result<Decimal> { Ok(Decimal(text.parse()?)) };
    let prices = trade_events::table.select(trade_events::price);
    let ordered: Vec<Decimal> = db.fetch(prices.order(trade_events::price)).await?;
    ensure!(
        ordered == [price("9.5")?, price("10.25")?, price("100")?],
        "{ordered:?}"
    );
    let above: Vec<Decimal> = db.fetch(prices.filter(trade_events::price.gt(price("10")?))).await?;
    ensure!(above.len() == 2 && !above.contains(&price("9.5")?), "{above:?}");
    Ok(())
}

struct Tracker;

enum Tracked {
    Crash,
}

impl Actor for Tracker {
    type Msg = Tracked;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Tracked>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Tracked>,
        message: Tracked,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Tracked::Crash => Err("the transaction is lost".into()),
        }
    }
}

#[tokio::test]
async fn a_tracker_that_crashed_is_found_again_as_another_process() -> Result<()> {
    let (registry, trackers) = (
        Registry::<u32, Tracked>::unique("trackers"),
        Name::<DynamicSupervisorMsg>::new("trackers"),
    );
    let tree = Supervisor::new(Strategy::RestForOne)
        .child(registry.spec("registry"))
        .child(DynamicSupervisor::spec("trackers", DynamicSupervisor::new).name(&trackers))
        .start()
        .await?;
    let spec = ChildSpec::worker("tracker", || (Tracker, ()))
        .restart(Restart::Transient)
        .via(registry.via(7));
    let first = DynamicSupervisorRef::from(&trackers).start_child(spec).await?;
    ensure!(registry.lookup(&7) == Some(first.clone()));

    first.cast(Tracked::Crash)?;
    first.exited().await;
    let second = tokio::time::timeout(SOON, async {
        loop {
            match registry.lookup(&7) {
                Some(found) => break found,
                None => tokio::task::yield_now().await,
            }
        }
    })
    .await?;
    ensure!(
        second.pid() != first.pid() && second.is_alive(),
        "lookup never shows the dead"
    );
    tree.stop(hedgehog_core::ExitReason::Shutdown).await;
    Ok(())
}
