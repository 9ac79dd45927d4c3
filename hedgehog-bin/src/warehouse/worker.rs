//! The subscriber worker: reads one topic in batches and stores them.
//!
//! Rung by the topic's doorbell it waits [`INTERVAL`] for company, then reads and stores batch after batch until nothing
//! is left; so batches are small in a quiet market and large in a busy one. A database that fails is tried again with
//! back-off while the topic keeps what waits.

use super::feed::{Batch, Counters, Feed, Stored};
use crate::backoff::Backoff;
use crate::store::{Db, StoreError};
use futures_util::future::BoxFuture;
use hedgehog_core::ractor;
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, Shutdown, Subscription};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Rows per transaction, at most.
const BATCH: usize = 5_000;
/// How long the first event of a batch waits for others.
const INTERVAL: Duration = Duration::from_millis(200);
/// How long a stopping worker keeps trying to store what it has.
const LAST_TRIES: Duration = Duration::from_millis(2_500);
/// The child's shutdown: the batch under way may wait five seconds for a locked database, and after [`LAST_TRIES`] the
/// worker still has to say what it lost.
pub(super) const SHUTDOWN: Shutdown = Shutdown::Timeout(Duration::from_secs(8));

/// What a worker is told.
#[derive(Debug)]
pub(super) enum WorkerMsg {
    /// The doorbell: events wait.
    Ring,
    /// Read and store.
    Flush,
}

/// Stores the events of one topic.
pub(super) struct Worker<T>(PhantomData<fn(T)>);

impl<T> Default for Worker<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// The state of one incarnation.
pub(super) struct Storing<T> {
    feed: Arc<Feed<T>>,
    db: Db,
    /// Read and not stored yet: the last try failed.
    pending: Option<Batch<T>>,
    backoff: Backoff,
}

impl<T: Stored> Actor for Worker<T> {
    type Msg = WorkerMsg;
    type State = Storing<T>;
    type Arguments = (Arc<Feed<T>>, Db);

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<WorkerMsg>,
        (feed, db): Self::Arguments,
    ) -> Result<Storing<T>, ActorProcessingErr> {
        let me = ActorRef::current(&myself).ok_or("a worker runs under a supervisor")?;
        tracing::debug!("storing {}", feed.topic);
        feed.counters
            .since
            .store(chrono::Utc::now().timestamp_millis(), Relaxed);
        feed.with(|subscription| {
            subscription.rewind();
            subscription.ring(&me, || WorkerMsg::Ring);
            subscription.rearm();
        });
        Ok(Storing {
            feed,
            db,
            pending: None,
            backoff: Backoff::default(),
        })
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<WorkerMsg>,
        message: WorkerMsg,
        state: &mut Storing<T>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WorkerMsg::Ring => drop(myself.send_after(INTERVAL, || WorkerMsg::Flush)),
            WorkerMsg::Flush => match state.store_next().await {
                Ok(0) => state.feed.with(Subscription::rearm),
                Ok(_) => myself.cast(WorkerMsg::Flush)?,
                Err(error) => {
                    let delay = state.retry_later(error);
                    drop(myself.send_after(delay, || WorkerMsg::Flush));
                }
            },
        }
        Ok(())
    }

    /// Stores everything published up to now. The sources stop before the warehouse does, so that is everything.
    async fn post_stop(
        &self,
        _: ractor::ActorRef<WorkerMsg>,
        state: &mut Storing<T>,
    ) -> Result<(), ActorProcessingErr> {
        let end = state.feed.with(|subscription| subscription.published());
        let deadline = Instant::now() + LAST_TRIES;
        loop {
            let unstored = state.unstored_before(end);
            if unstored == 0 {
                break;
            }
            // A try alone may outlast the deadline, when another program holds the database.
            let delay = match timeout_at(deadline, state.store_next()).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => state.retry_later(error),
                Err(_) => LAST_TRIES,
            };
            if Instant::now() + delay > deadline {
                tracing::error!(
                    "{}: {unstored} events are lost, the database does not take them",
                    state.feed.topic
                );
                break;
            }
            tokio::time::sleep(delay).await;
        }
        tracing::debug!(
            "{}: {} events stored",
            state.feed.topic,
            state.feed.counters.settled.load(Relaxed)
        );
        Ok(())
    }
}

impl<T: Stored> Storing<T> {
    /// Stores the pending batch or the next one; returns how many events that settled, 0 when none waited.
    async fn store_next(&mut self) -> Result<usize, StoreError> {
        let batch = match self.pending.take() {
            Some(batch) => batch,
            None => self.feed.read(BATCH),
        };
        if batch.events.is_empty() {
            return Ok(0);
        }
        let stored = store_all(&self.db, &batch.events, &self.feed.counters).await;
        match stored {
            Ok(()) => {
                self.feed.with(|subscription| subscription.ack(batch.end));
                self.feed.counters.settled.fetch_add(batch.events.len() as u64, Relaxed);
                self.backoff.succeeded();
                if self.feed.counters.retrying.lock().take().is_some() {
                    tracing::info!("{}: the database takes rows again", self.feed.topic);
                }
                Ok(batch.events.len())
            }
            Err(error) => {
                self.pending = Some(batch);
                Err(error)
            }
        }
    }

    fn retry_later(&mut self, error: StoreError) -> Duration {
        let delay = self.backoff.next_delay();
        let reason = format!("{:#}", anyhow::Error::from(error));
        tracing::warn!(
            "{}: could not store, trying again in {delay:.0?}: {reason}",
            self.feed.topic
        );
        *self.feed.counters.retrying.lock() = Some(reason);
        delay
    }

    /// Events published before `end` and not stored yet.
    fn unstored_before(&self, end: u64) -> u64 {
        let pending = self.pending.as_ref().map_or(0, |batch| batch.events.len() as u64);
        self.feed
            .with(|subscription| end.saturating_sub(subscription.position()))
            + pending
    }
}

/// Stores every event that the database takes. A batch that holds bad data is halved until the offender stands alone:
/// that one is logged and counted, since trying it for ever would hold up everything behind it. Any other error says
/// nothing about the events (a full disk, a missing table), and is tried again.
fn store_all<'a, T: Stored>(
    db: &'a Db,
    events: &'a [T],
    counters: &'a Counters,
) -> BoxFuture<'a, Result<(), StoreError>> {
    Box::pin(async move {
        match T::store(db, events).await {
            Ok(_) => Ok(()),
            Err(error) if !matches!(error, StoreError::BadData { .. }) => Err(error),
            Err(error) if events.len() == 1 => {
                tracing::error!(
                    "the database refuses {}: {:#}",
                    events[0].describe(),
                    anyhow::Error::from(error)
                );
                counters.refused.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(_) => {
                let (first, second) = events.split_at(events.len() / 2);
                store_all(db, first, counters).await?;
                store_all(db, second, counters).await
            }
        }
    })
}
