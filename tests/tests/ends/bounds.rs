//! What must not take longer, or more memory, than is promised: the answer of `status`, the end, the opening of many streams, a
//! long replay.

use crate::plan::{BackEnd, Market, Plan, Trouble};
use crate::stage::{SYMBOLS, Stage};
use anyhow::{Context, Result, ensure};
use diesel::connection::SimpleConnection as _;
use hedgehog_tests::postgres::Postgres;
use hedgehog_tests::program::{Folder, Program, SOON, binary, eventually};
use hedgehog_tests::recording::Recording;
use hedgehog_tests::sqlite;
use serde_json::Value;
use std::time::{Duration, Instant};

const MEGABYTE: u64 = 1_000_000;
/// Of resident memory, at most.
const MEMORY: u64 = 200 * MEGABYTE;
const MILLION: u64 = 1_000_000;

/// A program on the generated market that stores, and has its trouble now.
fn in_trouble(
    trouble: Trouble,
    postgres: Option<&Postgres>,
    test: impl FnOnce(&Stage, &Program) -> Result<()>,
) -> Result<()> {
    let back_end = if postgres.is_some() {
        BackEnd::Postgres
    } else {
        BackEnd::Sqlite
    };
    let stage = Stage::new(&Plan::plain(Market::Generated, back_end, trouble), postgres)?;
    let program = stage.run(stage.speed())?;
    eventually("trades are stored", SOON, || Ok((stage.rows()? > 20).then_some(())))?;
    let standing = stage.trouble(trouble)?;
    let result = test(&stage, &program).with_context(|| program.log());
    stage.relieve(standing)?;
    result
}

/// `status` answers within a second, and tells of what does not need the database.
pub(crate) fn status_answers(trouble: Trouble, postgres: Option<&Postgres>) -> Result<()> {
    in_trouble(trouble, postgres, |stage, _| {
        // Something has waited for the database by then.
        let seen = received(&stage.folder)?;
        eventually("trades wait to be stored", SOON, || {
            Ok((received(&stage.folder)? > seen + 20).then_some(()))
        })?;
        let mut took = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            let status = stage.folder.json(["status"])?;
            took.push(begun.elapsed());
            let streams = status["streaming"].as_array().map_or(0, Vec::len);
            ensure!(streams == SYMBOLS.len(), "{status}");
            let topics = status["storing"].as_array().map_or(0, Vec::len);
            ensure!(topics == 2 * SYMBOLS.len(), "{status}");
        }
        // One of them may have had to wait for this machine.
        ensure!(took.iter().min() < Some(&Duration::from_secs(1)), "{took:?}");
        Ok(())
    })
}

fn received(folder: &Folder) -> Result<i64> {
    let status = folder.json(["status"])?;
    let streams = status["streaming"].as_array().cloned().unwrap_or_default();
    Ok(streams
        .iter()
        .filter_map(|stream| stream["last_trade_id"].as_i64())
        .sum())
}

/// Gone within ten seconds of a SIGTERM, with what was not stored told.
pub(crate) fn ends_in_time(trouble: Trouble, postgres: Option<&Postgres>) -> Result<()> {
    in_trouble(trouble, postgres, |stage, program| {
        let seen = received(&stage.folder)?;
        eventually("trades wait to be stored", SOON, || {
            Ok((received(&stage.folder)? > seen + 20).then_some(()))
        })?;
        program.signal("TERM")?;
        let status = program.wait(Duration::from_secs(10))?;
        ensure!(status.code() == Some(4), "{status}");
        Ok(())
    })
}

/// All streams are open within seconds, the market waits for them, and every trade of it is stored.
pub(crate) fn many_symbols() -> Result<()> {
    const SYMBOLS: usize = 400;
    let recording = Recording {
        symbols: (0..SYMBOLS).map(symbol).collect(),
        trades: 40_000,
        pulse: 1,
        hole_each: 0,
    };
    let folder = Folder::new()?;
    let file = folder.file("recording.csv", "")?;
    recording.write(&file)?;
    let (file, symbols) = (file.display().to_string(), recording.symbols.join(","));
    let args = [
        "--replay",
        &file,
        "--speed",
        "4",
        "--exit-at-end",
        "--apps",
        "streamer,warehouse",
        "--start",
        &symbols,
    ];
    // The time is the program's, not that of building it.
    binary()?;
    let begun = Instant::now();
    let program = folder.spawn(args)?;
    let connected = eventually("all streams are connected", SOON, || {
        ensure!(!program.has_ended()?, "the program has ended");
        let Some(status) = folder.status_within(SOON)? else {
            return Ok(None);
        };
        let streams = status["streaming"].as_array().cloned().unwrap_or_default();
        let connected = streams.iter().filter(|stream| stream["state"] == "connected").count();
        Ok((connected == SYMBOLS).then(|| begun.elapsed()))
    });
    let connected = connected.with_context(|| program.log())?;
    let log = program.ends_well(SOON)?;
    ensure!(
        log.contains("40000 new trades stored") && log.contains(" 0 gaps"),
        "{log}"
    );
    let rows = folder.select(
        "data_warehouse.db",
        &["count(*)", "count(DISTINCT symbol)"],
        "FROM trade_events",
    )?;
    ensure!(rows == [["40000", "400"]], "{rows:?}");
    ensure!(
        connected < limit(Duration::from_secs(10)),
        "connected after {connected:?}\n{log}"
    );
    Ok(())
}

