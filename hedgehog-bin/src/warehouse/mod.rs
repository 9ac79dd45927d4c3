//! The warehouse app: keeps trade events and orders in its database.
//!
//! One worker per topic, found by its topic in a registry, remembered in `subscriber_settings`. A worker may be killed at
//! any moment: what it had read but not stored is read again by its successor (see `feed`), and what it had stored
//! twice is stored once, because the tables' keys say so. What memory has no room for, and what a stop leaves over, waits on disk
//! (see `unstored`).

mod archive;
mod drain;
mod entry;
mod feed;
mod memory;
mod settings;
mod unstored;
mod worker;

#[cfg(test)]
mod tests;

use crate::exchange::Exchange;
use crate::market::{Bus, Order, Stream, Symbol, Topic, TradeEvent};
use crate::operation::{OperationError, Outcome};
use crate::service::{Autostart, Service};
use crate::store::Db;
use drain::id as drain_id;
use entry::{Entries, Entry};
use feed::{Feed, Stored};
use futures_util::future::BoxFuture;
use hedgehog_core::{ActorRef, ChildSpec, Registry, StartError, Supervisor, SupervisorMsg};
use memory::{Backlog, Memory};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use worker::{Worker, WorkerMsg};

/// How long it may take at the end to put on disk what is not stored.
const KEEP_WITHIN: Duration = Duration::from_secs(1);

/// How much of unstored events is kept in memory where nothing else is said: 64 MiB.
pub const MEMORY: u64 = 64 << 20;

/// The app: its operations, and the tree to put under a supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Warehouse {
    service: Arc<Service>,
    workers: Registry<Topic, WorkerMsg>,
    entries: Arc<Entries>,
    feeds: Arc<Feeds>,
    memory: Arc<Memory>,
    /// Whether settings and files have been read; held while they are.
    loaded: Arc<tokio::sync::Mutex<bool>>,
    ready: watch::Sender<bool>,
    exchange: Arc<dyn Exchange>,
    db: Db,
    bus: Bus,
}

/// What is stored of one topic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StoringStatus {
    /// `TRADE_EVENTS:BTCUSDT`, `ORDERS:BTCUSDT`.
    pub topic: String,
    /// Whether the settings row says so.
    pub on: bool,
    /// When its present worker began, in milliseconds since the epoch; `None` when no worker runs.
    pub since: Option<i64>,
    /// Rows of this topic in the table.
    pub rows_stored: i64,
    /// Rows added by this program.
    pub rows_new: u64,
    /// Events stored that added no row: a trade that stood there already, a later state of an order.
    pub rows_known: u64,
    /// Rows the database refused for good; each is in the log.
    pub rows_refused: u64,
    /// Events in memory that are neither stored nor on disk yet; after the end of the tree, those that are lost.
    pub lag: u64,
    /// Events on disk that are not stored yet: stored when the database takes them, by the next program if need be.
    pub spilled: u64,
    /// Events that neither the database nor the disk took when storing was switched off.
    pub lost: u64,
    /// Why the last batch is being tried again.
    pub retrying: Option<String>,
}

impl Warehouse {
    /// An app without processes yet; [`Warehouse::spec`] gives its tree.
    pub fn new(db: Db, exchange: Arc<dyn Exchange>, bus: Bus) -> Self {
        Self {
            service: Arc::new(Service::new("warehouse", "Warehouse.Subscriber.DynamicSupervisor")),
            workers: Registry::unique("subscriber_workers"),
            entries: Arc::default(),
            feeds: Arc::default(),
            memory: Arc::new(Memory::new(MEMORY)),
            loaded: Arc::default(),
            ready: watch::Sender::new(false),
            exchange,
            db,
            bus,
        }
    }

    /// How many bytes of unstored events may be in memory, over all topics, and in which folder the others wait.
    ///
    /// Without this there is no such folder: memory grows while the database does not keep up, and a stop loses what is not stored.
    #[must_use]
    pub fn keeping(mut self, memory: u64, folder: PathBuf) -> Self {
        self.memory = Arc::new(Memory::new(memory));
        self.entries = Arc::new(Entries::keeping(folder));
        self
    }

