//! [`DynamicSupervisor`]: any number of children, started on demand and independent of each other.
//!
//! Every operation on one child costs the same with ten children as with a hundred thousand. For a fixed set of children
//! whose order matters take a [`Supervisor`](crate::Supervisor).

mod server;

pub use server::DynamicSupervisorMsg;

use crate::{
    actor_ref::{ActorRef, Pid},
    child_spec::{ChildId, ChildSpec},
    exit::ExitReason,
    name::Name,
    observe::TreeNode,
    registry::{Key, Value, Via},
    start_error::StartError,
    supervisor::{
        ChildCount, ChildInfo, NoProc, TerminateError,
        handle::Target,
        options::{Options, option_methods},
        start_linked,
    },
};
use ractor::Message;
use server::Request;
use std::fmt;

/// A dynamic supervisor to be. It starts without children; its strategy is one-for-one.
#[derive(Clone, Debug)]
pub struct DynamicSupervisor {
    options: Options,
    max_children: usize,
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
        }
    }

    option_methods!();

    /// How many children it may have, those being restarted included. Default: no limit.
    #[must_use]
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.max_children = max_children;
        self
    }

    /// Starts the supervisor. Whom it belongs to is told at [`Supervisor::start`](crate::Supervisor::start).
    pub async fn start(self) -> Result<DynamicSupervisorRef, StartError> {
        let incarnation = self.options.incarnation();
        Ok(start_linked(server::Server, self, incarnation).await?.into())
    }

    /// The supervisor as a child of another one. Its children are not started again when it is restarted.
    pub fn spec(
        id: impl Into<ChildId>,
        factory: impl Fn() -> DynamicSupervisor + Send + Sync + 'static,
    ) -> ChildSpec<DynamicSupervisorMsg> {
        ChildSpec::supervisor(id, move || (server::Server, factory()))
    }
}

/// A reference to a [`DynamicSupervisor`]: one incarnation, or whichever one holds a name
/// (see [`SupervisorRef`](crate::SupervisorRef)).
#[derive(Clone)]
pub struct DynamicSupervisorRef(Target<DynamicSupervisorMsg>);

impl DynamicSupervisorRef {
    /// Starts a child and returns when its `pre_start` has returned. Ids need not be unique.
    ///
    /// # Errors
    /// [`StartError::SignificantNeedsAutoShutdown`], for there is none here; [`StartError::MaxChildren`] at the limit, [`StartError::Ignore`] when there was nothing to start, and whatever
    /// kept the child from starting, bare. Nothing is kept of a child that did not start.
    pub async fn start_child<M: Message>(&self, child: ChildSpec<M>) -> Result<ActorRef<M>, StartError> {
        let spec = child.erase();
        let started = self
            .0
            .ask(|reply| DynamicSupervisorMsg(Request::Start(spec, reply)))
            .await;
        started
            .map_err(|NoProc| StartError::NoProc)??
            .typed()
            .ok_or(StartError::NoProc)
    }

    /// Stops a child and returns when it is gone; nothing is kept of it.
    pub async fn terminate_child<M: Message>(&self, child: &ActorRef<M>) -> Result<(), TerminateError> {
        self.terminate_pid(child.pid()).await
    }

    /// [`terminate_child`](Self::terminate_child) by identity. The last incarnation of a child that is being restarted
    /// stands for the child, and its restart is cancelled.
    pub async fn terminate_pid(&self, child: Pid) -> Result<(), TerminateError> {
        self.0
            .ask(|reply| DynamicSupervisorMsg(Request::TerminatePid(child, reply)))
            .await?
    }

    /// Stops every child whose spec has this id, running or being restarted, at the same time.
    pub async fn terminate_id(&self, id: &str) -> Result<(), TerminateError> {
        let id = ChildId::Owned(id.to_owned());
        self.0
            .ask(|reply| DynamicSupervisorMsg(Request::TerminateId(id, reply)))
            .await?
    }

    /// The children in the order in which they were started first.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, NoProc> {
        self.0.ask(|reply| DynamicSupervisorMsg(Request::Which(reply))).await
    }

    /// How many children there are, by kind and activity.
    pub async fn count_children(&self) -> Result<ChildCount, NoProc> {
        self.0.ask(|reply| DynamicSupervisorMsg(Request::Count(reply))).await
    }

    /// Stops the supervisor after its children, which are stopped all at the same time
    /// (see [`SupervisorRef::stop`](crate::SupervisorRef::stop)).
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        self.0.stop(reason).await
    }

    /// The tree below. Reads shared memory and never waits, not even for a supervisor that is busy.
    pub fn tree(&self) -> Option<TreeNode> {
        self.0.tree()
    }

    /// The present incarnation.
    pub fn whereis(&self) -> Option<ActorRef<DynamicSupervisorMsg>> {
        self.0.whereis()
    }
}

impl fmt::Debug for DynamicSupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamicSupervisorRef").field(&self.0).finish()
    }
}

impl From<ActorRef<DynamicSupervisorMsg>> for DynamicSupervisorRef {
    fn from(actor: ActorRef<DynamicSupervisorMsg>) -> Self {
        Self(Target::Incarnation(actor))
    }
}

impl From<Target<DynamicSupervisorMsg>> for DynamicSupervisorRef {
    fn from(target: Target<DynamicSupervisorMsg>) -> Self {
        Self(target)
    }
}

impl From<&Name<DynamicSupervisorMsg>> for DynamicSupervisorRef {
    fn from(name: &Name<DynamicSupervisorMsg>) -> Self {
        Self(Target::address(name.clone()))
    }
}

impl<K: Key, V: Value> From<&Via<K, DynamicSupervisorMsg, V>> for DynamicSupervisorRef {
    fn from(via: &Via<K, DynamicSupervisorMsg, V>) -> Self {
        Self(Target::address(via.clone()))
    }
}
