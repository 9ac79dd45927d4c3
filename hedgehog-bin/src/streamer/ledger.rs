//! What the app knows of each stream across the lives of its process: the last trade id, the gaps, the counters.
//!
//! Written by the stream for each frame, read by `status` and by the bookkeeper. A stream may be killed at any `.await`,
//! so nothing here waits for the database: gaps are recorded in memory at once, and stay marked as unsaved until a write
//! of them has succeeded.

use super::settings::{self, Row};
use crate::market::{Gap, Price, Symbol, TradeEvent};
use crate::store::{Db, StoreError};
use chrono::Utc;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// How many gaps of a symbol `status` shows; all of them are counted, and are rows.
pub(super) const GAPS_SHOWN: usize = 100;

/// One [`StreamLedger`] per symbol that was ever asked for.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    streams: RwLock<BTreeMap<Symbol, Arc<StreamLedger>>>,
    /// Held while saving: of two writers the slower could put back an older position.
    saving: tokio::sync::Mutex<()>,
}

/// What is known of one symbol's stream.
#[derive(Debug)]
pub(super) struct StreamLedger {
    symbol: Symbol,
    record: Mutex<Record>,
}

/// How a stream is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// No process.
    #[default]
    Off,
    /// Opening a connection.
    Connecting,
    /// Trades flow as the market makes them.
    Connected,
    /// The last connection failed or broke; the next attempt waits its turn.
    BackingOff,
}

/// What `status` shows of one stream.
#[derive(Clone, Debug, Serialize)]
pub struct StreamStatus {
    /// The pair.
    pub symbol: Symbol,
    /// Whether the settings row says so.
    pub on: bool,
    /// The exchange's own word: `TRADING`, or why nothing comes (`HALT`, `BREAK`).
    pub exchange_status: String,
    /// How it is doing.
    pub state: StreamState,
    /// When its present process began, in milliseconds since the epoch; `None` without one.
    pub since: Option<i64>,
    /// Trades broadcast by this program.
    pub trades: u64,
    /// Of the last trade, this program's or an earlier one's.
    pub last_trade_id: Option<i64>,
    /// How many gaps there are, those found by earlier programs included.
    pub gaps: u64,
    /// How many trades are missing in them.
    pub missing: i64,
    /// The newest gaps, newest last.
    pub gap_ranges: Vec<Gap>,
    /// Trades that came again and were dropped.
    pub duplicates: u64,
    /// Frames that were neither trades nor answers.
    pub unknown_frames: u64,
    /// Frames that could not be read.
    pub malformed_frames: u64,
    /// Connections after the first one.
    pub reconnects: u64,
    /// Why the last connection failed or ended; `None` once trades flow again.
    pub last_error: Option<String>,
}

/// Why trades could be missed: what lay between the trade before the gap and the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nothing: the exchange itself skipped them.
    Jump,
    /// A lost connection.
    Reconnect,
    /// A new process.
    Restart,
    /// The stream was switched off.
    Stopped,
    /// The program was not running.
    Downtime,
}

impl Cause {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Reconnect => "reconnect",
            Self::Restart => "restart",
            Self::Stopped => "stopped",
            Self::Downtime => "downtime",
        }
    }
}

/// A gap, and what is to be written of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundGap {
    pub(super) gap: Gap,
    pub(super) cause: Cause,
    /// Milliseconds since the epoch.
    pub(super) found_at: i64,
}

/// What an earlier run of the program left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Recollection {
    pub(super) last_trade_id: Option<i64>,
    pub(super) gaps: u64,
    pub(super) missing: i64,
    /// The newest, newest last.
    pub(super) gap_ranges: Vec<Gap>,
}

/// What to do with a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Broadcast it.
    Fresh,
    /// Broadcast it; those before it are missing.
    After(FoundGap),
    /// It came before.
    Duplicate,
}

/// What the database does not know yet of one stream.
#[derive(Clone, Debug)]
pub(super) struct Unsaved {
    pub(super) symbol: Symbol,
    pub(super) last_trade_id: Option<i64>,
    pub(super) gaps: Vec<FoundGap>,
}

