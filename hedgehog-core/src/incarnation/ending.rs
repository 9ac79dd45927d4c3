//! The end of an incarnation, from the first who asks for it until nobody waits for it any more.
//!
//! This is the only place that knows the order of an exit. The adapter runs the actor's own cleanup and drops its state;
//! from there [`Incarnation::finish`] takes over: what the incarnation held (names, subscriptions, timers) goes, the
//! reason becomes visible, monitors run, linked incarnations are stopped, waiters wake.
//!
//! Invariant: a supervisor that dies without stopping its children is finished only after they are gone. An incarnation that
//! was killed ends within its grace, whoever killed it and whatever it is doing.

use super::{
    Incarnation,
    hooks::{HookId, Hooks},
    links::Links,
    role::Above,
};
use crate::{exit::ExitReason, panic};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long a killed incarnation may take to yield before it is declared dead, unless its supervisor says otherwise.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// Where supervisors tell what becomes of their children: a zombie is found among the rest of it.
const TARGET: &str = "hedgehog_core::supervisor";

type Cleanup = Box<dyn FnOnce() + Send>;
type Monitor = Box<dyn FnOnce(&ExitReason) + Send>;

/// What is to happen at the end.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) cleanups: Hooks<Cleanup>,
    pub(super) monitors: Hooks<Monitor>,
    pub(super) links: Links,
    finishing: bool,
}

impl Incarnation {
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
                incarnation.left_behind(grace);
            }
        });
    }

    /// Tells that it was declared dead and may still be running.
    fn left_behind(&self, grace: Duration) {
        let above = self.above.as_deref();
        let supervisor = above.map(Above::path);
        tracing::error!(target: TARGET, supervisor, child = %self.label, pid = %self.pid, ?grace, "killed child does not yield, declared dead and left behind");
        if let Some(above) = above {
            above.left_behind(self, grace);
        }
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
        let Some(role) = self.role.get() else {
            self.complete(reason);
            return true;
        };
        let (gone, orphans): (Vec<_>, Vec<_>) = role.close().into_iter().partition(|child| child.is_exited());
        for child in &gone {
            role.outlived(child);
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
                if let Some(role) = last.incarnation.role.get() {
                    role.orphaned(&orphan);
                }
            }
        });
        true
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
