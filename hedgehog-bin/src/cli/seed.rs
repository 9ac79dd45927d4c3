//! `hedgehog seed` without a running program.

use super::args::Options;
use super::{environment, logging};
use crate::app::{Market, System};
use crate::config::{Config, Flags};
use crate::control::{Answer, Response};
use indicatif::ProgressBar;

/// Seeds against the exchange that the folder belongs to, with no process of the apps started.
pub(super) fn seed(options: &Options) -> anyhow::Result<Response> {
    let flags = Flags {
        data_dir: options.data_dir.clone(),
        ..Flags::default()
    };
    let config = Config::load(&flags, environment())?;
    logging::init(config.log_format, &ProgressBar::hidden())?;
    let market = Market::of(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let system = System::open(config, market).await?;
        let exchange = system.exchange_only().start().await?;
        let report = system.seed().await;
        exchange.stop().await;
        system.close().await;
        anyhow::Ok(report?)
    })?;
    let answer = Answer {
        text: report.to_string(),
        json: serde_json::to_value(&report)?,
    };
    Ok(Response {
        answer: Some(answer),
        failure: None,
    })
}
