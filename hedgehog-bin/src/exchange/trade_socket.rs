//! A connection that brings trades, whichever exchange is at its other end.

use super::{Frame, SocketError};
use crate::market::Symbol;
use futures_util::future::BoxFuture;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// A connection to trade streams. What keeps it alive, such as answers to pings, happens while it is read.
pub trait TradeSocket: Send + fmt::Debug {
    /// Whether a symbol's trades are asked for on this connection.
    fn carries(&self, symbol: &Symbol) -> bool;

    /// What [`next`](#method.next) waits for. It polls, because a boxed future would be one allocation per trade.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, SocketError>>;

    /// Asks for the trades of these symbols too; the id of the request.
    fn subscribe<'a>(&'a mut self, symbols: &'a [Symbol]) -> BoxFuture<'a, Result<u64, SocketError>>;

    /// Gives the trades of these symbols up; the id of the request.
    fn unsubscribe<'a>(&'a mut self, symbols: &'a [Symbol]) -> BoxFuture<'a, Result<u64, SocketError>>;
}

impl dyn TradeSocket {
    /// What comes next, or why there will be nothing: a goodbye, a break, or silence for longer than the exchange is ever silent.
    ///
    /// # Cancel safety
    /// Dropping the future loses no frame.
    pub async fn next(&mut self) -> Result<Heard, SocketError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A frame, and whose stream it came on where that is known.
    Frame(Option<Symbol>, Frame),
    /// The answer to a request.
    Answer {
        /// The request's.
        id: u64,
        /// `None`: it is done.
        refusal: Option<String>,
    },
}
