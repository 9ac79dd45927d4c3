//! What supervisors tell the log, in plain words. Target: `hedgehog_core::supervisor`.
//!
//! Reasons are the user's errors: formatting one may panic, and that must not reach the supervisor.

use crate::{ExitReason, Pid, Restart, Shutdown, StartError, child_spec::ErasedSpec, exit::record::Incarnation, panic};
use std::{fmt::Display, time::Duration};

const TARGET: &str = "hedgehog_core::supervisor";

/// `value` as text, whatever its `Display` does.
pub(crate) fn text(value: &dyn Display) -> String {
    panic::catch_sync(|| value.to_string()).unwrap_or_else(|_| "(not printable)".to_owned())
}

pub(crate) fn started(supervisor: &Incarnation, child: &Incarnation) {
    tracing::debug!(target: TARGET, supervisor = %supervisor.label(), child = %child.label(), pid = %child.pid(), "child started");
}

pub(crate) fn exited(supervisor: &Incarnation, child: &Incarnation, reason: &ExitReason) {
    let (supervisor, id, pid, reason_text) = (supervisor.label(), child.label(), child.pid(), text(reason));
    if reason.is_clean() {
        tracing::debug!(target: TARGET, %supervisor, child = %id, %pid, reason = %reason_text, "child exited");
    } else {
        tracing::error!(target: TARGET, %supervisor, child = %id, %pid, reason = %reason_text, "child exited abnormally");
    }
}

pub(crate) fn restarted(supervisor: &Incarnation, child: &Incarnation, restarts: u64) {
    tracing::info!(target: TARGET, supervisor = %supervisor.label(), child = %child.label(), pid = %child.pid(), restarts, "child restarted");
}

pub(crate) fn restart_failed(supervisor: &Incarnation, child: &str, error: &StartError) {
    tracing::error!(target: TARGET, supervisor = %supervisor.label(), child, error = %text(error), "child did not start again, trying once more");
}

pub(crate) fn replaced(supervisor: &Incarnation, child: &str, holder: Pid) {
    tracing::error!(target: TARGET, supervisor = %supervisor.label(), child, %holder, "child is not restarted, a sibling has taken its name");
}

pub(crate) fn intensity_reached(supervisor: &Incarnation, child: &str) {
    tracing::error!(target: TARGET, supervisor = %supervisor.label(), child, "too many restarts, the supervisor gives up");
}

pub(crate) fn auto_shutdown(supervisor: &Incarnation, child: &str) {
    tracing::info!(target: TARGET, supervisor = %supervisor.label(), child, "significant child ended, the supervisor shuts down");
}

/// Reports a child that was stopped by its supervisor and did not end the way its spec says it should.
pub(crate) fn shut_down(supervisor: &Incarnation, spec: &ErasedSpec, child: &Incarnation, reason: &ExitReason) {
    let (supervisor, id, pid) = (supervisor.label(), &spec.id, child.pid());
    if is_clean_shutdown(spec.restart, spec.shutdown, reason) {
        tracing::debug!(target: TARGET, %supervisor, child = %id, %pid, "child stopped");
    } else {
        tracing::error!(target: TARGET, %supervisor, child = %id, %pid, reason = %text(reason), "child did not shut down cleanly");
    }
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

pub(crate) fn zombie(child: &Incarnation, grace: Duration) {
    tracing::error!(target: TARGET, child = %child.label(), pid = %child.pid(), ?grace, "killed child does not yield, declared dead and left behind");
}

#[cfg(test)]
mod tests;