    /// Whether every topic that is on has its durable subscription: a trade that is published before is stored by nobody.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
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
        self.load().await?;
        let _turn = self.service.turn().await;
        let row = settings::set(&self.db, &topic, true).await?;
        self.entries.read(&row);
        self.start_worker(&topic).await
    }

    /// Stops storing: what was published up to now is stored before this returns, or on disk to be stored later.
    pub async fn stop_storing(&self, stream: Stream, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let topic = Topic {
            stream,
            symbol: symbol.clone(),
        };
        self.load().await?;
        let _turn = self.service.turn().await;
        if settings::find(&self.db, &topic).await?.is_none() {
            self.check_symbol(symbol).await?;
            return Ok(Outcome::NotRunning);
        }
        let row = settings::set(&self.db, &topic, false).await?;
        self.entries.read(&row);
        // By id, not by live name: a worker that is just being restarted has no name, and must not come back.
        let was_running = self.service.children().terminate_id(&topic.to_string()).await.is_ok();
        self.feeds.remove(&topic).await;
        self.drain(&self.entries.of(&topic)).await?;
        Ok(if was_running {
            Outcome::Stopped
        } else {
            Outcome::NotRunning
        })
    }

    /// Puts on disk what workers have left over that were ended before they could. Call it after the tree has stopped.
    pub async fn keep_unstored(&self) {
        if self.entries.folder().is_none() {
            return;
        }
        let feeds = Arc::clone(&self.feeds);
        let keeping = tokio::spawn(async move {
            keep_all(&feeds.trade_events).await;
            keep_all(&feeds.orders).await;
        });
        if tokio::time::timeout(KEEP_WITHIN, keeping).await.is_err() {
            tracing::error!("what is not stored could not be put on disk in time");
        }
    }

    /// What is on, and what has been stored of it. From memory once the settings have been read.
    pub async fn status(&self) -> Result<Vec<StoringStatus>, OperationError> {
        if !*self.ready.borrow() {
            self.load().await?;
        }
        let status = |entry: Arc<Entry>| {
            let alive = self.workers.lookup(&entry.topic).is_some();
            entry.status(alive, self.feeds.lag(&entry.topic))
        };
        Ok(self.entries.all().into_iter().map(status).collect())
    }

    /// Reads what earlier programs have left, settings and files, once.
    ///
    /// Goes on when nobody waits any more: a second reading of a file beside the first could take its newest line for a torn one.
    async fn load(&self) -> Result<(), OperationError> {
        let app = self.clone();
        let loaded = tokio::spawn(async move { app.load_in_turn().await }).await;
        // A panic in there is a panic here.
        loaded.unwrap_or_else(|gone| std::panic::resume_unwind(gone.into_panic()))
    }

    async fn load_in_turn(&self) -> Result<(), OperationError> {
        let mut loaded = self.loaded.lock().await;
        if *loaded {
            return Ok(());
        }
        let rows = settings::all(&self.db).await?;
        if let Some(folder) = self.entries.folder().map(PathBuf::from) {
            let place = folder.display().to_string();
            let scanned = tokio::task::spawn_blocking(move || unstored::scan(&folder)).await;
            match scanned.unwrap_or_else(|gone| Err(std::io::Error::other(gone))) {
                Ok(found) => (found.into_iter()).for_each(|(topic, unstored)| self.entries.found(&topic, unstored)),
                Err(error) => tracing::error!("what waits in {place} to be stored cannot be read: {error}"),
            }
        }
        for row in &rows {
            self.entries.read(row);
        }
        *loaded = true;
        Ok(())
    }

    /// What has a row was listed once: it needs no exchange that answers.
    async fn check_symbol(&self, symbol: &Symbol) -> Result<(), OperationError> {
        for topic in [Topic::trade_events(symbol), Topic::orders(symbol)] {
            if settings::find(&self.db, &topic).await?.is_some() {
                return Ok(());
            }
        }
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

    async fn start_worker_on<T: Stored>(&self, topic: &Topic, feeds: &FeedsOf<T>) -> Result<Outcome, OperationError> {
        let feed = self.feed(topic, feeds);
        // One at a time on the topic's file.
        let _ = self.service.children().terminate_id(&drain_id(&feed.entry)).await;
        let (db, memory) = (self.db.clone(), Arc::clone(&self.memory));
        let spec = ChildSpec::worker(topic.to_string(), move || {
            (
                Worker::<T>::default(),
                (Arc::clone(&feed), db.clone(), Arc::clone(&memory)),
            )
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

    /// Subscribes to a topic that is on; nothing of it is missed from here on.
    fn subscribe(&self, topic: &Topic) {
        match topic.stream {
            Stream::TradeEvents => drop(self.feed(topic, &self.feeds.trade_events)),
            Stream::Orders => drop(self.feed(topic, &self.feeds.orders)),
        }
    }

    /// The topic's feed; a new one begins here.
    fn feed<T: Stored>(&self, topic: &Topic, feeds: &FeedsOf<T>) -> Arc<Feed<T>> {
        let mut feeds = feeds.lock();
        let new = || {
            let feed = Arc::new(Feed::<T>::subscribe(&self.bus, &self.entries.of(topic)));
            let backlog: Arc<dyn Backlog> = feed.clone();
            self.memory.count(Arc::downgrade(&backlog));
            feed
        };
        Arc::clone(feeds.entry(topic.symbol.clone()).or_insert_with(new))
    }

    /// Stores what waits on disk of a topic that is off.
    async fn drain(&self, entry: &Arc<Entry>) -> Result<(), OperationError> {
        if entry.unstored().count() == 0 {
            return Ok(());
        }
        // One at a time on the topic's file.
        let _ = self.service.children().terminate_id(&drain_id(entry)).await;
        let spec = match entry.topic.stream {
            Stream::TradeEvents => drain::spec::<TradeEvent>(entry, &self.db),
            Stream::Orders => drain::spec::<Order>(entry, &self.db),
        };
        self.service.children().start_child(spec).await?;
        Ok(())
    }
}

type FeedsOf<T> = Mutex<HashMap<Symbol, Arc<Feed<T>>>>;

/// The reading positions, which outlive the workers.
#[derive(Default)]
struct Feeds {
    trade_events: FeedsOf<TradeEvent>,
    orders: FeedsOf<Order>,
}

impl Feeds {
    async fn remove(&self, topic: &Topic) {
        match topic.stream {
            Stream::TradeEvents => give_up(&self.trade_events, &topic.symbol).await,
            Stream::Orders => give_up(&self.orders, &topic.symbol).await,
        }
    }

    /// Events in memory that are not durable.
    fn lag(&self, topic: &Topic) -> u64 {
        match topic.stream {
            Stream::TradeEvents => self
                .trade_events
                .lock()
                .get(&topic.symbol)
                .map_or(0, |feed| feed.events()),
            Stream::Orders => self.orders.lock().get(&topic.symbol).map_or(0, |feed| feed.events()),
        }
    }
}

/// What a worker has left over, one that was killed or never came up, goes to disk.
async fn give_up<T: Stored>(feeds: &FeedsOf<T>, symbol: &Symbol) {
    let Some(feed) = feeds.lock().remove(symbol) else {
        return;
    };
    if let Err(error) = feed.keep(|| false).await {
        // It stays subscribed: no position passes what is in it, and whoever starts the topic again stores it.
        let (topic, waiting) = (&feed.entry.topic, feed.events());
        tracing::error!(
            "{topic}: {waiting} events wait in memory, neither the database nor the disk takes them: {error}"
        );
        feeds.lock().entry(symbol.clone()).or_insert(feed);
    }
}

/// Puts what is not durable on disk, feed by feed.
async fn keep_all<T: Stored>(feeds: &FeedsOf<T>) {
    let left: Vec<_> = feeds
        .lock()
        .values()
        .filter(|feed| feed.events() > 0)
        .cloned()
        .collect();
    for feed in left {
        if let Err(error) = feed.keep(|| false).await {
            tracing::error!("{}: {} events are lost: {error}", feed.entry.topic, feed.events());
        }
    }
}

impl Autostart for Warehouse {
    type Key = Topic;

    /// What is on, and what has left a file. Subscribes before anything is started, so that a stream need not wait for workers.
    fn due(&self) -> BoxFuture<'_, Result<Vec<Topic>, OperationError>> {
        Box::pin(async {
            self.load().await?;
            let _turn = self.service.turn().await;
            let (on, off): (Vec<_>, Vec<_>) = self.entries.all().into_iter().partition(|entry| entry.is_on());
            for entry in &on {
                self.subscribe(&entry.topic);
            }
            self.ready.send_replace(true);
            let left = off.into_iter().filter(|entry| entry.unstored().count() > 0);
            Ok(on.into_iter().chain(left).map(|entry| entry.topic.clone()).collect())
        })
    }

    fn resume<'a>(&'a self, topic: &'a Topic) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move {
            let _turn = self.service.turn().await;
            let entry = self.entries.of(topic);
            if entry.is_on() {
                self.start_worker(topic).await?;
                return Ok(());
            }
            if settings::find(&self.db, topic).await?.is_none() {
                // Its row was never written, or is gone: the rows of the topic are counted there.
                let row = settings::set(&self.db, topic, false).await?;
                self.entries.read(&row);
            }
            self.drain(&entry).await
        })
    }
}
