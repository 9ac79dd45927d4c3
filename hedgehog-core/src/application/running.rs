//! A started application: the handle that others have ([`RunningApplication`]) and the task that sees to its end
//! ([`Master`]).
//!
//! Invariant: when the end of an application can be seen, its tree is gone and its callbacks have run, each once, whoever
//! brought the end about.

use super::{ApplicationName, callbacks::Started};
use crate::{exit::ExitReason, panic, supervisor::SupervisorRef};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};

/// A started [`Application`](crate::Application). Dropping it leaves the tree running.
#[derive(Clone)]
pub struct RunningApplication(Arc<Running>);

struct Running {
    name: ApplicationName,
    root: SupervisorRef,
    /// Asks the master to stop the application.
    stop: Notify,
    ended: watch::Receiver<Option<ExitReason>>,
}

impl RunningApplication {
    /// The application's name.
    pub fn name(&self) -> &ApplicationName {
        &self.0.name
    }

    /// The root supervisor.
    pub fn root(&self) -> &SupervisorRef {
        &self.0.root
    }

    /// Stops the application: [`prep_stop`](crate::ApplicationCallbacks::prep_stop), then the tree in reverse start order,
    /// killing what is left of it at the deadline, then [`stop`](crate::ApplicationCallbacks::stop). Returns the root's exit
    /// reason when all that is done; at once if it was. A part of the application must not wait for it.
    pub async fn stop(&self) -> ExitReason {
        self.request_stop();
        self.exited().await
    }

    /// [`stop`](Self::stop) without waiting for it.
    pub(super) fn request_stop(&self) {
        self.0.stop.notify_one();
    }

    /// Waits until the application has ended, callbacks included, and says why its root did.
    pub async fn exited(&self) -> ExitReason {
        let mut ended = self.0.ended.clone();
        let reason = ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|ended| ended.clone());
        // Without a reason the runtime has dropped the master, and with it everything else.
        reason.unwrap_or(ExitReason::Killed)
    }
}

impl fmt::Debug for RunningApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunningApplication({})", self.0.name)
    }
}

/// How long a tree may take to end after it was killed: its supervisors give up what does not yield after a grace of a second each.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// How an application ended.
pub(super) struct End {
    pub(super) reason: ExitReason,
    /// Nobody stopped the application: its root gave up, or somebody stopped that.
    pub(super) by_itself: bool,
}

/// Sees to the end of one started application.
#[must_use = "an application without its master never ends"]
pub(super) struct Master {
    running: RunningApplication,
    started: Box<dyn Started>,
    stop_deadline: Duration,
    ended: watch::Sender<Option<ExitReason>>,
}

impl Master {
    pub(super) fn new(
        name: ApplicationName,
        root: SupervisorRef,
        started: Box<dyn Started>,
        stop_deadline: Duration,
    ) -> (RunningApplication, Self) {
        let (ended, seen) = watch::channel(None);
        let running = RunningApplication(Arc::new(Running {
            name,
            root,
            stop: Notify::new(),
            ended: seen,
        }));
        let master = Self {
            running: running.clone(),
            started,
            stop_deadline,
            ended,
        };
        (running, master)
    }

    /// Runs until the end; `at_end` is called when all is done and nobody can see it yet.
    pub(super) fn spawn(self, at_end: impl FnOnce(&End) + Send + 'static) {
        tokio::spawn(async move {
            let Self {
                running,
                mut started,
                stop_deadline,
                ended,
            } = self;
            let Running { name, root, stop, .. } = &*running.0;
            let by_itself = tokio::select! {
                biased;
                () = root_exited(root) => true,
                () = stop.notified() => false,
            };
            within(stop_deadline, name, "prep_stop", started.prep_stop()).await;
            let reason = stop_tree(root, name, stop_deadline).await;
            within(stop_deadline, name, "stop", started.stop()).await;
            if by_itself {
                tracing::error!(application = %name, %reason, "the application has ended by itself");
            }
            let end = End { reason, by_itself };
            at_end(&end);
            ended.send_replace(Some(end.reason));
        });
    }
}

async fn root_exited(root: &SupervisorRef) {
    if let Some(root) = root.whereis() {
        root.exited().await;
    }
}

async fn stop_tree(root: &SupervisorRef, name: &ApplicationName, deadline: Duration) -> ExitReason {
    if let Ok(reason) = tokio::time::timeout(deadline, root.stop(ExitReason::Shutdown)).await {
        return reason;
    }
    if let Some(actor) = root.whereis() {
        tracing::error!(application = %name, ?deadline, "the tree did not stop in time, killing it");
        actor.kill();
    }
    // What is killed and does not yield is given up by its supervisor after a grace; what is above it must not wait for longer.
    let killed = tokio::time::timeout(AFTER_KILL, root.stop(ExitReason::Shutdown)).await;
    killed.unwrap_or(ExitReason::Killed)
}

/// Runs a callback, and goes on without it when it fails.
async fn within(deadline: Duration, name: &ApplicationName, callback: &str, future: impl Future<Output = ()>) {
    // What is left of a late callback is dropped inside, where it may panic.
    match panic::catch(async { tokio::time::timeout(deadline, future).await }).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => tracing::error!(application = %name, ?deadline, "{callback} did not return in time"),
        Err(text) => tracing::error!(application = %name, panic = %text, "{callback} panicked"),
    }
}
