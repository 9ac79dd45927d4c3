//! Events that are not for everybody, and closures that see them all.

use super::{owner, park, read_all, topic, waker};
use crate::{
    AnyActorRef,
    pubsub::{Overflow, SubscribeOptions, Subscription, Topic, engine::CHUNK},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn subscribe(topic: &Topic<u64>, overflow: Overflow, owner: &AnyActorRef) -> Subscription<u64> {
    topic.subscribe(SubscribeOptions::new(overflow).owner(owner))
}

#[test]
fn broadcast_from_skips_every_subscription_of_the_sender_and_no_other() {
    let (topic, [me, other]) = (topic(), [owner(), owner()]);
    let mut mine = [0, 1].map(|_| subscribe(&topic, Overflow::Lossless, &me));
    let mut theirs = subscribe(&topic, Overflow::Lossless, &other);
    let mut nobodys = topic.subscribe(Overflow::Lossless);
    topic.broadcast(1);
    topic.broadcast_from(me.pid(), 2);
    topic.broadcast_from(other.pid(), 3);
    for mine in &mut mine {
        assert_eq!(read_all(mine), (vec![1, 3], 0));
        assert_eq!((mine.position(), mine.info().skipped), (3, 1));
    }
    assert_eq!(read_all(&mut theirs), (vec![1, 2], 0));
    assert_eq!(read_all(&mut nobodys), (vec![1, 2, 3], 0));
}

#[test]
fn a_sender_that_sleeps_is_not_woken_by_its_own_event() {
    let (topic, me) = (topic(), owner());
    let mut mine = subscribe(&topic, Overflow::Lossless, &me);
    let mut theirs = topic.subscribe(Overflow::Lossless);
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    park(&mut mine, &waker(|| panic!("woken for its own")));
    park(
        &mut theirs,
        &waker(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }),
    );
    topic.broadcast_from(me.pid(), 1);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert!(mine.info().idle, "it sleeps on");
    assert_eq!(read_all(&mut mine), (vec![], 0));
}

#[test]
fn an_event_that_a_sleeping_subscriber_passes_over_does_not_take_up_its_room_for_good() {
    let (topic, me) = (topic(), owner());
    let mut mine = subscribe(&topic, Overflow::Block(1), &me);
    let woken = Arc::new(AtomicUsize::new(0));
    for publish in [
        |topic: &Topic<u64>, me: &AnyActorRef| topic.broadcast_from(me.pid(), 1),
        |topic: &Topic<u64>, _: &AnyActorRef| {
            let others = topic.subscribe(Overflow::Lossless);
            topic.dispatch(None, 1, |all, _, event| {
                assert_eq!(all.send(event, |one| one.owner().is_none()), 1);
            });
            drop(others);
        },
    ] {
        let count = Arc::clone(&woken);
        park(
            &mut mine,
            &waker(move || {
                count.fetch_add(1, Ordering::Relaxed);
            }),
        );
        publish(&topic, &me);
        assert_eq!(woken.swap(0, Ordering::Relaxed), 1);
        topic.try_broadcast(2).expect_err("the room is taken");
        assert_eq!(read_all(&mut mine), (vec![], 0));
        topic.try_broadcast(3).expect("there is room again");
        assert_eq!(read_all(&mut mine), (vec![3], 0));
    }
}

#[test]
fn events_for_some_and_for_all_keep_their_order_over_many_chunks() {
    let (topic, me) = (topic(), owner());
    let mut mine = subscribe(&topic, Overflow::Lossless, &me);
    let mut small = subscribe(&topic, Overflow::DropOldest(10), &me);
    let events = 5 * CHUNK as u64;
    for event in 0..events {
        if event % 3 == 0 {
            topic.broadcast_from(me.pid(), event);
        } else {
            topic.broadcast(event);
        }
    }
    let expected: Vec<_> = (0..events).filter(|event| event % 3 != 0).collect();
    let mut read = Vec::new();
    while mine.lag() > 0 {
        let drained = mine.drain(7, |&event| read.push(event));
        assert!(drained.read <= 7);
    }
    assert_eq!(read, expected);
    let (read, lagged) = read_all(&mut small);
    assert_eq!(read, expected[expected.len() - read.len()..]);
    assert_eq!(read.len() as u64 + lagged + small.info().skipped, events);
}

