//! The half of an exchange that everybody may read.

use super::{ExchangeError, SocketError, TradeSocket};
use crate::market::{ExchangeInfo, Symbol};
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Rules and trades of one exchange.
pub trait MarketData: Send + Sync + fmt::Debug + 'static {
    /// Every symbol with its filters. Cached: the answer weighs megabytes, and every leader asks for it.
    fn exchange_info(&self) -> BoxFuture<'_, Result<Arc<ExchangeInfo>, ExchangeError>>;

    /// Opens a connection to trade streams, as soon as the exchange's limit of new connections allows one more.
    ///
    /// # Errors
    /// [`SocketError::NotFound`] where the exchange has no connection for many symbols.
    fn connect<'a>(&'a self, demand: &'a dyn Demand) -> BoxFuture<'a, Result<Box<dyn TradeSocket>, SocketError>>;
}

/// Who wants a connection.
pub trait Demand: Sync {
    /// What it is to carry. Asked when it may be opened: until then other symbols may be wanted.
    fn streams(&self) -> TradeStreams;

    /// It may not be opened yet, for this reason.
    fn waits(&self, why: &str);
}

/// What a connection carries from its handshake on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TradeStreams {
    /// The trades of one symbol, and never of another.
    One(Symbol),
    /// The trades of these; further ones can be asked for.
    Many(Vec<Symbol>),
}
