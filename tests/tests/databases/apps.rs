//! The rows behind the apps' operations: seeded once, switched, and read again by the next program.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use hedgehog_bin::databases::{DATA_WAREHOUSE, NAIVE, SIMULATOR, STREAMER};
use hedgehog_bin::exchange::binance::BinanceClient;
use hedgehog_bin::exchange::simulator::{MarketSource, Simulator, SimulatorConfig};
use hedgehog_bin::market::{Bus, FillRule, Stream, Symbol};
use hedgehog_bin::naive::schema::{self as naive, TradingStatus};
use hedgehog_bin::naive::{Naive, Profile};
use hedgehog_bin::operation::{OperationError, Outcome};
use hedgehog_bin::store::{Db, Decimal, Id, Moment, decimal_sum};
use hedgehog_bin::streamer::Streamer;
use hedgehog_bin::streamer::schema::{self as streamer, StreamingStatus};
use hedgehog_bin::warehouse::Warehouse;
use hedgehog_bin::warehouse::schema::{SubscriberStatus, subscriber_settings};
use hedgehog_core::{ExitReason, Strategy, Supervisor, SupervisorRef};
use tempfile::TempDir;

use crate::engine::{Engine, decimal};

const DEADLINE: Duration = Duration::from_secs(20);

/// Where the three apps and their exchange keep what they know, from one program to the next.
struct Place {
    streamer: String,
    naive: String,
    warehouse: String,
    exchange: TempDir,
}

/// The three apps on an exchange whose market is not open yet.
struct Apps {
    streamer: Streamer,
    naive: Naive,
    warehouse: Warehouse,
    /// Handles of their databases.
    rows: Rows,
    root: SupervisorRef,
}

struct Rows {
    streamer: Db,
    naive: Db,
    warehouse: Db,
}

impl Place {
    fn new(engine: &Engine) -> Self {
        Self {
            streamer: engine.url(STREAMER),
            naive: engine.url(NAIVE),
            warehouse: engine.url(DATA_WAREHOUSE),
            exchange: TempDir::new().expect("a folder for temporary files"),
        }
    }

    /// The apps, started on what is there.
    async fn start(&self) -> Apps {
        let open = async |url: &str, database| Db::open(url, database).await.expect("opens");
        let remembered = self.exchange.path().join("simulator.db").display().to_string();
        let simulator = Simulator::bind(SimulatorConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            market: MarketSource::Generated { seed: 1 },
            rule: FillRule::Through,
            database: open(&remembered, SIMULATOR).await,
            bus: None,
            memory: 64 << 20,
            alone: false,
        });
        let simulator = simulator.await.expect("a free port");
        let (endpoints, credentials) = (simulator.endpoints(), simulator.credentials());
        let exchange = BinanceClient::new(endpoints, credentials).expect("a client");
        let exchange = Arc::new(exchange);
        let rows = Rows {
            streamer: open(&self.streamer, STREAMER).await,
            naive: open(&self.naive, NAIVE).await,
            warehouse: open(&self.warehouse, DATA_WAREHOUSE).await,
        };
        let bus = Bus::new();
        let streamer = Streamer::new(rows.streamer.clone(), exchange.clone(), bus.clone());
        let naive = Naive::new(
            rows.naive.clone(),
            exchange.clone(),
            exchange.clone(),
            bus.clone(),
            Profile::Safe,
        );
        let warehouse = Warehouse::new(rows.warehouse.clone(), exchange, bus);
        let root = Supervisor::new(Strategy::OneForOne)
            .child(simulator.spec())
            .child(warehouse.spec())
            .child(naive.spec())
            .child(streamer.spec());
        let root = root.start().await.expect("a tree");
        warehouse.autostarted().await;
        naive.autostarted().await;
        streamer.autostarted().await;
        Apps {
            streamer,
            naive,
            warehouse,
            rows,
            root,
        }
    }
}

impl Apps {
    async fn seed(&self) {
        self.streamer.seed().await.expect("seeds");
        self.naive.seed().await.expect("seeds");
    }

    async fn stop(self) {
        self.root.stop(ExitReason::Shutdown).await;
    }
}

impl Rows {
    async fn streaming(&self, symbol: &Symbol) -> StreamingStatus {
        let row = streamer::settings::table.filter(streamer::settings::symbol.eq(symbol.as_str()));
        self.streamer
            .fetch_one(row.select(streamer::settings::status))
            .await
            .expect("a row")
    }

    async fn trading(&self, symbol: &Symbol) -> TradingStatus {
        let row = naive::settings::table.filter(naive::settings::symbol.eq(symbol.as_str()));
        self.naive
            .fetch_one(row.select(naive::settings::status))
            .await
            .expect("a row")
    }

    /// Every row of the warehouse's settings.
    async fn storing(&self) -> Vec<(Id, String, SubscriberStatus, Moment, Moment, i64)> {
        self.warehouse
            .fetch(subscriber_settings::table.order(subscriber_settings::topic))
            .await
            .expect("reads")
    }
}

fn btcusdt() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