/// What the rate line needs.
pub(super) struct Tally {
    pub(super) symbol: Symbol,
    pub(super) trades: u64,
    pub(super) last_price: Option<Price>,
}

#[derive(Debug, Default)]
struct Record {
    state: StreamState,
    since: Option<i64>,
    /// Of a trade that this program broadcast. Duplicates are told by it.
    last_trade_id: Option<i64>,
    /// `None` until the database was asked. Tells a gap between two runs of the program, never a duplicate: a replayed
    /// or restored market may begin again at an older id.
    recalled: Option<Recollection>,
    /// What happened to the connection since the last trade.
    interruption: Option<Cause>,
    saved_trade_id: Option<i64>,
    unsaved_gaps: Vec<FoundGap>,
    gaps: u64,
    missing: i64,
    gap_ranges: VecDeque<Gap>,
    last_price: Option<Price>,
    trades: u64,
    duplicates: u64,
    unknown_frames: u64,
    malformed_frames: u64,
    /// Since it was switched on.
    was_connected: bool,
    reconnects: u64,
    last_error: Option<String>,
}

impl Ledger {
    pub(super) fn of(&self, symbol: &Symbol) -> Arc<StreamLedger> {
        if let Some(known) = self.streams.read().get(symbol) {
            return Arc::clone(known);
        }
        let new = || {
            Arc::new(StreamLedger {
                symbol: symbol.clone(),
                record: Mutex::default(),
            })
        };
        Arc::clone(self.streams.write().entry(symbol.clone()).or_insert_with(new))
    }

    /// Whether the symbol was ever streamed by this program.
    pub(super) fn knows(&self, symbol: &Symbol) -> bool {
        self.streams.read().contains_key(symbol)
    }

    pub(super) fn tallies(&self) -> Vec<Tally> {
        self.streams.read().values().map(|stream| stream.tally()).collect()
    }

    /// Writes what is new since the last time. What could not be written is tried again by the next call.
    pub(super) async fn save(&self, db: &Db) -> Result<(), StoreError> {
        let _saving = self.saving.lock().await;
        let streams: Vec<_> = self.streams.read().values().cloned().collect();
        let unsaved: Vec<_> = streams.iter().filter_map(|stream| stream.unsaved()).collect();
        if unsaved.is_empty() {
            return Ok(());
        }
        settings::save(db, &unsaved).await?;
        for written in &unsaved {
            self.of(&written.symbol).saved(written);
        }
        Ok(())
    }
}

impl StreamLedger {
    /// Notes a trade, and says whether it is to be broadcast.
    pub(super) fn trade(&self, trade: &TradeEvent) -> Verdict {
        let mut record = self.record.lock();
        let interruption = record.interruption.take();
        let expected = match (record.last_trade_id, &record.recalled) {
            (Some(last), _) if trade.trade_id <= last => {
                record.interruption = interruption;
                record.duplicates += 1;
                return Verdict::Duplicate;
            }
            (Some(last), _) => Some((last + 1, interruption.unwrap_or(Cause::Jump))),
            (
                None,
                Some(Recollection {
                    last_trade_id: Some(last),
                    ..
                }),
            ) => Some((last.saturating_add(1), Cause::Downtime)),
            (None, _) => None,
        };
        record.last_trade_id = Some(trade.trade_id);
        record.last_price = Some(trade.price.clone());
        record.trades += 1;
        match expected {
            Some((first_missing_id, cause)) if trade.trade_id > first_missing_id => {
                let gap = Gap {
                    symbol: self.symbol.clone(),
                    epoch: 0,
                    first_missing_id,
                    last_missing_id: trade.trade_id - 1,
                };
                let found = FoundGap {
                    gap,
                    cause,
                    found_at: Utc::now().timestamp_millis(),
                };
                record.add_gap(&found);
                Verdict::After(found)
            }
            _ => Verdict::Fresh,
        }
    }

    pub(super) fn unknown_frame(&self) -> u64 {
        count(&mut self.record.lock().unknown_frames)
    }

    pub(super) fn malformed_frame(&self) -> u64 {
        count(&mut self.record.lock().malformed_frames)
    }

    pub(super) fn is_recalled(&self) -> bool {
        self.record.lock().recalled.is_some()
    }

