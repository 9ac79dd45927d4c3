//! The exchange as the apps see it: a trait for orders and rules, and the sockets that carry trades and executions.
//!
//! There is one code path. [`binance`] speaks HTTP and WebSocket to a base address; [`simulator`] is a server that
//! speaks the same protocol on a loopback port; testnet and the live exchange are other addresses.

mod address;
pub mod binance;
mod endpoints;
pub mod simulator;

pub(crate) use crate::market::milliseconds;
pub use address::{Address, AddressError};
pub use endpoints::{Addresses, Credentials, Endpoints};

use crate::market::{ExchangeInfo, FilterViolation, Order, Price, Quantity, Side, Symbol};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Orders and rules of one account on one exchange.
pub trait Exchange: Send + Sync + fmt::Debug + 'static {
    /// Every symbol with its filters. Cached: the answer weighs megabytes, and every leader asks for it.
    fn exchange_info(&self) -> BoxFuture<'_, Result<Arc<ExchangeInfo>, ExchangeError>>;

    /// Places a limit order, good till cancelled (`POST /api/v3/order`).
    fn place<'a>(&'a self, order: &'a NewOrder) -> BoxFuture<'a, Submission>;

    /// Asks what became of an order (`GET /api/v3/order`); `None` when the exchange knows no such order.
    fn order<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>>;

    /// Cancels an order (`DELETE /api/v3/order`) and returns its last state; `None` when it is not open any more.
    fn cancel<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>>;

    /// Every open order of the account on a symbol (`GET /api/v3/openOrders`).
    fn open_orders<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<Vec<Order>, ExchangeError>>;

    /// What the account holds, assets of which it has nothing left out (`GET /api/v3/account`).
    fn balances(&self) -> BoxFuture<'_, Result<Vec<AssetBalance>, ExchangeError>>;
}

/// What an account holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetBalance {
    /// Its name at the exchange.
    pub asset: String,
    /// To be spent.
    pub free: Quantity,
    /// Bound by open orders.
    pub locked: Quantity,
}

/// A limit order to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The pair.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// A multiple of the tick size.
    pub price: Price,
    /// In the base asset, a multiple of the step size.
    pub quantity: Quantity,
    /// Ours: unique among open orders, at most 36 characters of `[A-Za-z0-9-_]`. The order can be found by it even when
    /// the answer to its placement was lost.
    pub client_order_id: String,
}

/// How an order is named in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderKey {
    /// The exchange's id, unique per symbol.
    Id(i64),
    /// Ours (`origClientOrderId`).
    Client(String),
}

/// The three outcomes that placing an order really has.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per placed order: a box would cost more than it saves"
)]
pub enum Submission {
    /// The engine has it. A marketable order may already be filled.
    Accepted(Order),
    /// The engine never had it, and never will.
    Rejected(ExchangeError),
    /// It may have reached the engine (a lost answer, a timeout, HTTP 5xx, −1006, −1007): query it, never resend.
    Unknown(ExchangeError),
}

/// Why the exchange did not do what was asked. Never carries a key or a signature.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The exchange answered with one of its error codes (errors.md).
    #[error("the exchange answered {code}: {message}")]
    Api {
        /// Negative and stable, such as −2010.
        code: i32,
        /// The exchange's text; varies.
        message: String,
    },
    /// The order breaks a filter; it was not sent.
    #[error("filter failure: {0}")]
    Filter(#[from] FilterViolation),
    /// Too many requests (HTTP 429 or 418): ask nothing before the time is over.
    #[error("rate limit reached, retry after {}s", retry_after.as_secs())]
    RateLimited {
        /// The exchange's `Retry-After`, or a cautious guess.
        retry_after: Duration,
    },
    /// No connection, or it broke, or the answer did not come in time.
    #[error("{doing}: {source}")]
    Transport {
        /// What was being done, and to which address.
        doing: String,
        /// What the network said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// HTTP 5xx: the outcome is unknown.
    #[error("the exchange answered HTTP {status}")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// An answer that the documentation does not allow.
    #[error("unreadable answer to {doing}: {detail}")]
    Protocol {
        /// What was being done.
        doing: String,
        /// What was wrong with the answer, shortened.
        detail: String,
    },
    /// The exchange lists no such symbol.
    #[error("the exchange does not list {0}")]
    UnknownSymbol(Symbol),
}

impl ExchangeError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Transport { .. } | Self::Server { .. } => true,
            Self::Api { code, .. } => matches!(code, -1000 | -1001 | -1003 | -1006 | -1007 | -1008 | -1015 | -1021),
            Self::Filter(_) | Self::Protocol { .. } | Self::UnknownSymbol(_) => false,
        }
    }
}
