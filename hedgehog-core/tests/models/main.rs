//! Every order in which two or three threads can take their steps through a topic's log.
//!
//! The modules under test are the library's own files, compiled here a second time with loom's atomics in place of the real
//! ones ([`sync`]) and with chunks and groups of two, so that every edge is near. `cargo test -p hedgehog-core --test models`
//! runs them; `LOOM_MAX_PREEMPTIONS` looks further than the preemptions that are tried by default.

#[path = "../../src/pubsub/engine/chunk.rs"]
#[allow(dead_code, reason = "what only topics use")]
mod chunk;
#[path = "../../src/pubsub/engine/feed.rs"]
#[allow(dead_code, unreachable_pub, reason = "what only topics use")]
mod feed;
#[path = "../../src/pubsub/engine/idle.rs"]
#[allow(dead_code, reason = "what only topics use")]
mod idle;
#[path = "../../src/pubsub/engine/log.rs"]
#[allow(dead_code, reason = "what only topics use")]
mod log;
#[path = "../../src/pubsub/engine/overflow.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::must_use_candidate,
    reason = "what only topics use"
)]
mod overflow;
#[path = "../../src/panic.rs"]
#[allow(dead_code, unreachable_pub, reason = "what only actors use")]
mod panic;
#[path = "../../src/pubsub/engine/reader.rs"]
#[allow(dead_code, reason = "what only topics use")]
mod reader;
mod sync;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use loom::{future::block_on, model::Builder, thread};

use feed::{Drained, Feed, Place};
use overflow::Overflow;
use reader::Acknowledge;

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    // Loom's authors found hardly any defect that needs more.
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.max_branches = 20_000;
    builder.check(model);
}

/// A subscriber as a task is one: asleep until it is woken. Loom fails when it sleeps for ever.
struct Subscriber {
    feed: Arc<Feed<u64>>,
    place: Place<u64>,
    start: u64,
    accounted: u64,
}

impl Subscriber {
    fn new(feed: &Arc<Feed<u64>>, overflow: Overflow) -> Self {
        let place = feed.admit(overflow, None, Acknowledge::OnDrain);
        Self {
            feed: Arc::clone(feed),
            start: place.position(),
            place,
            accounted: 0,
        }
    }

    /// Reads what is there. The events of these models are their own positions.
    fn drain(&mut self) -> Drained {
        let mut next = None;
        let drained = self.place.drain(&self.feed, usize::MAX, |event| {
            assert!(next.is_none_or(|next| next == *event), "a gap within a drain");
            next = Some(*event + 1);
        });
        assert!(next.is_none_or(|next| next == self.place.position()), "another's event");
        let position = self.place.position();
        self.place.acknowledge(&self.feed, position);
        self.accounted += drained.read as u64 + drained.lagged;
        assert_eq!(self.accounted, self.place.position() - self.start, "unaccounted for");
        drained
    }

    /// Waits for something to happen; `false` when the subscription is closed.
    fn wait(&mut self) -> bool {
        block_on(poll_fn(|context| {
            loop {
                let closed = self.place.reader.end().is_some();
                if self.drain() != Drained::default() {
                    return Poll::Ready(true);
                }
                if closed {
                    return Poll::Ready(false);
                }
                if self.place.park(&self.feed, context.waker()) {
                    return Poll::Pending;
                }
            }
        }))
    }

    fn wait_until(&mut self, position: u64) {
        while self.place.position() < position {
            assert!(self.wait());
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.place.leave(&self.feed);
    }
}

fn publish(feed: &Arc<Feed<u64>>, events: std::ops::Range<u64>) -> thread::JoinHandle<()> {
    let feed = Arc::clone(feed);
    thread::spawn(move || events.for_each(|event| feed.publish(event)))
}

fn feed() -> Arc<Feed<u64>> {
    Arc::new(Feed::new())
}

#[test]
fn a_subscriber_that_falls_asleep_beside_a_publisher_is_woken() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        let publisher = publish(&feed, 0..2);
        subscriber.wait_until(2);
        publisher.join().expect("no panic");
    });
}

/// Counts what a doorbell sends.
struct Rings(AtomicUsize);

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_doorbell_that_is_rearmed_beside_a_publisher_rings_once() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        let rings = Arc::new(Rings(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&rings));
        let publisher = publish(&feed, 0..2);
        let mine = subscriber.place.rearm(&feed, &waker);
        publisher.join().expect("no panic");
        assert_eq!(rings.0.load(Ordering::Relaxed) + usize::from(mine), 1);
    });
}

#[test]
fn between_two_publishers_no_wake_is_lost() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        // Two that publish one event each; in which order is not theirs to say.
        let publishers = [0, 0].map(|_| {
            let feed = Arc::clone(&feed);
            thread::spawn(move || feed.publish(u64::MAX))
        });
        let mut read = 0;
        while read < 2 {
            block_on(poll_fn(|context| {
                let before = read;
                read += subscriber.place.drain(&feed, usize::MAX, |_| ()).read;
                if read > before || !subscriber.place.park(&feed, context.waker()) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }));
        }
        for publisher in publishers {
            publisher.join().expect("no panic");
        }
    });
}

#[test]
fn a_reader_that_is_overtaken_loses_whole_events_and_counts_them() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::DropOldest(1));
        let publisher = publish(&feed, 0..4);
        let _ = subscriber.drain();
        publisher.join().expect("no panic");
        let _ = subscriber.drain();
        assert_eq!(subscriber.place.position(), 4);
    });
}

