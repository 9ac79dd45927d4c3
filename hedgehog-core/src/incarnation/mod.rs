//! The life of one incarnation: who it is, what is running as it, what it is besides an actor, and how it ends.
//!
//! References, monitors, timers, names, supervisors and topics all hold on to an incarnation in the end; it knows none of them.
//! What it is more than a worker (a supervisor, an owner of topics) it is told as a [`Role`], and where its supervisor stands
//! as an [`Above`]. How it is asked to end and how it ends is in [`ending`], with what is to run then ([`hooks`]) and whom the
//! end is passed on to ([`links`]).
//!
//! Invariant: the reason is set once, and when it is visible nothing of the incarnation is left to be seen: no name, no
//! child.

mod ending;
mod hooks;
mod links;
mod role;

pub(crate) use ending::KILL_GRACE;
pub(crate) use hooks::HookId;
pub(crate) use links::Bond;
pub(crate) use role::{Above, Role};

use crate::{
    exit::ExitReason,
    identity::{ChildId, Pid},
};
use ending::Ending;
use parking_lot::Mutex;
use ractor::ActorCell;
use std::{
    any::Any,
    fmt,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Handle, sync::Notify, task::futures::TaskLocalFuture, time::Instant};

tokio::task_local! {
    /// The incarnation whose callback is running in this task.
    static CURRENT: Arc<Incarnation>;
}

/// A future that runs as a callback of an incarnation.
pub(crate) type Current<F> = TaskLocalFuture<Arc<Incarnation>, F>;

/// One incarnation of an actor, from before its `pre_start` until nobody refers to it any more.
pub(crate) struct Incarnation {
    pid: Pid,
    /// The child id, or the label of a root supervisor.
    label: ChildId,
    started: Instant,
    /// How long it may take to yield when it is killed.
    kill_grace: Duration,
    /// Where it runs: its end may be brought about by a thread that knows no runtime.
    runtime: Option<Handle>,
    /// Set before the first callback runs; what `stop` and `kill` act on.
    cell: OnceLock<ActorCell>,
    /// Where its supervisor stands.
    above: Option<Arc<dyn Above>>,
    /// Set by those that are more than a worker. Boxed, because most are not.
    role: OnceLock<Box<dyn Role>>,
    /// Set by those that are more to their callers than a mailbox: what is found through a reference to them.
    info: OnceLock<Box<dyn Any + Send + Sync>>,
    exit: OnceLock<ExitReason>,
    /// The reason of the first `stop`; read when the actor has stopped.
    requested: Mutex<Option<ExitReason>>,
    /// It takes no more messages: a stop or a kill was asked for, or it is ending by itself.
    closed: AtomicBool,
    /// Asked for before there was a cell to kill: `set_cell` makes up for it.
    killed: AtomicBool,
    /// Whether its supervisor has told of its start: then its end is told too.
    announced: AtomicBool,
    ending: Mutex<Ending>,
    /// Rung when a stop is requested and when it is gone.
    changed: Notify,
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({} {})", self.label, self.pid)
    }
}

impl Incarnation {
    /// An incarnation that nobody supervises.
    pub(crate) fn new(label: ChildId, kill_grace: Duration) -> Arc<Self> {
        Self::at(None, label, kill_grace)
    }

    /// An incarnation of a child of the supervisor at `above`.
    pub(crate) fn below(above: Arc<dyn Above>, label: ChildId, kill_grace: Duration) -> Arc<Self> {
        Self::at(Some(above), label, kill_grace)
    }

    fn at(above: Option<Arc<dyn Above>>, label: ChildId, kill_grace: Duration) -> Arc<Self> {
        Arc::new(Self {
            pid: Pid::next(),
            label,
            started: Instant::now(),
            kill_grace,
            runtime: Handle::try_current().ok(),
            cell: OnceLock::new(),
            above,
            role: OnceLock::new(),
            info: OnceLock::new(),
            exit: OnceLock::new(),
            requested: Mutex::new(None),
            closed: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            announced: AtomicBool::new(false),
            ending: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// The incarnation whose callback is running here, if any.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Whether the code running here is a callback of this incarnation.
    pub(crate) fn is_current(&self) -> bool {
        CURRENT.try_with(|current| current.pid == self.pid).unwrap_or(false)
    }

    /// Whether the code running here belongs to an incarnation that was declared dead: what it sends is dropped.
    pub(crate) fn current_is_fenced() -> bool {
        CURRENT.try_with(|current| current.is_exited()).unwrap_or(false)
    }

    /// Runs `future` as a callback of this incarnation.
    pub(crate) fn run<F: Future>(self: &Arc<Self>, future: F) -> Current<F> {
        self.clone().run_owned(future)
    }

    /// [`run`](Self::run) with this very reference, which can be had back when the future is done.
    pub(crate) fn run_owned<F: Future>(self: Arc<Self>, future: F) -> Current<F> {
        CURRENT.scope(self, future)
    }

    /// Runs `f` as a callback of this incarnation.
    pub(crate) fn run_sync<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.clone(), f)
    }

    /// Runs `future` beside the incarnation. Without a runtime, or in one that shuts down, it is dropped at once.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(future);
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn label(&self) -> &ChildId {
        &self.label
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn cell(&self) -> Option<&ActorCell> {
        self.cell.get()
    }

    /// Called once, when the actor is about to run its first callback.
    pub(crate) fn set_cell(&self, cell: ActorCell) {
        let cell = self.cell.get_or_init(|| cell);
        if self.is_killed() {
            cell.kill();
        }
        if self.requested.lock().is_some() {
            cell.stop(None);
        }
    }

    /// Makes it more than a worker. Called at most once, and by a supervisor before the first of its children starts.
    pub(crate) fn set_role(&self, role: impl Role) {
        let _ = self.role.set(Box::new(role));
    }

    /// Its role, if it has one of this kind.
    pub(crate) fn role<R: Role>(&self) -> Option<&R> {
        let role: &dyn Any = &**self.role.get()?;
        role.downcast_ref()
    }

    /// What it stands below, if that is of this kind.
    pub(crate) fn above<A: Above>(&self) -> Option<&A> {
        let above: &dyn Any = &**self.above.as_ref()?;
        above.downcast_ref()
    }

    pub(crate) fn announce(&self) {
        self.announced.store(true, Ordering::Release);
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.announced.load(Ordering::Acquire)
    }

    /// What was given to [`set_info`](Self::set_info), if it was of this type.
    pub(crate) fn info<T: 'static>(&self) -> Option<&T> {
        self.info.get()?.downcast_ref()
    }

    /// Called at most once, before the start succeeds.
    pub(crate) fn set_info(&self, info: impl Any + Send + Sync) {
        let _ = self.info.set(Box::new(info));
    }

    pub(crate) fn is_exited(&self) -> bool {
        self.exit.get().is_some()
    }

    /// From now on nothing is delivered to it. What is in the mailbox may still be handled.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn exit_reason(&self) -> Option<&ExitReason> {
        self.exit.get()
    }
}

#[cfg(test)]
mod tests;
