//! What the warehouse's database does not take: kept on disk, and stored as soon as it does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use hedgehog_bin::databases::DATA_WAREHOUSE;
use hedgehog_bin::exchange::binance::BinanceClient;
use hedgehog_bin::exchange::{Credentials, Endpoints};
use hedgehog_bin::market::{Bus, Symbol, TradeEvent};
use hedgehog_bin::service::TradeArchive;
use hedgehog_bin::store::{Db, Id, Transaction};
use hedgehog_bin::warehouse::schema::{SubscriberStatus, subscriber_settings as settings, trade_events};
use hedgehog_bin::warehouse::writer::insert_trade_events;
use hedgehog_bin::warehouse::{StoringStatus, Warehouse};
use hedgehog_core::{ExitReason, Strategy, Supervisor, SupervisorRef};
use tempfile::TempDir;

use crate::batches;
use crate::engine::{Engine, Fresh, moment};

const DEADLINE: Duration = Duration::from_secs(30);

/// A warehouse that stores the trades of one symbol.
struct Running {
    app: Warehouse,
    bus: Bus,
    root: SupervisorRef,
}

fn btcusdt() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

fn warehouse(db: Db, bus: &Bus, memory: u64, folder: &Path) -> Warehouse {
    let exchange = BinanceClient::new(Endpoints::testnet(), Credentials::new("", "")).expect("a client");
    Warehouse::new(db, Arc::new(exchange), bus.clone()).keeping(memory, folder.join("unstored"))
}

impl Running {
    async fn start(db: Db, memory: u64, folder: &Path) -> Self {
        let bus = Bus::new();
        let app = warehouse(db, &bus, memory, folder);
        let mut ready = app.ready();
        let root = Supervisor::new(Strategy::OneForOne)
            .child(app.spec())
            .start()
            .await
            .expect("a tree");
        ready.wait_for(|ready| *ready).await.expect("the app holds the sender");
        Self { app, bus, root }
    }

    fn publish(&self, ids: std::ops::RangeInclusive<i64>) {
        let publisher = self.bus.trade_publisher(&btcusdt());
        for trade_id in ids {
            publisher.publish(TradeEvent {
                event_time: 1,
                symbol: btcusdt(),
                epoch: 0,
                trade_id,
                price: "61079.19000000".parse().expect("a price"),
                quantity: "0.00100000".parse().expect("a quantity"),
                trade_time: trade_id,
                buyer_market_maker: false,
            });
        }
    }

    fn done(&self) -> i64 {
        self.bus.done(&btcusdt()).map_or(0, |done| done.trade_id)
    }

    async fn status(&self) -> StoringStatus {
        self.app.status().await.expect("a status").pop().expect("one topic")
    }