/// Three letters and a quote asset.
fn symbol(number: usize) -> String {
    let letter = |at: usize| char::from(b'A' + (at % 26) as u8);
    let name: String = [number / 676, number / 26, number].map(letter).iter().collect();
    format!("{name}USDT")
}

/// What a release build has to do within a time, a debug build may do within four times of it.
fn limit(time: Duration) -> Duration {
    if cfg!(debug_assertions) { 4 * time } else { time }
}

/// A long replay at full speed takes little memory, and no longer for its end than for its beginning.
pub(crate) fn long_replay(millions: u64, symbols: usize) -> Result<()> {
    let recording = Recording {
        symbols: (0..symbols).map(symbol).collect(),
        trades: millions * MILLION,
        pulse: 10,
        hole_each: 0,
    };
    let folder = Folder::new()?;
    let file = folder.file("recording.csv", "")?;
    recording.write(&file)?;
    let (file, names) = (file.display().to_string(), recording.symbols.join(","));
    let args = [
        "--replay",
        &file,
        "--speed",
        "max",
        "--apps",
        "streamer,warehouse",
        "--start",
        &names,
    ];
    let program = folder.run(args)?;
    let begun = Instant::now();
    // When so many trades had been played.
    let mut looks: Vec<(u64, Duration)> = vec![(0, Duration::ZERO)];
    let a_million_takes = Duration::from_mins(4);
    let played = eventually("all is played and stored", a_million_takes * millions as u32, || {
        ensure!(!program.has_ended()?, "the program has ended");
        let Some(status) = folder.status_within(SOON)? else {
            return Ok(None);
        };
        let played = status["replay"]["played"].as_u64().unwrap_or_default();
        looks.push((played, begun.elapsed()));
        let lag = |topic: &Value| topic["lag"] == 0;
        let stored = status["storing"]
            .as_array()
            .is_some_and(|topics| topics.iter().all(lag));
        Ok((played == recording.trades && stored).then_some(()))
    });
    played.with_context(|| program.log())?;
    let peak = program.peak_memory()?;
    let log = program.stop()?;
    ensure!(
        log.contains(&format!("{} new trades stored", recording.trades)),
        "{log}"
    );
    println!(
        "{millions} million trades of {symbols} symbols: {} MB at most",
        peak / MEGABYTE
    );
    ensure!(peak < MEMORY, "{} MB were resident", peak / MEGABYTE);
    if millions > 2 {
        let first = time_at(&looks, MILLION);
        let last = time_at(&looks, recording.trades).saturating_sub(time_at(&looks, recording.trades - MILLION));
        println!("the first million took {first:?}, the last {last:?}");
        ensure!(
            last.mul_f64(0.9) <= first,
            "the first million took {first:?}, the last {last:?}"
        );
    }
    Ok(())
}

/// When so many trades had been played, between two looks as if evenly.
fn time_at(looks: &[(u64, Duration)], played: u64) -> Duration {
    let after = looks.partition_point(|look| look.0 < played).clamp(1, looks.len() - 1);
    let ((from, begun), (to, ended)) = (looks[after - 1], looks[after]);
    let share = (played - from) as f64 / (to - from).max(1) as f64;
    begun + ended.saturating_sub(begun).mul_f64(share)
}

/// `status` does not count rows.
pub(crate) fn status_beside_many_rows(rows: u64) -> Result<()> {
    let folder = Folder::new()?;
    folder
        .run(["--apps", "streamer,warehouse", "--start", SYMBOLS[0]])?
        .stop()?;
    let mut database = sqlite::open(&folder.data().join("data_warehouse.db"))?;
    // The table's checks compare, and need some order; which one does not matter to them.
    database.register_collation("decimal", Ord::cmp)?;
    database.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")?;
    for from in (0..rows).step_by(MILLION as usize) {
        database.batch_execute(&format!(
            "WITH RECURSIVE number(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM number WHERE n + 1 < {to}) \
             INSERT INTO trade_events (id, event_type, event_time, symbol, trade_id, price, quantity, trade_time, \
             buyer_market_maker, inserted_at, updated_at) \
             SELECT randomblob(16), 'trade', n, 'ETHUSDT', n, '2000.1', '1.5', n, 1, n, n FROM number",
            to = rows.min(from + MILLION)
        ))?;
    }
    drop(database);
    let program = folder.run(["--start", "ETHUSDT"])?;
    let mut took = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        folder.json(["status"])?;
        took.push(begun.elapsed());
    }
    program.stop()?;
    let best = took.iter().min().copied().unwrap_or_default();
    ensure!(best < limit(Duration::from_millis(100)), "{took:?}");
    Ok(())
}
