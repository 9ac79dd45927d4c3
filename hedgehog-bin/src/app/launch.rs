//! From a started tree to its work: what the settings rows ask for, what the command line adds, and only then the market.
//!
//! Invariant: what cannot be turned on yet (an exchange that does not answer, a locked database) waits and is tried again; it
//! ends nothing. Only a symbol that does not exist is refused.

use super::{RequestError, System, SystemStatus};
use crate::backoff::Backoff;
use crate::causes::on_one_line;
use crate::market::{Stream, Symbol};
use crate::operation::OperationError;
use hedgehog_core::RunningApplication;
use tokio::time::sleep;

/// What a launch has come to.
pub struct Launched {
    /// What the settings rows had turned on before anything was added.
    pub before: SystemStatus,
    /// What could not be turned on yet: for [`System::turn_on_later`].
    pub waiting: Vec<Symbol>,
}

impl System {
    /// Brings a started tree to its work: waits for what the settings rows start, gives every listed symbol its rows, turns
    /// `start` on, and opens the market for what is streamed.
    ///
    /// # Errors
    /// A symbol that the exchange does not list; then nothing of `start` is on.
    pub async fn launch(&self, running: &RunningApplication, start: &[Symbol]) -> Result<Launched, RequestError> {
        self.0.held.lock().root = Some(running.root().clone());
        if let Some(warehouse) = &self.0.warehouse {
            warehouse.autostarted().await;
        }
        if let Some(naive) = &self.0.naive {
            naive.autostarted().await;
        }
        if let Some(streamer) = &self.0.streamer {
            streamer.autostarted().await;
        }
        let before = self.status().await;
        let seeded = self.seed().await;
        match &seeded {
            Ok(seeded) => tracing::debug!("{seeded}"),
            // Known symbols work without it.
            Err(error) => tracing::warn!("the exchange's symbols are not known yet: {}", on_one_line(error)),
        }
        self.announce_seeded();
        self.check_symbols(start).await?;
        let mut waiting = Vec::new();
        for symbol in start {
            match self.turn_on(symbol).await {
                Ok(()) => {}
                Err(error) if seeded.is_err() || may_pass(&error) => {
                    tracing::warn!("{symbol} waits, trying again: {}", on_one_line(&error));
                    waiting.push(symbol.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.open_market_for_streams().await;
        Ok(Launched { before, waiting })
    }

    /// Turns on what a launch could not, as soon as it can be: returns when all of it is on, or does not exist.
    pub async fn turn_on_later(&self, mut waiting: Vec<Symbol>) {
        let mut backoff = Backoff::default();
        while !waiting.is_empty() {
            sleep(backoff.next_delay()).await;
            if let Err(error) = self.seed().await {
                tracing::debug!("the exchange's symbols are not known yet: {}", on_one_line(&error));
                continue;
            }
            let mut left = Vec::new();
            for symbol in waiting {
                match self.turn_on(&symbol).await {
                    Ok(()) => tracing::info!("{symbol} is on"),
                    Err(error) if may_pass(&error) => left.push(symbol),
                    Err(error) => tracing::error!("{symbol} is not turned on: {}", on_one_line(&error)),
                }
            }
            waiting = left;
            self.open_market_for_streams().await;
        }
    }

    /// Everything that this program can do with a symbol; consumers first.
    async fn turn_on(&self, symbol: &Symbol) -> Result<(), OperationError> {
        if let Some(warehouse) = &self.0.warehouse {
            warehouse.start_storing(Stream::TradeEvents, symbol).await?;
            warehouse.start_storing(Stream::Orders, symbol).await?;
        }
        if let Some(naive) = &self.0.naive {
            naive.start_trading(symbol).await?;
        }
        if let Some(streamer) = &self.0.streamer {
            streamer.start_streaming(symbol).await?;
        }
        Ok(())
    }

    /// From the first stream on, so that a recording does not play unheard; a program that streams nothing opens it for others.
    async fn open_market_for_streams(&self) {
        let Some(streamer) = &self.0.streamer else {
            return self.open_market(Vec::new());
        };
        // An error means that its rows have not been read yet: whoever starts a stream opens the market, too.
        let streams = streamer.status().await.unwrap_or_default().into_iter();
        let heard: Vec<_> = streams.filter(|stream| stream.on).map(|stream| stream.symbol).collect();
        if !heard.is_empty() {
            self.open_market(heard);
        }
    }
}

/// Whether the same may succeed later with nothing changed by the user.
fn may_pass(error: &OperationError) -> bool {
    match error {
        OperationError::Exchange(_) | OperationError::NotSeededYet { .. } => true,
        OperationError::Store(error) => error.is_transient(),
        _ => false,
    }
}
