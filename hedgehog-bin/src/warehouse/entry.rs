//! What the app knows of each topic, over the lives of its workers: the status answers from here, whatever the database does.

use super::settings::Row;
use super::status::StoringStatus;
use super::unstored::Unstored;
use super::writer::Written;
use crate::market::Topic;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// One topic. Written by its worker and by the operations, read by whoever asks.
pub(super) struct Entry {
    pub(super) topic: Topic,
    on: AtomicBool,
    unstored: Arc<Unstored>,
    /// Of its present worker.
    pub(super) since: AtomicI64,
    /// Rows in the table, and how many there were when this program first saw it.
    rows: AtomicI64,
    rows_before: AtomicI64,
    /// Events the database has taken, refused ones included.
    settled: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Events that neither the database nor the disk has taken, and that are gone.
    pub(super) lost: AtomicU64,
    pub(super) retrying: Mutex<Option<String>>,
}

impl Entry {
    fn new(topic: &Topic, unstored: Unstored) -> Self {
        Self {
            topic: topic.clone(),
            on: AtomicBool::new(false),
            unstored: Arc::new(unstored),
            since: AtomicI64::new(0),
            rows: AtomicI64::new(0),
            rows_before: AtomicI64::new(0),
            settled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            retrying: Mutex::default(),
        }
    }

    pub(super) fn unstored(&self) -> &Arc<Unstored> {
        &self.unstored
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    pub(super) fn turn(&self, on: bool) {
        self.on.store(on, Relaxed);
    }

    /// A batch is stored. The count is the table's own, and never shrinks: the batch of a killed worker is counted once.
    pub(super) fn wrote(&self, written: Written) {
        if let Some(rows) = written.rows_stored {
            self.rows.fetch_max(rows, Relaxed);
        }
    }

    /// So many events need no further try.
    pub(super) fn settled(&self, events: usize) {
        self.settled.fetch_add(events as u64, Release);
    }

    /// `lag`: events in memory that are not durable.
    ///
    /// Looked at against the way of an event, from memory over the disk into the table: what waits nowhere any more is among the
    /// rows, though they are written meanwhile.
    pub(super) fn status(&self, alive: bool, lag: u64) -> StoringStatus {
        let spilled = self.unstored.count();
        let settled = self.settled.load(Acquire);
        let rows_stored = self.rows.load(Relaxed);
        let rows_new = (rows_stored - self.rows_before.load(Relaxed)).max(0) as u64;
        let rows_refused = self.refused.load(Relaxed);
        StoringStatus {
            topic: self.topic.to_string(),
            on: self.is_on(),
            since: alive.then(|| self.since.load(Relaxed)),
            rows_stored,
            rows_new,
            rows_known: settled.saturating_sub(rows_new + rows_refused),
            rows_refused,
            lag,
            spilled,
            lost: self.lost.load(Relaxed),
            retrying: self.retrying.lock().clone(),
        }
    }
}

/// All topics, by name.
#[derive(Default)]
pub(super) struct Entries {
    topics: RwLock<BTreeMap<Topic, Arc<Entry>>>,
    /// Where what cannot be stored is kept.
    folder: Option<PathBuf>,
}

impl Entries {
    pub(super) fn keeping(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            ..Self::default()
        }
    }

    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(super) fn of(&self, topic: &Topic) -> Arc<Entry> {
        if let Some(known) = self.find(topic) {
            return known;
        }
        let new = || Arc::new(Entry::new(topic, Unstored::none(self.folder.as_deref(), topic)));
        Arc::clone(self.topics.write().entry(topic.clone()).or_insert_with(new))
    }

    pub(super) fn find(&self, topic: &Topic) -> Option<Arc<Entry>> {
        self.topics.read().get(topic).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.topics.read().values().cloned().collect()
    }

    /// A file that an earlier program has left. Comes before anything else is known of the topic.
    pub(super) fn found(&self, topic: &Topic, unstored: Unstored) {
        let new = || Arc::new(Entry::new(topic, unstored));
        self.topics.write().entry(topic.clone()).or_insert_with(new);
    }

    /// What a settings row says. Its count is where this program begins to count, once.
    pub(super) fn read(&self, row: &Row) {
        let entry = self.of(&row.topic);
        entry.turn(row.on);
        if entry.rows_before.load(Relaxed) == 0 && entry.rows.load(Relaxed) == 0 {
            entry.rows_before.store(row.rows, Relaxed);
        }
        entry.rows.fetch_max(row.rows, Relaxed);
    }
}
