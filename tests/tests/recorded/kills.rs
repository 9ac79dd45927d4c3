//! Ten processes killed, one after the other, while an hour of trades is played within a minute.

use crate::storage::eventually_orders_are_stored;
use anyhow::{Context, Result, bail, ensure};
use hedgehog_bin::market::TradeEvent;
use hedgehog_tests::data::{XRPUSDT_DAY, csv, cut, trades};
use hedgehog_tests::program::{Folder, SOON, eventually};
use hedgehog_tests::tree::Tree;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Of the day's hours the one with the most trades; its price falls by four percent, so that all chunks come into use.
const HOUR: i64 = 14;
const SYMBOL: &str = "XRPUSDT";
const TRADERS: &str = "Hedgehog/Naive.Supervisor/Symbols/XRPUSDT/Traders";
const KILLS: u64 = 10;
const APART: Duration = Duration::from_secs(2);
/// Names the seed to repeat.
const SEED: &str = "KILL_SEED";

pub(super) fn ten_kills() -> Result<()> {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().with_context(|| format!("{SEED}={seed}"))?,
        Err(_) => rand::rng().random_range(0..1_000_000),
    };
    let mut story = format!("to repeat: {SEED}={seed} cargo test --test recorded ten_kills\n");
    let result = kill_ten(seed, &mut story);
    eprint!("{story}");
    result.context(story)
}

fn kill_ten(seed: u64, story: &mut String) -> Result<()> {
    let hour = cut(&trades(XRPUSDT_DAY)?, &(HOUR..HOUR + 1));
    let folder = Folder::new()?;
    let file = folder.file("hour.csv", csv(&hour))?.display().to_string();
    let args = [
        "--replay",
        &file,
        "--speed",
        "60",
        "--profile",
        "demo",
        "--start",
        SYMBOL,
    ];
    let program = folder.run(args)?;
    let told = watch(seed, story, hour.len() as u64, &folder);
    let (known_traders, streaming) = told.with_context(|| program.log())?;
    let log = program.stop()?;
    let verdict = || -> Result<()> {
        ensure!(!log.contains("too many restarts"), "a restart limit was reached");
        trades_are_accounted_for(&folder, &hour, &streaming)?;
        traders_are_known(&folder, &known_traders)
    };
    verdict().with_context(|| log.clone())
}

/// Kills while the hour is played; returns every trader that was ever seen open, and what `status` tells of the stream at the
/// end.
fn watch(seed: u64, story: &mut String, total: u64, folder: &Folder) -> Result<(BTreeSet<String>, Value)> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut known_traders = BTreeSet::new();
    let mut last_kill = Instant::now();
    for kill in 1..=KILLS {
        // Evenly over the hour; it ends undisturbed, since trades that are missing at its very end lie in no gap yet.
        let due = total * kill / (KILLS + 2);
        let played = eventually("the hour goes on", SOON, || {
            let played = played(folder)?;
            Ok((played >= due && last_kill.elapsed() >= APART).then_some(played))
        })?;
        known_traders.extend(open_traders(folder)?);
        let path = victim(&folder.tree()?, &mut random)?;
        last_kill = Instant::now();
        writeln!(story, "killed at trade {played} of {total}: {path}")?;
        let answer = folder.output(["kill", &path])?;
        // A trader may have finished in the meantime; then there is nothing at its path.
        ensure!(
            answer.status.success() || path.contains("/Traders/"),
            "{}",
            String::from_utf8_lossy(&answer.stderr)
        );
    }
    eventually("all is played", Duration::from_mins(2), || {
        Ok((played(folder)? == total).then_some(()))
    })?;
    let streaming = eventually("all is received and stored", SOON, || {
        let streaming = folder.status("streaming", SYMBOL)?;
        let storing = folder.status("storing", &format!("TRADE_EVENTS:{SYMBOL}"))?;
        Ok((storing["lag"] == 0 && streaming["state"] == "connected").then_some(streaming))
    })?;
    eventually_orders_are_stored(folder)?;
    eventually("every open trader has a process", SOON, || {
        let at_work = folder.tree()?;
        let mut at_work: Vec<_> = at_work.below(TRADERS).iter().map(|id| id.replace('-', "")).collect();
        at_work.sort_unstable();
        let mut open = open_traders(folder)?;
        open.sort_unstable();
        Ok((at_work == open).then_some(()))
    })?;
    Ok((known_traders, streaming))
}

