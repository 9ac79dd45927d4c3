//! The promises of the module's documentation, one test each; beside it: those of actors (`actors`), of policies,
//! of events that are not for everybody (`addressed`), and of everything at once (`churn`).

mod actors;
mod addressed;
mod churn;
mod policies;

use super::{
    Drained, Lagged, Overflow, PubSub, Subscription, Topic,
    engine::{Acknowledge, CHUNK},
};
use crate::{AnyActorRef, incarnation::Incarnation};
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

/// Far beyond what any test takes: it is there to fail instead of hanging.
const DEADLINE: Duration = Duration::from_secs(60);

fn topic<T: Send + Sync + 'static>() -> Topic<T> {
    PubSub::new().topic("topic")
}

fn read_all<T: Clone + Send + Sync + 'static>(subscription: &mut Subscription<T>) -> (Vec<T>, u64) {
    let mut read = Vec::new();
    let drained = subscription.drain(usize::MAX, |event| read.push(event.clone()));
    assert_eq!(drained.read, read.len());
    (read, drained.lagged)
}

/// Somebody to own subscriptions; nothing of an actor is needed but its identity.
fn owner() -> AnyActorRef {
    AnyActorRef(Incarnation::new("owner".into(), Duration::from_secs(1)))
}

/// Polls `next_batch` once with `waker`, and expects to be put to sleep.
fn park<T: Send + Sync + 'static>(subscription: &mut Subscription<T>, waker: &Waker) {
    let mut batch = Box::pin(subscription.next_batch(1, |_| ()));
    assert!(batch.poll_unpin(&mut Context::from_waker(waker)).is_pending());
}

/// Runs what would hang forever if it took a lock twice.
fn within_deadline(f: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        f();
        let _ = done.send(());
    });
    let outcome = finished.recv_timeout(DEADLINE);
    assert_ne!(outcome, Err(mpsc::RecvTimeoutError::Timeout), "hangs");
    thread.join().expect("the test's thread panicked");
}

/// A waker that does what it is told.
struct OnWake<F>(F);

impl<F: Fn() + Send + Sync> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn waker(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(OnWake(f)))
}

// PUBSUB-005, PUBSUB-006, PUBSUB-023
#[test]
fn an_event_reaches_every_subscriber_of_its_topic_and_nobody_else() {
    let pubsub = PubSub::new();
    let mut first = pubsub.subscribe("a", Overflow::Lossless);
    let mut second = pubsub.subscribe("a", Overflow::default());
    let mut other = pubsub.subscribe("A", Overflow::Lossless);
    pubsub.broadcast("a", 1);
    pubsub.broadcast("no such topic", 2);
    assert_eq!(read_all(&mut first), (vec![1], 0));
    assert_eq!(read_all(&mut second), (vec![1], 0));
    assert_eq!(read_all(&mut other), (vec![], 0));
    let names: Vec<_> = pubsub.topics().iter().map(|topic| topic.name.to_string()).collect();
    assert_eq!(names, ["A", "a"]);
}

// PUBSUB-016
#[test]
fn subscribing_twice_delivers_twice() {
    let pubsub = PubSub::new();
    let mut subscriptions = [0, 1].map(|_| pubsub.subscribe("a", Overflow::Lossless));
    pubsub.broadcast("a", 7);
    for subscription in &mut subscriptions {
        assert_eq!(read_all(subscription), (vec![7], 0));
    }
}

// PUBSUB-004
#[test]
fn a_subscription_starts_with_the_next_event_and_ends_with_its_drop() {
    let topic = topic();
    topic.broadcast(1);
    let mut subscription = topic.subscribe(Overflow::Lossless);
    topic.broadcast(2);
    assert_eq!(read_all(&mut subscription), (vec![2], 0));
    assert_eq!(topic.info().subscribers.len(), 1);
    drop(subscription);
    assert_eq!(topic.info().subscribers.len(), 0);
}

