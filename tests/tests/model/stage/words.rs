//! hedgehog's answers and events in the model's words.

use hedgehog_core::{
    ChildCount, ChildState, DeleteError, NoProc, RestartError, StartError, SupervisorEventKind, TerminateError,
};
use hedgehog_tests::scenario::word;

use crate::scenario::Told;

pub(super) fn told_by(kind: &SupervisorEventKind) -> Told {
    match kind {
        SupervisorEventKind::Started => Told::Started,
        SupervisorEventKind::StartFailed { .. } => Told::StartFailed,
        SupervisorEventKind::Exited { reason } => Told::Exited(word(reason)),
        SupervisorEventKind::Restarted { restarts } => Told::Restarted(*restarts),
        SupervisorEventKind::RestartFailed { .. } => Told::RestartFailed,
        SupervisorEventKind::Terminated { reason, orderly } => Told::Terminated {
            reason: word(reason),
            orderly: *orderly,
        },
        SupervisorEventKind::MaxRestartsReached => Told::MaxRestartsReached,
        SupervisorEventKind::AutoShutdown => Told::AutoShutdown,
        other => unreachable!("nothing here blocks or shares a name: {other:?}"),
    }
}

/// As a snapshot tells the reason.
pub(super) fn exit_word(text: &str) -> &'static str {
    match text.split_once(':').map_or((text, false), |(kind, _)| (kind, true)) {
        ("normal", false) => "normal",
        ("shutdown", false) => "shutdown",
        ("shutdown", true) => "shutdown with detail",
        ("killed", false) => "killed",
        ("error", true) => "error",
        ("panic", true) => "panic",
        _ => "not a reason",
    }
}

pub(super) fn terminated(outcome: Result<(), TerminateError>) -> String {
    match outcome {
        Ok(()) => "ok",
        Err(TerminateError::NotFound { .. }) => "not found",
        Err(TerminateError::NoProc) => "noproc",
        Err(other) => return other.to_string(),
    }
    .to_owned()
}

pub(super) fn deleted(outcome: Result<(), DeleteError>) -> String {
    match outcome {
        Ok(()) => "ok",
        Err(DeleteError::NotFound { .. }) => "not found",
        Err(DeleteError::Running { .. }) => "running",
        Err(DeleteError::Restarting { .. }) => "restarting",
        Err(DeleteError::NoProc) => "noproc",
        Err(other) => return other.to_string(),
    }
    .to_owned()
}

pub(super) fn not_restarted(error: &RestartError) -> String {
    match error {
        RestartError::Start(error) => return failure(error),
        RestartError::NotFound { .. } => "not found",
        RestartError::Running { .. } => "running",
        RestartError::Restarting { .. } => "restarting",
        RestartError::NoProc => "noproc",
        other => return other.to_string(),
    }
    .to_owned()
}

pub(super) fn failure(error: &StartError) -> String {
    match error {
        StartError::Failed(_) => "failed",
        StartError::Panicked(_) => "panicked",
        StartError::Killed => "killed",
        StartError::Ignore => "ignore",
        StartError::AlreadyRegistered { .. } => "already registered",
        StartError::FailedToStartChild { id, source } => {
            return format!("failed to start child {id}: {}", failure(source));
        }
        StartError::MaxChildren { .. } => "max children",
        StartError::AlreadyStarted { .. } => "already started",
        StartError::AlreadyPresent { .. } => "already present",
        StartError::SignificantPermanent { .. } => "significant and permanent",
        StartError::SignificantNeedsAutoShutdown { .. } => "significant without auto-shutdown",
        StartError::NoProc => "noproc",
        other => return other.to_string(),
    }
    .to_owned()
}

pub(super) fn which<'a>(children: impl Iterator<Item = (&'a str, ChildState)>) -> String {
    let row = |(id, state)| format!("{id} {}", format!("{state:?}").to_lowercase());
    children.map(row).collect::<Vec<_>>().join(", ")
}

pub(super) fn counts(count: Result<ChildCount, NoProc>) -> String {
    match count {
        Ok(count) => format!(
            "{} specs, {} active, {} supervisors, {} workers",
            count.specs, count.active, count.supervisors, count.workers
        ),
        Err(NoProc) => "noproc".to_owned(),
    }
}
