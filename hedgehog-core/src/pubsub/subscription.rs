//! Reading a topic: draining, waiting, acknowledging.

use super::{
    Drained, Overflow, SubscribeOptions, SubscriberInfo, Topic,
    engine::{Acknowledge, Doorbell, Place, doorbell},
    owner::Owner,
};
use crate::{actor_ref::ActorRef, incarnation::Incarnation};
use ractor::Message;
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// A place in a topic's log, and the right to everything after it. Dropping it unsubscribes.
///
/// At any time, what was read, what was counted as lagged and what was passed over because it was for others add up to
/// [`position`](Self::position) less the position at which it subscribed; what is left is [`lag`](Self::lag).
///
/// A subscription belongs to whoever holds it, until a [`ring`](Self::ring) or [`SubscribeOptions::owner`] makes it an
/// actor's. Then it is closed when that actor exits, wherever it is kept. Not so one of
/// [`subscribe_acked`](super::PubSub::subscribe_acked): kept outside of the actor (behind a mutex, say) it survives, and the
/// successor goes on where the predecessor was, or with [`rewind`](Self::rewind) where it had acknowledged.
#[must_use = "dropping it unsubscribes"]
pub struct Subscription<T> {
    topic: Topic<T>,
    place: Place<T>,
    acknowledge: Acknowledge,
    /// The doorbell and the waker that rings it.
    doorbell: Option<(Arc<dyn Doorbell>, Waker)>,
    /// The tie to the actor it belongs to, if there is one.
    owner: Option<Owner>,
    /// A drain has found it closed: its doorbell need not ring for that again.
    seen_closed: bool,
}

/// The subscription was closed, and nothing will come any more: by [`unsubscribe`](super::PubSub::unsubscribe), by the exit of
/// its owner, or because its [`PubSub`](super::PubSub::spec) went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscription was closed")]
pub struct Closed;

impl<T: Send + Sync + 'static> Subscription<T> {
    /// Hands over at most `max` of the events that wait, oldest first, and never waits.
    ///
    /// An event counts as read before `f` runs: if `f` panics it does not come again, unless by [`rewind`](Self::rewind).
    pub fn drain(&mut self, max: usize, f: impl FnMut(&T)) -> Drained {
        // Asked first: what came between a drain that found nothing and the end would not be accounted for.
        let closed = self.is_closed();
        // As publishers know it: after a panic of `f` that is behind the cursor, and they have to hear of it now.
        let before = self.place.reader.position();
        let drained = self.place.drain(self.topic.feed(), max, f);
        if self.acknowledge == Acknowledge::OnDrain {
            let position = self.position();
            self.place.acknowledge(self.topic.feed(), position);
        }
        if self.position() != before && matches!(self.place.reader.overflow(), Overflow::Block(_)) {
            self.topic.room().notify_waiters();
        }
        self.seen_closed = closed;
        drained
    }

    /// Waits until there is an event, then drains at most `max` (at least one). Returns without an event only to tell of
    /// lost ones.
    ///
    /// For tasks; an actor that waits here is deaf to its mailbox and uses [`ring`](Self::ring) instead.
    ///
    /// # Errors
    /// [`Closed`] when nothing will come any more.
    ///
    /// # Cancel safety
    /// `f` runs only in the poll that completes: a future dropped before has read nothing.
    pub async fn next_batch(&mut self, max: usize, mut f: impl FnMut(&T)) -> Result<Drained, Closed> {
        // Cooperative: a subscriber that always finds events would otherwise never let its thread go.
        tokio::task::coop::cooperative(poll_fn(|context| self.poll_batch(context, max.max(1), &mut f))).await
    }

    pub(super) fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
        max: usize,
        mut f: impl FnMut(&T),
    ) -> Poll<Result<Drained, Closed>> {
        loop {
            let drained = self.drain(max, &mut f);
            if drained != Drained::default() {
                return Poll::Ready(Ok(drained));
            }
            if self.seen_closed {
                return Poll::Ready(Err(Closed));
            }
            if self.place.park(self.topic.feed(), context.waker()) {
                return Poll::Pending;
            }
        }
    }

    /// Has `actor` rung: sent one `message` when events come in, and no further one before [`rearm`](Self::rearm).
    ///
    /// If events wait already, it rings at once. The handler of the message drains a batch and calls `rearm`; however
    /// many events come in, the mailbox holds one message, and the actor's other messages have their turn between
    /// batches. A ring may come without events. `message` runs in the publishers' threads.
    ///
    /// The subscription is the actor's from here on: it is closed when the actor exits, or, if acknowledged by hand, rings no
    /// more and keeps what comes in for a successor, which calls this again. Usually called in `pre_start`, with
    /// [`SelfRef::self_ref`](crate::SelfRef::self_ref).
    ///
    /// When the subscription is closed from elsewhere it rings a last time, so that the handler can ask
    /// [`is_closed`](Self::is_closed).
    pub fn ring<M: Message>(&mut self, actor: &ActorRef<M>, message: impl Fn() -> M + Send + Sync + 'static) {
        // Not hedgehog's `cast`, which refuses what an actor that was declared dead sends: the ring is owed to a healthy
        // subscriber, whoever happens to publish.
        let incarnation = actor.any().0;
        let Some(to) = incarnation.cell().cloned().map(ractor::ActorRef::from) else {
            return;
        };
        let doorbell = doorbell(move || {
            // Refused by an actor that is gone or about to be: then nobody is left to read.
            let _ = to.cast(message());
        });
        if let Some((former, _)) = self.doorbell.replace(doorbell) {
            former.silence();
        }
        self.belong_to(&incarnation);
        self.rearm();
    }

    /// After a drain: rings again at once if events are left, and with the next broadcast if not.
    ///
    /// To be called once per message of the doorbell, by its handler. Does nothing without a [`ring`](Self::ring).
    pub fn rearm(&mut self) {
        let Some((doorbell, waker)) = &self.doorbell else {
            return;
        };
        doorbell.rearm();
        if !self.seen_closed && self.place.rearm(self.topic.feed(), waker) {
            doorbell.ring();
        }
    }

    /// Lets go of everything before `position`: it is not needed again.
    ///
    /// Beyond what was read, or before what is acknowledged, it counts as that. Has an effect only with
    /// [`subscribe_acked`](super::PubSub::subscribe_acked); the others acknowledge as they drain.
    pub fn ack(&mut self, position: u64) {
        if self.acknowledge == Acknowledge::ByHand {
            let position = position.clamp(self.place.reader.acknowledged(), self.position());
            self.place.acknowledge(self.topic.feed(), position);
        }
    }

    /// Goes back to the last acknowledged position: what was read since is read again.
    ///
    /// `Lossless` and `Block` only; what overflow may have taken is not gone back to. A subscription that acknowledges as
    /// it drains has something to go back to only after a panic in the middle of a drain.
    pub fn rewind(&mut self) {
        self.place.rewind(self.topic.feed());
    }

    fn belong_to(&mut self, actor: &Arc<Incarnation>) {
        // The tie to a former owner goes first: its exit is nothing to this subscription any more.
        self.owner = None;
        let seat = self.place.seat.clone();
        let pid = actor.pid().as_u64();
        seat.set_owner(pid);
        let doorbell = self.doorbell.as_ref().map(|(doorbell, _)| Arc::downgrade(doorbell));
        let survives = self.acknowledge == Acknowledge::ByHand;
        let (topic, reader) = (self.topic.clone(), Arc::clone(&self.place.reader));
        self.owner = Owner::new(actor, move || {
            if let Some(doorbell) = doorbell.and_then(|doorbell| doorbell.upgrade()) {
                doorbell.silence();
            }
            if survives {
                seat.disown(pid);
            } else {
                topic.close(&reader);
            }
        });
    }
}