#[test]
fn a_dropped_subscription_frees_its_slot() {
    let topic = topic::<u64>();
    let mut kept = topic.subscribe(Overflow::Lossless);
    for round in 0..200 {
        let mut passing = topic.subscribe(Overflow::Lossless);
        topic.broadcast(round);
        assert_eq!(read_all(&mut passing), (vec![round], 0));
    }
    let highest = topic.feed().admit(Overflow::Lossless, None, Acknowledge::OnDrain);
    assert_eq!(highest.reader.id(), 1, "ids are reused");
    assert_eq!(read_all(&mut kept).0.len(), 200);
}

#[test]
fn a_dropped_subscription_is_woken_no_more_and_lets_go_of_its_waker() {
    let (topic, token) = (topic(), Arc::new(()));
    let mut subscription = topic.subscribe(Overflow::Lossless);
    let held = Arc::clone(&token);
    park(&mut subscription, &waker(move || unreachable!("{held:?}")));
    drop(subscription);
    assert_eq!(Arc::strong_count(&token), 1);
    let successor = topic.subscribe(Overflow::Lossless);
    assert!(!topic.info().subscribers[0].idle, "the seat was left tidy");
    topic.broadcast(());
    assert_eq!(successor.lag(), 1);
}

// PUBSUB-020
#[test]
fn each_publishers_events_arrive_in_its_order() {
    const EVENTS: u32 = 5_000;
    let topic = topic();
    let mut subscription = topic.subscribe(Overflow::Lossless);
    let publishers: Vec<_> = (0..3_usize)
        .map(|publisher| {
            let topic = topic.clone();
            thread::spawn(move || (0..EVENTS).for_each(|n| topic.broadcast((publisher, n))))
        })
        .collect();
    let mut next = [0; 3];
    while next != [EVENTS; 3] {
        let drained = subscription.drain(100, |&(publisher, n)| {
            assert_eq!(n, next[publisher]);
            next[publisher] += 1;
        });
        assert_eq!(drained.lagged, 0);
        thread::yield_now();
    }
    for publisher in publishers {
        publisher.join().expect("a publisher panicked");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Publish(usize),
    Drain(usize),
}

proptest! {
    /// One subscriber of each kind beside a plain queue with the same promise.
    #[test]
    fn what_is_read_and_what_lagged_add_up_to_what_was_published(
        capacity in 1_usize..300,
        before in 0_u64..200,
        steps in prop::collection::vec(
            prop_oneof![(1_usize..400).prop_map(Step::Publish), (0_usize..400).prop_map(Step::Drain)],
            1..40,
        ),
    ) {
        let topic = topic();
        let _early = topic.subscribe(Overflow::DropOldest(1));
        (0..before).for_each(|n| topic.broadcast(n));
        let mut bounded = topic.subscribe(Overflow::DropOldest(capacity));
        let mut lossless = topic.subscribe(Overflow::Lossless);
        let (mut expected, mut expected_all) = (VecDeque::new(), VecDeque::new());
        let (mut published, mut accounted) = (before, 0);
        for step in steps {
            match step {
                Step::Publish(events) => for _ in 0..events {
                    topic.broadcast(published);
                    expected.push_back(published);
                    expected_all.push_back(published);
                    published += 1;
                },
                Step::Drain(max) => {
                    let lost = expected.len().saturating_sub(capacity);
                    expected.drain(..lost);
                    let mut read = Vec::new();
                    let drained = bounded.drain(max, |&event| read.push(event));
                    let here = max.min(expected.len());
                    prop_assert_eq!(drained, Drained { read: here, lagged: lost as u64 });
                    prop_assert_eq!(read, expected.drain(..here).collect::<Vec<_>>());
                    accounted += drained.read as u64 + drained.lagged;
                    prop_assert_eq!(before + accounted, bounded.position());
                    prop_assert_eq!(accounted + bounded.lag(), published - before);

                    let mut read = Vec::new();
                    let drained = lossless.drain(max, |&event| read.push(event));
                    prop_assert_eq!(drained.lagged, 0);
                    let here = max.min(expected_all.len());
                    prop_assert_eq!(read, expected_all.drain(..here).collect::<Vec<_>>());
                }
            }
        }
    }
}

#[test]
fn nothing_is_unaccounted_for_while_publishers_run_ahead() {
    const EVENTS: u64 = 100_000;
    let topic = topic();
    let readers: Vec<_> = [1, 10, CHUNK, 1000]
        .into_iter()
        .map(|capacity| {
            let mut subscription = topic.subscribe(Overflow::DropOldest(capacity));
            thread::spawn(move || {
                let (mut accounted, mut last) = (0, None);
                while accounted < EVENTS {
                    let drained = subscription.drain(7, |&event| {
                        assert!(last < Some(event), "out of order");
                        last = Some(event);
                    });
                    accounted += drained.read as u64 + drained.lagged;
                    assert_eq!(accounted, subscription.position());
                }
                assert_eq!(accounted, EVENTS);
            })
        })
        .collect();
    (0..EVENTS).for_each(|event| topic.broadcast(event));
    for reader in readers {
        reader.join().expect("a reader panicked");
    }
}

#[test]
fn a_stuck_drop_oldest_subscriber_costs_its_capacity_and_a_chunk_at_each_end() {
    const CAPACITY: usize = 500;
    let token = Arc::new(());
    let topic = topic();
    let mut stuck = topic.subscribe(Overflow::DropOldest(CAPACITY));
    let mut quick = topic.subscribe(Overflow::default());
    for _ in 0..20_000 {
        topic.broadcast(Arc::clone(&token));
        let _ = quick.drain(usize::MAX, |_| ());
        // Its own first chunk, the one the capacity ends in, and the newest.
        assert!(Arc::strong_count(&token) - 1 <= CAPACITY + 3 * CHUNK);
    }
    let info = topic.info();
    assert_eq!(
        info.subscribers[0].lagged,
        20_000 - CAPACITY as u64,
        "seen before the subscriber itself looks"
    );
    assert_eq!(
        stuck.drain(usize::MAX, |_| ()),
        Drained {
            read: CAPACITY,
            lagged: 20_000 - CAPACITY as u64
        }
    );
}

#[test]
fn lossless_loses_nothing_and_shows_its_lag() {
    let topic = topic();
    let mut slow = topic.subscribe(Overflow::Lossless);
    let mut quick = topic.subscribe(Overflow::DropOldest(1));
    for event in 0..10_000 {
        topic.broadcast(event);
        let _ = quick.drain(usize::MAX, |_| ());
    }
    assert_eq!(slow.lag(), 10_000);
    let info = topic.info().subscribers[0].clone();
    assert_eq!(
        (info.overflow, info.lag, info.high_water),
        (Overflow::Lossless, 10_000, 10_000)
    );
    assert_eq!(read_all(&mut slow), ((0..10_000).collect(), 0));
    let info = topic.info().subscribers[0].clone();
    assert_eq!((info.lag, info.high_water, info.lagged), (0, 10_000, 0));
}

#[test]
fn a_topic_retains_nothing_that_nobody_waits_for() {
    let token = Arc::new(());
    let topic = topic();
    let publish = |events: usize| (0..events).for_each(|_| topic.broadcast(Arc::clone(&token)));
    let waiting = || Arc::strong_count(&token) - 1;
    publish(1_000);
    assert_eq!(waiting(), 0, "without subscribers");
    let mut subscription = topic.subscribe(Overflow::Lossless);
    publish(1_000);
    assert_eq!(waiting(), 1_000);
    let _ = subscription.drain(usize::MAX, |_| ());
    assert!(
        waiting() <= CHUNK,
        "read by all, although no publisher comes to free it"
    );
    publish(1_000);
    drop(subscription);
    assert_eq!(waiting(), 0, "after the last subscriber");
}

#[test]
fn an_acknowledged_subscription_is_retained_from_its_last_acknowledgement() {
    let pubsub = PubSub::new();
    let topic = pubsub.topic("a");
    let mut subscription = pubsub.subscribe_acked("a");
    let mut quick = pubsub.subscribe("a", Overflow::DropOldest(1));
    for event in 0..1_000 {
        topic.broadcast(event);
        let _ = quick.drain(usize::MAX, |_| ());
    }
    assert_eq!(read_all(&mut subscription).0.len(), 1_000);
    subscription.ack(300);
    subscription.ack(200); // backwards: no effect
    subscription.rewind();
    assert_eq!((subscription.position(), subscription.lag()), (300, 700));
    assert_eq!(read_all(&mut subscription), ((300..1_000).collect(), 0));
    subscription.ack(u64::MAX); // what was read, no more
    subscription.rewind();
    assert_eq!(subscription.position(), 1_000);
    assert!(topic.info().retained <= CHUNK as u64);
    topic.broadcast(1_000);
    assert_eq!(read_all(&mut subscription), (vec![1_000], 0));
}

#[test]
fn an_event_counts_as_acknowledged_only_by_those_who_were_there_for_it() {
    let pubsub = PubSub::new();
    let topic = pubsub.topic("a");
    let mut first = pubsub.subscribe_acked("a");
    topic.broadcast(0);
    assert_eq!(topic.has_acknowledged(0), Some(false));
    let _ = read_all(&mut first);
    assert_eq!(topic.has_acknowledged(0), Some(false), "read is not acknowledged");
    let second = pubsub.subscribe_acked("a");
    drop(first);
    assert_eq!(topic.acknowledged(), Some(1), "the second begins here");
    assert_eq!(topic.has_acknowledged(0), None, "and has never seen what came before");
    topic.broadcast(1);
    let mut second = second;
    let _ = read_all(&mut second);
    second.ack(2);
    assert_eq!(
        (topic.has_acknowledged(1), topic.has_acknowledged(2)),
        (Some(true), Some(false))
    );
}

#[test]
fn a_topic_knows_what_all_that_acknowledge_by_hand_have_acknowledged() {
    let pubsub = PubSub::new();
    let topic = pubsub.topic("a");
    let _quick = pubsub.subscribe("a", Overflow::Lossless);
    topic.broadcast(0);
    assert_eq!(topic.acknowledged(), None, "nobody has promised anything");
    let mut first = pubsub.subscribe_acked("a");
    assert_eq!(
        topic.acknowledged(),
        Some(1),
        "what was before it is none of its business"
    );
    let mut second = pubsub.subscribe_acked("a");
    for event in 1..10 {
        topic.broadcast(event);
    }
    for (subscription, to) in [(&mut first, 7), (&mut second, 4)] {
        let _ = subscription.drain(usize::MAX, |_| ());
        subscription.ack(to);
    }
    assert_eq!(topic.acknowledged(), Some(4), "the slower one counts");
    drop(second);
    assert_eq!(topic.acknowledged(), Some(7));
    drop(first);
    assert_eq!(topic.acknowledged(), None);
}

#[test]
fn an_event_whose_reader_panics_does_not_come_again_unless_rewound() {
    let topic = topic();
    let mut subscription = topic.subscribe(Overflow::Lossless);
    (0..3).for_each(|event| topic.broadcast(event));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        subscription.drain(9, |&event| assert_ne!(event, 1))
    }));
    assert!(outcome.is_err());
    assert_eq!(subscription.position(), 2);
    subscription.rewind();
    assert_eq!(read_all(&mut subscription), (vec![0, 1, 2], 0));
}

