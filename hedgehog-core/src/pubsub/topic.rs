//! One topic: publishing to it, subscribing to it.

use super::{
    SubscribeOptions, SubscriberInfo, Subscribers, Subscription, TopicInfo,
    engine::{Acknowledge, Call, Calls, Feed, Reader},
};
use crate::{identity::Pid, incarnation::Incarnation};
use std::sync::Arc;
use tokio::sync::Notify;

/// A handle on one topic: clones publish to the same subscribers.
pub struct Topic<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    name: Arc<str>,
    feed: Feed<T>,
    inline: Calls<T>,
    /// Rung when a subscriber that publishers wait for has read, or is gone.
    room: Notify,
}

impl<T: Send + Sync + 'static> Topic<T> {
    /// Publishes `event` to every subscriber of this moment, and returns without waiting for any.
    ///
    /// The event is dropped when its last subscriber is past it, in whichever thread that happens: here too, after
    /// everybody has been woken. With no subscriber it is dropped at once. If its `Drop` panics, that is logged and goes
    /// no further.
    ///
    /// From an actor that was declared dead, because a kill could not interrupt it, it publishes nothing.
    pub fn broadcast(&self, event: T) {
        if Incarnation::current_is_fenced() {
            return;
        }
        self.shared.inline.call(&event);
        self.shared.feed.publish(event);
    }

    /// [`broadcast`](Self::broadcast) that skips the subscriptions of the actor `from`, all of them: it does not hear itself.
    ///
    /// A subscription is an actor's by its [`ring`](Subscription::ring) or by [`SubscribeOptions::owner`]. The skipped event
    /// takes its place in the order and in the overflow of those subscriptions all the same.
    pub fn broadcast_from(&self, from: Pid, event: T) {
        if Incarnation::current_is_fenced() {
            return;
        }
        self.shared.inline.call(&event);
        self.shared.feed.publish_except(from.as_u64(), event);
    }

    /// The event whose room was promised.
    pub(super) fn broadcast_promised(&self, event: T) {
        // Even an actor that was declared dead uses the promise up: nobody else can take it back.
        let fenced = Incarnation::current_is_fenced();
        if !fenced {
            self.shared.inline.call(&event);
        }
        self.shared.feed.publish_promised((!fenced).then_some(event));
        if fenced {
            // Others may have waited because of the promise.
            self.room().notify_waiters();
        }
    }

    /// Leaves it to `dispatcher` who gets what: Phoenix's custom dispatching. Slower than a broadcast.
    ///
    /// The dispatcher is called once, here, with everybody who subscribes at this moment, with `from` as it is given (nobody
    /// is left out for it), and with the event; what it [sends](Subscribers::send) arrives in order with all broadcasts.
    /// Without subscribers it is not called. Its panic is the caller's, and leaves the topic as it was.
    ///
    /// The surprising use: an event that is encoded once per encoding, not once per subscriber.
    ///
    /// ```
    /// use hedgehog_core::pubsub::{Overflow, PubSub, SubscribeOptions};
    ///
    /// #[derive(PartialEq)]
    /// enum Encoding { Json, Text }
    ///
    /// let topic = PubSub::<String>::new().topic("prices");
    /// let subscribe = |encoding| topic.subscribe(SubscribeOptions::new(Overflow::Lossless).metadata(encoding));
    /// let (mut browser, mut terminal) = (subscribe(Encoding::Json), subscribe(Encoding::Text));
    ///
    /// topic.dispatch(None, 42, |subscribers, _from, price| {
    ///     subscribers.send(format!("{{\"price\":{price}}}"), |one| one.metadata() == Some(&Encoding::Json));
    ///     subscribers.send(format!("price {price}"), |one| one.metadata() == Some(&Encoding::Text));
    /// });
    ///
    /// let mut seen = Vec::new();
    /// let _ = browser.drain(9, |event| seen.push(event.clone()));
    /// let _ = terminal.drain(9, |event| seen.push(event.clone()));
    /// assert_eq!(seen, [r#"{"price":42}"#, "price 42"]);
    /// ```
    pub fn dispatch<E>(
        &self,
        from: Option<Pid>,
        event: E,
        dispatcher: impl FnOnce(&Subscribers<'_, T>, Option<Pid>, E),
    ) {
        let subscribers = Subscribers::of(self);
        if !subscribers.is_empty() {
            dispatcher(&subscribers, from, event);
        }
    }

    /// Subscribes, starting with the next event published. Subscribing twice delivers twice.
    ///
    /// An [`Overflow`](super::Overflow) is enough of an option for most.
    pub fn subscribe(&self, options: impl Into<SubscribeOptions>) -> Subscription<T> {
        Subscription::new(self, options.into(), Acknowledge::OnDrain)
    }

    /// Closes all subscriptions of the actor `owner` to this topic, and says how many those were.
    ///
    /// Dropping a subscription does the same for that one; this is for whoever does not hold it.
    pub fn unsubscribe(&self, owner: Pid) -> usize {
        let (readers, _) = self.feed().log().readers();
        let owned = readers
            .iter()
            .filter(|reader| self.feed().seat(reader.id()).owner() == owner.as_u64());
        owned.map(|reader| self.close(reader)).count()
    }

    /// Calls `f` with every event published from now on, in the publishers' threads and before any subscriber sees it, until
    /// the returned [`Inline`] is dropped.
    ///
    /// The cheapest subscription there is, and the least isolated: for counting and measuring. Publishers run `f`
    /// concurrently and wait for it, so it must neither block nor take long. If it panics, that is logged, and it is called
    /// no more.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::sync::Arc;
    /// use hedgehog_core::pubsub::PubSub;
    ///
    /// let (topic, volume) = (PubSub::new().topic("trades"), Arc::new(AtomicU64::new(0)));
    /// let total = Arc::clone(&volume);
    /// let counting = topic.inline(move |quantity| { total.fetch_add(*quantity, Ordering::Relaxed); });
    /// topic.broadcast(3);
    /// topic.broadcast(4); // neither is retained: nobody else listens
    /// drop(counting);
    /// topic.broadcast(5);
    /// assert_eq!(volume.load(Ordering::Relaxed), 7);
    /// ```
    pub fn inline(&self, f: impl Fn(&T) + Send + Sync + 'static) -> Inline<T> {
        Inline::new(self, f)
    }

    /// Everything before this position was acknowledged by every subscriber that does so by hand
    /// ([`subscribe_acked`](super::PubSub::subscribe_acked)): it is as durable as those make it. `None` when there is no such
    /// subscriber at this moment, so that nobody has promised anything.
    ///
    /// A publisher that keeps a position of its own takes it from here, and never saves as done what is not.
    pub fn acknowledged(&self) -> Option<u64> {
        self.feed().log().acknowledged()
    }

    /// Whether the event at `position` was acknowledged by every subscriber that does so by hand and had subscribed before it
    /// was published. `None` when there is no such subscriber at this moment: nobody has it, however far the topic's later
    /// subscribers have [acknowledged](Self::acknowledged).
    pub fn has_acknowledged(&self, position: u64) -> Option<bool> {
        self.feed().log().has_acknowledged(position)
    }

    /// What the topic is doing at this moment. Other threads go on meanwhile: the figures need not add up exactly.
    pub fn info(&self) -> TopicInfo {
        let (readers, retained) = self.feed().log().readers();
        TopicInfo {
            name: Arc::clone(&self.shared.name),
            published: self.published(),
            retained,
            inline: self.shared.inline.count(),
            subscribers: readers.iter().map(|reader| self.subscriber_info(reader)).collect(),
        }
    }

    pub(super) fn subscriber_info(&self, reader: &Reader) -> SubscriberInfo {
        SubscriberInfo::of(reader, &self.feed().seat(reader.id()), self.published())
    }

    /// Ends a subscription from outside.
    pub(super) fn close(&self, reader: &Arc<Reader>) {
        self.feed().close(reader, &self.feed().seat(reader.id()));
        self.room().notify_waiters();
    }

    /// Ends every subscription.
    pub(super) fn close_all(&self) {
        let (readers, _) = self.feed().log().readers();
        for reader in &readers {
            self.close(reader);
        }
    }
}

