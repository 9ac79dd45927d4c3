//! The process of one symbol: a socket, and a loop that never gives up.
//!
//! A lost connection is a state of this process and not its end, so that an outage of the network spends nobody's restart
//! limit.
//! Invariant: between reading a frame and broadcasting its trade there is no `.await`, so a kill at any moment loses no
//! trade that was read.

use super::ledger::{StreamLedger, Verdict};
use super::settings;
use crate::backoff::Backoff;
use crate::exchange::Endpoints;
use crate::exchange::binance::streams::{Frame, TradeSocket};
use crate::exchange::binance::{ConnectLimit, SocketError};
use crate::market::{Symbol, TradeEvent, TradePublisher};
use crate::store::Db;
use hedgehog_core::{ChildSpec, Restart, Task, TaskMsg};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// After a hand-over the old connection counts as read out when it is quiet for this long, or after `HAND_OVER` anyhow.
const QUIET: Duration = Duration::from_millis(250);
const HAND_OVER: Duration = Duration::from_secs(2);

/// What the process needs; made once per start, kept through its restarts.
pub(super) struct Stream {
    pub(super) symbol: Symbol,
    pub(super) endpoints: Endpoints,
    pub(super) connects: Arc<ConnectLimit>,
    pub(super) ledger: Arc<StreamLedger>,
    pub(super) publisher: TradePublisher,
    pub(super) db: Db,
}

/// The child of a symbol. Its start returns before there is a connection. It has nothing to clean up: what must last is in
/// the ledger, so a stop may be brutal.
pub(super) fn spec(stream: Arc<Stream>) -> ChildSpec<TaskMsg> {
    let id = stream.symbol.to_string();
    let run = move || {
        let stream = Arc::clone(&stream);
        async move { stream.run().await }
    };
    Task::spec(id, run).restart(Restart::Permanent)
}

impl Stream {
    /// Returns neither way.
    async fn run(&self) -> Result<(), Infallible> {
        self.ledger.started();
        self.recall().await;
        let mut backoff = Backoff::default();
        loop {
            let ended = match self.connect().await {
                Ok(socket) => {
                    backoff.succeeded();
                    self.read(socket).await
                }
                Err(failed) => failed,
            };
            tracing::warn!("{}: {ended}; reconnecting", self.symbol);
            self.ledger.disconnected(ended.to_string());
            sleep(backoff.next_delay()).await;
            self.ledger.connecting();
        }
    }

    /// Without the last position, a gap since then would go unnoticed; so nothing is read before it is known.
    async fn recall(&self) {
        let mut backoff = Backoff::default();
        while !self.ledger.is_recalled() {
            match settings::recall(&self.db, &self.symbol).await {
                Ok(recollection) => self.ledger.recall(recollection),
                Err(error) => {
                    tracing::warn!("{}: its position could not be read, trying again: {error}", self.symbol);
                    sleep(backoff.next_delay()).await;
                }
            }
        }
    }

    async fn connect(&self) -> Result<TradeSocket, SocketError> {
        self.connects.admit().await;
        let socket = TradeSocket::connect(&self.endpoints, &self.symbol).await?;
        let again = if self.ledger.connected() { " again" } else { "" };
        tracing::info!("{} connected{again}", self.symbol);
        Ok(socket)
    }

    /// Reads until there is no more to read.
    async fn read(&self, mut socket: TradeSocket) -> SocketError {
        loop {
            match socket.next().await {
                Ok(Frame::ServerShutdown) => match self.hand_over(socket).await {
                    Ok(successor) => socket = successor,
                    Err(ended) => return ended,
                },
                Ok(frame) => self.take(frame),
                Err(ended) => return ended,
            }
            // A full socket would keep this thread for as long as it stays full.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// The server is about to go: opens the new connection first, then reads the old one out. What both of them deliver
    /// is told apart by its id.
    async fn hand_over(&self, mut old: TradeSocket) -> Result<TradeSocket, SocketError> {
        tracing::info!(
            "{}: the server announces a restart; moving to a new connection",
            self.symbol
        );
        let connecting = self.connect();
        tokio::pin!(connecting);
        let new = loop {
            tokio::select! {
                biased;
                new = &mut connecting => match new {
                    Ok(new) => break new,
                    // As long as the old connection delivers, it is better than none.
                    Err(failed) => {
                        tracing::warn!("{}: {failed}; staying for as long as it lasts", self.symbol);
                        return Err(self.read_out(old).await);
                    }
                },
                frame = old.next() => match frame {
                    Ok(frame) => self.take(frame),
                    Err(_) => return connecting.await,
                },
            }
        };
        let deadline = Instant::now() + HAND_OVER;
        let left_over = async {
            while let Ok(Ok(frame)) = timeout(QUIET, old.next()).await {
                self.take(frame);
            }
        };
        // Out of time: what is left in the old connection comes on the new one too, or shows as a gap.
        let _ = timeout_at(deadline, left_over).await;
        Ok(new)
    }

    async fn read_out(&self, mut socket: TradeSocket) -> SocketError {
        loop {
            match socket.next().await {
                Ok(frame) => self.take(frame),
                Err(ended) => return ended,
            }
        }
    }

    fn take(&self, frame: Frame) {
        match frame {
            Frame::Trade(trade) if trade.symbol == self.symbol => self.publish(trade),
            Frame::Trade(trade) => self.pass_over(&format!("a trade of {}", trade.symbol)),
            Frame::Unknown(what) => self.pass_over(&what),
            Frame::OtherTrade { symbol, trade_id } => {
                self.pass_over(&format!("trade {trade_id} of {symbol} is none of the market"));
            }
            Frame::Control | Frame::ServerShutdown => tracing::debug!("{}: {frame:?}", self.symbol),
            Frame::Malformed(why) => match self.ledger.malformed_frame() {
                1 => tracing::warn!(
                    "{}: a frame could not be read (later ones are only counted): {why}",
                    self.symbol
                ),
                count => tracing::debug!("{}: a frame could not be read ({count} so far): {why}", self.symbol),
            },
        }
    }

    fn publish(&self, trade: TradeEvent) {
        match self.ledger.trade(&trade) {
            Verdict::Duplicate => return,
            Verdict::Fresh => {}
            Verdict::After(found) => {
                let (gap, cause) = (&found.gap, found.cause.as_str());
                let (first, last) = (gap.first_missing_id, gap.last_missing_id);
                tracing::warn!(
                    "{} gap: {} missing, trade ids {first} to {last} ({cause})",
                    self.symbol,
                    gap.missing()
                );
            }
        }
        tracing::debug!("Trade event received {}@{}", trade.symbol, trade.price);
        self.publisher.publish(trade);
    }

    fn pass_over(&self, what: &str) {
        let count = self.ledger.unknown_frame();
        tracing::debug!("{}: not a trade, passed over ({count} so far): {what}", self.symbol);
    }
}
