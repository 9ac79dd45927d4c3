//! What the simulator's process is asked, and what it sends to those who listen.

use crate::exchange::OrderKey;
use crate::exchange::simulator::account::Balance;
use crate::exchange::simulator::engine::Placement;
use crate::exchange::simulator::market::MarketTrade;
use crate::exchange::simulator::refusal::Refusal;
use crate::market::{Order, Symbol};
use hedgehog_core::RpcReplyPort;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use tokio::sync::{Notify, mpsc};

/// An answer to a request.
pub(in crate::exchange::simulator) type Reply<T> = RpcReplyPort<Result<T, Refusal>>;

/// What the process is asked to do.
pub(in crate::exchange::simulator) enum Request {
    /// Read back what is stored: the first try failed.
    Load,
    /// Trades are due, or may be: the market opened, or a time has come.
    Play,
    /// A connection that was full has room again.
    Room,
    /// Write the positions.
    Save,
    Place(Placement, Reply<Order>),
    Cancel {
        symbol: Symbol,
        key: OrderKey,
        cancel_id: String,
        reply: Reply<Order>,
    },
    Order {
        symbol: Symbol,
        key: OrderKey,
        reply: Reply<Order>,
    },
    OpenOrders {
        symbol: Option<Symbol>,
        reply: Reply<Vec<Order>>,
    },
    Balances(Reply<Vec<(String, Balance)>>),
    History {
        symbol: Symbol,
        from_id: Option<i64>,
        limit: usize,
        reply: Reply<Vec<MarketTrade>>,
    },
    Subscribe {
        symbols: Vec<Symbol>,
        subscriber: Subscriber,
    },
    Unsubscribe {
        symbols: Vec<Symbol>,
        connection: u64,
    },
    /// The client has read everything up to here; said where that is asked for.
    Read {
        symbol: Symbol,
        connection: u64,
        place: i64,
    },
    /// Events of the account, from now on.
    SubscribeAccount {
        events: mpsc::UnboundedSender<Arc<str>>,
        reply: Reply<()>,
    },
}

/// A connection that wants the trades of some symbols.
#[derive(Clone)]
pub(in crate::exchange::simulator) struct Subscriber {
    pub(in crate::exchange::simulator) connection: u64,
    /// Bounded by `waiting`.
    pub(in crate::exchange::simulator) trades: mpsc::UnboundedSender<Trades>,
    pub(in crate::exchange::simulator) waiting: Arc<Waiting>,
    /// Rung when the market does not wait and the connection has fallen behind.
    pub(in crate::exchange::simulator) too_slow: Arc<Notify>,
}

/// What waits for one connection. It counts trades and not batches: one connection may carry the batches of a thousand symbols.
#[derive(Debug, Default)]
pub(in crate::exchange::simulator) struct Waiting {
    trades: AtomicUsize,
    /// The market waits for room.
    wanted: AtomicBool,
}

impl Waiting {
    /// Whether there is room below `limit`. Without it the connection will tell when half of it is free.
    pub(super) fn has_room(&self, limit: usize) -> bool {
        if self.trades.load(SeqCst) < limit {
            return true;
        }
        self.wanted.store(true, SeqCst);
        // The connection may have read everything just before it could know.
        self.trades.load(SeqCst) < limit
    }

    pub(super) fn add(&self, trades: usize) {
        self.trades.fetch_add(trades, SeqCst);
    }

    /// Some were sent. True when the market waits for that, once.
    pub(in crate::exchange::simulator) fn sent(&self, trades: usize) -> bool {
        let left = self.trades.fetch_sub(trades, SeqCst) - trades;
        left < PATIENT_ROOM / 2 && self.wanted.swap(false, SeqCst)
    }
}

/// So many trades may wait for a connection where the market waits for it.
pub(super) const PATIENT_ROOM: usize = 4_096;
/// Where it does not wait, a connection that lets more gather is cut.
pub(super) const IMPATIENT_ROOM: usize = 65_536;

/// Some trades of one symbol, in order.
#[derive(Clone)]
pub(in crate::exchange::simulator) struct Trades {
    pub(in crate::exchange::simulator) symbol: Symbol,
    pub(in crate::exchange::simulator) list: Arc<[MarketTrade]>,
    /// What to say in [`Request::Read`] when they are read; `None` where nobody asks for that.
    pub(in crate::exchange::simulator) read_as: Option<i64>,
}
