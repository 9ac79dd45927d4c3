//! What a registry is made with: listeners, metadata, partitions.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod listeners {
    use super::super::{actors, own};
    use std::sync::Arc;

    use hedgehog_core::{
        ActorRef, DuplicateRegistry, DynamicSupervisor, DynamicSupervisorRef, Name, Pid, Registry, RegistryEvent,
    };
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, settle};
    use parking_lot::Mutex;

    type Names = Registry<&'static str, Command, u32>;
    type Topics = DuplicateRegistry<&'static str, Command, u32>;

    /// An event, for comparisons: registry and key, the actor, and the value of a registration.
    type Heard = (String, Pid, Option<u32>);

    /// An actor that listens, and what it has heard since the last `take`.
    #[derive(Clone, Default)]
    struct Ear(Arc<Mutex<Vec<Heard>>>);

    impl Ear {
        /// Listens under `name`.
        async fn start(&self, name: &Name<Command>) -> DynamicSupervisorRef {
            let sup = DynamicSupervisor::new().start().await.expect("boot");
            let listener = Probe::new("listener", &Journal::new());
            sup.start_child(listener.spec().name(name)).await.expect("start");
            sup
        }

        /// What makes a message of an event.
        fn wrap(&self) -> impl Fn(RegistryEvent<&'static str, Command, u32>) -> Command + Send + Sync + 'static {
            let ear = self.clone();
            move |event| {
                let heard = match event {
                    RegistryEvent::Registered {
                        registry,
                        key,
                        actor,
                        value,
                    } => (format!("{registry}/{key}"), actor.pid(), Some(value)),
                    RegistryEvent::Unregistered { registry, key, actor } => {
                        (format!("{registry}/{key}"), actor.pid(), None)
                    }
                    other => panic!("an unknown event: {other:?}"),
                };
                let ear = ear.clone();
                Command::Run(Box::new(move |_| Box::pin(async move { ear.0.lock().push(heard) })))
            }
        }

        async fn take(&self) -> Vec<Heard> {
            settle().await;
            std::mem::take(&mut *self.0.lock())
        }
    }

    fn registered(place: &str, actor: &ActorRef<Command>, value: u32) -> Heard {
        (place.to_owned(), actor.pid(), Some(value))
    }

    fn unregistered(place: &str, actor: &ActorRef<Command>) -> Heard {
        (place.to_owned(), actor.pid(), None)
    }

    #[row("REG-029")]
    async fn listener_hears_of_every_registration_and_of_keys_given_up() {
        let (ear, name, (sup, [a])) = (Ear::default(), Name::new("listener"), actors(["a"]).await);
        let names = Names::unique("names").listener(&name, ear.wrap());
        let _owner = own(names.spec("registry")).await;
        names.register("early", &a, 0).expect("free");
        assert!(ear.take().await.is_empty(), "nobody listens yet");
        let _listener = ear.start(&name).await;
        names.register("one", &a, 1).expect("free");
        names
            .register("one", &a, 2)
            .expect_err("taken, which is told to nobody");
        let b = Probe::new("b", &Journal::new());
        let b = sup
            .start_child(b.spec().via(names.via_value("two", 2)))
            .await
            .expect("start");
        assert!(names.unregister(&"one", &a));
        let heard = ear.take().await;
        assert_eq!(
            heard,
            [
                registered("names/one", &a, 1),
                registered("names/two", &b, 2),
                unregistered("names/one", &a)
            ]
        );
    }

    #[row("REG-030")]
    async fn listener_hears_nothing_of_an_actor_that_ends() {
        let (ear, name, (_sup, [a])) = (Ear::default(), Name::new("listener"), actors(["a"]).await);
        let names = Names::unique("names").listener(&name, ear.wrap());
        let _owner = own(names.spec("registry")).await;
        let _listener = ear.start(&name).await;
        names.register("one", &a, 1).expect("free");
        a.kill();
        a.exited().await;
        assert_eq!(names.lookup(&"one"), None);
        assert_eq!(ear.take().await, [registered("names/one", &a, 1)]);
    }

    #[row("REG-031")]
    async fn listener_hears_of_a_key_when_the_last_entry_of_an_actor_under_it_is_given_up() {
        let (ear, name, (_sup, [a, b])) = (Ear::default(), Name::new("listener"), actors(["a", "b"]).await);
        let topics = Topics::duplicate("topics").listener(&name, ear.wrap());
        let _owner = own(topics.spec("registry")).await;
        let _listener = ear.start(&name).await;
        assert!(!topics.unregister(&"one", &a));
        assert_eq!(topics.unregister_match(&"one", &a, |_| true), 0);
        assert_eq!(ear.take().await, [], "nothing was given up");
        for (actor, value) in [(&a, 1), (&a, 2), (&b, 3)] {
            topics.register("one", actor, value).expect("open");
        }
        ear.take().await;
        assert_eq!(topics.unregister_match(&"one", &a, |value| *value == 9), 0);
        assert_eq!(topics.unregister_match(&"one", &a, |value| *value == 1), 1);
        assert_eq!(ear.take().await, [], "another entry of it stays");
        assert_eq!(topics.unregister_match(&"one", &a, |_| true), 1);
        assert_eq!(ear.take().await, [unregistered("topics/one", &a)], "though b's stays");
    }

    #[row("REG-071")]
    async fn listener_of_a_duplicate_registry_hears_of_each_entry() {
        let (ear, name, (_sup, [a, b])) = (Ear::default(), Name::new("listener"), actors(["a", "b"]).await);
        let topics = Topics::duplicate("topics").listener(&name, ear.wrap());
        let _owner = own(topics.spec("registry")).await;
        let _listener = ear.start(&name).await;
        for (actor, value) in [(&a, 1), (&a, 1), (&b, 2)] {
            topics.register("one", actor, value).expect("open");
        }
        assert!(topics.unregister(&"one", &a));
        let twice = registered("topics/one", &a, 1);
        let heard = [
            twice.clone(),
            twice,
            registered("topics/one", &b, 2),
            unregistered("topics/one", &a),
        ];
        assert_eq!(ear.take().await, heard, "one for both entries that went");
    }

    #[invariant]
    async fn listener_that_panics_harms_nobody() {
        let (ear, name, (_sup, [a])) = (Ear::default(), Name::new("listener"), actors(["a"]).await);
        let names = Names::unique("names")
            .listener(&name, |_| panic!("{INTENDED}listening"))
            .listener(&name, ear.wrap());
        let _owner = own(names.spec("registry")).await;
        let _listener = ear.start(&name).await;
        names.register("one", &a, 1).expect("free");
        assert_eq!(names.lookup(&"one"), Some(a.clone()));
        assert_eq!(ear.take().await, [registered("names/one", &a, 1)], "the next one hears");
    }
}

