//! The trader: one buy, one sell, one profit.
//!
//! ```text
//! READY ── buy placed ──▶ BUYING ── buy filled ──▶ SELLING ── sell filled ──▶ ended; the leader starts a successor
//! ```
//! It reads the market's trades and its own executions through doorbells, lets [`decide`] say what is next, and carries
//! that out ([`orders`]). Its leader hears of every change; nobody else talks to it.
//!
//! Invariant: what it believes about an order came from the exchange (an answer, a query, an execution report), and its
//! ledger row says so before anything further is sent. So it may be killed at any moment: its successor reads the row
//! and asks the exchange.

mod absorb;
mod lines;
mod lost;
mod orders;

use super::desk::Desk;
use super::ledger::{self, Record};
use super::messages::{AccountEvent, LeaderMsg, Mandate, TraderMsg};
use super::position::LegState;
use super::schema::TraderState;
use super::status::TraderStatus;
use super::strategy::{Decision, decide};
use crate::backoff::Backoff;
use crate::causes::causes;
use crate::market::{Decimal, Order, Price, Side, Topic, TradeEvent};
use hedgehog_core::ractor;
use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, ExitReason, Overflow, Restart, SelfRef, Shutdown, Subscription,
};
use lost::Missing;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Trades that may wait for a trader; a slower one loses the oldest, as only the newest matter to it.
const TRADES: usize = 4_096;
/// How long a trade beyond an order's price may go without an execution report before the exchange is asked.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a trader whose order was refused for good waits before it tries again: by then a balance may have changed.
const REFUSED: Duration = Duration::from_mins(1);
/// How long a trader whose offer of a rebuy was refused keeps it to itself.
const OFFER_AGAIN: Duration = Duration::from_secs(1);
const LEADER_ANSWERS: Duration = Duration::from_secs(5);

/// What a trader starts with.
#[derive(Clone)]
pub(super) struct Assignment {
    pub(super) desk: Desk,
    pub(super) leader: ActorRef<LeaderMsg>,
    pub(super) mandate: Arc<Mandate>,
    pub(super) record: Record,
}

impl Assignment {
    /// Never restarted by its supervisor: its leader does that, with what the ledger says by then.
    pub(super) fn spec(self) -> ChildSpec<TraderMsg> {
        ChildSpec::worker(self.record.id.to_string(), move || (Trader, self.clone()))
            .restart(Restart::Temporary)
            .shutdown(Shutdown::Timeout(Duration::from_secs(1)))
    }
}

struct Trader;

/// The state of one incarnation.
struct Trading {
    myself: ractor::ActorRef<TraderMsg>,
    desk: Desk,
    leader: ActorRef<LeaderMsg>,
    mandate: Arc<Mandate>,
    record: Record,
    trades: Subscription<TradeEvent>,
    account: Subscription<AccountEvent>,
    /// The working orders may have changed without a report: ask before the next decision.
    stale: bool,
    /// The ledger row lags behind; nothing is sent before it has caught up.
    unsaved: bool,
    /// States of our orders that the ledger does not have yet.
    unsaved_states: Vec<Order>,
    /// What keeps the trader from acting, for its status.
    parked: Option<String>,
    /// Nothing is tried before.
    not_before: Option<Instant>,
    backoff: Backoff,
    /// Since when the exchange has not known an order that was or may have been sent.
    unknown_since: Option<Instant>,
    /// The working order is denied by the exchange.
    missing: Option<Missing>,
    /// The newest world of ids that the market's trades are of.
    epoch: Option<i32>,
    /// A newer one began after the working order was confirmed: the order may belong to the old one.
    new_world: bool,
    /// The last order that was told as another's under an id of ours.
    foreign: Option<i64>,
    /// When the market traded beyond the price of the working order.
    beyond_since: Option<Instant>,
    offer_again: Option<Instant>,
    /// Trades whose commission is booked.
    booked: Vec<i64>,
    /// Commissions in assets that are neither bought nor paid with, which no profit knows.
    elsewhere: BTreeMap<String, Decimal>,
}

