//! Topics: who gets a broadcast, in which order, and what becomes of subscriptions.

use hedgehog_core::pubsub::{Overflow, PubSub, SubscribeOptions, Subscription};
use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, Restart, SelfRef,
};
use hedgehog_tests::scenario::{Journal, Latest};
use hedgehog_tests::suite;

/// An actor that subscribes in its start and writes `got NAME: EVENT` for every event.
#[derive(Clone)]
struct Listener {
    name: &'static str,
    journal: Journal,
    pubsub: PubSub<u32>,
    /// A subscription each, without metadata where there is none.
    subscriptions: Vec<(&'static str, Option<&'static str>)>,
}

enum Msg {
    Rung,
    /// Broadcasts from its own handler, to everybody but itself.
    BroadcastFrom(&'static str, u32),
    Crash,
}

impl Actor for Listener {
    type Msg = Msg;
    type State = Vec<Subscription<u32>>;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        let me = myself.self_ref()?;
        let subscribe = |&(topic, metadata): &(&str, Option<&'static str>)| {
            let options = SubscribeOptions::new(Overflow::Lossless);
            let mut subscription = self.pubsub.subscribe(
                topic,
                match metadata {
                    Some(metadata) => options.metadata(metadata),
                    None => options,
                },
            );
            subscription.ring(&me, || Msg::Rung);
            subscription
        };
        Ok(self.subscriptions.iter().map(subscribe).collect())
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<Msg>,
        message: Msg,
        subscriptions: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Rung => {
                for subscription in subscriptions {
                    let got = |event: &u32| self.journal.record(format!("got {}: {event}", self.name));
                    let _ = subscription.drain(usize::MAX, got);
                    subscription.rearm();
                }
            }
            Msg::BroadcastFrom(topic, event) => {
                let me = myself.self_ref()?;
                self.pubsub.broadcast_from(me.pid(), topic, event);
            }
            Msg::Crash => return Err("told to crash".into()),
        }
        Ok(())
    }
}

/// Listeners under a supervisor that does not restart them.
struct Room {
    pubsub: PubSub<u32>,
    journal: Journal,
    sup: DynamicSupervisorRef,
}

impl Room {
    async fn open() -> Self {
        Self {
            pubsub: PubSub::new(),
            journal: Journal::new(),
            sup: DynamicSupervisor::new().start().await.expect("boot"),
        }
    }

    fn listener(&self, name: &'static str, topics: &[&'static str]) -> Listener {
        Listener {
            name,
            journal: self.journal.clone(),
            pubsub: self.pubsub.clone(),
            subscriptions: topics.iter().map(|topic| (*topic, None)).collect(),
        }
    }

    /// Starts a listener that subscribes once to each of `topics`.
    async fn join(&self, name: &'static str, topics: &[&'static str]) -> ActorRef<Msg> {
        self.start(self.listener(name, topics)).await
    }

    async fn start(&self, listener: Listener) -> ActorRef<Msg> {
        let spec = spec(listener).restart(Restart::Temporary);
        self.sup.start_child(spec).await.expect("start")
    }

    fn subscribers(&self, topic: &str) -> usize {
        self.pubsub.topic(topic).info().subscribers.len()
    }
}

fn spec(listener: Listener) -> ChildSpec<Msg> {
    ChildSpec::worker(listener.name, move || (listener.clone(), ()))
}

#[suite]
pub(crate) mod broadcasts {
    use super::{Msg, Room};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use hedgehog_core::pubsub::{Overflow, PubSub};
    use hedgehog_tests::scenario::{Command, Journal, Probe, eventually, settle};

    #[row("PUBSUB-005", "PUBSUB-011")]
    async fn broadcast_reaches_every_subscriber_and_the_broadcaster_too() {
        let room = Room::open().await;
        let (_a, _b) = (room.join("a", &["t"]).await, room.join("b", &["t"]).await);
        let mut mine = room.pubsub.subscribe("t", Overflow::Lossless);
        room.pubsub.broadcast("t", 1);
        settle().await;
        let got = room.journal.take();
        assert!(got == "got a: 1, got b: 1" || got == "got b: 1, got a: 1", "{got}");
        let mut seen = Vec::new();
        let _ = mine.drain(usize::MAX, |event| seen.push(*event));
        assert_eq!(seen, [1], "who broadcasts subscribes like everybody else");
    }