impl<T> Topic<T> {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            shared: Arc::new(Shared {
                name,
                feed: Feed::new(),
                inline: Calls::default(),
                room: Notify::new(),
            }),
        }
    }

    /// The name it is found under.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How many events were published so far; equally, the position of the next one.
    pub fn published(&self) -> u64 {
        self.feed().log().published()
    }

    pub(super) fn feed(&self) -> &Feed<T> {
        &self.shared.feed
    }

    pub(super) fn inline_calls(&self) -> &Calls<T> {
        &self.shared.inline
    }

    pub(super) fn room(&self) -> &Notify {
        &self.shared.room
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> std::fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic")
            .field("name", &self.name())
            .field("published", &self.published())
            .finish()
    }
}

/// A closure that publishers call; made by [`Topic::inline`]. Dropping it ends that.
#[must_use = "dropping it ends the calls"]
pub struct Inline<T> {
    topic: Topic<T>,
    call: Arc<Call<T>>,
}

impl<T: Send + Sync + 'static> Inline<T> {
    fn new(topic: &Topic<T>, f: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Self {
            call: topic.inline_calls().add(f),
            topic: topic.clone(),
        }
    }
}

impl<T> Drop for Inline<T> {
    fn drop(&mut self) {
        self.topic.inline_calls().remove(&self.call);
    }
}

impl<T> std::fmt::Debug for Inline<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inline")
            .field("topic", &self.topic.name())
            .finish_non_exhaustive()
    }
}
