//! One stream's record, under its lock: what the machine decides is carried out here.

use super::{Signals, StreamState, StreamStatus};
use crate::market::{Done, Gap, Price, Symbol, TradePublisher};
use crate::streamer::continuity::{About, Cause, Continuity, Effect, Question, Recollection, missing};
use crate::streamer::gap_rows::{Change, Found, GapRows};
use crate::streamer::ranges;
use crate::streamer::settings::Row;
use chrono::Utc;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How many gaps of a symbol `status` shows; all of them are counted, and are rows.
pub(super) const GAPS_SHOWN: usize = 100;

/// So many gaps of a downtime get a line each in the log.
const GAPS_TOLD: usize = 5;

#[derive(Debug)]
pub(super) struct Record {
    pub(super) state: StreamState,
    pub(super) since: Option<i64>,
    pub(super) continuity: Continuity,
    pub(super) rows: GapRows,
    /// Not answered yet.
    pub(super) questions: Vec<Question>,
    /// Whether the database was asked what an earlier program left.
    pub(super) recalled: bool,
    /// Where the newest epoch begins, and at which position of the topic its first trade stands.
    begins: Option<(u64, (i32, i64))>,
    saved: Option<(i32, i64)>,
    /// Kept for its room: a trade that only follows costs no allocation.
    pub(super) effects: Vec<Effect>,
    pub(super) last_price: Option<Price>,
    pub(super) trades: u64,
    pub(super) duplicates: u64,
    stored_before: u64,
    pub(super) unknown_frames: u64,
    pub(super) malformed_frames: u64,
    /// Since it was switched on.
    pub(super) was_connected: bool,
    pub(super) reconnects: u64,
    pub(super) last_error: Option<String>,
}

impl Record {
    pub(super) fn new(archive: bool, patience: Duration) -> Self {
        Self {
            state: StreamState::Off,
            since: None,
            continuity: Continuity::new(archive, patience),
            rows: GapRows::default(),
            questions: Vec::new(),
            recalled: false,
            begins: None,
            saved: None,
            effects: Vec::new(),
            last_price: None,
            trades: 0,
            duplicates: 0,
            stored_before: 0,
            unknown_frames: 0,
            malformed_frames: 0,
            was_connected: false,
            reconnects: 0,
            last_error: None,
        }
    }

    pub(super) fn recall(&mut self, recollection: &Recollection, out: &mut Vec<Effect>) {
        if self.recalled {
            return;
        }
        self.recalled = true;
        self.saved = recollection.position;
        for (epoch, range, cause, at) in &recollection.gaps {
            let found = Found { cause: *cause, at: *at };
            self.rows.recall(*epoch, range.clone(), found);
        }
        self.continuity.recall(recollection, out);
    }

    pub(super) fn carry_out(&mut self, effect: Effect, symbol: &Symbol, publisher: &TradePublisher, signals: &Signals) {
        match effect {
            Effect::Publish { trade, late } => {
                tracing::debug!("Trade event received {}@{}", trade.symbol, trade.price);
                self.trades += 1;
                self.last_price = Some(trade.price.clone());
                let (epoch, id) = (trade.epoch, trade.trade_id);
                let position = publisher.publish(trade);
                if late {
                    self.rows.came_late(position, epoch, id);
                }
                let known = self.begins.map(|(_, begins)| begins).max(self.saved);
                if known.is_none_or(|(newest, _)| newest < epoch) {
                    self.begins = Some((position, (epoch, id - 1)));
                    signals.urgent.notify_one();
                }
            }
            Effect::Gap { epoch, range, cause } => {
                tell_gap(symbol, &range, cause);
                self.rows.add(epoch, range, found(cause));
                signals.urgent.notify_one();
            }
            Effect::Ask(question) => {
                self.questions.push(question);
                signals.asked.notify_one();
            }
            Effect::Repeated(count) => self.duplicates += count,
            Effect::StoredBefore(count) => self.stored_before += count,
            Effect::Passed { epoch, id } => publisher.passed(Done { epoch, trade_id: id }),
            Effect::Strays(count) => {
                self.duplicates += count;
                tracing::warn!("{symbol}: {count} trades came under the ids of others, and were dropped");
            }
            Effect::Absurd { id, highest } => {
                tracing::warn!(
                    "{symbol}: a trade with the id {id} came after {highest} and was dropped: the next one goes on from there"
                );
            }
            Effect::NewEpoch { epoch, highest, first } => {
                tracing::warn!(
                    "{symbol}: the exchange's trade ids went back from {highest} to {first}: it was reset, and its trades are epoch {epoch} from now on"
                );
            }
        }
    }

