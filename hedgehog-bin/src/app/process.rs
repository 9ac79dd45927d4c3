//! `kill`: one process of the tree, ended brutally, as a test of what supervision is for.

use super::{ROOT, RequestError, System};
use crate::naive::TraderStatus;
use crate::spelling::nearest;
use hedgehog_core::{Pid, TreeNode};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// A killed process yields within the grace of its supervisor, or is given up by it.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a kill found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Killed {
    /// Its path.
    pub path: String,
    /// The incarnation that has ended; `None` when none was alive.
    pub pid: Option<Pid>,
}

impl System {
    /// The live supervision tree, in which a trader that was started again shows it: its leader starts it as another child, so
    /// its supervisor knows nothing of the former one.
    pub async fn processes(&self) -> Result<TreeNode, RequestError> {
        let mut tree = self.tree()?;
        let trading = self.status().await.trading;
        let traders = trading.iter().flatten().flat_map(|symbol| &symbol.open_traders);
        let ended: HashMap<String, &TraderStatus> = traders
            .filter(|trader| trader.restarts > 0)
            .map(|trader| (trader.id.to_string(), trader))
            .collect();
        remember(&mut tree, &ended);
        Ok(tree)
    }

    /// Kills the process at a path that [`System::tree`] shows, and returns when it has ended. The end of a path is enough
    /// where one process alone has it.
    ///
    /// What its supervisor's strategy names restarts; nothing else changes.
    pub async fn kill(&self, path: &str) -> Result<Killed, RequestError> {
        let tree = self.tree()?;
        let paths = tree.iter().map(|node| node.path.as_str());
        let path = match named(path, paths).as_slice() {
            [] => return Err(unknown(path, &tree)),
            [one] => (*one).to_owned(),
            several => {
                return Err(RequestError::AmbiguousPath {
                    path: path.to_owned(),
                    paths: several.iter().map(|&path| path.to_owned()).collect(),
                });
            }
        };
        if path == ROOT {
            return Err(RequestError::Root);
        }
        let node = tree.find(&path).ok_or_else(|| unknown(&path, &tree))?;
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

fn remember(node: &mut TreeNode, ended: &HashMap<String, &TraderStatus>) {
    if let Some(trader) = ended.get(&node.id) {
        node.restarts += trader.restarts;
        node.last_exit = node.last_exit.take().or_else(|| trader.last_exit.clone());
    }
    for child in &mut node.children {
        remember(child, ended);
    }
}

/// The paths that a text may mean: itself, or those that end with it at the border of an id, or at least within one: what
/// `tree` has cut in front names a process too.
fn named<'a>(typed: &str, paths: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.trim_start_matches('…').trim_matches('/');
    let ending: Vec<&str> = paths
        .filter(|path| path.ends_with(typed) && !typed.is_empty())
        .collect();
    let at_border = |path: &&&str| path[..path.len() - typed.len()].ends_with('/');
    if let Some(exact) = ending.iter().find(|path| **path == typed) {
        return vec![exact];
    }
    let whole: Vec<&str> = ending.iter().filter(at_border).copied().collect();
    if whole.is_empty() { ending } else { whole }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_path_is_enough_where_one_process_has_it() {
        let paths = [
            "Hedgehog",
            "Hedgehog/Naive.Supervisor/Symbols/BTCUSDT",
            "Hedgehog/Naive.Supervisor/Symbols/BTCUSDT/Traders/0193-90ab",
            "Hedgehog/Streamer.Supervisor/Streams/BTCUSDT",
            "Hedgehog/Warehouse.SubscriberSupervisor/Workers/ORDERS:BTCUSDT",
        ];
        let find = |typed| named(typed, paths.into_iter());
        assert_eq!(find("Streams/BTCUSDT"), [paths[3]]);
        assert_eq!(find("BTCUSDT"), [paths[1], paths[3]]);
        assert_eq!(find("ORDERS:BTCUSDT"), [paths[4]]);
        assert_eq!(find("90ab"), [paths[2]]);
        assert_eq!(find("…3-90ab"), [paths[2]]);
        assert_eq!(find("Hedgehog"), [paths[0]]);
        assert!(find("Nobody").is_empty() && find("").is_empty());
    }
}
