//! One topic: an append-only log that subscribers read at their own pace.

use std::sync::Mutex;

use hedgehog_core::pubsub::{Overflow, PubSub, Subscription};
use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, DynamicSupervisor, Restart, SelfRef};

use super::rig::{Publisher, Setup};
use super::round::{Event, Reader};

/// How many events a subscriber takes before it lets others run.
const BATCH: usize = 256;

pub(super) fn into_tasks(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let topic = PubSub::new().topic("events");
        for mut reader in readers {
            let mut subscription = topic.subscribe(Overflow::Lossless);
            setup.runtime.spawn(async move {
                loop {
                    let _ = subscription.next_batch(BATCH, |event| reader.read(event)).await;
                }
            });
        }
        move |event| topic.broadcast(event)
    })
}

pub(super) fn into_actors(setup: &Setup<'_>) -> Box<dyn Publisher> {
    let supervisor = setup
        .runtime
        .block_on(DynamicSupervisor::new().start())
        .expect("a supervisor without children");
    setup.publisher(|readers| {
        let topic = PubSub::new().topic("events");
        for reader in readers {
            // Nobody fails here, so a subscriber is made once.
            let made = Mutex::new(Some((topic.subscribe(Overflow::Lossless), reader)));
            let spec = ChildSpec::worker("subscriber", move || {
                (Subscriber, made.lock().expect("no panic").take())
            });
            let started = setup
                .runtime
                .block_on(supervisor.start_child(spec.restart(Restart::Temporary)));
            started.expect("an actor that does nothing on start");
        }
        move |event| topic.broadcast(event)
    })
}

struct Subscriber;

/// At most one of these is in the mailbox, however many events wait.
struct Rung;

impl Actor for Subscriber {
    type Msg = Rung;
    type State = (Subscription<Event>, Reader);
    type Arguments = Option<Self::State>;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<Rung>,
        made: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let (mut subscription, reader) = made.ok_or("started twice")?;
        let myself = myself.self_ref()?;
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