    #[row("PUBSUB-006")]
    async fn broadcast_reaches_nobody_of_another_topic() {
        let room = Room::open().await;
        let (_a, _b) = (room.join("a", &["t"]).await, room.join("b", &["T", "t:1", ""]).await);
        room.pubsub.broadcast("t", 1);
        settle().await;
        assert_eq!(room.journal.take(), "got a: 1");
    }

    #[row("PUBSUB-007", "PUBSUB-012")]
    async fn broadcast_from_skips_its_sender() {
        let room = Room::open().await;
        let (a, _b) = (room.join("a", &["t"]).await, room.join("b", &["t"]).await);
        room.pubsub.broadcast_from(a.pid(), "t", 1);
        a.cast(Msg::BroadcastFrom("t", 2)).expect("it runs");
        settle().await;
        assert_eq!(room.journal.take(), "got b: 1, got b: 2");
        room.pubsub.broadcast("t", 3);
        settle().await;
        assert!(room.journal.contains("got a: 3"), "it was skipped, not unsubscribed");
    }

    #[row("PUBSUB-017")]
    async fn broadcast_from_skips_all_subscriptions_of_its_sender_and_nobody_elses() {
        let room = Room::open().await;
        let (a, _b) = (room.join("a", &["t", "t"]).await, room.join("b", &["t", "t"]).await);
        room.pubsub.broadcast_from(a.pid(), "t", 1);
        settle().await;
        assert_eq!(room.journal.take(), "got b: 1, got b: 1");
    }

    #[row("PUBSUB-020", real_time)]
    async fn events_of_one_sender_arrive_in_its_order() {
        const EVENTS: u64 = 5_000;
        let pubsub = PubSub::new();
        let mut subscription = pubsub.subscribe("t", Overflow::Lossless);
        for sender in 0..3_u64 {
            let pubsub = pubsub.clone();
            thread::spawn(move || (0..EVENTS).for_each(|n| pubsub.broadcast("t", (sender as usize, n))));
        }
        let mut next = [0; 3];
        while next != [EVENTS; 3] {
            let batch = subscription.next_batch(usize::MAX, |&(sender, n)| {
                assert_eq!(n, next[sender]);
                next[sender] += 1;
            });
            let _ = batch.await.expect("nobody closes it");
        }
    }

    #[row("PUBSUB-022")]
    async fn broadcast_never_waits_and_skips_the_dead() {
        let room = Room::open().await;
        let (a, _b) = (room.join("a", &["t"]).await, room.join("b", &["t"]).await);
        let _stuck = [Overflow::Lossless, Overflow::Block(1), Overflow::DropOldest(1)]
            .map(|overflow| room.pubsub.subscribe("t", overflow));
        a.kill();
        a.exited().await;
        // Nothing here awaits: it could not wait for anybody.
        (0..1_000).for_each(|event| room.pubsub.broadcast("t", event));
        settle().await;
        let expected: Vec<_> = (0..1_000).map(|event| format!("got b: {event}")).collect();
        assert_eq!(room.journal.take(), expected.join(", "));
    }

    #[row("PUBSUB-023")]
    async fn broadcast_to_nobody_is_fine_and_calls_no_dispatcher() {
        let room = Room::open().await;
        room.pubsub.broadcast("t", 1);
        let uncalled = || unreachable!("nobody subscribes");
        room.pubsub.dispatch("t", None, 1, |_, _, _| uncalled());
        drop(room.pubsub.subscribe("t", Overflow::Lossless));
        room.pubsub.broadcast("t", 2);
        room.pubsub.dispatch("t", None, 2, |_, _, _| uncalled());
        assert_eq!(room.subscribers("t"), 0);
    }

    #[row("PUBSUB-024")]
    async fn failure_of_a_dispatcher_is_the_broadcasters_and_nobody_elses() {
        let room = Room::open().await;
        let _a = room.join("a", &["t"]).await;
        let failing = || {
            room.pubsub
                .dispatch("t", None, 1, |_, _, _| panic!("intended: in the dispatcher"));
        };
        assert!(catch_unwind(AssertUnwindSafe(failing)).is_err());
        room.pubsub.broadcast("t", 2);
        settle().await;
        assert_eq!(room.journal.take(), "got a: 2");
    }

