//! Custom dispatching: who subscribes, and an event for some of them.

use super::{Overflow, Topic, engine::Reader, owner};
use crate::{identity::Pid, incarnation::Incarnation};
use std::{any::Any, fmt, ops::Deref, sync::Arc};

/// Everybody who subscribes to a topic at the moment of a [`dispatch`](Topic::dispatch), as a slice of [`Subscriber`]s.
#[derive(Debug)]
pub struct Subscribers<'a, T> {
    topic: &'a Topic<T>,
    all: Vec<Subscriber>,
}

impl<'a, T: Send + Sync + 'static> Subscribers<'a, T> {
    pub(super) fn of(topic: &'a Topic<T>) -> Self {
        let (readers, _) = topic.feed().log().readers();
        let subscriber = |reader: Arc<Reader>| {
            let owner = owner::of(&topic.feed().seat(reader.id()));
            Subscriber { reader, owner }
        };
        let all = readers.into_iter().map(subscriber).collect();
        Self { topic, all }
    }

    /// Publishes `event` to those of them that `to` chooses and that still subscribe, and says how many those are.
    ///
    /// One event in the log, however many it is for; no event for nobody.
    pub fn send(&self, event: T, to: impl Fn(&Subscriber) -> bool) -> usize {
        if Incarnation::current_is_fenced() {
            return 0;
        }
        let chosen = self.all.iter().filter(|subscriber| to(subscriber));
        let chosen: Vec<_> = chosen.map(|subscriber| &subscriber.reader).collect();
        self.topic.inline_calls().call(&event);
        self.topic.feed().publish_only(&chosen, event)
    }
}

impl<T> Deref for Subscribers<'_, T> {
    type Target = [Subscriber];

    fn deref(&self) -> &[Subscriber] {
        &self.all
    }
}

/// One subscription, as a dispatcher sees it. An actor that subscribes twice is there twice.
pub struct Subscriber {
    reader: Arc<Reader>,
    owner: Option<Pid>,
}

impl Subscriber {
    /// The actor it belongs to, if it belongs to one.
    pub fn owner(&self) -> Option<Pid> {
        self.owner
    }

    /// Its [metadata](super::SubscribeOptions::metadata), if there is any and it is of this type.
    pub fn metadata<D: Any>(&self) -> Option<&D> {
        self.reader.metadata()?.downcast_ref()
    }

    /// What it asked for.
    pub fn overflow(&self) -> Overflow {
        self.reader.overflow()
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("owner", &self.owner)
            .field("overflow", &self.overflow())
            .finish_non_exhaustive()
    }
}
