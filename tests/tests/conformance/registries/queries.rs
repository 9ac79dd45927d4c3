//! Looking through a registry by value and by condition, and changing a value.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod unique {
    use super::super::{actors, own};
    use std::collections::BTreeSet;

    use hedgehog_core::Registry;
    use hedgehog_tests::scenario::Command;

    #[derive(Clone, Debug, PartialEq)]
    struct Shape {
        name: &'static str,
        sides: u32,
        colour: &'static str,
    }

    const SQUARE: Shape = Shape {
        name: "square",
        sides: 4,
        colour: "red",
    };

    type Shapes = Registry<&'static str, Command, Shape>;
    type Names = Registry<&'static str, Command, u32>;

    #[row("REG-015", "REG-018")]
    async fn entry_is_matched_and_counted_by_what_its_value_holds() {
        let (shapes, (_sup, [a])) = (Shapes::unique("shapes"), actors(["a"]).await);
        let _owner = own(shapes.spec("registry")).await;
        shapes.register("one", &a, SQUARE).expect("free");
        let all = vec![(a, SQUARE)];
        assert_eq!(shapes.matches(&"one", |_| true), all);
        assert_eq!(
            shapes.matches(&"one", |shape| shape.name == "square"),
            all,
            "whatever else it holds"
        );
        assert_eq!(
            shapes.matches(&"one", |shape| shape.sides == 4 && shape.colour == "red"),
            all
        );
        assert_eq!(shapes.matches(&"one", |shape| shape.name == "circle"), []);
        assert_eq!(shapes.matches(&"_", |_| true), [], "a key is no pattern");
        let count = |key, sides| shapes.count_match(&key, |shape| shape.sides == sides);
        assert_eq!((count("one", 4), count("one", 5), count("_", 4)), (1, 0, 0));
    }

    #[row("REG-016", "REG-019")]
    async fn entry_is_matched_and_counted_by_any_condition() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 7).expect("free");
        assert_eq!(names.matches(&"one", |value| (5..10).contains(value)), [(a, 7)]);
        assert_eq!(names.matches(&"one", |value| *value > 7), []);
        assert_eq!(names.count_match(&"one", |value| value % 7 == 0), 1);
        assert_eq!(names.count_match(&"one", |value| value % 2 == 0), 0);
    }

    #[row("REG-020", "REG-021")]
    async fn key_is_given_up_when_its_own_value_satisfies_the_condition() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 7).expect("free");
        assert_eq!(names.unregister_match(&"one", &a, |value| *value == 8), 0);
        assert_eq!(names.unregister_match(&"one", &a, |value| *value > 7), 0);
        assert_eq!(names.unregister_match(&"one", &b, |_| true), 0, "somebody else's");
        assert_eq!(names.lookup(&"one"), Some(a.clone()));
        assert_eq!(names.unregister_match(&"one", &a, |value| *value > 6), 1);
        assert_eq!((names.lookup(&"one"), names.keys_of(&a)), (None, vec![]));
        names.register("one", &a, 8).expect("free again");
        assert_eq!(names.unregister_match(&"one", &a, |value| *value == 8), 1);
    }

    #[row("REG-025")]
    async fn dispatch_is_called_with_the_one_entry_of_a_key() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 7).expect("free");
        let mut given = Vec::new();
        names.dispatch(&"nobody", |_| given.push(vec![]));
        names.dispatch(&"one", |entries| given.push(entries.to_vec()));
        assert_eq!(given, [[(a, 7)]]);
    }

    #[row("REG-047", "REG-048", "REG-049")]
    async fn entries_are_counted_by_key_actor_value_and_any_condition() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        assert_eq!(names.count_select(|_, _, _| true), 0);
        for (key, actor, value) in [("one", &a, 1), ("two", &a, 2), ("three", &b, 3)] {
            names.register(key, actor, value).expect("free");
        }
        assert_eq!(names.count_select(|_, _, _| true), 3);
        assert_eq!(names.count_select(|key, _, _| *key == "one"), 1);
        assert_eq!(names.count_select(|_, actor, _| *actor == a), 2);
        assert_eq!(names.count_select(|_, _, value| *value > 1), 2);
        assert_eq!(
            names.count_select(|key, _, value| *key == "one" || *value == 3),
            2,
            "either"
        );
    }

    #[row("REG-094")]
    async fn match_as_in_the_manual() {
        let (names, (_sup, [a])) = (
            Registry::<&str, Command, (char, u32)>::unique("names"),
            actors(["a"]).await,
        );
        let _owner = own(names.spec("registry")).await;
        names.register("key", &a, ('a', 1)).expect("free");
        let entry = [(a, ('a', 1))];
        assert_eq!(names.matches(&"key", |_| true), entry);
        assert_eq!(names.matches(&"key", |(letter, _)| *letter == 'a'), entry);
        assert_eq!(names.matches(&"key", |(_, number)| *number == 1), entry);
        assert_eq!(
            names.matches(&"key", |(letter, number)| u32::from(*letter) == *number),
            []
        );
        assert_eq!(names.matches(&"key", |(_, number)| *number > 1), []);
        assert_eq!(names.matches(&"key", |(letter, _)| letter.is_alphabetic()), entry);
    }

    #[row("REG-092")]
    async fn lookup_finds_the_same_from_anywhere() {
        let (names, topics) = (Names::unique("names"), Registry::duplicate("topics"));
        let (_sup, [a, b]) = actors(["a", "b"]).await;
        let _owners = (own(names.spec("names")).await, own(topics.spec("topics")).await);
        names.register("one", &a, 1).expect("free");
        for (actor, value) in [(&a, 1), (&b, 2)] {
            topics.register("one", actor, value).expect("open");
        }
        let look = {
            let (names, topics) = (names.clone(), topics.clone());
            move || {
                let of_nobody = (names.lookup_all(&"two"), topics.lookup_all(&"two"));
                (
                    names.lookup(&"one"),
                    names.lookup_all(&"one"),
                    topics.lookup_all(&"one"),
                    of_nobody,
                )
            }
        };
        let here = look();
        let expected = (vec![(a.clone(), 1)], vec![(a.clone(), 1), (b, 2)]);
        assert_eq!(here, (Some(a.clone()), expected.0, expected.1, (vec![], vec![])));
        let elsewhere = tokio::spawn(async move { look() }).await.expect("no panic");
        assert_eq!(elsewhere, here);
        let keys: BTreeSet<_> = names.keys().into_iter().collect();
        assert_eq!(keys, ["one"].into());
    }
}

