//! The record of one incarnation: who it is, who watches it, and how it ends.
//!
//! This is the only place that knows the order of an exit. The adapter runs the actor's own cleanup and drops its state;
//! from there [`Incarnation::finish`] takes over: what the incarnation held (names, subscriptions, timers) goes, the
//! reason becomes visible, monitors run, linked incarnations ([`links`]) are stopped, waiters wake.
//!
//! Invariant: the reason is set once, and when it is visible nothing of the incarnation is left to be seen: no name, no
//! child. A supervisor that dies without stopping its children is finished only after they are gone. An incarnation that was
//! killed ends within its grace, whoever killed it and whatever it is doing.

mod links;

pub(crate) use links::Bond;

use super::{
    ExitReason,
    hooks::{HookId, Hooks},
};
use crate::{
    identity::{ChildId, Pid},
    panic,
    pubsub::TopicInfo,
    supervisor::{ChildView, RestartWindow, intensity::Intensity, log, options::Options, scope::Scope},
};
use links::Links;
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

/// How long a killed incarnation may take to yield before it is declared dead, unless its supervisor says otherwise.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The incarnation whose callback is running in this task.
    static CURRENT: Arc<Incarnation>;
}

/// A future that runs as a callback of an incarnation.
pub(crate) type Current<F> = TaskLocalFuture<Arc<Incarnation>, F>;

type Cleanup = Box<dyn FnOnce() + Send>;
type Monitor = Box<dyn FnOnce(&ExitReason) + Send>;

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
    /// The scope of its supervisor.
    above: Option<Arc<Scope>>,
    /// Set by those that are more than a worker. Boxed, because most are not.
    role: OnceLock<Box<Role>>,
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

#[derive(Default)]
struct Ending {
    cleanups: Hooks<Cleanup>,
    monitors: Hooks<Monitor>,
    links: Links,
    finishing: bool,
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({} {})", self.label, self.pid)
    }
}

/// What an incarnation is besides an actor.
enum Role {
    /// It has children, which must be gone before its exit may be seen.
    Supervisor(Charge),
    /// It owns topics, which snapshots show.
    Topics(Box<dyn Fn() -> Vec<TopicInfo> + Send + Sync>),
}

/// What a supervisor shares with its exit record and with snapshots.
pub(crate) struct Charge {
    table: Arc<dyn Subtree>,
    intensity: Arc<Mutex<Intensity>>,
    scope: Arc<Scope>,
    /// The kill grace of its children.
    kill_grace: Duration,
}

impl Charge {
    pub(crate) fn children(&self) -> Vec<ChildView> {
        self.table.children()
    }

    pub(crate) fn restart_window(&self) -> RestartWindow {
        self.intensity.lock().window(Instant::now())
    }
}

/// The children of a supervisor, as its exit record sees them.
pub(crate) trait Subtree: Send + Sync {
    /// Refuses further children and returns those whose end the supervisor has not dealt with. Called once, when the
    /// supervisor ends.
    fn close(&self) -> Vec<Arc<Incarnation>>;
    /// A snapshot of the children for [`TreeNode`](crate::TreeNode), in start order where there is one.
    fn children(&self) -> Vec<ChildView>;
}

impl Incarnation {
    /// An incarnation that nobody supervises.
    pub(crate) fn new(label: ChildId, kill_grace: Duration) -> Arc<Self> {
        Self::below(None, label, kill_grace)
    }

    /// An incarnation of a child of this supervisor.
    pub(crate) fn child(&self, id: ChildId) -> Arc<Self> {
        let charge = self
            .charge()
            .expect("a supervisor takes charge before it starts children");
        Self::below(Some(charge.scope.clone()), id, charge.kill_grace)
    }

    fn below(above: Option<Arc<Scope>>, label: ChildId, kill_grace: Duration) -> Arc<Self> {
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

    /// Makes it a supervisor of the children in `table`. Called once, before the first of them starts.
    pub(crate) fn take_charge(&self, table: Arc<dyn Subtree>, intensity: Arc<Mutex<Intensity>>, options: &Options) {
        let scope = Scope::new(self.above.as_deref(), &self.label, options.events.as_ref());
        let charge = Charge {
            table,
            intensity,
            scope: Arc::new(scope),
            kill_grace: options.kill_grace,
        };
        let _ = self.role.set(Box::new(Role::Supervisor(charge)));
    }

    pub(crate) fn charge(&self) -> Option<&Charge> {
        match &**self.role.get()? {
            Role::Supervisor(charge) => Some(charge),
            Role::Topics(_) => None,
        }
    }

    /// The scope of the children of this supervisor.
    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.charge().map(|charge| &*charge.scope)
    }

    /// The scope it was started in.
    pub(crate) fn above(&self) -> Option<&Scope> {
        self.above.as_deref()
    }

    /// Lets snapshots show topics as this actor's. `topics` runs in whoever takes the snapshot.
    pub(crate) fn show_topics(&self, topics: impl Fn() -> Vec<TopicInfo> + Send + Sync + 'static) {
        let _ = self.role.set(Box::new(Role::Topics(Box::new(topics))));
    }

