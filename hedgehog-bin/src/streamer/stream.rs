//! The process of one symbol: has its trades carried for as long as it lives.
//!
//! What reads and broadcasts them is a socket, which it shares with other symbols (see `sockets`).

use super::ledger::StreamLedger;
use super::settings;
use super::sockets::Sockets;
use crate::backoff::Backoff;
use crate::causes::causes;
use crate::market::Symbol;
use crate::store::Db;
use hedgehog_core::{ChildSpec, Restart, Task, TaskMsg};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::sleep;

/// What the process needs; made once per start, kept through its restarts.
pub(super) struct Stream {
    pub(super) symbol: Symbol,
    pub(super) ledger: Arc<StreamLedger>,
    pub(super) sockets: Arc<Sockets>,
    /// `true` once trades may come: whoever stores them listens.
    pub(super) gate: Option<watch::Receiver<bool>>,
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
        self.pass_gate().await;
        let mut backoff = Backoff::default();
        loop {
            match self.sockets.carry(&self.ledger).await {
                // Held until this process ends.
                Ok(_interest) => return std::future::pending().await,
                Err(error) => {
                    tracing::debug!("{}: no socket yet: {}", self.symbol, causes(&error));
                    sleep(backoff.next_delay()).await;
                }
            }
        }
    }

    /// Without the last position, a gap since then would go unnoticed; so nothing is read before it is known.
    async fn recall(&self) {
        let mut backoff = Backoff::default();
        while !self.ledger.is_recalled() {
            match settings::recall(&self.db, &self.symbol).await {
                Ok(recollection) => self.ledger.recall(&recollection),
                Err(error) => {
                    let why = causes(&error);
                    tracing::warn!("{}: its position could not be read, trying again: {why}", self.symbol);
                    self.ledger
                        .disconnected(format!("its position could not be read: {why}"));
                    sleep(backoff.next_delay()).await;
                }
            }
        }
    }

    async fn pass_gate(&self) {
        let Some(mut gate) = self.gate.clone() else { return };
        if !*gate.borrow() {
            self.ledger.waiting("the warehouse does not listen yet");
            // An error would mean that nobody opens it any more.
            let _ = gate.wait_for(|open| *open).await;
            self.ledger.started();
        }
    }
}
