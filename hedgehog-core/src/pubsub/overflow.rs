//! What a subscriber asks for: [`Overflow`] and the other [`SubscribeOptions`].

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::AnyActorRef;

/// What happens when a subscriber does not keep up. Only a publisher that asks to wait does, and only for [`Block`].
///
/// | policy | loses | memory while the subscriber is stuck |
/// |---|---|---|
/// | [`DropOldest`](Self::DropOldest) | the oldest events, counted | its capacity and a chunk |
/// | [`Latest`](Self::Latest) | everything but the newest event, counted | a chunk |
/// | [`Lossless`](Self::Lossless) | nothing | grows |
/// | [`Block`] | nothing | its capacity, as far as publishers wait |
///
/// [`Block`]: Self::Block
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overflow {
    /// At most this many events wait (0 counts as 1); beyond that the oldest are lost to this subscriber, and counted in
    /// [`Drained::lagged`](super::Drained::lagged). A subscriber that never reads costs its capacity and one chunk of the
    /// log.
    DropOldest(usize),
    /// Only the newest event waits: a drain hands over at most one, the newest of that moment, and counts the skipped ones
    /// in [`Drained::lagged`](super::Drained::lagged). For what is a state rather than a happening: a price, a level.
    Latest,
    /// Nothing is lost: a mailbox's semantics, and like a mailbox it grows while its owner is stuck.
    /// [`Subscription::lag`](super::Subscription::lag) and [`TopicInfo`](super::TopicInfo) show by how much.
    Lossless,
    /// Nothing is lost, and publishers that wait go on only while fewer than this many events (0 counts as 1) wait here:
    /// those are [`Topic::broadcast_wait`] and [`Topic::try_broadcast`]. A plain [`broadcast`] does not wait for anybody,
    /// and so goes beyond the capacity, as with [`Lossless`](Self::Lossless).
    ///
    /// [`Topic::broadcast_wait`]: super::Topic::broadcast_wait
    /// [`Topic::try_broadcast`]: super::Topic::try_broadcast
    /// [`broadcast`]: super::Topic::broadcast
    Block(usize),
}

impl Default for Overflow {
    /// `DropOldest(4096)`.
    fn default() -> Self {
        Self::DropOldest(4096)
    }
}

/// How to subscribe, where an [`Overflow`] alone does not say it all.
///
/// ```
/// use hedgehog_core::pubsub::{Overflow, PubSub, SubscribeOptions};
///
/// let pubsub = PubSub::<u32>::new();
/// let options = SubscribeOptions::new(Overflow::Latest).metadata("dashboard");
/// let prices = pubsub.subscribe("prices", options);
/// # drop(prices);
/// ```
#[derive(Clone, Default)]
pub struct SubscribeOptions {
    pub(super) overflow: Overflow,
    pub(super) metadata: Option<Metadata>,
    pub(super) owner: Option<AnyActorRef>,
}

pub(super) type Metadata = Arc<dyn Any + Send + Sync>;

impl SubscribeOptions {
    /// No metadata, and no owner until there is a [`ring`](super::Subscription::ring).
    pub fn new(overflow: Overflow) -> Self {
        Self {
            overflow,
            metadata: None,
            owner: None,
        }
    }

    /// What a [`dispatch`](super::Topic::dispatch) sees of this subscription. Of any type; the dispatcher asks for that type.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Any + Send + Sync) -> Self {
        self.metadata = Some(Arc::new(metadata));
        self
    }

    /// Whose subscription it is: [`broadcast_from`](super::Topic::broadcast_from) this actor skips it,
    /// [`unsubscribe`](super::PubSub::unsubscribe) finds it, and it is closed when the actor exits.
    ///
    /// An actor with a doorbell owns its subscription without this; it is for those that read in other ways.
    #[must_use]
    pub fn owner(mut self, owner: &AnyActorRef) -> Self {
        self.owner = Some(owner.clone());
        self
    }
}

impl From<Overflow> for SubscribeOptions {
    fn from(overflow: Overflow) -> Self {
        Self::new(overflow)
    }
}

impl fmt::Debug for SubscribeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("overflow", &self.overflow)
            .field("metadata", &self.metadata.is_some())
            .field("owner", &self.owner)
            .finish()
    }
}
