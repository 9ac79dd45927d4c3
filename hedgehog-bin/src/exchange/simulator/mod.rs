//! A simulated exchange: a real server on a loopback port that speaks Binance's protocol, so that the apps have one code
//! path whatever they trade on.
//!
//! Read in this order:
//!
//! * `generator`: where trades come from, where no [`Recording`] is played. `market`: which trade comes next, and when.
//! * `book`, `account`, `engine`: what a trade does to our orders. Pure, as everything above.
//! * `ledger`: what is remembered in `simulator.db`, in the tables of [`schema`].
//! * `actor`: the process that carries the engine's decisions out, one message at a time.
//! * `server`, `rest`, `streams`, `ws_api`: the protocol, on one port.
//!
//! Invariants: nobody is told of an order, a fill or a cancel before the database has it; a trade reaches the book before
//! it reaches anybody; the port is bound once and outlives the actor, so a restarted simulator is found where it was.
//!
//! What it is not: other participants never react to our orders (no partial fills, no queue), market orders and order
//! lists do not exist, and limits of requests and connections are told and counted but not enforced.

mod account;
mod actor;
mod book;
mod engine;
mod generator;
mod ledger;
mod market;
mod params;
mod refusal;
mod rest;
pub mod schema;
mod server;
mod socket;
mod streams;
mod wire;
mod ws_api;

#[cfg(test)]
mod tests;

use super::{Credentials, Endpoints};
use crate::market::{Bus, FillRule, Symbol};
use crate::recording::Recording;
use crate::store::Db;
use actor::{Remembered, Request, SimulatorActor};
use generator::GeneratedMarket;
use hedgehog_core::{ChildSpec, Name, Shutdown};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Known to everybody who reads this: the port is on the loopback address, and the money is not real.
const API_KEY: &str = "hedgehog-simulator";
const API_SECRET: &str = "the-simulator-has-no-secrets";

/// Where the trades come from.
#[derive(Clone, Debug)]
pub enum MarketSource {
    /// Made up, in real time, without end.
    Generated {
        /// Another seed is another market.
        seed: u64,
    },
    /// Played from a file, once.
    Recording {
        /// The file's trades.
        recording: Arc<Recording>,
        /// How fast.
        speed: Speed,
    },
}

impl MarketSource {
    /// What is traded on this market.
    pub fn symbols(&self) -> Vec<Symbol> {
        match self {
            Self::Generated { seed } => (GeneratedMarket::all(*seed).into_iter())
                .map(|(info, _)| info.symbol)
                .collect(),
            Self::Recording { recording, .. } => recording.symbols().map(|(info, ..)| info.symbol.clone()).collect(),
        }
    }
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as the subscribers take it. A symbol waits while nobody subscribes to it.
    Max,
    /// So many times the recording's own pace, whether or not anybody listens. It begins with the first subscriber, or two
    /// seconds after the opening.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if times.is_finite() && times >= 0.001 => Ok(Self::Times(times)),
            _ => Err(format!(
                "{text:?} is not a speed: expected max, 1 (the recording's own pace), 60, ..."
            )),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.pad("max"),
            Self::Times(times) => times.fmt(f),
        }
    }
}

/// What a simulator is made from.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the trades come from.
    pub market: MarketSource,
    /// Which trades fill our orders.
    pub rule: FillRule,
    /// Opened as [`schema::DATABASE`]; of this market and no other.
    pub database: Db,
    /// Of the program around it: a trade counts as played when it is durable there, and is told again after an end where it is not.
    /// `None` where nobody around it keeps anything.
    pub bus: Option<Bus>,
    /// How many bytes of events may be told and not durable yet, over all symbols; then the market waits.
    pub memory: usize,
    /// An exchange of its own: its market goes on whether or not anybody listens, and never goes back.
    pub alone: bool,
}

