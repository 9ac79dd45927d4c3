//! [`Task`]: a supervised future.

use crate::{
    child_spec::{ChildId, ChildSpec, Restart, Shutdown},
    exit::ExitReason,
};
use futures_util::future::BoxFuture;
use ractor::{Actor, ActorProcessingErr};
use std::{future::Future, sync::Arc};

/// A future that a supervisor looks after: it runs once and its actor exits `Normal` when it is done.
pub struct Task {
    run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), ActorProcessingErr>> + Send + Sync>,
}

/// A task understands no messages.
pub enum TaskMsg {}

impl Task {
    /// The spec of a task. `future` is called for every start.
    ///
    /// Like an Elixir `Task`, it is temporary and does not clean up: a stop kills it at once, at its next `.await`. With
    /// another [`Shutdown`] the supervisor waits for the future to finish first.
    ///
    /// ```
    /// use hedgehog_core::{ActorProcessingErr, Restart, Task};
    /// let spec = Task::spec("autostart", || async { Ok::<(), ActorProcessingErr>(()) }).restart(Restart::Transient);
    /// ```
    pub fn spec<F, E>(id: impl Into<ChildId>, future: impl Fn() -> F + Send + Sync + 'static) -> ChildSpec<TaskMsg>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<ActorProcessingErr> + 'static,
    {
        use futures_util::{FutureExt as _, TryFutureExt as _};
        let run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), ActorProcessingErr>> + Send + Sync> =
            Arc::new(move || future().map_err(Into::into).boxed());
        ChildSpec::worker(id, move || (Self { run: run.clone() }, ()))
            .restart(Restart::Temporary)
            .shutdown(Shutdown::BrutalKill)
    }
}

impl Actor for Task {
    type Msg = TaskMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<TaskMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    // Not in `pre_start`, which the supervisor waits for.
    async fn post_start(&self, _: ractor::ActorRef<TaskMsg>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        (self.run)().await?;
        Err(ExitReason::Normal.into())
    }
}