#[suite]
pub(crate) mod metadata {
    use super::super::own;

    use hedgehog_core::{RegisterError, Registry};
    use hedgehog_tests::scenario::{Command, settle};

    #[derive(Debug, PartialEq)]
    struct Limit(u32);

    #[derive(Debug, PartialEq)]
    struct Motto(&'static str);

    #[row("REG-100")]
    async fn metadata_is_seeded_found_replaced_and_deleted_by_type() {
        let names: Registry<&str, Command> = Registry::unique("names").with_meta(Limit(1)).with_meta(Limit(2));
        assert_eq!(names.meta::<Limit>(), None, "it is the owner's");
        assert!(matches!(names.put_meta(Limit(3)), Err(RegisterError::Down { .. })));
        let (_tree, owner) = own(names.spec("registry")).await;
        assert_eq!(names.meta::<Limit>().as_deref(), Some(&Limit(2)));
        assert_eq!(names.meta::<Motto>(), None);
        names.put_meta(Motto("first")).expect("it runs");
        names.put_meta(Motto("second")).expect("it runs");
        names.put_meta(Limit(3)).expect("it runs");
        let both = || (names.meta::<Motto>(), names.meta::<Limit>());
        assert_eq!(both(), (Some(Motto("second").into()), Some(Limit(3).into())));
        assert_eq!(names.delete_meta::<Motto>().as_deref(), Some(&Motto("second")));
        assert_eq!(names.delete_meta::<Motto>(), None);
        assert_eq!(both(), (None, Some(Limit(3).into())));
        names.put_meta(Motto("third")).expect("it runs");
        owner.current().kill();
        settle().await;
        assert_eq!(both(), (None, Some(Limit(2).into())), "as it began");
    }
}

#[suite]
pub(crate) mod partitions {
    use super::super::own;
    use std::collections::{BTreeMap, BTreeSet};
    use std::num::NonZeroUsize;
    use std::panic::AssertUnwindSafe;
    use std::sync::Arc;

