//! [`Supervisor`]: children known beforehand, started in order and stopped in reverse.
//!
//! For children that come and go, all of a kind, take a [`DynamicSupervisor`](crate::DynamicSupervisor).
//!
//! What is decided stands apart from what acts: [`table`] (who the children are), [`strategy`] (whom an exit concerns),
//! [`intensity`] (how much is too much) and [`auto_shutdown`] (whether it was the end of it all) need no runtime; [`server`] is
//! the actor that carries it out. The dynamic supervisor has a server of its own and shares the rest. What happens is told to the log
//! ([`log`]) and as [`event`]s in the [`scope`] of the supervisor; what is asked is answered in the words of [`info`].

mod auto_shutdown;
mod child;
pub(crate) mod children;
mod event;
pub(crate) mod handle;
mod info;
pub(crate) mod intensity;
pub(crate) mod log;
pub(crate) mod options;
mod scope;
pub(crate) mod server;
pub(crate) mod shutdown;
pub(crate) mod strategy;
pub(crate) mod table;

pub use auto_shutdown::AutoShutdown;
pub(crate) use child::ChildView;
pub(crate) use children::Charge;
pub use event::{SupervisorEvent, SupervisorEventKind};
pub use handle::{DeleteError, NoProc, RestartError, SupervisorRef, TerminateError};
pub use info::{ChildCount, ChildInfo, ChildState};
pub use intensity::RestartWindow;
pub use server::SupervisorMsg;
pub use strategy::Strategy;

use crate::{
    actor_ref::ActorRef,
    adapter::{self, Launch},
    child_spec::{ChildSpec, ErasedSpec},
    identity::ChildId,
    incarnation::Incarnation,
    start_error::StartError,
};
use options::{Options, option_methods};
use ractor::{Actor, Message};
use std::{collections::HashSet, sync::Arc};

/// A supervisor to be: its strategy, its options and its children.
///
/// ```
/// # use hedgehog_core::*;
/// # struct Counter;
/// # impl Actor for Counter {
/// #     type Msg = (); type State = (); type Arguments = ();
/// #     async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
/// let counter = Name::new("counter");
/// let supervisor = Supervisor::new(Strategy::OneForOne)
///     .child(ChildSpec::worker("counter", || (Counter, ())).name(&counter))
///     .start()
///     .await?;
/// assert!(counter.whereis().is_some());
/// supervisor.stop(ExitReason::Shutdown).await;
/// assert!(counter.whereis().is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a supervisor does nothing until it is started"]
pub struct Supervisor {
    options: Options,
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    children: Vec<Arc<ErasedSpec>>,
}

impl Supervisor {
    /// A supervisor without children that bears 3 restarts within 5 seconds.
    pub fn new(strategy: Strategy) -> Self {
        Self::with_options(strategy, Options::new("supervisor"))
    }

    pub(crate) fn with_options(strategy: Strategy, options: Options) -> Self {
        Self {
            options,
            strategy,
            auto_shutdown: AutoShutdown::Never,
            children: Vec::new(),
        }
    }

    option_methods!();

    /// A supervisor that declines to start: [`start`](Self::start) and a supervisor above get [`StartError::Ignore`]. For
    /// a factory that finds nothing to supervise; `:ignore` from `init`.
    pub fn ignore() -> Self {
        let mut supervisor = Self::new(Strategy::OneForOne);
        supervisor.options.ignore = true;
        supervisor
    }

    /// Whether it ends with its [significant](ChildSpec::significant) children. Default: [`AutoShutdown::Never`].
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// Appends a child. Children start in this order, each when the one before has finished its `pre_start`.
    pub fn child<M: Message>(mut self, child: ChildSpec<M>) -> Self {
        self.children.push(child.erase());
        self
    }

    /// Starts the supervisor and its children; returns when the last one has finished its `pre_start`.
    ///
    /// Called in a callback of a hedgehog actor, it links the supervisor to that actor: when the actor ends, the supervisor
    /// stops its children and ends with the same reason. Anywhere else it belongs to nobody and runs until it is stopped,
    /// even when every [`SupervisorRef`] is dropped.
    ///
    /// # Errors
    /// [`StartError::FailedToStartChild`] when a child does not start: those before it are stopped again, those after it
    /// are never started. What [`validate`](Self::validate) refuses, before anything is started. [`StartError::Ignore`] for
    /// [`ignore`](Self::ignore).
    ///
    /// # Cancel safety
    /// Dropping the future kills what was started so far.
    pub async fn start(self) -> Result<SupervisorRef, StartError> {
        let incarnation = self.options.incarnation();
        Ok(
            start_linked(server::Server::<SupervisorMsg>::default(), self, incarnation)
                .await?
                .into(),
        )
    }

    /// Whether it could be started, as far as that can be told without starting anything.
    ///
    /// # Errors
    /// [`StartError::DuplicateId`] when two children have the same id; [`StartError::SignificantPermanent`] and
    /// [`StartError::SignificantNeedsAutoShutdown`] for a significant child whose end could not end the supervisor;
    /// [`StartError::NoWindow`] for a [`max_seconds`](Self::max_seconds) of zero.
    pub fn validate(&self) -> Result<(), StartError> {
        self.options.validate()?;
        let mut ids = HashSet::new();
        for spec in &self.children {
            self.auto_shutdown.admit(spec)?;
            if !ids.insert(&spec.id) {
                return Err(StartError::DuplicateId { id: spec.id.clone() });
            }
        }
        Ok(())
    }

    /// The supervisor as a child of another one. `factory` runs for every start: a fresh tree each time.
    pub fn spec(
        id: impl Into<ChildId>,
        factory: impl Fn() -> Supervisor + Send + Sync + 'static,
    ) -> ChildSpec<SupervisorMsg> {
        ChildSpec::supervisor(id, move || (server::Server::default(), factory()))
    }

    /// [`spec`](Self::spec) with the id that Elixir gives it: that of its [name](ChildSpec::name) or
    /// [`via`](ChildSpec::via), and without one `Supervisor`.
    pub fn child_spec(factory: impl Fn() -> Supervisor + Send + Sync + 'static) -> ChildSpec<SupervisorMsg> {
        Self::spec("Supervisor", factory).id_is_name()
    }
}

/// Starts a supervisor outside a tree, linked to the actor whose callback this runs in, if any.
pub(crate) async fn start_linked<A: Actor>(
    actor: A,
    args: A::Arguments,
    incarnation: Arc<Incarnation>,
) -> Result<ActorRef<A::Msg>, StartError> {
    let started = adapter::start(Launch {
        actor,
        args,
        binds: Arc::from([]),
        incarnation: incarnation.clone(),
    })
    .await?;
    if let Some(starter) = Incarnation::current() {
        // Nothing of a supervisor that ended is left in the actor that started it.
        let supervisor = incarnation.clone();
        let link = starter.on_exit(move |reason| supervisor.stop(reason.clone()));
        if let Some(link) = link {
            let starter = Arc::downgrade(&starter);
            incarnation.on_exit(move |_| {
                if let Some(starter) = starter.upgrade() {
                    starter.forget_monitor(link);
                }
            });
        }
    }
    Ok(started)
}
