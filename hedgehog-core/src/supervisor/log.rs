//! What supervisors tell: to the log, in plain words (target `hedgehog_core::supervisor`), and to the topics of their
//! [`Scope`].
//!
//! Reasons are the user's errors: formatting one may panic, and that must not reach the supervisor. Whoever calls these
//! functions holds no lock, because both a reason's text and a subscriber's waker may come back to look at the tree.

use super::{event::SupervisorEventKind as Kind, scope::Scope};
use crate::{
    child_spec::{ErasedSpec, Restart, Shutdown},
    exit::{ExitReason, record::Incarnation},
    identity::{ChildId, Pid},
    printing::{chain, text},
    start_error::StartError,
};
use std::time::Duration;

const TARGET: &str = "hedgehog_core::supervisor";

pub(crate) fn started(supervisor: &Incarnation, child: &Incarnation) {
    tracing::debug!(target: TARGET, supervisor = path(supervisor), child = %child.label(), pid = %child.pid(), "child started");
    child.announce();
    publish(supervisor, child, || Kind::Started);
}

pub(crate) fn start_failed(supervisor: &Incarnation, child: &ChildId, error: &StartError) {
    if matches!(error, StartError::Ignore) {
        return;
    }
    let (path, error_text) = (path(supervisor), chain(error));
    if let StartError::AlreadyRegistered { .. } = error {
        // An answer to whoever asked, and often the one that was hoped for: nothing has gone wrong.
        tracing::debug!(target: TARGET, supervisor = path, %child, error = %error_text, "child did not start");
    } else {
        tracing::error!(target: TARGET, supervisor = path, %child, error = %error_text, "child did not start");
    }
    publish_spec(supervisor, child, || Kind::StartFailed { error: error.clone() });
}

pub(crate) fn exited(supervisor: &Incarnation, child: &Incarnation, reason: &ExitReason) {
    let (path, id, pid, reason_text) = (path(supervisor), child.label(), child.pid(), text(reason));
    if reason.is_clean() {
        tracing::debug!(target: TARGET, supervisor = path, child = %id, %pid, reason = %reason_text, "child exited");
    } else {
        tracing::error!(target: TARGET, supervisor = path, child = %id, %pid, reason = %reason_text, "child exited abnormally");
    }
    publish(supervisor, child, || Kind::Exited { reason: reason.clone() });
}

pub(crate) fn restarted(supervisor: &Incarnation, child: &Incarnation, restarts: u64) {
    tracing::info!(target: TARGET, supervisor = path(supervisor), child = %child.label(), pid = %child.pid(), restarts, "child restarted");
    publish(supervisor, child, || Kind::Restarted { restarts });
}

pub(crate) fn restart_failed(supervisor: &Incarnation, child: &ChildId, error: &StartError) {
    tracing::error!(target: TARGET, supervisor = path(supervisor), %child, error = %chain(error), "child did not start again, trying once more");
    publish_spec(supervisor, child, || Kind::RestartFailed { error: error.clone() });
}

pub(crate) fn replaced(supervisor: &Incarnation, child: &ChildId, holder: Pid) {
    tracing::error!(target: TARGET, supervisor = path(supervisor), %child, %holder, "child is not restarted, a sibling has taken its name");
    publish_spec(supervisor, child, || Kind::Replaced { holder });
}

pub(crate) fn intensity_reached(supervisor: &Incarnation, child: &ChildId) {
    tracing::error!(target: TARGET, supervisor = path(supervisor), %child, "too many restarts, the supervisor gives up");
    publish_spec(supervisor, child, || Kind::MaxRestartsReached);
}

pub(crate) fn auto_shutdown(supervisor: &Incarnation, child: &ChildId) {
    tracing::info!(target: TARGET, supervisor = path(supervisor), %child, "significant child ended, the supervisor shuts down");
    publish_spec(supervisor, child, || Kind::AutoShutdown);
}

/// Reports a child that its supervisor stopped.
pub(crate) fn shut_down(supervisor: &Incarnation, spec: &ErasedSpec, child: &Incarnation, reason: &ExitReason) {
    terminated(
        supervisor,
        child,
        reason,
        is_clean_shutdown(spec.restart, spec.shutdown, reason),
    );
}

/// Reports a child that had ended before its supervisor was killed, which therefore never learned of it.
pub(crate) fn outlived(supervisor: &Incarnation, child: &Incarnation) {
    if let Some(reason) = child.exit_reason().filter(|_| child.is_announced()) {
        exited(supervisor, child, reason);
    }
}

/// Reports a child that was killed with its supervisor and is gone. One line tells of the supervisor; a hundred more, one for each
/// child, would hide it.
pub(crate) fn orphaned(supervisor: &Incarnation, child: &Incarnation) {
    if let Some(reason) = child.exit_reason().filter(|_| child.is_announced()) {
        let (path, id, pid) = (path(supervisor), child.label(), child.pid());
        tracing::debug!(target: TARGET, supervisor = path, child = %id, %pid, reason = %text(reason), "child ended with its supervisor");
        publish_terminated(supervisor, child, reason, false);
    }
}

fn terminated(supervisor: &Incarnation, child: &Incarnation, reason: &ExitReason, orderly: bool) {
    let (path, id, pid) = (path(supervisor), child.label(), child.pid());
    if orderly {
        tracing::debug!(target: TARGET, supervisor = path, child = %id, %pid, "child stopped");
    } else {
        tracing::error!(target: TARGET, supervisor = path, child = %id, %pid, reason = %text(reason), "child did not shut down cleanly");
    }
    publish_terminated(supervisor, child, reason, orderly);
}

fn publish_terminated(supervisor: &Incarnation, child: &Incarnation, reason: &ExitReason, orderly: bool) {
    publish(supervisor, child, || Kind::Terminated {
        reason: reason.clone(),
        orderly,
    });
}

pub(crate) fn zombie(child: &Incarnation, grace: Duration) {
    let supervisor = child.above().map(Scope::path);
    tracing::error!(target: TARGET, supervisor, child = %child.label(), pid = %child.pid(), ?grace, "killed child does not yield, declared dead and left behind");
    if let Some(scope) = child.above() {
        scope.publish(child.label(), Some(child.pid()), || Kind::ZombieLeft { grace });
    }
}

fn publish(supervisor: &Incarnation, child: &Incarnation, kind: impl FnOnce() -> Kind) {
    if let Some(scope) = supervisor.scope() {
        scope.publish(child.label(), Some(child.pid()), kind);
    }
}

/// For what concerns a child that has no process.
fn publish_spec(supervisor: &Incarnation, child: &ChildId, kind: impl FnOnce() -> Kind) {
    if let Some(scope) = supervisor.scope() {
        scope.publish(child, None, kind);
    }
}

fn path(supervisor: &Incarnation) -> &str {
    supervisor.scope().map(Scope::path).unwrap_or_default()
}

fn is_clean_shutdown(restart: Restart, how: Shutdown, reason: &ExitReason) -> bool {
    match (how, reason) {
        (Shutdown::BrutalKill, ExitReason::Killed) => true,
        (Shutdown::BrutalKill, _) => false,
        (_, ExitReason::Shutdown) => true,
        // A permanent child has no business ending by itself, not even in good order.
        (_, ExitReason::Normal | ExitReason::ShutdownWith(_)) => restart != Restart::Permanent,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