pub(crate) async fn seeding_twice_adds_nothing(engine: Engine) {
    let apps = Place::new(&engine).start().await;
    let first = apps.streamer.seed().await.expect("seeds");
    assert!(first.inserted >= 20 && first.known == 0, "{first:?}");
    let second = apps.streamer.seed().await.expect("seeds");
    assert_eq!((second.inserted, second.known), (0, first.inserted));
    let rows = apps
        .rows
        .streamer
        .fetch_one::<i64>(streamer::settings::table.count())
        .await;
    assert_eq!(rows.expect("counts"), first.inserted as i64);

    let first = apps.naive.seed().await.expect("seeds");
    assert!(first.inserted >= 20 && first.known == 0, "{first:?}");
    let second = apps.naive.seed().await.expect("seeds");
    assert_eq!((second.inserted, second.known), (0, first.inserted));
    let budgets = naive::settings::table.select(decimal_sum(naive::settings::budget));
    let budgets = apps
        .rows
        .naive
        .fetch_one::<Option<Decimal>>(budgets)
        .await
        .expect("sums");
    assert_eq!(budgets, Some(decimal(&(1000 * first.inserted).to_string())));
    apps.stop().await;
}

pub(crate) async fn streaming_rows_follow_start_and_stop(engine: Engine) {
    let apps = Place::new(&engine).start().await;
    apps.seed().await;
    let symbol = btcusdt();
    for (on, expected) in [
        (true, Outcome::Started),
        (true, Outcome::AlreadyRunning),
        (false, Outcome::Stopped),
        (false, Outcome::NotRunning),
    ] {
        let outcome = if on {
            apps.streamer.start_streaming(&symbol).await
        } else {
            apps.streamer.stop_streaming(&symbol).await
        };
        assert_eq!(outcome.expect("an outcome"), expected);
        let row = if on { StreamingStatus::On } else { StreamingStatus::Off };
        assert_eq!(apps.rows.streaming(&symbol).await, row);
    }
    let unknown = apps
        .streamer
        .start_streaming(&"BTCUSD".parse().expect("a symbol"))
        .await;
    assert!(
        matches!(unknown, Err(OperationError::UnknownSymbol { .. })),
        "{unknown:?}"
    );
    apps.stop().await;
}

pub(crate) async fn trading_rows_follow_start_shutdown_and_stop(engine: Engine) {
    let apps = Place::new(&engine).start().await;
    apps.seed().await;
    let symbol = btcusdt();
    assert_eq!(
        apps.naive.start_trading(&symbol).await.expect("an outcome"),
        Outcome::Started
    );
    assert_eq!(apps.rows.trading(&symbol).await, TradingStatus::On);
    assert_eq!(
        apps.naive.shutdown_trading(&symbol).await.expect("an outcome"),
        Outcome::Draining
    );
    // The market is closed and nothing is open: there is nothing to wait for.
    let drained = async { while apps.rows.trading(&symbol).await != TradingStatus::Off {} };
    tokio::time::timeout(DEADLINE, drained).await.expect("drains");
    assert_eq!(
        apps.naive.start_trading(&symbol).await.expect("an outcome"),
        Outcome::Started
    );
    assert_eq!(
        apps.naive.stop_trading(&symbol).await.expect("an outcome"),
        Outcome::Stopped
    );
    assert_eq!(apps.rows.trading(&symbol).await, TradingStatus::Off);
    apps.stop().await;
}

pub(crate) async fn storing_keeps_the_id_of_its_row(engine: Engine) {
    let apps = Place::new(&engine).start().await;
    let symbol = btcusdt();
    let start = async || {
        apps.warehouse
            .start_storing(Stream::Orders, &symbol)
            .await
            .expect("an outcome")
    };
    assert_eq!(start().await, Outcome::Started);
    let [(id, topic, SubscriberStatus::On, inserted_at, _, 0)] = &apps.rows.storing().await[..] else {
        panic!("one row that is on");
    };
    assert_eq!(topic, "ORDERS:BTCUSDT");
    let stopped = apps
        .warehouse
        .stop_storing(Stream::Orders, &symbol)
        .await
        .expect("an outcome");
    assert_eq!(stopped, Outcome::Stopped);
    assert_eq!(apps.rows.storing().await[0].2, SubscriberStatus::Off);
    assert_eq!(start().await, Outcome::Started);
    let [(same_id, _, SubscriberStatus::On, same_time, _, 0)] = &apps.rows.storing().await[..] else {
        panic!("the same row, on again");
    };
    assert_eq!((same_id, same_time), (id, inserted_at));
    apps.stop().await;
}

pub(crate) async fn what_is_on_starts_by_itself_the_next_time(engine: Engine) {
    let place = Place::new(&engine);
    let symbol = btcusdt();
    let apps = place.start().await;
    apps.seed().await;
    apps.streamer.start_streaming(&symbol).await.expect("starts");
    apps.naive.start_trading(&symbol).await.expect("starts");
    apps.warehouse
        .start_storing(Stream::TradeEvents, &symbol)
        .await
        .expect("starts");
    apps.stop().await;

    let apps = place.start().await;
    assert_eq!(
        apps.streamer.start_streaming(&symbol).await.expect("an outcome"),
        Outcome::AlreadyRunning
    );
    assert_eq!(
        apps.naive.start_trading(&symbol).await.expect("an outcome"),
        Outcome::AlreadyRunning
    );
    let storing = async |stream| apps.warehouse.start_storing(stream, &symbol).await.expect("an outcome");
    assert_eq!(storing(Stream::TradeEvents).await, Outcome::AlreadyRunning);
    assert_eq!(storing(Stream::Orders).await, Outcome::Started);
    apps.stop().await;
}
