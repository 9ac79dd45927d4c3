//! `seed`, `symbols` and `settings` without a running program: they need the folder and its exchange, and no app.

use super::args::Options;
use super::{environment, logging};
use crate::app::{Market, System};
use crate::config::{App, Config, Flags};
use crate::control::{self, Answer, Request, Response};
use indicatif::ProgressBar;

/// Whether a request can be answered here.
pub(super) fn can(request: &Request) -> bool {
    matches!(
        request,
        Request::Seed | Request::Symbols { .. } | Request::Settings { .. }
    )
}

/// Answers on the folder, against the exchange that it belongs to, with no process of the apps started.
pub(super) fn answer(request: Request, options: &Options) -> anyhow::Result<Response> {
    let flags = Flags {
        data_dir: options.data_dir.clone(),
        ..Flags::default()
    };
    let config = Config::load(&flags, environment())?;
    logging::init(config.log_format, &ProgressBar::hidden())?;
    let market = Market::of(&config)?;
    let seeds = matches!(&request, Request::Settings { .. }) && config.apps.contains(App::Naive);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let system = System::open(config, market).await?;
        let exchange = system.exchange_only().start().await?;
        let answered = answer_of(&system, request, seeds).await;
        exchange.stop().await;
        system.close().await;
        answered
    })
}

async fn answer_of(system: &System, request: Request, seeds: bool) -> anyhow::Result<Response> {
    if seeds {
        // What a person reads or changes here is what the first run trades by, so the rows come first.
        system.seed().await?;
    }
    system.announce_seeded();
    match request {
        Request::Symbols { pattern, view } => Ok(control::symbols(system, pattern.as_deref(), &view).await),
        Request::Settings { symbols, change, view } => {
            Ok(control::settings(system, &symbols, change.as_ref(), &view).await)
        }
        _ => seed(system).await,
    }
}

async fn seed(system: &System) -> anyhow::Result<Response> {
    let report = system.seed().await.map_err(anyhow::Error::from)?;
    let answer = Answer {
        text: report.to_string(),
        json: serde_json::to_value(&report)?,
    };
    Ok(Response {
        answer: Some(answer),
        failure: None,
    })
}
