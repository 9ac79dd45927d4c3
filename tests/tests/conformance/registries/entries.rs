//! What stands in a registry, of either kind: entries, queries, and what an exit leaves of them.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod unique {
    use super::super::{actors, own};
    use std::collections::BTreeSet;

    use hedgehog_core::{CallError, DynamicSupervisor, Pid, RegisterError, Registry, StartError};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};

    type Names = Registry<&'static str, Command, u32>;

    /// By whom a registration was refused.
    fn holder(refused: Result<(), RegisterError>) -> Pid {
        match refused {
            Err(RegisterError::AlreadyRegistered { holder, .. }) => holder,
            other => panic!("the key must be taken: {other:?}"),
        }
    }

    #[row("REG-001")]
    async fn nothing_is_left_of_actors_that_were_killed() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 1).expect("free");
        names.register("two", &b, 2).expect("free");
        a.kill();
        b.kill();
        a.exited().await;
        b.exited().await;
        assert_eq!((names.count(), names.keys()), (0, vec![]));
        assert_eq!((names.keys_of(&a), names.value(&"two")), (vec![], None));
    }

    #[row("REG-009", "REG-010", "REG-041")]
    async fn registry_counts_its_keys() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        assert_eq!(names.count(), 0);
        assert!(names.select(|key, _, _| Some(*key)).is_empty());
        names.register("one", &a, 1).expect("free");
        names.register("two", &a, 2).expect("free");
        assert_eq!(names.count(), 2);
    }

    #[row("REG-011")]
    async fn actor_cannot_take_a_key_twice() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 1).expect("free");
        assert_eq!(holder(names.register("one", &a, 9)), a.pid());
        assert_eq!(names.value(&"one"), Some(1), "the value stays");
        names.register("two", &a, 2).expect("free");
        assert_eq!(
            names.keys_of(&a).into_iter().collect::<BTreeSet<_>>(),
            ["one", "two"].into()
        );
    }

    #[row("REG-012")]
    async fn key_of_another_is_refused_and_the_loser_has_nothing() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 1).expect("free");
        assert_eq!(holder(names.register("one", &b, 2)), a.pid());
        assert_eq!(names.keys_of(&b), Vec::<&str>::new());
        assert_eq!((names.lookup(&"one"), names.value(&"one")), (Some(a.clone()), Some(1)));
        b.kill();
        b.exited().await;
        assert_eq!(names.lookup(&"one"), Some(a), "and takes nothing along");
    }

    #[row("REG-017", "REG-022")]
    async fn keys_are_told_apart_by_equality_only() {
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        enum Key {
            Number(i64),
            Text(&'static str),
        }
        let (names, (_sup, [a])) = (Registry::<Key, Command, u32>::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        for (key, value) in [(Key::Number(1), 1), (Key::Text("1"), 2), (Key::Text("_"), 3)] {
            names.register(key, &a, value).expect("free");
        }
        assert!(!names.unregister(&Key::Text("$1"), &a));
        assert!(names.unregister(&Key::Text("_"), &a), "a key like any other");
        assert_eq!(
            (
                names.value(&Key::Number(1)),
                names.value(&Key::Text("1")),
                names.count()
            ),
            (Some(1), Some(2), 2)
        );
    }

    #[row("REG-026", "REG-027", "REG-028")]
    async fn actor_gives_up_its_own_keys_only() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        assert!(!names.unregister(&"one", &a), "nothing to give up");
        names.register("one", &a, 1).expect("free");
        names.register("two", &a, 2).expect("free");
        assert!(!names.unregister(&"one", &b), "somebody else's");
        assert_eq!(names.lookup(&"one"), Some(a.clone()));
        assert!(names.unregister(&"one", &a));
        assert_eq!(names.keys_of(&a), ["two"]);
    }

    #[row("REG-035", "REG-036")]
    async fn child_is_started_under_a_key_with_a_value_and_reached_by_it() {
        let (names, journal) = (Names::unique("names"), Journal::new());
        let _owner = own(names.spec("registry")).await;
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let [a, b] = ["a", "b"].map(|name| Probe::new(name, &journal));
        let started = sup
            .start_child(a.spec().via(names.via_value("one", 7)))
            .await
            .expect("start");
        let via = names.via("one");
        via.cast(Command::Fail).expect("it is there");
        started.exited().await;
        settle().await;
        via.call(Command::Ping, None)
            .await
            .expect("answered by the next incarnation");
        assert_eq!((names.value(&"one"), via.whereis()), (Some(7), Some(a.current())));
        let refused = sup.start_child(b.spec().via(names.via("one"))).await;
        assert!(matches!(refused, Err(StartError::AlreadyRegistered { holder, .. }) if holder == a.current().pid()));
    }

    #[row("REG-037", "REG-038")]
    async fn address_never_leads_to_the_dead_and_says_when_nobody_is_there() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        let via = names.via("one");
        names.register("one", &a, 1).expect("free");
        assert_eq!(via.whereis(), Some(a.clone()), "which it keeps for the next time");
        a.kill();
        a.exited().await;
        assert_eq!(via.whereis(), None);
        assert!(via.cast(Command::Fail).is_err(), "the message comes back");
        assert!(matches!(via.call(Command::Ping, None).await, Err(CallError::NoProc)));
    }

    #[row("REG-042", "REG-043")]
    async fn select_sees_key_actor_and_value_of_every_entry() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 1).expect("free");
        names.register("two", &b, 2).expect("free");
        let all: BTreeSet<_> = names
            .select(|key, actor, value| Some((*key, actor.pid(), *value)))
            .into_iter()
            .collect();
        assert_eq!(all, [("one", a.pid(), 1), ("two", b.pid(), 2)].into());
        assert_eq!(names.select(|key, _, _| (*key == "one").then_some(())), [()], "by key");
        assert_eq!(
            names.select(|key, actor, _| (*actor == b).then_some(*key)),
            ["two"],
            "by actor"
        );
        assert_eq!(
            names.select(|_, _, value| (*value == 2).then(|| value * 10)),
            [20],
            "by value"
        );
    }

    #[row("REG-044", "REG-045")]
    async fn select_filters_by_any_condition() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        for (key, value) in [("one", 1), ("two", 2), ("three", 3)] {
            names.register(key, &a, value).expect("free");
        }
        let large: BTreeSet<_> = names
            .select(|key, _, value| (*value > 1).then_some(*key))
            .into_iter()
            .collect();
        assert_eq!(large, ["three", "two"].into());
        let either = |key: &&str, value: u32| *key == "one" || value == 3;
        let union: BTreeSet<_> = names
            .select(|key, _, value| either(key, *value).then_some(*key))
            .into_iter()
            .collect();
        assert_eq!(union, ["one", "three"].into());
    }
}

