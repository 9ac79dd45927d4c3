//! The leader of a symbol: the only one who starts traders.
//!
//! On its start it reads the exchange's rules, the symbol's settings and the ledger, and starts a trader for each open
//! row, or a first one. It monitors them: a finished one is replaced, a crashed one starts again with what the ledger
//! says of it. Traders ask it for company when the price falls. While draining it starts nothing but crashed traders, and
//! when the last trader has ended it says so to [`completions`](super::completions): a process cannot end its own tree.
//!
//! Invariant: whatever fails here (the exchange, the database, a start) is tried again with back-off inside this process.
//! A symbol in trouble shows it in its status and never becomes a crash that others could feel.

mod loading;
mod slots;

use super::desk::Desk;
use super::ledger::{self, Record};
use super::messages::{CompletionsMsg, LeaderMsg, Mandate, TraderMsg};
use super::schema::TradingStatus;
use super::settings::Setting;
use super::status::TraderStatus;
use super::trader::Assignment;
use crate::backoff::Backoff;
use crate::causes::causes;
use crate::market::{Symbol, SymbolInfo};
use hedgehog_core::ractor;
use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisorMsg, DynamicSupervisorRef, ExitReason, Name, Pid,
    SelfRef, Shutdown,
};
use loading::Loaded;
use slots::{Slot, Slots};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How often a leader with nothing left to do says so again, should it not have been heard.
const SAY_AGAIN: Duration = Duration::from_secs(5);

/// What a leader starts with.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) desk: Desk,
    pub(super) symbol: Symbol,
    /// The dynamic supervisor beside it.
    pub(super) traders: Name<DynamicSupervisorMsg>,
}

impl Post {
    pub(super) fn spec(self) -> ChildSpec<LeaderMsg> {
        ChildSpec::worker("Leader", move || (Leader, self.clone())).shutdown(Shutdown::Timeout(Duration::from_secs(1)))
    }
}

struct Leader;

/// The state of one incarnation.
struct Leading {
    myself: ractor::ActorRef<LeaderMsg>,
    me: ActorRef<LeaderMsg>,
    desk: Desk,
    symbol: Symbol,
    traders: DynamicSupervisorRef,
    /// None until everything is loaded.
    plan: Option<Plan>,
    slots: Slots,
    /// Why it could not be loaded.
    parked: Option<String>,
    /// The symbol was to be drained when the exchange did not list it any more, and its traders are closed.
    wound_up: bool,
    backoff: Backoff,
}

/// Settings and rules together.
struct Plan {
    max_traders: usize,
    mandate: Arc<Mandate>,
}

impl Plan {
    fn new(setting: &Setting, info: SymbolInfo) -> Self {
        let draining = setting.status == TradingStatus::Shutdown;
        let terms = setting.terms(&info.filters);
        Self {
            max_traders: setting.max_traders(),
            mandate: Arc::new(Mandate { terms, info, draining }),
        }
    }
}

impl Actor for Leader {
    type Msg = LeaderMsg;
    type State = Leading;
    type Arguments = Post;

    /// Returns at once; everything that may take time or fail comes with [`LeaderMsg::Load`].
    async fn pre_start(
        &self,
        myself: ractor::ActorRef<LeaderMsg>,
        Post { desk, symbol, traders }: Post,
    ) -> Result<Leading, ActorProcessingErr> {
        let me = myself.self_ref()?;
        myself.cast(LeaderMsg::Load)?;
        Ok(Leading {
            myself,
            me,
            desk,
            symbol,
            traders: DynamicSupervisorRef::from(&traders),
            plan: None,
            slots: Slots::default(),
            parked: None,
            wound_up: false,
            backoff: Backoff::default(),
        })
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<LeaderMsg>,
        message: LeaderMsg,
        leading: &mut Leading,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            LeaderMsg::Load => leading.load().await,
            LeaderMsg::Settings(setting) => leading.settings_updated(&setting).await,
            LeaderMsg::Told(status) => leading.slots.told(*status),
            LeaderMsg::Rebuy { id, reply } => {
                let accepted = leading.rebuy(id).await;
                // A trader that no longer waits for the answer is about to end, or offers again.
                let _ = reply.send(accepted);
            }
            LeaderMsg::Exited { id, pid, reason } => leading.trader_exited(id, pid, &reason).await,
            LeaderMsg::Start(id) => leading.start_again(id).await,
            LeaderMsg::Drained => leading.complete_if_drained(),
            LeaderMsg::IsDrained(reply) => drop(reply.send(leading.is_drained())),
        }
        leading.show();
        Ok(())
    }
}

