//! Ends what has drained: the leader of a symbol cannot stop the tree that it is part of, so it tells this process.

use super::Naive;
use crate::market::Symbol;
use hedgehog_core::ractor;
use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, Shutdown};

/// What the process is told.
#[derive(Debug)]
pub(super) enum CompletionsMsg {
    /// The last trader of a draining symbol has ended. Told again if it seems to have been lost.
    Drained(Symbol),
}

/// The process `Completions`.
pub(super) fn spec(app: &Naive) -> ChildSpec<CompletionsMsg> {
    let app = app.clone();
    // Not asked to stop: it may be waiting for `Symbols`, which the same supervisor restarts only after this process has
    // ended. What a kill interrupts is told again, because the row says `shutdown` until the symbol is off.
    ChildSpec::worker("Completions", move || (Completions, app.clone())).shutdown(Shutdown::BrutalKill)
}

struct Completions;

impl Actor for Completions {
    type Msg = CompletionsMsg;
    type State = Naive;
    type Arguments = Naive;

    async fn pre_start(&self, _: ractor::ActorRef<CompletionsMsg>, app: Naive) -> Result<Naive, ActorProcessingErr> {
        Ok(app)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<CompletionsMsg>,
        CompletionsMsg::Drained(symbol): CompletionsMsg,
        app: &mut Naive,
    ) -> Result<(), ActorProcessingErr> {
        if let Err(error) = app.complete(&symbol).await {
            tracing::warn!("{symbol} has drained and could not be switched off, trying again: {error}");
        }
        Ok(())
    }
}
