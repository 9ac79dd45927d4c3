//! The doorbell, with real actors.

use super::{DEADLINE, park, read_all, topic, waker};
use crate::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor, ExitReason, RpcReplyPort, SelfRef, Strategy,
    Supervisor,
    pubsub::{Overflow, PubSub, SubscribeOptions, Subscription, Topic, engine::CHUNK},
};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

type Shared = Arc<Mutex<Subscription<u64>>>;

/// Reads a subscription that it shares with the test, in batches.
struct Reader {
    batch: usize,
    rearms: bool,
    subscription: Shared,
    /// Messages of the doorbell in the mailbox: now, and the most there were.
    in_flight: Arc<(AtomicUsize, AtomicUsize)>,
}

enum Msg {
    Rung,
    Log(RpcReplyPort<Log>),
    Acknowledge,
    Crash,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Log {
    rings: usize,
    read: Vec<u64>,
}

impl Actor for Reader {
    type Msg = Msg;
    type State = Log;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<Msg>, (): ()) -> Result<Log, ActorProcessingErr> {
        let myself = myself.self_ref()?;
        let mut subscription = self.subscription.lock();
        subscription.rewind();
        let in_flight = Arc::clone(&self.in_flight);
        subscription.ring(&myself, move || {
            let now = in_flight.0.fetch_add(1, Ordering::Relaxed) + 1;
            in_flight.1.fetch_max(now, Ordering::Relaxed);
            Msg::Rung
        });
        Ok(Log::default())
    }

    async fn handle(&self, _: ractor::ActorRef<Msg>, message: Msg, log: &mut Log) -> Result<(), ActorProcessingErr> {
        let mut subscription = self.subscription.lock();
        match message {
            Msg::Rung => {
                log.rings += 1;
                self.in_flight.0.fetch_sub(1, Ordering::Relaxed);
                let _ = subscription.drain(self.batch, |&event| log.read.push(event));
                if self.rearms {
                    subscription.rearm();
                }
            }
            Msg::Log(reply) => drop(reply.send(log.clone())),
            Msg::Acknowledge => {
                let position = subscription.position();
                subscription.ack(position);
            }
            Msg::Crash => return Err("told to crash".into()),
        }
        Ok(())
    }
}

impl Reader {
    fn of(subscription: Subscription<u64>) -> Self {
        let subscription = Arc::new(Mutex::new(subscription));
        Self {
            batch: 10,
            rearms: true,
            subscription,
            in_flight: Arc::default(),
        }
    }

    fn again(&self) -> Self {
        let (subscription, in_flight) = (Arc::clone(&self.subscription), Arc::clone(&self.in_flight));
        Self {
            subscription,
            in_flight,
            ..*self
        }
    }

    fn spec(&self) -> ChildSpec<Msg> {
        let reader = self.again();
        ChildSpec::worker("reader", move || (reader.again(), ()))
    }

    async fn start(&self) -> ActorRef<Msg> {
        let supervisor = DynamicSupervisor::new()
            .start()
            .await
            .expect("a supervisor without children");
        supervisor.start_child(self.spec()).await.expect("a reader that starts")
    }
}

