//! `kill` on each kind of process: exactly what its supervisors' strategies name is restarted, and nothing stored is lost.

use anyhow::{Context, Result, ensure};
use diesel::connection::SimpleConnection as _;
use hedgehog_tests::program::{Folder, SOON, eventually};
use hedgehog_tests::sqlite;
use hedgehog_tests::tape::Tape;
use hedgehog_tests::tree::Tree;
use std::collections::BTreeSet;
use std::time::Duration;

/// A market that stands still: the trader has bought, waits to sell, and does nothing that would change the tree.
fn quiet_market() -> Tape {
    let a_second = Duration::from_secs(1);
    Tape::of("ETHUSDT")
        .hold("2000", 2 * a_second)
        .hold("1990", 180 * a_second)
}

/// Kills the process at `path` and compares the trees. `restarts` names what must have a new incarnation then, each with all that
/// is below it; every other process must have the one it had. `*` stands for the id of the only trader.
fn restarts(path: &str, restarts: &[&str]) -> Result<()> {
    let folder = Folder::new()?;
    let tape = quiet_market();
    let file = tape.write(&folder)?.display().to_string();
    let program = folder.run(["--replay", &file, "--speed", "1", "--start", "ETHUSDT"])?;
    let trader = eventually("a trader sells", SOON, || trader_that_sells(&folder))?;
    let full = |path: &&str| format!("Hedgehog/{}", path.replace('*', &trader));
    let (path, restarts) = (full(&path), restarts.iter().map(full).collect::<Vec<_>>());

    let before = eventually("everything runs", SOON, || Ok(Some(folder.tree()?).filter(runs_wholly)))?;
    let pid = before
        .pid(&path)
        .with_context(|| format!("{path} does not run: {before:?}"))?;
    folder.ok(["kill", &path])?;
    let after = eventually("everything runs again", SOON, || {
        let tree = folder.tree()?;
        let back = tree.pids().keys().eq(before.pids().keys()) && tree.pid(&path) != Some(pid) && runs_wholly(&tree);
        Ok(back.then_some(tree))
    })
    .with_context(|| format!("{before:?}\n{:?}\n{}", folder.tree(), program.log()))?;

    let named = |path: &str| {
        restarts
            .iter()
            .any(|root| path == root || path.starts_with(&format!("{root}/")))
    };
    let expected: BTreeSet<_> = before
        .pids()
        .into_iter()
        .filter(|(path, pid)| pid.is_some() && named(path))
        .collect();
    let ended: BTreeSet<_> = before
        .pids()
        .into_iter()
        .filter(|(path, pid)| *pid != after.pids()[path])
        .collect();
    ensure!(
        ended == expected,
        "restarted {ended:?}\ninstead of {expected:?}\n{}",
        program.log()
    );

    let before = stored(&folder)?;
    eventually("trades are stored again", SOON, || {
        Ok((stored(&folder)? > before).then_some(()))
    })?;
    ensure!(
        trader_that_sells(&folder)?.as_ref() == Some(&trader),
        "the trader goes on"
    );
    ensure!(!program.log().contains("too many restarts"), "{}", program.log());
    let log = program.stop()?;
    nothing_is_lost(&folder).with_context(|| log)
}

fn trader_that_sells(folder: &Folder) -> Result<Option<String>> {
    let trading = folder.status("trading", "ETHUSDT")?;
    let traders = trading["open_traders"].as_array().cloned().unwrap_or_default();
    Ok(match &traders[..] {
        [only] if only["state"] == "selling" => only["id"].as_str().map(str::to_owned),
        _ => None,
    })
}

/// The autostart tasks have done their work and ended; everything else runs.
fn runs_wholly(tree: &Tree) -> bool {
    let pids = tree.pids();
    !pids.is_empty()
        && pids
            .iter()
            .all(|(path, pid)| pid.is_none() == path.ends_with("/Autostart"))
}

