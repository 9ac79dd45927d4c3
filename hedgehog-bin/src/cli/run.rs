//! `hedgehog run`.

use super::args::{ExchangeName, Options, Run};
use super::replay::{Played, Replay};
use super::{environment, hint, logging};
use crate::app::{Market, System, SystemStatus, Unstored};
use crate::config::{App, Config};
use crate::exchange::simulator::{MarketSource, Recording, Speed};
use crate::failure::{Failure, FailureKind};
use crate::market::Symbol;
use anyhow::Context as _;
use hedgehog_core::{ExitReason, Outcome, RunningApplication};
use indicatif::ProgressBar;
use std::sync::Arc;
use std::time::Duration;

/// Runs until a signal, until the recording is over, or until the tree gives up.
pub(super) fn run(run: Run, options: &Options) -> anyhow::Result<Option<Failure>> {
    let config = Config::load(&run.flags(options), environment())?;
    let bar = ProgressBar::hidden();
    logging::init(config.log_format, &bar)?;
    let market = market(&run, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let _limit = outlive_file_size_limits()?;
        serve(run, config, market, bar).await
    });
    // Everything that matters was waited for. What still blocks a thread, such as a lookup without an answer, is not.
    runtime.shutdown_timeout(BLOCKED);
    ended
}

/// How long the tree may take to stop, and the process to end, from the first signal on: ten seconds are promised.
const STOP_WITHIN: Duration = Duration::from_secs(8);
const EXIT_WITHIN: Duration = Duration::from_millis(9_500);
/// How long the end of the process waits for threads that are blocked.
const BLOCKED: Duration = Duration::from_millis(200);

/// A write beyond the limit of `ulimit -f` fails as on a full disk, instead of killing the process: having a handler for the signal
/// is enough (setrlimit(2), `RLIMIT_FSIZE`).
#[cfg(unix)]
fn outlive_file_size_limits() -> std::io::Result<tokio::signal::unix::Signal> {
    // The same number on Linux, macOS and the BSDs; the standard library has no name for it.
    const SIGXFSZ: i32 = 25;
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ))
}

#[cfg(not(unix))]
fn outlive_file_size_limits() -> std::io::Result<()> {
    Ok(())
}

/// Reads the recording first: a file that cannot be played leaves no folder behind.
fn market(run: &Run, config: &Config) -> anyhow::Result<Market> {
    Ok(match (&run.replay, run.exchange) {
        (Some(file), _) => {
            let recording = Recording::open(file, run.exchange_info.as_deref())?;
            let speed = run.speed.unwrap_or(Speed::Times(1.0));
            Market::Simulated(MarketSource::Recording {
                recording: Arc::new(recording),
                speed,
            })
        }
        (None, ExchangeName::Simulator) => Market::Simulated(MarketSource::Generated {
            seed: config.simulator.seed,
        }),
        (None, ExchangeName::Testnet) => Market::Testnet,
        (None, ExchangeName::Live) => Market::Live,
    })
}

async fn serve(run: Run, config: Config, market: Market, bar: ProgressBar) -> anyhow::Result<Option<Failure>> {
    let folder = config.data_dir.clone();
    let trades = config.apps.contains(App::Naive);
    market.check_symbols(&run.start)?;
    let system = System::open(config, market.clone()).await?;
    introduce(&system.status().await);
    let mut failure = None;
    let mut played = None;
    let work = async |running: RunningApplication| -> anyhow::Result<Played> {
        // Launching checks them too; by then it has been said what runs.
        system.check_symbols(&run.start).await?;
        let replay = match &market {
            Market::Simulated(MarketSource::Recording { recording, speed }) => {
                if trades && *speed == Speed::Max {
                    tracing::info!("which orders appear at --speed max depends on timing");
                }
                Some(Replay::of(&system, recording)?)
            }
            _ => None,
        };
        system.launch(&running, &run.start).await?;
        let status = system.status().await;
        if let Some(replay) = &replay {
            replay.check_streamed(&status, run.exit_at_end)?;
        }
        show_next(&status, &market, &hint::command(&folder, ""));
        match replay {
            Some(replay) => replay.follow(run.exit_at_end, &bar).await,
            None => std::future::pending().await,
        }
    };
    let outcome = (system.application())
        .stop_deadline(STOP_WITHIN)
        .exit_deadline(EXIT_WITHIN)
        .run_until(async |running| {
            tokio::select! {
                done = work(running) => match done {
                    Ok(done) => played = Some(done),
                    Err(error) => failure = Some(Failure::from(&error)),
                },
                lost = system.lost() => failure = Some(Failure::from(&anyhow::Error::from(lost))),
            }
        })
        .await
        .context("the program could not run");
    bar.finish_and_clear();
    if failure.is_none() {
        failure = farewell(&system, played.as_ref()).await;
    }
    system.close().await;
    match outcome? {
        Outcome::RootExited(reason) => anyhow::bail!("the supervision tree gave up: {reason}"),
        Outcome::Stopped { reason, .. } | Outcome::Finished { reason } if failure.is_none() => {
            // A part that was killed may have left something undone.
            let late = !matches!(reason, ExitReason::Shutdown);
            Ok(late.then(|| Failure {
                kind: FailureKind::Failed,
                message: format!("the program did not stop within {STOP_WITHIN:?} and was ended: {reason}"),
            }))
        }
        _ => Ok(failure),
    }
}

/// What runs, and where the data is.
fn introduce(status: &SystemStatus) {
    let SystemStatus {
        venue,
        exchange,
        data_dir,
        apps,
        ..
    } = status;
    let (version, venue) = (env!("CARGO_PKG_VERSION"), venue.short());
    tracing::info!("hedgehog {version} runs {apps} on {venue} at {exchange}");
    tracing::info!("data is in {}", data_dir.display());
}

/// What is on, and what to type next.
fn show_next(status: &SystemStatus, market: &Market, command: &str) {
    let on = status.on();
    if on.is_empty() {
        let symbol = match market {
            Market::Simulated(source @ MarketSource::Recording { .. }) => source.symbols().into_iter().next(),
            _ => None,
        };
        let symbol = symbol.as_ref().map_or("BTCUSDT", Symbol::as_str);
        tracing::info!("nothing is on, waiting: turn something on with `{command}start streaming {symbol}`");
    }
    for line in on {
        tracing::info!("{line}");
    }
    tracing::info!("in another terminal: `{command}status`, `{command}tree`; Ctrl-C stops");
}

/// What this run has added to the database, and whether anything is missing there.
async fn farewell(system: &System, played: Option<&Played>) -> Option<Failure> {
    let status = system.status().await;
    let told = match played {
        Some(played) => Some(played.summary(&status)),
        None => status.stored(),
    };
    tracing::info!("stopped{}", told.map(|told| format!(": {told}")).unwrap_or_default());
    for (part, why) in &status.unreadable {
        tracing::warn!("what was {part} cannot be told: {why}");
    }
    let Unstored { kept, lost } = status.unstored();
    let message = match (kept, lost) {
        (0, 0) => return None,
        (kept, 0) => format!("{kept} trades and orders were received and not stored yet: the next start stores them"),
        (0, lost) => format!("{lost} trades and orders were received and not stored: they are lost"),
        (kept, lost) => format!(
            "{} trades and orders were received and not stored: the next start stores {kept} of them, {lost} are lost",
            kept + lost
        ),
    };
    Some(Failure {
        kind: FailureKind::Database,
        message,
    })
}
