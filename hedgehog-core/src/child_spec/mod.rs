//! [`ChildSpec`]: how a supervisor starts, restarts and stops one child.

mod erased;

pub(crate) use erased::{ErasedSpec, Extra};

use crate::{
    actor_ref::{ActorRef, AnyActorRef},
    adapter::{self, Launch},
    exit::ExitReason,
    identity::ChildId,
    incarnation::{Bond, Incarnation, KILL_GRACE},
    name::{Bind, Name},
    panic,
    start_error::StartError,
};
use erased::Recipe;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use ractor::{Actor, Message};
use serde::{Deserialize, Serialize};
use std::{any::type_name, fmt, marker::PhantomData, sync::Arc, time::Duration};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
///
/// What `use GenServer` gives to a module, a type gives itself with a function; whoever uses it can still replace any part:
///
/// ```
/// # use hedgehog_core::*;
/// # struct Counter;
/// # impl Actor for Counter {
/// #     type Msg = (); type State = i64; type Arguments = i64;
/// #     async fn pre_start(&self, _: ractor::ActorRef<()>, n: i64) -> Result<i64, ActorProcessingErr> { Ok(n) }
/// # }
/// impl Counter {
///     fn child_spec(start: i64) -> ChildSpec<()> {
///         ChildSpec::of(move || (Counter, start)).restart(Restart::Transient)
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::new(Strategy::OneForOne)
///     .child(Counter::child_spec(0)) // its id is the name of the type
///     .child(Counter::child_spec(10).id("ten"))
///     .start()
///     .await?;
/// let spec = supervisor.get_child_spec("Counter").await?.expect("a child");
/// assert_eq!(spec.restart, Restart::Transient);
/// # supervisor.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
#[must_use = "a child spec does nothing until a supervisor starts a child from it"]
pub struct ChildSpec<M, X = ()> {
    id: ChildId,
    /// The label of its first binding goes for the id.
    id_is_name: bool,
    restart: Restart,
    /// `None`: the default of the kind.
    shutdown: Option<Shutdown>,
    significant: bool,
    drain: bool,
    kind: ChildKind,
    binds: Vec<Arc<dyn Bind<M>>>,
    make: Make<M>,
    extra: PhantomData<fn(X)>,
}

type Binds<M> = Arc<[Arc<dyn Bind<M>>]>;
type Make<M> = Arc<
    dyn Fn(Binds<M>, Arc<Incarnation>, &Extra) -> BoxFuture<'static, Result<AnyActorRef, StartError>> + Send + Sync,
>;

impl<M: Message> ChildSpec<M> {
    /// A worker. `factory` runs for the first start and for every restart: a fresh actor and fresh arguments each time.
    pub fn worker<A: Actor<Msg = M>>(
        id: impl Into<ChildId>,
        factory: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        Self::new(id.into(), ChildKind::Worker, move |()| factory())
    }

    /// A worker that is called as its actor's type, without the path: `Counter`. The same as
    /// [`worker`](Self::worker) otherwise; [`id`](Self::id) tells two of a kind apart.
    pub fn of<A: Actor<Msg = M>>(factory: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static) -> Self {
        Self::worker(short_type_name(type_name::<A>()), factory)
    }

    pub(crate) fn supervisor<A: Actor<Msg = M>>(
        id: impl Into<ChildId>,
        factory: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        Self::new(id.into(), ChildKind::Supervisor, move |()| factory())
    }

    /// Starts the actor outside of any supervisor; returns when its `pre_start` has. `GenServer.start`.
    ///
    /// It runs until it ends by itself or is stopped, even when every reference to it is dropped. Nobody restarts it, so
    /// that [`restart`](Self::restart) and [`shutdown`](Self::shutdown) mean nothing here; its names do.
    ///
    /// # Errors
    /// The bare reason: [`StartError::Failed`], [`StartError::Panicked`] and [`StartError::Ignore`] from its `pre_start`,
    /// [`StartError::AlreadyRegistered`] before that. A failed start leaves nothing behind.
    ///
    /// # Cancel safety
    /// Dropping the future kills what was started so far.
    pub async fn start(&self) -> Result<ActorRef<M>, StartError> {
        let incarnation = Incarnation::new(self.id.clone(), KILL_GRACE);
        let started = (self.make)(self.binds.clone().into(), incarnation, &Extra::new(())).await?;
        started.typed().ok_or(StartError::NoProc)
    }

    /// [`start`](Self::start), linked to the actor in whose callback this is called. `GenServer.start_link`.
    ///
    /// When that actor ends, for whatever reason, the new one is stopped with the same reason. When the new one ends for any
    /// reason but [`Normal`](ExitReason::Normal), that actor is: [`unlink`](ActorRef::unlink) them where that is not wanted.
    ///
    /// # Errors
    /// As `start`; a start that failed does not concern the starter. [`StartError::NotInCallback`] anywhere else.
    pub async fn start_linked(&self) -> Result<ActorRef<M>, StartError> {
        let starter = Incarnation::current().ok_or(StartError::NotInCallback)?;
        let started = self.start().await?;
        starter.link(started.incarnation(), Bond::Child);
        Ok(started)
    }

    /// Lets the child be called as its first binding is, if it has one.
    pub(crate) fn id_is_name(mut self) -> Self {
        self.id_is_name = true;
        self
    }
}

