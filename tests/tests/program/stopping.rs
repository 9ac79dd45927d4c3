//! How the program ends, what it has stored by then, and what the next run takes up again.

use anyhow::{Context, Result, ensure};
use diesel::connection::SimpleConnection;
use hedgehog_tests::program::{Folder, Program, SOON, eventually};
use hedgehog_tests::sqlite;
use hedgehog_tests::tape::Tape;
use serde_json::json;
use std::time::Duration;

const A_WHILE: Duration = Duration::from_secs(1);

/// Stops a program that receives trades by a signal; everything that it received must be stored then.
fn ends_orderly(signal: &str) -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    eventually("trades arrive", SOON, || {
        Ok((folder.status("streaming", "BTCUSDT")?["trades"].as_u64() >= Some(20)).then_some(()))
    })?;
    program.signal(signal)?;
    let log = program.ends_well(Duration::from_secs(10))?;
    ensure!(
        log.lines().last().is_some_and(|line| line.contains("stopped: ")),
        "{log}"
    );

    let received = folder.select("streamer.db", &["last_trade_id"], "FROM streams")?;
    let stored = folder.select("data_warehouse.db", &["max(trade_id)", "count(*)"], "FROM trade_events")?;
    ensure!(
        stored == [[received[0][0].clone(), received[0][0].clone()]],
        "{received:?}, {stored:?}"
    );
    Ok(())
}

#[test]
fn sigterm_ends_it_within_ten_seconds_with_everything_received_stored() -> Result<()> {
    ends_orderly("TERM")
}

#[test]
fn ctrl_c_ends_it_the_same_way() -> Result<()> {
    ends_orderly("INT")
}

#[test]
fn a_terminal_that_goes_away_ends_it_the_same_way() -> Result<()> {
    ends_orderly("HUP")?;
    ends_orderly("QUIT")
}

/// Some tools send a signal to a process and to its group.
#[test]
fn two_signals_within_a_moment_are_one() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    folder.received("BTCUSDT", 5)?;
    program.signal("INT")?;
    program.signal("INT")?;
    let log = program.ends_well(Duration::from_secs(10))?;
    ensure!(log.contains("stopped: "), "{log}");
    Ok(())
}

/// The supervisor of everything bears a part that is killed again and again.
#[test]
fn four_crashes_of_the_simulator_in_a_row_end_nothing_else() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    for _ in 0..6 {
        folder.ok(["kill", "Hedgehog/Simulator"])?;
    }
    let seen = folder.status("streaming", "BTCUSDT")?["trades"].as_u64();
    eventually("trades go on", SOON, || {
        Ok((folder.status("streaming", "BTCUSDT")?["trades"].as_u64() > seen).then_some(()))
    })?;
    program.stop()?;
    Ok(())
}

/// A database that somebody else holds keeps the warehouse from stopping at once.
#[test]
fn a_second_signal_ends_it_at_once() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    eventually("trades are stored", SOON, || {
        Ok((folder.status("storing", "TRADE_EVENTS:BTCUSDT")?["rows_stored"].as_i64() > Some(0)).then_some(()))
    })?;
    let mut holder = sqlite::open(&folder.data().join("data_warehouse.db"))?;
    holder.batch_execute("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE")?;
    let seen = folder.status("streaming", "BTCUSDT")?["trades"].as_u64();
    eventually("trades wait to be stored", SOON, || {
        Ok((folder.status("streaming", "BTCUSDT")?["trades"].as_u64() > seen).then_some(()))
    })?;

    program.signal("TERM")?;
    program.says("stopping")?;
    let status = program.signalled_until_it_ends("TERM", Duration::from_secs(2))?;
    ensure!(status.code() == Some(128 + 15), "{status}\n{}", program.log());
    drop(holder);

    let program = folder.run([])?;
    ensure!(
        folder.status("streaming", "BTCUSDT")?["on"] == true,
        "the folder is usable, and what was on is on"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn the_next_run_starts_what_was_on_and_nothing_else() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    folder.ok(["start", "streaming", "ethusdt"])?;
    folder.ok(["stop", "storing", "btcusdt", "--stream", "orders"])?;
    program.stop()?;

    let program = folder.run([])?;
    let tree = folder.tree()?;
    ensure!(
        tree.below("Hedgehog/Streamer.Supervisor/Streams") == ["BTCUSDT", "ETHUSDT"],
        "{tree:?}"
    );
    ensure!(
        tree.below("Hedgehog/Naive.Supervisor/Symbols") == ["BTCUSDT"],
        "{tree:?}"
    );
    let workers = tree.below("Hedgehog/Warehouse.SubscriberSupervisor/Workers");
    ensure!(workers == ["TRADE_EVENTS:BTCUSDT"], "{tree:?}");
    program.stop()?;
    Ok(())
}

