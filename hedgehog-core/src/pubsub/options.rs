//! [`SubscribeOptions`]: what a subscriber asks for besides its [`Overflow`].

use super::{Overflow, engine::Metadata};
use crate::actor_ref::AnyActorRef;
use std::{any::Any, fmt, sync::Arc};

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
