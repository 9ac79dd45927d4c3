//! How the process plays the market: what is due now, to whom it goes, and when to look again.

use super::request::{IMPATIENT_ROOM, PATIENT_ROOM};
use super::{Listener, Published, Request, State, Subscriber, Trades, Wake};
use crate::exchange::simulator::market::{Due, MarketTrade};
use crate::exchange::simulator::{MarketSource, Progress, SimulatorMsg, server};
use crate::market::Symbol;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// So many trades of one symbol are played before others and other requests have their turn.
const BATCH: usize = 256;

/// Where nobody is expected, how long a market that does not wait waits for its first subscriber, so that the opening is not missed
/// by those who connect to it.
const HEAD_START: Duration = Duration::from_secs(2);

/// How long it waits for subscribers that are expected.
const EXPECTED_WITHIN: Duration = Duration::from_secs(30);

/// Timers do not get finer than this.
const TICK: Duration = Duration::from_millis(1);

/// How often the bus is asked what is done: while a symbol waits for it, and otherwise.
const LOOK_WAITING: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(50);

/// What a trade takes on its way from here to the database, in bytes: its frame, its event, its row.
const EVENT: usize = 300;

/// Without a bus to ask, so many trades of a symbol are on their way to its subscribers at most.
const UNREAD: i64 = 16_384;

/// Whether a symbol goes on.
enum Turn {
    /// When its market says so.
    Due(Due),
    /// When what was told is done.
    Blocked,
    /// When a reader has room.
    Full,
    /// When somebody listens.
    Deaf,
}

impl State {
    /// Plays what is due, a batch per symbol, and arranges for the next time.
    pub(super) async fn play(&mut self) {
        self.wake = Wake::OnRequest;
        if !self.is_open() {
            return;
        }
        let now = Instant::now();
        if !self.begins(now) {
            return;
        }
        let looked_every = if self.blocked.is_empty() { LOOK } else { LOOK_WAITING };
        if !self.undone.is_empty() && now >= self.looked + looked_every {
            self.look(now);
        }
        for symbol in self.schedule.take(now) {
            match self.play_symbol(&symbol, now).await {
                Turn::Due(Due::Now) => self.schedule.now(&symbol),
                Turn::Due(Due::At(at)) => self.schedule.at(&symbol, at),
                Turn::Blocked => self.blocked.push(symbol),
                Turn::Full => self.schedule.with_room(&symbol),
                Turn::Due(Due::Never) | Turn::Deaf => {}
            }
        }
        self.publish_progress(now);
        let looked_every = if self.blocked.is_empty() { LOOK } else { LOOK_WAITING };
        let look = (!self.undone.is_empty()).then(|| self.looked + looked_every);
        match self.schedule.next(now).into_iter().chain(look).min() {
            Some(at) if at <= now => self.wake_now(),
            Some(at) => self.wake_at(at.max(now + TICK)),
            None => {}
        }
    }

    /// Whether trades may flow. A market that goes on whether or not anybody listens waits for those who are expected, or for
    /// the first who comes.
    fn begins(&mut self, now: Instant) -> bool {
        if self.begun {
            return true;
        }
        let opened = *self.opened.get_or_insert(now);
        if self.runs_unheard() {
            let heard = self.lanes.values().any(|lane| !lane.listeners.is_empty());
            let missing = self.missing();
            let wait = match &missing {
                Some(missing) if missing.is_empty() => None,
                Some(_) => Some(opened + EXPECTED_WITHIN),
                None if heard || self.market.is_generated() => None,
                // An exchange of its own has time, until it has begun.
                None if self.shared.config.alone => {
                    if self.lanes.values().all(|lane| lane.written == 0) {
                        return false;
                    }
                    None
                }
                None => Some(opened + HEAD_START),
            };
            if let Some(until) = wait {
                if now < until {
                    self.wake_at(until);
                    return false;
                }
                if let Some(missing) = missing {
                    let names: Vec<_> = missing.iter().map(Symbol::as_str).collect();
                    tracing::warn!(
                        "the market begins without {}: no stream came within {EXPECTED_WITHIN:?}",
                        names.join(", ")
                    );
                }
            }
        }
        self.begun = true;
        self.shared.begun.store(true, Ordering::Release);
        let unheard = self.runs_unheard();
        for (symbol, lane) in &self.lanes {
            if unheard || !lane.listeners.is_empty() {
                self.schedule.now(symbol);
            }
        }
        true
    }

    /// Those who are expected and do not listen yet; `None` where nobody is expected.
    fn missing(&self) -> Option<Vec<Symbol>> {
        if self.shared.config.alone {
            return None;
        }
        // After a sudden end of the process, those who listened to it will come back.
        let mut expected: Vec<Symbol> = if self.shared.begun.load(Ordering::Acquire) {
            let remembered = self.shared.remembered.lock();
            let heard = remembered.iter().filter(|(_, remembered)| remembered.heard);
            heard.map(|(symbol, _)| symbol.clone()).collect()
        } else {
            self.shared.expected.lock().iter().cloned().collect()
        };
        expected.retain(|symbol| self.lanes.contains_key(symbol));
        if expected.is_empty() {
            return None;
        }
        expected.retain(|symbol| self.lanes.get(symbol).is_some_and(|lane| lane.listeners.is_empty()));
        Some(expected)
    }

