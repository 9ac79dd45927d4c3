//! Actors with a mailbox each, and the ways their frameworks offer to reach many of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::kameo::actor::Spawn;
use ::kameo::error::Infallible;
use ::kameo::{mailbox, message};
use kameo_actors::DeliveryStrategy;
use kameo_actors::pubsub::PubSub;
use ractor::{Actor, ActorProcessingErr, ActorRef, OutputPort, pg};
use tokio::runtime::Runtime;

use super::rig::{Publish, Publisher};
use super::round::{Event, Reader, Round};

/// Keeps a list of references, and casts to each.
pub(super) fn ractor_cast(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let actors = ractor_actors(runtime, subscribers, round);
    Box::new(move |event| {
        let event = Arc::new(event);
        for actor in &actors {
            let _ = actor.cast(Arc::clone(&event));
        }
    })
}

/// Asks a process group for its members, and sends to each.
pub(super) fn ractor_pg(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    // Groups are global to the process: every rig has one of its own.
    static RIGS: AtomicU64 = AtomicU64::new(0);
    let group = format!("events of rig {}", RIGS.fetch_add(1, Ordering::Relaxed));
    let actors = ractor_actors(runtime, subscribers, round);
    pg::join(group.clone(), actors.iter().map(ActorRef::get_cell).collect());
    Box::new(move |event| {
        let event = Arc::new(event);
        for actor in pg::get_local_members(&group) {
            let _ = actor.send_message(Arc::clone(&event));
        }
    })
}

/// Sends to an output port, which loses what its ten slots do not hold.
pub(super) fn ractor_output_port(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let actors = ractor_actors(runtime, subscribers, round);
    let port = OutputPort::<Arc<Event>>::default();
    let _inside = runtime.enter();
    for actor in actors {
        port.subscribe(actor, Some);
    }
    Box::new(move |event| port.send(Arc::new(event)))
}

fn ractor_actors(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Vec<ActorRef<Arc<Event>>> {
    runtime.block_on(async {
        let mut actors = Vec::with_capacity(subscribers);
        for _ in 0..subscribers {
            let (actor, _) = Actor::spawn(None, RactorSubscriber, Reader::new(round))
                .await
                .expect("an actor without a name");
            actors.push(actor);
        }
        actors
    })
}

struct RactorSubscriber;

impl Actor for RactorSubscriber {
    type Msg = Arc<Event>;
    type State = Reader;
    type Arguments = Reader;

    async fn pre_start(&self, _: ActorRef<Arc<Event>>, reader: Reader) -> Result<Reader, ActorProcessingErr> {
        Ok(reader)
    }

    async fn handle(
        &self,
        _: ActorRef<Arc<Event>>,
        event: Arc<Event>,
        reader: &mut Reader,
    ) -> Result<(), ActorProcessingErr> {
        reader.read(&event);
        Ok(())
    }
}

/// Publishes through kameo's `PubSub`, held by the publisher: its broker actor would cost one more message.
pub(super) fn kameo(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let _inside = runtime.enter();
    let mut pubsub = PubSub::new(DeliveryStrategy::Guaranteed);
    for _ in 0..subscribers {
        let subscriber = KameoSubscriber(Reader::new(round));
        pubsub.subscribe(KameoSubscriber::spawn_with_mailbox(subscriber, mailbox::unbounded()));
    }
    Box::new(KameoPublisher(pubsub))
}

struct KameoPublisher(PubSub<Arc<Event>>);

impl Publish for KameoPublisher {
    async fn publish(&mut self, event: Event) {
        self.0.publish(Arc::new(event)).await;
    }
}

struct KameoSubscriber(Reader);

impl ::kameo::Actor for KameoSubscriber {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: ::kameo::actor::ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(state)
    }
}

impl message::Message<Arc<Event>> for KameoSubscriber {
    type Reply = ();

    async fn handle(&mut self, event: Arc<Event>, _: &mut message::Context<Self, ()>) {
        self.0.read(&event);
    }
}