#[suite]
pub(crate) mod duplicate {
    use super::super::{actors, own};

    use hedgehog_core::{ActorRef, DuplicateRegistry, Registry};
    use hedgehog_tests::scenario::Command;

    type Topics = DuplicateRegistry<&'static str, Command, u32>;

    /// A registry in which `a` and `b` stand, with a good many entries.
    fn fill(topics: &Topics, a: &ActorRef<Command>, b: &ActorRef<Command>) {
        for (key, actor, value) in [
            ("one", a, 1),
            ("one", b, 2),
            ("one", a, 3),
            ("two", a, 1),
            ("two", b, 4),
        ] {
            topics.register(key, actor, value).expect("open");
        }
    }

    #[row("REG-064", "REG-065")]
    async fn entries_of_a_key_are_matched_by_value_and_by_any_condition() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        fill(&topics, &a, &b);
        assert_eq!(topics.matches(&"one", |_| true), topics.lookup_all(&"one"));
        assert_eq!(topics.matches(&"one", |value| *value == 2), [(b.clone(), 2)]);
        assert_eq!(
            topics.matches(&"one", |value| *value != 2),
            [(a.clone(), 1), (a.clone(), 3)]
        );
        assert_eq!(
            topics.matches(&"one", |value| *value > 1),
            [(b, 2), (a, 3)],
            "oldest first"
        );
        assert_eq!(topics.matches(&"one", |value| *value == 4), [], "of another key");
    }

    #[row("REG-079")]
    async fn select_joins_several_conditions() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        fill(&topics, &a, &b);
        let mut either = topics.select(|key, actor, value| match (*key, *value) {
            ("two", 1) => Some("first of two"),
            (_, 3..) if *actor == b => Some("a large one of b"),
            _ => None,
        });
        either.sort_unstable();
        assert_eq!(either, ["a large one of b", "first of two"]);
    }

    #[row("REG-080", "REG-081", "REG-082")]
    async fn entries_are_counted_by_key_actor_value_and_any_condition() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let _owner = own(topics.spec("registry")).await;
        assert_eq!(topics.count_select(|_, _, _| true), 0);
        fill(&topics, &a, &b);
        assert_eq!(topics.count_select(|_, _, _| true), 5);
        assert_eq!(topics.count_select(|key, _, _| *key == "two"), 2);
        assert_eq!(topics.count_select(|_, actor, _| *actor == a), 3);
        assert_eq!(topics.count_select(|_, _, value| *value == 1), 2, "an entry each");
        assert_eq!(topics.count_select(|_, _, value| *value > 2), 2);
        assert_eq!(
            topics.count_select(|key, actor, value| *key == "two" || (*actor == b && *value == 2)),
            3
        );
    }
}

