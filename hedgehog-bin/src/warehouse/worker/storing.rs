//! The state of one incarnation of a worker: which batch is under way, and when the next try is.

use super::super::entry::Entry;
use super::super::feed::Feed;
use super::super::memory::{Backlog, Memory};
use super::super::stored::Stored;
use super::{BATCH, WorkerMsg};
use crate::backoff::Backoff;
use crate::store::{Db, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hedgehog_core::Subscription;
use hedgehog_core::ractor::ActorRef;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::{Instant, timeout_at};

/// How long a stopping worker keeps trying to store what it has.
const LAST_TRIES: Duration = Duration::from_millis(2_500);
/// After this long a database that does not answer is told of.
const SILENT: Duration = Duration::from_secs(10);

pub(in super::super) struct Storing<T> {
    feed: Arc<Feed<T>>,
    db: Db,
    memory: Arc<Memory>,
    under_way: Option<UnderWay<T>>,
    /// Failed, and tried again at `retry_at`.
    failed: Option<Batch<T>>,
    retry_at: Option<Instant>,
    backoff: Backoff,
    /// Of the disk that did not take what had no room.
    room_at: Option<Instant>,
    room_backoff: Backoff,
    /// A look is on its way.
    looking: bool,
}

/// Events on their way into the database.
struct Batch<T> {
    events: Arc<[T]>,
    origin: Origin,
}

/// Where a batch comes from, and so what is to be noted when it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Topic {
        end: u64,
    },
    Disk {
        lines: u64,
        end: u64,
    },
    /// From the topic, which was gone back in since: these events come once more.
    Again,
}

struct UnderWay<T> {
    batch: Batch<T>,
    since: Instant,
    told: bool,
    answer: oneshot::Receiver<Result<(), StoreError>>,
}

impl<T: Stored> Storing<T> {
    pub(super) fn new(feed: Arc<Feed<T>>, db: Db, memory: Arc<Memory>) -> Self {
        Self {
            feed,
            db,
            memory,
            under_way: None,
            failed: None,
            retry_at: None,
            backoff: Backoff::default(),
            room_at: None,
            room_backoff: Backoff::default(),
            looking: false,
        }
    }

    /// Begins with the next batch, unless one is under way or it is not time for another try. With nothing left the doorbell
    /// rings again.
    pub(super) async fn go_on(&mut self, myself: &ActorRef<WorkerMsg>) {
        if self.under_way.is_some() || self.retry_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        self.retry_at = None;
        match self.next().await {
            Some(batch) => self.store(batch, myself),
            None if self.retry_at.is_some() => {}
            None => self.feed.with(Subscription::rearm),
        }
    }

    async fn next(&mut self) -> Option<Batch<T>> {
        if let Some(failed) = self.failed.take() {
            return Some(failed);
        }
        let unstored = self.feed.entry.unstored();
        while unstored.count() > 0 {
            match unstored.read::<T>(BATCH).await {
                Ok(chunk) if chunk.events.is_empty() && chunk.lines > 0 => {
                    // Unreadable, all of it, and told.
                    if let Err(error) = unstored.stored(chunk.lines, chunk.end).await {
                        self.retry_later(&format!("{}: {error}", unstored.path()));
                        return None;
                    }
                }
                Ok(chunk) if chunk.events.is_empty() => break,
                Ok(chunk) => {
                    return Some(Batch {
                        events: chunk.events.into(),
                        origin: Origin::Disk {
                            lines: chunk.lines,
                            end: chunk.end,
                        },
                    });
                }
                Err(error) => {
                    let reason = format!("cannot read {}: {error}", unstored.path());
                    self.retry_later(&reason);
                    return None;
                }
            }
        }
        let batch = self.feed.read(BATCH);
        (!batch.events.is_empty()).then(|| Batch {
            events: batch.events.into(),
            origin: Origin::Topic { end: batch.end },
        })
    }

    fn store(&mut self, batch: Batch<T>, myself: &ActorRef<WorkerMsg>) {
        let (db, events) = (self.db.clone(), Arc::clone(&batch.events));
        let (entry, myself) = (Arc::clone(&self.feed.entry), myself.clone());
        let (answer, told) = oneshot::channel();
        tokio::spawn(async move {
            let stored = AssertUnwindSafe(store_all(&db, &events, &entry)).catch_unwind().await;
            if let Ok(stored) = stored {
                // Whoever is not interested any more has put the events on disk.
                let _ = answer.send(stored);
            }
            let _ = myself.cast(WorkerMsg::Settled);
        });
        self.under_way = Some(UnderWay {
            batch,
            since: Instant::now(),
            told: false,
            answer: told,
        });
    }

    pub(super) async fn settle_if_done(&mut self) {
        let Some(under_way) = &mut self.under_way else { return };
        match under_way.answer.try_recv() {
            Err(TryRecvError::Empty) => {}
            Ok(answer) => self.settle(Some(answer)).await,
            Err(TryRecvError::Closed) => self.settle(None).await,
        }
    }

    /// `None`: storing panicked.
    async fn settle(&mut self, answer: Option<Result<(), StoreError>>) {
        let Some(UnderWay { batch, .. }) = self.under_way.take() else {
            return;
        };
        let error = match answer {
            Some(Ok(())) => {
                self.stored(&batch).await;
                return;
            }
            Some(Err(error)) => error.to_string(),
            None => "storing panicked".to_owned(),
        };
        if batch.origin != Origin::Again {
            self.failed = Some(batch);
        }
        self.retry_later(&error);
    }

