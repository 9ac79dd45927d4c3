//! One round of a fan-out: a number of events for every subscriber, over when the last one has seen the last event.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// As large as a trade event: 104 bytes.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    sequence: u64,
    _payload: [u64; 12],
}

impl Event {
    /// The event with this number; the first one is 0.
    pub(crate) fn new(sequence: u64) -> Self {
        Self {
            sequence,
            _payload: [0; 12],
        }
    }
}

/// Whether a contender promises that every event arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Every event, once, in order; anything else ends the process.
    Complete,
    /// In order, with gaps; they are counted.
    Lossy,
}

/// On cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Alone<T>(T);

/// What the publisher and the subscribers of a rig share.
#[derive(Debug)]
pub(crate) struct Round {
    subscribers: usize,
    delivery: Delivery,
    /// Events published up to the end of this round.
    end: AtomicU64,
    /// Subscribers that have not seen the round's last event.
    reading: Alone<AtomicUsize>,
    lost: AtomicU64,
    over: Notify,
}

impl Round {
    pub(crate) fn new(subscribers: usize, delivery: Delivery) -> Self {
        Self {
            subscribers,
            delivery,
            end: AtomicU64::new(0),
            reading: Alone(AtomicUsize::new(0)),
            lost: AtomicU64::new(0),
            over: Notify::new(),
        }
    }

    /// Opens a round of `events` events and gives their numbers.
    pub(crate) fn open(&self, events: u64) -> std::ops::Range<u64> {
        self.reading.0.store(self.subscribers, Ordering::Release);
        let start = self.end.fetch_add(events, Ordering::Release);
        start..start + events
    }

    /// Waits until every subscriber has seen the last event.
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }

    /// Deliveries that did not happen since the last call.
    pub(crate) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// What every subscriber does with an event, whoever brought it.
#[derive(Debug)]
pub(crate) struct Reader {
    next: u64,
    /// Of several topics that take events in turn, each sees one in so many.
    step: u64,
    /// Where the round ends, as far as it has looked.
    end: u64,
    round: Arc<Round>,
}

impl Reader {
    /// A reader of the events `first`, `first + step`, …
    pub(crate) fn new(round: &Arc<Round>, first: u64, step: u64) -> Self {
        Self {
            next: first,
            step,
            end: 0,
            round: Arc::clone(round),
        }
    }

    /// Checks that `event` is the next one, and ends the round with the last one.
    pub(crate) fn read(&mut self, event: &Event) {
        if event.sequence != self.next {
            self.gap(event);
        }
        self.next = event.sequence + self.step;
        if self.next >= self.end {
            self.look_for_the_end();
        }
    }

    /// Apart, because it is a round's business and not an event's.
    fn look_for_the_end(&mut self) {
        self.end = self.round.end.load(Ordering::Acquire);
        if self.next >= self.end && self.round.reading.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.round.over.notify_one();
        }
    }

    #[cold]
    fn gap(&self, event: &Event) {
        if self.round.delivery == Delivery::Complete || event.sequence < self.next {
            eprintln!("event {} came where {} was due", event.sequence, self.next);
            exit(1);
        }
        let missed = (event.sequence - self.next) / self.step;
        self.round.lost.fetch_add(missed, Ordering::Relaxed);
    }
}
