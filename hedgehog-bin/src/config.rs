//! What the program runs with: flags over `HEDGEHOG_*` variables over `hedgehog.toml` over defaults.
//!
//! Every setting has one dotted key, listed once in `KEYS`; the file's tables, the variables' names and the flags are all
//! laid over each other under that key, so that a setting means the same wherever it is written. Invariant: a key that is not
//! in the list is refused, never ignored. Secrets are no settings: the exchange's keys are read from the environment when
//! they are needed ([`crate::app`]).

mod app_set;
mod error;
mod layers;

pub use app_set::{App, AppSet};
pub use error::ConfigError;

use crate::data_dir::DataDir;
use crate::exchange::{Address, AddressError, Addresses};
use crate::market::FillRule;
use crate::naive::Profile;
use layers::Layers;
use std::fmt;
use std::path::{Path, PathBuf};

/// Every setting, by its key in the file; `simulator.seed` is `HEDGEHOG_SIMULATOR_SEED` in the environment.
const KEYS: [&str; 13] = [
    "apps",
    "log_format",
    "simulator.seed",
    "simulator.rule",
    "simulator.port",
    "exchange.rest",
    "exchange.streams",
    "exchange.ws_api",
    "databases.streamer",
    "databases.naive",
    "databases.data_warehouse",
    "naive.profile",
    "warehouse.memory",
];

/// What the program runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: DataDir,
    /// Which apps run: `apps`.
    pub apps: AppSet,
    /// How log lines look: `log_format`.
    pub log_format: LogFormat,
    /// The exchange inside the program.
    pub simulator: SimulatorConfig,
    /// Where another exchange answers; used only when the command line or the data folder says so.
    pub exchange: ExchangeConfig,
    /// Where each app keeps its tables.
    pub databases: Databases,
    /// Which numbers new trading settings are seeded with: `naive.profile`.
    pub profile: Profile,
    /// How many bytes of events that are not stored yet may be in memory, over all topics: `warehouse.memory`, 64 MiB by default.
    pub warehouse_memory: u64,
}

/// The table `[simulator]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatorConfig {
    /// Of the generated market: `simulator.seed`; `None` where nobody has said.
    pub seed: Option<u64>,
    /// When a resting order fills: `simulator.rule`.
    pub rule: FillRule,
    /// On the loopback address: `simulator.port`; 0, the default, takes any free one.
    pub port: u16,
}

impl SimulatorConfig {
    /// The seed of a market that nobody has chosen.
    pub const DEFAULT_SEED: u64 = 1;
}

/// The table `[exchange]`: three base addresses. They say where another exchange answers, and never that one is to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeConfig {
    /// Of REST: `exchange.rest`.
    pub rest: Option<Address>,
    /// Of the market streams: `exchange.streams`; that of REST by default.
    pub streams: Option<Address>,
    /// Of the WebSocket API: `exchange.ws_api`; that of REST by default.
    pub ws_api: Option<Address>,
}

impl ExchangeConfig {
    /// All three, where there is at least that of REST.
    pub fn addresses(&self) -> Option<Addresses> {
        let rest = self.rest.clone()?;
        Some(Addresses {
            streams: self.streams.clone().unwrap_or_else(|| rest.clone()),
            ws_api: self.ws_api.clone().unwrap_or_else(|| rest.clone()),
            rest,
        })
    }
}

/// The table `[databases]`: SQLite paths or `postgres://` URLs; by default a file per app in the data folder. A relative path in a
/// file is relative to that file, any other one to the working directory.
#[derive(Clone)]
pub struct Databases {
    /// Of the streamer: `databases.streamer`.
    pub streamer: String,
    /// Of the naive app: `databases.naive`.
    pub naive: String,
    /// Of the warehouse: `databases.data_warehouse`.
    pub data_warehouse: String,
    /// Of the simulator; always a file in the data folder, because it is part of the venue.
    pub simulator: String,
}

impl fmt::Debug for Databases {
    /// Without the addresses: they may carry passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Databases").finish_non_exhaustive()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// The other settings: key, the flag as typed, value.
    pub settings: Vec<(&'static str, &'static str, String)>,
}

