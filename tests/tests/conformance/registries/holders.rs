//! Who holds a key and for how long: what is left of the dead and of the refused, what an owner's end takes along, and
//! addresses.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod ends {
    use super::super::{actors, own};
    use std::fmt;
    use std::hash::{Hash, Hasher};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use hedgehog_core::{
        ActorRef, CallError, DuplicateRegistry, DynamicSupervisor, RegisterError, Registry, Restart, StartError,
    };
    use hedgehog_tests::scenario::{Command, Journal, Probe, eventually, settle};
    use parking_lot::Mutex;

    type Names = Registry<&'static str, Command, u32>;
    type Topics = DuplicateRegistry<&'static str, Command, u32>;

    #[row("REG-013", "REG-014", real_time)]
    async fn dead_holder_that_still_runs_neither_blocks_its_key_nor_takes_it_from_the_next() {
        let (names, (_others, [b])) = (Names::unique("names"), actors(["b"]).await);
        let _owner = own(names.spec("registry")).await;
        let late = Probe::new("late", &Journal::new());
        let sup = DynamicSupervisor::new()
            .kill_grace(Duration::from_millis(20))
            .start()
            .await
            .expect("boot");
        let spec = late.spec().restart(Restart::Temporary).via(names.via_value("one", 1));
        let dead = sup.start_child(spec).await.expect("start");
        dead.cast(Command::Block(Duration::from_millis(500))).expect("it runs");
        settle().await;
        dead.kill();
        dead.exited().await;
        assert_eq!(late.alive(), 1, "it has not cleaned up and holds its state");
        names.register("one", &b, 2).expect("at once");
        assert_eq!((names.lookup(&"one"), names.value(&"one")), (Some(b.clone()), Some(2)));
        eventually("the late cleanup", || late.alive() == 0).await;
        settle().await;
        assert_eq!((names.lookup(&"one"), names.value(&"one")), (Some(b), Some(2)));
    }

    #[row("REG-014")]
    async fn cleanup_that_comes_after_a_takeover_leaves_the_next_holder_alone() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let _owner = own(names.spec("registry")).await;
        let (takeover, former, next) = (names.clone(), a.clone(), b.clone());
        // Asked for before the registration, so that it runs before what the registry does at the end of its holder.
        a.on_cleanup(move || {
            assert!(takeover.unregister(&"one", &former));
            takeover.register("one", &next, 2).expect("it was given up");
        });
        names.register("one", &a, 1).expect("free");
        a.kill();
        a.exited().await;
        assert_eq!((names.lookup(&"one"), names.value(&"one")), (Some(b.clone()), Some(2)));
        b.kill();
        b.exited().await;
        assert_eq!(names.count(), 0, "whose own cleanup works as ever");
    }

    #[row("REG-013", real_time)]
    async fn key_of_a_dying_holder_goes_to_one_of_those_who_rush_for_it() {
        let names = Names::unique("names");
        let _owner = own(names.spec("registry")).await;
        let (mut holder, mut sups) = (None::<ActorRef<Command>>, Vec::new());
        for round in 0..50 {
            let (sup, [b, c]) = actors(["b", "c"]).await;
            let rush = [b, c].map(|actor| {
                let names = names.clone();
                tokio::task::spawn_blocking(move || {
                    let deadline = Instant::now() + Duration::from_secs(10);
                    while names.register("one", &actor, round).is_err() {
                        let lost = names
                            .lookup(&"one")
                            .is_some_and(|holder| names.value(&"one") == Some(round) && holder != actor);
                        if lost {
                            return None;
                        }
                        assert!(Instant::now() < deadline, "the key is stuck");
                        std::thread::yield_now();
                    }
                    Some(actor)
                })
            });
            if let Some(holder) = holder.take() {
                holder.kill();
            }
            let mut winners = Vec::new();
            for runner in rush {
                winners.extend(runner.await.expect("no panic"));
            }
            assert_eq!(winners.len(), 1, "one holder at a time");
            assert_eq!((names.lookup(&"one"), names.count()), (Some(winners[0].clone()), 1));
            holder = winners.pop();
            sups.push(sup);
        }
    }

    #[row("REG-051", "REG-052")]
    async fn refused_registration_leaves_nothing_anywhere() {
        let names: Registry<Arc<str>, Command, Arc<str>> = Registry::unique("names");
        let (_sup, [a, b]) = actors(["a", "b"]).await;
        let _owner = own(names.spec("registry")).await;
        let (one, two, value): (Arc<str>, Arc<str>, Arc<str>) = ("one".into(), "two".into(), "value".into());
        // Whoever keeps an entry, in whatever table, keeps its key and its value.
        let kept = || [&one, &two, &value].map(Arc::strong_count);
        let nothing = kept();
        names.register(one.clone(), &a, "other".into()).expect("free");
        let with_one = kept();
        assert!(with_one[0] > nothing[0] && with_one[1..] == nothing[1..]);
        for loser in [&a, &b] {
            names.register(one.clone(), loser, value.clone()).expect_err("taken");
            assert_eq!(kept(), with_one);
        }
        names.register(two.clone(), &a, "other".into()).expect("free");
        let with_both = kept();
        assert_eq!(with_both[1] - nothing[1], with_one[0] - nothing[0], "as much for each");
        for loser in [&a, &b] {
            names.register(two.clone(), loser, value.clone()).expect_err("taken");
            assert_eq!(kept(), with_both);
        }
        assert!(names.unregister(&one, &a) && names.unregister(&two, &a));
        assert_eq!(kept(), nothing);
    }

    /// A key that does something once it has been used so often, wherever in a registration that is.
    struct Fuse {
        name: &'static str,
        uses_left: Arc<AtomicUsize>,
        then: Arc<dyn Fn() + Send + Sync>,
    }

    impl Fuse {
        fn new(name: &'static str, then: impl Fn() + Send + Sync + 'static) -> Self {
            Self {
                name,
                uses_left: Arc::new(AtomicUsize::new(usize::MAX)),
                then: Arc::new(then),
            }
        }

        fn after(&self, uses: usize) {
            self.uses_left.store(uses, Ordering::SeqCst);
        }

        fn used(&self) {
            if self.uses_left.fetch_sub(1, Ordering::SeqCst) == 0 {
                self.after(usize::MAX);
                (self.then)();
            }
        }
    }

    impl Clone for Fuse {
        fn clone(&self) -> Self {
            self.used();
            Self {
                name: self.name,
                uses_left: Arc::clone(&self.uses_left),
                then: Arc::clone(&self.then),
            }
        }
    }

    impl Hash for Fuse {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.used();
            self.name.hash(state);
        }
    }

    impl PartialEq for Fuse {
        fn eq(&self, other: &Self) -> bool {
            self.used();
            self.name == other.name
        }
    }

    impl Eq for Fuse {}

    impl fmt::Debug for Fuse {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.used();
            f.write_str(self.name)
        }
    }

    #[row("REG-089")]
    async fn registration_that_breaks_off_anywhere_leaves_a_key_that_its_actors_end_frees() {
        let names: Registry<Fuse, Command> = Registry::unique("names");
        let _owner = own(names.spec("registry")).await;
        let fuse = Fuse::new("one", || resume_unwind(Box::new("intended")));
        let key = fuse.clone();
        for uses in 0.. {
            let (_sup, [a, b]) = actors(["a", "b"]).await;
            let spare = key.clone();
            fuse.after(uses);
            let whole = catch_unwind(AssertUnwindSafe(|| names.register(spare, &a, ()))).is_ok();
            fuse.after(usize::MAX);
            a.kill();
            a.exited().await;
            assert_eq!(names.count(), 0, "broken off at use {uses}");
            names.register(key.clone(), &b, ()).expect("nobody holds it");
            assert_eq!(names.lookup(&key), Some(b.clone()));
            assert!(names.unregister(&key, &b));
            if whole {
                assert!(uses > 1, "it has broken off before");
                return;
            }
        }
    }

    #[row("REG-089", "REG-090", real_time)]
    async fn actor_or_owner_that_ends_anywhere_in_a_registration_leaves_no_entry() {
        for uses in 0..12 {
            for owner_ends in [false, true] {
                let names: Registry<Fuse, Command> = Registry::unique("names");
                let (_tree, owner) = own(names.spec("registry")).await;
                let (_sup, [a, b]) = actors(["a", "b"]).await;
                let (doomed, owner) = (a.clone(), owner.current());
                let fuse = Fuse::new("one", move || {
                    let end = if owner_ends { owner.any() } else { doomed.any() };
                    end.kill();
                    let deadline = Instant::now() + Duration::from_secs(10);
                    while end.is_alive() {
                        assert!(Instant::now() < deadline, "killed for nothing");
                        std::thread::yield_now();
                    }
                });
                let (key, spare) = (fuse.clone(), fuse.clone());
                fuse.after(uses);
                let registered = names.register(spare, &a, ());
                let reached = fuse.uses_left.swap(usize::MAX, Ordering::SeqCst) > 12;
                match registered {
                    Ok(()) => assert!(!reached, "it ended before"),
                    Err(RegisterError::NoProc) => assert!(reached && !owner_ends),
                    Err(RegisterError::Down { .. }) => assert!(reached && owner_ends),
                    Err(other) => panic!("{other}"),
                }
                assert!(reached || uses > 1, "there are moments in between");
                if reached {
                    eventually("a free key", || names.register(key.clone(), &b, ()).is_ok()).await;
                    assert_eq!((names.lookup(&key), names.count()), (Some(b), 1), "use {uses}");
                }
            }
        }
    }

    #[row("REG-032")]
    async fn actor_with_a_key_left_ends_with_the_owner_and_one_without_lives_on() {
        let (names, (_sup, [a, b])) = (Names::unique("names"), actors(["a", "b"]).await);
        let (_tree, owner) = own(names.spec("registry")).await;
        for (key, actor) in [("one", &a), ("two", &a), ("three", &b), ("four", &b)] {
            names.register(key, actor, 0).expect("free");
        }
        assert!(names.unregister(&"one", &a));
        assert!(names.unregister(&"three", &b) && names.unregister(&"four", &b));
        owner.current().kill();
        assert!(a.exited().await.is_abnormal(), "it had one of two keys left");
        settle().await;
        assert!(b.is_alive());
        names.register("one", &b, 1).expect("under the next owner");
    }

    #[row("REG-072")]
    async fn actor_with_an_entry_left_ends_with_the_owner_and_one_without_lives_on() {
        let (topics, (_sup, [a, b])): (Topics, _) = (Registry::duplicate("topics"), actors(["a", "b"]).await);
        let (_tree, owner) = own(topics.spec("registry")).await;
        for (actor, value) in [(&a, 1), (&a, 2), (&b, 1), (&b, 2)] {
            topics.register("one", actor, value).expect("open");
        }
        assert_eq!(topics.unregister_match(&"one", &a, |value| *value == 1), 1);
        assert!(topics.unregister(&"one", &b));
        owner.current().kill();
        assert!(a.exited().await.is_abnormal(), "it had one of two entries left");
        settle().await;
        assert!(b.is_alive());
    }

    #[row("REG-034", "REG-073")]
    async fn registry_that_does_not_run_refuses_by_name_and_shows_nothing() {
        let (names, topics): (Names, Topics) = (Registry::unique("names"), Registry::duplicate("topics"));
        let (sup, [a]) = actors(["a"]).await;
        let down = |refused: Result<(), RegisterError>, name: &str| match refused {
            Err(error @ RegisterError::Down { .. }) => {
                let told = format!("the registry {name} is not running, start its spec first");
                assert_eq!(error.to_string(), told);
            }
            other => panic!("nobody owns it: {other:?}"),
        };
        down(names.register("one", &a, 1), "names");
        down(topics.register("one", &a, 1), "topics");
        down(names.put_meta(1_u8), "names");
        let child = Probe::new("b", &Journal::new()).spec().via(names.via("one"));
        let refused = sup.start_child(child).await;
        assert!(matches!(refused, Err(StartError::RegistryDown { registry }) if &*registry == "names"));
        assert_eq!((names.lookup(&"one"), names.keys(), names.count()), (None, vec![], 0));
        assert_eq!(
            (topics.lookup_all(&"one"), topics.keys(), topics.count()),
            (vec![], vec![], 0)
        );
        assert_eq!(names.update_value(&"one", &a, |value| value + 1), None);
        assert!(!names.unregister(&"one", &a) && !topics.unregister(&"one", &a));
        topics.dispatch(&"one", |_| panic!("nobody is there"));
        let via = names.via("one");
        assert!(via.cast(Command::Fail).is_err());
        assert!(matches!(via.call(Command::Ping, None).await, Err(CallError::NoProc)));
    }

    #[row("REG-039", "REG-040")]
    async fn key_is_registered_by_the_starting_actor_and_free_after_a_failed_start() {
        let (names, (sup, [])) = (Names::unique("names"), actors([]).await);
        let _owner = own(names.spec("registry")).await;
        let a = Probe::new("a", &Journal::new());
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let (look, by_key) = (Arc::clone(&seen), names.clone());
        a.before_start(move || look.lock().push((by_key.lookup(&"one"), by_key.value(&"one"))));
        let spec = a.spec().restart(Restart::Temporary).via(names.via_value("one", 7));
        a.fail_starts(1);
        sup.start_child(spec.clone()).await.expect_err("it fails");
        assert_eq!(names.count(), 0, "the failed one holds nothing");
        a.start_takes(Duration::from_secs(1));
        let start = tokio::spawn(async move { sup.start_child(spec).await });
        settle().await;
        let starting = names.lookup(&"one").expect("others find it while it starts");
        assert_eq!(a.alive(), 0, "its pre_start has not come to an end");
        let started = start.await.expect("no panic").expect("start");
        assert_eq!(started, starting);
        let itself: Vec<_> = a
            .incarnations()
            .into_iter()
            .map(|actor| (Some(actor), Some(7)))
            .collect();
        assert_eq!(
            (itself.len(), &*seen.lock()),
            (2, &itself),
            "as each finds itself in its pre_start"
        );
    }
}