    #[row("PUBSUB-028", real_time)]
    async fn one_topic_serves_actors_with_different_messages() {
        let (pubsub, journal, room) = (PubSub::<String>::new(), Journal::new(), Room::open().await);
        let (listener, probe) = (room.join("a", &[]).await, Probe::new("b", &journal));
        room.sup.start_child(probe.spec()).await.expect("start");
        let [mut first, mut second] = [0, 1].map(|_| pubsub.subscribe("t", Overflow::Lossless));
        first.ring(&listener, || Msg::Crash);
        second.ring(&probe.current(), || Command::Note("rung"));
        pubsub.broadcast("t", "any type, the same for all topics of a PubSub".to_owned());
        listener.exited().await;
        eventually("each is told in its own words", || journal.contains("note b: rung")).await;
    }
}

#[suite]
pub(crate) mod subscriptions {
    use super::{Listener, Msg, Room, spec};
    use std::sync::Arc;

    use hedgehog_core::pubsub::{Closed, Overflow, SubscribeOptions};
    use hedgehog_core::{AnyActorRef, Shutdown, Strategy, Supervisor};
    use hedgehog_tests::scenario::settle;
    use parking_lot::Mutex;

    use super::Latest;

    #[row("PUBSUB-004")]
    async fn subscriber_is_there_once_and_without_metadata_until_it_unsubscribes() {
        let room = Room::open().await;
        let a = room.join("a", &["t"]).await;
        let mut called = false;
        room.pubsub.dispatch("t", None, 0, |subscribers, _, _| {
            called = true;
            assert_eq!(subscribers.len(), 1);
            assert_eq!(subscribers[0].owner(), Some(a.pid()));
            assert_eq!(subscribers[0].metadata::<&str>(), None);
        });
        assert!(called);
        assert_eq!(room.pubsub.unsubscribe("t", a.pid()), 1);
        assert_eq!(room.subscribers("t"), 0);
        room.pubsub.broadcast("t", 1);
        settle().await;
        assert_eq!(room.journal.take(), "");
    }

    #[row("PUBSUB-008")]
    async fn unsubscribing_from_what_was_not_subscribed_to_does_nothing() {
        let room = Room::open().await;
        let (a, _b) = (room.join("a", &["t"]).await, room.join("b", &["u"]).await);
        assert_eq!(room.pubsub.unsubscribe("u", a.pid()), 0);
        assert_eq!(room.pubsub.unsubscribe("no such topic", a.pid()), 0);
        room.pubsub.broadcast("t", 1);
        room.pubsub.broadcast("u", 2);
        settle().await;
        assert!(room.journal.contains("got a: 1") && room.journal.contains("got b: 2"));
    }

    #[row("PUBSUB-013", "PUBSUB-026")]
    async fn dispatcher_is_given_every_entry_with_its_metadata_and_the_sender_and_the_event() {
        let room = Room::open().await;
        let twice = Listener {
            subscriptions: vec![("t", None), ("t", Some("special"))],
            ..room.listener("a", &[])
        };
        let (a, b) = (room.start(twice).await, room.join("b", &["t"]).await);
        for from in [None, Some(a.pid())] {
            room.pubsub.dispatch("t", from, 7, |subscribers, given, event| {
                let entry = |at: usize| (subscribers[at].owner(), subscribers[at].metadata::<&str>().copied());
                let mut entries: Vec<_> = (0..subscribers.len()).map(entry).collect();
                entries.sort();
                let mut expected = vec![
                    (Some(a.pid()), None),
                    (Some(a.pid()), Some("special")),
                    (Some(b.pid()), None),
                ];
                expected.sort();
                assert_eq!(entries, expected, "the sender's are among them");
                assert_eq!((given, event), (from, 7));
                let sent = subscribers.send(event * 10, |one| one.metadata() == Some(&"special"));
                assert_eq!(sent, 1);
            });
            settle().await;
            assert_eq!(
                room.journal.take(),
                "got a: 70",
                "what the dispatcher sends, to whom it sends it"
            );
        }
    }