fn played(folder: &Folder) -> Result<u64> {
    folder.json(["status"])?["replay"]["played"]
        .as_u64()
        .context("no progress")
}

/// Any process except the simulator, the control socket and the root. First one chooses the kind and then the process, so
/// that the same seed chooses the same kinds however many traders there are.
fn victim(tree: &Tree, random: &mut StdRng) -> Result<String> {
    let spared = |path: &str| ["Hedgehog", "Hedgehog/Simulator", "Hedgehog/Control"].contains(&path);
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, pid) in tree.pids() {
        if pid.is_some() && !spared(path) {
            let kind = path
                .find("/Traders/")
                .map_or(path, |at| &path[..at + "/Traders/".len()]);
            kinds.entry(kind).or_default().push(path);
        }
    }
    let processes = kinds.into_values().choose(random).context("nothing runs")?;
    let path = processes.into_iter().choose(random).context("a kind has a process")?;
    Ok(path.to_owned())
}

fn open_traders(folder: &Folder) -> Result<Vec<String>> {
    let open = folder.select(
        "naive.db",
        &["lower(hex(id))"],
        "FROM traders WHERE state NOT IN ('finished', 'cancelled')",
    )?;
    Ok(open.into_iter().flatten().collect())
}

/// What is stored is what was traded, each trade once; what is not lies in a gap that `status` shows.
fn trades_are_accounted_for(folder: &Folder, hour: &[TradeEvent], streaming: &Value) -> Result<()> {
    let columns = [
        "trade_id",
        "price",
        "quantity",
        "trade_time",
        "event_time",
        "buyer_market_maker",
    ];
    let rows = folder.select("data_warehouse.db", &columns, "FROM trade_events ORDER BY trade_id")?;
    let mut stored = BTreeMap::new();
    for row in rows {
        let id: i64 = row[0].parse()?;
        ensure!(stored.insert(id, row).is_none(), "trade {id} is stored twice");
    }
    let gaps = streaming["gap_ranges"].as_array().cloned().unwrap_or_default();
    let in_a_gap = |id: i64| {
        gaps.iter().any(|gap| {
            let (first, last) = (gap["first_missing_id"].as_i64(), gap["last_missing_id"].as_i64());
            first <= Some(id) && Some(id) <= last
        })
    };
    for trade in hour {
        let id = trade.trade_id;
        match stored.remove(&id) {
            Some(row) => {
                let as_traded = row[1].parse().ok() == Some(trade.price.clone())
                    && row[2].parse().ok() == Some(trade.quantity.clone())
                    && row[3] == trade.trade_time.to_string()
                    && row[4] == trade.event_time.to_string()
                    && row[5] == u8::from(trade.buyer_market_maker).to_string();
                ensure!(as_traded, "{trade:?} is stored as {row:?}");
                ensure!(!in_a_gap(id), "trade {id} is stored, and lies in a gap: {gaps:?}");
            }
            None if in_a_gap(id) => {}
            None => bail!("trade {id} is neither stored nor in a gap: {gaps:?}"),
        }
    }
    ensure!(stored.is_empty(), "stored and never traded: {:?}", stored.keys());
    Ok(())
}

/// Each trader that was ever seen open is open or has finished, and each order of the exchange belongs to one trader.
fn traders_are_known(folder: &Folder, known: &BTreeSet<String>) -> Result<()> {
    let columns = ["lower(hex(id))", "state", "buy_client_order_id", "sell_client_order_id"];
    let rows = folder.select("naive.db", &columns, "FROM traders")?;
    let states: BTreeMap<_, _> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    for trader in known {
        let state = states.get(trader.as_str());
        ensure!(
            state.is_some_and(|state| *state != "cancelled"),
            "trader {trader} is {state:?}"
        );
    }
    let ours: BTreeSet<_> = rows.iter().flat_map(|row| &row[2..]).collect();
    let placed = folder.select("simulator.db", &["client_order_id"], "FROM orders")?;
    let strangers: Vec<_> = placed.iter().flatten().filter(|id| !ours.contains(id)).collect();
    ensure!(strangers.is_empty(), "orders that no trader knows: {strangers:?}");
    Ok(())
}