#[suite]
pub(crate) mod duplicate {
    use super::super::{actors, own};
    use std::{cell::Cell, collections::BTreeSet};

    use hedgehog_core::{DuplicateRegistry, RegisterError, Registry};
    use hedgehog_tests::scenario::Command;

    type Topics = DuplicateRegistry<&'static str, Command, u32>;

    #[row("REG-054", "REG-055", "REG-075")]
    async fn registry_counts_its_entries() {
        let (topics, (_sup, [a])): (Topics, _) = (Registry::duplicate("topics"), actors(["a"]).await);
        let _owner = own(topics.spec("registry")).await;
        assert_eq!(topics.count(), 0);
        assert!(topics.select(|key, _, _| Some(*key)).is_empty());
        topics.register("one", &a, 1).expect("open");
        topics.register("one", &a, 1).expect("open");
        assert_eq!(topics.count(), 2);
    }

    #[row("REG-056", "REG-095", "REG-099")]
    async fn actor_may_stand_under_a_key_repeatedly() {
        let (topics, (_sup, [a])): (Topics, _) = (Registry::duplicate("topics"), actors(["a"]).await);
        let _owner = own(topics.spec("registry")).await;
        assert!(topics.keys_of(&a).is_empty());
        topics.register("one", &a, 1).expect("open");
        topics.register("one", &a, 2).expect("open");
        assert_eq!(topics.keys_of(&a), ["one", "one"]);
        assert_eq!(topics.values(&"one", &a), [1, 2]);
        let names = Registry::unique("names");
        let _names_owner = own(names.spec("registry")).await;
        names.register("one", &a, 1).expect("free");
        assert!(names.register("one", &a, 2).is_err());
        assert_eq!(names.keys_of(&a), ["one"], "which a unique registry refuses");
    }

