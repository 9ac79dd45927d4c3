//! The app on a real database, fed through its topics.

use super::schema::DATABASE;
use super::*;
use crate::exchange::{Demand, ExchangeError, SocketError, TradeSocket};
use crate::market::{Decimal, TimeInForce};
use crate::market::{
    ExchangeInfo, OrderStatus, OrderType, Price, Quantity, Side, SymbolFilters, SymbolInfo, SymbolStatus,
};
use hedgehog_core::{ExitReason, Strategy, SupervisorRef};
use std::time::Duration;

/// Lists BTCUSDT and never connects: the warehouse only asks which symbols exist.
#[derive(Debug)]
struct Listing;

impl MarketData for Listing {
    fn exchange_info(&self) -> BoxFuture<'_, Result<Arc<ExchangeInfo>, ExchangeError>> {
        let symbol = btcusdt();
        let unit = || Decimal::new(1.into(), 8);
        let info = SymbolInfo {
            symbol: symbol.clone(),
            status: SymbolStatus::Trading,
            base_asset: "BTC".into(),
            quote_asset: "USDT".into(),
            filters: SymbolFilters::of(unit(), unit()),
        };
        Box::pin(async {
            Ok(Arc::new(ExchangeInfo {
                symbols: [(symbol, info)].into(),
            }))
        })
    }
    fn connect<'a>(&'a self, _: &'a dyn Demand) -> BoxFuture<'a, Result<Box<dyn TradeSocket>, SocketError>> {
        Box::pin(std::future::pending())
    }
}

/// A running warehouse on a database of its own.
struct Running {
    app: Warehouse,
    bus: Bus,
    root: SupervisorRef,
    _dir: tempfile::TempDir,
}

fn btcusdt() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

fn trade(trade_id: i64) -> TradeEvent {
    TradeEvent {
        epoch: 0,
        event_time: 1_559_347_200_492 + trade_id,
        symbol: btcusdt(),
        trade_id,
        price: "61837.63000000".parse().expect("a price"),
        quantity: "0.02000000".parse().expect("a quantity"),
        trade_time: 1_559_347_200_490 + trade_id,
        buyer_market_maker: true,
    }
}

fn order(status: OrderStatus, executed: &str, update_time: i64) -> Order {
    Order {
        order_id: 7,
        client_order_id: "ours".into(),
        symbol: btcusdt(),
        price: "61831.44".parse().expect("a price"),
        original_quantity: "0.00323".parse().expect("a quantity"),
        executed_quantity: executed.parse().expect("a quantity"),
        cummulative_quote_quantity: Quantity::zero(),
        status,
        time_in_force: TimeInForce::Gtc,
        order_type: OrderType::Limit,
        side: Side::Buy,
        stop_price: Price::zero(),
        iceberg_quantity: Quantity::zero(),
        time: 1,
        update_time,
    }
}

async fn running() -> Running {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("data_warehouse.db");
    let db = Db::open(&file.display().to_string(), DATABASE)
        .await
        .expect("a database");
    let bus = Bus::new();
    let app = Warehouse::new(db, Arc::new(Listing), bus.clone());
    let root = Supervisor::new(Strategy::OneForOne)
        .child(app.spec())
        .start()
        .await
        .expect("a tree");
    app.autostarted().await;
    Running {
        app,
        bus,
        root,
        _dir: dir,
    }
}

impl Running {
    fn broadcast(&self, ids: std::ops::RangeInclusive<i64>) {
        for id in ids {
            self.bus.trade_events.broadcast("TRADE_EVENTS:BTCUSDT", trade(id));
        }
    }

    async fn status(&self) -> StoringStatus {
        self.app
            .status()
            .await
            .expect("a status")
            .into_iter()
            .next()
            .expect("one topic")
    }

    async fn eventually_stored(&self, rows: i64) {
        let stored = async {
            while self.status().await.rows_stored != rows {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), stored)
            .await
            .expect("the rows are stored");
    }