fn stored(folder: &Folder) -> Result<i64> {
    let storing = folder.status("storing", "TRADE_EVENTS:ETHUSDT")?;
    storing["rows_stored"].as_i64().context("no count of rows")
}

/// Every trade from the first one to the last one stored is stored once, or lies in a gap that is told; each order too.
fn nothing_is_lost(folder: &Folder) -> Result<()> {
    let rows = folder.select(
        "data_warehouse.db",
        &["trade_id"],
        "FROM trade_events ORDER BY trade_id",
    )?;
    let stored: Vec<i64> = rows.iter().map(|row| row[0].parse()).collect::<Result<_, _>>()?;
    let gaps = folder.select("streamer.db", &["first_missing_id", "last_missing_id"], "FROM gaps")?;
    let gaps: Vec<(i64, i64)> = (gaps.iter())
        .map(|gap| Ok((gap[0].parse()?, gap[1].parse()?)))
        .collect::<Result<_>>()?;
    ensure!(stored.first() == Some(&1_000), "{:?}", stored.first());
    for pair in stored.windows(2) {
        let gap = (pair[0] + 1, pair[1] - 1);
        ensure!(
            gap.0 > gap.1 || gaps.contains(&gap),
            "{gap:?} is missing, told are {gaps:?}"
        );
    }
    let columns = ["order_id", "status"];
    let rest = "FROM orders ORDER BY order_id";
    let (placed, stored) = (
        folder.select("simulator.db", &columns, rest)?,
        folder.select("data_warehouse.db", &columns, rest)?,
    );
    ensure!(
        placed == stored && placed.len() == 2,
        "placed {placed:?}, stored {stored:?}"
    );
    Ok(())
}

/// Somebody else holds the database: the worker has read trades and cannot store them when it is killed.
#[test]
fn a_warehouse_worker_killed_between_reading_and_storing_loses_nothing() -> Result<()> {
    let folder = Folder::new()?;
    let file = quiet_market().write(&folder)?.display().to_string();
    let program = folder.run(["--replay", &file, "--speed", "1", "--start", "ETHUSDT"])?;
    eventually("a trader sells", SOON, || trader_that_sells(&folder))?;

    let mut holder = sqlite::open(&folder.data().join("data_warehouse.db"))?;
    holder.batch_execute("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE")?;
    let before = stored(&folder)?;
    eventually("a second's trades wait to be stored", SOON, || {
        let received = folder.status("streaming", "ETHUSDT")?["trades"].as_i64();
        Ok((received > Some(before + 20)).then_some(()))
    })?;
    let worker = "Hedgehog/Warehouse.SubscriberSupervisor/Workers/TRADE_EVENTS:ETHUSDT";
    folder.ok(["kill", worker])?;
    drop(holder);

    eventually("they are stored", SOON, || {
        Ok((stored(&folder)? > before + 20).then_some(()))
    })?;
    let log = program.stop()?;
    nothing_is_lost(&folder).with_context(|| log)
}