impl<M: Message, X: Clone + Send + Sync + 'static> ChildSpec<M, X> {
    /// A [`worker`](ChildSpec::worker) whose factory is also given the
    /// [`extra_arguments`](crate::DynamicSupervisor::extra_arguments) of the supervisor it is started under: a fresh clone
    /// each time, for restarts too.
    pub fn worker_with<A: Actor<Msg = M>>(
        id: impl Into<ChildId>,
        factory: impl Fn(X) -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        Self::new(id.into(), ChildKind::Worker, factory)
    }

    fn new<A: Actor<Msg = M>>(
        id: ChildId,
        kind: ChildKind,
        factory: impl Fn(X) -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        let make: Make<M> = Arc::new(move |binds, incarnation, extra| {
            // The factory is the child's code: its panic is a failed start, never the supervisor's.
            let made = panic::catch_sync(|| incarnation.run_sync(|| factory(extra.get())));
            Box::pin(async move {
                match made {
                    Ok((actor, args)) => adapter::start(Launch {
                        actor,
                        args,
                        binds,
                        incarnation,
                    })
                    .await
                    .map(|actor| actor.any()),
                    Err(text) => {
                        incarnation.finish(ExitReason::Panic(text.clone()));
                        Err(StartError::Panicked(text))
                    }
                }
            })
        });
        Self {
            id,
            id_is_name: false,
            restart: Restart::default(),
            shutdown: None,
            significant: false,
            drain: false,
            kind,
            binds: Vec::new(),
            make,
            extra: PhantomData,
        }
    }
}

impl<M: Message, X> ChildSpec<M, X> {
    /// What the child is called instead.
    pub fn id(mut self, id: impl Into<ChildId>) -> Self {
        self.id = id.into();
        self.id_is_name = false;
        self
    }

    /// When the child is started again. Default: [`Restart::Permanent`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How the child is stopped. Default: 5 s for a worker, [`Shutdown::Infinity`] for a supervisor.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Lets the child handle what its mailbox holds before it stops; without this a stop overtakes the mailbox.
    /// Its [`shutdown`](Self::shutdown) covers both.
    pub fn drain(mut self) -> Self {
        self.drain = true;
        self
    }

    /// Marks the child as one whose end may end its supervisor (see [`AutoShutdown`](crate::AutoShutdown)). It has to be
    /// transient or temporary, in a [`Supervisor`](crate::Supervisor) with
    /// [`auto_shutdown`](crate::Supervisor::auto_shutdown).
    pub fn significant(mut self) -> Self {
        self.significant = true;
        self
    }

    /// Binds every incarnation to `bind` before its `pre_start` runs; may be repeated.
    pub fn via(mut self, bind: impl Bind<M> + 'static) -> Self {
        self.binds.push(Arc::new(bind));
        self
    }

    /// Binds every incarnation to `name`.
    pub fn name(self, name: &Name<M>) -> Self {
        self.via(name.clone())
    }

    pub(crate) fn erase(self) -> Arc<ErasedSpec> {
        let Self {
            mut id,
            id_is_name,
            restart,
            shutdown,
            significant,
            drain,
            kind,
            binds,
            make,
            extra: _,
        } = self;
        if id_is_name && let Some(name) = binds.iter().find_map(|bind| bind.label()) {
            id = name.into();
        }
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
                label: Arc::new(move || labels.iter().find_map(|bind| bind.label())),
                start: Mutex::new(Some(Arc::new(move |incarnation, extra| {
                    make(binds.clone(), incarnation, extra)
                }))),
            }),
        })
    }
}

impl<M, X> Clone for ChildSpec<M, X> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            id_is_name: self.id_is_name,
            restart: self.restart,
            shutdown: self.shutdown,
            significant: self.significant,
            drain: self.drain,
            kind: self.kind,
            binds: self.binds.clone(),
            make: self.make.clone(),
            extra: PhantomData,
        }
    }
}

impl<M, X> fmt::Debug for ChildSpec<M, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

/// What a child's supervisor keeps of its spec, defaults filled in, whatever the message type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyChildSpec {
    /// What the child is called.
    pub id: ChildId,
    /// Worker or supervisor.
    pub kind: ChildKind,
    /// When it is started again.
    pub restart: Restart,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Whether its end may end its supervisor.
    pub significant: bool,
    /// Whether it handles what its mailbox holds before it stops.
    pub drain: bool,
}

impl From<&ErasedSpec> for AnyChildSpec {
    fn from(spec: &ErasedSpec) -> Self {
        Self {
            id: spec.id.clone(),
            kind: spec.kind,
            restart: spec.restart,
            shutdown: spec.shutdown,
            significant: spec.significant,
            drain: spec.drain,
        }
    }
}

/// `name` without the paths: `Pool<Job>` for a `crate::pool::Pool<crate::Job>`.
fn short_type_name(name: &str) -> String {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let segments = name.split_inclusive(|c| !is_path(c));
    segments.map(|path| path.rsplit("::").next().unwrap_or(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_called_without_its_paths() {
        for (full, short) in [
            ("Counter", "Counter"),
            ("bank::vault::Counter", "Counter"),
            ("a::Pool<b::Job, alloc::vec::Vec<u8>>", "Pool<Job, Vec<u8>>"),
            ("a::Pool<(b::Job, &str), dyn c::Run>", "Pool<(Job, &str), dyn Run>"),
        ] {
            assert_eq!(short_type_name(full), short);
        }
    }
}
