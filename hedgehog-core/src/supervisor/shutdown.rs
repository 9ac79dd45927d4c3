//! Stops one child the way its spec says.

use crate::{
    child_spec::{ErasedSpec, Shutdown},
    exit::ExitReason,
    incarnation::Incarnation,
};
use std::sync::Arc;

/// Stops a child and returns when it is gone, which is bounded unless that says [`Shutdown::Infinity`].
pub(crate) async fn shutdown(child: &Arc<Incarnation>, spec: &ErasedSpec) -> ExitReason {
    let ask = || {
        if spec.drain {
            child.drain(ExitReason::Shutdown);
        } else {
            child.stop(ExitReason::Shutdown);
        }
    };
    match spec.shutdown {
        Shutdown::BrutalKill => kill(child).await,
        Shutdown::Infinity => {
            ask();
            child.exited().await
        }
        Shutdown::Timeout(limit) => {
            ask();
            match tokio::time::timeout(limit, child.exited()).await {
                Ok(reason) => reason,
                Err(_) => kill(child).await,
            }
        }
    }
}

async fn kill(child: &Arc<Incarnation>) -> ExitReason {
    child.kill();
    // Within its grace for a worker; a supervisor is gone when its own children are, which is within theirs.
    child.exited().await
}