/// The exchange's memory outlives the program: no id is told twice, and none is skipped unseen.
#[test]
fn ids_go_on_in_the_next_run_where_they_ended_in_the_last() -> Result<()> {
    let folder = Folder::new()?;
    let stored = |table: &str, id: &str| -> Result<(u64, u64)> {
        let columns = [format!("max({id})"), "count(*)".to_owned()];
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        let rows = folder.select("data_warehouse.db", &columns, &format!("FROM {table}"))?;
        Ok((rows[0][0].parse().unwrap_or(0), rows[0][1].parse()?))
    };
    let mut seen = 0;
    for run in 0..3 {
        let args: &[&str] = if run == 0 { &["--start", "BTCUSDT"] } else { &[] };
        let program = folder.run(args.iter().copied())?;
        eventually("new trades are stored", SOON, || {
            let (last, _) = stored("trade_events", "trade_id")?;
            Ok((last > seen + 20).then_some(()))
        })?;
        let missing = folder.status("streaming", "BTCUSDT")?["missing"]
            .as_u64()
            .context("a count")?;
        program.stop()?;
        let (last, trades) = stored("trade_events", "trade_id")?;
        ensure!(
            last == trades + missing,
            "run {run}: {trades} trades up to {last}, {missing} told missing"
        );
        seen = last;
    }
    let (last, orders) = stored("orders", "order_id")?;
    ensure!(last == orders && orders > 0, "{orders} orders up to {last}");
    Ok(())
}

/// A program that trades ETHUSDT with one trader that has bought and waits to sell at 2001.99. Its market is silent then,
/// until the next run.
fn with_a_trader_that_sells(folder: &Folder) -> Result<(Program, String)> {
    let tape = Tape::of("ETHUSDT").hold("2000", A_WHILE).hold("1990", A_WHILE);
    let silent_from = tape.last_id();
    let tape = tape.until_the_next_run().hold("2005", 3 * A_WHILE);
    let file = tape.write(folder)?.display().to_string();
    let program = folder.run(["--replay", &file, "--speed", "1", "--start", "ETHUSDT"])?;
    eventually("a trader sells", SOON, || {
        let status = folder.status("trading", "ETHUSDT")?;
        Ok((status["open_traders"][0]["state"] == "selling").then_some(()))
    })
    .with_context(|| program.log())?;
    folder.received("ETHUSDT", silent_from)?;
    Ok((program, file))
}

fn settings_row(folder: &Folder) -> Result<String> {
    let mut rows = folder.select("naive.db", &["status"], "FROM settings WHERE symbol = 'ETHUSDT'")?;
    rows.pop().and_then(|mut row| row.pop()).context("ETHUSDT has a row")
}

#[test]
fn a_drain_resumes_after_a_restart_in_the_middle_of_it_and_ends_with_the_row_off() -> Result<()> {
    let folder = Folder::new()?;
    let (program, file) = with_a_trader_that_sells(&folder)?;
    let trader = folder.status("trading", "ETHUSDT")?["open_traders"][0]["id"].clone();
    let answer = folder.json(["shutdown", "trading", "ethusdt"])?;
    ensure!(
        answer == json!([{"symbol": "ETHUSDT", "outcome": "draining"}]),
        "{answer}"
    );
    let answer = folder.json(["shutdown", "trading", "ethusdt"])?;
    ensure!(answer[0]["outcome"] == "already_draining", "{answer}");
    ensure!(
        folder.status("trading", "ETHUSDT")?["open_traders"][0]["id"] == trader,
        "it waits for its sale"
    );
    program.stop()?;
    ensure!(settings_row(&folder)? == "shutdown");

    let program = folder.run(["--replay", &file, "--speed", "1"])?;
    program.says("ETHUSDT: the last trade has finished, trading is off")?;
    ensure!(settings_row(&folder)? == "off");
    ensure!(folder.tree()?.below("Hedgehog/Naive.Supervisor/Symbols").is_empty());
    let log = program.stop()?;
    ensure!(!log.contains("buy placed"), "a drain opens nothing:\n{log}");
    let traders = folder.select("naive.db", &["state"], "FROM traders")?;
    ensure!(traders == [["finished"]], "{traders:?}");
    Ok(())
}

#[test]
fn starting_a_draining_symbol_cancels_the_drain_and_trading_goes_on() -> Result<()> {
    let folder = Folder::new()?;
    let (program, file) = with_a_trader_that_sells(&folder)?;
    folder.ok(["shutdown", "trading", "ethusdt"])?;
    let answer = folder.json(["start", "trading", "ethusdt"])?;
    ensure!(answer[0]["outcome"] == "drain_cancelled", "{answer}");
    ensure!(settings_row(&folder)? == "on");
    program.stop()?;

    let program = folder.run(["--replay", &file, "--speed", "1"])?;
    program.says("ETHUSDT cycle finished")?;
    program.says("ETHUSDT buy placed")?;
    ensure!(folder.status("trading", "ETHUSDT")?["cycles"] == 1);
    program.stop()?;
    Ok(())
}

/// What was bought before the stop is sold after the start, by the same trader.
#[test]
fn a_stopped_trader_keeps_its_orders_and_the_next_start_goes_on_with_them() -> Result<()> {
    let folder = Folder::new()?;
    let (program, file) = with_a_trader_that_sells(&folder)?;
    folder.ok(["stop", "trading", "ethusdt"])?;
    let status = folder.status("trading", "ETHUSDT")?;
    ensure!(
        status["status"] == "off" && status["open_traders"][0]["state"] == "selling",
        "{status}"
    );
    program.stop()?;

    let program = folder.run(["--replay", &file, "--speed", "1", "--start", "ETHUSDT"])?;
    program.says("ETHUSDT: 1 open trader goes on")?;
    program.says("ETHUSDT cycle finished")?;
    program.stop()?;
    let sold = folder.select(
        "data_warehouse.db",
        &["side", "status"],
        "FROM orders ORDER BY order_id LIMIT 2",
    )?;
    ensure!(sold == [["BUY", "FILLED"], ["SELL", "FILLED"]], "{sold:?}");
    Ok(())
}
