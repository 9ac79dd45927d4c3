//! The record of one incarnation: who it is, who watches it, and how it ends.
//!
//! This is the only place that knows the order of an exit. The adapter runs the actor's own cleanup and drops its state;
//! from there [`Incarnation::finish`] takes over: what the incarnation held (names, subscriptions, timers) goes, the
//! reason becomes visible, monitors run, waiters wake.
//!
//! Invariant: the reason is set once, and when it is visible nothing of the incarnation is left to be seen: no name, no
//! child. A supervisor that dies without stopping its children is finished only after they are gone.

use super::ExitReason;
use crate::{actor_ref::Pid, child_spec::ChildId, panic};
use parking_lot::Mutex;
use ractor::ActorCell;
use std::{
    fmt,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

tokio::task_local! {
    /// The incarnation whose callback is running in this task.
    static CURRENT: Arc<Incarnation>;
}

type Cleanup = Box<dyn FnOnce() + Send>;
type Monitor = Box<dyn FnOnce(&ExitReason) + Send>;

/// One incarnation of an actor, from before its `pre_start` until nobody refers to it any more.
pub(crate) struct Incarnation {
    pid: Pid,
    /// The child id, or the label of a root supervisor.
    label: ChildId,
    started: Instant,
    /// Set before the first callback runs; what `stop` and `kill` act on.
    cell: OnceLock<ActorCell>,
    /// Set by supervisors: the children that must be gone before this exit may be seen.
    subtree: OnceLock<Arc<dyn Subtree>>,
    exit: OnceLock<ExitReason>,
    /// The reason of the first `stop`; read when the actor has stopped.
    requested: Mutex<Option<ExitReason>>,
    /// It takes no more messages: a stop or a kill was asked for, or it is ending by itself.
    closed: AtomicBool,
    /// Asked for before there was a cell to kill: `set_cell` makes up for it.
    killed: AtomicBool,
    hooks: Mutex<Hooks>,
    gone: Notify,
}

#[derive(Default)]
struct Hooks {
    cleanups: Vec<Cleanup>,
    monitors: Vec<Monitor>,
    finishing: bool,
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({} {})", self.label, self.pid)
    }
}

/// The children of a supervisor, as its exit record sees them.
pub(crate) trait Subtree: Send + Sync {
    /// Refuses further children and returns those that are not known to be gone. Called once, when the supervisor ends.
    fn close(&self) -> Vec<Arc<Incarnation>>;
    /// How long a killed child may take before it is declared dead.
    fn kill_grace(&self) -> Duration;
    /// A snapshot of the children for [`TreeNode`](crate::TreeNode), in start order where there is one.
    fn children(&self) -> Vec<crate::observe::ChildView>;
}

impl Incarnation {
    pub(crate) fn new(label: ChildId) -> Arc<Self> {
        Arc::new(Self {
            pid: Pid::next(),
            label,
            started: Instant::now(),
            cell: OnceLock::new(),
            subtree: OnceLock::new(),
            exit: OnceLock::new(),
            requested: Mutex::new(None),
            closed: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            hooks: Mutex::default(),
            gone: Notify::new(),
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
    pub(crate) fn run<F: Future>(self: &Arc<Self>, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// Runs `f` as a callback of this incarnation.
    pub(crate) fn run_sync<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.clone(), f)
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

    pub(crate) fn subtree(&self) -> Option<&Arc<dyn Subtree>> {
        self.subtree.get()
    }

    pub(crate) fn set_subtree(&self, subtree: Arc<dyn Subtree>) {
        let _ = self.subtree.set(subtree);
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

    pub(crate) fn stop(&self, reason: ExitReason) {
        self.close();
        self.requested.lock().get_or_insert(reason);
        if let Some(cell) = self.cell.get() {
            cell.stop(None);
        }
    }

    /// [`stop`](Self::stop) that lets the actor handle what its mailbox holds, and nothing more.
    pub(crate) fn drain(&self, reason: ExitReason) {
        self.close();
        self.requested.lock().get_or_insert(reason);
        if let Some(cell) = self.cell.get() {
            // An error means that it is stopping already.
            let _ = cell.drain();
        }
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    pub(crate) fn kill(&self) {
        self.close();
        self.killed.store(true, Ordering::SeqCst);
        if let Some(cell) = self.cell.get() {
            cell.kill();
        }
    }

    /// The reason that was asked for with `stop`.
    pub(crate) fn requested(&self) -> Option<ExitReason> {
        self.requested.lock().clone()
    }

    /// Runs `f` when the state is dropped and before anyone can see the exit; at once if it can be seen already.
    pub(crate) fn on_cleanup(&self, f: impl FnOnce() + Send + 'static) {
        let mut hooks = self.hooks.lock();
        if self.is_exited() {
            drop(hooks);
            f();
        } else {
            hooks.cleanups.push(Box::new(f));
        }
    }

    /// Runs `f` once with the reason; at once if the exit can be seen already.
    pub(crate) fn on_exit(&self, f: impl FnOnce(&ExitReason) + Send + 'static) {
        let mut hooks = self.hooks.lock();
        match self.exit.get() {
            None => hooks.monitors.push(Box::new(f)),
            Some(reason) => {
                drop(hooks);
                f(reason);
            }
        }
    }

    pub(crate) async fn exited(&self) -> ExitReason {
        loop {
            let gone = self.gone.notified();
            tokio::pin!(gone);
            gone.as_mut().enable();
            if let Some(reason) = self.exit.get() {
                return reason.clone();
            }
            gone.await;
        }
    }

    /// Ends the incarnation. The first caller's reason wins; later calls do nothing and return false.
    ///
    /// A supervisor with children left kills them and ends when they are gone, which is after this returns.
    pub(crate) fn finish(self: &Arc<Self>, reason: ExitReason) -> bool {
        if std::mem::replace(&mut self.hooks.lock().finishing, true) {
            return false;
        }
        self.close();
        let Some(subtree) = self.subtree.get() else {
            self.complete(reason);
            return true;
        };
        let orphans = subtree.close();
        if orphans.is_empty() {
            self.complete(reason);
            return true;
        }
        let grace = subtree.kill_grace();
        let last = Completion {
            incarnation: self.clone(),
            reason: Some(reason),
        };
        for orphan in &orphans {
            orphan.kill();
        }
        // Outside a runtime nothing can be awaited: `last` is dropped and completes at once.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _last = last;
                crate::supervisor::shutdown::reap(orphans, grace).await;
            });
        }
        true
    }

    fn complete(&self, reason: ExitReason) {
        let monitors = loop {
            let cleanups = {
                let mut hooks = self.hooks.lock();
                if hooks.cleanups.is_empty() {
                    let _ = self.exit.set(reason);
                    break std::mem::take(&mut hooks.monitors);
                }
                std::mem::take(&mut hooks.cleanups)
            };
            for cleanup in cleanups {
                // A panicking hook must keep neither the others from running nor the exit from being seen.
                let _ = panic::catch_sync(cleanup);
            }
        };
        let reason = self
            .exit
            .get()
            .expect("set just above, by the only caller of `complete`");
        for monitor in monitors {
            let _ = panic::catch_sync(|| monitor(reason));
        }
        self.gone.notify_waiters();
    }
}

/// Completes an exit when it is dropped, so that a runtime which shuts down in the middle still completes it.
struct Completion {
    incarnation: Arc<Incarnation>,
    reason: Option<ExitReason>,
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(reason) = self.reason.take() {
            self.incarnation.complete(reason);
        }
    }
}
