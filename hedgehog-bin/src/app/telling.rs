//! What the parts of the system tell of themselves, put together.

use super::System;
use super::status::{Balance, ReplayStatus, SystemStatus, totals};
use crate::causes::on_one_line;
use crate::exchange::simulator::{Progress, Simulator};
use crate::naive::Naive;
use crate::operation::OperationError;
use crate::streamer::Streamer;
use crate::warehouse::Warehouse;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;

/// How long one part may take to tell of itself before it counts as unreadable.
const PART_WITHIN: Duration = Duration::from_millis(700);

impl System {
    /// What is on, and how it goes. Answers within a second, whatever a database does.
    pub async fn status(&self) -> SystemStatus {
        let parts = &self.0;
        let (streaming, trading, storing) = tokio::join!(
            part(parts.streamer.as_ref().map(Streamer::status)),
            part(parts.naive.as_ref().map(Naive::status)),
            part(parts.warehouse.as_ref().map(Warehouse::status)),
        );
        let mut unreadable = BTreeMap::new();
        let streaming = readable("streaming", streaming, &mut unreadable);
        let trading = readable("trading", trading, &mut unreadable);
        let storing = readable("storing", storing, &mut unreadable);
        if let Some(why) = parts.naive.as_ref().and_then(Naive::balances_unread) {
            unreadable.insert("balances".to_owned(), why);
        }
        let mut status = SystemStatus {
            venue: parts.venue.clone(),
            exchange: parts.endpoints.rest.to_string(),
            data_dir: parts.config.data_dir.absolute(),
            apps: parts.config.apps.clone(),
            since: parts.since,
            replay: self
                .progress()
                .and_then(|progress| ReplayStatus::of(&progress.borrow())),
            streaming,
            trading,
            storing,
            balances: (parts.naive.iter().flat_map(Naive::balances))
                .map(Balance::from)
                .collect(),
            totals: Vec::new(),
            unreadable,
        };
        status.totals = totals(&status.lines());
        status
    }

    /// How far the simulated market is; `None` on another exchange.
    pub fn progress(&self) -> Option<watch::Receiver<Progress>> {
        self.0.simulator.as_ref().map(Simulator::progress)
    }
}

/// Asks one app, if it runs.
async fn part<T>(
    status: Option<impl Future<Output = Result<Vec<T>, OperationError>>>,
) -> Option<Result<Vec<T>, String>> {
    match tokio::time::timeout(PART_WITHIN, status?).await {
        Ok(Ok(entries)) => Some(Ok(entries)),
        Ok(Err(error)) => Some(Err(on_one_line(&error))),
        Err(_) => Some(Err(format!("no answer from its database within {PART_WITHIN:?}"))),
    }
}

/// The entries of a part, or none and a note of why.
fn readable<T>(
    name: &str,
    part: Option<Result<Vec<T>, String>>,
    unreadable: &mut BTreeMap<String, String>,
) -> Option<Vec<T>> {
    part.map(|entries| {
        entries.unwrap_or_else(|why| {
            unreadable.insert(name.to_owned(), why);
            Vec::new()
        })
    })
}
