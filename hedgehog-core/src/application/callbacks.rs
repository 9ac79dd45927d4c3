//! [`ApplicationCallbacks`]: what an application does at its start and around its end.
//!
//! The callbacks run in tasks of the application's own, under catch: one that fails or panics is a failed start, or a line
//! in the log and the next step.

use crate::{panic, start_error::StartError, supervisor::Supervisor};
use futures_util::future::BoxFuture;
use ractor::ActorProcessingErr;
use std::{
    future::{self, Future},
    sync::Arc,
};

/// The callbacks of an [`Application`](crate::Application): Elixir's `Application` behaviour.
///
/// ```
/// use hedgehog_core::*;
///
/// struct Web;
///
/// impl ApplicationCallbacks for Web {
///     type State = Vec<&'static str>;
///
///     async fn start(&self) -> Result<(Supervisor, Self::State), ActorProcessingErr> {
///         Ok((Supervisor::new(Strategy::OneForOne), vec!["took the port"]))
///     }
///     async fn prep_stop(&self, log: &mut Self::State) {
///         log.push("takes no more requests"); // the tree still stands
///     }
///     async fn stop(&self, log: Self::State) {
///         assert_eq!(log, ["took the port", "takes no more requests"]); // and now it is gone
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ApplicationError> {
/// let web = Application::new("web").callbacks(Web).start().await?;
/// web.stop().await;
/// # Ok(()) }
/// ```
pub trait ApplicationCallbacks: Send + Sync + 'static {
    /// What `start` hands to the callbacks at the end.
    type State: Send + 'static;

    /// Makes the tree, which is then started, and the state. Runs for every start.
    ///
    /// # Errors
    /// Whatever keeps the application from starting; a [`StartError`] stays as it is, anything else, a panic included,
    /// becomes one. When the tree itself fails the state is dropped, and no other callback runs.
    fn start(&self) -> impl Future<Output = Result<(Supervisor, Self::State), ActorProcessingErr>> + Send;

    /// Runs before the tree is stopped, and when it ended by itself.
    fn prep_stop(&self, state: &mut Self::State) -> impl Future<Output = ()> + Send {
        let _ = state;
        future::ready(())
    }

    /// Runs when the tree is gone, with the state as [`prep_stop`](Self::prep_stop) left it.
    fn stop(&self, state: Self::State) -> impl Future<Output = ()> + Send {
        drop(state);
        future::ready(())
    }
}

/// The callbacks of an application that is nothing but its tree.
pub(super) struct Tree(pub(super) Supervisor);

impl ApplicationCallbacks for Tree {
    type State = ();

    async fn start(&self) -> Result<(Supervisor, ()), ActorProcessingErr> {
        Ok((self.0.clone(), ()))
    }
}

/// Callbacks whose state's type does not matter any more.
pub(super) trait Erased: Send + Sync {
    fn start(&self) -> BoxFuture<'_, Result<Made, StartError>>;
}

/// A tree to be started, and what is called when it ends.
pub(super) type Made = (Supervisor, Box<dyn Started>);

/// The state of a started application, with what is left to be called on it.
pub(super) trait Started: Send {
    fn prep_stop(&mut self) -> BoxFuture<'_, ()>;
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()>;
}

pub(super) struct Module<C>(Arc<C>);

impl<C> Module<C> {
    pub(super) fn new(callbacks: C) -> Self {
        Self(Arc::new(callbacks))
    }
}

impl<C: ApplicationCallbacks> Erased for Module<C> {
    fn start(&self) -> BoxFuture<'_, Result<Made, StartError>> {
        Box::pin(async move {
            match panic::catch(async { self.0.start().await }).await {
                Ok(Ok((root, state))) => {
                    let callbacks = self.0.clone();
                    Ok((root, Box::new(WithState { callbacks, state }) as Box<dyn Started>))
                }
                Ok(Err(error)) => Err(match error.downcast::<StartError>() {
                    Ok(error) => *error,
                    Err(error) => StartError::Failed(error.into()),
                }),
                Err(text) => Err(StartError::Panicked(text)),
            }
        })
    }
}

struct WithState<C: ApplicationCallbacks> {
    callbacks: Arc<C>,
    state: C::State,
}

impl<C: ApplicationCallbacks> Started for WithState<C> {
    fn prep_stop(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.callbacks.prep_stop(&mut self.state).await })
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self { callbacks, state } = *self;
            callbacks.stop(state).await;
        })
    }
}