    #[row("PUBSUB-016")]
    async fn subscribing_twice_delivers_twice_and_one_unsubscribe_ends_both() {
        let room = Room::open().await;
        let twice = Listener {
            subscriptions: vec![("t", Some("one")), ("t", Some("two"))],
            ..room.listener("a", &[])
        };
        let a = room.start(twice).await;
        room.pubsub.broadcast("t", 1);
        settle().await;
        assert_eq!(room.journal.take(), "got a: 1, got a: 1");
        room.pubsub.dispatch("t", None, 2, |subscribers, _, event| {
            assert_eq!(
                subscribers.send(event, |one| one.metadata() == Some(&"two")),
                1,
                "each has its own metadata"
            );
        });
        settle().await;
        assert_eq!(room.journal.take(), "got a: 2");
        assert_eq!(room.pubsub.unsubscribe("t", a.pid()), 2);
        room.pubsub.broadcast("t", 3);
        settle().await;
        assert_eq!((room.journal.take().as_str(), room.subscribers("t")), ("", 0));
    }

    #[row("PUBSUB-025")]
    async fn subscriptions_of_the_dead_are_gone_when_their_exit_is_seen() {
        let room = Room::open().await;
        let (a, b) = (room.join("a", &["t", "t"]).await, room.join("b", &["t"]).await);
        // Not in the actor's state, where its drop would end it.
        let kept = room
            .pubsub
            .subscribe("t", SubscribeOptions::new(Overflow::Lossless).owner(&a.any()));
        assert_eq!(room.subscribers("t"), 4);
        a.kill();
        a.exited().await;
        assert_eq!(room.subscribers("t"), 1);
        assert!(kept.is_closed());
        b.cast(Msg::Crash).expect("it runs");
        b.exited().await;
        assert_eq!(room.subscribers("t"), 0);
    }

    #[row("PUBSUB-027")]
    async fn whoever_has_a_reference_can_subscribe_and_unsubscribe_an_actor() {
        let room = Room::open().await;
        let (a, b) = (room.join("a", &[]).await, room.join("b", &["t"]).await);
        let subscribe = |owner: &AnyActorRef| {
            let options = SubscribeOptions::new(Overflow::Lossless).owner(owner);
            room.pubsub.subscribe("t", options)
        };
        let (mut for_a, for_b) = (subscribe(&a.any()), subscribe(&b.any()));
        assert_eq!(room.pubsub.unsubscribe("t", a.pid()), 1);
        assert!(for_a.is_closed() && !for_b.is_closed(), "of that actor only");
        room.pubsub.broadcast("t", 1);
        assert_eq!(for_a.drain(9, |_| unreachable!("it was unsubscribed")).read, 0);
        assert_eq!((for_b.lag(), room.subscribers("t")), (1, 2));
    }

    #[row("PUBSUB-029")]
    async fn restart_of_a_pubsub_closes_its_subscriptions_and_serves_new_ones() {
        let (room, owner, listener) = (Room::open().await, Latest::new(), Latest::new());
        let tree = Supervisor::new(Strategy::RestForOne)
            .child(room.pubsub.spec("pubsub").via(owner.clone()))
            .child(
                spec(room.listener("a", &["t"]))
                    .via(listener.clone())
                    .shutdown(Shutdown::Infinity),
            )
            .start()
            .await
            .expect("boot");
        let topic = room.pubsub.topic("t");
        let mut outside = topic.subscribe(Overflow::Lossless);
        let closed = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&closed);
        let reader = tokio::spawn(async move {
            let outcome = outside.next_batch(1, |_| ()).await;
            *seen.lock() = Some(outcome);
        });
        settle().await;
        let node = tree.tree().expect("it runs");
        let node = node.find("supervisor/pubsub").expect("it is a child");
        assert_eq!(node.topics[0].subscribers.len(), 2, "the tree shows its topics");

        owner.current().kill();
        settle().await;
        reader.await.expect("it ends");
        assert_eq!(*closed.lock(), Some(Err(Closed)), "what is lost can be seen");
        assert_eq!(listener.count(), 2, "those behind it are restarted with it");
        assert_eq!(room.subscribers("t"), 1);
        topic.broadcast(1);
        settle().await;
        assert_eq!(room.journal.take(), "got a: 1", "by a handle from before");
    }
}
