//! Publishers, subscribers that come and go or get stuck, and all policies, on real threads at once.
//!
//! Seeded: what every thread does follows from the seed, though not how they interleave. A failure prints the command that
//! replays it; `PUBSUB_SEED` chooses one seed and `PUBSUB_SEEDS` how many are tried.

use super::{DEADLINE, owner};
use crate::{
    AnyActorRef,
    pubsub::{Closed, Drained, Overflow, PubSub, SubscribeOptions, Subscription, Topic},
};
use futures_util::FutureExt;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

const PUBLISHERS: usize = 8;
const SUBSCRIBERS: usize = 64;
const EVENTS: u64 = 400;

/// Who published it, and the how many-th of theirs it is.
#[derive(Clone, Copy, Debug)]
struct Event {
    publisher: usize,
    sequence: u64,
}

#[test]
fn whatever_comes_and_goes_order_accounts_and_wakes_are_right() {
    let chosen = std::env::var("PUBSUB_SEED")
        .ok()
        .map(|seed| seed.parse().expect("PUBSUB_SEED is a number"));
    let many = std::env::var("PUBSUB_SEEDS").map_or(3, |seeds| seeds.parse().expect("PUBSUB_SEEDS is a number"));
    for seed in chosen.map_or(0..many, |seed| seed..seed + 1) {
        let replay = Replay(seed);
        storm(seed);
        std::mem::forget(replay);
    }
}

/// Dropped by a panic only.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        eprintln!(
            "replay with: PUBSUB_SEED={} cargo test -p hedgehog-core --lib pubsub::tests::churn",
            self.0
        );
    }
}

