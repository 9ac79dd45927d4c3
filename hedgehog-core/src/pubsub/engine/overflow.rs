//! [`Overflow`]: what a subscriber that does not keep up loses, and who waits for it.

use serde::{Deserialize, Serialize};
use std::{any::Any, sync::Arc};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overflow {
    /// At most this many events wait (0 counts as 1); beyond that the oldest are lost to this subscriber, and counted in
    /// [`Drained::lagged`](crate::pubsub::Drained::lagged). A subscriber that never reads costs its capacity and one chunk
    /// of the log.
    DropOldest(usize),
    /// Only the newest event waits: a drain hands over at most one, the newest of that moment, and counts the skipped ones
    /// in [`Drained::lagged`](crate::pubsub::Drained::lagged). For what is a state rather than a happening: a price, a level.
    Latest,
    /// Nothing is lost: a mailbox's semantics, and like a mailbox it grows while its owner is stuck.
    /// [`Subscription::lag`](crate::pubsub::Subscription::lag) and [`TopicInfo`](crate::pubsub::TopicInfo) show by how much.
    Lossless,
    /// Nothing is lost, and publishers that wait go on only while fewer than this many events (0 counts as 1) wait here:
    /// those are [`Topic::broadcast_wait`] and [`Topic::try_broadcast`]. A plain [`broadcast`] does not wait for anybody,
    /// and so goes beyond the capacity, as with [`Lossless`](Self::Lossless).
    ///
    /// [`Topic::broadcast_wait`]: crate::pubsub::Topic::broadcast_wait
    /// [`Topic::try_broadcast`]: crate::pubsub::Topic::try_broadcast
    /// [`broadcast`]: crate::pubsub::Topic::broadcast
    Block(usize),
}

impl Default for Overflow {
    /// `DropOldest(4096)`.
    fn default() -> Self {
        Self::DropOldest(4096)
    }
}

/// What a dispatcher sees of a subscription.
pub(crate) type Metadata = Arc<dyn Any + Send + Sync>;