    #[row("REG-057", "REG-096")]
    async fn keys_and_values_are_each_actors_own() {
        let (topics, (_sup, [a, b, c])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b", "c"]).await);
        let _owner = own(topics.spec("registry")).await;
        topics.register("one", &a, 1).expect("open");
        topics.register("one", &b, 2).expect("open");
        topics.register("two", &b, 3).expect("open");
        assert_eq!((topics.keys_of(&a), topics.values(&"one", &a)), (vec!["one"], vec![1]));
        assert_eq!(
            topics.keys_of(&b).into_iter().collect::<BTreeSet<_>>(),
            ["one", "two"].into()
        );
        assert_eq!(topics.values(&"one", &b), [2]);
        assert!(topics.values(&"one", &c).is_empty());
        assert_eq!(topics.lookup_all(&"one"), [(a, 1), (b, 2)], "oldest first");
    }

    #[row("REG-058", "REG-066", "REG-085")]
    async fn keys_are_told_apart_by_equality_only() {
        type Key = (&'static str, Option<u8>);
        let topics: DuplicateRegistry<Key, Command, u32> = Registry::duplicate("topics");
        let (_sup, [a]) = actors(["a"]).await;
        let _owner = own(topics.spec("registry")).await;
        let (reserved, narrower) = (("_", None), ("_", Some(1)));
        for (key, value) in [(reserved, 1), (reserved, 2), (narrower, 3)] {
            topics.register(key, &a, value).expect("open");
        }
        assert_eq!(topics.lookup_all(&reserved), [(a.clone(), 1), (a.clone(), 2)]);
        assert_eq!(topics.count_match(&narrower, |_| true), 1);
        assert!(topics.lookup_all(&("$1", None)).is_empty());
        assert_eq!(topics.unregister_match(&reserved, &a, |value| *value == 1), 1);
        assert_eq!(
            (topics.values(&reserved, &a), topics.values(&narrower, &a)),
            (vec![2], vec![3])
        );
    }

    #[row("REG-059", "REG-061")]
    async fn dispatch_runs_in_the_caller_once_per_key_that_stands() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        topics.register("one", &a, 1).expect("open");
        topics.register("one", &b, 2).expect("open");
        topics.register("two", &a, 3).expect("open");
        let (caller, calls) = (std::thread::current().id(), Cell::new(0));
        topics.dispatch(&"nobody", |_| calls.set(100));
        topics.dispatch(&"one", |entries| {
            calls.set(calls.get() + 1);
            assert_eq!(std::thread::current().id(), caller);
            assert_eq!(entries, [(a.clone(), 1), (b.clone(), 2)]);
            topics.unregister(&"one", &b);
        });
        assert_eq!(
            (calls.get(), topics.count()),
            (1, 2),
            "the function may use the registry"
        );
        let panicking = std::panic::AssertUnwindSafe(|| {
            topics.dispatch(&"one", |_| std::panic::resume_unwind(Box::new("intended")));
        });
        assert!(
            std::panic::catch_unwind(panicking).is_err(),
            "its panic is the caller's"
        );
        assert_eq!(topics.lookup_all(&"one"), [(a, 1)], "and harms nothing");
    }

    #[row("REG-062", "REG-063", "REG-097")]
    async fn unregister_removes_all_of_the_actors_entries_under_the_key() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        assert!(!topics.unregister(&"one", &a));
        for (key, actor, value) in [("one", &a, 1), ("one", &b, 2), ("one", &a, 3), ("two", &a, 4)] {
            topics.register(key, actor, value).expect("open");
        }
        assert!(topics.unregister(&"one", &a));
        assert_eq!((topics.keys_of(&a), topics.values(&"one", &b)), (vec!["two"], vec![2]));
    }

