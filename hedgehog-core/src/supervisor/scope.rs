//! [`Scope`]: where a supervisor stands in its tree, and who watches it.

use super::event::{SupervisorEvent, SupervisorEventKind};
use crate::{
    identity::{ChildId, Pid},
    incarnation::{Above, Incarnation},
    pubsub::Topic,
};
use std::{sync::Arc, time::Duration};

/// One for each supervisor, shared with the records of its children: so a child that is a supervisor itself knows its path
/// and its watchers, and a zombie can be reported whoever killed it.
pub(crate) struct Scope {
    path: Arc<str>,
    /// Its own and those of all supervisors above it.
    topics: Box<[Topic<SupervisorEvent>]>,
}

impl Scope {
    /// The scope of a supervisor called `label` that stands below the one with the scope `above`, if any.
    pub(crate) fn new(above: Option<&Scope>, label: &ChildId, own: Option<&Topic<SupervisorEvent>>) -> Self {
        let path = match above {
            Some(above) => format!("{}/{label}", above.path).into(),
            None => label.as_ref().into(),
        };
        let inherited = above.map(|above| &*above.topics).unwrap_or_default();
        Self {
            path,
            topics: inherited.iter().chain(own).cloned().collect(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Publishes an event, which is not even made when there is no topic. Never waits.
    pub(crate) fn publish(&self, child: &ChildId, pid: Option<Pid>, kind: impl FnOnce() -> SupervisorEventKind) {
        if self.topics.is_empty() {
            return;
        }
        let event = SupervisorEvent {
            supervisor: self.path.clone(),
            child: child.clone(),
            pid,
            kind: kind(),
        };
        for topic in &self.topics {
            topic.broadcast(event.clone());
        }
    }
}

impl Above for Scope {
    fn path(&self) -> &str {
        self.path()
    }

    fn left_behind(&self, child: &Incarnation, grace: Duration) {
        self.publish(child.label(), Some(child.pid()), || SupervisorEventKind::ZombieLeft {
            grace,
        });
    }
}
