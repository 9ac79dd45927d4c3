//! The warehouse app: keeps trade events and orders in its database.
//!
//! One worker per topic, found by its topic in a registry, remembered in `subscriber_settings`. A worker may be killed at
//! any moment: what it had read but not stored is read again by its successor (see `feed`), and what it had stored
//! twice is stored once, because the tables' keys say so.

mod feed;
mod settings;
mod worker;

#[cfg(test)]
mod tests;

use crate::exchange::Exchange;
use crate::market::{Bus, Order, Stream, Symbol, Topic, TradeEvent};
use crate::operation::{OperationError, Outcome};
use crate::service::{Autostart, Service};
use crate::store::Db;
use feed::{Feed, Stored};
use futures_util::future::BoxFuture;
use hedgehog_core::{ActorRef, ChildSpec, Registry, StartError, Supervisor, SupervisorMsg};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use worker::{Worker, WorkerMsg};

/// The app: its operations, and the tree to put under a supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Warehouse {
    service: Arc<Service>,
    workers: Registry<Topic, WorkerMsg>,
    feeds: Arc<Feeds>,
    exchange: Arc<dyn Exchange>,
    db: Db,
    bus: Bus,
}

/// What is stored of one topic.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StoringStatus {
    /// `TRADE_EVENTS:BTCUSDT`, `ORDERS:BTCUSDT`.
    pub topic: String,
    /// Whether the settings row says so.
    pub on: bool,
    /// When its present worker began, in milliseconds since the epoch; `None` when no worker runs.
    pub since: Option<i64>,
    /// Rows of this topic in the table.
    pub rows_stored: i64,
    /// Rows added since this program began to store the topic.
    pub rows_new: u64,
    /// Events stored that added no row: a trade that stood there already, a later state of an order.
    pub rows_known: u64,
    /// Rows the database refused for good; each is in the log.
    pub rows_refused: u64,
    /// Events published and not stored yet.
    pub lag: u64,
    /// Why the last batch is being tried again.
    pub retrying: Option<String>,
}

/// The reading positions, which outlive the workers.
#[derive(Default)]
struct Feeds {
    trade_events: Mutex<HashMap<Symbol, Arc<Feed<TradeEvent>>>>,
    orders: Mutex<HashMap<Symbol, Arc<Feed<Order>>>>,
}

impl Warehouse {
    /// An app without processes yet; [`Warehouse::spec`] gives its tree.
    pub fn new(db: Db, exchange: Arc<dyn Exchange>, bus: Bus) -> Self {
        Self {
            service: Arc::new(Service::new("warehouse", "Warehouse.Subscriber.DynamicSupervisor")),
            workers: Registry::unique("subscriber_workers"),
            feeds: Arc::default(),
            exchange,
            db,
            bus,
        }
    }

    /// The app's tree, to be a child of the program's root.
    pub fn spec(&self) -> ChildSpec<SupervisorMsg> {
        let app = self.clone();
        Supervisor::spec("Warehouse.SubscriberSupervisor", move || {
            let tree = app.service.supervisor(app.workers.spec("Registry"));
            Service::with_autostart(&app.service, tree, "Workers", &app)
        })
    }

    /// Returns once the first autostart pass is over.
    pub async fn autostarted(&self) {
        self.service.autostarted().await;
    }

    /// Stores a stream of a symbol from now on, and after each restart of the program.
    pub async fn start_storing(&self, stream: Stream, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let topic = Topic {
            stream,
            symbol: symbol.clone(),
        };
        self.check_symbol(symbol).await?;
        let _turn = self.service.turn().await;
        settings::set(&self.db, &topic, true).await?;
        self.start_worker(&topic).await
    }

    /// Stops storing: what was published up to now is stored before this returns.
    pub async fn stop_storing(&self, stream: Stream, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let topic = Topic {
            stream,
            symbol: symbol.clone(),
        };
        let _turn = self.service.turn().await;
        if settings::find(&self.db, &topic).await?.is_none() {
            self.check_symbol(symbol).await?;
            return Ok(Outcome::NotRunning);
        }
        settings::set(&self.db, &topic, false).await?;
        // By id, not by live name: a worker that is just being restarted has no name, and must not come back.
        let was_running = self.service.children().terminate_id(&topic.to_string()).await.is_ok();
        self.feeds.remove(&topic);
        Ok(if was_running {
            Outcome::Stopped
        } else {
            Outcome::NotRunning
        })
    }

