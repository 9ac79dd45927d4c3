//! What the simulator's process is asked, and what it sends to those who listen.

use crate::exchange::OrderKey;
use crate::exchange::simulator::account::Balance;
use crate::exchange::simulator::engine::Placement;
use crate::exchange::simulator::market::MarketTrade;
use crate::exchange::simulator::refusal::Refusal;
use crate::market::{Order, Symbol};
use hedgehog_core::RpcReplyPort;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// An answer to a request.
pub(in crate::exchange::simulator) type Reply<T> = RpcReplyPort<Result<T, Refusal>>;

/// What the process is asked to do.
pub(in crate::exchange::simulator) enum Request {
    /// Trades are due, or may be: the market opened, a subscriber came or has room again.
    Play,
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
        symbol: Symbol,
        subscriber: Subscriber,
    },
    Unsubscribe {
        symbol: Symbol,
        connection: u64,
    },
    /// The client has read everything up to here; said where the market waits for it.
    Read {
        symbol: Symbol,
        connection: u64,
        played_to: usize,
    },
    /// Events of the account, from now on.
    SubscribeAccount {
        events: mpsc::UnboundedSender<Arc<str>>,
        reply: Reply<()>,
    },
}

/// A connection that wants the trades of a symbol.
#[derive(Clone)]
pub(in crate::exchange::simulator) struct Subscriber {
    pub(in crate::exchange::simulator) connection: u64,
    pub(in crate::exchange::simulator) trades: mpsc::Sender<Trades>,
    /// Rung when the market does not wait and the connection has fallen behind.
    pub(in crate::exchange::simulator) too_slow: Arc<Notify>,
}

/// Some trades of one symbol, in order.
#[derive(Clone)]
pub(in crate::exchange::simulator) struct Trades {
    pub(in crate::exchange::simulator) symbol: Symbol,
    pub(in crate::exchange::simulator) list: Arc<[MarketTrade]>,
    /// What to say in [`Request::Read`] when they are read; `None` where nobody waits for that.
    pub(in crate::exchange::simulator) read_as: Option<usize>,
}