#[tokio::test]
async fn next_batch_waits_for_an_event_and_takes_at_most_its_maximum() {
    let topic = topic();
    let mut subscription = topic.subscribe(Overflow::DropOldest(3));
    let mut read = Vec::new();
    {
        let mut batch = Box::pin(subscription.next_batch(2, |&event| read.push(event)));
        assert!(batch.as_mut().now_or_never().is_none());
        (1..=5).for_each(|event| topic.broadcast(event));
        assert_eq!(batch.await, Ok(Drained { read: 2, lagged: 2 }));
    }
    assert_eq!(read, [3, 4]);
    // Given up before it was polled: nothing is read.
    drop(subscription.next_batch(2, |_| ()));
    assert_eq!(subscription.lag(), 1);
}

#[tokio::test]
async fn the_stream_tells_what_was_lost_where_it_is_missing() {
    let topic = topic();
    let mut events = topic.subscribe(Overflow::DropOldest(2)).into_events();
    topic.broadcast(1);
    assert_eq!(events.next().await, Some(Ok(1)));
    (2..=5).for_each(|event| topic.broadcast(event));
    assert_eq!(events.next().await, Some(Err(Lagged(2))));
    assert_eq!(events.next().await, Some(Ok(4)));
    assert_eq!(events.next().await, Some(Ok(5)));
    assert!(events.next().now_or_never().is_none());
}

