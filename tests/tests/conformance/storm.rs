//! Names and registries while everything around them dies, in real parallelism.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod names {
    use std::time::Duration;

    use hedgehog_core::{
        DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name, Registry, Strategy, Supervisor, SupervisorMsg,
    };
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, eventually, word};

    const KILLS: usize = 200;

    /// A supervisor with a name over three named workers, one of them a floor below.
    struct Subtree {
        inner: Latest<SupervisorMsg>,
        top: Name<SupervisorMsg>,
        names: Registry<&'static str, Command>,
        workers: [Probe; 3],
    }

    impl Subtree {
        fn new() -> Self {
            let journal = Journal::new();
            Self {
                inner: Latest::new(),
                top: Name::new("top"),
                names: Registry::unique("names"),
                workers: ["a", "b", "c"].map(|name| Probe::new(name, &journal)),
            }
        }

        /// The root over the registry and the subtree.
        fn root(&self) -> Supervisor {
            let (names, [a, b, c]) = (self.names.clone(), self.workers.clone());
            let own = ["a", "b", "c"].map(Name::new);
            let inner = Supervisor::spec("inner", move || {
                let below = Supervisor::spec("below", {
                    let (c, name, names) = (c.clone(), own[2].clone(), names.clone());
                    move || Supervisor::new(Strategy::OneForAll).child(c.spec().name(&name).via(names.via("c")))
                });
                Supervisor::new(Strategy::OneForAll)
                    .max_restarts(usize::MAX)
                    .child(a.spec().name(&own[0]).via(names.via("a")))
                    .child(b.spec().name(&own[1]).via(names.via("b")))
                    .child(below)
            });
            Supervisor::new(Strategy::RestForOne)
                .max_restarts(usize::MAX)
                .child(self.names.spec("names"))
                .child(inner.name(&self.top).via(self.inner.clone()))
        }

        /// Everybody lives, under a name, and is another than before.
        fn is_back(&self, killed: &hedgehog_core::ActorRef<SupervisorMsg>) -> bool {
            self.top.whereis().is_some_and(|top| top != *killed)
                && ["a", "b", "c"].iter().all(|key| self.names.lookup(key).is_some())
                && self.workers.iter().all(|worker| worker.alive() == 1)
        }
    }

    #[invariant(real_time)]
    async fn named_subtree_whose_supervisor_is_killed_again_and_again_never_finds_a_name_taken() {
        let tree = Subtree::new();
        let root = tree.root().start().await.expect("boot");
        for _ in 0..KILLS {
            let victim = tree.inner.current();
            victim.kill();
            assert_eq!(word(&victim.exited().await), "killed");
            eventually("the subtree is back", || tree.is_back(&victim)).await;
        }
        // A restart that met a taken name would have been one more incarnation, ended by its failed boot.
        assert_eq!(tree.inner.count(), KILLS + 1);
        assert_eq!(tree.workers.each_ref().map(Probe::starts), [KILLS + 1; 3]);
        assert_eq!(tree.workers.each_ref().map(Probe::most_alive), [1; 3]);
        root.stop(ExitReason::Shutdown).await;
        assert_eq!(tree.workers.each_ref().map(Probe::alive), [0; 3]);
        assert_eq!(tree.names.count(), 0);
    }

    #[invariant(real_time)]
    async fn named_children_killed_side_by_side_come_back_each_under_its_own_name() {
        let names: Registry<usize, Command> = Registry::unique("names");
        let sup = Name::new("workers");
        let workers = DynamicSupervisor::spec("workers", || DynamicSupervisor::new().max_restarts(usize::MAX));
        let root = Supervisor::new(Strategy::RestForOne)
            .child(names.spec("names"))
            .child(workers.name(&sup));
        let root = root.start().await.expect("boot");
        let sup = DynamicSupervisorRef::from(&sup);
        let journal = Journal::new();
        let probes: Vec<_> = (0..20).map(|_| Probe::new("w", &journal)).collect();
        for (key, probe) in probes.iter().enumerate() {
            sup.start_child(probe.spec().via(names.via(key))).await.expect("start");
        }
        for round in 1..=20 {
            for key in 0..probes.len() {
                names.lookup(&key).expect("it runs").kill();
            }
            let back = || probes.iter().all(|probe| probe.starts() == round + 1) && names.count() == probes.len();
            eventually("all are back", || {
                back() && (0..20).all(|key| names.lookup(&key).is_some())
            })
            .await;
        }
        assert!(
            probes
                .iter()
                .all(|probe| probe.incarnations().len() == 21 && probe.most_alive() == 1)
        );
        let stopped = tokio::time::timeout(Duration::from_secs(5), root.stop(ExitReason::Shutdown)).await;
        assert_eq!(stopped.as_ref().map(word), Ok("shutdown"));
    }

    /// As an app of the trading system looks: a registry, and beside it a dynamic supervisor of what is registered there.
    #[invariant(real_time)]
    async fn death_of_a_registry_costs_its_neighbours_no_restart_of_their_own() {
        let (names, owner) = (Registry::<usize, Command>::unique("names"), Latest::new());
        let (sup, supervisors) = (Name::new("workers"), Latest::new());
        // It may try again without end, so that each try shows as an incarnation of a worker.
        let workers = DynamicSupervisor::spec("workers", || DynamicSupervisor::new().max_restarts(usize::MAX));
        let root = Supervisor::new(Strategy::RestForOne)
            .max_restarts(usize::MAX)
            .child(names.spec("names").via(owner.clone()))
            .child(workers.name(&sup).via(supervisors.clone()))
            .start()
            .await
            .expect("boot");
        let journal = Journal::new();
        for _ in 0..KILLS {
            let dynamic = DynamicSupervisorRef::from(&sup);
            let probes: Vec<_> = (0..5).map(|_| Probe::new("w", &journal)).collect();
            for (key, probe) in probes.iter().enumerate() {
                dynamic
                    .start_child(probe.spec().via(names.via(key)))
                    .await
                    .expect("start");
            }
            let (victim, neighbour) = (owner.current(), supervisors.current());
            victim.kill();
            eventually("the tree is back", || {
                supervisors.current() != neighbour && sup.whereis().is_some()
            })
            .await;
            for probe in &probes {
                assert_eq!(
                    (probe.alive(), probe.incarnations().len()),
                    (0, 1),
                    "nobody tried to restart it"
                );
            }
        }
        assert_eq!((owner.count(), supervisors.count()), (KILLS + 1, KILLS + 1));
        root.stop(ExitReason::Shutdown).await;
    }

    #[invariant(real_time)]
    async fn of_several_claimants_of_a_name_exactly_one_gets_it() {
        const CLAIMANTS: usize = 8;
        let names = Registry::<usize, Command>::unique("names");
        let root = Supervisor::new(Strategy::RestForOne)
            .child(names.spec("names"))
            .start()
            .await
            .expect("boot");
        let journal = Journal::new();
        for round in 0..50 {
            let name = Name::new("claimed");
            let mut claims = tokio::task::JoinSet::new();
            for claimant in 0..CLAIMANTS {
                let (probe, name, via) = (Probe::new("w", &journal), name.clone(), names.via(round));
                claims.spawn(async move {
                    let sup = DynamicSupervisor::new().start().await.expect("boot");
                    // Half of them claim the name, the others the key.
                    let spec = if claimant % 2 == 0 {
                        probe.spec().name(&name)
                    } else {
                        probe.spec().via(via)
                    };
                    let started = sup.start_child(spec).await;
                    (started.is_ok(), claimant % 2, probe.starts(), sup)
                });
            }
            let outcomes = claims.join_all().await;
            for kind in [0, 1] {
                let winners = outcomes.iter().filter(|(won, of, ..)| *won && *of == kind).count();
                assert_eq!(winners, 1, "round {round}");
            }
            assert_eq!(
                outcomes.iter().map(|(_, _, starts, _)| starts).sum::<usize>(),
                2,
                "the losers never ran"
            );
            for (.., sup) in outcomes {
                sup.stop(ExitReason::Shutdown).await;
            }
            assert!(name.whereis().is_none() && names.lookup(&round).is_none());
        }
        root.stop(ExitReason::Shutdown).await;
    }
}