    /// What is on, and what has been stored of it.
    pub async fn status(&self) -> Result<Vec<StoringStatus>, OperationError> {
        let mut found = Vec::new();
        for (topic, on) in settings::all(&self.db).await? {
            let rows_stored = settings::row_count(&self.db, &topic).await?;
            let alive = self.workers.lookup(&topic).is_some();
            let status = StoringStatus {
                topic: topic.to_string(),
                on,
                rows_stored,
                ..StoringStatus::default()
            };
            found.push(match topic.stream {
                Stream::TradeEvents => described(&self.feeds.trade_events, &topic.symbol, alive, status),
                Stream::Orders => described(&self.feeds.orders, &topic.symbol, alive, status),
            });
        }
        Ok(found)
    }

    async fn check_symbol(&self, symbol: &Symbol) -> Result<(), OperationError> {
        let info = self.exchange.exchange_info().await?;
        if info.symbols.contains_key(symbol) {
            return Ok(());
        }
        let listed = info.symbols.keys().map(Symbol::as_str);
        Err(OperationError::unknown_symbol(symbol, listed))
    }

    async fn start_worker(&self, topic: &Topic) -> Result<Outcome, OperationError> {
        if self.workers.lookup(topic).is_some() {
            return Ok(Outcome::AlreadyRunning);
        }
        match topic.stream {
            Stream::TradeEvents => self.start_worker_on(topic, &self.feeds.trade_events).await,
            Stream::Orders => self.start_worker_on(topic, &self.feeds.orders).await,
        }
    }

    async fn start_worker_on<T: Stored>(
        &self,
        topic: &Topic,
        feeds: &Mutex<HashMap<Symbol, Arc<Feed<T>>>>,
    ) -> Result<Outcome, OperationError> {
        let feed = self.feed(topic, feeds).await?;
        let db = self.db.clone();
        let spec = ChildSpec::worker(topic.to_string(), move || {
            (Worker::<T>::default(), (Arc::clone(&feed), db.clone()))
        })
        .shutdown(worker::SHUTDOWN)
        .via(self.workers.via(topic.clone()));
        let started: Result<ActorRef<WorkerMsg>, StartError> = self.service.children().start_child(spec).await;
        match started {
            Ok(_) => Ok(Outcome::Started),
            Err(StartError::AlreadyRegistered { .. }) => Ok(Outcome::AlreadyRunning),
            Err(error) => Err(error.into()),
        }
    }

    /// The topic's feed; a new one begins here. Called within a turn.
    async fn feed<T: Stored>(
        &self,
        topic: &Topic,
        feeds: &Mutex<HashMap<Symbol, Arc<Feed<T>>>>,
    ) -> Result<Arc<Feed<T>>, OperationError> {
        if let Some(feed) = feeds.lock().get(&topic.symbol) {
            return Ok(Arc::clone(feed));
        }
        let rows_before = settings::row_count(&self.db, topic).await?;
        let feed = Arc::new(Feed::subscribe(&self.bus, topic, rows_before));
        feeds.lock().insert(topic.symbol.clone(), Arc::clone(&feed));
        Ok(feed)
    }
}

/// The status with what its feed knows, if the topic has one.
fn described<T: Stored>(
    feeds: &Mutex<HashMap<Symbol, Arc<Feed<T>>>>,
    symbol: &Symbol,
    alive: bool,
    status: StoringStatus,
) -> StoringStatus {
    match feeds.lock().get(symbol) {
        Some(feed) => feed.describe(alive, status),
        None => status,
    }
}

impl Feeds {
    fn remove(&self, topic: &Topic) {
        match topic.stream {
            Stream::TradeEvents => drop(self.trade_events.lock().remove(&topic.symbol)),
            Stream::Orders => drop(self.orders.lock().remove(&topic.symbol)),
        }
    }
}

impl Autostart for Warehouse {
    type Key = Topic;

    fn due(&self) -> BoxFuture<'_, Result<Vec<Topic>, OperationError>> {
        Box::pin(async {
            Ok(settings::all(&self.db)
                .await?
                .into_iter()
                .filter(|(_, on)| *on)
                .map(|(t, _)| t)
                .collect())
        })
    }

    fn resume<'a>(&'a self, topic: &'a Topic) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move {
            let _turn = self.service.turn().await;
            if settings::find(&self.db, topic).await? == Some(true) {
                self.start_worker(topic).await?;
            }
            Ok(())
        })
    }
}
