//! Actors with a mailbox each, and the ways their frameworks offer to reach many of them.

use std::sync::Arc;

use ::kameo::actor::Spawn;
use ::kameo::error::Infallible;
use ::kameo::{mailbox, message};
use kameo_actors::DeliveryStrategy;
use kameo_actors::pubsub::PubSub;
use ractor::{Actor, ActorProcessingErr, ActorRef, OutputPort, pg};

use super::rig::{Publish, Publisher, Setup};
use super::round::{Event, Reader};

/// Keeps a list of references, and casts to each.
pub(super) fn ractor_cast(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let actors = ractor_actors(setup, readers);
        move |event| {
            let event = Arc::new(event);
            for actor in &actors {
                let _ = actor.cast(Arc::clone(&event));
            }
        }
    })
}

/// Asks a process group for its members, and sends to each.
pub(super) fn ractor_pg(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let group = format!("events {}", crate::number());
        let actors = ractor_actors(setup, readers);
        pg::join(group.clone(), actors.iter().map(ActorRef::get_cell).collect());
        move |event| {
            let event = Arc::new(event);
            for actor in pg::get_local_members(&group) {
                let _ = actor.send_message(Arc::clone(&event));
            }
        }
    })
}

/// Sends to an output port, which loses what its ten slots do not hold.
pub(super) fn ractor_output_port(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let actors = ractor_actors(setup, readers);
        let port = OutputPort::<Arc<Event>>::default();
        let _inside = setup.runtime.enter();
        for actor in actors {
            port.subscribe(actor, Some);
        }
        move |event| port.send(Arc::new(event))
    })
}

fn ractor_actors(setup: &Setup<'_>, readers: Vec<Reader>) -> Vec<ActorRef<Arc<Event>>> {
    setup.runtime.block_on(async {
        let mut actors = Vec::with_capacity(readers.len());
        for reader in readers {
            let (actor, _) = Actor::spawn(None, RactorSubscriber, reader)
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
pub(super) fn kameo(setup: &Setup<'_>) -> Box<dyn Publisher> {
    let _inside = setup.runtime.enter();
    setup.publisher(|readers| {
        let mut pubsub = PubSub::new(DeliveryStrategy::Guaranteed);
        for reader in readers {
            let subscriber = KameoSubscriber(reader);
            pubsub.subscribe(KameoSubscriber::spawn_with_mailbox(subscriber, mailbox::unbounded()));
        }
        KameoPublisher(pubsub)
    })
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
