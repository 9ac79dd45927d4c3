//! The streamer app: brings the market's trades into the program.
//!
//! One supervised process per symbol holds a socket (see `stream`) and broadcasts on `TRADE_EVENTS:<SYMBOL>`. What must
//! outlive such a process stands in the `ledger`, which belongs to the app and not to its tree; the `bookkeeper`
//! writes it to the database.
//! Invariant: every trade id that a stream did not deliver lies in a gap that [`Streamer::status`] shows.

mod bookkeeper;
mod ledger;
mod settings;
mod stream;

#[cfg(test)]
mod tests;

pub use ledger::{StreamState, StreamStatus};

use crate::exchange::binance::ConnectLimit;
use crate::exchange::{Endpoints, Exchange};
use crate::market::{Bus, Symbol};
use crate::operation::{OperationError, Outcome, Seeded};
use crate::service::{Autostart, Service};
use crate::store::Db;
use futures_util::future::BoxFuture;
use hedgehog_core::{ChildSpec, Registry, StartError, Supervisor, SupervisorMsg, TaskMsg};
use ledger::Ledger;
use settings::Row;
use std::sync::Arc;
use stream::Stream;

/// The app: its operations, and the tree to put under a supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Streamer {
    service: Arc<Service>,
    streams: Registry<Symbol, TaskMsg>,
    ledger: Arc<Ledger>,
    connects: Arc<ConnectLimit>,
    exchange: Arc<dyn Exchange>,
    endpoints: Endpoints,
    db: Db,
    bus: Bus,
}

impl Streamer {
    /// An app without processes yet; [`Streamer::spec`] gives its tree.
    pub fn new(db: Db, exchange: Arc<dyn Exchange>, endpoints: Endpoints, bus: Bus) -> Self {
        Self {
            service: Arc::new(Service::new("streamer", "Streamer.DynamicStreamerSupervisor")),
            streams: Registry::unique("binance_streamers"),
            ledger: Arc::default(),
            connects: Arc::default(),
            exchange,
            endpoints,
            db,
            bus,
        }
    }

    /// The app's tree, to be a child of the program's root.
    pub fn spec(&self) -> ChildSpec<SupervisorMsg> {
        let app = self.clone();
        Supervisor::spec("Streamer.Supervisor", move || {
            let tree = app.service.supervisor(app.streams.spec("Registry"));
            // Before the streams, so that it is stopped after them and writes what the last of them did.
            let tree = tree.child(bookkeeper::spec("Bookkeeper", &app.ledger, &app.db));
            Service::with_autostart(&app.service, tree, "Streams", &app)
        })
    }

    /// Returns once the first autostart pass is over.
    pub async fn autostarted(&self) {
        self.service.autostarted().await;
    }

    /// Makes a settings row, off, for every symbol the exchange lists; may be repeated. A row that is there keeps its
    /// status and takes over the exchange's.
    pub async fn seed(&self) -> Result<Seeded, OperationError> {
        let info = self.exchange.exchange_info().await?;
        Ok(settings::seed(&self.db, &info).await?)
    }

    /// Streams a symbol from now on, and after each restart of the program. Returns before the connection stands:
    /// [`Streamer::status`] tells of it.
    pub async fn start_streaming(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        if !settings::switch(&self.db, symbol, true).await? {
            return Err(self.unknown(symbol).await?);
        }
        self.start(symbol).await
    }

    /// Ends a stream now.
    pub async fn stop_streaming(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        if !settings::switch(&self.db, symbol, false).await? {
            return Err(self.unknown(symbol).await?);
        }
        // By id, not by live name: a stream that is just being restarted has no name, and must not come back.
        if self.service.children().terminate_id(symbol.as_str()).await.is_err() {
            return Ok(Outcome::NotRunning);
        }
        self.ledger.of(symbol).stopped();
        if let Err(error) = self.ledger.save(&self.db).await {
            tracing::warn!("{symbol}: its position could not be saved yet: {error}");
        }
        Ok(Outcome::Stopped)
    }

    /// Every symbol that is on or has been streamed by this program.
    pub async fn status(&self) -> Result<Vec<StreamStatus>, OperationError> {
        let rows = settings::all(&self.db).await?;
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

    async fn start(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        if self.streams.lookup(symbol).is_some() {
            return Ok(Outcome::AlreadyRunning);
        }
        let stream = Arc::new(Stream {
            symbol: symbol.clone(),
            endpoints: self.endpoints.clone(),
            connects: Arc::clone(&self.connects),
            ledger: self.ledger.of(symbol),
            publisher: self.bus.trade_publisher(symbol),
            db: self.db.clone(),
        });
        let spec = stream::spec(stream).via(self.streams.via(symbol.clone()));
        match self.service.children().start_child(spec).await {
            Ok(_) => Ok(Outcome::Started),
            Err(StartError::AlreadyRegistered { .. }) => Ok(Outcome::AlreadyRunning),
            Err(error) => Err(error.into()),
        }
    }

    async fn unknown(&self, symbol: &Symbol) -> Result<OperationError, OperationError> {
        let rows = settings::all(&self.db).await?;
        let known = rows.iter().map(|row| row.symbol.as_str());
        Ok(OperationError::unknown_symbol(symbol, known))
    }
}

impl Autostart for Streamer {
    type Key = Symbol;

    fn due(&self) -> BoxFuture<'_, Result<Vec<Symbol>, OperationError>> {
        Box::pin(async {
            let rows = settings::all(&self.db).await?;
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
