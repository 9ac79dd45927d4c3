//! One publisher, N subscribers, a burst of events: what does a delivery cost?
//!
//! The contenders hand a 104-byte event to every subscriber, in order and without loss; a reader that misses one ends the
//! bench. A round is one burst, over when the last subscriber has read the last event. Publisher and subscribers run on
//! one runtime of two workers, one contender after the other.
//!
//! What it shows. With one subscriber everybody pays for the wakes and the hand-over between two cores, and the contenders
//! lie within a small factor. With a hundred, a publisher that puts something into each subscriber's mailbox pays a hundred
//! times: that is the line of `mpsc` and `ractor cast`. tokio's `broadcast` writes once too, but every reader takes
//! a lock and clones for every event. The log is written once and read without either, and a subscriber that is
//! awake is not woken again: so the cost of a delivery falls as subscribers are added. The doorbell adds one mailbox message
//! per batch, not per event, and so an actor comes close to a bare task.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hedgehog_core::pubsub::{Overflow, PubSub, Subscription};
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, broadcast, mpsc};

const BURST: u64 = 1_000;
/// How many events a subscriber of the log takes before it lets others run.
const BATCH: usize = 256;

criterion_group!(benches, fan_out);
criterion_main!(benches);

fn fan_out(criterion: &mut Criterion) {
    for subscribers in [1, 100] {
        let mut group = criterion.benchmark_group(format!("fan_out/{subscribers}"));
        group.throughput(Throughput::Elements(BURST * subscribers as u64));
        let contenders: [(&str, Contender); 5] = [
            ("hedgehog log, tasks", log_into_tasks),
            ("hedgehog doorbell, actors", doorbell_into_actors),
            ("tokio broadcast of Arc", tokio_broadcast),
            ("tokio mpsc of Arc", tokio_mpsc),
            ("ractor cast of Arc", ractor_cast),
        ];
        for (name, contender) in contenders {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .expect("a runtime of two threads");
            let round = Arc::new(Round::new(subscribers));
            let publisher = Arc::new(Publisher {
                publish: contender(&runtime, subscribers, &round),
                round,
            });
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|rounds| {
                    // Inside the runtime: a publisher on a thread of its own pays for other wakes.
                    let bursts = runtime.spawn(Arc::clone(&publisher).bursts(rounds));
                    runtime.block_on(bursts).expect("the publisher panicked")
                });
            });
            runtime.shutdown_background();
        }
        group.finish();
    }
}

/// Starts the subscribers, and returns how to publish to them.
type Contender = fn(&Runtime, usize, &Arc<Round>) -> Publish;

type Publish = Box<dyn Fn(Event) + Send + Sync>;

struct Publisher {
    publish: Publish,
    round: Arc<Round>,
}

impl Publisher {
    async fn bursts(self: Arc<Self>, rounds: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..rounds {
            let first = self.round.begin();
            for sequence in first..first + BURST as usize {
                (self.publish)(Event {
                    sequence: sequence as u64,
                    _payload: [0; 12],
                });
            }
            self.round.over.notified().await;
        }
        start.elapsed()
    }
}

/// As large as a trade event.
struct Event {
    sequence: u64,
    _payload: [u64; 12],
}

struct Round {
    subscribers: usize,
    reading: AtomicUsize,
    published: AtomicUsize,
    over: Notify,
}

impl Round {
    fn new(subscribers: usize) -> Self {
        Self {
            subscribers,
            reading: AtomicUsize::new(0),
            published: AtomicUsize::new(0),
            over: Notify::new(),
        }
    }

    /// The sequence number of the round's first event.
    fn begin(&self) -> usize {
        self.reading.store(self.subscribers, Ordering::Release);
        self.published.fetch_add(BURST as usize, Ordering::Relaxed)
    }
}

/// What every subscriber does with an event: look whether it is the next one.
struct Reader {
    next: u64,
    round: Arc<Round>,
}

