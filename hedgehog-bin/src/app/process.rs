//! `kill`: one process of the tree, ended brutally, as a test of what supervision is for.

use super::{ROOT, RequestError, System};
use crate::spelling::nearest;
use hedgehog_core::{Pid, TreeNode};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// A killed process yields within the grace of its supervisor, or is given up by it.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a kill found.
#[derive(Clone, Debug, Serialize)]
pub struct Killed {
    /// Its path.
    pub path: String,
    /// The incarnation that has ended; `None` when none was alive.
    pub pid: Option<Pid>,
}

impl System {
    /// Kills the process at a path that [`System::tree`] shows, and returns when it has ended.
    ///
    /// What its supervisor's strategy names restarts; nothing else changes.
    pub async fn kill(&self, path: &str) -> Result<Killed, RequestError> {
        if path == ROOT {
            return Err(RequestError::Root);
        }
        let tree = self.tree()?;
        let node = tree.find(path).ok_or_else(|| unknown(path, &tree))?;
        let path = node.path.clone();
        let Some(actor) = node.actor().filter(|actor| actor.is_alive()).cloned() else {
            return Ok(Killed { path, pid: None });
        };
        tracing::info!("killing {path}, as asked");
        actor.kill();
        match tokio::time::timeout(DEADLINE, actor.exited()).await {
            Ok(_) => Ok(Killed {
                path,
                pid: Some(actor.pid()),
            }),
            Err(_) => Err(RequestError::Stuck { path }),
        }
    }
}

fn unknown(path: &str, tree: &TreeNode) -> RequestError {
    let nearest = nearest(path, tree.iter().map(|node| node.path.as_str()));
    RequestError::UnknownPath {
        path: path.to_owned(),
        nearest: nearest.into_iter().map(str::to_owned).collect(),
    }
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{}: killed {pid}", self.path),
            None => write!(f, "{}: not running, nothing to kill", self.path),
        }
    }
}