#[suite]
pub(crate) mod addresses {
    use super::super::{actors, own};
    use std::time::Duration;

    use hedgehog_core::{ExitReason, Name, Registry, Restart, StopError};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};
    use tokio::time::Instant;

    type Names = Registry<&'static str, Command>;

    const A_WHILE: Duration = Duration::from_secs(1);

    #[invariant]
    async fn address_is_waited_for_until_somebody_holds_it() {
        let (names, name, (sup, [])) = (Names::unique("names"), Name::new("name"), actors([]).await);
        let _owner = own(names.spec("registry")).await;
        let (via, begun) = (names.via("one"), Instant::now());
        assert_eq!((via.wait(A_WHILE).await, name.wait(A_WHILE).await), (None, None));
        assert_eq!(begun.elapsed(), 2 * A_WHILE);
        let a = Probe::new("a", &Journal::new());
        let spec = a.spec().via(names.via("one")).name(&name);
        let later = async {
            tokio::time::sleep(A_WHILE / 2).await;
            sup.start_child(spec).await.expect("start")
        };
        let (by_key, by_name, started) = tokio::join!(via.wait(A_WHILE), name.wait(A_WHILE), later);
        assert_eq!((by_key, by_name), (Some(started.clone()), Some(started)));
        a.crash().await;
        let (by_key, by_name) = tokio::join!(via.wait(A_WHILE), name.wait(A_WHILE));
        assert_eq!(
            (by_key, by_name),
            (Some(a.current()), Some(a.current())),
            "across a restart"
        );
    }

    #[invariant]
    async fn address_stops_its_holder() {
        let (names, name, (sup, [])) = (Names::unique("names"), Name::new("name"), actors([]).await);
        let _owner = own(names.spec("registry")).await;
        let (via, a) = (names.via("one"), Probe::new("a", &Journal::new()));
        let spec = a.spec().restart(Restart::Temporary).via(names.via("one")).name(&name);
        assert!(!via.stop(ExitReason::Shutdown) && !name.stop(ExitReason::Shutdown));
        let nobody = via.stop_and_wait(ExitReason::Shutdown, None).await;
        assert_eq!(nobody.expect_err("nobody is there"), StopError::NoProc);
        for by_key in [true, false] {
            let started = sup.start_child(spec.clone()).await.expect("start");
            assert!(if by_key {
                via.stop(ExitReason::Shutdown)
            } else {
                name.stop(ExitReason::Shutdown)
            });
            assert!(matches!(started.exited().await, ExitReason::Shutdown));
        }
        let _started = sup.start_child(spec).await.expect("start");
        let reason = via.stop_and_wait(ExitReason::Normal, A_WHILE).await.expect("in time");
        assert!(matches!(reason, ExitReason::Normal), "{reason}");
        settle().await;
        assert_eq!((a.starts(), names.count(), name.whereis()), (3, 0, None));
    }
}
