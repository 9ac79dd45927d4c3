//! The subscriber worker: reads one topic in batches and stores them.
//!
//! Rung by the topic's doorbell it waits [`INTERVAL`] for company, then reads and stores batch after batch until nothing
//! is left; so batches are small in a quiet market and large in a busy one. A database that fails is tried again with
//! back-off, while the topic keeps what waits and, when memory is full, the disk does (see [`unstored`](super::unstored)).
//! What is on disk is older than what is in the topic, and is stored first.
//!
//! A batch is stored beside the worker, never in a handler: a database that does not answer must keep the worker neither from making
//! room nor from stopping. Invariant: at most one batch of the topic is under way that is not on disk as well.

mod storing;

pub(super) use storing::store_all;

use super::feed::Feed;
use super::memory::Memory;
use super::stored::Stored;
use crate::store::Db;
use hedgehog_core::ractor;
use hedgehog_core::{Actor, ActorProcessingErr, SelfRef, Shutdown};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use storing::Storing;

/// Rows per transaction, at most.
pub(super) const BATCH: usize = 5_000;
/// How long the first event of a batch waits for others.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often a worker that waits for its database looks whether memory is full.
const LOOK: Duration = Duration::from_millis(100);
/// The child's shutdown: some seconds of trying to store what it has, and the rest for putting it on disk.
pub(super) const SHUTDOWN: Shutdown = Shutdown::Timeout(Duration::from_secs(5));

/// What a worker is told.
#[derive(Debug)]
pub(super) enum WorkerMsg {
    /// The doorbell: events wait.
    Ring,
    /// Read and store.
    Flush,
    /// The batch under way is stored, or failed.
    Settled,
    /// Is there room in memory, has the database answered, is it time for another try?
    Look,
}

/// Stores the events of one topic.
pub(super) struct Worker<T>(PhantomData<fn(T)>);

impl<T> Default for Worker<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Stored> Actor for Worker<T> {
    type Msg = WorkerMsg;
    type State = Storing<T>;
    type Arguments = (Arc<Feed<T>>, Db, Arc<Memory>);

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<WorkerMsg>,
        (feed, db, memory): Self::Arguments,
    ) -> Result<Storing<T>, ActorProcessingErr> {
        let me = myself.self_ref()?;
        tracing::debug!("storing {}", feed.entry.topic);
        feed.entry.since.store(chrono::Utc::now().timestamp_millis(), Relaxed);
        feed.with(|subscription| {
            subscription.rewind();
            subscription.ring(&me, || WorkerMsg::Ring);
            subscription.rearm();
        });
        if feed.entry.unstored().count() > 0 {
            myself.cast(WorkerMsg::Flush)?;
        }
        Ok(Storing::new(feed, db, memory))
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<WorkerMsg>,
        message: WorkerMsg,
        state: &mut Storing<T>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WorkerMsg::Ring => {
                drop(myself.send_after(INTERVAL, || WorkerMsg::Flush));
                return Ok(());
            }
            WorkerMsg::Flush => {}
            WorkerMsg::Settled => state.settle_if_done().await,
            WorkerMsg::Look => state.looked(),
        }
        state.make_room().await;
        state.go_on(&myself).await;
        if state.waits() && state.looks() {
            drop(myself.send_after(LOOK, || WorkerMsg::Look));
        }
        Ok(())
    }

    /// Stores everything published up to now, or puts it on disk. The sources stop before the warehouse does, so that is
    /// everything.
    async fn post_stop(
        &self,
        myself: ractor::ActorRef<WorkerMsg>,
        state: &mut Storing<T>,
    ) -> Result<(), ActorProcessingErr> {
        state.finish(&myself).await;
        Ok(())
    }
}
