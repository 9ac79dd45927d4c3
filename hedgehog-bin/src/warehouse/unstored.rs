//! What could not be stored, by topic: a file that only grows, until everything in it is stored and it goes.
//!
//! The worker of a topic writes to it when memory is full or the program stops, and reads it before it goes on with the topic.
//! Each line is one event behind its checksum, so that a line that was being written when the machine stopped is known for one.
//! Invariant: what [`append`](Unstored::append) has returned from is on the disk, and counts as durable. A file that is stored in
//! part is stored again after a crash; the tables' keys make that harmless.

mod ranges;

use super::stored::Stored;
use crate::market::{Symbol, Topic};
use crate::owner_only;
use flate2::Crc;
use parking_lot::Mutex;
use ranges::Ranges;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use tokio::sync::Mutex as Turn;

/// The unstored events of one topic on disk.
pub(super) struct Unstored {
    /// `None`: there is no folder for it.
    path: Option<PathBuf>,
    /// Held while the file is touched, also by a worker that was killed meanwhile: its successor waits for it.
    place: Arc<Turn<Place>>,
    /// Events in the file and not stored yet.
    count: AtomicU64,
    /// Which trades those are, by epoch; those stored already among them.
    trades: Mutex<BTreeMap<i32, Ranges>>,
}

/// Where in the file.
#[derive(Default)]
struct Place {
    /// Everything before it is stored.
    stored: u64,
    /// Behind the last whole line.
    end: u64,
}

/// Events read from the file; `end` is where the next ones begin.
pub(super) struct Chunk<T> {
    pub(super) events: Vec<T>,
    /// Lines read, the unreadable ones among them.
    pub(super) lines: u64,
    pub(super) end: u64,
}

/// The files of a folder, by topic. Lines that were cut off are taken away.
pub(super) fn scan(folder: &Path) -> io::Result<Vec<(Topic, Unstored)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let Some(topic) = topic_of(&path) else { continue };
        match Unstored::open(path.clone(), &topic) {
            Ok(unstored) => found.push((topic, unstored)),
            // It is left as it is, and the others are read.
            Err(error) => tracing::error!(
                "{} cannot be read, what waits in it is not stored: {error}",
                path.display()
            ),
        }
    }
    Ok(found)
}

const SUFFIX: &str = ".jsonl";

fn file_of(topic: &Topic) -> String {
    format!("{}-{}{SUFFIX}", topic.stream.as_str(), topic.symbol)
}

fn topic_of(path: &Path) -> Option<Topic> {
    let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    let (stream, symbol) = name.split_once('-')?;
    Some(Topic {
        stream: stream.parse().ok()?,
        symbol: symbol.parse::<Symbol>().ok()?,
    })
}

impl Unstored {
    /// Nothing is kept yet. Without a folder nothing can be.
    pub(super) fn none(folder: Option<&Path>, topic: &Topic) -> Self {
        Self {
            path: folder.map(|folder| folder.join(file_of(topic))),
            place: Arc::default(),
            count: AtomicU64::new(0),
            trades: Mutex::default(),
        }
    }

    fn open(path: PathBuf, topic: &Topic) -> io::Result<Self> {
        let mut file = owner_only::open(&path)?;
        let (mut end, mut count, mut trades) = (0, 0, BTreeMap::<i32, Ranges>::new());
        let mut reader = BufReader::new(&mut file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            // Cut off in the middle of the write: it was never told to be kept.
            if !line.ends_with(b"\n") {
                break;
            }
            end += length;
            count += 1;
            if let Some((epoch, id)) = text_of(&line).and_then(trade_of) {
                trades.entry(epoch).or_default().insert(id);
            }
        }
        file.set_len(end)?;
        tracing::info!("{topic}: {count} events wait in {} to be stored", path.display());
        Ok(Self {
            path: Some(path),
            place: Arc::new(Turn::new(Place { stored: 0, end })),
            count: AtomicU64::new(count),
            trades: Mutex::new(trades),
        })
    }

