//! The traders a leader is responsible for: running, or waiting to be started.

use crate::backoff::Backoff;
use crate::naive::ledger::Record;
use crate::naive::messages::{Mandate, TraderMsg};
use crate::naive::status::TraderStatus;
use hedgehog_core::{ActorRef, Pid};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// One trader, whether or not a process is behind it at the moment.
pub(super) struct Slot {
    /// What its next incarnation starts with.
    pub(super) record: Record,
    /// What it last told.
    pub(super) status: TraderStatus,
    trader: Option<ActorRef<TraderMsg>>,
    backoff: Backoff,
    /// How often its trader ended before its time, and how it did last.
    restarts: u64,
    last_exit: Option<String>,
}

impl Slot {
    pub(super) fn new(record: Record) -> Self {
        let status = TraderStatus::of(&record, None);
        Self {
            record,
            status,
            trader: None,
            backoff: Backoff::default(),
            restarts: 0,
            last_exit: None,
        }
    }

    /// Its trader ended before its time.
    pub(super) fn failed(&mut self, reason: String) {
        self.restarts += 1;
        self.last_exit = Some(reason);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.restarts > 0
    }

    /// The same slot with another trader in it: how long the next start waits is handed on.
    pub(super) fn succeeded_by(self, record: Record) -> Self {
        Self {
            backoff: self.backoff,
            ..Self::new(record)
        }
    }
}

/// Every slot of a leader, oldest trader first.
#[derive(Default)]
pub(super) struct Slots(Vec<Slot>);

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.0.iter().any(|slot| slot.record.id == id)
    }

    pub(super) fn statuses(&self) -> Vec<TraderStatus> {
        let status = |slot: &Slot| TraderStatus {
            restarts: slot.restarts,
            last_exit: slot.last_exit.clone(),
            ..slot.status.clone()
        };
        self.0.iter().map(status).collect()
    }

    pub(super) fn told(&mut self, status: TraderStatus) {
        if let Some(slot) = self.0.iter_mut().find(|slot| slot.record.id == status.id) {
            slot.status = status;
        }
    }

    pub(super) fn tell_all(&self, mandate: &Arc<Mandate>) {
        for trader in self.0.iter().filter_map(|slot| slot.trader.as_ref()) {
            // One that has just ended hears of the mandate when it is started again.
            let _ = trader.cast(TraderMsg::Mandate(Arc::clone(mandate)));
        }
    }

    pub(super) fn running(&mut self, mut slot: Slot, trader: ActorRef<TraderMsg>) {
        slot.trader = Some(trader);
        slot.backoff.succeeded();
        self.insert(slot);
    }

    /// Keeps the slot for a later start; how long until then.
    pub(super) fn waiting(&mut self, mut slot: Slot) -> Duration {
        slot.trader = None;
        let delay = slot.backoff.next_delay();
        self.insert(slot);
        delay
    }

    /// The slot whose present incarnation has just ended.
    pub(super) fn take_exited(&mut self, id: Uuid, pid: Pid) -> Option<Slot> {
        self.take(|slot| slot.record.id == id && slot.trader.as_ref().is_some_and(|trader| trader.pid() == pid))
    }

    /// The slot, if it waits for its start.
    pub(super) fn take_waiting(&mut self, id: Uuid) -> Option<Slot> {
        self.take(|slot| slot.record.id == id && slot.trader.is_none())
    }

    fn take(&mut self, wanted: impl Fn(&Slot) -> bool) -> Option<Slot> {
        let index = self.0.iter().position(wanted)?;
        Some(self.0.remove(index))
    }

    /// Ids are ordered by time, so that a trader keeps its place over its restarts.
    fn insert(&mut self, slot: Slot) {
        let index = self.0.partition_point(|other| other.record.id < slot.record.id);
        self.0.insert(index, slot);
    }
}