/// Every event finds everybody asleep, or about to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_parked_subscriber_is_always_woken() {
    // Beyond 64 there is a second group of idle bits.
    const SUBSCRIBERS: usize = 70;
    const ROUNDS: usize = 2_000;
    let topic = topic();
    let seen = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| {
            let mut subscription = topic.subscribe(Overflow::Lossless);
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let drained = subscription.next_batch(1, |&event| assert_eq!(event, round)).await;
                    assert_eq!(drained, Ok(Drained { read: 1, lagged: 0 }));
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let rounds = async {
        for round in 0..ROUNDS {
            topic.broadcast(round);
            // Alternately to the sleeping and to those that are just falling asleep.
            let enough = if round % 2 == 0 { SUBSCRIBERS } else { SUBSCRIBERS / 2 };
            while seen.load(Ordering::Relaxed) < round * SUBSCRIBERS + enough {
                tokio::task::yield_now().await;
            }
        }
        for reader in readers {
            reader.await.expect("a reader panicked");
        }
    };
    tokio::time::timeout(DEADLINE, rounds)
        .await
        .expect("somebody sleeps forever");
}

#[test]
fn a_wake_runs_outside_the_lock() {
    within_deadline(|| {
        let topic = topic();
        let mut sleeper = topic.subscribe(Overflow::Lossless);
        let mut bystander = topic.subscribe(Overflow::Lossless);
        let again = topic.clone();
        // The bit is taken before the wake: the second broadcast wakes nobody, so this ends.
        let waker = waker(move || {
            again.broadcast(2);
            let mut latecomer = again.subscribe(Overflow::Lossless);
            assert_eq!(again.info().subscribers.len(), 3);
            assert_eq!(read_all(&mut latecomer), (vec![], 0));
        });
        park(&mut sleeper, &waker);
        topic.broadcast(1);
        assert_eq!(read_all(&mut sleeper), (vec![1, 2], 0));
        assert_eq!(read_all(&mut bystander), (vec![1, 2], 0));
    });
}