impl Actor for Trader {
    type Msg = TraderMsg;
    type State = Trading;
    type Arguments = Assignment;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<TraderMsg>,
        Assignment {
            desk,
            leader,
            mandate,
            record,
        }: Assignment,
    ) -> Result<Trading, ActorProcessingErr> {
        let me = myself.self_ref()?;
        tracing::debug!("{}: trader {} starts, {}", record.symbol, record.id, record.state);
        // Subscribed before anything is asked, so that nothing falls between the answer and the first event.
        let topic = Topic::trade_events(&record.symbol).to_string();
        let mut trades = desk.bus.trade_events.subscribe(&topic, Overflow::DropOldest(TRADES));
        trades.ring(&me, || TraderMsg::Trades);
        let mut account = desk
            .account_events
            .subscribe(record.symbol.as_str(), Overflow::Lossless);
        account.ring(&me, || TraderMsg::Account);
        myself.cast(TraderMsg::Act)?;
        Ok(Trading {
            myself,
            desk,
            leader,
            mandate,
            record,
            trades,
            account,
            stale: true,
            unsaved: true,
            unsaved_states: Vec::new(),
            parked: None,
            not_before: None,
            backoff: Backoff::default().stable_after(Duration::ZERO),
            unknown_since: None,
            missing: None,
            epoch: None,
            new_world: false,
            foreign: None,
            beyond_since: None,
            offer_again: None,
            booked: Vec::new(),
            elsewhere: BTreeMap::new(),
        })
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<TraderMsg>,
        message: TraderMsg,
        trading: &mut Trading,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            TraderMsg::Act => {
                trading.stale |= trading.beyond_since.is_some_and(|since| since.elapsed() >= SILENCE);
                trading.act(None).await
            }
            TraderMsg::Trades => {
                let glance = trading.watch_market();
                trading.act(glance).await?;
                trading.trades.rearm();
                Ok(())
            }
            TraderMsg::Account => {
                trading.hear_account();
                trading.act(None).await?;
                trading.account.rearm();
                Ok(())
            }
            TraderMsg::Mandate(mandate) => {
                // Orders that are to end are asked for once: their symbol may be gone from the exchange.
                trading.stale |= mandate.draining && !trading.mandate.draining;
                trading.mandate = mandate;
                if trading.record.position.buy.is_none() {
                    // It waits to try a buy again; under this mandate there may be nothing to buy.
                    trading.not_before = None;
                }
                trading.act(None).await
            }
        }
    }
}

impl Trading {
    /// Decides and acts until there is nothing to do before the next event.
    async fn act(&mut self, mut price: Option<Price>) -> Result<(), ActorProcessingErr> {
        loop {
            if self.not_before.is_some_and(|at| Instant::now() < at) || !self.save().await {
                return Ok(());
            }
            if self.record.has_ended() {
                return Err(ExitReason::Normal.into());
            }
            if !self.settle().await {
                if self.record.has_ended() {
                    continue;
                }
                return Ok(());
            }
            let Mandate { terms, draining, .. } = &*self.mandate;
            // A price decides once: what follows from the same event follows from what the exchange answered.
            match decide(&self.record.position, price.take().as_ref(), terms, *draining) {
                Decision::Wait => {
                    if self.record.position.buy.is_some() {
                        self.unpark();
                    }
                    return Ok(());
                }
                Decision::Buy(quote) => self.place(Side::Buy, quote).await,
                Decision::Sell(quote) => self.place(Side::Sell, quote).await,
                Decision::CancelBuy => self.cancel_buy().await,
                Decision::OfferRebuy => self.offer_rebuy().await,
                Decision::Finish => self.finish(),
                Decision::Withdraw => self.withdraw(),
                Decision::Park(violation) if *draining => {
                    tracing::warn!(
                        "{}: what is left cannot be sold and stays unsold: {violation}",
                        self.record.symbol
                    );
                    self.end(TraderState::Cancelled);
                }
                Decision::Park(violation) => {
                    self.park(format!("the next order would break {violation}"));
                    return Ok(());
                }
            }
        }
    }

