//! What supervisors tell: to the log, in plain words (target `hedgehog_core::supervisor`), and to the topics of their
//! [`Scope`].
//!
//! Reasons are the user's errors: formatting one may panic, and that must not reach the supervisor. Whoever calls these
//! functions holds no lock, because both a reason's text and a subscriber's waker may come back to look at the tree.

use super::{event::SupervisorEventKind as Kind, scope::Scope};
use crate::{
    child_spec::{ErasedSpec, Restart, Shutdown},
    exit::ExitReason,
    identity::{ChildId, Pid},
    incarnation::Incarnation,
    printing::{chain, text},
    start_error::StartError,
};

const TARGET: &str = "hedgehog_core::supervisor";

pub(crate) fn started(scope: &Scope, child: &Incarnation) {
    tracing::debug!(target: TARGET, supervisor = scope.path(), child = %child.label(), pid = %child.pid(), "child started");
    child.announce();
    publish(scope, child, || Kind::Started);
}

pub(crate) fn start_failed(scope: &Scope, child: &ChildId, error: &StartError) {
    if matches!(error, StartError::Ignore) {
        return;
    }
    let (path, error_text) = (scope.path(), chain(error));
    if let StartError::AlreadyRegistered { .. } = error {
        // An answer to whoever asked, and often the one that was hoped for: nothing has gone wrong.
        tracing::debug!(target: TARGET, supervisor = path, %child, error = %error_text, "child did not start");
    } else {
        tracing::error!(target: TARGET, supervisor = path, %child, error = %error_text, "child did not start");
    }
    scope.publish(child, None, || Kind::StartFailed { error: error.clone() });
}

pub(crate) fn exited(scope: &Scope, child: &Incarnation, reason: &ExitReason) {
    let (path, id, pid, reason_text) = (scope.path(), child.label(), child.pid(), text(reason));
    if reason.is_clean() {
        tracing::debug!(target: TARGET, supervisor = path, child = %id, %pid, reason = %reason_text, "child exited");
    } else {
        tracing::error!(target: TARGET, supervisor = path, child = %id, %pid, reason = %reason_text, "child exited abnormally");
    }
    publish(scope, child, || Kind::Exited { reason: reason.clone() });
}

pub(crate) fn restarted(scope: &Scope, child: &Incarnation, restarts: u64) {
    tracing::info!(target: TARGET, supervisor = scope.path(), child = %child.label(), pid = %child.pid(), restarts, "child restarted");
    publish(scope, child, || Kind::Restarted { restarts });
}

pub(crate) fn restart_failed(scope: &Scope, child: &ChildId, error: &StartError) {
    tracing::error!(target: TARGET, supervisor = scope.path(), %child, error = %chain(error), "child did not start again, trying once more");
    scope.publish(child, None, || Kind::RestartFailed { error: error.clone() });
}

pub(crate) fn replaced(scope: &Scope, child: &ChildId, holder: Pid) {
    tracing::error!(target: TARGET, supervisor = scope.path(), %child, %holder, "child is not restarted, a sibling has taken its name");
    scope.publish(child, None, || Kind::Replaced { holder });
}

pub(crate) fn intensity_reached(scope: &Scope, child: &ChildId) {
    tracing::error!(target: TARGET, supervisor = scope.path(), %child, "too many restarts, the supervisor gives up");
    scope.publish(child, None, || Kind::MaxRestartsReached);
}

pub(crate) fn auto_shutdown(scope: &Scope, child: &ChildId) {
    tracing::info!(target: TARGET, supervisor = scope.path(), %child, "significant child ended, the supervisor shuts down");
    scope.publish(child, None, || Kind::AutoShutdown);
}

/// Reports a child that its supervisor stopped.
pub(crate) fn shut_down(scope: &Scope, spec: &ErasedSpec, child: &Incarnation, reason: &ExitReason) {
    terminated(
        scope,
        child,
        reason,
        is_clean_shutdown(spec.restart, spec.shutdown, reason),
    );
}

/// Reports a child that had ended before its supervisor was killed, which therefore never learned of it.
pub(crate) fn outlived(scope: &Scope, child: &Incarnation) {
    if let Some(reason) = child.exit_reason().filter(|_| child.is_announced()) {
        exited(scope, child, reason);
    }
}

/// Reports a child that was killed with its supervisor and is gone. One line tells of the supervisor; a hundred more, one for each
/// child, would hide it.
pub(crate) fn orphaned(scope: &Scope, child: &Incarnation) {
    if let Some(reason) = child.exit_reason().filter(|_| child.is_announced()) {
        let (path, id, pid) = (scope.path(), child.label(), child.pid());
        tracing::debug!(target: TARGET, supervisor = path, child = %id, %pid, reason = %text(reason), "child ended with its supervisor");
        publish_terminated(scope, child, reason, false);
    }
}

fn terminated(scope: &Scope, child: &Incarnation, reason: &ExitReason, orderly: bool) {
    let (path, id, pid) = (scope.path(), child.label(), child.pid());
    if orderly {
        tracing::debug!(target: TARGET, supervisor = path, child = %id, %pid, "child stopped");
    } else {
        tracing::error!(target: TARGET, supervisor = path, child = %id, %pid, reason = %text(reason), "child did not shut down cleanly");
    }
    publish_terminated(scope, child, reason, orderly);
}

fn publish_terminated(scope: &Scope, child: &Incarnation, reason: &ExitReason, orderly: bool) {
    publish(scope, child, || Kind::Terminated {
        reason: reason.clone(),
        orderly,
    });
}

fn publish(scope: &Scope, child: &Incarnation, kind: impl FnOnce() -> Kind) {
    scope.publish(child.label(), Some(child.pid()), kind);
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
