//! What must not hold up a stream and must not wait for the next save either: asks the archive what is stored, lets time decide about
//! trades in doubt, and writes gap rows at once.
//!
//! A question that is not answered is asked again, for as long as it takes: nothing is told as missing on a guess.

use super::continuity::Question;
use super::ledger::{Ledger, StreamLedger};
use crate::backoff::Backoff;
use crate::causes::causes;
use crate::operation::OperationError;
use crate::service::TradeArchive;
use crate::store::Db;
use futures_util::{StreamExt, stream};
use hedgehog_core::{ChildSpec, Restart, Task, TaskMsg};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often trades in doubt are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Rows that come in a burst are written together.
const TOGETHER: Duration = Duration::from_millis(50);

/// Symbols that are asked about at the same time.
const AT_ONCE: usize = 4;

/// Trades in doubt that are asked about in one go.
const TRADES_AT_ONCE: usize = 256;

/// An archive that hangs with one question may have an answer to the next.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

pub(super) fn spec(
    id: &'static str,
    ledger: &Arc<Ledger>,
    db: &Db,
    archive: Option<Arc<dyn TradeArchive>>,
) -> ChildSpec<TaskMsg> {
    let (ledger, db) = (Arc::clone(ledger), db.clone());
    let run = move || {
        let (ledger, db, archive) = (Arc::clone(&ledger), db.clone(), archive.clone());
        async move {
            tokio::join!(write(&ledger, &db), tick(&ledger), ask(&ledger, archive.as_deref()));
            Ok::<(), Infallible>(())
        }
    };
    Task::spec(id, run).restart(Restart::Permanent)
}

async fn write(ledger: &Ledger, db: &Db) {
    let mut backoff = Backoff::default();
    loop {
        ledger.signals().urgent.notified().await;
        sleep(TOGETHER).await;
        if let Err(error) = ledger.save(db).await {
            // The bookkeeper tells it, and tries again too.
            tracing::debug!("streamer: gaps could not be written yet: {}", causes(&error));
            sleep(backoff.next_delay()).await;
            ledger.signals().urgent.notify_one();
        } else {
            backoff = Backoff::default();
        }
    }
}

async fn tick(ledger: &Ledger) {
    loop {
        sleep(TICK).await;
        for stream in ledger.streams() {
            stream.tick();
        }
    }
}

async fn ask(ledger: &Ledger, archive: Option<&dyn TradeArchive>) {
    let Some(archive) = archive else {
        return std::future::pending().await;
    };
    let mut backoff = Backoff::default();
    loop {
        let failed = stream::iter(ledger.streams())
            .map(|stream| async move { (ask_about(&stream, archive).await.err(), stream) })
            .buffer_unordered(AT_ONCE)
            .filter_map(|(failed, stream)| async move { Some((failed?, stream)) });
        let failed: Vec<_> = failed.collect().await;
        if let Some((error, stream)) = failed.first() {
            let (symbol, more) = (&stream.symbol, failed.len() - 1);
            tracing::warn!("{symbol} and {more} more: what is missing could not be asked, trying again: {error}");
            sleep(backoff.next_delay()).await;
        } else {
            backoff = Backoff::default();
            ledger.signals().asked.notified().await;
        }
    }
}

/// All that is open about a stream.
async fn ask_about(stream: &StreamLedger, archive: &dyn TradeArchive) -> Result<(), String> {
    let symbol = &stream.symbol;
    loop {
        let (epoch, unasked) = stream.unasked(TRADES_AT_ONCE);
        let questions = stream.questions();
        if unasked.is_empty() && questions.is_empty() {
            return Ok(());
        }
        if !unasked.is_empty() {
            let stored = within(archive.trades(symbol, epoch, &unasked)).await?;
            stream.answer(epoch, &unasked, &stored);
        }
        for question in questions {
            let Question { epoch, range, .. } = &question;
            let missing = within(archive.missing(symbol, *epoch, range.clone())).await?;
            stream.settle(&question, &missing);
        }
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, OperationError>>) -> Result<T, String> {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(|error| causes(&error)),
        Err(_) => Err(format!("no answer within {}s", ANSWER_WITHIN.as_secs())),
    }
}