#[test]
fn a_lossless_reader_gets_every_event_while_chunks_come_and_go() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        let publisher = publish(&feed, 0..4);
        let first = subscriber.drain();
        publisher.join().expect("no panic");
        let second = subscriber.drain();
        assert_eq!((first.read + second.read, first.lagged + second.lagged), (4, 0));
    });
}

#[test]
fn who_subscribes_beside_a_publisher_gets_everything_from_where_it_begins() {
    check(|| {
        let feed = feed();
        let publisher = publish(&feed, 0..3);
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        subscriber.wait_until(3);
        publisher.join().expect("no panic");
        drop(subscriber);
        assert_eq!(feed.log().readers().1, 0, "nothing is retained for nobody");
    });
}

#[test]
fn the_next_in_a_seat_is_woken_although_the_last_has_just_left_it() {
    check(|| {
        let feed = feed();
        let mut first = Subscriber::new(&feed, Overflow::Lossless);
        let publisher = publish(&feed, 0..2);
        let _ = first.drain();
        let waker = Waker::noop();
        let _ = first.place.park(&feed, waker);
        drop(first);
        let mut second = Subscriber::new(&feed, Overflow::Lossless);
        second.wait_until(2);
        publisher.join().expect("no panic");
    });
}

#[test]
fn who_needs_a_group_that_is_not_there_yet_is_seen_by_publishers() {
    check(|| {
        let feed = feed();
        let settled = [0, 0].map(|_| Subscriber::new(&feed, Overflow::DropOldest(1)));
        let publisher = publish(&feed, 0..1);
        // In a group that is not there yet.
        let mut late = Subscriber::new(&feed, Overflow::Lossless);
        late.wait_until(1);
        publisher.join().expect("no panic");
        drop(settled);
    });
}

#[test]
fn two_that_fall_asleep_in_a_further_group_are_both_woken() {
    check(|| {
        let feed = feed();
        let settled = [0, 0].map(|_| feed.admit(Overflow::DropOldest(1), None, Acknowledge::OnDrain));
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        let mut neighbour = Subscriber::new(&feed, Overflow::Lossless);
        let neighbour = thread::spawn(move || neighbour.wait_until(1));
        let publisher = publish(&feed, 0..1);
        subscriber.wait_until(1);
        neighbour.join().expect("no panic");
        publisher.join().expect("no panic");
        for place in settled {
            place.leave(&feed);
        }
    });
}

#[test]
fn the_last_of_two_readers_frees_what_both_have_read() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        let mut other = Subscriber::new(&feed, Overflow::Lossless);
        (0..4).for_each(|event| feed.publish(event));
        let other = thread::spawn(move || {
            let _ = other.drain();
            other
        });
        let _ = subscriber.drain();
        let other = other.join().expect("no panic");
        assert!(feed.log().readers().1 <= 2, "more than the newest chunk is retained");
        drop(other);
    });
}

#[test]
fn a_reader_that_a_publisher_just_missed_frees_what_it_has_read() {
    check(|| {
        let feed = feed();
        let mut other = Subscriber::new(&feed, Overflow::Lossless);
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        (0..2).for_each(|event| feed.publish(event));
        let _ = other.drain();
        // Needs a further chunk, and looks who holds the first one.
        let publisher = publish(&feed, 2..3);
        subscriber.wait_until(3);
        publisher.join().expect("no panic");
        other.wait_until(3);
        let retained = feed.log().readers().1;
        assert!(retained <= 2, "{retained} events are retained");
    });
}

#[test]
fn who_sleeps_is_woken_when_its_subscription_is_closed() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Lossless);
        let (reader, seat) = (Arc::clone(&subscriber.place.reader), subscriber.place.seat.clone());
        let closer = {
            let feed = Arc::clone(&feed);
            thread::spawn(move || {
                feed.publish(0);
                feed.close(&reader, &seat);
                feed.publish(1);
            })
        };
        while subscriber.wait() {}
        closer.join().expect("no panic");
        assert_eq!(subscriber.place.position(), 1, "what came after it is not its own");
        assert_eq!(feed.log().readers().1, 0);
    });
}

#[test]
fn an_event_that_skips_its_sender_wakes_the_other() {
    check(|| {
        let feed = feed();
        let mut other = Subscriber::new(&feed, Overflow::Lossless);
        let mine = Subscriber::new(&feed, Overflow::Lossless);
        mine.place.seat.set_owner(7);
        let publisher = {
            let feed = Arc::clone(&feed);
            thread::spawn(move || feed.publish_except(7, 0))
        };
        other.wait_until(1);
        publisher.join().expect("no panic");
        let mut mine = mine;
        assert_eq!(mine.place.drain(&feed, 9, |_| unreachable!("its own")).read, 0);
        assert_eq!(mine.place.reader.skipped(), 1);
    });
}

#[test]
fn publishers_that_wait_share_the_room_there_is() {
    check(|| {
        let feed = feed();
        let mut subscriber = Subscriber::new(&feed, Overflow::Block(1));
        let publishers = [0, 0].map(|event| {
            let feed = Arc::clone(&feed);
            thread::spawn(move || {
                let room = feed.log().promise().is_ok();
                if room {
                    feed.publish_promised(Some(event));
                }
                room
            })
        });
        let published = publishers.map(|publisher| publisher.join().expect("no panic"));
        assert_eq!(published.iter().filter(|room| **room).count(), 1);
        assert_eq!(subscriber.drain().read, 1);
        assert!(feed.log().promise().is_ok(), "there is room again");
        feed.publish_promised(None);
    });
}
