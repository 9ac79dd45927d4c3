//! `seed`, `symbols` and `settings` without a running program: they need the folder and its exchange, and no app.

use super::args::Options;
use super::{environment, logging};
use crate::app::{Market, Operation, System};
use crate::config::{App, Config, Flags};
use crate::frontends::unix::Response;
use indicatif::ProgressBar;

/// Whether an operation can be carried out here.
pub(super) fn can(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Seed | Operation::Symbols { .. } | Operation::Settings { .. }
    )
}

/// Carries it out on the folder, against the exchange that it belongs to, with no process of the apps started and nobody
/// else to ask for anything.
pub(super) fn answer(operation: Operation, options: &Options) -> anyhow::Result<Response> {
    let flags = Flags {
        data_dir: options.data_dir.clone(),
        ..Flags::default()
    };
    let config = Config::load(&flags, environment::variables())?;
    logging::init(config.log_format, &ProgressBar::hidden())?;
    let market = Market::of(&config)?;
    let seeds = matches!(&operation, Operation::Settings { .. }) && config.apps.contains(App::Naive);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let system = System::open(config, market, &[]).await?;
        let exchange = system.exchange_only().start().await?;
        let answered = answer_of(&system, operation, seeds).await;
        exchange.stop().await;
        system.close().await;
        answered
    })
}

async fn answer_of(system: &System, operation: Operation, seeds: bool) -> anyhow::Result<Response> {
    if seeds {
        // What a person reads or changes here is what the first run trades by, so the rows come first.
        system.seed().await?;
    }
    system.announce_seeded();
    Ok(system.carry_out(operation).await.into())
}
