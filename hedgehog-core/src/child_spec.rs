//! [`ChildSpec`]: how a supervisor starts, restarts and stops one child.

use crate::{
    actor_ref::{ActorRef, AnyActorRef, Pid},
    adapter::{self, Launch},
    exit::record::Incarnation,
    name::{Bind, Name, NameId},
    panic,
    start_error::StartError,
    supervisor::AutoShutdown,
};
use futures_util::future::BoxFuture;
use ractor::{Actor, Message};
use serde::Serialize;
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// What a child is called inside its supervisor.
pub type ChildId = Cow<'static, str>;

/// When a child that ended by itself is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// After every exit.
    #[default]
    Permanent,
    /// After an abnormal exit only (see [`ExitReason::is_abnormal`](crate::ExitReason::is_abnormal)).
    Transient,
    /// Never; and its spec goes with it.
    Temporary,
}

/// How a supervisor stops a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Kill it at once; its `post_stop` does not run.
    BrutalKill,
    /// Ask it to stop, and kill it when it is not gone in time. Zero is legal.
    Timeout(Duration),
    /// Ask it to stop, and wait for as long as it takes.
    Infinity,
}

/// Whether a child is a supervisor itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChildKind {
    /// Has no children of its own; stopped within 5 s by default.
    Worker,
    /// Stopped without a limit by default, so that its own children keep theirs.
    Supervisor,
}

/// The recipe for one child, typed by the message it understands.
///
/// Defaults: [`Restart::Permanent`]; 5 s to shut down for a worker, no limit for a supervisor; no name.
pub struct ChildSpec<M> {
    id: ChildId,
    restart: Restart,
    /// `None`: the default of the kind.
    shutdown: Option<Shutdown>,
    significant: bool,
    drain: bool,
    kind: ChildKind,
    binds: Vec<Arc<dyn Bind<M>>>,
    make: Make<M>,
}

type Binds<M> = Arc<[Arc<dyn Bind<M>>]>;
type Make<M> =
    Arc<dyn Fn(Binds<M>, Arc<Incarnation>) -> BoxFuture<'static, Result<ActorRef<M>, StartError>> + Send + Sync>;

impl<M: Message> ChildSpec<M> {
    /// A worker. `factory` runs for the first start and for every restart: a fresh actor and fresh arguments each time.
    pub fn worker<A: Actor<Msg = M>>(
        id: impl Into<ChildId>,
        factory: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        Self::new(id.into(), ChildKind::Worker, factory)
    }

    pub(crate) fn supervisor<A: Actor<Msg = M>>(
        id: impl Into<ChildId>,
        factory: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        Self::new(id.into(), ChildKind::Supervisor, factory)
    }

    fn new<A: Actor<Msg = M>>(
        id: ChildId,
        kind: ChildKind,
        factory: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        let make: Make<M> = Arc::new(move |binds, incarnation| {
            // The factory is the child's code: its panic is a failed start, never the supervisor's.
            let made = panic::catch_sync(|| incarnation.run_sync(&factory));
            Box::pin(async move {
                match made {
                    Ok((actor, args)) => {
                        adapter::start(Launch {
                            actor,
                            args,
                            binds,
                            incarnation,
                        })
                        .await
                    }
                    Err(text) => {
                        incarnation.finish(crate::ExitReason::Panic(text.clone()));
                        Err(StartError::Panicked(text))
                    }
                }
            })
        });
        Self {
            id,
            restart: Restart::default(),
            shutdown: None,
            significant: false,
            drain: false,
            kind,
            binds: Vec::new(),
            make,
        }
    }

    pub(crate) fn id(mut self, id: impl Into<ChildId>) -> Self {
        self.id = id.into();
        self
    }

    /// When the child is started again. Default: [`Restart::Permanent`].
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How the child is stopped. Default: 5 s for a worker, [`Shutdown::Infinity`] for a supervisor.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Lets the child handle what its mailbox holds before it stops; without this a stop overtakes the mailbox.
    /// Its [`shutdown`](Self::shutdown) covers both.
    #[must_use]
    pub fn drain(mut self) -> Self {
        self.drain = true;
        self
    }

    /// Marks the child as one whose end may end its supervisor (see [`AutoShutdown`](crate::AutoShutdown)). It has to be
    /// transient or temporary, in a [`Supervisor`](crate::Supervisor) with
    /// [`auto_shutdown`](crate::Supervisor::auto_shutdown).
    #[must_use]
    pub fn significant(mut self) -> Self {
        self.significant = true;
        self
    }

    /// Binds every incarnation to `bind` before its `pre_start` runs; may be repeated.
    #[must_use]
    pub fn via(mut self, bind: impl Bind<M> + 'static) -> Self {
        self.binds.push(Arc::new(bind));
        self
    }

    /// Binds every incarnation to `name`.
    #[must_use]
    pub fn name(self, name: &Name<M>) -> Self {
        self.via(name.clone())
    }

    pub(crate) fn erase(self) -> Arc<ErasedSpec> {
        let Self {
            id,
            restart,
            shutdown,
            significant,
            drain,
            kind,
            binds,
            make,
        } = self;
        let binds: Binds<M> = binds.into();
        let names = binds.iter().filter_map(|bind| bind.name_id()).collect();
        let labels = binds.clone();
        let shutdown = shutdown.unwrap_or(match kind {
            ChildKind::Worker => Shutdown::Timeout(Duration::from_secs(5)),
            ChildKind::Supervisor => Shutdown::Infinity,
        });
        Arc::new(ErasedSpec {
            id,
            restart,
            shutdown,
            significant,
            drain,
            kind,
            names,
            recipe: Some(Recipe {
                label: Box::new(move || labels.iter().find_map(|bind| bind.label())),
                start: Box::new(move |incarnation| {
                    let started = make(binds.clone(), incarnation);
                    Box::pin(async move { started.await.map(|actor| actor.any()) })
                }),
            }),
        })
    }
}

impl<M> Clone for ChildSpec<M> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            restart: self.restart,
            shutdown: self.shutdown,
            significant: self.significant,
            drain: self.drain,
            kind: self.kind,
            binds: self.binds.clone(),
            make: self.make.clone(),
        }
    }
}

impl<M> fmt::Debug for ChildSpec<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

type Start = dyn Fn(Arc<Incarnation>) -> BoxFuture<'static, Result<AnyActorRef, StartError>> + Send + Sync;

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
    recipe: Option<Recipe>,
}

struct Recipe {
    label: Box<dyn Fn() -> Option<String> + Send + Sync>,
    start: Box<Start>,
}

impl ErasedSpec {
    /// Starts `incarnation`; returns when its `pre_start` has.
    pub(crate) fn start(&self, incarnation: Arc<Incarnation>) -> BoxFuture<'static, Result<AnyActorRef, StartError>> {
        (self.recipe().start)(incarnation)
    }

    /// Refuses what could never work in a supervisor with this `auto_shutdown`.
    pub(crate) fn validate(&self, auto_shutdown: AutoShutdown) -> Result<(), StartError> {
        let id = || self.id.clone();
        match (self.significant, self.restart, auto_shutdown) {
            (true, Restart::Permanent, _) => Err(StartError::SignificantPermanent { id: id() }),
            (true, _, AutoShutdown::Never) => Err(StartError::SignificantNeedsAutoShutdown { id: id() }),
            _ => Ok(()),
        }
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
