//! Reading a topic: draining, waiting, acknowledging.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::doorbell::{Doorbell, Installed, Wakeup};
use super::idle::Seat;
use super::log::{CHUNK, Cursor, Reader};
use super::{Overflow, Topic};
use crate::{ActorRef, Message};

/// A place in a topic's log, and the right to everything after it. Dropping it unsubscribes.
///
/// At any time, what was read and what was counted as lagged add up to [`position`](Self::position) less the position
/// at which it subscribed; what is left is [`lag`](Self::lag).
///
/// A subscription belongs to whoever holds it. Kept outside of an actor (behind a mutex, say) it survives that actor's
/// restart, and the successor goes on where the predecessor was, or with [`rewind`](Self::rewind) where it had
/// acknowledged.
pub struct Subscription<T> {
    topic: Topic<T>,
    cursor: Cursor<T>,
    reader: Arc<Reader>,
    seat: Seat,
    acknowledge: Acknowledge,
    /// The doorbell's tie to its actor, if there is one.
    installed: Option<Installed>,
    /// The position up to which freeing the log was last tried.
    released: u64,
}

/// When events that were read stop being retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acknowledge {
    OnDrain,
    ByHand,
}

/// What a drain came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "`lagged` is the only word of events that were lost"]
pub struct Drained {
    /// Events handed over.
    pub read: usize,
    /// Events lost by overflow since the last drain, all of them older than those handed over.
    pub lagged: u64,
}