    /// Events on disk and not stored yet.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Acquire)
    }

    /// The trades of an epoch that are here now.
    pub(super) fn ids(&self, epoch: i32) -> Ranges {
        self.trades.lock().get(&epoch).cloned().unwrap_or_default()
    }

    /// Puts events behind those that are there. Durable when it returns.
    pub(super) async fn append<T: Stored>(self: &Arc<Self>, events: Vec<T>) -> io::Result<()> {
        let this = Arc::clone(self);
        self.with_file(move |path, place| {
            let mut lines = String::with_capacity(events.len() * 200);
            for event in &events {
                let text = serde_json::to_string(event)?;
                // Writing to a String cannot fail.
                let _ = writeln!(lines, "{:08x} {text}", checksum(text.as_bytes()));
            }
            let is_new = place.end == 0;
            if is_new && let Some(folder) = path.parent() {
                owner_only::folder(folder)?;
            }
            let mut file = owner_only::open(path)?;
            if is_new && file.metadata()?.len() > 0 {
                return Err(io::Error::other("it holds events that could not be read"));
            }
            file.seek(SeekFrom::Start(place.end))?;
            let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
            let written = written.and_then(|()| match path.parent() {
                // The name, which a power cut would take too.
                Some(folder) if is_new => sync_folder(folder),
                _ => Ok(()),
            });
            if let Err(error) = written {
                // What got there is behind the end, and overwritten by the next.
                let _ = file.set_len(place.end);
                return Err(error);
            }
            place.end += lines.len() as u64;
            this.count.fetch_add(events.len() as u64, Relaxed);
            let mut trades = this.trades.lock();
            for (epoch, id) in events.iter().filter_map(Stored::trade) {
                trades.entry(epoch).or_default().insert(id);
            }
            Ok(())
        })
        .await
    }

    /// The oldest events that are not stored yet, at most `max`; none when the file is done.
    pub(super) async fn read<T: Stored>(self: &Arc<Self>, max: usize) -> io::Result<Chunk<T>> {
        self.with_file(move |path, place| {
            let mut chunk = Chunk {
                events: Vec::new(),
                lines: 0,
                end: place.stored,
            };
            if place.stored == place.end {
                return Ok(chunk);
            }
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(place.stored))?;
            let mut reader = BufReader::new(file.take(place.end - place.stored));
            let mut line = Vec::new();
            while chunk.events.len() < max {
                line.clear();
                let length = reader.read_until(b'\n', &mut line)? as u64;
                if length == 0 {
                    break;
                }
                chunk.end += length;
                chunk.lines += 1;
                if let Some(event) = text_of(&line).and_then(|text| serde_json::from_str(text).ok()) {
                    chunk.events.push(event);
                } else {
                    tracing::error!("{}: a line that cannot be read is passed over", path.display());
                }
            }
            Ok(chunk)
        })
        .await
    }

    /// What was read up to `end` is stored. The file goes with its last event.
    pub(super) async fn stored(self: &Arc<Self>, lines: u64, end: u64) -> io::Result<()> {
        let this = Arc::clone(self);
        self.with_file(move |path, place| {
            if end <= place.stored {
                return Ok(());
            }
            place.stored = end;
            // Behind the rows that it was stored as.
            this.count.fetch_sub(lines.min(this.count()), Release);
            if place.stored == place.end {
                fs::remove_file(path)?;
                *place = Place::default();
                this.trades.lock().clear();
            }
            Ok(())
        })
        .await
    }

    /// Those of these trades that wait here.
    pub(super) async fn find<T: Stored>(self: &Arc<Self>, epoch: i32, ids: &[i64]) -> io::Result<Vec<T>> {
        let here: HashSet<_> = match self.trades.lock().get(&epoch) {
            Some(here) => ids.iter().copied().filter(|id| here.has(*id)).collect(),
            None => HashSet::new(),
        };
        if here.is_empty() {
            return Ok(Vec::new());
        }
        self.with_file(move |path, place| {
            let mut found = Vec::new();
            let mut reader = BufReader::new(File::open(path)?.take(place.end));
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line)? > 0 {
                let wanted = |text: &&str| trade_of(text).is_some_and(|(at, id)| at == epoch && here.contains(&id));
                found.extend(
                    text_of(&line)
                        .filter(wanted)
                        .and_then(|text| serde_json::from_str(text).ok()),
                );
                line.clear();
            }
            Ok(found)
        })
        .await
    }

    /// Does something with the file where waiting for a disk holds up nobody else. Goes on to its end when nobody waits any more.
    async fn with_file<R: Send + 'static>(
        &self,
        act: impl FnOnce(&Path, &mut Place) -> io::Result<R> + Send + 'static,
    ) -> io::Result<R> {
        let Some(path) = self.path.clone() else {
            return Err(io::Error::other("there is no folder for what cannot be stored"));
        };
        let mut place = Arc::clone(&self.place).lock_owned().await;
        let acted = tokio::task::spawn_blocking(move || act(&path, &mut place)).await;
        acted.map_err(io::Error::other)?
    }

    /// For log lines.
    pub(super) fn path(&self) -> std::path::Display<'_> {
        self.path.as_deref().unwrap_or(Path::new("no file")).display()
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A line without its checksum and its end; `None` when it is not what was written.
fn text_of(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, text) = line.split_at_checked(8)?;
    let text = text.strip_prefix(' ')?;
    (u32::from_str_radix(sum, 16).ok()? == checksum(text.as_bytes())).then_some(text)
}

/// Epoch and id, where the line is a trade.
fn trade_of(text: &str) -> Option<(i32, i64)> {
    #[derive(serde::Deserialize)]
    struct Ids {
        epoch: i32,
        trade_id: i64,
    }
    let ids: Ids = serde_json::from_str(text).ok()?;
    Some((ids.epoch, ids.trade_id))
}

/// Some network file systems cannot do that for a folder, and keep its names in their own way.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