    async fn eventually(&self, what: &str, is_so: impl Fn(&StoringStatus) -> bool) -> StoringStatus {
        let waited = async {
            loop {
                let status = self.status().await;
                if is_so(&status) {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        };
        let Ok(status) = tokio::time::timeout(DEADLINE, waited).await else {
            panic!("{what}: {:?}", self.status().await)
        };
        status
    }
}

async fn switched_on(engine: &Engine) -> Fresh {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    let row = (
        settings::id.eq(Id::new()),
        settings::topic.eq("TRADE_EVENTS:BTCUSDT"),
        settings::status.eq(SubscriberStatus::On),
        settings::inserted_at.eq(moment(0)),
        settings::updated_at.eq(moment(0)),
    );
    fresh
        .db
        .run(diesel::insert_into(settings::table).values(row))
        .await
        .expect("inserts");
    fresh
}

/// Somebody else's hand on the table.
async fn locked(engine: &Engine, fresh: &Fresh) -> Transaction {
    let db = fresh.again().await.expect("opens");
    let mut transaction = db.begin().await.expect("begins");
    if let Engine::Postgres(_) = engine {
        transaction
            .run(sql_query("LOCK TABLE trade_events IN EXCLUSIVE MODE"))
            .await
            .expect("locks");
    }
    transaction
}

async fn stored(db: &Db) -> i64 {
    db.fetch_one(trade_events::table.count()).await.expect("counts")
}

pub(crate) async fn what_a_locked_database_does_not_take_waits_on_disk_for_the_next_start(engine: Engine) {
    let fresh = switched_on(&engine).await;
    let folder = TempDir::new().expect("a folder");
    let running = Running::start(fresh.db.clone(), u64::MAX, folder.path()).await;
    let lock = locked(&engine, &fresh).await;
    running.publish(1..=7_000);
    let stopped = running.root.stop(ExitReason::Shutdown);
    tokio::time::timeout(Duration::from_secs(8), stopped)
        .await
        .expect("a stop has its deadline");
    let status = running.status().await;
    assert_eq!((status.spilled, status.lag, status.lost), (7_000, 0, 0), "{status:?}");
    assert_eq!(running.done(), 7_000, "on disk is durable");

    let archive = warehouse(
        fresh.again().await.expect("opens"),
        &Bus::new(),
        u64::MAX,
        folder.path(),
    );
    let missing = archive.missing(&btcusdt(), 0, 1..=7_001).await.expect("is asked");
    assert_eq!(missing, [7_001..=7_001]);
    let kept = archive
        .trades(&btcusdt(), 0, &[7_000])
        .await
        .expect("is asked")
        .pop()
        .expect("it waits");
    assert_eq!(kept.price.to_string(), "61079.19000000");
    drop(lock);

    let again = Running::start(fresh.again().await.expect("opens"), u64::MAX, folder.path()).await;
    let status = again
        .eventually("the file is stored", |status| status.spilled == 0)
        .await;
    assert_eq!(status.rows_stored, 7_000, "{status:?}");
    again.root.stop(ExitReason::Shutdown).await;
    assert_eq!(stored(&fresh.db).await, 7_000);
    let left = std::fs::read_dir(folder.path().join("unstored"))
        .expect("the folder is there")
        .count();
    assert_eq!(left, 0, "the file goes with its last event");
}

pub(crate) async fn memory_is_bounded_while_the_database_is_locked(engine: Engine) {
    let fresh = switched_on(&engine).await;
    let folder = TempDir::new().expect("a folder");
    let running = Running::start(fresh.db.clone(), 1 << 20, folder.path()).await;
    let lock = locked(&engine, &fresh).await;
    running.publish(1..=30_000);
    // Under 200 bytes a trade weighs nowhere.
    let most = (1 << 20) / 200;
    let status = running
        .eventually("what is too much is on disk", |status| status.lag <= most)
        .await;
    assert_eq!(status.lag + status.spilled, 30_000, "{status:?}");
    // Behind what is on disk, and not before it.
    running.publish(30_001..=30_100);
    drop(lock);
    let all = |status: &StoringStatus| status.spilled == 0 && status.lag == 0;
    let status = running.eventually("everything is stored", all).await;
    assert_eq!((status.rows_stored, status.rows_new), (30_100, 30_100), "{status:?}");
    assert_eq!(running.done(), 30_100);
    running.root.stop(ExitReason::Shutdown).await;
    assert_eq!(stored(&fresh.db).await, 30_100);
}

pub(crate) async fn the_archive_tells_what_is_missing(engine: Engine) {
    let fresh = engine.open(DATA_WAREHOUSE).await;
    // More than a page.
    let rows: Vec<_> = (1..=12_000)
        .chain(12_005..=12_010)
        .map(|id| batches::trade("BTCUSDT", id))
        .collect();
    insert_trade_events(&fresh.db, rows.into()).await.expect("inserts");
    let folder = TempDir::new().expect("a folder");
    let archive = warehouse(fresh.db.clone(), &Bus::new(), u64::MAX, folder.path());
    let symbol = btcusdt();
    let missing = async |epoch, range| archive.missing(&symbol, epoch, range).await.expect("is asked");
    assert_eq!(missing(0, 0..=12_020).await, [0..=0, 12_001..=12_004, 12_011..=12_020]);
    assert_eq!(missing(0, 5..=12_000).await, []);
    assert_eq!(missing(0, 12_003..=12_005).await, [12_003..=12_004]);
    assert_eq!(missing(0, 12_010..=i64::MAX).await, [12_011..=i64::MAX]);
    assert_eq!(missing(1, 1..=2).await, [1..=2]);
    let trade = archive
        .trades(&symbol, 0, &[12_010])
        .await
        .expect("is asked")
        .pop()
        .expect("it stands");
    assert_eq!(
        (trade.trade_id, trade.price.to_string()),
        (12_010, "61079.19000000".into())
    );
    assert_eq!(archive.trades(&symbol, 0, &[12_011]).await.expect("is asked"), []);
}