fn storm(seed: u64) {
    let topic: Topic<Event> = PubSub::new().topic("storm");
    let publishing = Arc::new(AtomicUsize::new(PUBLISHERS));
    let owners: Arc<Vec<_>> = Arc::new((0..PUBLISHERS).map(|_| owner()).collect());
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    let inline = topic.inline(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    // One that never reads, of each policy: it must cost the others nothing.
    let stuck =
        [Overflow::DropOldest(7), Overflow::Latest, Overflow::Lossless].map(|overflow| topic.subscribe(overflow));
    thread::scope(|scope| {
        for number in 0..SUBSCRIBERS {
            let (topic, publishing, owners) = (topic.clone(), Arc::clone(&publishing), Arc::clone(&owners));
            let choices = Choices::new(seed, number);
            scope.spawn(move || subscribe(number, &topic, &publishing, &owners, choices));
        }
        for publisher in 0..PUBLISHERS {
            let (topic, publishing) = (topic.clone(), Arc::clone(&publishing));
            let (owner, choices) = (owners[publisher].clone(), Choices::new(seed, SUBSCRIBERS + publisher));
            scope.spawn(move || {
                publish(publisher, &topic, &owner, choices);
                // The last one's departure is an event for nobody, and wakes those that wait for more.
                publishing.fetch_sub(1, Ordering::SeqCst);
                topic.broadcast(Event {
                    publisher,
                    sequence: EVENTS,
                });
            });
        }
    });
    assert_eq!(counted.load(Ordering::Relaxed) as u64, topic.published());
    for mut stuck in stuck {
        let expected = topic.published();
        let drained = stuck.drain(usize::MAX, |_| ());
        assert_eq!(drained.read as u64 + drained.lagged + stuck.info().skipped, expected);
    }
    drop(inline);
    assert_eq!(
        (
            topic.info().subscribers.len(),
            topic.info().retained,
            topic.info().inline
        ),
        (0, 0, 0)
    );
}

fn publish(publisher: usize, topic: &Topic<Event>, owner: &AnyActorRef, mut choices: Choices) {
    for sequence in 0..EVENTS {
        let event = Event { publisher, sequence };
        match choices.below(8) {
            0 => topic.broadcast_from(owner.pid(), event),
            1 => wait(topic.broadcast_wait(event, None)).expect("nobody waits for itself"),
            // Everybody is chosen, so that the order of all subscribers can be checked.
            2 => topic.dispatch(None, event, |subscribers, _, event| {
                subscribers.send(event, |_| true);
            }),
            _ => topic.broadcast(event),
        }
        if choices.below(16) == 0 {
            thread::yield_now();
        }
    }
}

/// Subscribes again and again in different ways, until the last publisher is done.
fn subscribe(
    number: usize,
    topic: &Topic<Event>,
    publishing: &AtomicUsize,
    owners: &[AnyActorRef],
    mut choices: Choices,
) {
    // The first ones stay from the beginning to the end: what is lost between two others would show with them.
    let stays = number < SUBSCRIBERS / 4;
    loop {
        let overflow = match choices.below(4) {
            0 => Overflow::DropOldest(1 + choices.below(100)),
            1 => Overflow::Latest,
            2 => Overflow::Block(1 + choices.below(20)),
            _ => Overflow::Lossless,
        };
        let owner = choices.below(2 * PUBLISHERS);
        let mut options = SubscribeOptions::new(overflow);
        if let Some(owner) = owners.get(owner) {
            options = options.owner(owner);
        }
        let reading = Reading::begin(topic.subscribe(options), owner);
        let lifetime = if stays { usize::MAX } else { 1 + choices.below(60) };
        reading.until(lifetime, publishing, &mut choices);
        if publishing.load(Ordering::SeqCst) == 0 {
            return;
        }
        if choices.below(30) == 0 {
            topic.unsubscribe(owners[choices.below(PUBLISHERS)].pid());
        }
    }
}

/// One subscription, and what its reader expects.
struct Reading {
    subscription: Subscription<Event>,
    start: u64,
    owner: usize,
    accounted: u64,
    /// By publisher, the next sequence that is in order.
    next: [Option<u64>; PUBLISHERS],
}

impl Reading {
    fn begin(subscription: Subscription<Event>, owner: usize) -> Self {
        Self {
            start: subscription.position(),
            subscription,
            owner,
            accounted: 0,
            next: [None; PUBLISHERS],
        }
    }

    fn until(mut self, batches: usize, publishing: &AtomicUsize, choices: &mut Choices) {
        for _ in 0..batches {
            let max = 1 + choices.below(50);
            let drained = match choices.below(3) {
                0 => Ok(self.drain(max)),
                _ => self.park_and_drain(max, publishing),
            };
            let Ok(drained) = drained else { break };
            self.account(drained);
            if publishing.load(Ordering::SeqCst) == 0 && self.subscription.lag() == 0 {
                break;
            }
            if choices.below(8) == 0 {
                thread::yield_now();
            }
        }
        if self.subscription.is_closed() {
            // The remainder is lost, and counted, at the end of all.
            let drained = self.drain(usize::MAX);
            self.account(drained);
            assert_eq!(self.subscription.lag(), 0);
        }
    }

    fn drain(&mut self, max: usize) -> Drained {
        let (next, owner) = (&mut self.next, self.owner);
        let lossy = !matches!(
            self.subscription.info().overflow,
            Overflow::Lossless | Overflow::Block(_)
        );
        self.subscription.drain(max, |event| check(next, lossy, owner, event))
    }

    /// Reads as a task does: asleep until there is something. Waits for an event only while one is still to come.
    fn park_and_drain(&mut self, max: usize, publishing: &AtomicUsize) -> Result<Drained, Closed> {
        if publishing.load(Ordering::SeqCst) == 0 {
            return Ok(self.drain(max));
        }
        let (next, owner) = (&mut self.next, self.owner);
        let lossy = !matches!(
            self.subscription.info().overflow,
            Overflow::Lossless | Overflow::Block(_)
        );
        wait(
            self.subscription
                .next_batch(max, |event| check(next, lossy, owner, event)),
        )
    }

    fn account(&mut self, drained: Drained) {
        self.accounted += drained.read as u64 + drained.lagged;
        let passed = self.subscription.position() - self.start;
        assert_eq!(
            self.accounted + self.subscription.info().skipped,
            passed,
            "unaccounted for"
        );
    }
}

/// Whether `event` is the next of its publisher, or, where some may be missing, a later one.
fn check(next: &mut [Option<u64>; PUBLISHERS], lossy: bool, owner: usize, event: &Event) {
    let Event { publisher, sequence } = *event;
    let expected = next[publisher].replace(sequence + 1);
    // The owner does not get all of its own.
    let gaps = lossy || publisher == owner;
    let in_order = expected.is_none_or(|expected| sequence == expected || (gaps && sequence > expected));
    assert!(in_order, "{event:?} where {expected:?} was due");
}

/// Blocks the thread until `future` is ready, and fails when a wake is lost.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread, AtomicBool);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.1.store(true, Ordering::SeqCst);
            self.0.unpark();
        }
    }

    let woken = Arc::new(Unpark(thread::current(), AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let (mut future, deadline) = (Box::pin(future), Instant::now() + DEADLINE);
    loop {
        // Polled only when woken: a lost wake must not be made good by looking again.
        if woken.1.swap(false, Ordering::SeqCst)
            && let std::task::Poll::Ready(output) = future.poll_unpin(&mut Context::from_waker(&waker))
        {
            return output;
        }
        thread::park_timeout(Duration::from_millis(50));
        assert!(Instant::now() < deadline, "asleep for good");
    }
}

/// A thread's choices (`SplitMix64`).
struct Choices(u64);

impl Choices {
    fn new(seed: u64, thread: usize) -> Self {
        let mut choices = Self(seed.wrapping_mul(0xA076_1D64_78BD_642F) ^ thread as u64);
        choices.below(1);
        choices
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