impl fmt::Debug for SimulatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorConfig")
            .field("listen", &self.listen)
            .field("market", &self.market)
            .field("rule", &self.rule)
            .field("alone", &self.alone)
            .finish_non_exhaustive()
    }
}

/// Why there is no simulator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// Somebody else has the port, or the address is not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How far the market has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Trades played and done, those of former runs included: durable in the program around, or else read where the market waits for
    /// its readers.
    pub played: u64,
    /// Of how many; `None` for a market without end.
    pub total: Option<u64>,
    /// Lines of the recording that could not be read.
    pub malformed_lines: u64,
    /// Every symbol of the recording is played to its end, and done.
    pub finished: bool,
    /// Per symbol, the last trade done.
    pub last_trade_ids: BTreeMap<Symbol, i64>,
    /// Per symbol of a recording, how many of its trades are still to come. Empty for a market without end.
    pub remaining: BTreeMap<Symbol, u64>,
    /// Per symbol, trades that were played in this program while nobody listened, or lost on their way. They are done, and nobody has
    /// them.
    pub unheard: BTreeMap<Symbol, u64>,
}

/// A simulated exchange. Cheap to clone; lives as long as its last clone or its process, whichever is longer.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

/// What outlives every incarnation of the actor.
struct Shared {
    listener: TcpListener,
    address: SocketAddr,
    config: SimulatorConfig,
    name: Name<SimulatorMsg>,
    open: AtomicBool,
    /// Trades have begun to flow.
    begun: AtomicBool,
    /// Whoever is to listen before they do.
    expected: Mutex<BTreeSet<Symbol>>,
    /// What an incarnation leaves to the next.
    remembered: Mutex<HashMap<Symbol, Remembered>>,
    progress: watch::Sender<Progress>,
}

/// A message of the simulator's process.
pub struct SimulatorMsg(Request);

impl Simulator {
    /// Takes the port. Connections are answered as soon as the process of [`Simulator::spec`] runs.
    #[expect(
        clippy::unused_async,
        reason = "binding by name may come to need it, and callers should not have to change"
    )]
    pub async fn bind(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let refused = |source| SimulatorError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let shared = Shared {
            listener,
            address,
            config,
            name: Name::new("Simulator"),
            open: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            expected: Mutex::default(),
            remembered: Mutex::default(),
            progress: watch::Sender::new(Progress::default()),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Where it answers.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints::simulator(self.shared.address)
    }

    /// Of its only account.
    pub fn credentials(&self) -> Credentials {
        Self::common_credentials()
    }

    /// The same for every simulator, also for one in another program.
    pub fn common_credentials() -> Credentials {
        Credentials::new(API_KEY, API_SECRET)
    }

    /// Its process.
    pub fn spec(&self) -> ChildSpec<SimulatorMsg> {
        let shared = Arc::clone(&self.shared);
        ChildSpec::worker("Simulator", move || (SimulatorActor, Arc::clone(&shared)))
            .shutdown(Shutdown::Timeout(Duration::from_secs(2)))
            .name(&self.shared.name)
    }

    /// Lets trades flow. Called when every app has started what it remembers, so that nobody misses the first trade.
    /// A restarted process goes on by itself.
    pub fn open_market(&self) {
        self.open_market_for([]);
    }

    /// Lets trades flow as soon as somebody listens to each of `symbols`: a market with a pace of its own would else begin without
    /// those that are still connecting. Half a minute later it begins anyhow. Means nothing to a market that has begun.
    pub fn open_market_for(&self, symbols: impl IntoIterator<Item = Symbol>) {
        self.shared.expected.lock().extend(symbols);
        self.shared.open.store(true, Ordering::Release);
        // Without a process nobody is told; the next one looks at the flag.
        let _ = self.shared.name.cast(SimulatorMsg(Request::Play));
    }

    /// How far the market has come, now and at every change.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.shared.progress.subscribe()
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Simulator").field(&self.shared.address).finish()
    }
}