    pub(crate) fn topics(&self) -> Vec<TopicInfo> {
        match self.role.get().map(|role| &**role) {
            Some(Role::Topics(topics)) => topics(),
            Some(Role::Supervisor(_)) | None => Vec::new(),
        }
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

    pub(crate) fn stop(&self, reason: ExitReason) {
        self.close();
        self.requested.lock().get_or_insert(reason);
        self.changed.notify_waiters();
        if let Some(cell) = self.cell.get() {
            cell.stop(None);
        }
    }

    /// [`stop`](Self::stop) that lets the actor handle what its mailbox holds, and nothing more.
    pub(crate) fn drain(&self, reason: ExitReason) {
        self.close();
        self.requested.lock().get_or_insert(reason);
        self.changed.notify_waiters();
        if let Some(cell) = self.cell.get() {
            // An error means that it is stopping already.
            let _ = cell.drain();
        }
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    /// Kills the incarnation, and declares it dead when it has not yielded within its grace.
    ///
    /// Code that does not await cannot be interrupted. Finishing the incarnation fences it: its names are free, what it sends
    /// is dropped, and the task is left behind as a zombie until it yields.
    pub(crate) fn kill(self: &Arc<Self>) {
        self.close();
        let again = self.killed.swap(true, Ordering::SeqCst);
        if let Some(cell) = self.cell.get() {
            cell.kill();
        }
        if again || self.is_exited() {
            return;
        }
        let (incarnation, grace) = (self.clone(), self.kill_grace);
        self.spawn(async move {
            let late = tokio::time::timeout(grace, incarnation.exited()).await.is_err();
            // False for a supervisor that is only waiting for its own children to go.
            if late && incarnation.finish(ExitReason::Killed) {
                log::zombie(&incarnation, grace);
            }
        });
    }

    /// The reason that was asked for with `stop`.
    pub(crate) fn requested(&self) -> Option<ExitReason> {
        self.requested.lock().clone()
    }

    /// Runs `f` when the state is dropped and before anyone can see the exit; at once if it can be seen already.
    pub(crate) fn on_cleanup(&self, f: impl FnOnce() + Send + 'static) -> Option<HookId> {
        let mut ending = self.ending.lock();
        if self.is_exited() {
            drop(ending);
            f();
            None
        } else {
            Some(ending.cleanups.add(Box::new(f)))
        }
    }

    /// Takes back what [`on_cleanup`](Self::on_cleanup) was given.
    pub(crate) fn forget_cleanup(&self, hook: HookId) {
        let hook = self.ending.lock().cleanups.take_back(hook);
        drop(hook);
    }

    /// Runs `f` once with the reason; at once if the exit can be seen already.
    pub(crate) fn on_exit(&self, f: impl FnOnce(&ExitReason) + Send + 'static) -> Option<HookId> {
        let mut ending = self.ending.lock();
        match self.exit.get() {
            None => Some(ending.monitors.add(Box::new(f))),
            Some(reason) => {
                drop(ending);
                f(reason);
                None
            }
        }
    }

    /// Takes back what [`on_exit`](Self::on_exit) was given. False when it ran, or is about to.
    pub(crate) fn forget_monitor(&self, hook: HookId) -> bool {
        // Dropped when the lock is not held any more.
        let hook = self.ending.lock().monitors.take_back(hook);
        hook.is_some()
    }

    pub(crate) async fn exited(&self) -> ExitReason {
        self.until(|| self.exit.get().cloned()).await
    }

    /// Waits until somebody asks it to stop, and says with what reason.
    pub(crate) async fn stopping(&self) -> ExitReason {
        self.until(|| self.requested()).await
    }

    async fn until(&self, happened: impl Fn() -> Option<ExitReason>) -> ExitReason {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(reason) = happened() {
                return reason;
            }
            changed.await;
        }
    }

    /// Ends the incarnation. The first caller's reason wins; later calls do nothing and return false.
    ///
    /// A supervisor with children left kills them and ends when they are gone, which is after this returns.
    pub(crate) fn finish(self: &Arc<Self>, reason: ExitReason) -> bool {
        if std::mem::replace(&mut self.ending.lock().finishing, true) {
            return false;
        }
        self.close();
        let Some(charge) = self.charge() else {
            self.complete(reason);
            return true;
        };
        let (gone, orphans): (Vec<_>, Vec<_>) = charge.table.close().into_iter().partition(|child| child.is_exited());
        for child in &gone {
            log::outlived(self, child);
        }
        if orphans.is_empty() {
            self.complete(reason);
            return true;
        }
        let last = Completion {
            incarnation: self.clone(),
            reason: Some(reason),
        };
        for orphan in &orphans {
            orphan.kill();
        }
        self.spawn(async move {
            let last = last;
            for orphan in orphans {
                orphan.exited().await;
                log::orphaned(&last.incarnation, &orphan);
            }
        });
        true
    }

    /// Runs `future` beside the incarnation. Without a runtime, or in one that shuts down, it is dropped at once.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(future);
        }
    }

    fn complete(&self, reason: ExitReason) {
        let (monitors, links) = loop {
            let cleanups = {
                let mut ending = self.ending.lock();
                let cleanups = ending.cleanups.take_all();
                if cleanups.is_empty() {
                    let _ = self.exit.set(reason);
                    break (ending.monitors.take_all(), std::mem::take(&mut ending.links));
                }
                cleanups
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
        links.pass_on(self, reason);
        self.changed.notify_waiters();
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

#[cfg(test)]
mod tests;
