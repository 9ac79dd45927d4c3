//! A loop that never gives up: connects, reads to the end, waits its turn, and connects again.
//!
//! A lost connection is a state of the socket's process and not its end, so that an outage of the network spends nobody's
//! restart limit.

use super::connection::{Connection, Ended};
use super::{Lane, Sockets, Wish};
use crate::backoff::Backoff;
use crate::causes::causes;
use crate::exchange::{Demand, SocketError, TradeSocket, TradeStreams};
use crate::market::Symbol;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// Streams are switched on one after the other: the first connection waits so long for more of them.
const GATHER: Duration = Duration::from_millis(25);

/// Whose connection it is.
#[derive(Clone)]
pub(super) enum Source {
    /// All that a socket has to carry.
    Lane(Arc<Lane>),
    /// One symbol, where the exchange knows raw streams only.
    One(Arc<Wish>),
}

impl Sockets {
    /// Returns neither way.
    pub(super) async fn serve_lane(&self, lane: &Arc<Lane>) -> Result<(), Infallible> {
        for wish in lane.wishes() {
            wish.ledger.connecting();
        }
        loop {
            if lane.wishes().is_empty() {
                lane.changed.notified().await;
                continue;
            }
            sleep(GATHER).await;
            if self.raw_only.load(Ordering::Relaxed) {
                self.serve_each(lane).await;
            } else {
                self.serve(&Source::Lane(Arc::clone(lane))).await;
            }
        }
    }

    /// One connection per symbol, until none is wanted.
    async fn serve_each(&self, lane: &Lane) {
        let mut running = FuturesUnordered::new();
        let mut served: Vec<Arc<Wish>> = Vec::new();
        loop {
            served.retain(|wish| wish.lasts());
            for wish in lane.wishes() {
                if !served.iter().any(|known| Arc::ptr_eq(known, &wish)) {
                    served.push(Arc::clone(&wish));
                    running.push(async move { self.serve(&Source::One(wish)).await });
                }
            }
            if running.is_empty() {
                return;
            }
            tokio::select! {
                _ = running.next() => {}
                () = lane.changed.notified() => {}
            }
        }
    }

    /// Returns when nothing is wanted any more, or when combined streams turn out to be unknown.
    async fn serve(&self, source: &Source) {
        let mut backoff = Backoff::default();
        loop {
            if source.wishes().is_empty() {
                return;
            }
            let ended = match self.connect(source).await {
                Ok(socket) => {
                    backoff.succeeded();
                    Connection::new(self, source, socket).read().await
                }
                Err(failed) => Ended::Failed(failed),
            };
            let why = match ended {
                Ended::Unwanted => return,
                Ended::Failed(SocketError::NotFound { .. }) if matches!(source, Source::Lane(_)) => {
                    tracing::info!("the exchange knows no combined streams: one connection per symbol");
                    self.raw_only.store(true, Ordering::Relaxed);
                    return;
                }
                Ended::Failed(why) => causes(&why),
            };
            let wishes = source.wishes();
            tracing::warn!(
                "{}: {why}; reconnecting",
                label(wishes.iter().map(|wish| wish.symbol()))
            );
            for wish in &wishes {
                wish.ledger.disconnected(why.clone());
            }
            tokio::select! {
                () = sleep(backoff.next_delay()) => {}
                () = source.unwanted() => return,
            }
            for wish in source.wishes() {
                wish.ledger.connecting();
            }
        }
    }

    /// A connection that carries all streams that are wanted.
    pub(super) async fn connect(&self, source: &Source) -> Result<Box<dyn TradeSocket>, SocketError> {
        self.exchange.connect(source).await
    }
}

impl Demand for Source {
    fn streams(&self) -> TradeStreams {
        match self {
            Self::One(wish) => TradeStreams::One(wish.symbol().clone()),
            Self::Lane(lane) => TradeStreams::Many(lane.wanted.lock().keys().cloned().collect()),
        }
    }

    fn waits(&self, why: &str) {
        for wish in self.wishes() {
            wish.ledger.waiting(why);
        }
    }
}

impl Source {
    pub(super) fn wishes(&self) -> Vec<Arc<Wish>> {
        match self {
            Self::Lane(lane) => lane.wishes(),
            Self::One(wish) if wish.lasts() => vec![Arc::clone(wish)],
            Self::One(_) => Vec::new(),
        }
    }

    /// Returns when the wishes may have changed.
    pub(super) async fn changed(&self) {
        match self {
            Self::Lane(lane) => lane.changed.notified().await,
            Self::One(wish) => wish.ended.notified().await,
        }
    }

    async fn unwanted(&self) {
        while !self.wishes().is_empty() {
            self.changed().await;
        }
    }
}

/// How several symbols stand in a line of the log.
pub(super) fn label<'a>(symbols: impl ExactSizeIterator<Item = &'a Symbol>) -> String {
    let mut symbols = symbols;
    match (symbols.len(), symbols.next()) {
        (1, Some(symbol)) => symbol.to_string(),
        (count, _) => format!("{count} streams"),
    }
}