    async fn stored(&mut self, batch: &Batch<T>) {
        let entry = &self.feed.entry;
        match batch.origin {
            Origin::Topic { end } => self.feed.acknowledge(end),
            Origin::Disk { lines, end } => {
                if let Err(error) = entry.unstored().stored(lines, end).await {
                    tracing::warn!("{}: is stored and cannot be removed: {error}", entry.unstored().path());
                }
            }
            // Counted when they come.
            Origin::Again => return,
        }
        entry.settled(batch.events.len());
        self.backoff.succeeded();
        if entry.retrying.lock().take().is_some() {
            tracing::info!("{}: the database takes rows again", entry.topic);
        }
    }

    fn retry_later(&mut self, reason: &str) {
        let delay = self.backoff.next_delay();
        let entry = &self.feed.entry;
        tracing::warn!(
            "{}: could not store, trying again in {delay:.0?}: {reason}",
            entry.topic
        );
        *entry.retrying.lock() = Some(reason.to_owned());
        self.retry_at = Some(Instant::now() + delay);
    }

    /// Whether something is waited for that no message may announce.
    pub(super) fn waits(&self) -> bool {
        self.under_way.is_some() || self.retry_at.is_some()
    }

    /// Whether a look is to be ordered: one at a time.
    pub(super) fn looks(&mut self) -> bool {
        !std::mem::replace(&mut self.looking, true)
    }

    pub(super) fn looked(&mut self) {
        self.looking = false;
        let Some(under_way) = self.under_way.as_mut().filter(|one| !one.told) else {
            return;
        };
        if under_way.since.elapsed() > SILENT {
            under_way.told = true;
            let entry = &self.feed.entry;
            let reason = format!("database {} has not answered for {SILENT:?}", self.db.location());
            tracing::warn!("{}: {reason}", entry.topic);
            *entry.retrying.lock() = Some(reason);
        }
    }

    /// Puts on disk what has no room in memory, the oldest first.
    pub(super) async fn make_room(&mut self) {
        if !self.memory.is_full(self.feed.weight()) || self.room_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let (feed, memory) = (Arc::clone(&self.feed), Arc::clone(&self.memory));
        let (entry, unstored) = (&feed.entry, feed.entry.unstored());
        if unstored.count() == 0 {
            tracing::warn!(
                "{}: the database does not keep up and memory is full, what is not stored waits in {}",
                entry.topic,
                unstored.path()
            );
        }
        match self.keep(|| memory.has_room()).await {
            Ok(()) => {
                self.room_at = None;
                self.room_backoff.succeeded();
            }
            Err(error) => {
                let delay = self.room_backoff.next_delay();
                self.room_at = Some(Instant::now() + delay);
                tracing::error!(
                    "{}: memory is full and {} cannot be written, trying again in {delay:.0?}: {error}",
                    entry.topic,
                    unstored.path()
                );
            }
        }
    }

    /// Begins at the oldest: what was read from the topic is read again.
    async fn keep(&mut self, enough: impl Fn() -> bool) -> std::io::Result<()> {
        let is_topic = |origin| matches!(origin, Origin::Topic { .. });
        self.failed.take_if(|batch| is_topic(batch.origin));
        if let Some(under_way) = &mut self.under_way
            && is_topic(under_way.batch.origin)
        {
            under_way.batch.origin = Origin::Again;
        }
        self.feed.keep(enough).await
    }

    /// Some seconds of trying, then what is left goes to disk.
    pub(super) async fn finish(&mut self, myself: &ActorRef<WorkerMsg>) {
        let deadline = Instant::now() + LAST_TRIES;
        self.retry_at = None;
        while Instant::now() < deadline {
            if let Some(under_way) = &mut self.under_way {
                match timeout_at(deadline, &mut under_way.answer).await {
                    Ok(answer) => self.settle(answer.ok()).await,
                    Err(_) => break,
                }
            } else if let Some(at) = self.retry_at.take() {
                tokio::time::sleep_until(at.min(deadline)).await;
            } else {
                match self.next().await {
                    Some(batch) => self.store(batch, myself),
                    None if self.retry_at.is_some() => {}
                    None => break,
                }
            }
        }
        let feed = Arc::clone(&self.feed);
        if let Err(error) = self.keep(|| false).await {
            tracing::error!(
                "{}: {} events are stored nowhere: {} cannot be written: {error}",
                feed.entry.topic,
                feed.events(),
                feed.entry.unstored().path()
            );
        }
        let kept = feed.entry.unstored().count();
        if kept > 0 {
            tracing::warn!(
                "{}: {kept} events wait in {} for the next start",
                feed.entry.topic,
                feed.entry.unstored().path()
            );
        }
    }
}

/// Stores every event that the database takes. A batch that holds bad data is halved until the offender stands alone:
/// that one is logged and counted, since trying it for ever would hold up everything behind it. Any other error says
/// nothing about the events (a full disk, a missing table), and is tried again.
pub(in super::super) fn store_all<'a, T: Stored>(
    db: &'a Db,
    events: &'a [T],
    entry: &'a Entry,
) -> BoxFuture<'a, Result<(), StoreError>> {
    Box::pin(async move {
        match T::store(db, events).await {
            Ok(written) => {
                entry.wrote(written);
                Ok(())
            }
            Err(error) if !matches!(error, StoreError::BadData { .. }) => Err(error),
            Err(error) if events.len() == 1 => {
                tracing::error!("the database refuses {}: {error}", events[0].describe());
                entry.refused.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(_) => {
                let (first, second) = events.split_at(events.len() / 2);
                store_all(db, first, entry).await?;
                store_all(db, second, entry).await
            }
        }
    })
}
