//! Stores what an earlier program has left on disk of a topic that is off now. A topic that is on has its worker for that.

use super::entry::Entry;
use super::stored::Stored;
use super::worker::{BATCH, store_all};
use crate::backoff::Backoff;
use crate::store::Db;
use hedgehog_core::{ChildSpec, Restart, Task, TaskMsg};
use std::sync::Arc;

/// The id of the child that does it.
pub(super) fn id(entry: &Entry) -> String {
    format!("{} (unstored)", entry.topic)
}

/// A task that ends when the file is gone.
pub(super) fn spec<T: Stored>(entry: &Arc<Entry>, db: &Db) -> ChildSpec<TaskMsg> {
    let (entry, db) = (Arc::clone(entry), db.clone());
    Task::spec(id(&entry), move || {
        let (entry, db) = (Arc::clone(&entry), db.clone());
        async move { drain::<T>(&entry, &db).await }
    })
    .restart(Restart::Transient)
}

async fn drain<T: Stored>(entry: &Entry, db: &Db) {
    let mut backoff = Backoff::default();
    let unstored = entry.unstored();
    while unstored.count() > 0 {
        let stored = async {
            let chunk = unstored.read::<T>(BATCH).await.map_err(|error| error.to_string())?;
            store_all(db, &chunk.events, entry)
                .await
                .map_err(|error| error.to_string())?;
            entry.settled(chunk.events.len());
            let done = unstored.stored(chunk.lines, chunk.end).await;
            done.map_err(|error| format!("{}: {error}", unstored.path()))
        };
        match stored.await {
            Ok(()) => {
                backoff.succeeded();
                *entry.retrying.lock() = None;
            }
            Err(reason) => {
                let delay = backoff.next_delay();
                tracing::warn!(
                    "{}: could not store, trying again in {delay:.0?}: {reason}",
                    entry.topic
                );
                *entry.retrying.lock() = Some(reason);
                tokio::time::sleep(delay).await;
            }
        }
    }
}
