//! How the process writes: changes that somebody waits for, and positions that nobody does.

use super::{Order, Reply, State};
use crate::exchange::simulator::account::Balance;
use crate::exchange::simulator::ledger::{Changes, SavedMarket};
use crate::market::Symbol;
use crate::store::StoreError;
use std::time::Duration;
use tokio::time::Instant;

/// An exchange of its own promises so many trades ahead, at least: after its sudden end it goes on behind all that it may have
/// told, a little further than it came.
const AHEAD: i64 = 256;
/// At a quick pace more, so that it does not write for each batch.
const MOST_AHEAD: i64 = 65_536;

/// How long the end waits for a database. The process is killed when its time to stop is over, and then nothing is lost either.
const LAST_TRIES: Duration = Duration::from_millis(1_500);

impl State {
    /// Writes orders, the balances they changed and their markets' positions in one go. Returns when the database has them:
    /// whatever it says, what the engine has done is tried again until then, and nobody is told and no trade happens meanwhile.
    pub(super) async fn commit(&mut self, orders: Vec<Order>) -> Vec<(String, Balance)> {
        let mut symbols: Vec<Symbol> = orders.iter().map(|order| order.symbol.clone()).collect();
        symbols.sort();
        symbols.dedup();
        let markets = symbols
            .iter()
            .map(|symbol| (symbol.clone(), self.to_keep(symbol)))
            .collect();
        let mut changes = self.changes(orders, markets);
        let balances = self.engine.take_balance_changes();
        changes.balances.extend(balances.iter().cloned());
        self.write_surely(changes).await;
        balances
    }

    /// Writes the positions that have moved, and what else nobody waits for. A database that does not take them is left alone
    /// for a while: an older position only means that more is told again.
    pub(super) async fn save(&mut self) {
        let now = Instant::now();
        self.look(now);
        if self.save_after.is_some_and(|after| now < after) {
            return;
        }
        let moved: Vec<(Symbol, i64)> = (self.lanes.iter())
            .filter(|(symbol, lane)| self.is_due(symbol, lane.written))
            .map(|(symbol, _)| (symbol.clone(), self.to_keep(symbol)))
            .collect();
        if let Err(error) = self.write_positions(moved).await {
            let delay = self.backoff.next_delay();
            self.save_after = Some(Instant::now() + delay);
            let error = anyhow::Error::from(error);
            tracing::warn!("the simulator cannot write its positions, trying again in {delay:.0?}: {error:#}");
        } else if self.save_after.take().is_some() {
            self.backoff.succeeded();
            tracing::info!("the simulator's database takes positions again");
        }
    }

    /// The last position of each symbol, exactly.
    pub(super) async fn save_at_the_end(&mut self) {
        if !self.loaded {
            return;
        }
        self.look(Instant::now());
        let exact = |symbol: &Symbol, kept: i64| {
            if self.goes_on() {
                self.market.place(symbol)
            } else {
                kept
            }
        };
        let places: Vec<(Symbol, i64)> = (self.lanes.iter())
            .map(|(symbol, lane)| (symbol.clone(), lane.written, exact(symbol, lane.kept)))
            .filter(|(_, written, place)| written != place)
            .map(|(symbol, _, place)| (symbol, place))
            .collect();
        let changes = self.changes(Vec::new(), places);
        if changes.is_empty() {
            return;
        }
        // In a task of its own: to drop a write is to wait for it. Nobody writes after it.
        let ledger = self.ledger.clone();
        let writing = tokio::spawn(async move { ledger.commit(&changes).await });
        let why = match tokio::time::timeout(LAST_TRIES, writing).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => format!("{:#}", anyhow::Error::from(error)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!("the simulator could not write its last positions; some trades will be told again: {why}");
    }

    /// Before a trade that is beyond what was promised: promises more.
    pub(super) async fn promise(&mut self, symbol: &Symbol) {
        let beyond = self
            .lanes
            .get(symbol)
            .is_some_and(|lane| self.market.place(symbol) >= lane.written);
        if !self.goes_on() || !beyond {
            return;
        }
        // One write for all: they come to their ends at about the same time.
        let places = (self.lanes.iter())
            .filter(|(symbol, lane)| self.market.place(symbol) + AHEAD / 2 >= lane.written)
            .map(|(symbol, _)| (symbol.clone(), self.to_keep(symbol)))
            .collect();
        let changes = self.changes(Vec::new(), places);
        self.write_surely(changes).await;
    }

    /// Whether this is an exchange of its own, which never goes back.
    pub(super) fn goes_on(&self) -> bool {
        self.shared.config.alone && self.market.is_paced()
    }

    /// The place to write for a symbol.
    fn to_keep(&self, symbol: &Symbol) -> i64 {
        let Some(lane) = self.lanes.get(symbol) else {
            return 0;
        };
        if !self.goes_on() {
            return lane.kept;
        }
        let place = self.market.place(symbol);
        // Twice what came since the last promise.
        let ahead = (2 * (place - lane.promised_at)).clamp(AHEAD, MOST_AHEAD);
        (place + ahead)
            .min(self.market.end(symbol).unwrap_or(i64::MAX))
            .max(lane.written)
    }

    fn is_due(&self, symbol: &Symbol, written: i64) -> bool {
        if self.goes_on() {
            // Where nothing was played yet there is nothing to promise.
            let place = self.market.place(symbol);
            place > 0 && place + AHEAD / 2 >= written && self.to_keep(symbol) != written
        } else {
            self.to_keep(symbol) != written
        }
    }

    fn changes(&self, orders: Vec<Order>, places: Vec<(Symbol, i64)>) -> Changes {
        let markets = (places.into_iter())
            .map(|(symbol, place)| SavedMarket {
                position: self.market.position(&symbol, place),
                last_order_id: self.engine.last_order_id(&symbol),
                matched_to: self.lanes.get(&symbol).map_or(0, |lane| lane.matched),
                symbol,
            })
            .collect();
        Changes {
            orders,
            balances: self.funding.clone(),
            markets,
            generation: self.new_generation,
        }
    }

    async fn write_positions(&mut self, places: Vec<(Symbol, i64)>) -> Result<(), StoreError> {
        let changes = self.changes(Vec::new(), places);
        if changes.is_empty() {
            return Ok(());
        }
        self.ledger.commit(&changes).await?;
        self.written(&changes);
        Ok(())
    }

    async fn write_surely(&mut self, changes: Changes) {
        let mut failed = false;
        while let Err(error) = self.ledger.commit(&changes).await {
            failed = true;
            let delay = self.backoff.next_delay();
            let error = anyhow::Error::from(error);
            tracing::warn!(
                "the simulator's database does not take a change, the market waits and tries again in {delay:.0?}: {error:#}"
            );
            tokio::time::sleep(delay).await;
        }
        if failed {
            self.backoff.succeeded();
            self.save_after = None;
            tracing::info!("the simulator's database takes changes again");
        }
        self.written(&changes);
    }

    fn written(&mut self, changes: &Changes) {
        self.new_generation = None;
        self.funding.clear();
        for market in &changes.markets {
            let place = self.market.place_of(market.position);
            let played = self.market.place(&market.symbol);
            if let Some(lane) = self.lanes.get_mut(&market.symbol) {
                lane.written = place;
                lane.promised_at = played;
            }
        }
    }
}

/// Whoever asked may be gone.
pub(super) fn answer<T: Send + 'static>(
    reply: Reply<T>,
    answer: Result<T, crate::exchange::simulator::refusal::Refusal>,
) {
    let _ = reply.send(answer);
}
