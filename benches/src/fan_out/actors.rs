//! Actors with a mailbox each, and the ways their frameworks offer to reach many of them.

use std::marker::PhantomData;
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
    readers
        .into_iter()
        .map(|mut reader| setup.runtime.block_on(ractor_actor(move |event| reader.read(event))))
        .collect()
}

/// An actor that does nothing but to `read` what it is sent.
pub(crate) async fn ractor_actor<E: Send + Sync + 'static>(read: impl FnMut(&E) + Send + 'static) -> ActorRef<Arc<E>> {
    let spawned = Actor::spawn(None, RactorSubscriber(PhantomData), read).await;
    spawned.expect("an actor without a name").0
}

struct RactorSubscriber<E, F>(PhantomData<fn(E, F)>);

impl<E: Send + Sync + 'static, F: FnMut(&E) + Send + 'static> Actor for RactorSubscriber<E, F> {
    type Msg = Arc<E>;
    type State = F;
    type Arguments = F;

    async fn pre_start(&self, _: ActorRef<Arc<E>>, read: F) -> Result<F, ActorProcessingErr> {
        Ok(read)
    }

    async fn handle(&self, _: ActorRef<Arc<E>>, event: Arc<E>, read: &mut F) -> Result<(), ActorProcessingErr> {
        read(&event);
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
