//! Several publishers of one topic at once.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hedgehog_core::pubsub::{Overflow, PubSub};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, broadcast, mpsc};

use crate::family::{Case, Entry, Family, Measure};
use crate::fan_out::actors::ractor_actor;

/// One, two and four publishers.
pub const PUBLISHERS: Family = Family {
    name: "publishers",
    unit: "delivery",
    measure: Measure::Time,
    about: "N publishers, each a task, broadcast a thousand 104-byte events each to the same hundred subscribers, on two workers; \
        every subscriber checks the order of every publisher. Publishers of a log meet where a slot is written, for some tens of \
        nanoseconds; publishers into mailboxes meet in each of the hundred. With more publishers than workers a figure should stay \
        what it was for two.",
    cases: || [1, 2, 4].map(case).into(),
};

const SUBSCRIBERS: usize = 100;
const EVENTS: u64 = 1_000;
const MOST_PUBLISHERS: usize = 4;

fn case(publishers: usize) -> Case {
    Case {
        name: "burst",
        n: publishers,
        units: EVENTS * (publishers * SUBSCRIBERS) as u64,
        long: false,
        entries: vec![
            Entry::contender("hedgehog", move || rig(publishers, hedgehog)),
            Entry::contender("tokio-broadcast", move || rig(publishers, tokio_broadcast)),
            Entry::contender("tokio-mpsc", move || rig(publishers, tokio_mpsc)),
            Entry::contender("ractor-cast", move || rig(publishers, ractor_cast)),
        ],
    }
}

/// 104 bytes.
struct Event {
    publisher: usize,
    sequence: u64,
    _payload: [u64; 11],
}

/// One publisher's way to all subscribers.
trait Publish: Fn(Event) + Send + Sync + 'static {}
impl<F: Fn(Event) + Send + Sync + 'static> Publish for F {}

fn rig<P: Publish>(publishers: usize, start: fn(&Runtime, Vec<Reader>) -> P) -> impl FnMut(u64) -> Duration {
    let runtime = crate::two_workers();
    let over = Arc::new(Over::default());
    let reader = |_| Reader {
        next: [0; MOST_PUBLISHERS],
        missing: 0,
        of_a_round: EVENTS * publishers as u64,
        over: Arc::clone(&over),
    };
    let publish = Arc::new(start(&runtime, (0..SUBSCRIBERS).map(reader).collect()));
    let mut first = 0;
    move |rounds| {
        let start = Instant::now();
        for _ in 0..rounds {
            over.reading.store(SUBSCRIBERS, Ordering::Release);
            for publisher in 0..publishers {
                let publish = Arc::clone(&publish);
                runtime.spawn(async move {
                    for sequence in first..first + EVENTS {
                        publish(Event {
                            publisher,
                            sequence,
                            _payload: [0; 11],
                        });
                    }
                });
            }
            runtime.block_on(over.all_read.notified());
            first += EVENTS;
        }
        start.elapsed()
    }
}

#[derive(Default)]
struct Over {
    /// Subscribers that have not read all of the round.
    reading: AtomicUsize,
    all_read: Notify,
}

struct Reader {
    /// By publisher.
    next: [u64; MOST_PUBLISHERS],
    /// Of this round.
    missing: u64,
    of_a_round: u64,
    over: Arc<Over>,
}

impl Reader {
    fn read(&mut self, event: &Event) {
        let next = &mut self.next[event.publisher];
        if event.sequence != *next {
            let publisher = event.publisher;
            eprintln!(
                "event {} of publisher {publisher} came where {next} was due",
                event.sequence
            );
            exit(1);
        }
        *next += 1;
        if self.missing == 0 {
            self.missing = self.of_a_round;
        }
        self.missing -= 1;
        if self.missing == 0 && self.over.reading.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.over.all_read.notify_one();
        }
    }
}

fn hedgehog(runtime: &Runtime, readers: Vec<Reader>) -> impl Publish + use<> {
    let topic = PubSub::new().topic("events");
    for mut reader in readers {
        let mut subscription = topic.subscribe(Overflow::Lossless);
        runtime.spawn(async move {
            loop {
                let _ = subscription.next_batch(256, |event| reader.read(event)).await;
            }
        });
    }
    move |event| topic.broadcast(event)
}

fn tokio_broadcast(runtime: &Runtime, readers: Vec<Reader>) -> impl Publish + use<> {
    let (sender, _) = broadcast::channel::<Arc<Event>>(MOST_PUBLISHERS * EVENTS as usize);
    for mut reader in readers {
        let mut receiver = sender.subscribe();
        runtime.spawn(async move {
            while let Ok(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
    }
    move |event| {
        let _ = sender.send(Arc::new(event));
    }
}

fn tokio_mpsc(runtime: &Runtime, readers: Vec<Reader>) -> impl Publish + use<> {
    let mut senders = Vec::new();
    for mut reader in readers {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Arc<Event>>();
        runtime.spawn(async move {
            while let Some(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
        senders.push(sender);
    }
    move |event| {
        let event = Arc::new(event);
        for sender in &senders {
            let _ = sender.send(Arc::clone(&event));
        }
    }
}

fn ractor_cast(runtime: &Runtime, readers: Vec<Reader>) -> impl Publish + use<> {
    let mut actors = Vec::new();
    for mut reader in readers {
        actors.push(runtime.block_on(ractor_actor(move |event| reader.read(event))));
    }
    move |event| {
        let event = Arc::new(event);
        for actor in &actors {
            let _ = actor.cast(Arc::clone(&event));
        }
    }
}
