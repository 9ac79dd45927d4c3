//! A snapshot of the live tree: [`TreeNode`].
//!
//! Every supervisor keeps its child table where its exit record can reach it, so a snapshot asks nobody and never waits
//! on a busy supervisor.

use crate::{
    actor_ref::{AnyActorRef, Pid},
    child_spec::{ChildKind, ErasedSpec},
    exit::record::Incarnation,
    supervisor::log,
};
use serde::{Serialize, Serializer};
use std::{fmt, sync::Arc, time::Duration};

/// One process of the tree, with the processes below it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TreeNode {
    /// The ids from the root of the snapshot to here, joined by `/`. Names one process as long as its siblings' ids differ.
    pub path: String,
    /// The child id, or the label of a root supervisor.
    pub id: String,
    /// Supervisor or worker.
    pub kind: ChildKind,
    /// The registered name, if any.
    pub name: Option<String>,
    /// What it is doing.
    pub state: ChildState,
    /// The present incarnation.
    pub pid: Option<Pid>,
    /// How often this child was restarted since its supervisor started.
    pub restarts: u64,
    /// How long the present incarnation has been there; in milliseconds as `uptime_ms` when serialised.
    #[serde(rename = "uptime_ms", serialize_with = "milliseconds")]
    pub uptime: Option<Duration>,
    /// Why the previous incarnation ended.
    pub last_exit: Option<String>,
    /// The processes below.
    pub children: Vec<TreeNode>,
    #[serde(skip)]
    actor: Option<AnyActorRef>,
}

/// What a child of a supervisor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ChildState {
    /// Its `pre_start` is running.
    Starting,
    /// It runs.
    Running,
    /// It ended, and starting it again failed so far.
    Restarting,
    /// It ended or was terminated; only its spec is left.
    Stopped,
}

/// A child as its supervisor's table shows it. Taken under the table's lock, so nothing of the user's runs to make it.
pub(crate) struct ChildView {
    pub(crate) spec: Arc<ErasedSpec>,
    pub(crate) state: ChildState,
    pub(crate) restarts: u64,
    pub(crate) last_exit: Option<crate::ExitReason>,
    pub(crate) incarnation: Option<Arc<Incarnation>>,
}

impl TreeNode {
    /// The tree below a supervisor.
    pub(crate) fn of(root: &Arc<Incarnation>) -> Self {
        let id = root.label().to_string();
        let state = if root.is_exited() {
            ChildState::Stopped
        } else {
            ChildState::Running
        };
        Self::process(id.clone(), id, ChildKind::Supervisor, state, Some(root))
    }

    fn child(parent: &str, view: ChildView) -> Self {
        let ChildView {
            spec,
            state,
            restarts,
            last_exit,
            incarnation,
        } = view;
        let path = format!("{parent}/{}", spec.id);
        Self {
            name: spec.label(),
            restarts,
            last_exit: last_exit.map(|reason| log::text(&reason)),
            ..Self::process(path, spec.id.to_string(), spec.kind, state, incarnation.as_ref())
        }
    }

    fn process(
        path: String,
        id: String,
        kind: ChildKind,
        state: ChildState,
        incarnation: Option<&Arc<Incarnation>>,
    ) -> Self {
        let children = incarnation.and_then(|incarnation| incarnation.subtree());
        let children = children.map(|subtree| subtree.children()).unwrap_or_default();
        Self {
            children: children.into_iter().map(|child| Self::child(&path, child)).collect(),
            path,
            id,
            kind,
            name: None,
            state,
            pid: incarnation.map(|incarnation| incarnation.pid()),
            restarts: 0,
            uptime: incarnation.map(|incarnation| incarnation.started().elapsed()),
            last_exit: None,
            actor: incarnation.cloned().map(AnyActorRef),
        }
    }

    /// The node at `path`, this one included.
    pub fn find(&self, path: &str) -> Option<&TreeNode> {
        if self.path == path {
            return Some(self);
        }
        // Ids may contain the separator themselves, so a prefix is only a hint where to look.
        let below = path.strip_prefix(&self.path)?.starts_with('/');
        below.then(|| self.children.iter().find_map(|child| child.find(path)))?
    }

    /// The present incarnation, to stop, kill or watch it.
    pub fn actor(&self) -> Option<&AnyActorRef> {
        self.actor.as_ref()
    }

    /// This node and all below it, parents before their children.
    pub fn iter(&self) -> impl Iterator<Item = &TreeNode> {
        let mut rest = vec![self];
        std::iter::from_fn(move || {
            let node = rest.pop()?;
            rest.extend(node.children.iter().rev());
            Some(node)
        })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(f, "{:indent$}{}", "", self.id, indent = depth * 2)?;
        match self.state {
            ChildState::Running => {}
            ChildState::Starting => f.write_str(" starting")?,
            ChildState::Restarting => f.write_str(" restarting")?,
            ChildState::Stopped => f.write_str(" stopped")?,
        }
        if let Some(pid) = self.pid {
            write!(f, " {pid}")?;
        }
        if let Some(uptime) = self.uptime {
            write!(f, " up {}s", uptime.as_secs())?;
        }
        if self.restarts > 0 {
            write!(f, " restarts {}", self.restarts)?;
        }
        if let Some(last_exit) = &self.last_exit {
            write!(f, " (last exit: {last_exit})")?;
        }
        writeln!(f)?;
        self.children.iter().try_for_each(|child| child.write(f, depth + 1))
    }
}

/// An indented text tree, one process a line.
impl fmt::Display for TreeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn milliseconds<S: Serializer>(uptime: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    uptime.map(|uptime| uptime.as_millis() as u64).serialize(serializer)
}
