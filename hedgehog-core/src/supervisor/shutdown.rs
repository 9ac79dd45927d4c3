//! Stops one child the way its spec says, and buries the children of a supervisor that could not.

use crate::{ExitReason, Shutdown, child_spec::ErasedSpec, exit::record::Incarnation, supervisor::log};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use std::{sync::Arc, time::Duration};

/// Stops a child and returns when it is gone, which is bounded unless that says [`Shutdown::Infinity`].
pub(crate) async fn shutdown(child: &Arc<Incarnation>, spec: &ErasedSpec, kill_grace: Duration) -> ExitReason {
    let ask = || {
        if spec.drain {
            child.drain(ExitReason::Shutdown);
        } else {
            child.stop(ExitReason::Shutdown);
        }
    };
    match spec.shutdown {
        Shutdown::BrutalKill => kill(child, kill_grace).await,
        Shutdown::Infinity => {
            ask();
            child.exited().await
        }
        Shutdown::Timeout(limit) => {
            ask();
            match tokio::time::timeout(limit, child.exited()).await {
                Ok(reason) => reason,
                Err(_) => kill(child, kill_grace).await,
            }
        }
    }
}

/// Kills a child, and declares it dead when it has not yielded within `grace`.
///
/// Code that does not await cannot be interrupted. Finishing the incarnation fences it: its names are free, what it sends
/// is dropped, and the task is left behind as a zombie until it yields.
async fn kill(child: &Arc<Incarnation>, grace: Duration) -> ExitReason {
    child.kill();
    if let Ok(reason) = tokio::time::timeout(grace, child.exited()).await {
        return reason;
    }
    // False for a supervisor that is only waiting for its own children to go.
    if child.finish(ExitReason::Killed) {
        log::zombie(child, grace);
    }
    // Immediate for a worker; a supervisor is gone when its own children are, which is bounded by their grace.
    child.exited().await
}

/// Kills `orphans`, all at once and unordered, and returns when they are gone.
pub(crate) async fn reap(orphans: Vec<Arc<Incarnation>>, grace: Duration) {
    let mut dying: FuturesUnordered<_> = orphans.iter().map(|orphan| kill(orphan, grace)).collect();
    while dying.next().await.is_some() {}
}
