//! A snapshot of the live tree: [`TreeNode`].
//!
//! Every supervisor keeps its child table and its restart window where its exit record can reach them, so a snapshot asks
//! nobody and never waits on a busy supervisor.

use crate::{
    actor_ref::{ActorRef, AnyActorRef},
    child_spec::ChildKind,
    identity::Pid,
    incarnation::Incarnation,
    printing::text,
    pubsub::{SubscriberInfo, TopicInfo, Topics},
    supervisor::{Charge, ChildState, ChildView, RestartWindow, SupervisorRef},
};
use ractor::Message;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::Arc, time::Duration};

/// One process of the tree, with the processes below it.
///
/// Its `Display` is an indented text, a line for each process; it serialises to JSON and
/// reads back from it, without its [`actor`](Self::actor)s; [`to_dot`](Self::to_dot) draws it.
/// A picture of one moment: by the time it is looked at, the tree may be another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Of a running supervisor: how near it is to giving up.
    pub restart_window: Option<RestartWindow>,
    /// How long the present incarnation has been there; in milliseconds as `uptime_ms` when serialised.
    #[serde(
        rename = "uptime_ms",
        serialize_with = "optional_milliseconds",
        deserialize_with = "from_milliseconds"
    )]
    pub uptime: Option<Duration>,
    /// Why the previous incarnation ended.
    pub last_exit: Option<String>,
    /// Of a process that owns topics: what they are doing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicInfo>,
    /// The processes below.
    pub children: Vec<TreeNode>,
    #[serde(skip)]
    pub(super) actor: Option<AnyActorRef>,
}

impl SupervisorRef {
    /// The tree below. Reads shared memory and never waits, not even for a supervisor that is busy.
    pub fn tree(&self) -> Option<TreeNode> {
        TreeNode::below(self.whereis())
    }
}

impl TreeNode {
    /// The tree below a supervisor, if there is one.
    pub(crate) fn below<M: Message>(root: Option<ActorRef<M>>) -> Option<Self> {
        root.map(|root| Self::of(root.incarnation()))
    }

    fn of(root: &Arc<Incarnation>) -> Self {
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
            last_exit: last_exit.map(|reason| text(&reason)),
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
        let charge = incarnation.and_then(|incarnation| incarnation.role::<Charge>());
        let topics = incarnation.and_then(|incarnation| incarnation.role::<Topics>());
        let children = charge.map(Charge::children).unwrap_or_default();
        Self {
            children: children.into_iter().map(|child| Self::child(&path, child)).collect(),
            path,
            id,
            kind,
            name: None,
            state,
            pid: incarnation.map(|incarnation| incarnation.pid()),
            restarts: 0,
            restart_window: charge.map(Charge::restart_window),
            uptime: incarnation.map(|incarnation| incarnation.started().elapsed()),
            last_exit: None,
            topics: topics.map(Topics::infos).unwrap_or_default(),
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

    /// The present incarnation, to stop, kill or watch it; `None` in a tree that was read back.
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

    /// What there is to say of it besides its names, shortest words.
    pub(super) fn facts(&self) -> Vec<String> {
        let state = match self.state {
            ChildState::Running => None,
            ChildState::Starting => Some("starting"),
            ChildState::Restarting => Some("restarting"),
            ChildState::Stopped => Some("stopped"),
        };
        let mut facts: Vec<String> = state.into_iter().map(str::to_owned).collect();
        facts.extend(self.pid.map(|pid| pid.to_string()));
        facts.extend(self.uptime.map(|uptime| format!("up {}s", uptime.as_secs())));
        if self.restarts > 0 {
            facts.push(format!("restarts {}", self.restarts));
        }
        let window = self.restart_window.filter(|window| window.restarts > 0);
        facts.extend(window.map(|window| {
            let RestartWindow {
                restarts,
                max_restarts,
                max_seconds,
            } = window;
            format!("bore {restarts} of {max_restarts} restarts in {max_seconds:?}")
        }));
        facts.extend(self.last_exit.as_ref().map(|reason| format!("last exit: {reason}")));
        facts.extend(self.topics.iter().map(|topic| {
            let most = |lag: fn(&SubscriberInfo) -> u64| topic.subscribers.iter().map(lag).max().unwrap_or_default();
            let (lag, high) = (most(|one| one.lag), most(|one| one.high_water));
            let lost: u64 = topic.subscribers.iter().map(|subscriber| subscriber.lagged).sum();
            let (name, published, subscribers) = (&topic.name, topic.published, topic.subscribers.len());
            format!(
                "topic {name}: published {published}, subscribers {subscribers}, lag {lag} (high {high}), lost {lost}"
            )
        }));
        facts
    }

    /// The registered name where the id does not say it already.
    pub(super) fn other_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| *name != self.id)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let mut line = format!("{:indent$}{}", "", self.id, indent = depth * 2);
        if let Some(name) = self.other_name() {
            line = format!("{line} named {name}");
        }
        line = format!("{line} {}", self.facts().join(", "));
        // A line break in somebody's id or error would be taken for another process.
        writeln!(f, "{}", line.trim_end().replace(char::is_control, " "))?;
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
fn optional_milliseconds<S: Serializer>(uptime: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    uptime.map(|uptime| uptime.as_millis() as u64).serialize(serializer)
}

fn from_milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
}