#[test]
fn a_wake_that_panics_costs_nobody_else_theirs() {
    let topic = topic();
    let woken = Arc::new(AtomicUsize::new(0));
    let mut subscriptions: Vec<_> = (0..3).map(|_| topic.subscribe(Overflow::Lossless)).collect();
    for (index, subscription) in subscriptions.iter_mut().enumerate() {
        let woken = Arc::clone(&woken);
        park(
            subscription,
            &waker(move || assert!(woken.fetch_add(1, Ordering::Relaxed) != 0 || index != 0)),
        );
    }
    topic.broadcast(());
    assert_eq!(woken.load(Ordering::Relaxed), 3);
}

#[test]
fn an_event_is_dropped_outside_the_lock() {
    /// Broadcasts from its destructor.
    struct Event(Option<Topic<Event>>);

    impl Drop for Event {
        fn drop(&mut self) {
            if let Some(topic) = self.0.take() {
                topic.broadcast(Event(None));
                drop(topic.subscribe(Overflow::Lossless));
            }
        }
    }

    within_deadline(|| {
        let topic = topic();
        let broadcast = || topic.broadcast(Event(Some(topic.clone())));
        broadcast(); // no subscriber: dropped by the publisher
        let mut quick = topic.subscribe(Overflow::Lossless);
        for _ in 0..10 * CHUNK {
            broadcast(); // dropped by the publisher when a chunk goes, and by the subscriber that lets go of it
            let _ = quick.drain(usize::MAX, |_| ());
        }
        let stuck = topic.subscribe(Overflow::Lossless);
        (0..10 * CHUNK).for_each(|_| broadcast());
        let _ = quick.drain(usize::MAX, |_| ());
        drop(stuck); // dropped by the one that leaves
    });
}

