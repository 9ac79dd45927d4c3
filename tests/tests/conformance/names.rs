//! When a name is taken and when it is free, for a `Name` and for a key of a `Registry`.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod lifetime {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{
        ActorRef, DynamicSupervisor, DynamicSupervisorRef, Name, RegisterError, Registry, Restart, StartError,
        Strategy, Supervisor,
    };
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, settle};
    use parking_lot::Mutex;

    type Names = Registry<&'static str, Command>;

    /// A registry that runs, and a dynamic supervisor beside it; the root is returned to keep the scenario readable.
    async fn registry_and_supervisor() -> (Names, DynamicSupervisorRef) {
        let (names, sup) = (Names::unique("names"), Name::new("workers"));
        Supervisor::new(Strategy::RestForOne)
            .child(names.spec("names"))
            .child(DynamicSupervisor::spec("workers", || DynamicSupervisor::new().max_restarts(100)).name(&sup))
            .start()
            .await
            .expect("boot");
        (names, DynamicSupervisorRef::from(&sup))
    }

    /// Refused, and by whom.
    fn holder(result: Result<ActorRef<Command>, StartError>) -> hedgehog_core::Pid {
        match result {
            Err(StartError::AlreadyRegistered { holder, .. }) => holder,
            other => panic!("the name must be taken: {other:?}"),
        }
    }

    #[row("SPEC-056")]
    async fn name_stays_taken_until_the_cleanup_of_its_holder_is_done() {
        let journal = Journal::new();
        let (names, sup) = registry_and_supervisor().await;
        let name = Name::new("a");
        let (old, new) = (Probe::new("old", &journal), Probe::new("new", &journal));
        old.stop_takes(Duration::from_secs(3));
        let first = sup
            .start_child(old.spec().name(&name).via(names.via("a")))
            .await
            .expect("start");
        first.stop(hedgehog_core::ExitReason::Shutdown);
        settle().await;
        // Two supervisors: one that stops a child serves nobody.
        let other = DynamicSupervisor::new().start().await.expect("boot");
        assert_eq!(holder(other.start_child(new.spec().name(&name)).await), first.pid());
        assert_eq!(
            holder(other.start_child(new.spec().via(names.via("a"))).await),
            first.pid()
        );
        assert_eq!(
            (old.alive(), new.starts()),
            (1, 0),
            "its cleanup still runs, and the other's pre_start never did"
        );
        sup.terminate_child(&first).await.expect("terminate");
        let second = other
            .start_child(new.spec().name(&name).via(names.via("a")))
            .await
            .expect("the name is free");
        assert_eq!(
            (name.whereis(), names.lookup(&"a")),
            (Some(second.clone()), Some(second))
        );
    }

    #[invariant]
    async fn name_is_bound_before_pre_start_runs() {
        let (names, sup) = registry_and_supervisor().await;
        let (name, via) = (Name::new("a"), names.via("a"));
        let a = Probe::new("a", &Journal::new());
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let (look, by_name, by_key) = (Arc::clone(&seen), name.clone(), names.clone());
        a.before_start(move || look.lock().push((by_name.whereis(), by_key.lookup(&"a"))));
        sup.start_child(a.spec().name(&name).via(via)).await.expect("start");
        a.crash().await;
        settle().await;
        let both = |actor: &ActorRef<Command>| (Some(actor.clone()), Some(actor.clone()));
        assert_eq!(*seen.lock(), a.incarnations().iter().map(both).collect::<Vec<_>>());
        assert_eq!(seen.lock().len(), 2);
    }

    #[invariant]
    async fn name_is_free_before_the_exit_can_be_observed() {
        let (names, sup) = registry_and_supervisor().await;
        for end in [
            Command::Fail,
            Command::Panic,
            Command::Exit(hedgehog_core::ExitReason::Normal),
        ] {
            let name = Name::new("a");
            let a = Probe::new("a", &Journal::new());
            let spec = a.spec().restart(Restart::Temporary).name(&name).via(names.via("a"));
            let actor = sup.start_child(spec.clone()).await.expect("start");
            let seen: Arc<Mutex<Vec<_>>> = Arc::default();
            let (look, by_name, by_key) = (Arc::clone(&seen), name.clone(), names.clone());
            actor.on_exit(move |_| look.lock().push((by_name.whereis(), by_key.keys(), by_key.count())));
            a.tell(end);
            actor.exited().await;
            assert_eq!(*seen.lock(), [(None, vec![], 0)], "as a monitor sees it");
            let again = DynamicSupervisor::new().start().await.expect("boot");
            let second = again.start_child(spec).await.expect("the name is free at once");
            again.terminate_child(&second).await.expect("terminate");
        }
    }

    #[invariant]
    async fn failed_start_leaves_no_name_behind() {
        let (names, sup) = registry_and_supervisor().await;
        let (name, taken) = (Name::new("a"), Name::new("taken"));
        let journal = Journal::new();
        let (a, holder_of_taken) = (Probe::new("a", &journal), Probe::new("holder", &journal));
        sup.start_child(holder_of_taken.spec().name(&taken))
            .await
            .expect("start");
        let spec = || a.spec().name(&name).via(names.via("a"));
        let nothing_left = |why: &str| {
            assert!(name.whereis().is_none(), "{why}");
            assert_eq!((names.lookup(&"a"), names.count()), (None, 0), "{why}");
            assert_eq!(a.alive(), 0, "{why}");
            assert!(a.current().exit_reason().is_some(), "{why}");
        };
        a.fail_starts(1);
        assert!(sup.start_child(spec()).await.is_err());
        nothing_left("an error");
        a.panic_starts(1);
        assert!(sup.start_child(spec()).await.is_err());
        nothing_left("a panic");
        a.decline_starts(1);
        assert!(sup.start_child(spec()).await.is_err());
        nothing_left("declined");
        assert!(sup.start_child(spec().name(&taken)).await.is_err());
        nothing_left("the last of its names is taken");
        assert_eq!(
            taken.whereis(),
            Some(holder_of_taken.current()),
            "whose holder keeps it"
        );
        assert_eq!(sup.count_children().await.expect("count").specs, 1);
        sup.start_child(spec()).await.expect("and all can be had again");
    }

    #[invariant]
    async fn address_leads_to_each_incarnation_in_turn() {
        let (names, sup) = registry_and_supervisor().await;
        let (name, via) = (Name::new("a"), names.via("a"));
        let a = Probe::new("a", &Journal::new());
        sup.start_child(a.spec().name(&name).via(names.via("a")))
            .await
            .expect("start");
        for _ in 0..3 {
            assert_eq!(via.whereis(), Some(a.current()));
            a.crash().await;
            assert_ne!(name.wait(Duration::from_secs(1)).await, None);
            name.call(Command::Ping, None).await.expect("by name");
            via.call(Command::Ping, None).await.expect("by key");
        }
        assert_eq!((a.starts(), via.whereis()), (4, Some(a.current())));
    }

    #[invariant]
    async fn end_of_a_former_holder_takes_nothing_from_the_present_one() {
        let (names, sup) = registry_and_supervisor().await;
        let journal = Journal::new();
        let (former, present) = (Probe::new("former", &journal), Probe::new("present", &journal));
        let first = sup
            .start_child(former.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        let second = sup.start_child(present.spec()).await.expect("start");
        names.register("a", &first, ()).expect("it is free");
        assert!(
            !names.unregister(&"a", &second),
            "only its holder's name can be given up"
        );
        assert!(names.unregister(&"a", &first));
        names.register("a", &second, ()).expect("it is free again");
        former.crash().await;
        assert_eq!(names.lookup(&"a"), Some(second));
        assert!(
            matches!(names.register("b", &first, ()), Err(RegisterError::NoProc)),
            "the dead hold nothing"
        );
        assert_eq!(names.keys(), ["a"]);
    }

    #[invariant]
    async fn end_of_a_registry_ends_all_that_are_registered_in_it() {
        let names = Names::unique("names");
        let journal = Journal::new();
        let [a, b] = ["a", "b"].map(|name| Probe::new(name, &journal));
        let (owner, via) = (Latest::new(), names.via("a"));
        let refused = a.spec().via(names.via("a"));
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let error = sup.start_child(refused).await.expect_err("nobody owns the registry");
        assert!(matches!(error, StartError::RegistryDown { .. }), "{error:?}");

        let _tree = Supervisor::new(Strategy::RestForOne)
            .child(names.spec("names").via(owner.clone()))
            .child(a.spec().via(names.via("a")))
            .child(b.spec())
            .start()
            .await
            .expect("boot");
        let stranger = Probe::new("stranger", &journal);
        sup.start_child(stranger.spec().restart(Restart::Temporary).via(names.via("stranger")))
            .await
            .expect("start");
        let _ = journal.take();
        owner.current().kill();
        settle().await;
        assert_eq!(stranger.exits(), ["killed"], "wherever it is supervised");
        assert_eq!((a.starts(), a.alive(), b.starts(), b.alive()), (2, 1, 2, 1));
        assert_eq!((via.whereis(), names.keys()), (Some(a.current()), vec!["a"]));
    }
}
