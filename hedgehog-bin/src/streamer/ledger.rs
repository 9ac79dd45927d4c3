//! What the app knows of each stream across the lives of its processes: how far it is, its gaps, its counters.
//!
//! Written by the sockets for each frame, read by `status`, by the bookkeeper and by whoever asks the archive. A process may be killed
//! at any `.await`, so nothing here waits for a database: what is found is noted at once, and stays marked as unsaved until a
//! write of it has succeeded.
//! Invariant: the position that is saved is never ahead of what is durable, nor of what is yet to be asked about.

mod record;

#[cfg(test)]
mod tests;

use super::continuity::{Cause, Effect, PATIENCE, Question, Recollection};
use super::settings::{self, Row};
use super::status::{StreamState, StreamStatus};
use super::unsaved::Unsaved;
use crate::market::{Bus, Price, Symbol, TradeEvent, TradePublisher};
use crate::store::{Db, StoreError};
use chrono::Utc;
use parking_lot::{Mutex, RwLock};
use record::Record;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// One [`StreamLedger`] per symbol that was ever asked for.
pub(super) struct Ledger {
    streams: RwLock<BTreeMap<Symbol, Arc<StreamLedger>>>,
    bus: Bus,
    archive: bool,
    patience: Duration,
    signals: Arc<Signals>,
    /// Held while saving: of two writers the slower could put back an older position.
    saving: tokio::sync::Mutex<()>,
}

/// Whom a stream wakes.
#[derive(Debug)]
pub(super) struct Signals {
    begun: Instant,
    /// The bookkeeper: there is a row that must not wait.
    pub(super) urgent: Notify,
    /// Whoever asks the archive.
    pub(super) asked: Notify,
    /// Whoever waits for a state.
    pub(super) states: watch::Sender<()>,
}

/// What is known of one symbol's stream, and where its trades go.
#[derive(Debug)]
pub(super) struct StreamLedger {
    pub(super) symbol: Symbol,
    publisher: TradePublisher,
    signals: Arc<Signals>,
    record: Mutex<Record>,
}

/// What the rate line needs.
pub(super) struct Tally {
    pub(super) symbol: Symbol,
    pub(super) trades: u64,
    pub(super) last_price: Option<Price>,
}

impl Ledger {
    pub(super) fn new(bus: Bus) -> Self {
        Self {
            streams: RwLock::default(),
            bus,
            archive: false,
            patience: PATIENCE,
            signals: Arc::new(Signals {
                begun: Instant::now(),
                urgent: Notify::new(),
                asked: Notify::new(),
                states: watch::Sender::new(()),
            }),
            saving: tokio::sync::Mutex::new(()),
        }
    }

    /// The same with an archive that can be asked.
    pub(super) fn with_archive(self) -> Self {
        Self { archive: true, ..self }
    }

    #[cfg(test)]
    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn signals(&self) -> &Signals {
        &self.signals
    }

    pub(super) fn of(&self, symbol: &Symbol) -> Arc<StreamLedger> {
        if let Some(known) = self.streams.read().get(symbol) {
            return Arc::clone(known);
        }
        let new = || {
            Arc::new(StreamLedger {
                symbol: symbol.clone(),
                publisher: self.bus.trade_publisher(symbol),
                signals: Arc::clone(&self.signals),
                record: Mutex::new(Record::new(self.archive, self.patience)),
            })
        };
        Arc::clone(self.streams.write().entry(symbol.clone()).or_insert_with(new))
    }

    /// Whether the symbol was ever streamed by this program.
    pub(super) fn knows(&self, symbol: &Symbol) -> bool {
        self.streams.read().contains_key(symbol)
    }

    pub(super) fn streams(&self) -> Vec<Arc<StreamLedger>> {
        self.streams.read().values().cloned().collect()
    }

    pub(super) fn tallies(&self) -> Vec<Tally> {
        self.streams.read().values().map(|stream| stream.tally()).collect()
    }

