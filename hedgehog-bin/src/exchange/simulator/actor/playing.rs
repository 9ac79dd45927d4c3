//! How the process plays the market: what is due now, to whom it goes, and when to look again.

use super::{Listener, Published, Request, State, Trades, Wake};
use crate::exchange::simulator::market::Due;
use crate::exchange::simulator::{MarketSource, Progress, SimulatorMsg, server};
use crate::market::Symbol;
use crate::store::StoreError;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// So many trades of one symbol are played before other requests have their turn.
const BATCH: usize = 256;

/// How long a market that does not wait for anybody waits for its first subscriber, so that the opening is not missed by
/// those who connect to it.
const HEAD_START: Duration = Duration::from_secs(2);

/// Timers do not get finer than this.
const TICK: Duration = Duration::from_millis(1);

impl State {
    /// Plays what is due, a batch per symbol, and arranges for the next time.
    pub(super) async fn play(&mut self) -> Result<(), StoreError> {
        self.wake = Wake::OnRequest;
        if !self.shared.open.load(Ordering::Acquire) {
            return Ok(());
        }
        let now = Instant::now();
        let start = *self.opened.get_or_insert(now) + HEAD_START;
        // An entry stays when its listeners go: the head start is given once.
        if self.market.runs_unheard() && self.listeners.is_empty() && now < start {
            self.wake_at(start);
            return Ok(());
        }
        let symbols: Vec<Symbol> = if self.market.runs_unheard() {
            self.market.symbols().cloned().collect()
        } else {
            self.listeners
                .iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(symbol, _)| symbol.clone())
                .collect()
        };
        let mut next: Option<Instant> = None;
        for symbol in symbols {
            match self.play_symbol(&symbol, now).await? {
                Due::Now => next = Some(now),
                Due::At(at) => next = Some(next.map_or(at, |next| next.min(at))),
                Due::Never => {}
            }
        }
        self.publish_progress(now);
        match next {
            Some(at) if at <= now => self.wake_now(),
            Some(at) => self.wake_at(at.max(now + TICK)),
            None => {}
        }
        Ok(())
    }

    /// Plays at most a batch of one symbol; tells when to come back. [`Due::Never`] stands for a symbol that waits for its
    /// subscribers, too: they will say so.
    async fn play_symbol(&mut self, symbol: &Symbol, now: Instant) -> Result<Due, StoreError> {
        let Some(permits) = self.room(symbol) else {
            return Ok(Due::Never);
        };
        let wall = server::now();
        let mut trades = Vec::new();
        let due = loop {
            match self.market.due(symbol, now) {
                Due::Now if trades.len() == BATCH => break Due::Now,
                Due::Now => {}
                later => break later,
            }
            let Some(trade) = self.market.peek(symbol, wall) else {
                break Due::Never;
            };
            if self.engine.crosses(symbol, trade.price) {
                if !trades.is_empty() {
                    // What came before the fill is told before the fill.
                    break Due::Now;
                }
                self.fill(symbol, &trade).await?;
            }
            self.market.advance(symbol, wall);
            trades.push(trade);
        };
        if !trades.is_empty() {
            let read_as = self
                .market
                .waits_for_subscribers()
                .then(|| self.market.played_to(symbol));
            let trades = Trades {
                symbol: symbol.clone(),
                list: trades.into(),
                read_as,
            };
            for permit in permits {
                permit.send(trades.clone());
            }
        }
        Ok(due)
    }

    /// A place in every subscriber's queue, or `None` when the symbol has to wait for one of them. Subscribers that are
    /// gone are forgotten; where nobody waits, so are those that are too slow, as the real exchange does.
    fn room(&mut self, symbol: &Symbol) -> Option<Vec<mpsc::OwnedPermit<Trades>>> {
        let patient = self.market.waits_for_subscribers();
        let (mut permits, mut full) = (Vec::new(), false);
        self.retain_listeners(symbol, |Listener { subscriber, .. }| {
            match subscriber.trades.clone().try_reserve_owned() {
                Ok(permit) => permits.push(permit),
                Err(TrySendError::Full(_)) if patient => full = true,
                Err(TrySendError::Full(_)) => {
                    tracing::warn!("a subscriber of {symbol} is too slow for the market and is disconnected");
                    subscriber.too_slow.notify_one();
                    return false;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
            true
        });
        let unheard = permits.is_empty() && !self.market.runs_unheard();
        (!full && !unheard).then_some(permits)
    }

    /// Forgets listeners, and tells a market that waits for them what the others have read.
    pub(super) fn retain_listeners(&mut self, symbol: &Symbol, keep: impl FnMut(&mut Listener) -> bool) {
        let Some(listeners) = self.listeners.get_mut(symbol) else {
            return;
        };
        listeners.retain_mut(keep);
        if self.market.waits_for_subscribers() {
            match listeners.iter().map(|listener| listener.read).min() {
                Some(read) => self.market.acknowledge(symbol, read),
                None => self.market.rewind(symbol),
            }
        }
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
        let (played, total) = self.market.played();
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
        let ids = |symbol: &Symbol| (symbol.clone(), self.market.position(symbol).last_trade_id);
        let (malformed_lines, remaining) = match &self.shared.config.market {
            MarketSource::Generated { .. } => (0, BTreeMap::new()),
            MarketSource::Recording { recording, .. } => {
                let left = recording.symbols().map(|(info, total, _)| {
                    let played = self.market.position(&info.symbol).played_to.unwrap_or(0);
                    (info.symbol.clone(), (total as u64).saturating_sub(played as u64))
                });
                (recording.malformed_lines(), left.collect())
            }
        };
        let last_trade_ids = self.market.symbols().map(ids).filter(|(_, id)| *id > 0).collect();
        let progress = Progress {
            played,
            total,
            malformed_lines,
            finished,
            last_trade_ids,
            remaining,
        };
        self.shared.progress.send_replace(progress);
        if newly_finished {
            // A recording that is over is over after a crash, too.
            let _ = self.myself.cast(SimulatorMsg(Request::Save));
        }
    }
}
