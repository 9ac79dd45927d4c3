//! What subscribers that are stuck do to the others.

use std::sync::Arc;

use hedgehog_core::pubsub::{Overflow, PubSub};
use tokio::sync::broadcast;

use crate::family::{Case, Family, Measure};
use crate::fan_out::rig::{Contender, Load, Place, Publisher, Setup};
use crate::fan_out::round::{Delivery, Event};
use crate::{family::Role, fan_out::entries};

/// One and fifty stuck of a thousand.
pub const SLOW_SUBSCRIBER: Family = Family {
    name: "slow_subscriber",
    unit: "delivery to a subscriber that reads",
    measure: Measure::Time,
    about: "A thousand subscribers of which N never read; bursts of a thousand events, and what a delivery to one of the others \
        costs. `undisturbed` has the same readers and nobody stuck. A stuck subscriber of a log with `DropOldest` holds its capacity \
        and one chunk, and costs nobody anything: publishing does not look at it, because it is not asleep. tokio's broadcast does \
        as well. A channel for each subscriber would grow without a bound, so none is here.",
    cases: || vec![case(1, ONE_STUCK), case(50, FIFTY_STUCK)],
};

const EVENTS: u64 = 1_000;
/// What a stuck subscriber may hold.
const CAPACITY: usize = 1_000;

const ONE_STUCK: &[Contender] = &[
    contender("hedgehog", |setup| hedgehog(setup, 1)),
    contender("hedgehog-undisturbed", |setup| hedgehog(setup, 0)),
    contender("tokio-broadcast", |setup| tokio_broadcast(setup, 1)),
    contender("tokio-broadcast-undisturbed", |setup| tokio_broadcast(setup, 0)),
];

const FIFTY_STUCK: &[Contender] = &[
    contender("hedgehog", |setup| hedgehog(setup, 50)),
    contender("hedgehog-undisturbed", |setup| hedgehog(setup, 0)),
    contender("tokio-broadcast", |setup| tokio_broadcast(setup, 50)),
    contender("tokio-broadcast-undisturbed", |setup| tokio_broadcast(setup, 0)),
];

const fn contender(name: &'static str, start: crate::fan_out::rig::Start) -> Contender {
    Contender {
        name,
        role: Role::Contender,
        delivery: Delivery::Complete,
        on: crate::two_workers,
        start,
    }
}

fn case(stuck: usize, contenders: &'static [Contender]) -> Case {
    let load = Load {
        topics: 1,
        subscribers: 1_000 - stuck,
        events: EVENTS,
        place: Place::Inside,
    };
    Case {
        name: "burst",
        n: stuck,
        units: load.deliveries(),
        long: false,
        entries: entries(contenders.iter(), load),
    }
}

fn hedgehog(setup: &Setup<'_>, stuck: usize) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let topic = PubSub::new().topic("events");
        let held: Vec<_> = (0..stuck)
            .map(|_| topic.subscribe(Overflow::DropOldest(CAPACITY)))
            .collect();
        for mut reader in readers {
            let mut subscription = topic.subscribe(Overflow::Lossless);
            setup.runtime.spawn(async move {
                loop {
                    let _ = subscription.next_batch(256, |event| reader.read(event)).await;
                }
            });
        }
        move |event| {
            let _ = &held;
            topic.broadcast(event);
        }
    })
}

fn tokio_broadcast(setup: &Setup<'_>, stuck: usize) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let (sender, _) = broadcast::channel::<Arc<Event>>(CAPACITY);
        let held: Vec<_> = (0..stuck).map(|_| sender.subscribe()).collect();
        for mut reader in readers {
            let mut receiver = sender.subscribe();
            setup.runtime.spawn(async move {
                while let Ok(event) = receiver.recv().await {
                    reader.read(&event);
                }
            });
        }
        move |event| {
            let _ = &held;
            let _ = sender.send(Arc::new(event));
        }
    })
}
