//! The trades of a large recording in a temporary file that has no name any more: what the system forgets when the program ends,
//! however it ends.
//!
//! Rows have one length and lie in blocks, each of one symbol and in the order of the ids. Only where a block lies is kept in memory,
//! and per symbol the rows around the last two places that were read. A read that fails is told once, to everybody who plays.

use super::gather::NoRoom;
use super::trade::{Rank, RecordedTrade};
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// How many rows a block has at most.
const BLOCK: usize = 4_096;

/// How many rows the caches of all symbols have together, in each of their two places: 5 MB.
const CACHED: usize = 1 << 17;

const ROW: usize = RecordedTrade::ENCODED;

/// The file.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    folder: PathBuf,
    /// Where the next block goes.
    end: u64,
    buffer: Vec<u8>,
    /// Why it could not be read.
    failure: watch::Sender<Option<String>>,
}

/// Trades of one symbol in order.
#[derive(Debug, Default)]
pub(super) struct Run {
    blocks: Vec<Block>,
    len: usize,
    /// [`RecordedTrade::rank`] of its last trade.
    pub(super) last: Rank,
    pub(super) nobodys: Vec<usize>,
}

/// Rows beside each other.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Of its first row.
    index: usize,
    first_id: i64,
    /// In the file.
    offset: u64,
    rows: usize,
}

impl Spool {
    /// A file in the first of the folders that takes one.
    pub(super) fn create(folders: &[PathBuf]) -> Result<Self, NoRoom> {
        let mut refused = NoRoom {
            folder: PathBuf::new(),
            source: io::ErrorKind::NotFound.into(),
        };
        for folder in folders {
            match unnamed(folder) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        folder: folder.clone(),
                        end: 0,
                        buffer: Vec::new(),
                        failure: watch::Sender::new(None),
                    });
                }
                Err(source) => {
                    refused = NoRoom {
                        folder: folder.clone(),
                        source,
                    }
                }
            }
        }
        Err(refused)
    }

    /// What an error of its file means.
    pub(super) fn no_room(&self, source: io::Error) -> NoRoom {
        NoRoom {
            folder: self.folder.clone(),
            source,
        }
    }

    /// Why it could not be read, as soon as that happens.
    pub(super) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.subscribe()
    }

    /// Appends trades to a run; they follow what is in it.
    pub(super) fn write(&mut self, run: &mut Run, trades: &[RecordedTrade]) -> io::Result<()> {
        for rows in trades.chunks(BLOCK) {
            self.buffer.clear();
            for (index, trade) in (run.len..).zip(rows) {
                trade.encode(&mut self.buffer);
                if trade.nobodys {
                    run.nobodys.push(index);
                }
            }
            self.file.write_all_at(&self.buffer, self.end)?;
            if let [first, .., last] | [first @ last] = rows {
                run.last = last.rank();
                run.blocks.push(Block {
                    index: run.len,
                    first_id: first.trade_id,
                    offset: self.end,
                    rows: rows.len(),
                });
            }
            run.len += rows.len();
            self.end += self.buffer.len() as u64;
        }
        Ok(())
    }

    fn read(&self, block: Block, from: usize, count: usize) -> io::Result<Vec<RecordedTrade>> {
        let rows = from..(from + count).min(block.rows);
        let mut bytes = vec![0; rows.len() * ROW];
        self.file
            .read_exact_at(&mut bytes, block.offset + (rows.start * ROW) as u64)?;
        Ok(bytes.as_chunks::<ROW>().0.iter().map(RecordedTrade::decode).collect())
    }

    fn tell(&self, error: &io::Error) {
        let folder = self.folder.display();
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            if first {
                *failure = Some(format!("the trades kept in {folder} cannot be read: {error}"));
            }
            first
        });
    }
}