    use futures_util::FutureExt;
    use hedgehog_core::{ActorRef, DuplicateRegistry, DynamicSupervisor, Pid, Registry, Restart};
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, settle};
    use parking_lot::Mutex;

    type Names = Registry<u32, Command>;
    type Topics = DuplicateRegistry<u32, Command, usize>;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;
    const EIGHT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

    async fn crowd(size: usize) -> Vec<ActorRef<Command>> {
        let (sup, journal) = (DynamicSupervisor::new().start().await.expect("boot"), Journal::new());
        let mut crowd = Vec::new();
        for _ in 0..size {
            let one = Probe::new("one of many", &journal).spec().restart(Restart::Temporary);
            crowd.push(sup.start_child(one).await.expect("start"));
        }
        crowd
    }

    #[row("REG-008")]
    async fn unique_registry_is_the_same_with_any_number_of_partitions() {
        let crowd = crowd(20).await;
        for partitions in [ONE, EIGHT] {
            let names = Names::unique("names").partitions(partitions);
            let _owner = own(names.spec("registry")).await;
            assert_eq!(names.partition_count(), partitions);
            for (key, actor) in (0..).zip(&crowd) {
                names.register(key, actor, ()).expect("free");
                names.register(key, &crowd[0], ()).expect_err("taken");
            }
            assert_eq!(names.count(), crowd.len());
            let found = (0..).map_while(|key| names.lookup(&key)).collect::<Vec<_>>();
            assert_eq!(found, crowd);
            for (key, actor) in (0..).zip(&crowd) {
                assert!(names.unregister(&key, actor));
            }
            assert!(names.keys().is_empty());
        }
    }

    #[row("REG-053")]
    async fn duplicate_registry_is_the_same_with_any_number_of_partitions() {
        let crowd = crowd(20).await;
        for partitions in [ONE, EIGHT] {
            let topics = Topics::duplicate("topics").partitions(partitions);
            let _owner = own(topics.spec("registry")).await;
            assert_eq!(topics.partition_count(), partitions);
            for actor in crowd.iter().chain(&crowd) {
                topics.register(7, actor, 0).expect("open");
            }
            let found = topics.lookup_all(&7).into_iter().map(|(actor, _)| actor);
            assert_eq!(
                found.collect::<Vec<_>>(),
                [&crowd[..], &crowd[..]].concat(),
                "oldest first"
            );
            assert!(topics.unregister(&7, &crowd[0]));
            assert_eq!(topics.count(), 2 * crowd.len() - 2);
        }
    }

    #[row("REG-103")]
    async fn options_are_whole_by_their_types_and_count_from_the_next_start() {
        let option: fn(Names, NonZeroUsize) -> Names = Names::partitions;
        let names = option(Names::unique("names"), EIGHT);
        assert_eq!(names.partition_count(), EIGHT, "and no registry can have none");
        let (_tree, owner) = own(names.spec("registry")).await;
        let names = names.partitions(ONE);
        assert_eq!(names.partition_count(), EIGHT, "of the owner that runs");
        owner.current().kill();
        settle().await;
        assert_eq!(names.partition_count(), ONE);
        let most = Names::unique("names").partitions(NonZeroUsize::MAX);
        let _owner = own(most.spec("registry")).await;
        assert_eq!((most.partition_count(), most.count()), (NonZeroUsize::MAX, 0));
    }