#[test]
fn a_dispatcher_decides_who_gets_what() {
    let (topic, me) = (topic(), owner());
    let with = |metadata: u64| SubscribeOptions::new(Overflow::Lossless).metadata(metadata);
    let (mut plain, mut tenfold) = (subscribe(&topic, Overflow::Lossless, &me), topic.subscribe(with(10)));
    topic.dispatch(Some(me.pid()), 7, |subscribers, from, event| {
        assert_eq!(
            (subscribers.len(), from),
            (2, Some(me.pid())),
            "the sender is not left out"
        );
        for one in subscribers.iter() {
            assert_eq!(one.metadata::<u64>().is_some(), one.owner().is_none());
            assert_eq!(one.metadata::<String>(), None, "of another type");
        }
        assert_eq!(subscribers.send(event * 10, |one| one.metadata() == Some(&10_u64)), 1);
        assert_eq!(subscribers.send(event, |one| one.owner() == from), 1);
        assert_eq!(subscribers.send(event, |_| false), 0);
    });
    assert_eq!(read_all(&mut plain), (vec![7], 0));
    assert_eq!(read_all(&mut tenfold), (vec![70], 0));
    assert_eq!(topic.published(), 2, "nothing is published for nobody");
}

#[test]
fn a_dispatcher_is_not_called_for_nobody_and_its_panic_is_the_callers() {
    let topic = topic();
    topic.dispatch(None, 1, |_, _, _| unreachable!("nobody subscribes"));
    let mut subscription = topic.subscribe(Overflow::Lossless);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        topic.dispatch(None, 1, |_, _, _| panic!("in the dispatcher"));
    }));
    assert!(outcome.is_err());
    topic.broadcast(2);
    assert_eq!(read_all(&mut subscription), (vec![2], 0));
}

#[test]
fn what_is_sent_to_a_subscriber_that_has_left_does_not_reach_its_successor() {
    let topic = topic();
    let first = topic.subscribe(Overflow::Lossless);
    let mut second = None;
    topic.dispatch(None, 1, |subscribers, _, event| {
        drop(first);
        second = Some(topic.subscribe(Overflow::Lossless)); // in the same seat
        assert_eq!(subscribers.send(event, |_| true), 0);
    });
    assert_eq!(read_all(second.as_mut().expect("just set")), (vec![], 0));
}

#[test]
fn an_inline_closure_sees_every_event_before_anybody_else_and_until_it_is_dropped() {
    let (topic, me, seen) = (topic(), owner(), Arc::new(AtomicUsize::new(0)));
    let (count, mut subscription) = (Arc::clone(&seen), topic.subscribe(Overflow::Lossless));
    let of = topic.clone();
    let counting = topic.inline(move |event: &u64| {
        assert_eq!(of.published(), *event, "not in the log yet");
        count.fetch_add(1, Ordering::Relaxed);
    });
    topic.broadcast(0);
    topic.broadcast_from(me.pid(), 1);
    topic.try_broadcast(2).expect("nobody blocks");
    assert_eq!((seen.load(Ordering::Relaxed), topic.info().inline), (3, 1));
    drop(counting);
    topic.broadcast(3);
    assert_eq!((seen.load(Ordering::Relaxed), topic.info().inline), (3, 0));
    assert_eq!(read_all(&mut subscription).0.len(), 4);
}

#[test]
fn an_inline_closure_that_panics_is_called_no_more_and_harms_nobody() {
    let (topic, seen) = (topic(), Arc::new(AtomicUsize::new(0)));
    let counting = || {
        let count = Arc::clone(&seen);
        topic.inline(move |_: &u64| {
            count.fetch_add(1, Ordering::Relaxed);
        })
    };
    let _before = counting();
    let torn = topic.inline(|_| panic!("in an inline closure"));
    let _after = counting();
    let mut subscription = topic.subscribe(Overflow::Lossless);
    topic.broadcast(1);
    topic.broadcast(2);
    assert_eq!((seen.load(Ordering::Relaxed), topic.info().inline), (4, 2));
    drop(torn);
    assert_eq!(topic.info().inline, 2);
    assert_eq!(read_all(&mut subscription), (vec![1, 2], 0));
}