impl Reader {
    fn new(round: &Arc<Round>) -> Self {
        Self {
            next: 0,
            round: Arc::clone(round),
        }
    }

    fn read(&mut self, event: &Event) {
        if event.sequence != self.next {
            eprintln!("event {} came where {} was due", event.sequence, self.next);
            exit(1);
        }
        self.next += 1;
        if self.next.is_multiple_of(BURST) && self.round.reading.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.round.over.notify_one();
        }
    }
}

fn log_into_tasks(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Publish {
    let topic = PubSub::new().topic("events");
    for _ in 0..subscribers {
        let (mut subscription, mut reader) = (topic.subscribe(Overflow::Lossless), Reader::new(round));
        runtime.spawn(async move {
            loop {
                let _ = subscription.next_batch(BATCH, |event| reader.read(event)).await;
            }
        });
    }
    Box::new(move |event| topic.broadcast(event))
}

fn doorbell_into_actors(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Publish {
    let topic = PubSub::new().topic("events");
    let (from, round) = (topic.clone(), Arc::clone(round));
    runtime.block_on(async move {
        let supervisor = DynamicSupervisor::new()
            .start()
            .await
            .expect("a supervisor without children");
        for _ in 0..subscribers {
            let (topic, round) = (from.clone(), Arc::clone(&round));
            let spec = ChildSpec::worker("subscriber", move || {
                (LogActor, (topic.subscribe(Overflow::Lossless), Reader::new(&round)))
            });
            supervisor
                .start_child(spec)
                .await
                .expect("an actor that does nothing on start");
        }
    });
    Box::new(move |event| topic.broadcast(event))
}

struct LogActor;

struct Rung;

impl Actor for LogActor {
    type Msg = Rung;
    type State = (Subscription<Event>, Reader);
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<Rung>,
        (mut subscription, reader): Self::State,
    ) -> Result<Self::State, ActorProcessingErr> {
        let myself = ActorRef::current(&myself).ok_or("started by ractor itself")?;
        subscription.ring(&myself, || Rung);
        Ok((subscription, reader))
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Rung>,
        Rung: Rung,
        (subscription, reader): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let _ = subscription.drain(BATCH, |event| reader.read(event));
        subscription.rearm();
        Ok(())
    }
}

fn tokio_broadcast(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Publish {
    // Large enough for a whole burst: it loses nothing.
    let (sender, _) = broadcast::channel::<Arc<Event>>(BURST as usize);
    for _ in 0..subscribers {
        let (mut receiver, mut reader) = (sender.subscribe(), Reader::new(round));
        runtime.spawn(async move {
            while let Ok(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
    }
    Box::new(move |event| {
        let _ = sender.send(Arc::new(event));
    })
}

fn tokio_mpsc(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Publish {
    let subscribe = |_| {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Arc<Event>>();
        let mut reader = Reader::new(round);
        runtime.spawn(async move {
            while let Some(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
        sender
    };
    let senders: Vec<_> = (0..subscribers).map(subscribe).collect();
    Box::new(move |event| {
        let event = Arc::new(event);
        for sender in &senders {
            let _ = sender.send(Arc::clone(&event));
        }
    })
}

fn ractor_cast(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Publish {
    let actors = runtime.block_on(async {
        let mut actors = Vec::new();
        for _ in 0..subscribers {
            let (actor, _) = Actor::spawn(None, MailboxActor, Reader::new(round))
                .await
                .expect("an actor without a name");
            actors.push(actor);
        }
        actors
    });
    Box::new(move |event| {
        let event = Arc::new(event);
        for actor in &actors {
            let _ = actor.cast(Arc::clone(&event));
        }
    })
}

struct MailboxActor;

impl Actor for MailboxActor {
    type Msg = Arc<Event>;
    type State = Reader;
    type Arguments = Reader;

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        reader: Reader,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(reader)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        event: Self::Msg,
        reader: &mut Reader,
    ) -> Result<(), ActorProcessingErr> {
        reader.read(&event);
        Ok(())
    }
}
