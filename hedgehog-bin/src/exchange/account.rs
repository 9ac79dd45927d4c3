//! The half of an exchange that knows whose orders they are.

use super::{AssetBalance, ExchangeError, NewOrder, OrderKey, Submission, UserDataEvent};
use crate::market::{Order, Symbol};
use futures_util::future::BoxFuture;
use std::convert::Infallible;
use std::fmt;

/// Orders of one account on one exchange, and what becomes of them.
pub trait Account: Send + Sync + fmt::Debug + 'static {
    /// Places a limit order, good till cancelled.
    fn place<'a>(&'a self, order: &'a NewOrder) -> BoxFuture<'a, Submission>;

    /// Asks what became of an order; `None` when the exchange knows no such order.
    fn order<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>>;

    /// Cancels an order and returns its last state; `None` when it is not open any more.
    fn cancel<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>>;

    /// Every open order of the account on a symbol.
    fn open_orders<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<Vec<Order>, ExchangeError>>;

    /// What the account holds, assets of which it has nothing left out.
    fn balances(&self) -> BoxFuture<'_, Result<Vec<AssetBalance>, ExchangeError>>;

    /// Listens to what becomes of the account's orders, for ever: connects, and does so again with a back-off whenever that ends.
    ///
    /// Nothing is delivered while there is no connection, and nothing is repeated after it. So every (re)connection is told
    /// first, and whoever listens then asks for the open orders; a report that came in between is only told twice. `on_event` is
    /// called in order and must not block.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection. Events already told are not told again by a later call, except through the
    /// query that [`UserDataEvent::Connected`] asks for.
    fn executions<'a>(&'a self, on_event: Box<dyn FnMut(UserDataEvent) + Send + 'a>) -> BoxFuture<'a, Infallible>;
}
