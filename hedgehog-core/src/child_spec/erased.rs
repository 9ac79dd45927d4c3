//! [`ErasedSpec`]: a child spec as supervisors keep it. Made by [`ChildSpec`](super::ChildSpec), which checks its types.

use super::{ChildKind, Restart, Shutdown};
use crate::{
    actor_ref::AnyActorRef,
    identity::{ChildId, Pid},
    incarnation::Incarnation,
    name::NameId,
    panic,
    start_error::StartError,
};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::{any::Any, fmt, sync::Arc};

type Start = dyn Fn(Arc<Incarnation>, &Extra) -> BoxFuture<'static, Result<AnyActorRef, StartError>> + Send + Sync;

/// A spec as supervisors keep it: the message type is gone, and the defaults are filled in.
pub(crate) struct ErasedSpec {
    pub(crate) id: ChildId,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) significant: bool,
    pub(crate) drain: bool,
    pub(crate) kind: ChildKind,
    /// The names its incarnations are bound to.
    pub(crate) names: Box<[NameId]>,
    /// What the user wrote. `None` only while it is dropped.
    pub(super) recipe: Option<Recipe>,
}

pub(super) struct Recipe {
    pub(super) label: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    /// `None` once a temporary child was started: whatever its factory holds is not kept for as long as the child runs.
    pub(super) start: Mutex<Option<Arc<Start>>>,
}

impl ErasedSpec {
    /// The spec for one start of a supervisor: one that is started again, or was cloned, must not find its temporary children
    /// used up.
    pub(crate) fn for_one_start(&self) -> Arc<Self> {
        let recipe = self.recipe();
        Arc::new(Self {
            id: self.id.clone(),
            restart: self.restart,
            shutdown: self.shutdown,
            significant: self.significant,
            drain: self.drain,
            kind: self.kind,
            names: self.names.clone(),
            recipe: Some(Recipe {
                label: recipe.label.clone(),
                start: Mutex::new(recipe.start.lock().clone()),
            }),
        })
    }

    /// Starts `incarnation`; returns when its `pre_start` has.
    pub(crate) fn start(
        &self,
        incarnation: Arc<Incarnation>,
        extra: &Extra,
    ) -> BoxFuture<'static, Result<AnyActorRef, StartError>> {
        let start = {
            let mut start = self.recipe().start.lock();
            match self.restart {
                Restart::Temporary => start.take(),
                Restart::Permanent | Restart::Transient => start.clone(),
            }
        };
        let start = start.expect("a temporary child is started once, and forgotten when it ends");
        let started = start(incarnation, extra);
        let _ = panic::catch_sync(|| drop(start));
        started
    }

    /// Refuses a start under a name that is kept for `holder`, a child that is being restarted.
    pub(crate) fn name_taken(&self, holder: Pid) -> StartError {
        let name = self.label().unwrap_or_default();
        StartError::AlreadyRegistered { name, holder }
    }

    /// The name the tree shows.
    pub(crate) fn label(&self) -> Option<String> {
        (self.recipe().label)()
    }

    fn recipe(&self) -> &Recipe {
        self.recipe.as_ref().expect("taken by drop only")
    }
}

impl Drop for ErasedSpec {
    fn drop(&mut self) {
        // The last owner is often the supervisor: a panic in what the user's closures captured must end here.
        let recipe = self.recipe.take();
        let _ = panic::catch_sync(|| drop(recipe));
    }
}

impl fmt::Debug for ErasedSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasedSpec")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a supervisor gives to every factory call of its children: `()`, or the extra arguments of a dynamic supervisor.
pub(crate) struct Extra(Arc<dyn Any + Send + Sync>);

impl Extra {
    pub(crate) fn new(extra: impl Any + Send + Sync) -> Self {
        Self(Arc::new(extra))
    }

    pub(super) fn get<X: Clone + 'static>(&self) -> X {
        let extra = self.0.downcast_ref::<X>();
        extra.expect("a supervisor takes only specs of its own type").clone()
    }
}
