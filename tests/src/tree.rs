//! The live supervision tree, as `hedgehog tree --json` tells it.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every process by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Process>);

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Process {
    /// The present incarnation; none for a child that has ended.
    pub pid: Option<u64>,
    /// `running`, `stopped`, ...
    pub state: String,
    /// Since its supervisor started.
    pub restarts: u64,
}

#[derive(Deserialize)]
struct Node {
    path: String,
    #[serde(flatten)]
    process: Process,
    children: Vec<Node>,
}

impl Tree {
    /// Reads the answer to `tree --json`.
    pub fn parse(json: Value) -> Result<Self> {
        let root: Node = serde_json::from_value(json).context("an unreadable tree")?;
        let mut processes = BTreeMap::new();
        root.collect(&mut processes);
        Ok(Self(processes))
    }

    /// The process at a path.
    pub fn find(&self, path: &str) -> Option<&Process> {
        self.0.get(path)
    }

    /// The incarnation at a path, if one is alive.
    pub fn pid(&self, path: &str) -> Option<u64> {
        self.find(path)?.pid
    }

    /// The ids of the processes directly below a path, in alphabetical order.
    pub fn below(&self, path: &str) -> Vec<&str> {
        let ids = self
            .0
            .keys()
            .filter_map(|other| other.strip_prefix(path)?.strip_prefix('/'));
        ids.filter(|id| !id.contains('/')).collect()
    }

    /// Every path with its incarnation.
    pub fn pids(&self) -> BTreeMap<&str, Option<u64>> {
        self.0
            .iter()
            .map(|(path, process)| (path.as_str(), process.pid))
            .collect()
    }
}

impl Node {
    fn collect(self, processes: &mut BTreeMap<String, Process>) {
        for child in self.children {
            child.collect(processes);
        }
        processes.insert(self.path, self.process);
    }
}
