//! The streamer app: brings the market's trades into the program.
//!
//! ```text
//! Streamer.Supervisor (rest_for_one)
//! ├─ Registry      names of the streams
//! ├─ Bookkeeper    saves positions and gaps every few seconds and at the stop
//! ├─ Inquiry       asks the archive what is missing, writes gap rows at once
//! ├─ Sockets       connections, each for many symbols
//! ├─ Streams       one process per symbol: has it carried by a socket for as long as it lives
//! └─ Autostart
//! ```
//! A socket decodes a frame, lets `continuity` judge it and broadcasts on `TRADE_EVENTS:<SYMBOL>`, without waiting for anything. What
//! must outlive a process stands in the `ledger`, which belongs to the app and not to its tree; its rows in the tables of [`schema`].
//! Invariant: in each epoch, what is stored and what [`Streamer::status`] and the rows tell as missing make one range without a
//! hole, after any end of the program.

mod bookkeeper;
mod continuity;
mod gap_rows;
mod inquiry;
mod ledger;
mod ranges;
pub mod schema;
mod settings;
mod sockets;
mod status;
mod stream;
mod unsaved;

#[cfg(test)]
mod tests;

pub use status::{StreamState, StreamStatus};

use crate::causes::causes;
use crate::exchange::MarketData;
use crate::market::{Bus, Symbol};
use crate::operation::{OperationError, Outcome, Seeded};
use crate::service::{Autostart, Service, TradeArchive};
use crate::store::Db;
use futures_util::future::BoxFuture;
use hedgehog_core::{ChildSpec, Registry, StartError, Supervisor, SupervisorMsg, TaskMsg};
use ledger::Ledger;
use parking_lot::RwLock;
use settings::Row;
use sockets::Sockets;
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::Stream;
use tokio::sync::watch;

/// How long the last positions may take to be written at the end.
const SAVE_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The app: its operations, and the tree to put under a supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Streamer {
    service: Arc<Service>,
    streams: Registry<Symbol, TaskMsg>,
    ledger: Arc<Ledger>,
    sockets: Arc<Sockets>,
    archive: Option<Arc<dyn TradeArchive>>,
    gate: Option<watch::Receiver<bool>>,
    /// The settings rows as they were last read or written: `status` asks no database.
    rows: Arc<RwLock<BTreeMap<Symbol, Row>>>,
    exchange: Arc<dyn MarketData>,
    db: Db,
    bus: Bus,
}

impl Streamer {
    /// An app without processes yet; [`Streamer::spec`] gives its tree.
    pub fn new(db: Db, exchange: Arc<dyn MarketData>, bus: Bus) -> Self {
        Self {
            service: Arc::new(Service::new("streamer", "Streamer.DynamicStreamerSupervisor")),
            streams: Registry::unique("binance_streamers"),
            ledger: Arc::new(Ledger::new(bus.clone())),
            sockets: Arc::new(Sockets::new(Arc::clone(&exchange))),
            archive: None,
            gate: None,
            rows: Arc::default(),
            exchange,
            db,
            bus,
        }
    }

    /// Lets what is missing after a downtime be computed from what is stored. Before the tree starts.
    #[must_use]
    pub fn archive(self, archive: Arc<dyn TradeArchive>) -> Self {
        Self {
            archive: Some(archive),
            ledger: Arc::new(Ledger::new(self.bus.clone()).with_archive()),
            ..self
        }
    }

    /// Connects nothing before `gate` is true: whoever stores the trades listens from then on. Before the tree starts.
    #[must_use]
    pub fn after(self, gate: watch::Receiver<bool>) -> Self {
        Self {
            gate: Some(gate),
            ..self
        }
    }

    #[cfg(test)]
    fn patience(self, patience: std::time::Duration) -> Self {
        Self {
            ledger: Arc::new(Ledger::new(self.bus.clone()).with_patience(patience)),
            ..self
        }
    }

    /// The app's tree, to be a child of the program's root.
    pub fn spec(&self) -> ChildSpec<SupervisorMsg> {
        let app = self.clone();
        Supervisor::spec("Streamer.Supervisor", move || {
            let tree = app.service.supervisor(app.streams.spec("Registry"));
            // Before what brings trades, so that it is stopped after that and writes what the last of them did.
            let tree = tree.child(bookkeeper::spec("Bookkeeper", &app.ledger, &app.db));
            let tree = tree.child(inquiry::spec("Inquiry", &app.ledger, &app.db, app.archive.clone()));
            let tree = tree.child(app.sockets.spec("Sockets"));
            Service::with_autostart(&app.service, tree, "Streams", &app)
        })
    }

    /// Returns once each of these symbols is connected, or switched off.
    pub async fn connected(&self, symbols: &[Symbol]) {
        let mut states = self.ledger.signals().states.subscribe();
        let is_settled = |symbol: &Symbol| {
            let is_on = self.rows.read().get(symbol).is_some_and(|row| row.on);
            !is_on || self.ledger.of(symbol).is_connected()
        };
        while !symbols.iter().all(is_settled) {
            // An error would mean that the sender is gone, and `self` holds it.
            let _ = states.changed().await;
        }
    }