    /// Whether trades happen although nobody subscribes to their symbol.
    fn runs_unheard(&self) -> bool {
        self.market.is_paced() && (self.shared.config.alone || !self.market.is_generated())
    }

    /// Whether trades wait for subscribers that are slow.
    fn is_patient(&self) -> bool {
        !self.market.is_paced() || self.shared.config.bus.is_some()
    }

    /// Plays at most a batch of one symbol; tells when to come back.
    async fn play_symbol(&mut self, symbol: &Symbol, now: Instant) -> Turn {
        let limit = match self.room(symbol, now) {
            Ok(limit) => limit.min(BATCH),
            Err(turn) => return turn,
        };
        let Some(lane) = self.lanes.get(symbol) else {
            return Turn::Deaf;
        };
        let matched = lane.matched;
        let wall = server::now();
        let mut trades = Vec::new();
        let due = loop {
            match self.market.due(symbol, now) {
                Due::Now if trades.len() == limit => break Due::Now,
                Due::Now => {}
                later => break later,
            }
            let Some(trade) = self.market.peek(symbol, wall) else {
                break Due::Never;
            };
            // What is played again has met the orders that were there then.
            let is_new = self.market.place(symbol) >= matched;
            if is_new && self.engine.crosses(symbol, trade.price) {
                if !trades.is_empty() {
                    // What came before the fill is told before the fill.
                    break Due::Now;
                }
                self.promise(symbol).await;
                self.fill(symbol, &trade).await;
            } else if trades.is_empty() {
                self.promise(symbol).await;
            } else if self.goes_on() && self.lanes[symbol].written <= self.market.place(symbol) {
                break Due::Now;
            }
            self.market.advance(symbol, wall);
            trades.push(trade);
        };
        if !trades.is_empty() {
            self.tell_trades(symbol, trades);
        }
        Turn::Due(due)
    }

    fn tell_trades(&mut self, symbol: &Symbol, trades: Vec<MarketTrade>) {
        let place = self.market.place(symbol);
        let asks = self.shared.config.bus.is_some() || !self.market.is_paced();
        let Some(lane) = self.lanes.get_mut(symbol) else {
            return;
        };
        lane.matched = lane.matched.max(place);
        if lane.listeners.is_empty() {
            lane.unheard += trades.len() as u64;
        } else {
            if lane.kept == lane.told {
                // What was played before and nobody heard.
                lane.kept = lane.kept.max(place - trades.len() as i64);
            }
            lane.told = place;
        }
        if self.shared.config.bus.is_none() && self.market.is_paced() {
            (lane.kept, lane.told) = (place, place);
        } else {
            self.undone.insert(symbol.clone());
        }
        let trades = Trades {
            symbol: symbol.clone(),
            list: trades.into(),
            read_as: asks.then_some(place),
        };
        for Listener { subscriber, .. } in &lane.listeners {
            subscriber.waiting.add(trades.list.len());
            // One that is gone says so, too.
            let _ = subscriber.trades.send(trades.clone());
        }
        self.remember(symbol);
    }

    /// How many trades of a symbol may be told, or why none. Subscribers that are gone are forgotten; where nobody waits, so are
    /// those that are too slow, as the real exchange does.
    fn room(&mut self, symbol: &Symbol, now: Instant) -> Result<usize, Turn> {
        let patient = self.is_patient();
        let mut full = false;
        self.retain_listeners(symbol, |Listener { subscriber, .. }| {
            let Subscriber {
                trades,
                waiting,
                too_slow,
                ..
            } = subscriber;
            if trades.is_closed() {
                return false;
            }
            if patient {
                full |= !waiting.has_room(PATIENT_ROOM);
            } else if !waiting.has_room(IMPATIENT_ROOM) {
                tracing::warn!("a subscriber of {symbol} is too slow for the market and is disconnected");
                too_slow.notify_one();
                return false;
            }
            true
        });
        let Some(lane) = self.lanes.get(symbol) else {
            return Err(Turn::Deaf);
        };
        if full {
            return Err(Turn::Full);
        }
        if lane.listeners.is_empty() {
            if !self.runs_unheard() {
                return Err(Turn::Deaf);
            }
            // A market beside the apps has time for them; one of its own goes on.
            let held = lane.held_until(now).filter(|_| self.shared.config.bus.is_some());
            return held.map_or(Ok(BATCH), |until| Err(Turn::Due(Due::At(until))));
        }
        let most = match &self.shared.config.bus {
            Some(_) => self.share(),
            None if self.market.is_paced() => return Ok(BATCH),
            None => UNREAD,
        };
        match usize::try_from(most - lane.undone()) {
            Ok(room @ 1..) => Ok(room),
            _ if self.shared.config.bus.is_some() => Err(Turn::Blocked),
            // A reader that has read will say so.
            _ => Err(Turn::Deaf),
        }
    }

