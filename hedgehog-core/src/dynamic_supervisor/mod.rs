//! [`DynamicSupervisor`]: any number of children, started on demand and independent of each other.
//!
//! Every operation on one child costs the same with ten children as with a hundred thousand. For a fixed set of children
//! whose order matters take a [`Supervisor`](crate::Supervisor).

mod server;

pub use server::DynamicSupervisorMsg;

use crate::{
    actor_ref::ActorRef,
    child_spec::{AnyChildSpec, ChildSpec},
    exit::ExitReason,
    identity::{ChildId, Pid},
    name::Name,
    observe::TreeNode,
    registry::{Key, Value, Via},
    start_error::StartError,
    supervisor::{
        AutoShutdown, ChildCount, ChildInfo, NoProc, TerminateError,
        handle::Target,
        options::{Options, option_methods},
        start_linked,
    },
};
use ractor::Message;
use server::{Request, Server};
use std::fmt;

/// A dynamic supervisor to be. It starts without children; its strategy is one-for-one.
///
/// What all its children need it can give them itself ([`extra_arguments`](Self::extra_arguments), of type `X`):
///
/// ```
/// # use hedgehog_core::*;
/// # struct Reader;
/// # impl Actor for Reader {
/// #     type Msg = (); type State = (Database, u32); type Arguments = (Database, u32);
/// #     async fn pre_start(&self, _: ractor::ActorRef<()>, args: (Database, u32)) -> Result<Self::State, ActorProcessingErr> { Ok(args) }
/// # }
/// #[derive(Clone)]
/// struct Database;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let readers = DynamicSupervisor::new().extra_arguments(Database).start().await?;
/// for page in 1..=3 {
///     // Whoever starts a reader need not know the database: each start and each restart gets a clone of it.
///     let spec = ChildSpec::worker_with("reader", move |database| (Reader, (database, page)));
///     readers.start_child(spec).await?;
/// }
/// assert_eq!(readers.count_children().await?.active, 3);
/// # readers.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a supervisor does nothing until it is started"]
pub struct DynamicSupervisor<X = ()> {
    options: Options,
    max_children: usize,
    extra_arguments: X,
}

impl Default for DynamicSupervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl DynamicSupervisor {
    /// A supervisor of any number of children that bears 3 restarts within 5 seconds.
    pub fn new() -> Self {
        Self {
            options: Options::new("dynamic_supervisor"),
            max_children: usize::MAX,
            extra_arguments: (),
        }
    }

    /// A supervisor that declines to start (see [`Supervisor::ignore`](crate::Supervisor::ignore)).
    pub fn ignore() -> Self {
        let mut supervisor = Self::new();
        supervisor.options.ignore = true;
        supervisor
    }

    /// Gives a clone of `extra` to every call of a child's factory, at the first start and at each restart. From then on
    /// its children are made with [`ChildSpec::worker_with`], whose factory takes such an `X`.
    pub fn extra_arguments<X: Clone + Send + Sync + 'static>(self, extra: X) -> DynamicSupervisor<X> {
        DynamicSupervisor {
            options: self.options,
            max_children: self.max_children,
            extra_arguments: extra,
        }
    }
}

impl<X: Clone + Send + Sync + 'static> DynamicSupervisor<X> {
    option_methods!();

    /// How many children it may have, those being restarted included. Zero is legal. Default: no limit.
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.max_children = max_children;
        self
    }

    /// Starts the supervisor. Whom it belongs to is told at [`Supervisor::start`](crate::Supervisor::start).
    pub async fn start(self) -> Result<DynamicSupervisorRef<X>, StartError> {
        let incarnation = self.options.incarnation();
        Ok(start_linked(Server::default(), self, incarnation).await?.into())
    }

    /// The supervisor as a child of another one. Its children are not started again when it is restarted.
    pub fn spec(
        id: impl Into<ChildId>,
        factory: impl Fn() -> DynamicSupervisor<X> + Send + Sync + 'static,
    ) -> ChildSpec<DynamicSupervisorMsg<X>> {
        ChildSpec::supervisor(id, move || (Server::default(), factory()))
    }

    /// [`spec`](Self::spec) with the id that Elixir gives it: that of its [name](ChildSpec::name) or
    /// [`via`](ChildSpec::via), and without one `DynamicSupervisor`.
    pub fn child_spec(
        factory: impl Fn() -> DynamicSupervisor<X> + Send + Sync + 'static,
    ) -> ChildSpec<DynamicSupervisorMsg<X>> {
        Self::spec("DynamicSupervisor", factory).id_is_name()
    }
}

/// A reference to a [`DynamicSupervisor`]: one incarnation, or whichever one holds a name
/// (see [`SupervisorRef`](crate::SupervisorRef)).
pub struct DynamicSupervisorRef<X = ()>(Target<DynamicSupervisorMsg<X>>);