    /// The task of each call, and the entries that it was given.
    type Calls = Arc<Mutex<Vec<(Option<tokio::task::Id>, Vec<(Pid, usize)>)>>>;

    fn note(calls: &Calls) -> impl Fn(&[(ActorRef<Command>, usize)]) + Send + Sync + 'static {
        let calls = Arc::clone(calls);
        move |entries| {
            let entries = entries.iter().map(|(actor, value)| (actor.pid(), *value)).collect();
            calls.lock().push((tokio::task::try_id(), entries));
        }
    }

    #[row("REG-060", real_time)]
    async fn parallel_dispatch_calls_once_per_partition_and_neither_loses_nor_repeats_an_entry() {
        let (topics, crowd) = (Topics::duplicate("topics").partitions(EIGHT), crowd(60).await);
        let _owner = own(topics.spec("registry")).await;
        for (value, actor) in crowd.iter().chain(&crowd[..9]).enumerate() {
            topics.register(7, actor, value).expect("open");
        }
        topics.register(8, &crowd[0], 1_000).expect("open");
        let all: Vec<_> = topics
            .lookup_all(&7)
            .iter()
            .map(|(actor, value)| (actor.pid(), *value))
            .collect();
        let mut parts: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for (pid, value) in &all {
            parts.entry(pid.as_u64() % 8).or_default().push((*pid, *value));
        }
        let calls = Calls::default();
        topics.dispatch_parallel(&9, note(&calls)).await;
        assert!(calls.lock().is_empty(), "nobody stands there");
        topics.dispatch_parallel(&7, note(&calls)).await;
        let called = std::mem::take(&mut *calls.lock());
        let tasks: BTreeSet<_> = called.iter().map(|(task, _)| task.expect("a task")).collect();
        assert_eq!(
            (called.len(), tasks.len()),
            (parts.len(), parts.len()),
            "in tasks of their own"
        );
        let given: BTreeSet<_> = called.into_iter().map(|(_, entries)| entries).collect();
        assert_eq!(given, parts.into_values().collect(), "oldest first in each");

        let single = Topics::duplicate("single").partitions(ONE);
        let _owner = own(single.spec("registry")).await;
        for actor in &crowd {
            single.register(7, actor, 0).expect("open");
        }
        let caller = tokio::spawn({
            let (single, calls) = (single.clone(), Arc::clone(&calls));
            async move {
                single.dispatch_parallel(&7, note(&calls)).await;
                tokio::task::id()
            }
        });
        let caller = caller.await.expect("no panic");
        let called = calls.lock();
        assert_eq!(
            (called.len(), called[0].0, called[0].1.len()),
            (1, Some(caller), crowd.len())
        );
    }

    #[row("REG-061", real_time)]
    async fn panic_in_a_parallel_dispatch_is_the_callers_after_all_calls() {
        let (topics, crowd) = (Topics::duplicate("topics").partitions(EIGHT), crowd(16).await);
        let _owner = own(topics.spec("registry")).await;
        for (value, actor) in crowd.iter().enumerate() {
            topics.register(7, actor, value).expect("open");
        }
        let reached = Arc::new(Mutex::new(BTreeSet::new()));
        let reach = Arc::clone(&reached);
        let dispatched = topics.dispatch_parallel(&7, move |entries| {
            reach.lock().extend(entries.iter().map(|(_, value)| *value));
            let first = entries.iter().any(|(_, value)| *value == 0);
            assert!(!first, "{INTENDED}dispatching");
        });
        let panic = AssertUnwindSafe(dispatched).catch_unwind().await.expect_err("a panic");
        assert!(
            panic
                .downcast_ref::<String>()
                .is_some_and(|text| text.contains("dispatching"))
        );
        assert_eq!(reached.lock().len(), crowd.len(), "the others were called all the same");
    }
}