    pub(super) fn settle(&mut self, symbol: &Symbol, question: &Question, missing: &[RangeInclusive<i64>]) {
        let Some(at) = self.questions.iter().position(|open| open == question) else {
            return;
        };
        let gaps = self.continuity.settle(question, missing);
        self.questions.remove(at);
        self.rows.settle(question, &gaps, found(Cause::Downtime));
        if question.about == About::Row {
            return;
        }
        for gap in gaps.iter().take(GAPS_TOLD) {
            tell_gap(symbol, gap, Cause::Downtime);
        }
        if let Some(more) = gaps.len().checked_sub(GAPS_TOLD + 1) {
            let count = more + 1;
            tracing::warn!("{symbol}: {count} more gaps from the same downtime");
        }
    }

    /// What is durable, as far as it may be saved, where it is new; and what is to be written of gaps.
    pub(super) fn unsaved(&mut self, publisher: &TradePublisher) -> (Option<(i32, i64)>, Vec<Change>) {
        // In this order: a late trade that becomes durable in between keeps its row, and the position does not pass it.
        let done = publisher.done().map(|done| (done.epoch, done.trade_id));
        let durable = publisher.durable();
        self.rows.durable(durable, &self.questions);
        let begins = self.begins.filter(|(position, _)| *position <= durable);
        let mut position = done.max(begins.map(|(_, begins)| begins));
        for question in &self.questions {
            match question.about {
                About::Row => {}
                About::Downtime => position = position.min(Some((question.epoch, question.range.start() - 1))),
                About::Beginning => position = position.filter(|(epoch, _)| *epoch < question.epoch),
            }
        }
        let position = position.filter(|position| Some(*position) > self.saved);
        (position, self.rows.changes().to_vec())
    }

    pub(super) fn saved(&mut self, position: Option<(i32, i64)>, changes: usize) {
        self.saved = position.or(self.saved);
        // Changes are only ever added behind these, and `save` runs once at a time.
        self.rows.carried_out(changes);
    }

    pub(super) fn status(&self, row: &Row, alive: bool) -> StreamStatus {
        let gap = |(epoch, range): (i32, RangeInclusive<i64>)| Gap {
            symbol: row.symbol.clone(),
            epoch,
            first_missing_id: *range.start(),
            last_missing_id: *range.end(),
        };
        let mut gap_ranges: Vec<Gap> = self.continuity.gaps().rev().take(GAPS_SHOWN).map(gap).collect();
        gap_ranges.reverse();
        StreamStatus {
            symbol: row.symbol.clone(),
            on: row.on,
            exchange_status: row.exchange_status.clone(),
            state: if alive { self.state } else { StreamState::Off },
            since: self.since.filter(|_| alive),
            trades: self.trades,
            epoch: self.continuity.epoch(),
            last_trade_id: self.continuity.highest(),
            gaps: self.continuity.gaps().count() as u64,
            missing: missing(self.continuity.gaps()),
            gap_ranges,
            duplicates: self.duplicates,
            stored_before: self.stored_before,
            unknown_frames: self.unknown_frames,
            malformed_frames: self.malformed_frames,
            reconnects: self.reconnects,
            last_error: self.last_error.clone(),
        }
    }
}

fn found(cause: Cause) -> Found {
    let at = Utc::now().timestamp_millis();
    Found { cause, at }
}

fn tell_gap(symbol: &Symbol, range: &RangeInclusive<i64>, cause: Cause) {
    let (count, first, last) = (ranges::count(range), range.start(), range.end());
    tracing::warn!(
        "{symbol} gap: {count} missing, trade ids {first} to {last} ({})",
        cause.as_str()
    );
}