impl Leading {
    async fn load(&mut self) {
        if self.plan.is_some() {
            return;
        }
        match self.read().await {
            Ok(Loaded::Ready(plan, open)) => {
                self.parked = None;
                let resumed = open.len();
                if resumed > 0 {
                    let traders = if resumed == 1 { "trader goes" } else { "traders go" };
                    tracing::info!("{}: {resumed} open {traders} on", self.symbol);
                }
                self.plan = Some(plan);
                for record in open {
                    self.start_trader(Slot::new(record)).await;
                }
                self.staff().await;
            }
            Ok(Loaded::WoundUp) => {
                self.wound_up = true;
                self.complete_if_drained();
            }
            Err(error) => {
                let (delay, why) = (self.backoff.next_delay(), causes(&error));
                if self.parked.as_ref() != Some(&why) {
                    tracing::warn!("{} cannot be traded yet, trying again: {why}", self.symbol);
                }
                self.parked = Some(why);
                drop(self.myself.send_after(delay, || LeaderMsg::Load));
            }
        }
    }

    /// New settings over the rules that were loaded; before those are, loading reads the row anyway.
    async fn settings_updated(&mut self, setting: &Setting) {
        let Some(plan) = &mut self.plan else {
            if std::mem::take(&mut self.wound_up) {
                // It may be wanted again, and listed again.
                self.load().await;
            }
            return;
        };
        *plan = Plan::new(setting, plan.mandate.info.clone());
        self.slots.tell_all(&plan.mandate);
        self.staff().await;
    }

    /// Sees to it that somebody trades, or, while draining, that the end is told.
    async fn staff(&mut self) {
        if self.is_draining() {
            self.complete_if_drained();
        } else if self.slots.is_empty() {
            self.start_fresh().await;
        }
    }

    async fn rebuy(&mut self, id: Uuid) -> bool {
        let Some(plan) = &self.plan else {
            return false;
        };
        let symbol = &self.symbol;
        if !self.slots.contains(id) {
            tracing::warn!("{symbol}: a rebuy was offered by a trader that its leader does not know");
            return false;
        }
        if plan.mandate.draining {
            tracing::debug!("{symbol}: draining, no further trader is started");
            return false;
        }
        // `>=`: the chunks may have been lowered while more traders are open.
        if self.slots.len() >= plan.max_traders {
            tracing::debug!("{symbol}: all {} chunks are in use", plan.max_traders);
            return false;
        }
        tracing::info!(
            "{symbol} rebuy: the price has fallen, trader {} starts",
            self.slots.len() + 1
        );
        self.start_fresh().await;
        true
    }

    async fn trader_exited(&mut self, id: Uuid, pid: Pid, reason: &ExitReason) {
        // An exit of an incarnation that has been replaced is old news.
        let Some(mut slot) = self.slots.take_exited(id, pid) else {
            return;
        };
        if slot.status.has_ended() {
            return self.trader_ended(slot).await;
        }
        // Its supervisor has told of the end itself, as an error.
        slot.failed(reason.to_string());
        self.start_later(slot);
    }

