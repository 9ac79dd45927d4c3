//! Everything that can be refused, taken hold of before the first process starts.

use super::{Frontend, Held, Parts, System};
use crate::config::{App, Config, SimulatorConfig as SimulatorSettings};
use crate::data_dir::DataDirError;
use crate::databases::{self, DATA_WAREHOUSE, NAIVE, SIMULATOR, STREAMER};
use crate::exchange::binance::BinanceClient;
use crate::exchange::simulator::{MarketSource, Simulator, SimulatorConfig, SimulatorError};
use crate::exchange::{Address, Addresses, Credentials, Endpoints, ExchangeError, MarketData};
use crate::market::{Bus, Symbol};
use crate::naive::Naive;
use crate::operation::OperationError;
use crate::store::{Database, Db, Ownership, StoreError};
use crate::streamer::Streamer;
use crate::venue::{Venue, VenueError};
use crate::warehouse::Warehouse;
use parking_lot::Mutex;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Where trades come from and orders go to.
#[derive(Clone, Debug)]
pub enum Market {
    /// The exchange inside this program.
    Simulated(MarketSource),
    /// The exchange's test network: virtual money.
    Testnet,
    /// The exchange itself: its trades only, no orders.
    Live,
    /// Whatever answers at these addresses.
    Address(Addresses),
}

impl Market {
    /// Whose ids its trades and orders carry.
    pub fn venue(&self) -> Venue {
        match self {
            Self::Simulated(MarketSource::Generated { seed }) => Venue::Simulator { seed: *seed },
            Self::Simulated(MarketSource::Recording { recording, .. }) => Venue::Replay {
                hash: recording.hash().to_owned(),
            },
            Self::Testnet => Venue::Testnet,
            Self::Live => Venue::Live,
            Self::Address(addresses) => Venue::Address {
                rest: addresses.rest.clone(),
            },
        }
    }

    /// Refuses to trade where this version must not.
    fn check_trading(&self) -> Result<(), OpenError> {
        match self {
            Self::Live => Err(OpenError::LiveTrading),
            Self::Address(addresses) if addresses.is_live() => Err(OpenError::LiveTrading),
            Self::Address(addresses) => match addresses.with_keys().into_iter().find(|address| address.is_open()) {
                Some(open) => Err(OpenError::OpenTrading { address: open.clone() }),
                None => Ok(()),
            },
            Self::Simulated(_) | Self::Testnet => Ok(()),
        }
    }

    /// The keys to trade with. The built-in simulator has its own; market data and rules need none.
    fn credentials(&self, trades: bool) -> Result<Credentials, OpenError> {
        let (needed, simulators) = match self {
            Self::Simulated(_) => (false, false),
            Self::Testnet | Self::Live => (trades, false),
            Self::Address(addresses) => {
                let here = addresses.with_keys().into_iter().all(Address::is_loopback);
                (trades, here)
            }
        };
        // Empty counts as absent, as in a file of variables that was not filled in.
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (variable("HEDGEHOG_API_KEY"), variable("HEDGEHOG_API_SECRET")) {
            (Some(key), Some(secret)) => Ok(Credentials::new(key, secret)),
            (None, None) if simulators => Ok(Simulator::common_credentials()),
            _ if needed => Err(OpenError::NoKeys),
            _ => Ok(Credentials::new("", "")),
        }
    }

    /// Refuses a symbol that this market cannot have, before anything is made for it.
    ///
    /// Another exchange than the simulator would have to be asked: that is for [`System::check_symbols`].
    pub fn check_symbols(&self, symbols: &[Symbol]) -> Result<(), OperationError> {
        let Self::Simulated(source) = self else {
            return Ok(());
        };
        let known = source.symbols();
        match symbols.iter().find(|symbol| !known.contains(symbol)) {
            Some(unknown) => Err(OperationError::unknown_symbol(
                unknown,
                known.iter().map(Symbol::as_str),
            )),
            None => Ok(()),
        }
    }
}