    /// Returns once the first autostart pass is over.
    pub async fn autostarted(&self) {
        self.service.autostarted().await;
    }

    /// Makes a settings row, off, for every symbol the exchange lists; may be repeated. A row that is there keeps its
    /// status and takes over the exchange's.
    pub async fn seed(&self) -> Result<Seeded, OperationError> {
        let info = self.exchange.exchange_info().await?;
        let seeded = settings::seed(&self.db, &info).await?;
        self.read_rows().await?;
        Ok(seeded)
    }

    /// Streams a symbol from now on, and after each restart of the program. Returns before the connection stands:
    /// [`Streamer::status`] tells of it.
    pub async fn start_streaming(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        self.switch(symbol, true).await?;
        self.start(symbol).await
    }

    /// Ends a stream now.
    pub async fn stop_streaming(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        self.switch(symbol, false).await?;
        // By id, not by live name: a stream that is just being restarted has no name, and must not come back.
        if self.service.children().terminate_id(symbol.as_str()).await.is_err() {
            return Ok(Outcome::NotRunning);
        }
        self.ledger.of(symbol).stopped();
        if let Err(error) = self.ledger.save(&self.db).await {
            tracing::warn!("{symbol}: its position could not be saved yet: {}", causes(&error));
        }
        Ok(Outcome::Stopped)
    }

    /// Writes how far the streams are done. A database that does not take it in time has the last position that it took.
    pub async fn save_positions(&self) {
        let (ledger, db) = (Arc::clone(&self.ledger), self.db.clone());
        // In a task of its own: to drop a query is to wait for it.
        let saving = tokio::spawn(async move { ledger.save(&db).await });
        match tokio::time::timeout(SAVE_WITHIN, saving).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!("streamer: the last positions could not be saved: {}", causes(&error)),
            Ok(Err(_)) | Err(_) => tracing::warn!("streamer: the last positions could not be saved in time"),
        }
    }

    /// Every symbol that is on or has been streamed by this program. From memory.
    #[expect(clippy::unused_async, reason = "every app's status is asked in the same way")]
    pub async fn status(&self) -> Result<Vec<StreamStatus>, OperationError> {
        let rows: Vec<Row> = self.rows.read().values().cloned().collect();
        let status = |row: &Row| {
            let alive = self.streams.lookup(&row.symbol).is_some();
            self.ledger.of(&row.symbol).status(row, alive)
        };
        Ok(rows
            .iter()
            .filter(|row| row.on || self.ledger.knows(&row.symbol))
            .map(status)
            .collect())
    }

    /// Writes the intent.
    async fn switch(&self, symbol: &Symbol, on: bool) -> Result<(), OperationError> {
        if !settings::switch(&self.db, symbol, on).await? {
            let rows = settings::all(&self.db).await?;
            let known = rows.iter().map(|row| row.symbol.as_str());
            return Err(OperationError::unknown_symbol(symbol, known));
        }
        let known = self.rows.write().get_mut(symbol).map(|row| row.on = on).is_some();
        if !known {
            self.read_rows().await?;
        }
        // Whoever waits for a symbol that is off waits no longer.
        self.ledger.signals().states.send_replace(());
        Ok(())
    }

    async fn read_rows(&self) -> Result<Vec<Row>, OperationError> {
        let rows = settings::all(&self.db).await?;
        *self.rows.write() = rows.iter().map(|row| (row.symbol.clone(), row.clone())).collect();
        Ok(rows)
    }

    async fn start(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        if self.streams.lookup(symbol).is_some() {
            return Ok(Outcome::AlreadyRunning);
        }
        let stream = Arc::new(Stream {
            symbol: symbol.clone(),
            ledger: self.ledger.of(symbol),
            sockets: Arc::clone(&self.sockets),
            gate: self.gate.clone(),
            db: self.db.clone(),
        });
        let spec = stream::spec(stream).via(self.streams.via(symbol.clone()));
        match self.service.children().start_child(spec).await {
            Ok(_) => Ok(Outcome::Started),
            Err(StartError::AlreadyRegistered { .. }) => Ok(Outcome::AlreadyRunning),
            Err(error) => Err(error.into()),
        }
    }
}

impl Autostart for Streamer {
    type Key = Symbol;

    fn due(&self) -> BoxFuture<'_, Result<Vec<Symbol>, OperationError>> {
        Box::pin(async {
            let rows = self.read_rows().await?;
            Ok(rows.into_iter().filter(|row| row.on).map(|row| row.symbol).collect())
        })
    }

    fn resume<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move {
            let _turn = self.service.turn().await;
            if settings::is_on(&self.db, symbol).await? {
                self.start(symbol).await?;
            }
            Ok(())
        })
    }
}
