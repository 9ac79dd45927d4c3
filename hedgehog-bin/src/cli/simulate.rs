//! `hedgehog simulate`: the simulator alone, as an exchange that other programs trade on.
//!
//! Unlike the one inside `hedgehog run` it goes on while nobody listens and never goes back: what a program misses while it is
//! away it has missed. Its data folder is its own, with the lock, the venue and the database of the simulator.

use super::args::{Options, Simulate};
use super::{environment, hint, logging, market, process};
use crate::app::{Market, OpenError};
use crate::config::{Config, SimulatorConfig as SimulatorSettings};
use crate::databases::{self, SIMULATOR};
use crate::exchange::simulator::{MarketSource, Simulator, SimulatorConfig};
use crate::exit_code;
use crate::failure::Failure;
use crate::recording::ReadOptions;
use crate::store::Ownership;
use crate::venue::{Venue, VenueError};
use anyhow::Context as _;
use hedgehog_core::{Application, Outcome, Strategy, Supervisor};
use indicatif::ProgressBar;
use std::net::{Ipv4Addr, SocketAddr};

/// Runs until a signal.
pub(super) fn simulate(simulate: &Simulate, options: &Options) -> anyhow::Result<Option<Failure>> {
    let config = Config::load(&simulate.flags(options), environment::variables())?;
    let bar = ProgressBar::hidden();
    logging::init(config.log_format, &bar)?;
    let market = chosen(simulate, &config, &bar)?;
    process::block_on(serve(&config, market))
}

/// Reads a recording first: a file that cannot be played leaves no folder behind.
fn chosen(simulate: &Simulate, config: &Config, bar: &ProgressBar) -> anyhow::Result<Market> {
    if let Some(file) = &simulate.replay {
        let options = ReadOptions {
            exchange_info: simulate.exchange_info.as_deref(),
            symbol: simulate.symbol.as_ref(),
            started: &[],
            folder: Some(config.data_dir.path()),
            progress: None,
        };
        return Ok(market::recorded(file, options, simulate.speed, bar)?);
    }
    let generated = |seed| Market::Simulated(MarketSource::Generated { seed });
    Ok(match (config.simulator.seed, Venue::of(&config.data_dir)?) {
        (Some(seed), _) | (None, Some(Venue::Simulator { seed })) => generated(seed),
        (None, Some(Venue::Replay { .. })) => {
            return Err(OpenError::NeedsRecording {
                folder: config.data_dir.path().into(),
                command: "simulate",
            }
            .into());
        }
        // Another exchange's folder is refused when it is taken.
        (None, _) => generated(SimulatorSettings::DEFAULT_SEED),
    })
}

async fn serve(config: &Config, market: Market) -> anyhow::Result<Option<Failure>> {
    let Market::Simulated(source) = market.clone() else {
        anyhow::bail!("only a simulated market can be simulated");
    };
    let lock = config.data_dir.lock()?;
    let venue = market.venue();
    venue.check(&lock).map_err(|error: VenueError| OpenError::from(error))?;
    let database = databases::open(&config.databases.simulator, SIMULATOR).await;
    let database = database.map_err(|source| OpenError::Database {
        database: SIMULATOR,
        source,
    })?;
    let simulator = Simulator::bind(SimulatorConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, config.simulator.port)),
        market: source,
        rule: config.simulator.rule,
        database: database.clone(),
        bus: None,
        memory: 0,
        alone: true,
    })
    .await
    .context("the exchange does not get its port, choose another --port")?;
    let ownership = Ownership::claim([(SIMULATOR, database)], &venue.to_string()).await;
    let ownership = ownership.map_err(|(database, source)| OpenError::Database { database, source })?;
    if let Err(error) = venue.claim(&lock) {
        ownership.undo().await;
        return Err(error.into());
    }

    let address = simulator.endpoints().rest;
    let address = address.as_str().trim_end_matches('/');
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!("hedgehog {version} simulates {} at {address}", venue.short());
    tracing::info!("data is in {}", config.data_dir.absolute().display());
    let root = Supervisor::new(Strategy::OneForOne)
        .max_restarts(20)
        .child(simulator.spec());
    let mut lost = None;
    let outcome = Application::new("Exchange")
        .root(root)
        .stop_deadline(process::STOP_WITHIN)
        .exit_deadline(process::EXIT_WITHIN)
        .run_until(async |_running| {
            simulator.open_market();
            let command = hint::program(&format!("run --exchange {address}"));
            tracing::info!("in another terminal: `{command}`; Ctrl-C stops");
            lost = Some(exit_code::failure(&ownership.lost().await));
        })
        .await
        .context("the exchange could not run");
    let played = simulator.progress().borrow().played;
    tracing::info!("stopped: the market has come to its trade {played}");
    ownership.release().await;
    drop(lock);
    match outcome? {
        Outcome::RootExited(reason) => anyhow::bail!("the supervision tree gave up: {reason}"),
        _ => Ok(lost),
    }
}
