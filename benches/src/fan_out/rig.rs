//! One contender with its subscribers in place, ready to be given rounds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::runtime::Runtime;

use super::round::{Delivery, Event, Round};
use crate::family::{self, Sample};

/// How a contender takes one event.
pub(super) trait Publish: Send + 'static {
    /// Hands `event` to every subscriber, or to whoever does that.
    fn publish(&mut self, event: Event) -> impl Future<Output = ()> + Send;
}

impl<F: FnMut(Event) + Send + 'static> Publish for F {
    async fn publish(&mut self, event: Event) {
        self(event);
    }
}

/// Starts the subscribers of a contender on a runtime, and returns how to publish to them.
pub(super) type Start = fn(&Runtime, usize, &Arc<Round>) -> Box<dyn Publisher>;

/// One way to bring an event to many.
#[derive(Clone, Copy)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) delivery: Delivery,
    pub(super) start: Start,
}

/// Where the publisher runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a task of the subscribers' runtime.
    Inside,
    /// On a thread of its own: every wake has to go through the runtime's inject queue.
    Outside,
}

/// A contender, its subscribers and their runtime. An iteration is a round.
pub(super) struct Rig {
    runtime: Option<Runtime>,
    publisher: Option<Box<dyn Publisher>>,
    round: Arc<Round>,
    events: u64,
    place: Place,
}

impl Rig {
    /// Starts `subscribers` subscribers of `contender` on a runtime of two workers; a round will be `events` events.
    pub(super) fn new(contender: &Contender, subscribers: usize, events: u64, place: Place) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .expect("a runtime of two threads");
        let round = Arc::new(Round::new(subscribers, contender.delivery));
        let publisher = (contender.start)(&runtime, subscribers, &round);
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
            took,
            lost: self.round.take_lost(),
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
pub(super) trait Publisher: Send {
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
