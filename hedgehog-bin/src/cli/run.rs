//! `hedgehog run`.

use super::args::{Options, Run};
use super::replay::{Played, Replay};
use super::{environment, hint, logging, market, process};
use crate::app::{Launched, Market, System, SystemStatus, Unstored};
use crate::config::{App, Config};
use crate::exchange::simulator::{MarketSource, Speed};
use crate::exit_code;
use crate::failure::{Failure, FailureKind};
use crate::frontends::unix;
use crate::market::Symbol;
use anyhow::Context as _;
use hedgehog_core::{ExitReason, Outcome, RunningApplication};
use indicatif::ProgressBar;

/// Runs until a signal, until the recording is over, or until the tree gives up.
pub(super) fn run(run: Run, options: &Options) -> anyhow::Result<Option<Failure>> {
    let config = Config::load(&run.flags(options), environment::variables())?;
    let bar = ProgressBar::hidden();
    logging::init(config.log_format, &bar)?;
    let market = market::chosen(&run, &config, &bar)?;
    process::block_on(serve(run, config, market, bar))
}

async fn serve(run: Run, config: Config, market: Market, bar: ProgressBar) -> anyhow::Result<Option<Failure>> {
    let folder = config.data_dir.clone();
    let trades = config.apps.contains(App::Naive);
    market.check_symbols(&run.start)?;
    let system = System::open(config, market.clone(), &[unix::FRONTEND]).await?;
    introduce(&system.status().await);
    let (mut failure, mut lost) = (None, None);
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
        let Launched { before, waiting } = system.launch(&running, &run.start).await?;
        let status = system.status().await;
        if let Some(replay) = &replay {
            replay.check_streamed(&status, run.exit_at_end)?;
        }
        show_next(&status, &before, &market, &hint::command(&folder, ""));
        let later = async {
            system.turn_on_later(waiting).await;
            // What is left to do is the other branch's.
            std::future::pending().await
        };
        let work = async {
            match replay {
                Some(replay) => replay.follow(run.exit_at_end, &bar).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = work => done,
            never = later => never,
        }
    };
    let outcome = (system.application())
        .stop_deadline(process::STOP_WITHIN)
        .exit_deadline(process::EXIT_WITHIN)
        .run_until(async |running| {
            tokio::select! {
                done = work(running) => match done {
                    Ok(done) => played = Some(done),
                    Err(error) => failure = Some(exit_code::failure(&*error)),
                },
                error = system.lost() => lost = Some(exit_code::failure(&error)),
            }
        })
        .await
        .context("the program could not run");
    bar.finish_and_clear();
    system.keep_unstored().await;
    if failure.is_none() {
        // Told in any case; but why the program ends comes first.
        let left = farewell(&system, played.as_ref()).await;
        failure = lost.or(left);
    }
    if failure.is_none() {
        failure = played.as_ref().and_then(Played::failure);
    }
    system.close().await;
    match outcome? {
        Outcome::RootExited(reason) => anyhow::bail!("the supervision tree gave up: {reason}"),
        Outcome::Stopped { reason, .. } | Outcome::Finished { reason } if failure.is_none() => {
            // A part that was killed may have left something undone.
            let late = !matches!(reason, ExitReason::Shutdown);
            Ok(late.then(|| Failure {
                kind: FailureKind::Failed,
                message: format!(
                    "the program did not stop within {:?} and was ended: {reason}",
                    process::STOP_WITHIN
                ),
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
fn show_next(status: &SystemStatus, before: &SystemStatus, market: &Market, command: &str) {
    let on = status.on_since(before);
    if on.is_empty() {
        let symbol = match market {
            Market::Simulated(source @ MarketSource::Recording { .. }) => source.symbols().into_iter().next(),
            _ => None,
        };
        let symbol = symbol.as_ref().map_or("BTCUSDT", Symbol::as_str);
        tracing::info!(
            "nothing is on, waiting: turn something on with `{command}{}`",
            hint::turn_on(&status.apps, symbol)
        );
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
    if let Some(why) = status.unreadable.get("storing") {
        return Some(Failure {
            kind: FailureKind::Database,
            message: format!("what is stored, and what waits to be, cannot be told: {why}"),
        });
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
