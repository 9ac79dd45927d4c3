//! One topic: an append-only log that subscribers read at their own pace.

use std::sync::Arc;

use hedgehog_core::pubsub::{Overflow, PubSub, Subscription};
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor};
use tokio::runtime::Runtime;

use super::rig::Publisher;
use super::round::{Event, Reader, Round};

/// How many events a subscriber takes before it lets others run.
const BATCH: usize = 256;

pub(super) fn into_tasks(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
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

pub(super) fn into_actors(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let topic = PubSub::new().topic("events");
    let (from, round) = (topic.clone(), Arc::clone(round));
    let supervisor = runtime.block_on(async move {
        let supervisor = DynamicSupervisor::new()
            .start()
            .await
            .expect("a supervisor without children");
        for _ in 0..subscribers {
            let (topic, round) = (from.clone(), Arc::clone(&round));
            let spec = ChildSpec::worker("subscriber", move || {
                (Subscriber, (topic.subscribe(Overflow::Lossless), Reader::new(&round)))
            });
            supervisor
                .start_child(spec)
                .await
                .expect("an actor that does nothing on start");
        }
        supervisor
    });
    Box::new(move |event| {
        let _ = &supervisor;
        topic.broadcast(event);
    })
}

struct Subscriber;

/// At most one of these is in the mailbox, however many events wait.
struct Rung;

impl Actor for Subscriber {
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