impl<T: Send + Sync + 'static> Subscription<T> {
    pub(super) fn new(topic: &Topic<T>, options: SubscribeOptions, acknowledge: Acknowledge) -> Self {
        let place = topic.feed().admit(options.overflow, options.metadata, acknowledge);
        let mut subscription = Self {
            topic: topic.clone(),
            place,
            acknowledge,
            doorbell: None,
            owner: None,
            seen_closed: false,
        };
        if let Some(owner) = options.owner {
            subscription.belong_to(&owner.0);
        }
        subscription
    }

    /// What others see of it at this moment, as in [`TopicInfo::subscribers`](super::TopicInfo::subscribers).
    pub fn info(&self) -> SubscriberInfo {
        self.topic.subscriber_info(&self.place.reader)
    }
}

impl<T> Subscription<T> {
    /// The topic it reads.
    pub fn topic(&self) -> &Topic<T> {
        &self.topic
    }

    /// The position of the next event to read.
    pub fn position(&self) -> u64 {
        self.place.position()
    }

    /// The position of the next event to be published.
    pub fn published(&self) -> u64 {
        self.topic.published()
    }

    /// How many events wait to be read, those included that overflow has taken meanwhile.
    pub fn lag(&self) -> u64 {
        self.place.lag(self.topic.feed())
    }

    /// Whether it was closed from elsewhere: nothing will come any more. See [`Closed`].
    pub fn is_closed(&self) -> bool {
        self.place.reader.end().is_some()
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.place.leave(self.topic.feed());
        if matches!(self.place.reader.overflow(), Overflow::Block(_)) {
            self.topic.room().notify_waiters();
        }
    }
}

impl<T> std::fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("topic", &self.topic.name())
            .field("overflow", &self.place.reader.overflow())
            .field("position", &self.position())
            .field("lag", &self.lag())
            .finish_non_exhaustive()
    }
}
