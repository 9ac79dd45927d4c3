//! Publishing that waits for room at [`Block`](super::Overflow::Block)ing subscribers.
//!
//! Room is promised under the log's lock and used after it, so that publishers that wait never go beyond a capacity, however
//! many they are. A subscriber that is closed or dropped has room for ever.

use super::Topic;
use crate::incarnation::Incarnation;
use std::{fmt, pin::pin, time::Duration};

impl<T: Send + Sync + 'static> Topic<T> {
    /// [`broadcast`](Self::broadcast) unless a [`Block`](super::Overflow::Block)ing subscriber is full; for publishers that
    /// have something better to do than to wait, such as to merge or to drop.
    ///
    /// # Errors
    /// [`NoRoom`] gives the event back.
    pub fn try_broadcast(&self, event: T) -> Result<(), NoRoom<T>> {
        match self.feed().log().promise() {
            Ok(()) => {
                self.broadcast_promised(event);
                Ok(())
            }
            Err(_) => Err(NoRoom(event)),
        }
    }

    /// [`broadcast`](Self::broadcast) as soon as every [`Block`](super::Overflow::Block)ing subscriber has room.
    ///
    /// `deadline` is a [`Duration`], or `None` to wait for as long as it takes. Subscribers of other policies are never
    /// waited for, nor is one that is closed or whose owner exits in the meantime.
    ///
    /// An actor that waits here is deaf to its mailbox, and a stop has to wait with it until a kill ends both: inside an
    /// actor, give a deadline that is shorter than its shutdown. Outside of a runtime,
    /// [`block_on`](tokio::runtime::Handle::block_on) it, or [`try_broadcast`](Self::try_broadcast).
    ///
    /// ```
    /// # use hedgehog_core::pubsub::{BroadcastWaitError, Overflow, PubSub};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let topic = PubSub::new().topic("rows");
    /// let mut writer = topic.subscribe(Overflow::Block(1));
    /// topic.broadcast_wait("first", None).await.expect("there is room");
    /// let refused = topic.broadcast_wait("second", Duration::from_millis(1)).await;
    /// assert!(matches!(refused, Err(BroadcastWaitError::Timeout { event: "second", .. })));
    /// let _ = writer.drain(9, |_| ());
    /// topic.broadcast_wait("second", None).await.expect("there is room again");
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BroadcastWaitError`] gives the event back.
    ///
    /// # Cancel safety
    /// A future that is dropped before it completes has published nothing; the event goes with it.
    pub async fn broadcast_wait(
        &self,
        event: T,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<(), BroadcastWaitError<T>> {
        let room = self.room_for_one();
        let room = match deadline.into() {
            None => room.await,
            Some(deadline) => match tokio::time::timeout(deadline, room).await {
                Ok(room) => room,
                Err(_) => return Err(BroadcastWaitError::Timeout { event, deadline }),
            },
        };
        match room {
            Ok(()) => {
                self.broadcast_promised(event);
                Ok(())
            }
            Err(WaitsForItself) => Err(BroadcastWaitError::OwnSubscription { event }),
        }
    }

    /// Waits for the promise of room for one event. Whoever gets it publishes before anything else happens.
    async fn room_for_one(&self) -> Result<(), WaitsForItself> {
        loop {
            let mut changed = pin!(self.room().notified());
            // Asked for before the look, so that what happens just after it is not missed.
            changed.as_mut().enable();
            let Err(full) = self.feed().log().promise() else {
                return Ok(());
            };
            if let Some(current) = Incarnation::current()
                && full
                    .iter()
                    .any(|&id| self.feed().seat(id).owner() == current.pid().as_u64())
            {
                return Err(WaitsForItself);
            }
            changed.await;
        }
    }
}

/// The actor that waits is the one that would have to read.
struct WaitsForItself;

/// A subscriber that publishers wait for is full; the event comes back.
pub struct NoRoom<T>(pub T);

impl<T> fmt::Debug for NoRoom<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoRoom(..)")
    }
}

impl<T> fmt::Display for NoRoom<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a subscriber that publishers wait for is full")
    }
}

impl<T> std::error::Error for NoRoom<T> {}

/// Why an event was not published after all.
#[non_exhaustive]
pub enum BroadcastWaitError<T> {
    /// A subscriber was full for as long as that.
    Timeout {
        /// What was to be published.
        event: T,
        /// How long it waited.
        deadline: Duration,
    },
    /// The subscriber that is full belongs to the actor that publishes: it would wait for itself.
    OwnSubscription {
        /// What was to be published.
        event: T,
    },
}

impl<T> BroadcastWaitError<T> {
    /// What was to be published.
    pub fn into_event(self) -> T {
        match self {
            Self::Timeout { event, .. } | Self::OwnSubscription { event } => event,
        }
    }
}

impl<T> fmt::Debug for BroadcastWaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { deadline, .. } => f
                .debug_struct("Timeout")
                .field("deadline", deadline)
                .finish_non_exhaustive(),
            Self::OwnSubscription { .. } => f.debug_struct("OwnSubscription").finish_non_exhaustive(),
        }
    }
}

impl<T> fmt::Display for BroadcastWaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { deadline, .. } => {
                write!(
                    f,
                    "a subscriber that publishers wait for had no room within {deadline:?}"
                )
            }
            Self::OwnSubscription { .. } => {
                f.write_str("the publishing actor's own subscription is full, and it cannot wait for itself")
            }
        }
    }
}

impl<T> std::error::Error for BroadcastWaitError<T> {}