    #[row("REG-067", "REG-068", "REG-102")]
    async fn entries_of_a_key_are_counted_by_any_condition() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        for (key, actor, value) in [("one", &a, 1), ("one", &b, 2), ("one", &a, 3), ("two", &a, 4)] {
            topics.register(key, actor, value).expect("open");
        }
        let count = |condition: fn(&u32) -> bool| topics.count_match(&"one", condition);
        assert_eq!(
            (count(|_| true), count(|value| *value > 1), count(|value| *value == 4)),
            (3, 2, 0)
        );
        let of_a: BTreeSet<_> = topics
            .select(|_, actor, value| (*actor == a).then_some(*value))
            .into_iter()
            .collect();
        assert_eq!(of_a, [1, 3, 4].into());
    }

    #[row("REG-069", "REG-070", "REG-098")]
    async fn unregister_match_removes_what_matches_and_keeps_the_rest_in_order() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        for (actor, value) in [(&a, 1), (&a, 2), (&b, 2), (&a, 3)] {
            topics.register("one", actor, value).expect("open");
        }
        assert_eq!(topics.unregister_match(&"one", &a, |value| *value > 3), 0);
        assert_eq!(topics.unregister_match(&"one", &a, |value| *value == 2), 1);
        assert_eq!(
            (topics.values(&"one", &a), topics.keys_of(&a)),
            (vec![1, 3], vec!["one", "one"])
        );
        assert_eq!(topics.values(&"one", &b), [2], "somebody else's");
        assert_eq!(topics.unregister_match(&"one", &a, |_| true), 2);
        assert_eq!(topics.lookup_all(&"one"), [(b, 2)]);
    }

    #[row("REG-076", "REG-077", "REG-078")]
    async fn select_returns_identical_entries_each_and_filters_by_any_condition() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        for (actor, value) in [(&a, 1), (&a, 1), (&b, 2)] {
            topics.register("one", actor, value).expect("open");
        }
        let all = topics.select(|key, actor, value| Some((*key, actor.pid(), *value)));
        assert_eq!(all, [("one", a.pid(), 1), ("one", a.pid(), 1), ("one", b.pid(), 2)]);
        assert_eq!(topics.select(|_, actor, value| (*actor == b).then(|| value * 10)), [20]);
        assert_eq!(topics.select(|_, _, value| (*value < 2).then_some(*value)), [1, 1]);
    }

    #[row("REG-088", "REG-101")]
    async fn query_shows_no_actor_whose_exit_can_be_seen() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        for actor in [&a, &a, &b] {
            topics.register("one", actor, 1).expect("open");
        }
        a.kill();
        a.exited().await;
        assert_eq!((topics.count(), topics.count_match(&"one", |_| true)), (1, 1));
        assert_eq!((topics.lookup_all(&"one"), topics.keys_of(&a)), (vec![(b, 1)], vec![]));
        topics.dispatch(&"one", |entries| assert_eq!(entries.len(), 1));
    }

    #[row("REG-090")]
    async fn dead_actor_cannot_be_registered() {
        let (topics, (_sup, [a])): (Topics, _) = (Registry::duplicate("topics"), actors(["a"]).await);
        let down = topics.register("one", &a, 1);
        assert!(
            matches!(down, Err(RegisterError::Down { .. })),
            "nobody owns it: {down:?}"
        );
        let _owner = own(topics.spec("registry")).await;
        a.kill();
        a.exited().await;
        assert!(matches!(topics.register("one", &a, 1), Err(RegisterError::NoProc)));
        assert_eq!(topics.count(), 0);
    }

    #[row("REG-033")]
    async fn end_of_a_registry_takes_every_entry_and_ends_the_actors() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let (_tree, owner) = own(topics.spec("registry")).await;
        topics.register("one", &a, 1).expect("open");
        topics.register("one", &b, 2).expect("open");
        owner.current().kill();
        assert!(a.exited().await.is_abnormal() && b.exited().await.is_abnormal());
        assert_eq!((owner.count(), topics.count()), (2, 0), "under the next owner");
        let (_again, [c]) = actors(["c"]).await;
        topics.register("one", &c, 3).expect("open");
        assert_eq!(topics.lookup_all(&"one"), [(c, 3)]);
    }
}
