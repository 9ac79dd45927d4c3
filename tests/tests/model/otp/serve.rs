//! What both kinds of supervisor do alike: serving their mailbox, bearing restarts, and telling about their children.

use hedgehog_core::Restart;

use super::Rule;
use super::world::{Child, Event, Failure, Message, Pid, Status, World};
use crate::scenario::{Body, Node, Reason, Request, Told};

/// A supervisor that has started.
pub(super) trait Supervise {
    async fn answer(&mut self, request: &Request) -> Result<Result<String, Failure>, End>;
    async fn exited(&mut self, pid: Pid, reason: Reason) -> Result<(), End>;
    /// The child has failed to restart, and nothing has happened to it since.
    async fn restart(&mut self, at: usize) -> Result<(), End>;
    async fn stop_all(&self);
}

/// The supervisor gives up, or has done its work.
#[derive(Debug)]
pub(super) struct End;

/// Handles one thing after another until the supervisor ends.
pub(super) async fn serve(world: &World, me: Pid, mut supervisor: impl Supervise) -> Reason {
    loop {
        let done = match world.receive(me).await {
            Event::Stop(reason) => {
                supervisor.stop_all().await;
                return reason;
            }
            Event::Message(Message::Call(call, request)) => supervisor.answer(&request).await.map(|outcome| {
                let answer = outcome.unwrap_or_else(|failure| failure.to_string());
                world.answer(call, answer);
            }),
            Event::Message(Message::Exited(pid, reason)) => supervisor.exited(pid, reason).await,
            Event::Message(Message::Retry(attempt)) => {
                let waiting = Status::Restarting(attempt);
                let at = world.table(me, |table| table.iter().position(|child| child.status == waiting));
                world.met(if at.is_some() {
                    Rule::Retries
                } else {
                    Rule::RetryIsStale
                });
                match at {
                    Some(at) => supervisor.restart(at).await,
                    None => Ok(()),
                }
            }
            Event::Message(Message::Order(_)) => unreachable!("orders are for workers"),
        };
        if let Err(End) = done {
            // SPEC-012, 053: the others stop, and the reason is Shutdown.
            world.close(me);
            supervisor.stop_all().await;
            return Reason::Shutdown;
        }
    }
}

/// Section 2.1.
pub(super) fn calls_for_restart(restart: Restart, reason: Reason) -> bool {
    match restart {
        Restart::Permanent => true,
        Restart::Transient => !reason.is_clean(),
        Restart::Temporary => false,
    }
}

/// Section 2.2, on exact time: one more restart, if there may be one.
pub(super) fn bear(world: &World, me: Pid, max_restarts: usize, child: &Node) -> Result<(), End> {
    if world.count_restart(me) <= max_restarts {
        return Ok(());
    }
    world.met(if max_restarts == 0 {
        Rule::GivesUpAtOnce
    } else {
        Rule::GivesUp
    });
    world.tell_of_spec(child, Told::MaxRestartsReached);
    Err(End)
}

/// SPEC-044, DSUP-042: the children and what they are doing.
pub(super) fn which(table: &[Child]) -> String {
    let row = |child: &Child| {
        let state = match child.status {
            Status::Running(_) => "running",
            Status::Stopped => "stopped",
            Status::Restarting(_) => "restarting",
        };
        format!("{} {state}", child.node.id)
    };
    table.iter().map(row).collect::<Vec<_>>().join(", ")
}

/// SPEC-043.
pub(super) fn count(table: &[Child]) -> String {
    let active = table
        .iter()
        .filter(|child| matches!(child.status, Status::Running(_)))
        .count();
    let workers = table
        .iter()
        .filter(|child| matches!(child.node.body, Body::Worker(_)))
        .count();
    let specs = table.len();
    format!(
        "{specs} specs, {active} active, {} supervisors, {workers} workers",
        specs - workers
    )
}

/// How the answer to a start names what has started.
pub(super) fn incarnation(world: &World, child: &Child) -> String {
    let nth = child.last.map_or(0, |pid| world.nth(pid));
    format!("{}#{nth}", child.node.id)
}