    /// A crashed trader, or one that could not be started. Its ledger row knows more than it may have told.
    async fn start_again(&mut self, id: Uuid) {
        let Some(mut slot) = self.slots.take_waiting(id) else {
            return;
        };
        match ledger::find(&self.desk.db, id).await {
            Ok(Some(record)) if record.has_ended() => {
                slot.status = TraderStatus::of(&record, None);
                return self.trader_ended(slot).await;
            }
            Ok(Some(record)) => slot.record = record,
            // Nothing was ever sent in its name.
            Ok(None) if self.is_draining() => return self.complete_if_drained(),
            // It ended before it wrote anything: it starts as it was.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    "{}: the ledger does not answer, trader {id} has to wait: {error}",
                    self.symbol
                );
                return self.start_later(slot);
            }
        }
        if slot.has_failed() {
            let symbol = &self.symbol;
            tracing::info!(%symbol, trader = %id, "{symbol} trader {id} starts again");
        }
        self.start_trader(slot).await;
    }

    /// Replaces a trader that has finished, unless draining.
    async fn trader_ended(&mut self, slot: Slot) {
        if slot.status.is_finished() {
            let profit = &slot.status.realised;
            self.desk.board.cycle_finished(&self.symbol, slot.record.id, profit);
        }
        if self.is_draining() {
            tracing::info!("{}: a trader has ended, {} still open", self.symbol, self.slots.len());
            return self.complete_if_drained();
        }
        let Some(successor) = self.fresh() else {
            return;
        };
        if slot.status.is_finished() {
            self.start_trader(Slot::new(successor)).await;
        } else {
            // It ended without a trade: something takes our orders back, so the next one is in no hurry.
            self.start_later(slot.succeeded_by(successor));
        }
    }

    async fn start_fresh(&mut self) {
        if let Some(record) = self.fresh() {
            self.start_trader(Slot::new(record)).await;
        }
    }

    fn fresh(&self) -> Option<Record> {
        let plan = self.plan.as_ref()?;
        Some(Record::fresh(&self.symbol, plan.mandate.terms.chunk.clone()))
    }

    async fn start_trader(&mut self, slot: Slot) {
        let Some(plan) = &self.plan else {
            return;
        };
        let (desk, leader) = (self.desk.clone(), self.me.clone());
        let (mandate, record) = (Arc::clone(&plan.mandate), slot.record.clone());
        self.desk.board.expect(&self.symbol, &slot.status);
        let assignment = Assignment {
            desk,
            leader,
            mandate,
            record,
        };
        match self.traders.start_child(assignment.spec()).await {
            Ok(trader) => self.employ(slot, &trader),
            Err(error) => {
                tracing::error!("{}: a trader could not be started, trying again: {error}", self.symbol);
                self.start_later(slot);
            }
        }
    }

    fn employ(&mut self, slot: Slot, trader: &ActorRef<TraderMsg>) {
        let (id, pid, leader) = (slot.record.id, trader.pid(), self.me.clone());
        self.slots.running(slot, trader.clone());
        trader.on_exit(move |reason| {
            // Refused only by a leader that is gone, and its traders with it.
            let _ = leader.cast(LeaderMsg::Exited {
                id,
                pid,
                reason: reason.clone(),
            });
        });
    }

    fn start_later(&mut self, slot: Slot) {
        let id = slot.record.id;
        let delay = self.slots.waiting(slot);
        drop(self.myself.send_after(delay, move || LeaderMsg::Start(id)));
    }

    fn is_draining(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.mandate.draining)
    }

    fn is_drained(&self) -> bool {
        self.wound_up || self.is_draining() && self.slots.is_empty()
    }

    /// Tells who can end this tree; again after a while, because it may just be restarting.
    fn complete_if_drained(&self) {
        if self.is_drained() {
            let _ = self.desk.completions.cast(CompletionsMsg::Drained(self.symbol.clone()));
            drop(self.myself.send_after(SAY_AGAIN, || LeaderMsg::Drained));
        }
    }

    /// Brings what the status shows up to date.
    fn show(&self) {
        let board = &self.desk.board;
        board.set_parked(&self.symbol, self.parked.clone());
        // Before the traders are known, the ledger's rows stand there.
        if self.plan.is_some() || self.wound_up {
            board.set_traders(&self.symbol, self.slots.statuses());
        }
    }
}
