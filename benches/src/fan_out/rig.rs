//! One contender with its subscribers in place, ready to be given rounds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::runtime::Runtime;

use super::round::{Delivery, Event, Reader, Round};
use crate::family::{self, Role, Sample};

/// How a contender takes one event.
pub(crate) trait Publish: Send + 'static {
    /// Hands `event` to every subscriber, or to whoever does that.
    fn publish(&mut self, event: Event) -> impl Future<Output = ()> + Send;
}

impl<F: FnMut(Event) + Send + 'static> Publish for F {
    async fn publish(&mut self, event: Event) {
        self(event);
    }
}

/// Starts the subscribers of a contender, and returns how to publish to them.
pub(crate) type Start = fn(&Setup<'_>) -> Box<dyn Publisher>;

/// What a contender is to be set up with.
pub(crate) struct Setup<'a> {
    pub(crate) runtime: &'a Runtime,
    topics: usize,
    subscribers: usize,
    round: &'a Arc<Round>,
}

impl Setup<'_> {
    /// Sets up every topic with its readers, and publishes to them in turn.
    pub(crate) fn publisher<P: Publish>(&self, mut topic: impl FnMut(Vec<Reader>) -> P) -> Box<dyn Publisher> {
        let mut topics: Vec<P> = (0..self.topics)
            .map(|at| {
                let reader = |_| Reader::new(self.round, at as u64, self.topics as u64);
                topic((0..self.subscribers).map(reader).collect())
            })
            .collect();
        match topics.pop() {
            // Without the turns, which would show in the figure of one subscriber.
            Some(only) if topics.is_empty() => Box::new(only),
            last => Box::new(InTurn {
                topics: topics.into_iter().chain(last).collect(),
                next: 0,
            }),
        }
    }
}

struct InTurn<P> {
    topics: Vec<P>,
    next: usize,
}

impl<P: Publish> Publish for InTurn<P> {
    async fn publish(&mut self, event: Event) {
        let topic = self.next;
        self.next = (topic + 1) % self.topics.len();
        self.topics[topic].publish(event).await;
    }
}

/// One way to bring an event to many.
#[derive(Clone, Copy)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) delivery: Delivery,
    /// Makes the runtime that everything runs on.
    pub(crate) on: fn() -> Runtime,
    pub(crate) start: Start,
}

/// Where the publisher runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a task of the subscribers' runtime.
    Inside,
    /// On a thread of its own: every wake has to go through the runtime's inject queue.
    Outside,
}

/// What a contender has to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) topics: usize,
    /// Of each topic.
    pub(crate) subscribers: usize,
    /// Of a round, all topics together: a multiple of their number.
    pub(crate) events: u64,
    pub(crate) place: Place,
}

impl Load {
    /// How many deliveries a round is.
    pub(crate) fn deliveries(self) -> u64 {
        self.events * self.subscribers as u64
    }
}

/// A contender, its subscribers and their runtime. An iteration is a round.
pub(crate) struct Rig {
    runtime: Option<Runtime>,
    publisher: Option<Box<dyn Publisher>>,
    round: Arc<Round>,
    events: u64,
    place: Place,
}

impl Rig {
    /// Starts the subscribers of `contender`.
    pub(crate) fn new(contender: &Contender, load: Load) -> Self {
        let Load {
            topics,
            subscribers,
            events,
            place,
        } = load;
        let runtime = (contender.on)();
        let round = Arc::new(Round::new(topics * subscribers, contender.delivery));
        let publisher = (contender.start)(&Setup {
            runtime: &runtime,
            topics,
            subscribers,
            round: &round,
        });
        Self {
            runtime: Some(runtime),
            publisher: Some(publisher),
            round,
            events,
            place,
        }
    }
}

impl family::Rig for Rig {
    fn run(&mut self, rounds: u64) -> Sample {
        let runtime = self.runtime.as_ref().expect("taken by drop only");
        let publisher = self.publisher.take().expect("a run that panicked ended the bench");
        let run = publisher.run(Arc::clone(&self.round), rounds, self.events);
        let (publisher, took) = match self.place {
            Place::Inside => runtime.block_on(runtime.spawn(run)).expect("the publisher panicked"),
            Place::Outside => runtime.block_on(run),
        };
        self.publisher = Some(publisher);
        Sample {
            lost: self.round.take_lost(),
            ..Sample::took(took)
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A [`Publish`] without its type.
pub(crate) trait Publisher: Send {
    fn run(self: Box<Self>, round: Arc<Round>, rounds: u64, events: u64) -> Run;
}

type Run = BoxFuture<'static, (Box<dyn Publisher>, Duration)>;

impl<P: Publish> Publisher for P {
    fn run(mut self: Box<Self>, round: Arc<Round>, rounds: u64, events: u64) -> Run {
        Box::pin(async move {
            let start = Instant::now();
            for _ in 0..rounds {
                for sequence in round.open(events) {
                    self.publish(Event::new(sequence)).await;
                }
                round.over().await;
            }
            let took = start.elapsed();
            (self as Box<dyn Publisher>, took)
        })
    }
}