#[test]
fn an_event_whose_destructor_panics_harms_neither_publisher_nor_subscriber() {
    struct Event(Arc<AtomicUsize>);

    impl Drop for Event {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("in the destructor of an event");
        }
    }

    let (topic, dropped) = (topic(), Arc::new(AtomicUsize::new(0)));
    topic.broadcast(Event(Arc::clone(&dropped)));
    let mut subscription = topic.subscribe(Overflow::Lossless);
    (0..2 * CHUNK).for_each(|_| topic.broadcast(Event(Arc::clone(&dropped))));
    assert_eq!(
        subscription.drain(usize::MAX, |_| ()),
        Drained {
            read: 2 * CHUNK,
            lagged: 0
        }
    );
    drop(subscription);
    assert_eq!(dropped.load(Ordering::Relaxed), 2 * CHUNK + 1);
}

#[test]
fn polling_with_another_waker_replaces_the_first() {
    let topic = topic();
    let mut subscription = topic.subscribe(Overflow::Lossless);
    let woken = Arc::new(AtomicUsize::new(0));
    let old = waker(|| panic!("the old one"));
    let new = waker({
        let woken = Arc::clone(&woken);
        move || {
            woken.fetch_add(1, Ordering::Relaxed);
        }
    });
    park(&mut subscription, &old);
    park(&mut subscription, &new);
    topic.broadcast(1);
    topic.broadcast(2);
    assert_eq!(
        woken.load(Ordering::Relaxed),
        1,
        "one wake for as many events as come before it reads"
    );
    let mut batch = Box::pin(subscription.next_batch(9, |_| ()));
    let polled = batch.poll_unpin(&mut Context::from_waker(&new));
    assert_eq!(polled, Poll::Ready(Ok(Drained { read: 2, lagged: 0 })));
}

#[test]
fn a_reader_that_stops_short_of_the_end_frees_what_it_has_let_go_of() {
    let pubsub = PubSub::<u64>::new();
    let topic = pubsub.topic("a");
    let mut by_hand = pubsub.subscribe_acked("a");
    let mut other = topic.subscribe(Overflow::Lossless);
    (0..1000).for_each(|event| topic.broadcast(event));
    let _ = by_hand.drain(999, |_| ());
    by_hand.ack(999);
    let _ = by_hand.drain(1, |_| ());
    assert_eq!(read_all(&mut other).0.len(), 1000);
    assert!(topic.info().retained <= 2 * CHUNK as u64);
}

/// What a panic may bring with it.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the panic's own payload panics");
    }
}

#[test]
fn whatever_a_wake_panics_with_the_others_are_woken() {
    let topic = topic();
    let (mut first, mut second) = (topic.subscribe(Overflow::Lossless), topic.subscribe(Overflow::Lossless));
    let woken = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&woken);
    park(&mut first, &waker(|| std::panic::panic_any(Bomb)));
    park(
        &mut second,
        &waker(move || {
            seen.fetch_add(1, Ordering::Relaxed);
        }),
    );
    topic.broadcast(1);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}