    fn worker(&self) -> Option<ActorRef<WorkerMsg>> {
        self.app.workers.lookup(&Topic::trade_events(&btcusdt()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_twice_says_so_and_stopping_twice_too() {
    let running = running().await;
    let (app, symbol) = (&running.app, btcusdt());
    assert_eq!(
        app.start_storing(Stream::Orders, &symbol).await.expect("starts"),
        Outcome::Started
    );
    assert_eq!(
        app.start_storing(Stream::Orders, &symbol).await.expect("is on"),
        Outcome::AlreadyRunning
    );
    assert_eq!(
        app.stop_storing(Stream::Orders, &symbol).await.expect("stops"),
        Outcome::Stopped
    );
    assert_eq!(
        app.stop_storing(Stream::Orders, &symbol).await.expect("is off"),
        Outcome::NotRunning
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_does_not_exist_leaves_no_row() {
    let running = running().await;
    let error = running
        .app
        .start_storing(Stream::Orders, &"BTCUSD".parse().expect("a symbol"))
        .await;
    let told = error.expect_err("no such symbol").to_string();
    assert_eq!(told, "unknown symbol BTCUSD, did you mean BTCUSDT?");
    assert!(running.app.status().await.expect("a status").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_before_the_stop_is_stored_by_then() {
    let running = running().await;
    running
        .app
        .start_storing(Stream::TradeEvents, &btcusdt())
        .await
        .expect("starts");
    running.broadcast(1..=12_345);
    running
        .app
        .stop_storing(Stream::TradeEvents, &btcusdt())
        .await
        .expect("stops");
    assert_eq!(running.status().await.rows_stored, 12_345);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_s_stop_stores_everything_too() {
    let running = running().await;
    running
        .app
        .start_storing(Stream::TradeEvents, &btcusdt())
        .await
        .expect("starts");
    running.broadcast(1..=100);
    running.root.stop(ExitReason::Shutdown).await;
    assert_eq!(running.status().await.rows_stored, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_and_doubles_nothing() {
    let running = running().await;
    running
        .app
        .start_storing(Stream::TradeEvents, &btcusdt())
        .await
        .expect("starts");
    let mut last = 0;
    for _ in 0..3 {
        running.broadcast(last + 1..=last + 7_000);
        last += 7_000;
        let worker = running.worker().expect("a worker");
        // In the middle of reading and storing, wherever it is.
        running.eventually_some_new(last - 7_000).await;
        worker.kill();
        worker.exited().await;
    }
    running.eventually_stored(last).await;
    assert_eq!(
        running.status().await.rows_new,
        last as u64,
        "no row is counted as new twice"
    );
}

impl Running {
    async fn eventually_some_new(&self, before: i64) {
        while self.status().await.rows_stored <= before {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_s_row_moves_in_place_and_never_back() {
    let running = running().await;
    running
        .app
        .start_storing(Stream::Orders, &btcusdt())
        .await
        .expect("starts");
    let states = [
        order(OrderStatus::New, "0.00000000", 1),
        order(OrderStatus::Filled, "0.00323", 3),
        order(OrderStatus::PartiallyFilled, "0.00100", 2),
        order(OrderStatus::New, "0.00000000", 1),
    ];
    for state in states {
        running.bus.orders.broadcast("ORDERS:BTCUSDT", state);
    }
    running
        .app
        .stop_storing(Stream::Orders, &btcusdt())
        .await
        .expect("stops");
    let rows = super::schema::orders::table;
    let stored: Vec<crate::warehouse::rows::OrderRow> = running.app.db.fetch(rows).await.expect("rows");
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].status.as_str(), stored[0].update_time), ("FILLED", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tree_starts_what_was_on() {
    let first = running().await;
    first
        .app
        .start_storing(Stream::TradeEvents, &btcusdt())
        .await
        .expect("starts");
    first
        .app
        .start_storing(Stream::Orders, &btcusdt())
        .await
        .expect("starts");
    first.app.stop_storing(Stream::Orders, &btcusdt()).await.expect("stops");
    first.root.stop(ExitReason::Shutdown).await;

    let app = Warehouse::new(first.app.db.clone(), Arc::new(Listing), Bus::new());
    let root = Supervisor::new(Strategy::OneForOne)
        .child(app.spec())
        .start()
        .await
        .expect("a tree");
    app.autostarted().await;
    assert_eq!(app.workers.keys(), vec![Topic::trade_events(&btcusdt())]);
    root.stop(ExitReason::Shutdown).await;
}