    /// Writes what is new since the last time. What could not be written is tried again by the next call.
    pub(super) async fn save(&self, db: &Db) -> Result<(), StoreError> {
        let _saving = self.saving.lock().await;
        let unsaved: Vec<_> = self.streams().iter().filter_map(|stream| stream.unsaved()).collect();
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
    /// The next trade that a socket has read: broadcasts it, or what it decides. Never waits.
    pub(super) fn take(&self, trade: TradeEvent) {
        self.act(|record, out| record.continuity.take(trade, self.now(), out));
    }

    /// An id that no trade of the market will have.
    pub(super) fn use_up(&self, trade_id: i64) {
        self.act(|record, out| record.continuity.use_up(trade_id, out));
    }

    /// Lets time decide what it can.
    pub(super) fn tick(&self) {
        if self.record.lock().continuity.is_in_doubt() {
            self.act(|record, out| record.continuity.review(self.now(), out));
        }
    }

    /// Takes over what an earlier program left; once.
    pub(super) fn recall(&self, recollection: &Recollection) {
        self.act(|record, out| record.recall(recollection, out));
    }

    pub(super) fn is_recalled(&self) -> bool {
        self.record.lock().recalled
    }

    /// Trade ids of which the archive is to say what it has under them.
    pub(super) fn unasked(&self, at_most: usize) -> (i32, Vec<i64>) {
        self.record.lock().continuity.unasked(at_most)
    }

    pub(super) fn answer(&self, epoch: i32, asked: &[i64], stored: &[TradeEvent]) {
        self.act(|record, out| record.continuity.answer(epoch, asked, stored, self.now(), out));
    }

    /// Ranges of which the archive is to say what is missing.
    pub(super) fn questions(&self) -> Vec<Question> {
        self.record.lock().questions.clone()
    }

    pub(super) fn settle(&self, question: &Question, missing: &[RangeInclusive<i64>]) {
        self.record.lock().settle(&self.symbol, question, missing);
        self.signals.urgent.notify_one();
    }

    fn act(&self, decide: impl FnOnce(&mut Record, &mut Vec<Effect>)) {
        // Held over the broadcast: of two sockets that hand over, each must publish in the order in which it was judged.
        let mut record = self.record.lock();
        let mut effects = std::mem::take(&mut record.effects);
        decide(&mut record, &mut effects);
        for effect in effects.drain(..) {
            record.carry_out(effect, &self.symbol, &self.publisher, &self.signals);
        }
        record.effects = effects;
        if record.continuity.is_in_doubt() {
            self.signals.asked.notify_one();
        }
    }

    fn now(&self) -> Duration {
        self.signals.begun.elapsed()
    }

    pub(super) fn unknown_frame(&self) -> u64 {
        count(&mut self.record.lock().unknown_frames)
    }

    pub(super) fn malformed_frame(&self) -> u64 {
        count(&mut self.record.lock().malformed_frames)
    }

    /// A process begins.
    pub(super) fn started(&self) {
        let mut record = self.record.lock();
        record.since = Some(Utc::now().timestamp_millis());
        record.continuity.interrupted(Cause::Restart);
        drop(record);
        self.set(StreamState::Connecting, None);
    }

    /// Opening a connection again: why the last one ended stays to be read.
    pub(super) fn connecting(&self) {
        self.record.lock().state = StreamState::Connecting;
    }

    /// It cannot connect yet.
    pub(super) fn waiting(&self, what_for: &str) {
        self.set(StreamState::Connecting, Some(what_for.to_owned()));
    }

    /// Its trades come from now on. Returns whether this is a reconnection.
    pub(super) fn connected(&self) -> bool {
        let mut record = self.record.lock();
        let again = std::mem::replace(&mut record.was_connected, true);
        if again {
            record.reconnects += 1;
            record.continuity.interrupted(Cause::Reconnect);
        }
        drop(record);
        self.set(StreamState::Connected, None);
        again
    }

    pub(super) fn disconnected(&self, why: String) {
        self.set(StreamState::BackingOff, Some(why));
    }

    /// Switched off.
    pub(super) fn stopped(&self) {
        let mut record = self.record.lock();
        record.since = None;
        record.continuity.interrupted(Cause::Stopped);
        // What somebody switches on again has not been lost.
        record.was_connected = false;
        drop(record);
        self.set(StreamState::Off, None);
    }

    fn set(&self, state: StreamState, error: Option<String>) {
        let mut record = self.record.lock();
        (record.state, record.last_error) = (state, error);
        drop(record);
        self.signals.states.send_replace(());
    }

    /// Switched off, or never on.
    pub(super) fn is_off(&self) -> bool {
        self.record.lock().state == StreamState::Off
    }

    pub(super) fn is_connected(&self) -> bool {
        self.record.lock().state == StreamState::Connected
    }

    /// `alive`: whether the process exists now, which a killed one could not tell itself.
    pub(super) fn status(&self, row: &Row, alive: bool) -> StreamStatus {
        self.record.lock().status(row, alive)
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
        let (position, changes) = self.record.lock().unsaved(&self.publisher);
        let symbol = self.symbol.clone();
        (position.is_some() || !changes.is_empty()).then_some(Unsaved {
            symbol,
            position,
            changes,
        })
    }

    fn saved(&self, written: &Unsaved) {
        self.record.lock().saved(written.position, written.changes.len());
    }
}

/// Counts one more, and returns how many there are.
fn count(counter: &mut u64) -> u64 {
    *counter += 1;
    *counter
}
