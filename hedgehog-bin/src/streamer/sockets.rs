//! The connections that the streams share: each carries the trades of up to 200 symbols, so that a drop costs one connection and not
//! one for each symbol, and the exchange's limits are far away.
//!
//! A stream's process registers an [`Interest`] and withdraws it by dropping it. The sockets are processes of their own (`Sockets/1`, …),
//! started when the first interest needs them; the interests belong to the app, so that a killed socket comes back with all of
//! them. Where the exchange knows no combined streams, a socket opens one connection per symbol instead.
//! Invariant: a symbol is carried by one socket at most, and only while its interest lasts.

mod connection;
mod serving;

use super::ledger::StreamLedger;
use crate::exchange::MarketData;
use crate::market::Symbol;
use hedgehog_core::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef, Name, NoProc, Restart, StartError, Task,
};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// The exchange allows 1024 streams per connection (web-socket-streams, "Websocket Limits"); a drop should not cost all symbols.
const SYMBOLS_PER_SOCKET: usize = 200;

/// The sockets, as the streams know them.
pub(super) struct Sockets {
    exchange: Arc<dyn MarketData>,
    supervisor: Name<DynamicSupervisorMsg>,
    lanes: Mutex<Vec<Arc<Lane>>>,
    /// The exchange has refused a combined stream.
    raw_only: AtomicBool,
    /// Held while a socket is started: none is started twice.
    starting: tokio::sync::Mutex<()>,
}

/// What one socket has to carry.
struct Lane {
    number: usize,
    wanted: Mutex<BTreeMap<Symbol, Arc<Wish>>>,
    changed: Notify,
}

/// A symbol whose trades somebody wants.
struct Wish {
    ledger: Arc<StreamLedger>,
    lasts: AtomicBool,
    ended: Notify,
}

/// Makes a socket carry a symbol until it is dropped.
#[must_use = "trades come for as long as it is held"]
pub(super) struct Interest {
    wish: Arc<Wish>,
    lane: Arc<Lane>,
}

impl Sockets {
    pub(super) fn new(exchange: Arc<dyn MarketData>) -> Self {
        Self {
            exchange,
            supervisor: Name::new("Streamer.Sockets"),
            lanes: Mutex::default(),
            raw_only: AtomicBool::new(false),
            starting: tokio::sync::Mutex::new(()),
        }
    }

    /// The supervisor of the sockets.
    pub(super) fn spec(&self, id: &'static str) -> ChildSpec<DynamicSupervisorMsg> {
        DynamicSupervisor::spec(id, DynamicSupervisor::new).name(&self.supervisor)
    }

    /// Has a symbol carried.
    pub(super) async fn carry(self: &Arc<Self>, ledger: &Arc<StreamLedger>) -> Result<Interest, StartError> {
        let interest = self.register(ledger);
        self.start(&interest.lane).await?;
        Ok(interest)
    }

    fn register(&self, ledger: &Arc<StreamLedger>) -> Interest {
        let mut lanes = self.lanes.lock();
        let has_room = |lane: &&Arc<Lane>| lane.wanted.lock().len() < SYMBOLS_PER_SOCKET;
        let lane = lanes.iter().find(has_room).cloned().unwrap_or_else(|| {
            let lane = Arc::new(Lane {
                number: lanes.len() + 1,
                wanted: Mutex::default(),
                changed: Notify::new(),
            });
            lanes.push(Arc::clone(&lane));
            lane
        });
        let wish = Arc::new(Wish {
            ledger: Arc::clone(ledger),
            lasts: AtomicBool::new(true),
            ended: Notify::new(),
        });
        lane.wanted.lock().insert(ledger.symbol.clone(), Arc::clone(&wish));
        lane.changed.notify_one();
        Interest { wish, lane }
    }

    /// The socket's process, unless it exists: one that is being restarted does.
    async fn start(self: &Arc<Self>, lane: &Arc<Lane>) -> Result<(), StartError> {
        let _starting = self.starting.lock().await;
        let supervisor = DynamicSupervisorRef::from(&self.supervisor);
        let children = supervisor.which_children().await.map_err(|NoProc| StartError::NoProc)?;
        let id = lane.number.to_string();
        if children.iter().any(|child| *child.id == *id) {
            return Ok(());
        }
        let (sockets, lane) = (Arc::clone(self), Arc::clone(lane));
        let run = move || {
            let (sockets, lane) = (Arc::clone(&sockets), Arc::clone(&lane));
            async move { sockets.serve_lane(&lane).await }
        };
        supervisor
            .start_child(Task::spec(id, run).restart(Restart::Permanent))
            .await
            .map(|_| ())
    }
}

impl Lane {
    fn wishes(&self) -> Vec<Arc<Wish>> {
        self.wanted.lock().values().cloned().collect()
    }
}

impl Wish {
    fn lasts(&self) -> bool {
        self.lasts.load(Ordering::Acquire)
    }

    fn symbol(&self) -> &Symbol {
        &self.ledger.symbol
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.wish.lasts.store(false, Ordering::Release);
        self.wish.ended.notify_one();
        let mut wanted = self.lane.wanted.lock();
        // A successor may have registered already.
        if wanted
            .get(self.wish.symbol())
            .is_some_and(|wish| Arc::ptr_eq(wish, &self.wish))
        {
            wanted.remove(self.wish.symbol());
        }
        drop(wanted);
        self.lane.changed.notify_one();
    }
}
