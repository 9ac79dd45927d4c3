//! [`Children`]: what the servers of all supervisors share: their children, and how one of them is started and stopped.
//!
//! What of that others may read and what must be done when the supervisor ends, however it ends, is its [`Charge`].
//!
//! Nothing a child does can make this fail: exits are learned by message, and a start is a result.

use super::{
    child::{Attempt, ChildView},
    intensity::{Intensity, RestartWindow},
    log,
    options::Options,
    scope::Scope,
    shutdown::shutdown,
    table::{Locked, Place, SharedTable},
};
use crate::{
    child_spec::{ErasedSpec, Extra},
    exit::ExitReason,
    identity::Pid,
    incarnation::{Incarnation, Role},
    panic,
    start_error::StartError,
};
use parking_lot::Mutex;
use ractor::Message;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

pub(crate) struct Children<M> {
    table: Arc<SharedTable>,
    /// Shared with snapshots.
    intensity: Arc<Mutex<Intensity>>,
    /// The supervisor's own, and that of all its children.
    scope: Arc<Scope>,
    kill_grace: Duration,
    mailbox: ractor::ActorRef<M>,
    wrap: fn(Notice) -> M,
    extra: Extra,
}

/// What reaches a supervisor's mailbox about its children without anybody asking.
pub(crate) enum Notice {
    /// An incarnation has ended.
    Exited(Pid, ExitReason),
    /// A failed restart is to be tried again. Through the mailbox: what waits there is served between two attempts.
    Retry(Place, Attempt),
}

/// What a supervisor shares with its exit record and with snapshots.
pub(crate) struct Charge {
    table: Arc<SharedTable>,
    intensity: Arc<Mutex<Intensity>>,
    scope: Arc<Scope>,
}

impl Charge {
    /// A snapshot of the children, in start order.
    pub(crate) fn children(&self) -> Vec<ChildView> {
        self.table.lock().views()
    }

    pub(crate) fn restart_window(&self) -> RestartWindow {
        self.intensity.lock().window(Instant::now())
    }
}

impl Role for Charge {
    fn close(&self) -> Vec<Arc<Incarnation>> {
        self.table.lock().close()
    }

    fn outlived(&self, child: &Incarnation) {
        log::outlived(&self.scope, child);
    }

    fn orphaned(&self, child: &Incarnation) {
        log::orphaned(&self.scope, child);
    }
}

impl<M: Message> Children<M> {
    /// The children of the supervisor whose `pre_start` this is called in; none of them runs yet.
    pub(crate) fn new(
        specs: Vec<Arc<ErasedSpec>>,
        options: &Options,
        mailbox: ractor::ActorRef<M>,
        wrap: fn(Notice) -> M,
    ) -> Self {
        let incarnation = Incarnation::current().expect("the adapter runs callbacks as their incarnation");
        let table = Arc::new(SharedTable::new(specs));
        let intensity = options.intensity();
        let scope = Scope::new(incarnation.above(), incarnation.label(), options.events.as_ref());
        let scope = Arc::new(scope);
        incarnation.set_role(Charge {
            table: table.clone(),
            intensity: intensity.clone(),
            scope: scope.clone(),
        });
        Self {
            table,
            intensity,
            scope,
            kill_grace: options.kill_grace,
            mailbox,
            wrap,
            extra: Extra::new(()),
        }
    }

    /// Gives `extra` to every factory call; the specs have to expect its type.
    pub(crate) fn extra(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }

    pub(crate) fn table(&self) -> Locked<'_> {
        self.table.lock()
    }

    pub(crate) fn spec(&self, at: Place) -> Arc<ErasedSpec> {
        self.table().child(at).spec.clone()
    }

    pub(crate) fn running(&self, at: Place) -> Option<Arc<Incarnation>> {
        self.table().child(at).running().cloned()
    }

    /// Where the supervisor stands, for the log.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Starts the child at `at`, which has no process. On a failure it is left stopped.
    pub(crate) async fn start(&self, at: Place) -> Result<Arc<Incarnation>, StartError> {
        let spec = self.spec(at);
        let child = Incarnation::below(self.scope.clone(), spec.id.clone(), self.kill_grace);
        if !self.table().starting(at, child.clone()) {
            return Err(StartError::NoProc);
        }
        let started = spec.start(child.clone(), &self.extra).await;
        if let Err(error) = started {
            self.table().stopped(at);
            return Err(error);
        }
        self.table().started(at, child.clone());
        log::started(&self.scope, &child);
        let (mailbox, wrap, pid) = (self.mailbox.clone(), self.wrap, child.pid());
        child.on_exit(move |reason| {
            let _ = mailbox.cast(wrap(Notice::Exited(pid, reason.clone())));
        });
        Ok(child)
    }

    /// Stops the child at `at` and cancels its retry. It stays in the table as running until it is gone.
    pub(crate) async fn stop(&self, at: Place) {
        let Some(child) = self.running(at) else {
            self.table().stopped(at);
            return;
        };
        let spec = self.spec(at);
        let reason = shutdown(&child, &spec).await;
        log::shut_down(&self.scope, &spec, &child, &reason);
        self.table().exited(at, reason);
    }

    /// Counts a restart for the child at `at`; the error, which ends the supervisor, says that it is one too many.
    pub(crate) fn count_restart(&self, at: Place) -> Result<(), ExitReason> {
        if self.intensity.lock().record(Instant::now()) {
            return Ok(());
        }
        log::intensity_reached(&self.scope, &self.spec(at).id);
        Err(ExitReason::Shutdown)
    }

    /// Says that the child at `at` was restarted as `child`.
    pub(crate) fn restarted(&self, at: Place, child: &Incarnation) {
        let restarts = self.table().restarted(at);
        log::restarted(&self.scope, child, restarts);
    }

    /// Tries the restart of the child at `at` again later, because it failed with `error`.
    pub(crate) fn retry(&self, at: Place, error: StartError) {
        log::restart_failed(&self.scope, &self.spec(at).id, &error);
        panic::discard(error);
        let attempt = self.table().restarting(at);
        let _ = self.mailbox.cast((self.wrap)(Notice::Retry(at, attempt)));
    }
}
