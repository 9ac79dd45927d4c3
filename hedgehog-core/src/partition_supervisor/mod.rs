//! [`PartitionSupervisor`]: one child many times over, each serving its share of the keys.
//!
//! The partitions are the children of an ordinary static supervisor, numbered from 0. What is added stands in [`routes`]: which
//! partitions keys are spread over. It belongs to one incarnation of the supervisor and is found through it, so an address
//! never mixes the partitions of two incarnations.

mod handle;
mod routes;

pub use handle::{PartitionSupervisorMsg, PartitionSupervisorRef, PartitionVia, ResizeError};

use crate::{
    child_spec::ChildSpec,
    identity::ChildId,
    incarnation::Incarnation,
    panic,
    start_error::StartError,
    supervisor::{
        Strategy, Supervisor,
        options::{Options, option_methods},
        server::Server,
        start_linked,
    },
};
use ractor::Message;
use routes::{Routes, Slot};
use std::{fmt, num::NonZeroUsize, sync::Arc, thread};

/// A partition supervisor to be: starts one child per partition, and spreads keys over them.
///
/// Take it when one actor has become the place where everybody waits. Its typical use is to give callers several
/// [`DynamicSupervisor`](crate::DynamicSupervisor)s for one, so that a slow `pre_start` holds up only its own partition:
///
/// ```
/// use hedgehog_core::*;
/// use std::num::NonZeroUsize;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Name::new("trackers");
/// let eight = || {
///     PartitionSupervisor::new(|_| DynamicSupervisor::spec("trackers", DynamicSupervisor::new))
///         .partitions(NonZeroUsize::new(8).expect("not zero"))
/// };
/// let root = Supervisor::new(Strategy::OneForOne)
///     .child(PartitionSupervisor::spec("pool", eight).name(&pool))
///     .start()
///     .await?;
///
/// let pool = PartitionSupervisorRef::from(&pool); // whoever holds the name, now and later
/// for symbol in ["BTCUSDT", "ETHUSDT"] {
///     let tracker = Task::spec(symbol, std::future::pending::<()>);
///     DynamicSupervisorRef::from(pool.via(symbol)).start_child(tracker).await?;
/// }
/// // One key, one partition: who looks for the children of a symbol asks the supervisor that was asked to start them.
/// let children = DynamicSupervisorRef::from(pool.via("ETHUSDT")).which_children().await?;
/// assert!(children.iter().any(|child| child.id == "ETHUSDT"));
///
/// pool.resize(2).await?; // six are stopped, and what they had started with them
/// assert_eq!(pool.count_children().await?.active, 2);
/// # root.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
#[must_use = "a supervisor does nothing until it is started"]
pub struct PartitionSupervisor<M> {
    options: Options,
    strategy: Strategy,
    /// `None`: one for each thread that the machine runs at a time.
    partitions: Option<NonZeroUsize>,
    child: Arc<dyn Fn(usize) -> ChildSpec<M> + Send + Sync>,
}

impl<M: Message> PartitionSupervisor<M> {
    /// A supervisor of as many partitions as the machine has cores. `child` is asked once for each of them, with its number,
    /// and the child gets that number for its id. What Elixir calls `with_arguments` is a matter of this closure.
    pub fn new(child: impl Fn(usize) -> ChildSpec<M> + Send + Sync + 'static) -> Self {
        Self {
            options: Options::new("partition_supervisor"),
            strategy: Strategy::OneForOne,
            partitions: None,
            child: Arc::new(child),
        }
    }

    /// How many partitions there are, and the most that [`resize`](PartitionSupervisorRef::resize) can bring back. Default:
    /// [`std::thread::available_parallelism`].
    pub fn partitions(mut self, partitions: NonZeroUsize) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// Whom the exit of a partition concerns. Default: [`Strategy::OneForOne`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    option_methods!();

    /// Starts the supervisor and its partitions. Whom it belongs to is told at
    /// [`Supervisor::start`](crate::Supervisor::start).
    ///
    /// # Errors
    /// As [`Supervisor::start`](crate::Supervisor::start), with the number of a partition for the id of a child.
    pub async fn start(self) -> Result<PartitionSupervisorRef<M>, StartError> {
        let incarnation = self.options.incarnation();
        let (supervisor, routes) = panic::catch_sync(|| self.build()).map_err(StartError::Panicked)?;
        incarnation.set_info(routes);
        let server = Server::<PartitionSupervisorMsg<M>>::default();
        Ok(start_linked(server, supervisor, incarnation).await?.into())
    }

    /// The supervisor as a child of another one. `factory` runs for every start: all partitions are back after a restart.
    #[expect(clippy::missing_panics_doc, reason = "an invariant of all factories")]
    pub fn spec(
        id: impl Into<ChildId>,
        factory: impl Fn() -> PartitionSupervisor<M> + Send + Sync + 'static,
    ) -> ChildSpec<PartitionSupervisorMsg<M>> {
        ChildSpec::supervisor(id, move || {
            let (supervisor, routes) = factory().build();
            let incarnation = Incarnation::current().expect("factories run as the incarnation they make");
            incarnation.set_info(routes);
            (Server::default(), supervisor)
        })
    }

    /// [`spec`](Self::spec) with the id that Elixir gives it: that of its [name](ChildSpec::name) or
    /// [`via`](ChildSpec::via), and without one `PartitionSupervisor`.
    pub fn child_spec(
        factory: impl Fn() -> PartitionSupervisor<M> + Send + Sync + 'static,
    ) -> ChildSpec<PartitionSupervisorMsg<M>> {
        Self::spec("PartitionSupervisor", factory).id_is_name()
    }

    /// The static supervisor that it is, and the way to its children.
    fn build(self) -> (Supervisor, Arc<Routes<M>>) {
        let Self {
            options,
            strategy,
            partitions,
            child,
        } = self;
        let partitions = partitions
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let routes = Arc::new(Routes::new(partitions));
        let supervisor = Supervisor::with_options(strategy, options);
        let supervisor = (0..partitions.get()).fold(supervisor, |supervisor, partition| {
            let child = child(partition).id(partition.to_string());
            supervisor.child(child.via(Slot::new(&routes, partition)))
        });
        (supervisor, routes)
    }
}

impl<M> fmt::Debug for PartitionSupervisor<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionSupervisor")
            .field("options", &self.options)
            .field("strategy", &self.strategy)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}
