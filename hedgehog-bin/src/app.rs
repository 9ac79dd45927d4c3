//! The three apps as one program: the root of the tree, and the operations that a user has.
//!
//! [`System::open`] takes hold of everything that can be refused (folder, databases, ports) before any process starts;
//! [`System::root`] is the tree; [`System::launch`] brings it to the state that the settings rows ask for. What a user can ask
//! is an [`Operation`], whoever carries it here; a [`Frontend`] is handed in and served by the tree. Invariant: apps start before
//! the market opens, so that nobody misses the first trade.

mod action;
mod frontend;
mod launch;
mod listing;
mod open;
mod operation;
mod process;
mod status;
mod telling;

pub use action::{Action, Change, Which};
pub use frontend::{Frontend, Serve};
pub use launch::Launched;
pub use listing::ListedSymbol;
pub use open::{Market, OpenError};
pub use operation::{Answer, Operation, Reply};
pub use process::Killed;
pub use status::{
    Balance, QuoteTotal, ReplayStatus, SeedReport, StoringLine, StreamLine, SymbolLine, SystemStatus, TradingLine,
    Unstored, totals,
};

use crate::config::Config;
use crate::data_dir::Lock;
use crate::exchange::simulator::Simulator;
use crate::exchange::{Endpoints, MarketData};
use crate::market::{ExchangeInfo, Stream, Symbol};
use crate::naive::Naive;
use crate::operation::{OperationError, Outcome};
use crate::spelling::did_you_mean;
use crate::store::{Ownership, StoreError};
use crate::streamer::Streamer;
use crate::venue::Venue;
use crate::warehouse::Warehouse;
use hedgehog_core::{Application, Strategy, Supervisor, SupervisorRef, TreeNode};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::watch;

/// The id of the root, and so the first word of every path.
const ROOT: &str = "Hedgehog";

/// The program: its parts outlive every process of the tree. Cheap to clone.
#[derive(Clone)]
pub struct System(Arc<Parts>);

struct Parts {
    config: Config,
    venue: Venue,
    endpoints: Endpoints,
    exchange: Arc<dyn MarketData>,
    simulator: Option<Simulator>,
    streamer: Option<Streamer>,
    naive: Option<Naive>,
    warehouse: Option<Warehouse>,
    /// Of the databases.
    ownership: Ownership,
    /// In milliseconds since the epoch.
    since: i64,
    /// Whether every listed symbol has its rows.
    seeded: watch::Sender<bool>,
    /// What [`System::close`] gives back. The tree's specs hold this system, so waiting for the last clone would be in vain.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Held, never read.
    _lock: Option<Lock>,
    /// What was bound by each frontend.
    frontends: Vec<Serve>,
    root: Option<SupervisorRef>,
}

impl System {
    /// The exchange alone, for what needs no app: a tree with the simulator, or an empty one.
    pub fn exchange_only(&self) -> Application {
        let root = Supervisor::new(Strategy::OneForOne);
        Application::new(ROOT).root(match &self.0.simulator {
            Some(simulator) => root.child(simulator.spec()),
            None => root,
        })
    }

    /// The tree, in start order: consumers before producers, so that a stop, which goes the other way, ends the source first
    /// and the warehouse last.
    pub fn root(&self) -> Supervisor {
        let parts = &self.0;
        // What can be expected to fail again waits with back-off inside the parts: what comes here is a kill or a defect, and one
        // part's run of bad luck is no reason to end the others.
        let mut root = Supervisor::new(Strategy::OneForOne).max_restarts(20);
        if let Some(simulator) = &parts.simulator {
            root = root.child(simulator.spec());
        }
        if let Some(warehouse) = &parts.warehouse {
            root = root.child(warehouse.spec());
        }
        if let Some(naive) = &parts.naive {
            root = root.child(naive.spec());
        }
        if let Some(streamer) = &parts.streamer {
            root = root.child(streamer.spec());
        }
        for serve in &parts.held.lock().frontends {
            root = root.child(serve(self.clone()));
        }
        root
    }

    /// The tree as an application that is ready to start or run.
    pub fn application(&self) -> Application {
        Application::new(ROOT).root(self.root())
    }

    /// Returns once [`launch`](Self::launch) has seeded the settings: before that a listed symbol may have no row yet.
    pub async fn seeded(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.0.seeded.subscribe().wait_for(|seeded| *seeded).await;
    }

    /// Lets those go on who wait for the rows.
    pub(crate) fn announce_seeded(&self) {
        self.0.seeded.send_replace(true);
    }

    /// The market begins when each of these symbols has its stream.
    fn open_market(&self, symbols: Vec<Symbol>) {
        if let Some(simulator) = &self.0.simulator {
            simulator.open_market_for(symbols);
        }
    }

    /// Returns when a database is lost to this program: another one has taken it over, or its file is gone. What to tell; the
    /// program must end.
    pub async fn lost(&self) -> StoreError {
        self.0.ownership.lost().await
    }

    /// Keeps what was received and not stored, for the next start. Call it after the tree has stopped.
    pub async fn keep_unstored(&self) {
        if let Some(warehouse) = &self.0.warehouse {
            warehouse.keep_unstored().await;
        }
    }

    /// Gives databases, folder and frontends back. Call it after the tree has stopped.
    pub async fn close(&self) {
        if let Some(streamer) = &self.0.streamer {
            // The warehouse has stored what was left since the last stream ended: so far the positions are done.
            streamer.save_positions().await;
        }
        self.0.ownership.release().await;
        drop(std::mem::take(&mut *self.0.held.lock()));
    }