    /// Reads the trades that wait. The price to decide by: the newest for a buy; the lowest once there is one, because
    /// any trade of the batch may have been the one that makes a rebuy due.
    fn watch_market(&mut self) -> Option<Price> {
        let (mut newest, mut lowest, mut highest) = (None::<Price>, None::<Price>, None::<Price>);
        let mut epoch = self.epoch;
        let drained = self.trades.drain(TRADES, |trade| {
            if lowest.as_ref().is_none_or(|lowest| trade.price < *lowest) {
                lowest = Some(trade.price.clone());
            }
            if highest.as_ref().is_none_or(|highest| trade.price > *highest) {
                highest = Some(trade.price.clone());
            }
            epoch = epoch.max(Some(trade.epoch));
            newest = Some(trade.price.clone());
        });
        if drained.lagged > 0 {
            tracing::debug!(
                "{}: trader {} skipped {} trades",
                self.record.symbol,
                self.record.id,
                drained.lagged
            );
        }
        if std::mem::replace(&mut self.epoch, epoch).is_some_and(|before| Some(before) < epoch) {
            self.new_world = true;
            self.stale = true;
        }
        let position = &self.record.position;
        let working = |side: Side| position.leg(side).filter(|leg| leg.state == LegState::Working);
        let bought = working(Side::Buy)
            .zip(lowest.as_ref())
            .is_some_and(|(buy, lowest)| *lowest < buy.price);
        let sold = working(Side::Sell)
            .zip(highest.as_ref())
            .is_some_and(|(sell, highest)| *highest > sell.price);
        if (bought || sold) && self.beyond_since.is_none() {
            self.beyond_since = Some(Instant::now());
            self.act_after(SILENCE);
        }
        if position.buy.is_none() { newest } else { lowest }
    }

    /// Asks the leader for a further trader. The flag is set only when it says yes; else the offer is repeated later.
    async fn offer_rebuy(&mut self) {
        if self.offer_again.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let id = self.record.id;
        match self
            .leader
            .call(|reply| LeaderMsg::Rebuy { id, reply }, LEADER_ANSWERS)
            .await
        {
            Ok(true) => {
                self.record.position.rebuy_notified = true;
                self.unsaved = true;
            }
            Ok(false) | Err(_) => self.offer_again = Some(Instant::now() + OFFER_AGAIN),
        }
    }

    /// Closes the ledger row; the trader exits once that is written.
    fn end(&mut self, state: TraderState) {
        self.record.state = state;
        self.parked = None;
        self.unsaved = true;
    }

    fn refresh_state(&mut self) {
        let position = &self.record.position;
        self.record.state = match (&position.buy, &position.sell) {
            (None, _) => TraderState::Ready,
            (Some(_), None) => TraderState::Buying,
            (Some(_), Some(_)) => TraderState::Selling,
        };
    }

    /// Brings the ledger row up to date and then tells the leader. False when the ledger did not take it: then nothing
    /// may be sent, or a crash would forget it.
    async fn save(&mut self) -> bool {
        if !self.unsaved {
            return true;
        }
        match ledger::save(&self.desk.db, &self.record, &self.unsaved_states).await {
            Ok(()) => {
                self.unsaved = false;
                self.unsaved_states.clear();
                self.tell_leader();
                true
            }
            Err(error) => {
                self.hold_back(&format!("the ledger does not answer: {}", causes(&error)));
                false
            }
        }
    }

    fn tell_leader(&self) {
        let status = TraderStatus::of(&self.record, self.parked.clone());
        // A leader that is gone takes its traders with it.
        let _ = self.leader.cast(LeaderMsg::Told(Box::new(status)));
    }

    /// Tries again after a while, longer each time.
    fn hold_back(&mut self, why: &str) {
        let delay = self.backoff.next_delay();
        tracing::warn!(
            "{}: trader {} tries again in {delay:.1?}: {why}",
            self.record.symbol,
            self.record.id
        );
        self.park_for(delay, why.to_owned());
    }

    fn park_for(&mut self, delay: Duration, why: String) {
        self.not_before = Some(Instant::now() + delay);
        self.act_after(delay);
        if self.parked.as_ref() != Some(&why) {
            self.parked = Some(why);
            self.tell_leader();
        }
    }

    /// Waits for an event to change what keeps it from acting; said once.
    fn park(&mut self, why: String) {
        if self.parked.as_ref() != Some(&why) {
            tracing::warn!("{} trader parked: {why}", self.record.symbol);
            self.parked = Some(why);
            self.tell_leader();
        }
    }

    fn unpark(&mut self) {
        if self.parked.take().is_some() {
            self.tell_leader();
        }
    }

    fn act_after(&self, delay: Duration) {
        drop(self.myself.send_after(delay, || TraderMsg::Act));
    }
}