impl Config {
    /// Lays the sources over each other. `environment` is every variable; those of other programs are passed over.
    pub fn load(flags: &Flags, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        let variables = layers::Variables::read(environment)?;
        let data_dir = data_dir(flags, &variables)?;
        refuse_empty("--config", "a file", flags.config.as_deref())?;
        refuse_empty("HEDGEHOG_CONFIG", "a file", variables.config.as_deref())?;
        let file = flags.config.clone().or(variables.config);
        layers.file(&file.clone().unwrap_or_else(|| data_dir.config_file()), file.is_some())?;
        layers.lay(variables.settings);
        layers.lay((flags.settings.iter()).map(|(key, flag, value)| (*key, value.clone(), (*flag).to_owned())));
        Self::assemble(data_dir, &layers)
    }

    fn assemble(data_dir: DataDir, layers: &Layers) -> Result<Self, ConfigError> {
        let database = |key, file: &str| {
            let given = layers.read(key, "the path of a SQLite file or a postgres:// URL", |text| {
                (!text.is_empty()).then(|| text.to_owned())
            })?;
            Ok::<_, ConfigError>(given.unwrap_or_else(|| data_dir.file(file).display().to_string()))
        };
        let log_format = |text: &str| match text.to_lowercase().as_str() {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        };
        Ok(Self {
            apps: layers
                .read("apps", App::WORDS, |text| text.parse().ok())?
                .unwrap_or_default(),
            log_format: layers
                .read("log_format", "text or json", log_format)?
                .unwrap_or_default(),
            simulator: SimulatorConfig {
                seed: layers.read("simulator.seed", "a whole number from 0", |text| text.parse().ok())?,
                rule: layers
                    .read("simulator.rule", "touch or through", |text| text.parse().ok())?
                    .unwrap_or_default(),
                port: layers
                    .read("simulator.port", "a port from 0 to 65535", |text| text.parse().ok())?
                    .unwrap_or(0),
            },
            exchange: ExchangeConfig {
                rest: layers.address("exchange.rest", str::parse)?,
                streams: layers.address("exchange.streams", str::parse)?,
                ws_api: layers.address("exchange.ws_api", Address::of_ws_api)?,
            },
            databases: Databases {
                streamer: database("databases.streamer", "streamer.db")?,
                naive: database("databases.naive", "naive.db")?,
                data_warehouse: database("databases.data_warehouse", "data_warehouse.db")?,
                simulator: data_dir.file("simulator.db").display().to_string(),
            },
            profile: layers
                .read("naive.profile", "safe or demo", |text| text.parse().ok())?
                .unwrap_or_default(),
            warehouse_memory: layers
                .read("warehouse.memory", "an amount of memory such as 64MiB or 1GiB", memory)?
                .unwrap_or(crate::warehouse::MEMORY),
            data_dir,
        })
    }
}

/// Bytes: a whole number, also of `KiB`, `MiB` or `GiB`.
fn memory(text: &str) -> Option<u64> {
    let lower = text.to_lowercase();
    let (number, unit) = match lower.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => lower.split_at(at),
        None => (&*lower, ""),
    };
    let shift = match unit.trim() {
        "" | "b" => 0,
        "kib" => 10,
        "mib" => 20,
        "gib" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// The data folder comes first, because the file may lie in it.
fn data_dir(flags: &Flags, variables: &layers::Variables) -> Result<DataDir, ConfigError> {
    refuse_empty("--data-dir", "a folder", flags.data_dir.as_deref())?;
    refuse_empty("HEDGEHOG_DATA_DIR", "a folder", variables.data_dir.as_deref())?;
    let named = flags.data_dir.clone().or_else(|| variables.data_dir.clone());
    Ok(named.map_or_else(DataDir::default, DataDir::new))
}

/// A variable that a script has left empty would scatter files over the working directory.
fn refuse_empty(place: &'static str, expected: &'static str, path: Option<&Path>) -> Result<(), ConfigError> {
    match path {
        Some(path) if path.to_string_lossy().trim().is_empty() => Err(ConfigError::Empty { place, expected }),
        _ => Ok(()),
    }
}

/// The data folder alone: all that a command for a running program needs.
pub fn data_dir_of(
    flag: Option<PathBuf>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<DataDir, ConfigError> {
    let flags = Flags {
        data_dir: flag,
        ..Flags::default()
    };
    data_dir(&flags, &layers::Variables::read(environment)?)
}

#[cfg(test)]
mod tests;
