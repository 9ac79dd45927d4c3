//! Ends what has drained: the leader of a symbol cannot stop the tree that it is part of, so it tells this process.

use super::messages::CompletionsMsg;
use crate::market::Symbol;
use crate::operation::OperationError;
use futures_util::future::BoxFuture;
use hedgehog_core::ractor;
use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, Shutdown};
use std::marker::PhantomData;

/// Who can end a symbol's tree.
pub(super) trait Complete: Clone + Send + Sync + 'static {
    /// Switches a symbol off whose last trade has finished. Checks again: it may have been started in the meantime.
    fn complete<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<(), OperationError>>;
}

/// The process `Completions`.
pub(super) fn spec<T: Complete>(app: &T) -> ChildSpec<CompletionsMsg> {
    let app = app.clone();
    // Not asked to stop: it may be waiting for `Symbols`, which the same supervisor restarts only after this process has
    // ended. What a kill interrupts is told again, because the row says `shutdown` until the symbol is off.
    ChildSpec::worker("Completions", move || (Completions(PhantomData), app.clone())).shutdown(Shutdown::BrutalKill)
}

struct Completions<T>(PhantomData<T>);

impl<T: Complete> Actor for Completions<T> {
    type Msg = CompletionsMsg;
    type State = T;
    type Arguments = T;

    async fn pre_start(&self, _: ractor::ActorRef<CompletionsMsg>, app: T) -> Result<T, ActorProcessingErr> {
        Ok(app)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<CompletionsMsg>,
        CompletionsMsg::Drained(symbol): CompletionsMsg,
        app: &mut T,
    ) -> Result<(), ActorProcessingErr> {
        if let Err(error) = app.complete(&symbol).await {
            tracing::warn!("{symbol} has drained and could not be switched off, trying again: {error}");
        }
        Ok(())
    }
}
