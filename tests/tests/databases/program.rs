//! The whole program on databases given by URL, as its own process.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use diesel::prelude::*;
use hedgehog_bin::databases::{DATA_WAREHOUSE, NAIVE, STREAMER};
use hedgehog_bin::naive::schema::{TraderState, traders};
use hedgehog_bin::store::{Database, Db, Id};
use hedgehog_bin::warehouse::schema::{orders, trade_events};
use hedgehog_tests::postgres::PASSWORD;
use hedgehog_tests::program::{Folder, eventually};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::engine::Engine;

const APPS: [&Database; 3] = [STREAMER, NAIVE, DATA_WAREHOUSE];

/// A first cycle takes a minute at most.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program's place, with the URL of each app's database in a configuration file.
struct Place {
    folder: Folder,
    config: PathBuf,
    urls: [String; 3],
}

impl Place {
    fn new(urls: [String; 3]) -> Result<Self> {
        let folder = Folder::new()?;
        let line = |(database, url): (&Database, &String)| format!("{database} = {url:?}\n");
        let lines: String = APPS.into_iter().zip(&urls).map(line).collect();
        let config = folder.file("databases.toml", format!("[databases]\n{lines}"))?;
        Ok(Self { folder, config, urls })
    }

    fn run<'a>(&'a self, args: &[&'a str]) -> impl Iterator<Item = &'a str> {
        let config = self.config.to_str().expect("a plain path");
        ["--config", config].into_iter().chain(args.to_vec())
    }

    /// A database as somebody else sees it.
    async fn open(&self, database: &'static Database) -> Result<Db> {
        let at = APPS
            .iter()
            .position(|one| *one == database)
            .context("one of the apps'")?;
        Ok(Db::open(&self.urls[at], database).await?)
    }
}

/// What the warehouse holds: trades, trade ids from the first to the last, orders.
async fn stored(warehouse: &Db) -> Result<(i64, i64, i64)> {
    let edge = |order: Option<i64>| order.unwrap_or_default();
    let trades = warehouse.fetch_one::<i64>(trade_events::table.count()).await?;
    let first = trade_events::table.select(diesel::dsl::min(trade_events::trade_id));
    let last = trade_events::table.select(diesel::dsl::max(trade_events::trade_id));
    let span = edge(warehouse.fetch_one(last).await?) - edge(warehouse.fetch_one(first).await?) + 1;
    Ok((trades, span, warehouse.fetch_one(orders::table.count()).await?))
}

/// The traders whose cycle is not over.
async fn open_traders(naive: &Db) -> Result<Vec<Id>> {
    let open = traders::table.filter(traders::state.eq_any([TraderState::Buying, TraderState::Selling]));
    Ok(naive
        .fetch(open.select(traders::id).order(traders::inserted_at))
        .await?)
}

/// Waits on the blocking side for something that is asked for on the other.
fn wait<T>(what: &str, ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    tokio::task::block_in_place(|| eventually(what, PATIENCE, || Handle::current().block_on(ask())))
}

fn is_on(status: &Value) -> Result<()> {
    ensure!(
        status["streaming"][0]["symbol"] == "BTCUSDT" && status["streaming"][0]["on"] == true,
        "{status:#}"
    );
    ensure!(
        status["trading"][0]["symbol"] == "BTCUSDT" && status["trading"][0]["status"] == "on",
        "{status:#}"
    );
    let topics: Vec<_> = status["storing"].as_array().into_iter().flatten().collect();
    ensure!(
        topics.len() == 2 && topics.iter().all(|topic| topic["on"] == true),
        "{status:#}"
    );
    Ok(())
}

async fn runs_stops_and_goes_on(engine: Engine) -> Result<()> {
    let place = Place::new(APPS.map(|database| engine.url(database)))?;
    let run = |args: &[&str]| tokio::task::block_in_place(|| place.folder.run(place.run(args)));
    let tell = |command: &str| tokio::task::block_in_place(|| place.folder.ok([command]));
    let status = || tokio::task::block_in_place(|| place.folder.json(["status"]));

    let program = run(&["--start", "BTCUSDT", "--profile", "demo"])?;
    let warehouse = place.open(DATA_WAREHOUSE).await?;
    let (trades, ..) = wait("trades and an order are stored", async || {
        let (trades, span, orders) = stored(&warehouse).await?;
        Ok((trades >= 10 && orders >= 1).then_some((trades, span, orders)))
    })
    .with_context(|| program.log())?;
    let shown = status()?;
    is_on(&shown)?;
    let counted = shown["storing"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|t| t["topic"] == "TRADE_EVENTS:BTCUSDT");
    let counted = counted
        .and_then(|topic| topic["rows_stored"].as_i64())
        .context("a count of rows")?;
    ensure!(counted >= trades, "{counted} shown, {trades} stored before");
    let mut told = tell("status")? + &tell("tree")? + &shown.to_string();
    told += &tokio::task::block_in_place(|| program.stop())?;

    let (trades, span, _) = stored(&warehouse).await?;
    ensure!(trades == span, "{trades} trades stored of {span}");
    let naive = place.open(NAIVE).await?;
    let before = open_traders(&naive).await?;

    let program = run(&[])?;
    let (more, ..) = wait("the next run stores more", async || {
        Ok(Some(stored(&warehouse).await?).filter(|(more, ..)| *more > trades + 10))
    })
    .with_context(|| program.log())?;
    is_on(&status()?)?;
    told += &tokio::task::block_in_place(|| program.stop())?;
    ensure!(more > trades);
    // Each trader of before is an open one still, or has come to the end of its cycle.
    let kept = traders::table.filter(traders::id.eq_any(&before)).count();
    ensure!(naive.fetch_one::<i64>(kept).await? == before.len() as i64);
    ensure!(
        !told.contains(PASSWORD),
        "the password in what the program tells:\n{told}"
    );
    Ok(())
}

pub(crate) async fn trades_and_orders_are_stored_and_a_restart_goes_on(engine: Engine) {
    runs_stops_and_goes_on(engine).await.expect("runs, stops and goes on");
}

fn seeds_without_telling(engine: &Engine) -> Result<()> {
    let folder = Folder::new()?;
    let mut seed = folder.command(["seed"])?;
    // Everything anybody has to say, the libraries too.
    seed.env("RUST_LOG", "trace");
    for database in APPS {
        let variable = format!("HEDGEHOG_DATABASES_{}", database.name.to_uppercase());
        seed.env(variable, engine.url(database));
    }
    let output = seed.output()?;
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    ensure!(output.status.success() && told.contains("streaming settings"), "{told}");
    ensure!(!told.contains(PASSWORD), "the password in the log:\n{told}");
    Ok(())
}

pub(crate) async fn a_password_appears_nowhere(engine: Engine) {
    let seeded = tokio::task::spawn_blocking(move || seeds_without_telling(&engine)).await;
    seeded.expect("no panic").expect("seeds, and tells no password");
}

pub(crate) async fn a_wrong_password_ends_the_program_with_one_line(engine: Engine) {
    let wrong = "battery-staple";
    let place = Place::new(APPS.map(|database| engine.url(database).replace(PASSWORD, wrong))).expect("a place");
    let args: Vec<_> = std::iter::once("run").chain(place.run(&[])).collect();
    let complaint = tokio::task::block_in_place(|| place.folder.refused(args, 4)).expect("exit code 4, one line");
    assert!(complaint.contains("postgres://hedgehog:***@"), "{complaint}");
    assert!(!complaint.contains(wrong), "{complaint}");
}