#[suite]
pub(crate) mod updates {
    use super::super::{actors, own};
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use hedgehog_core::{DuplicateRegistry, Registry, Via};
    use hedgehog_tests::scenario::Command;

    type Names = Registry<&'static str, Command, u32>;

    #[row("REG-023", "REG-091")]
    async fn holder_alone_changes_the_value_of_its_key() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        let calls = Cell::new(0);
        let rise = |value: &u32| {
            calls.set(calls.get() + 1);
            value + 1
        };
        assert_eq!(names.update_value(&"one", &a, rise), None, "nobody holds it");
        names.register("one", &a, 1).expect("free");
        assert_eq!(names.update_value(&"one", &b, rise), None, "b does not hold it");
        assert_eq!(
            (names.value(&"one"), calls.get()),
            (Some(1), 0),
            "and nothing was called"
        );
        assert_eq!(
            names.update_value(&"one", &a, rise),
            Some((2, 1)),
            "the new one and the old one"
        );
        assert_eq!((names.lookup_all(&"one"), calls.get()), (vec![(a.clone(), 2)], 1));
        let nested = names.update_value(&"one", &a, |value| value + names.value(&"one").unwrap_or(0));
        assert_eq!(nested, Some((4, 2)), "it may use the registry");
        a.kill();
        a.exited().await;
        assert_eq!(names.update_value(&"one", &a, rise), None, "the dead change nothing");
    }

    #[row("REG-024")]
    async fn update_that_panics_leaves_the_value_as_it_was() {
        let (names, (_sup, [a])) = (Names::unique("names"), actors(["a"]).await);
        let _owner = own(names.spec("registry")).await;
        names.register("one", &a, 1).expect("free");
        let failing = AssertUnwindSafe(|| names.update_value(&"one", &a, |_| resume_unwind(Box::new("intended"))));
        assert!(catch_unwind(failing).is_err(), "the caller has the panic");
        assert_eq!(names.lookup_all(&"one"), [(a.clone(), 1)]);
        assert_eq!(
            names.update_value(&"one", &a, |value| value + 1),
            Some((2, 1)),
            "and nothing is stuck"
        );
    }

    #[row("REG-074", "REG-084")]
    async fn duplicate_registry_has_neither_addresses_nor_updates() {
        /// What a call gives when the registry has no such function of its own: those of a type come before a trait's.
        trait Missing {
            fn via(&self, _: &'static str) -> Absent {
                Absent
            }
            fn update_value<A, F>(&self, _: &&'static str, _: &A, _: F) -> Absent {
                Absent
            }
        }
        #[derive(Debug, PartialEq)]
        struct Absent;
        impl<R> Missing for R {}

        let (_sup, [a]) = actors(["a"]).await;
        let names = Names::unique("names");
        let topics: DuplicateRegistry<&'static str, Command, u32> = Registry::duplicate("topics");
        let _owners = (own(names.spec("names")).await, own(topics.spec("topics")).await);
        let address: Via<&'static str, Command, u32> = names.via("one");
        let absent: Absent = topics.via("one");
        assert_eq!((address.whereis(), absent), (None, Absent));

        names.register("one", &a, 1).expect("free");
        topics.register("one", &a, 1).expect("open");
        let rise = |value: &u32| value + 1;
        let changed: Option<(u32, u32)> = names.update_value(&"one", &a, rise);
        let absent: Absent = topics.update_value(&"one", &a, rise);
        assert_eq!((changed, absent), (Some((2, 1)), Absent));
        // What there is instead: everybody under the key, and an entry in place of another.
        topics.dispatch(&"one", |entries| assert_eq!(entries, [(a.clone(), 1)]));
        assert_eq!(topics.unregister_match(&"one", &a, |value| *value == 1), 1);
        topics.register("one", &a, 2).expect("open");
        assert_eq!(topics.lookup_all(&"one"), [(a, 2)]);
    }
}