macro_rules! kills {
    ($($name:ident: $path:literal => [$($restarts:literal),+];)+) => {
        $(#[test] fn $name() -> Result<()> { restarts($path, &[$($restarts),+]) })+
    };
}

kills! {
    a_killed_stream_restarts_alone:
        "Streamer.Supervisor/Streams/ETHUSDT" => ["Streamer.Supervisor/Streams/ETHUSDT"];
    a_killed_supervisor_of_streams_restarts_with_them:
        "Streamer.Supervisor/Streams" => ["Streamer.Supervisor/Streams"];
    a_killed_bookkeeper_restarts_with_all_that_started_after_it:
        "Streamer.Supervisor/Bookkeeper" =>
            ["Streamer.Supervisor/Bookkeeper", "Streamer.Supervisor/Inquiry", "Streamer.Supervisor/Sockets", "Streamer.Supervisor/Streams"];
    a_killed_inquiry_restarts_with_all_that_started_after_it:
        "Streamer.Supervisor/Inquiry" =>
            ["Streamer.Supervisor/Inquiry", "Streamer.Supervisor/Sockets", "Streamer.Supervisor/Streams"];
    killed_sockets_restart_with_the_streams_on_them:
        "Streamer.Supervisor/Sockets" => ["Streamer.Supervisor/Sockets", "Streamer.Supervisor/Streams"];
    a_killed_socket_restarts_alone:
        "Streamer.Supervisor/Sockets/1" => ["Streamer.Supervisor/Sockets/1"];
    a_killed_owner_of_the_streams_names_restarts_with_all_that_started_after_it:
        "Streamer.Supervisor/Registry" =>
            ["Streamer.Supervisor/Registry", "Streamer.Supervisor/Bookkeeper", "Streamer.Supervisor/Inquiry",
             "Streamer.Supervisor/Sockets", "Streamer.Supervisor/Streams"];
    a_killed_streamer_restarts_as_a_whole_and_alone:
        "Streamer.Supervisor" => ["Streamer.Supervisor"];

    a_killed_trader_restarts_alone:
        "Naive.Supervisor/Symbols/ETHUSDT/Traders/*" => ["Naive.Supervisor/Symbols/ETHUSDT/Traders/*"];
    a_killed_supervisor_of_traders_restarts_with_its_traders_and_the_leader:
        "Naive.Supervisor/Symbols/ETHUSDT/Traders" =>
            ["Naive.Supervisor/Symbols/ETHUSDT/Traders", "Naive.Supervisor/Symbols/ETHUSDT/Leader"];
    a_killed_leader_restarts_with_its_traders:
        "Naive.Supervisor/Symbols/ETHUSDT/Leader" =>
            ["Naive.Supervisor/Symbols/ETHUSDT/Traders", "Naive.Supervisor/Symbols/ETHUSDT/Leader"];
    a_killed_symbol_supervisor_restarts_with_its_symbol_alone:
        "Naive.Supervisor/Symbols/ETHUSDT" => ["Naive.Supervisor/Symbols/ETHUSDT"];
    a_killed_supervisor_of_symbols_restarts_with_them:
        "Naive.Supervisor/Symbols" => ["Naive.Supervisor/Symbols"];
    killed_completions_restart_with_all_that_started_after_them:
        "Naive.Supervisor/Completions" => ["Naive.Supervisor/Completions", "Naive.Supervisor/Symbols"];
    killed_executions_restart_with_all_that_started_after_them:
        "Naive.Supervisor/Executions" =>
            ["Naive.Supervisor/Executions", "Naive.Supervisor/Completions", "Naive.Supervisor/Symbols"];
    a_killed_owner_of_the_leaders_names_restarts_with_all_that_started_after_it:
        "Naive.Supervisor/Registry" =>
            ["Naive.Supervisor/Registry", "Naive.Supervisor/Executions", "Naive.Supervisor/Completions", "Naive.Supervisor/Symbols"];
    a_killed_naive_restarts_as_a_whole_and_alone:
        "Naive.Supervisor" => ["Naive.Supervisor"];

    a_killed_warehouse_worker_restarts_alone:
        "Warehouse.SubscriberSupervisor/Workers/TRADE_EVENTS:ETHUSDT" =>
            ["Warehouse.SubscriberSupervisor/Workers/TRADE_EVENTS:ETHUSDT"];
    a_killed_supervisor_of_workers_restarts_with_them:
        "Warehouse.SubscriberSupervisor/Workers" => ["Warehouse.SubscriberSupervisor/Workers"];
    a_killed_owner_of_the_workers_names_restarts_with_all_that_started_after_it:
        "Warehouse.SubscriberSupervisor/Registry" =>
            ["Warehouse.SubscriberSupervisor/Registry", "Warehouse.SubscriberSupervisor/Workers"];
    a_killed_warehouse_restarts_as_a_whole_and_alone:
        "Warehouse.SubscriberSupervisor" => ["Warehouse.SubscriberSupervisor"];
}