    /// Takes over what an earlier program left; once.
    pub(super) fn recall(&self, recollection: Recollection) {
        let mut record = self.record.lock();
        if record.recalled.is_none() {
            record.gaps += recollection.gaps;
            record.missing += recollection.missing;
            for gap in recollection.gap_ranges.iter().rev() {
                record.gap_ranges.push_front(gap.clone());
            }
            record.saved_trade_id = recollection.last_trade_id;
            record.recalled = Some(recollection);
        }
    }

    /// A process begins.
    pub(super) fn started(&self) {
        let mut record = self.record.lock();
        record.since = Some(Utc::now().timestamp_millis());
        record.state = StreamState::Connecting;
        record.interruption.get_or_insert(Cause::Restart);
    }

    pub(super) fn connecting(&self) {
        self.record.lock().state = StreamState::Connecting;
    }

    /// Returns whether this is a reconnection.
    pub(super) fn connected(&self) -> bool {
        let mut record = self.record.lock();
        record.state = StreamState::Connected;
        record.last_error = None;
        let again = std::mem::replace(&mut record.was_connected, true);
        if again {
            record.reconnects += 1;
            record.interruption.get_or_insert(Cause::Reconnect);
        }
        again
    }

    pub(super) fn disconnected(&self, why: String) {
        let mut record = self.record.lock();
        record.state = StreamState::BackingOff;
        record.last_error = Some(why);
    }

    /// Switched off.
    pub(super) fn stopped(&self) {
        let mut record = self.record.lock();
        record.state = StreamState::Off;
        record.since = None;
        record.last_error = None;
        record.interruption = Some(Cause::Stopped);
        // What somebody switches on again has not been lost.
        record.was_connected = false;
    }

    /// `alive`: whether the process exists now, which a killed one could not tell itself.
    pub(super) fn status(&self, row: &Row, alive: bool) -> StreamStatus {
        let record = self.record.lock();
        let recalled = record.recalled.as_ref().and_then(|recalled| recalled.last_trade_id);
        StreamStatus {
            symbol: self.symbol.clone(),
            on: row.on,
            exchange_status: row.exchange_status.clone(),
            state: if alive { record.state } else { StreamState::Off },
            since: record.since.filter(|_| alive),
            trades: record.trades,
            last_trade_id: record.last_trade_id.or(recalled),
            gaps: record.gaps,
            missing: record.missing,
            gap_ranges: record.gap_ranges.iter().cloned().collect(),
            duplicates: record.duplicates,
            unknown_frames: record.unknown_frames,
            malformed_frames: record.malformed_frames,
            reconnects: record.reconnects,
            last_error: record.last_error.clone(),
        }
    }

    fn tally(&self) -> Tally {
        let record = self.record.lock();
        Tally {
            symbol: self.symbol.clone(),
            trades: record.trades,
            last_price: record.last_price.clone(),
        }
    }

    fn unsaved(&self) -> Option<Unsaved> {
        let record = self.record.lock();
        let last_trade_id = record.last_trade_id.filter(|last| Some(*last) != record.saved_trade_id);
        if last_trade_id.is_none() && record.unsaved_gaps.is_empty() {
            return None;
        }
        Some(Unsaved {
            symbol: self.symbol.clone(),
            last_trade_id,
            gaps: record.unsaved_gaps.clone(),
        })
    }

    fn saved(&self, written: &Unsaved) {
        let mut record = self.record.lock();
        record.saved_trade_id = written.last_trade_id.or(record.saved_trade_id);
        // Gaps are only ever added behind these, and `save` runs once at a time.
        record.unsaved_gaps.drain(..written.gaps.len());
    }
}

impl Record {
    fn add_gap(&mut self, found: &FoundGap) {
        self.gaps += 1;
        self.missing += found.gap.missing();
        if self.gap_ranges.len() == GAPS_SHOWN {
            self.gap_ranges.pop_front();
        }
        self.gap_ranges.push_back(found.gap.clone());
        self.unsaved_gaps.push(found.clone());
    }
}

/// Counts one more, and returns how many there are.
fn count(counter: &mut u64) -> u64 {
    *counter += 1;
    *counter
}