    /// Refuses a list in which a symbol does not exist, so that a typo in the second changes nothing for the first.
    ///
    /// What was delisted while it was on exists: it must be possible to switch it off. An exchange that does not answer
    /// refuses nothing here: the apps know their symbols too.
    pub async fn check_symbols(&self, symbols: &[Symbol]) -> Result<(), RequestError> {
        if symbols.is_empty() {
            return Ok(());
        }
        let Ok(info) = self.0.exchange.exchange_info().await else {
            return Ok(());
        };
        let unlisted: Vec<_> = symbols
            .iter()
            .filter(|symbol| !info.symbols.contains_key(symbol))
            .collect();
        if unlisted.is_empty() {
            return Ok(());
        }
        let status = self.status().await;
        match unlisted.into_iter().find(|symbol| !status.knows(symbol)) {
            Some(unknown) => {
                let listed = info.symbols.keys().map(Symbol::as_str);
                Err(OperationError::unknown_symbol(unknown, listed).into())
            }
            None => Ok(()),
        }
    }

    /// Receives a symbol's trades from now on, and after each restart of the program.
    pub async fn start_streaming(&self, symbol: &Symbol) -> Result<Outcome, RequestError> {
        let outcome = self.streamer()?.start_streaming(symbol).await?;
        self.open_market(vec![symbol.clone()]);
        Ok(outcome)
    }

    /// Receives them no more.
    pub async fn stop_streaming(&self, symbol: &Symbol) -> Result<Outcome, RequestError> {
        Ok(self.streamer()?.stop_streaming(symbol).await?)
    }

    /// Trades a symbol from now on; cancels a shutdown that is under way.
    pub async fn start_trading(&self, symbol: &Symbol) -> Result<Outcome, RequestError> {
        Ok(self.naive()?.start_trading(symbol).await?)
    }

    /// Ends a symbol's traders now. Their open orders stay, and the next start goes on with them.
    pub async fn stop_trading(&self, symbol: &Symbol) -> Result<Outcome, RequestError> {
        Ok(self.naive()?.stop_trading(symbol).await?)
    }

    /// Lets the open traders finish and opens none.
    pub async fn shutdown_trading(&self, symbol: &Symbol) -> Result<Outcome, RequestError> {
        Ok(self.naive()?.shutdown_trading(symbol).await?)
    }

    /// Stores a stream of a symbol from now on.
    pub async fn start_storing(&self, stream: Stream, symbol: &Symbol) -> Result<Outcome, RequestError> {
        Ok(self.warehouse()?.start_storing(stream, symbol).await?)
    }

    /// Stores it no more; what was published before is stored.
    pub async fn stop_storing(&self, stream: Stream, symbol: &Symbol) -> Result<Outcome, RequestError> {
        Ok(self.warehouse()?.stop_storing(stream, symbol).await?)
    }

    /// Settings rows, switched off, for every symbol that the exchange lists and that has none yet.
    pub async fn seed(&self) -> Result<SeedReport, RequestError> {
        let mut report = SeedReport::default();
        if let Some(streamer) = &self.0.streamer {
            let seeded = streamer.seed().await?;
            report.add("streaming", seeded.inserted, seeded.known);
        }
        if let Some(naive) = &self.0.naive {
            let seeded = naive.seed().await?;
            report.add("trading", seeded.inserted, seeded.known);
        }
        Ok(report)
    }

    /// The live supervision tree.
    pub fn tree(&self) -> Result<TreeNode, RequestError> {
        let root = self.0.held.lock().root.clone();
        root.and_then(|root| root.tree()).ok_or(RequestError::NotStarted)
    }

    async fn exchange_info(&self) -> Result<Arc<ExchangeInfo>, OperationError> {
        Ok(self.0.exchange.exchange_info().await?)
    }

    fn streamer(&self) -> Result<&Streamer, OperationError> {
        self.0
            .streamer
            .as_ref()
            .ok_or(OperationError::AppNotRunning("streamer"))
    }

    fn naive(&self) -> Result<&Naive, OperationError> {
        self.0.naive.as_ref().ok_or(OperationError::AppNotRunning("naive"))
    }

    fn warehouse(&self) -> Result<&Warehouse, OperationError> {
        self.0
            .warehouse
            .as_ref()
            .ok_or(OperationError::AppNotRunning("warehouse"))
    }
}

/// The first of a list that may be long.
fn few(paths: &[String]) -> String {
    const FEW: usize = 5;
    let more = match paths.len().saturating_sub(FEW) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    paths.iter().take(FEW).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// Why a request changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// An app said no.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// No process has this path.
    #[error("no process at {path:?}{}", did_you_mean(nearest))]
    UnknownPath {
        /// As asked for.
        path: String,
        /// Paths that are spelt alike, best first.
        nearest: Vec<String>,
    },
    /// Several processes have a path that ends so.
    #[error("{path:?} names {} processes, type more of one path: {}", paths.len(), few(paths))]
    AmbiguousPath {
        /// As asked for.
        path: String,
        /// Whose paths end so.
        paths: Vec<String>,
    },
    /// What is on could not be read, so nothing can be done to all of it.
    #[error("{part} cannot be read: {why}")]
    Unreadable {
        /// The part of the status.
        part: String,
        /// Why.
        why: String,
    },
    /// Of several symbols this one could not be done, and those after it were not tried.
    #[error("{symbol}: {source}")]
    For {
        /// The pair.
        symbol: Symbol,
        /// Why.
        source: Box<RequestError>,
    },
    /// The root is the program itself.
    #[error("{ROOT} is the whole program: end it with Ctrl-C or SIGTERM")]
    Root,
    /// A killed process did not end: it does not yield.
    #[error("{path} was killed and has not ended yet: it does not yield")]
    Stuck {
        /// Its path.
        path: String,
    },
    /// The tree is not up yet, or not any more.
    #[error("the program is just starting or stopping")]
    NotStarted,
}