/// A file that nobody can open but who made it, and that is gone with it.
fn unnamed(folder: &Path) -> io::Result<File> {
    let mut number = 0u32;
    loop {
        let path = folder.join(format!(".hedgehog-replay-{}-{number}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match file {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// One symbol's trades in the file.
#[derive(Debug)]
pub(super) struct Spooled {
    spool: Arc<Spool>,
    run: Run,
    /// How many rows are read at once.
    at_once: usize,
    /// The last one used comes first. Two: one place is played, the other is asked about.
    cache: Mutex<[Rows; 2]>,
}

/// Some rows beside each other.
#[derive(Debug, Default)]
struct Rows {
    /// Of the first.
    index: usize,
    trades: Vec<RecordedTrade>,
}

impl Spooled {
    /// One of `symbols`, who share the room for what is cached.
    pub(super) fn new(spool: Arc<Spool>, run: Run, symbols: usize) -> Self {
        Self {
            spool,
            run,
            at_once: (CACHED / symbols.max(1)).clamp(64, BLOCK),
            cache: Mutex::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.run.len
    }

    pub(super) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.spool.failure()
    }

    #[cfg(test)]
    pub(super) fn truncate_file(&self) {
        self.spool.file.set_len(0).expect("it is ours");
    }

    /// `None` beyond the end, and where the file cannot be read, which is told.
    pub(super) fn trade(&self, index: usize) -> Option<RecordedTrade> {
        if index >= self.run.len {
            return None;
        }
        let mut cache = self.cache.lock();
        for place in 0..cache.len() {
            if let Some(trade) = cache[place].trade(index) {
                cache.swap(0, place);
                return Some(trade);
            }
        }
        let block = self.run.block_of(index)?;
        match self.spool.read(block, index - block.index, self.at_once) {
            Ok(trades) => {
                cache.swap(0, 1);
                cache[0] = Rows { index, trades };
                cache[0].trade(index)
            }
            Err(error) => {
                self.spool.tell(&error);
                None
            }
        }
    }

    /// How many trades have a lower id.
    pub(super) fn position_of(&self, trade_id: i64) -> usize {
        let blocks = self.run.blocks.partition_point(|block| block.first_id < trade_id);
        let Some(block) = blocks.checked_sub(1).map(|last| self.run.blocks[last]) else {
            return 0;
        };
        // The cache is left to whoever plays: a dozen looks at single ids cost less than a block.
        let (mut low, mut high) = (0, block.rows);
        while low < high {
            let middle = low.midpoint(high);
            match self.id_at(block, middle) {
                Ok(id) if id < trade_id => low = middle + 1,
                Ok(_) => high = middle,
                Err(error) => {
                    self.spool.tell(&error);
                    break;
                }
            }
        }
        (block.index + low).min(self.run.len)
    }

    fn id_at(&self, block: Block, row: usize) -> io::Result<i64> {
        if let Some(known) = self.cache.lock().iter().find_map(|rows| rows.trade(block.index + row)) {
            return Ok(known.trade_id);
        }
        let mut id = [0; 8];
        self.spool
            .file
            .read_exact_at(&mut id, block.offset + (row * ROW) as u64)?;
        Ok(i64::from_le_bytes(id))
    }
}

impl Rows {
    fn trade(&self, index: usize) -> Option<RecordedTrade> {
        self.trades.get(index.checked_sub(self.index)?).copied()
    }
}

impl Run {
    fn block_of(&self, index: usize) -> Option<Block> {
        let after = self.blocks.partition_point(|block| block.index <= index);
        self.blocks.get(after.checked_sub(1)?).copied()
    }

    /// Without what stands behind the last trade of the market: nobody waits for its ids.
    pub(super) fn until_the_last_of_the_market(mut self) -> Self {
        while self.len > 0 && self.nobodys.last() == Some(&(self.len - 1)) {
            self.nobodys.pop();
            self.len -= 1;
        }
        self
    }

    /// Reads it from the front.
    pub(super) fn cursor(&self, at_once: usize) -> Cursor<'_> {
        Cursor {
            run: self,
            rows: Rows::default(),
            next: 0,
            at_once,
        }
    }
}

/// A place in a run that is read once.
pub(super) struct Cursor<'a> {
    run: &'a Run,
    rows: Rows,
    /// The trade after the current one.
    next: usize,
    at_once: usize,
}

impl Cursor<'_> {
    /// Steps to the next trade, if there is one.
    pub(super) fn next(&mut self, spool: &Spool) -> io::Result<Option<RecordedTrade>> {
        let index = self.next;
        let Some(block) = self.run.block_of(index).filter(|_| index < self.run.len) else {
            return Ok(None);
        };
        if self.rows.trade(index).is_none() {
            self.rows = Rows {
                index,
                trades: spool.read(block, index - block.index, self.at_once)?,
            };
        }
        self.next += 1;
        Ok(self.rows.trade(index))
    }
}