    /// How many trades of one symbol may be told and not done: an equal part of what there is room for.
    fn share(&self) -> i64 {
        let heard = self.heard.max(1);
        ((self.shared.config.memory / EVENT / heard) as i64).max(1)
    }

    /// Asks the bus what is done, and lets those go on that waited for it.
    pub(super) fn look(&mut self, now: Instant) {
        self.looked = now;
        let Some(bus) = self.shared.config.bus.clone() else {
            self.undone.clear();
            return;
        };
        let mut moved = Vec::new();
        let (market, lanes) = (&self.market, &mut self.lanes);
        self.undone.retain(|symbol| {
            let Some(lane) = lanes.get_mut(symbol) else {
                return false;
            };
            let publisher = lane.publisher.get_or_insert_with(|| bus.trade_publisher(symbol));
            let done = publisher.done();
            let done = done.map_or(0, |done| lane.done(done.trade_id, |id| market.place_behind(symbol, id)));
            if lane.keep_what_is_done(done, market.place(symbol), now) {
                moved.push(symbol.clone());
            }
            lane.undone() > 0
        });
        for symbol in moved {
            self.remember(&symbol);
        }
        for symbol in std::mem::take(&mut self.blocked) {
            self.schedule.now(&symbol);
        }
        self.count_heard();
    }

    pub(super) fn count_heard(&mut self) {
        self.heard = (self.lanes.iter())
            .filter(|(symbol, lane)| {
                let over = self.market.end(symbol).is_some_and(|end| lane.kept >= end);
                !lane.listeners.is_empty() && !over
            })
            .count();
    }

    /// Forgets listeners. Where the market waits for them and all are gone, what is not kept is played again.
    pub(super) fn retain_listeners(&mut self, symbol: &Symbol, keep: impl FnMut(&mut Listener) -> bool) {
        let Some(lane) = self.lanes.get_mut(symbol) else {
            return;
        };
        if !lane.forget(keep, Instant::now()) {
            return;
        }
        if !self.market.is_paced() {
            if self.shared.config.bus.is_none() {
                lane.keep_what_is_read();
            }
            if lane.listeners.is_empty() {
                lane.told = lane.kept;
                self.market.go_to(symbol, lane.kept, server::now());
            }
        }
        self.remember(symbol);
    }

    pub(super) fn wake_now(&mut self) {
        if !matches!(self.wake, Wake::Queued) && self.myself.cast(SimulatorMsg(Request::Play)).is_ok() {
            self.wake = Wake::Queued;
        }
    }

    fn wake_at(&mut self, at: Instant) {
        let myself = self.myself.clone();
        let mut timer = JoinSet::new();
        timer.spawn(async move {
            tokio::time::sleep_until(at).await;
            // A process that is gone needs no waking.
            let _ = myself.cast(SimulatorMsg(Request::Play));
        });
        self.wake = Wake::At { _timer: timer };
    }

    /// Tells how far the market has come, ten times a second and at the end.
    pub(super) fn publish_progress(&mut self, now: Instant) {
        let total = self.market.total();
        let played = self.lanes.values().map(|lane| lane.kept as u64).sum();
        let finished = total.is_some_and(|total| played >= total);
        let newly_finished = finished && !self.published.finished;
        if !newly_finished
            && self
                .published
                .at
                .is_some_and(|at| now - at < Duration::from_millis(100))
        {
            return;
        }
        self.published = Published {
            at: Some(now),
            finished,
        };
        let mut progress = Progress {
            played,
            total,
            malformed_lines: 0,
            finished,
            last_trade_ids: BTreeMap::new(),
            remaining: BTreeMap::new(),
            unheard: BTreeMap::new(),
        };
        for (symbol, lane) in &self.lanes {
            if let Some(end) = self.market.end(symbol) {
                let left = (end - lane.kept).max(0) as u64;
                progress.remaining.insert(symbol.clone(), left);
            }
            if lane.kept > 0 {
                let look_up = || self.market.position(symbol, lane.kept).last_trade_id;
                let last = lane.last_id().unwrap_or_else(look_up);
                progress.last_trade_ids.insert(symbol.clone(), last);
            }
            if lane.unheard > 0 {
                progress.unheard.insert(symbol.clone(), lane.unheard);
            }
        }
        if let MarketSource::Recording { recording, .. } = &self.shared.config.market {
            progress.malformed_lines = recording.malformed_lines();
        }
        self.shared.progress.send_replace(progress);
        if newly_finished {
            // A recording that is over is over after a crash, too.
            let _ = self.myself.cast(SimulatorMsg(Request::Save));
        }
    }
}
