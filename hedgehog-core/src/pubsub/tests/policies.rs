//! `Latest`, and `Block` with the publishers that wait for it.

use super::{owner, read_all, topic};
use crate::{
    ExitReason,
    pubsub::{BroadcastWaitError, Drained, Overflow, SubscribeOptions, engine::CHUNK},
};
use futures_util::FutureExt;
use std::{sync::Arc, time::Duration};

#[test]
fn latest_hands_over_the_newest_and_counts_the_rest() {
    let topic = topic();
    let mut price = topic.subscribe(Overflow::Latest);
    assert_eq!(read_all(&mut price), (vec![], 0));
    for until in [1, 2, 7, 500] {
        let from = topic.published();
        (from..until).for_each(|event| topic.broadcast(event));
        assert_eq!(price.lag(), until - from);
        assert_eq!(read_all(&mut price), (vec![until - 1], until - from - 1));
    }
    assert_eq!(price.info().lagged, 496);
    assert_eq!(price.info().high_water, 493);
}

#[test]
fn latest_reads_one_event_even_if_another_comes_while_it_reads() {
    let topic = topic();
    let mut price = topic.subscribe(Overflow::Latest);
    topic.broadcast(1);
    let drained = price.drain(usize::MAX, |_| topic.broadcast(2));
    assert_eq!(drained, Drained { read: 1, lagged: 0 });
    assert_eq!(read_all(&mut price), (vec![2], 0));
}

#[test]
fn a_latest_subscriber_that_is_stuck_costs_its_chunk_and_the_newest_two() {
    let (topic, token) = (topic(), Arc::new(()));
    let _stuck = topic.subscribe(Overflow::Latest);
    for _ in 0..1_000 {
        topic.broadcast(Arc::clone(&token));
        assert!(Arc::strong_count(&token) - 1 <= 3 * CHUNK);
    }
}

#[test]
fn a_publisher_that_waits_has_to_while_a_blocking_subscriber_is_full() {
    let topic = topic();
    let mut slow = topic.subscribe(Overflow::Block(2));
    let mut quick = topic.subscribe(Overflow::Lossless);
    topic.try_broadcast(1).expect("room for two");
    topic.try_broadcast(2).expect("room for two");
    assert_eq!(topic.try_broadcast(3).expect_err("full").0, 3);
    {
        let mut waiting = Box::pin(topic.broadcast_wait(4, None));
        assert!(waiting.as_mut().now_or_never().is_none());
        let _ = slow.drain(1, |_| ());
        assert!(waiting.as_mut().now_or_never().is_some_and(|outcome| outcome.is_ok()));
    }
    assert_eq!(read_all(&mut slow), (vec![2, 4], 0));
    assert_eq!(
        read_all(&mut quick),
        (vec![1, 2, 4], 0),
        "what was refused reached nobody"
    );
}

#[test]
fn a_plain_broadcast_waits_for_nobody_and_loses_nothing() {
    let topic = topic();
    let mut slow = topic.subscribe(Overflow::Block(1));
    (0..200).for_each(|event| topic.broadcast(event));
    assert_eq!(slow.lag(), 200, "which shows");
    assert!(topic.try_broadcast(200).is_err());
    assert_eq!(read_all(&mut slow), ((0..200).collect(), 0));
}

#[test]
fn a_future_that_is_given_up_has_published_nothing() {
    let topic = topic();
    let mut slow = topic.subscribe(Overflow::Block(1));
    topic.broadcast(1);
    let mut waiting = Box::pin(topic.broadcast_wait(2, None));
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    assert_eq!(read_all(&mut slow), (vec![1], 0));
    topic.try_broadcast(3).expect("the room was not promised away");
    assert_eq!(read_all(&mut slow), (vec![3], 0));
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_its_deadline_with_the_event() {
    let topic = topic();
    let _stuck = topic.subscribe(Overflow::Block(1));
    topic.broadcast("first");
    let refused = topic.broadcast_wait("second", Duration::from_secs(3)).await;
    let refused = refused.expect_err("full");
    assert!(matches!(refused, BroadcastWaitError::Timeout { deadline, .. } if deadline == Duration::from_secs(3)));
    assert_eq!(
        refused.to_string(),
        "a subscriber that publishers wait for had no room within 3s"
    );
    assert_eq!(refused.into_event(), "second");
}

#[test]
fn a_blocking_subscriber_that_is_gone_is_not_waited_for() {
    let topic = topic();
    let full = topic.subscribe(Overflow::Block(1));
    topic.broadcast(1);
    let mut waiting = Box::pin(topic.broadcast_wait(2, None));
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(full);
    assert!(waiting.now_or_never().is_some_and(|outcome| outcome.is_ok()));
    topic.try_broadcast(3).expect("nobody is left");
}

#[tokio::test]
async fn an_actor_does_not_wait_for_itself() {
    let (topic, [me, other]) = (topic(), [owner(), owner()]);
    let _mine = topic.subscribe(SubscribeOptions::new(Overflow::Block(1)).owner(&me));
    topic.broadcast(1);
    let refused = me.0.run(topic.broadcast_wait(2, None)).await;
    assert!(matches!(refused, Err(BroadcastWaitError::OwnSubscription { event: 2 })));
    let waiting = Box::pin(other.0.run(topic.broadcast_wait(2, None)));
    assert!(waiting.now_or_never().is_none(), "it waits for others");
}

#[tokio::test]
async fn what_an_actor_that_was_declared_dead_publishes_takes_up_no_room() {
    let (topic, zombie) = (topic(), owner());
    let mut slow = topic.subscribe(Overflow::Block(1));
    zombie.0.finish(ExitReason::Killed);
    for event in 0..3 {
        let taken = zombie.0.run_sync(|| topic.try_broadcast(event));
        taken.expect("there is room, for nothing");
    }
    assert_eq!(read_all(&mut slow), (vec![], 0));
    topic.try_broadcast(3).expect("there still is");
    assert_eq!(read_all(&mut slow), (vec![3], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_that_wait_never_go_beyond_the_capacity() {
    const EVENTS: usize = 2_000;
    let topic = topic();
    let mut slow = topic.subscribe(Overflow::Block(3));
    let publishers: Vec<_> = (0..4)
        .map(|_| {
            let topic = topic.clone();
            tokio::spawn(async move {
                for event in 0..EVENTS {
                    topic
                        .broadcast_wait(event, None)
                        .await
                        .expect("it waits as long as it takes");
                }
            })
        })
        .collect();
    let mut read = 0;
    while read < 4 * EVENTS {
        assert!(slow.lag() <= 3);
        read += slow.next_batch(2, |_| ()).await.expect("open").read;
    }
    for publisher in publishers {
        publisher.await.expect("a publisher panicked");
    }
    assert_eq!(slow.info().high_water, 3);
}