impl System {
    /// Locks the folder, opens and migrates the databases, binds the ports and the frontends. Starts no process, and a refusal leaves neither
    /// rows nor a venue behind.
    ///
    /// The market must be that of the folder. The keys of an exchange that is not the simulator are read from
    /// `HEDGEHOG_API_KEY` and `HEDGEHOG_API_SECRET`; on the loopback address those of the simulator stand for absent ones.
    pub async fn open(config: Config, market: Market, frontends: &[Frontend]) -> Result<Self, OpenError> {
        let trades = config.apps.contains(App::Naive);
        if trades {
            market.check_trading()?;
        }
        let keys = market.credentials(trades)?;
        let lock = config.data_dir.lock()?;
        let venue = market.venue();
        venue.check(&lock)?;

        let database = async |app, url: &str, database| {
            if config.apps.contains(app) {
                open_database(url, database).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let streamer_db = database(App::Streamer, &config.databases.streamer, STREAMER).await?;
        let naive_db = database(App::Naive, &config.databases.naive, NAIVE).await?;
        let warehouse_db = database(App::Warehouse, &config.databases.data_warehouse, DATA_WAREHOUSE).await?;

        let mut databases = vec![
            (STREAMER, streamer_db.clone()),
            (NAIVE, naive_db.clone()),
            (DATA_WAREHOUSE, warehouse_db.clone()),
        ];
        let bus = Bus::new();
        let (simulator, endpoints, credentials) = match market {
            Market::Simulated(source) => {
                let memory = open_database(&config.databases.simulator, SIMULATOR).await?;
                databases.push((SIMULATOR, Some(memory.clone())));
                let simulator = simulator(&config, source, memory, &bus).await?;
                let (endpoints, credentials) = (simulator.endpoints(), simulator.credentials());
                (Some(simulator), endpoints, credentials)
            }
            Market::Testnet => (None, Endpoints::testnet(), keys),
            Market::Live => (None, Endpoints::live(), keys),
            Market::Address(addresses) => (None, Endpoints::by_address(&addresses), keys),
        };
        let account = Arc::new(BinanceClient::new(endpoints.clone(), credentials)?);
        let exchange: Arc<dyn MarketData> = account.clone();
        let bound = frontends.iter().map(|frontend| {
            let name = frontend.name;
            (frontend.bind)(&lock).map_err(|source| OpenError::Frontend { name, source })
        });
        let frontends = bound.collect::<Result<_, _>>()?;
        // Last of what can be refused: a database that was nobody's belongs to this venue from here on.
        let databases = databases.into_iter().filter_map(|(database, db)| Some((database, db?)));
        let ownership = Ownership::claim(databases, &venue.to_string()).await;
        let ownership = ownership.map_err(|(database, source)| OpenError::Database { database, source })?;
        if let Err(error) = venue.claim(&lock) {
            ownership.undo().await;
            return Err(error.into());
        }

        let warehouse = warehouse_db.map(|db| {
            Warehouse::new(db, exchange.clone(), bus.clone())
                .keeping(config.warehouse_memory, config.data_dir.absolute().join("unstored"))
        });
        let streamer = streamer_db.map(|db| {
            let streamer = Streamer::new(db, exchange.clone(), bus.clone());
            match &warehouse {
                // Nothing is heard before it can be stored, and what is missing is what is not stored.
                Some(warehouse) => streamer.archive(Arc::new(warehouse.clone())).after(warehouse.ready()),
                None => streamer,
            }
        });
        let naive = naive_db.map(|db| Naive::new(db, exchange.clone(), account, bus, config.profile));
        let held = Held {
            _lock: Some(lock),
            frontends,
            root: None,
        };
        let since = chrono::Utc::now().timestamp_millis();
        let held = Mutex::new(held);
        Ok(Self(Arc::new(Parts {
            config,
            venue,
            endpoints,
            exchange,
            simulator,
            streamer,
            naive,
            warehouse,
            ownership,
            since,
            seeded: watch::Sender::new(false),
            held,
        })))
    }
}

async fn simulator(config: &Config, market: MarketSource, database: Db, bus: &Bus) -> Result<Simulator, OpenError> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, config.simulator.port));
    Ok(Simulator::bind(SimulatorConfig {
        listen,
        market,
        rule: config.simulator.rule,
        database,
        bus: Some(bus.clone()),
        memory: config.warehouse_memory as usize,
        alone: false,
    })
    .await?)
}

impl Market {
    /// The market of an existing folder, as far as the folder alone tells it; a new one is generated.
    pub fn of(config: &Config) -> Result<Self, OpenError> {
        let generated = |seed| Self::Simulated(MarketSource::Generated { seed });
        match Venue::of(&config.data_dir)? {
            None => Ok(generated(
                config.simulator.seed.unwrap_or(SimulatorSettings::DEFAULT_SEED),
            )),
            Some(Venue::Simulator { seed }) => Ok(generated(seed)),
            Some(Venue::Testnet) => Ok(Self::Testnet),
            Some(Venue::Live) => Ok(Self::Live),
            // The file may tell the other two addresses of this exchange, and of no other.
            Some(Venue::Address { rest }) => Ok(Self::Address(match config.exchange.addresses() {
                Some(addresses) if addresses.rest == rest => addresses,
                _ => Addresses::at(&rest),
            })),
            Some(Venue::Replay { .. }) => Err(OpenError::NeedsRecording {
                folder: config.data_dir.path().into(),
                command: "run",
            }),
        }
    }
}

async fn open_database(url: &str, database: &'static Database) -> Result<Db, OpenError> {
    let opened = databases::open(url, database).await;
    opened.map_err(|source| OpenError::Database { database, source })
}

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The folder is another venue's.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// A database cannot be used.
    #[error("the {database} database (databases.{database})")]
    Database {
        /// Which one.
        database: &'static Database,
        /// Why.
        source: StoreError,
    },
    /// The simulator cannot start.
    #[error("the simulator does not get its port, choose another simulator.port or 0 for any free one")]
    Simulator(#[from] SimulatorError),
    /// The exchange's client cannot be made.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A frontend cannot be bound.
    #[error("cannot open {name}")]
    Frontend {
        /// What it binds.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The market of a replay stands in its file alone.
    #[error("the data folder {} belongs to a replay, which stands in its file: `hedgehog {command} --replay FILE` goes on with it", folder.display())]
    NeedsRecording {
        /// The folder.
        folder: PathBuf,
        /// The command to give the file to.
        command: &'static str,
    },
    /// Orders need keys.
    #[error(
        "trading on this exchange needs HEDGEHOG_API_KEY and HEDGEHOG_API_SECRET in the environment; without keys run --apps streamer,warehouse"
    )]
    NoKeys,
    /// A key must not travel in the clear.
    #[error(
        "trading at {address} would send the API key unencrypted: use an https address, or --apps streamer,warehouse for its trades alone"
    )]
    OpenTrading {
        /// Where the key would go.
        address: Address,
    },
    /// Real money is for a later version.
    #[error(
        "this version places no orders on the live exchange: use --exchange testnet, or --apps streamer,warehouse for its trades alone"
    )]
    LiveTrading,
}