impl<X: 'static> DynamicSupervisorRef<X> {
    /// Starts a child and returns when its `pre_start` has returned. Ids need not be unique.
    ///
    /// # Errors
    /// [`StartError::SignificantPermanent`] and [`StartError::SignificantNeedsAutoShutdown`] for a significant child, before
    /// the supervisor is asked, for none ends with its children; [`StartError::MaxChildren`] at the limit,
    /// [`StartError::Ignore`] when there was nothing to start, and whatever kept the child from starting, bare. Nothing is
    /// kept of a child that did not start.
    pub async fn start_child<M: Message>(&self, child: ChildSpec<M, X>) -> Result<ActorRef<M>, StartError> {
        let spec = child.erase();
        AutoShutdown::Never.admit(&spec)?;
        let started = self.0.ask(|reply| Request::Start(spec, reply).into()).await;
        started
            .map_err(|NoProc| StartError::NoProc)??
            .typed()
            .ok_or(StartError::NoProc)
    }

    /// Stops a child, told by a reference to it or by its pid, and returns when it is gone; nothing is kept of it. The last
    /// incarnation of a child that is being restarted stands for the child, and its restart is cancelled.
    pub async fn terminate_child(&self, child: impl Into<Pid>) -> Result<(), TerminateError> {
        let child = child.into();
        self.0.ask(|reply| Request::TerminatePid(child, reply).into()).await?
    }

    /// Stops every child whose spec has this id, running or being restarted, at the same time.
    pub async fn terminate_id(&self, id: &str) -> Result<(), TerminateError> {
        let id = ChildId::Owned(id.to_owned());
        self.0.ask(|reply| Request::TerminateId(id, reply).into()).await?
    }

    /// The children in the order in which they were started first.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, NoProc> {
        self.0.ask(|reply| Request::Which(reply).into()).await
    }

    /// One child, told by a reference to it or by its pid, and what it is doing. `None` for one that is not, or no longer,
    /// a child of this supervisor.
    pub async fn which_child(&self, child: impl Into<Pid>) -> Result<Option<ChildInfo>, NoProc> {
        let child = child.into();
        self.0.ask(|reply| Request::WhichPid(child, reply).into()).await
    }

    /// The spec of one child, told by a reference to it or by its pid, defaults filled in. `None` as for
    /// [`which_child`](Self::which_child).
    pub async fn get_child_spec(&self, child: impl Into<Pid>) -> Result<Option<AnyChildSpec>, NoProc> {
        let child = child.into();
        self.0.ask(|reply| Request::Spec(child, reply).into()).await
    }

    /// How many children there are, by kind and activity.
    pub async fn count_children(&self) -> Result<ChildCount, NoProc> {
        self.0.ask(|reply| Request::Count(reply).into()).await
    }

    /// Changes [`max_children`](DynamicSupervisor::max_children) of this incarnation. Children beyond the new limit are kept,
    /// and none is started until there is room.
    pub async fn set_max_children(&self, max_children: usize) -> Result<(), NoProc> {
        self.0
            .ask(|reply| Request::SetMaxChildren(max_children, reply).into())
            .await
    }

    /// Stops the supervisor after its children, which are stopped all at the same time
    /// (see [`SupervisorRef::stop`](crate::SupervisorRef::stop)).
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        self.0.stop(reason).await
    }

    /// The tree below. Reads shared memory and never waits, not even for a supervisor that is busy.
    pub fn tree(&self) -> Option<TreeNode> {
        TreeNode::below(self.whereis())
    }

    /// The present incarnation.
    pub fn whereis(&self) -> Option<ActorRef<DynamicSupervisorMsg<X>>> {
        self.0.whereis()
    }
}

impl<X> Clone for DynamicSupervisorRef<X> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<X> fmt::Debug for DynamicSupervisorRef<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamicSupervisorRef").field(&self.0).finish()
    }
}

impl<X> From<ActorRef<DynamicSupervisorMsg<X>>> for DynamicSupervisorRef<X> {
    fn from(actor: ActorRef<DynamicSupervisorMsg<X>>) -> Self {
        Self(Target::Incarnation(actor))
    }
}

impl<X> From<Target<DynamicSupervisorMsg<X>>> for DynamicSupervisorRef<X> {
    fn from(target: Target<DynamicSupervisorMsg<X>>) -> Self {
        Self(target)
    }
}

impl<X: 'static> From<&Name<DynamicSupervisorMsg<X>>> for DynamicSupervisorRef<X> {
    fn from(name: &Name<DynamicSupervisorMsg<X>>) -> Self {
        Self(Target::address(name.clone()))
    }
}

impl<K: Key, V: Value, X: 'static> From<&Via<K, DynamicSupervisorMsg<X>, V>> for DynamicSupervisorRef<X> {
    fn from(via: &Via<K, DynamicSupervisorMsg<X>, V>) -> Self {
        Self(Target::address(via.clone()))
    }
}