impl<T: Send + Sync + 'static> Subscription<T> {
    /// Hands over at most `max` of the events that wait, oldest first, and never waits.
    ///
    /// An event counts as read before `f` runs: if `f` panics it does not come again, unless by [`rewind`](Self::rewind).
    pub fn drain(&mut self, max: usize, mut f: impl FnMut(&T)) -> Drained {
        let mut drained = Drained::default();
        let mut published = self.published();
        self.reader.was_behind(published - self.position());
        if self.position() < self.reader.oldest(published) {
            drained.lagged += self.skip_lost();
            published = self.published();
        }
        while drained.read < max && self.position() < published {
            let from = self.position();
            let until = published.min(from.saturating_add((max - drained.read) as u64));
            if self.cursor.read(until, &mut f) {
                drained.read += (self.position() - from) as usize;
            } else {
                drained.lagged += self.skip_lost();
                published = self.published();
            }
        }
        self.reader.moved_to(self.position());
        if self.acknowledge == Acknowledge::OnDrain {
            self.acknowledge(self.position());
        }
        drained
    }

    /// Waits until there is an event, then drains at most `max` (at least one).
    ///
    /// For tasks; an actor that waits here is deaf to its mailbox and uses [`ring`](Self::ring) instead.
    ///
    /// # Cancel safety
    ///
    /// `f` runs only in the poll that completes: a future dropped before has read nothing.
    pub async fn next_batch(&mut self, max: usize, mut f: impl FnMut(&T)) -> Drained {
        // Cooperative: a subscriber that always finds events would otherwise never let its thread go.
        tokio::task::coop::cooperative(poll_fn(|context| self.poll_batch(context, max.max(1), &mut f))).await
    }

    pub(super) fn poll_batch(&mut self, context: &mut Context<'_>, max: usize, mut f: impl FnMut(&T)) -> Poll<Drained> {
        loop {
            let drained = self.drain(max, &mut f);
            if drained.read > 0 {
                return Poll::Ready(drained);
            }
            self.wake_task(context.waker());
            self.seat.set_idle();
            if self.lag() == 0 {
                return Poll::Pending;
            }
        }
    }

    /// Has `actor` rung: sent one `message` when events come in, and no further one before [`rearm`](Self::rearm).
    ///
    /// If events wait already, it rings at once. The handler of the message drains a batch and calls `rearm`; however
    /// many events come in, the mailbox holds one message, and the actor's other messages have their turn between
    /// batches. `message` runs in the publishers' threads.
    ///
    /// Void when the actor exits. Calling it again replaces the doorbell: that is how a successor takes over a
    /// subscription that outlived its actor. Usually called in `pre_start`, with [`ActorRef::current`].
    pub fn ring<M: Message>(&mut self, actor: &ActorRef<M>, message: impl Fn() -> M + Send + Sync + 'static) {
        // Not hedgehog's `cast`, which refuses what an actor that was declared dead sends: the ring is owed to a healthy
        // subscriber, whoever happens to publish.
        let incarnation = actor.any().0;
        let Some(to) = incarnation.cell().cloned().map(ractor::ActorRef::from) else {
            return;
        };
        let wakeup = Arc::new(Wakeup::Actor(Doorbell::new(move || {
            // Refused by an actor that is gone or about to be: then nobody is left to read.
            let _ = to.cast(message());
        })));
        self.seat.set_wakeup(wakeup.clone());
        self.installed = Installed::new(&incarnation, self.seat.clone(), &wakeup);
        self.rearm();
    }

    /// After a drain: rings again at once if events are left, and with the next broadcast if not.
    ///
    /// To be called once per message of the doorbell, by its handler. Does nothing without a [`ring`](Self::ring).
    pub fn rearm(&mut self) {
        let wakeup = self.seat.wakeup();
        let Some(Wakeup::Actor(doorbell)) = wakeup.as_deref() else {
            return;
        };
        doorbell.rearm();
        if self.lag() == 0 {
            self.seat.set_idle();
        }
        // Asked again, because an event may have come before the bit was set. If its publisher saw the bit all the
        // same, both ring, and the doorbell lets one through.
        if self.lag() > 0 {
            doorbell.ring();
        }
    }

    /// Lets go of everything before `position`: it is not needed again.
    ///
    /// Beyond what was read, or before what is acknowledged, it counts as that. Has an effect only with
    /// [`subscribe_acked`](super::PubSub::subscribe_acked); the others acknowledge as they drain.
    pub fn ack(&mut self, position: u64) {
        if self.acknowledge == Acknowledge::ByHand {
            self.acknowledge(position.clamp(self.reader.acknowledged(), self.position()));
        }
    }

    /// Goes back to the last acknowledged position: what was read since is read again.
    ///
    /// `Lossless` only; what overflow may have taken is not gone back to. A subscription that acknowledges as it drains
    /// has something to go back to only after a panic in the middle of a drain.
    pub fn rewind(&mut self) {
        let acknowledged = self.reader.acknowledged();
        if self.reader.overflow() == Overflow::Lossless && acknowledged < self.position() {
            self.cursor = self.topic.log().seek(&self.reader, acknowledged);
            self.reader.moved_to(self.position());
        }
    }

    fn acknowledge(&mut self, position: u64) {
        self.reader.acknowledge(position);
        // A publisher frees the log as it goes; a subscriber that has caught up does it because no publisher may come.
        if position.saturating_sub(self.released) >= CHUNK as u64 && self.lag() == 0 {
            drop(self.topic.log().release(self.released));
            self.released = position;
        }
    }

    /// Moves to the oldest event that is not lost, and returns how many are.
    fn skip_lost(&mut self) -> u64 {
        let position = self.position();
        self.cursor = self.topic.log().seek(&self.reader, position);
        let lost = self.position() - position;
        self.reader.lost(lost);
        lost
    }

    fn wake_task(&mut self, waker: &Waker) {
        let known = matches!(self.seat.wakeup().as_deref(), Some(Wakeup::Task(known)) if known.will_wake(waker));
        if !known {
            self.seat.set_wakeup(Arc::new(Wakeup::Task(waker.clone())));
        }
    }
}

impl<T> Subscription<T> {
    pub(super) fn new(topic: &Topic<T>, overflow: Overflow, acknowledge: Acknowledge) -> Self {
        let (reader, cursor, seat) = topic.admit(overflow);
        let released = cursor.position();
        Self {
            topic: topic.clone(),
            cursor,
            reader,
            seat,
            acknowledge,
            installed: None,
            released,
        }
    }

    /// The topic it reads.
    pub fn topic(&self) -> &Topic<T> {
        &self.topic
    }

    /// The position of the next event to read.
    pub fn position(&self) -> u64 {
        self.cursor.position()
    }

    /// The position of the next event to be published.
    pub fn published(&self) -> u64 {
        self.topic.published()
    }

    /// How many events wait to be read, those included that overflow has taken meanwhile.
    pub fn lag(&self) -> u64 {
        self.published() - self.position()
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        // In this order: with `unsubscribe` the seat may belong to the next subscriber.
        self.seat.vacate();
        drop(self.topic.log().unsubscribe(&self.reader));
    }
}

impl<T> std::fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("topic", &self.topic.name())
            .field("overflow", &self.reader.overflow())
            .field("position", &self.position())
            .field("lag", &self.lag())
            .finish_non_exhaustive()
    }
}
