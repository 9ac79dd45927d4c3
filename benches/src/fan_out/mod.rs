//! One publisher, N subscribers of one topic: what does a delivery cost?
//!
//! Each contender stands at its best: an `Arc` where a clone would copy the event, an unbounded mailbox or a buffer as large as
//! the longest round where it would wait or lose otherwise. What is left is what the contender itself costs.

pub(crate) mod actors;
mod channels;
mod floors;
mod hedgehog;
pub(crate) mod rig;
pub(crate) mod round;

use crate::family::{Case, Entry, Family, Measure, Role};
use rig::{Contender, Load, Place, Rig, Start};
use round::Delivery;

/// Into tasks, or whatever else the contender offers.
pub const FAN_OUT: Family = Family {
    name: "fan_out",
    unit: "delivery",
    measure: Measure::Time,
    about: "One publisher and N subscribers on a runtime of two workers; a 104-byte event. `burst`: as many events as come, back \
        to back. `ticks`: twenty events, and everybody idle before them. `paced`: one event, and everybody idle. A publisher that \
        puts something into each subscriber's mailbox pays N times per event: that is `tokio-mpsc` and all the actor frameworks. \
        The broadcast channels write once, but every reader takes a lock and clones for every event. The log is written once and \
        read without either, and a subscriber that is awake is not woken again: so a delivery gets cheaper as subscribers are \
        added. When everybody sleeps before every event all pay for N wakes, and lie close together, near `floor-wake`. Take the \
        log where events come in bursts or to many; for one subscriber and a rare event any channel does.",
    cases: || {
        cases(
            &[("burst", BURST), ("ticks", 20), ("paced", 1)],
            &SIZES,
            TASKS,
            Place::Inside,
        )
    },
};

/// The same with the publisher on a thread of its own.
pub const FAN_OUT_OUTSIDE: Family = Family {
    name: "fan_out_outside",
    unit: "delivery",
    measure: Measure::Time,
    about: "As `fan_out`, with the publisher on a thread that is no worker of the runtime. Every wake then goes through the \
        runtime's inject queue, which costs more than the event itself: paced, all contenders come close to each other; in a burst \
        the difference stays, because few wakes are needed. Publish from a task where you can.",
    cases: || {
        cases(
            &[("burst", BURST), ("paced", 1)],
            &[1, 100, 1_000],
            TASKS,
            Place::Outside,
        )
    },
};

/// Many topics of few subscribers.
pub const TOPICS: Family = Family {
    name: "topics",
    unit: "delivery",
    measure: Measure::Time,
    about: "A thousand topics of ten subscribers each, 104-byte events, one publisher that goes round the topics; N is the number \
        of topics. `burst`: ten rounds through all topics back to back. `ticks`: one round, and everybody idle before it. The \
        wakes weigh more than in one large topic, and in `ticks` they are nearly everything. What a log saves, an allocation and a \
        queue entry for every subscriber, and what a thousand logs cost, a cold slot for every event, are about even: take one \
        large topic over many small ones where you have the choice.",
    cases: || {
        let case = |(name, events)| {
            let load = Load {
                topics: 1_000,
                subscribers: 10,
                events,
                place: Place::Inside,
            };
            Case {
                name,
                n: load.topics,
                units: load.deliveries(),
                long: false,
                entries: entries(TASKS.iter(), load),
            }
        };
        [("burst", 10_000), ("ticks", 1_000)].map(case).into()
    },
};

/// Into actors: one mailbox each.
pub const FAN_OUT_ACTORS: Family = Family {
    name: "fan_out_actors",
    unit: "delivery",
    measure: Measure::Time,
    about: "As `fan_out`, with actors as subscribers. `hedgehog` is a doorbell: at most one message waits in a subscriber's \
        mailbox however many events wait in the log, and its handler takes a batch. The others put every event into every mailbox. \
        `ractor-output-port` loses what its ten slots do not hold; the share is told, and its time means nothing. `hedgehog-1` is \
        on a runtime of one thread, as `elixir-1` is on one scheduler; all others have two workers.",
    cases: || {
        cases(
            &[("burst", BURST), ("ticks", 20), ("paced", 1)],
            &SIZES,
            ACTORS,
            Place::Inside,
        )
    },
};

const SIZES: [usize; 5] = [1, 10, 100, 1_000, 10_000];

/// A burst to 10 000 subscribers is shorter: ten million deliveries would take a mailbox each seconds and gigabytes.
const BURST: u64 = 1_000;
const LONGEST_DELIVERIES: u64 = 2_000_000;

const TASKS: &[Contender] = &[
    complete("hedgehog", hedgehog::into_tasks),
    complete("tokio-broadcast", channels::tokio_broadcast),
    complete("async-broadcast", channels::async_broadcast),
    complete("tokio-mpsc", channels::tokio_mpsc),
    RACTOR_CAST,
    RACTOR_PG,
    RACTOR_OUTPUT_PORT,
    KAMEO,
];

const ACTORS: &[Contender] = &[
    complete("hedgehog", hedgehog::into_actors),
    Contender {
        on: crate::one_thread,
        ..complete("hedgehog-1", hedgehog::into_actors)
    },
    RACTOR_CAST,
    RACTOR_PG,
    RACTOR_OUTPUT_PORT,
    KAMEO,
];

const FLOORS: &[Contender] = &[
    Contender {
        role: Role::Floor,
        ..complete("floor-wake", floors::wake)
    },
    Contender {
        role: Role::Floor,
        ..complete("floor-inline", floors::inline)
    },
];

const RACTOR_CAST: Contender = complete("ractor-cast", actors::ractor_cast);
const RACTOR_PG: Contender = complete("ractor-pg", actors::ractor_pg);
const RACTOR_OUTPUT_PORT: Contender = Contender {
    delivery: Delivery::Lossy,
    ..complete("ractor-output-port", actors::ractor_output_port)
};
const KAMEO: Contender = complete("kameo", actors::kameo);

const fn complete(name: &'static str, start: Start) -> Contender {
    Contender {
        name,
        role: Role::Contender,
        delivery: Delivery::Complete,
        on: crate::two_workers,
        start,
    }
}

fn cases(shapes: &[(&'static str, u64)], sizes: &[usize], contenders: &'static [Contender], place: Place) -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, events) in shapes {
        for &subscribers in sizes {
            let events = events.min(LONGEST_DELIVERIES / subscribers as u64);
            let load = Load {
                topics: 1,
                subscribers,
                events,
                place,
            };
            cases.push(Case {
                name,
                n: subscribers,
                units: load.deliveries(),
                long: false,
                entries: entries(contenders.iter().chain(FLOORS), load),
            });
        }
    }
    cases
}

pub(crate) fn entries(contenders: impl Iterator<Item = &'static Contender>, load: Load) -> Vec<Entry> {
    contenders
        .map(|contender| Entry {
            contender: contender.name,
            role: contender.role,
            start: Box::new(move || Box::new(Rig::new(contender, load))),
        })
        .collect()
}