/// The actor's log as soon as it is what the test waits for.
async fn log_when(actor: &ActorRef<Msg>, reached: impl Fn(&Log) -> bool) -> Log {
    let waiting = async {
        loop {
            let log = actor.call(Msg::Log, DEADLINE).await.expect("the actor runs");
            if reached(&log) {
                return log;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.expect("never so")
}

fn publish(topic: &Topic<u64>, events: std::ops::Range<u64>) {
    events.for_each(|event| topic.broadcast(event));
}

#[tokio::test]
async fn a_doorbell_has_one_message_in_flight_however_many_events_wait() {
    let topic = topic();
    let reader = Reader {
        rearms: false,
        ..Reader::of(topic.subscribe(Overflow::Lossless))
    };
    let actor = reader.start().await;
    publish(&topic, 0..100);
    let log = log_when(&actor, |log| log.rings > 0).await;
    assert_eq!(
        log,
        Log {
            rings: 1,
            read: (0..10).collect()
        }
    );
    publish(&topic, 100..200);
    assert_eq!(log_when(&actor, |_| true).await, log, "not rearmed, so not rung");
    reader.subscription.lock().rearm();
    assert_eq!(
        log_when(&actor, |log| log.rings > 1).await,
        Log {
            rings: 2,
            read: (0..20).collect()
        }
    );
}

#[tokio::test]
async fn a_doorbell_rings_again_as_long_as_events_are_left() {
    let topic = topic();
    let reader = Reader::of(topic.subscribe(Overflow::Lossless));
    let actor = reader.start().await;
    for round in 1..=3 {
        publish(&topic, (round - 1) * 100..round * 100);
        let log = log_when(&actor, |log| log.read.len() as u64 == round * 100).await;
        assert_eq!(log.rings as u64, round * 10, "one message per batch");
        assert_eq!(log.read, (0..round * 100).collect::<Vec<_>>());
    }
    assert!(topic.info().subscribers[0].idle);
}

#[tokio::test]
async fn a_doorbell_rings_at_once_for_events_that_wait_already() {
    let topic = topic();
    let reader = Reader::of(topic.subscribe(Overflow::Lossless));
    publish(&topic, 0..5);
    let actor = reader.start().await;
    let log = log_when(&actor, |log| log.read.len() == 5).await;
    assert_eq!(log.rings, 1, "for all of them");
}

#[tokio::test]
async fn a_doorbell_is_void_when_its_actor_exits() {
    let (pubsub, token) = (PubSub::new(), Arc::new(()));
    let topic = pubsub.topic("a");
    let actor = Reader::of(topic.subscribe(Overflow::Lossless)).start().await;
    let mut subscription = pubsub.subscribe_acked("a");
    let held = Arc::clone(&token);
    subscription.ring(&actor, move || {
        assert_eq!(Arc::strong_count(&held), 2);
        Msg::Rung
    });
    assert_eq!(Arc::strong_count(&token), 2);
    actor.stop(ExitReason::Shutdown);
    actor.exited().await;
    assert_eq!(Arc::strong_count(&token), 1, "the closure is let go of");
    publish(&topic, 0..3);
    subscription.rearm();
    assert_eq!(subscription.info().owner, None);
    assert_eq!(
        read_all(&mut subscription),
        (vec![0, 1, 2], 0),
        "acknowledged by hand, it waits for a successor"
    );
    subscription.ring(&actor, || unreachable!("for an actor that is gone already"));
    publish(&topic, 3..4);
    assert!(!subscription.is_closed());
}

#[tokio::test]
async fn a_subscription_is_closed_when_its_actor_exits_wherever_it_is_kept() {
    let topic = topic();
    let reader = Reader::of(topic.subscribe(Overflow::Lossless));
    let actor = reader.start().await;
    let options = SubscribeOptions::new(Overflow::Lossless).owner(&actor.any());
    let mut elsewhere = topic.subscribe(options.clone());
    let mut others = topic.subscribe(Overflow::Lossless);
    actor.kill();
    actor.exited().await;
    publish(&topic, 0..1_000);
    let _ = others.drain(usize::MAX, |_| ());
    assert_eq!(topic.info().subscribers.len(), 1);
    assert!(
        topic.info().retained <= CHUNK as u64,
        "nothing is kept for the closed ones"
    );
    assert_eq!(
        read_all(&mut elsewhere),
        (vec![], 0),
        "nothing that came later is theirs"
    );
    assert!(elsewhere.is_closed() && reader.subscription.lock().is_closed());
    assert!(topic.subscribe(options).is_closed(), "nor can the dead subscribe");
}

#[tokio::test]
async fn an_actor_is_rung_a_last_time_when_its_subscription_is_closed() {
    let topic = topic();
    let reader = Reader::of(topic.subscribe(Overflow::Lossless));
    let actor = reader.start().await;
    publish(&topic, 0..3);
    let before = log_when(&actor, |log| log.read.len() == 3).await.rings;
    assert_eq!(topic.unsubscribe(actor.pid()), 1);
    publish(&topic, 3..6);
    let log = log_when(&actor, |log| log.rings > before).await;
    assert_eq!((log.rings, log.read), (before + 1, vec![0, 1, 2]));
    assert_eq!(topic.unsubscribe(actor.pid()), 0);
    reader.subscription.lock().rearm();
    assert_eq!(log_when(&actor, |_| true).await.rings, before + 1, "told once");
}

#[tokio::test]
async fn a_successor_reads_on_from_the_last_acknowledgement() {
    let pubsub = PubSub::new();
    let topic = pubsub.topic("a");
    let reader = Reader::of(pubsub.subscribe_acked("a"));
    let supervisor = DynamicSupervisor::new()
        .start()
        .await
        .expect("a supervisor without children");
    let spec = reader.spec().restart(crate::Restart::Temporary);
    let first = supervisor.start_child(spec).await.expect("a reader that starts");
    publish(&topic, 0..20);
    log_when(&first, |log| log.read.len() == 20).await;
    first.cast(Msg::Acknowledge).expect("it runs");
    publish(&topic, 20..150);
    log_when(&first, |log| log.read.len() == 150).await;
    first.cast(Msg::Crash).expect("it runs");
    assert!(first.exited().await.is_abnormal());
    publish(&topic, 150..200);

    let second = supervisor
        .start_child(reader.spec())
        .await
        .expect("a reader that starts");
    let log = log_when(&second, |log| log.read.len() == 180).await;
    assert_eq!(log.read, (20..200).collect::<Vec<_>>());
    publish(&topic, 200..201);
    log_when(&second, |log| log.read.last() == Some(&200)).await;
}

/// Owns its subscription, as most actors do.
struct Owner;

impl Actor for Owner {
    type Msg = ();
    type State = Subscription<u64>;
    type Arguments = Topic<u64>;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<()>,
        topic: Topic<u64>,
    ) -> Result<Subscription<u64>, ActorProcessingErr> {
        let mut subscription = topic.subscribe(Overflow::default());
        subscription.ring(&myself.self_ref()?, || ());
        Ok(subscription)
    }
}

// PUBSUB-025
#[tokio::test]
async fn the_subscription_of_a_killed_actor_is_gone_when_its_exit_is_seen() {
    let topic = topic();
    let supervisor = DynamicSupervisor::new()
        .start()
        .await
        .expect("a supervisor without children");
    let of = topic.clone();
    let spec = ChildSpec::worker("owner", move || (Owner, of.clone())).restart(crate::Restart::Temporary);
    let owner = supervisor.start_child(spec).await.expect("an owner that starts");
    assert_eq!(topic.info().subscribers.len(), 1);
    owner.kill();
    owner.exited().await;
    assert_eq!(topic.info().subscribers.len(), 0);
}

#[tokio::test]
async fn a_monitor_may_broadcast_that_its_actor_is_gone() {
    let topic = topic();
    let mut subscription = topic.subscribe(Overflow::Lossless);
    let reader = Reader::of(topic.subscribe(Overflow::Lossless));
    let actor = reader.start().await;
    let to = topic.clone();
    let (done, seen) = tokio::sync::oneshot::channel();
    actor.on_exit(move |_| {
        to.broadcast(7);
        let _ = done.send(());
    });
    actor.stop(ExitReason::Shutdown);
    seen.await.expect("the monitor fires");
    assert_eq!(read_all(&mut subscription), (vec![7], 0));
}

#[tokio::test]
async fn a_doorbell_that_its_actor_and_a_publisher_ring_at_once_sends_one_message() {
    let (topic, other) = (topic(), topic());
    let supervisor = DynamicSupervisor::new()
        .start()
        .await
        .expect("a supervisor without children");
    let spec = ChildSpec::worker("owner", move || (Owner, other.clone()));
    let owner = supervisor.start_child(spec).await.expect("an owner that starts");

    let mut first = topic.subscribe(Overflow::Lossless);
    let rung = Arc::new(Mutex::new(topic.subscribe(Overflow::Lossless)));
    let (to, sent) = (Arc::clone(&rung), Arc::new(AtomicUsize::new(0)));
    let sends = Arc::clone(&sent);
    rung.lock().ring(&owner, move || {
        sends.fetch_add(1, Ordering::Relaxed);
    });
    // Woken first, when the publisher has taken both idle bits and not rung yet.
    park(&mut first, &waker(move || to.lock().rearm()));
    topic.broadcast(1);
    assert_eq!(sent.load(Ordering::Relaxed), 1);
    topic.broadcast(2);
    assert_eq!(sent.load(Ordering::Relaxed), 1, "until it is rearmed");
    rung.lock().rearm();
    assert_eq!(sent.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_doorbell_in_a_seat_that_a_publisher_is_just_waking_sends_one_message() {
    let (topic, other) = (topic(), topic());
    let supervisor = DynamicSupervisor::new()
        .start()
        .await
        .expect("a supervisor without children");
    let spec = ChildSpec::worker("owner", move || (Owner, other.clone()));
    let owner = supervisor.start_child(spec).await.expect("an owner that starts");

    let mut first = topic.subscribe(Overflow::Lossless);
    let mut former = topic.subscribe(Overflow::Lossless);
    former.ring(&owner, || ());
    let (seat, sent) = (Arc::new(Mutex::new(Some(former))), Arc::new(AtomicUsize::new(0)));
    let (held, to, sends) = (Arc::clone(&seat), topic.clone(), Arc::clone(&sent));
    // Woken first, when the publisher has taken both idle bits and not rung yet: the next one sits down in between.
    let sit_down = move || {
        let Some(former) = held.lock().take() else { return };
        drop(former);
        let (mut next, sends) = (to.subscribe(Overflow::Lossless), Arc::clone(&sends));
        next.ring(&owner, move || {
            sends.fetch_add(1, Ordering::Relaxed);
        });
        *held.lock() = Some(next);
    };
    park(&mut first, &waker(sit_down));
    topic.broadcast(1);
    topic.broadcast(2);
    topic.broadcast(3);
    assert_eq!(sent.load(Ordering::Relaxed), 1);
    seat.lock().take();
}

#[tokio::test]
async fn a_pubsub_is_one_child_of_one_supervisor() {
    let pubsub = PubSub::<u64>::new();
    let tree = Supervisor::new(Strategy::OneForOne).child(pubsub.spec("first"));
    let tree = tree.start().await.expect("nobody owns it yet");
    let refused = tree
        .start_child(pubsub.spec("second"))
        .await
        .expect_err("it has an owner");
    assert!(format!("{refused:?}").contains("has an owner already"), "{refused:?}");
    let subscription = pubsub.subscribe("a", Overflow::Lossless);
    tree.stop(ExitReason::Shutdown).await;
    assert!(subscription.is_closed());
    assert!(
        !pubsub.subscribe("a", Overflow::Lossless).is_closed(),
        "it works by itself, too"
    );
}

/// Blocks its thread where no kill can reach it, and broadcasts afterwards.
struct Zombie;

impl Actor for Zombie {
    type Msg = (mpsc::Receiver<()>, mpsc::Sender<()>);
    type State = Topic<u64>;
    type Arguments = Topic<u64>;

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        topic: Topic<u64>,
    ) -> Result<Topic<u64>, ActorProcessingErr> {
        Ok(topic)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        (released, done): Self::Msg,
        topic: &mut Topic<u64>,
    ) -> Result<(), ActorProcessingErr> {
        done.send(())?;
        released.recv()?;
        topic.broadcast(13);
        Ok(done.send(())?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_was_declared_dead_publishes_nothing_and_subscribes_to_nothing() {
    let topic = topic();
    let mut subscription = topic.subscribe(Overflow::Lossless);
    let supervisor = DynamicSupervisor::new()
        .kill_grace(Duration::from_millis(10))
        .start()
        .await
        .expect("no children");
    let of = topic.clone();
    let spec = ChildSpec::worker("zombie", move || (Zombie, of.clone())).shutdown(crate::Shutdown::BrutalKill);
    let zombie = supervisor.start_child(spec).await.expect("a zombie that starts");
    let ((release, released), (done, finished)) = (mpsc::channel(), mpsc::channel());
    zombie.cast((released, done)).expect("it runs");
    finished.recv_timeout(DEADLINE).expect("it blocks");
    let owned = topic.subscribe(SubscribeOptions::new(Overflow::Lossless).owner(&zombie.any()));
    supervisor.terminate_child(&zombie).await.expect("it is a child");
    assert!(!zombie.is_alive());
    assert!(owned.is_closed(), "and keeps no events for itself");
    release.send(()).expect("it still waits");
    finished.recv_timeout(DEADLINE).expect("it broadcasts");
    assert_eq!(read_all(&mut subscription), (vec![], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn between_publishers_and_an_actor_no_ring_is_lost_and_none_is_doubled() {
    const EVENTS: u64 = 20_000;
    let topic = topic();
    let reader = Reader {
        batch: 3,
        ..Reader::of(topic.subscribe(Overflow::Lossless))
    };
    let actor = reader.start().await;
    let publishers: Vec<_> = (0..2)
        .map(|_| {
            let topic = topic.clone();
            thread::spawn(move || {
                for event in 0..EVENTS {
                    topic.broadcast(event);
                    // Let it fall asleep now and then.
                    if event % 16 == 0 {
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let all_read = async {
        while reader.subscription.lock().position() < 2 * EVENTS {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, all_read)
        .await
        .expect("the actor sleeps on events");
    assert_eq!(log_when(&actor, |_| true).await.read.len() as u64, 2 * EVENTS);
    for publisher in publishers {
        publisher.join().expect("a publisher panicked");
    }
    assert_eq!(
        reader.in_flight.1.load(Ordering::Relaxed),
        1,
        "at most one message in flight"
    );
}
