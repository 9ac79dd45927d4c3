//! The tree that every app has, and the rule by which an app's operations take turns.
//!
//! ```text
//! <App>.Supervisor (rest_for_one)
//! ├─ Registry             names of the children; its loss rebuilds everything after it
//! ├─ ...                  what else the children need
//! ├─ <children>           a dynamic supervisor
//! └─ Autostart            a task: starts what the settings say, then ends
//! ```
//! Invariant: a child runs only while its settings row says so, because every operation writes the row and touches the
//! child inside one turn, and the autostart task takes a turn per child too.

mod archive;

pub use archive::TradeArchive;

use crate::backoff::Backoff;
use crate::causes::causes;
use crate::operation::OperationError;
use futures_util::future::BoxFuture;
use hedgehog_core::{
    ActorProcessingErr, ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef, Message, Name,
    Restart, Strategy, Supervisor, Task,
};
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard, watch};

/// What an app knows how to bring back.
pub trait Autostart: Clone + Send + Sync + 'static {
    /// Names a child: a symbol, a topic.
    type Key: fmt::Display + Send;

    /// The children that should run by the settings.
    fn due(&self) -> BoxFuture<'_, Result<Vec<Self::Key>, OperationError>>;

    /// Starts one of them unless its row has been switched off in the meantime. Takes a turn.
    fn resume<'a>(&'a self, key: &'a Self::Key) -> BoxFuture<'a, Result<(), OperationError>>;
}

/// The parts of an app that outlive every incarnation of its tree.
pub struct Service {
    name: &'static str,
    children: Name<DynamicSupervisorMsg>,
    turn: Mutex<()>,
    settled: watch::Sender<bool>,
}

impl Service {
    /// `children` is the name of the app's dynamic supervisor.
    pub fn new(name: &'static str, children: &'static str) -> Self {
        Self {
            name,
            children: Name::new(children),
            turn: Mutex::new(()),
            settled: watch::Sender::new(false),
        }
    }

    /// The app's dynamic supervisor, whichever incarnation of it lives.
    pub fn children(&self) -> DynamicSupervisorRef {
        DynamicSupervisorRef::from(&self.children)
    }

    /// Waits for the app's turn: operations on one app never interleave.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Returns once the first autostart pass is over, whatever it could start.
    pub async fn autostarted(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// The app's tree with its first child, the registry. What else must come before the children follows, and
    /// [`Service::with_autostart`] ends it.
    pub fn supervisor<M: Message>(&self, registry: ChildSpec<M>) -> Supervisor {
        Supervisor::new(Strategy::RestForOne).child(registry)
    }

    /// Adds the dynamic supervisor `id` and, after it, the task that starts what the settings say.
    pub fn with_autostart<A: Autostart>(
        service: &Arc<Self>,
        tree: Supervisor,
        id: &'static str,
        app: &A,
    ) -> Supervisor {
        let (service, app) = (Arc::clone(service), app.clone());
        let children = DynamicSupervisor::spec(id, DynamicSupervisor::new).name(&service.children);
        let autostart = Task::spec("Autostart", move || {
            let (service, app) = (Arc::clone(&service), app.clone());
            async move {
                service.autostart(&app).await;
                Ok::<(), ActorProcessingErr>(())
            }
        });
        // Transient, not temporary: a temporary child is forgotten when it ends, and would not run again when the
        // dynamic supervisor before it is restarted.
        tree.child(children).child(autostart.restart(Restart::Transient))
    }

    /// Starts each child on its own, so that one that fails does not hold up the others; passes repeat until none fails.
    async fn autostart<A: Autostart>(&self, app: &A) {
        let mut backoff = Backoff::default();
        loop {
            let failed = match app.due().await {
                Ok(due) => self.resume_all(app, due).await,
                Err(error) => {
                    tracing::error!(
                        "{}: the settings could not be read, trying again: {}",
                        self.name,
                        causes(&error)
                    );
                    true
                }
            };
            self.settled.send_replace(true);
            if !failed {
                return;
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    async fn resume_all<A: Autostart>(&self, app: &A, due: Vec<A::Key>) -> bool {
        let mut failed = false;
        for key in due {
            if let Err(error) = app.resume(&key).await {
                failed = true;
                tracing::error!(
                    "{}: {key} could not be started, trying again: {}",
                    self.name,
                    causes(&error)
                );
            }
        }
        failed
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
