//! Partition supervisors: one child many times over, each serving its share of the keys.

use std::num::NonZeroUsize;

use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, PartitionSupervisor, RpcReplyPort,
};
use hedgehog_tests::suite;

/// What the partitions of these cases understand.
enum Ask {
    /// Which partition it is.
    Number(RpcReplyPort<usize>),
    Fail,
}

/// A partition's child that knows its number.
struct Numbered(usize);

impl Actor for Numbered {
    type Msg = Ask;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Ask>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ractor::ActorRef<Ask>, ask: Ask, (): &mut ()) -> Result<(), ActorProcessingErr> {
        match ask {
            Ask::Number(reply) => drop(reply.send(self.0)),
            Ask::Fail => return Err("told to".into()),
        }
        Ok(())
    }
}

/// So many partitions that know their numbers.
fn numbered(partitions: usize) -> PartitionSupervisor<Ask> {
    let child = |partition| ChildSpec::worker("numbered", move || (Numbered(partition), ()));
    PartitionSupervisor::new(child).partitions(NonZeroUsize::new(partitions).expect("at least one"))
}

/// So many dynamic supervisors.
fn supervisors(partitions: usize) -> PartitionSupervisor<DynamicSupervisorMsg> {
    PartitionSupervisor::new(|_| DynamicSupervisor::spec("inner", DynamicSupervisor::new))
        .partitions(NonZeroUsize::new(partitions).expect("at least one"))
}

#[suite]
pub(crate) mod routing {
    use std::collections::BTreeSet;
    use std::marker::PhantomData;
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use hedgehog_core::{
        Bind, CallError, ChildCount, ChildKind, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name,
        NoProc, PartitionSupervisor, PartitionSupervisorRef, PartitionVia, Registry, ResizeError, Restart, StartError,
        Strategy, Supervisor, Task, TaskMsg, Via,
    };
    use hedgehog_tests::scenario::{INTENDED, Journal, Probe, settle};

    use super::{Ask, numbered, supervisors};

    fn idle(id: String) -> ChildSpec<TaskMsg> {
        Task::spec(id, std::future::pending::<Result<(), String>>)
    }

    async fn number(via: &PartitionVia<Ask>) -> Result<usize, CallError> {
        via.call(Ask::Number, None).await
    }

    #[row("PART-001", "PART-002")]
    async fn pool_is_called_as_the_name_it_has() {
        let registry = Registry::<_, _>::unique("pools");
        let name = Name::new("local");
        let spec = || PartitionSupervisor::child_spec(|| numbered(1));
        let root = Supervisor::new(Strategy::OneForOne)
            .child(registry.spec("registry"))
            .child(spec().name(&name))
            .child(spec().via(registry.via("key")))
            .start()
            .await
            .expect("boot");
        let children = root.which_children().await.expect("it runs");
        let ids: Vec<_> = children.iter().map(|child| &*child.id).collect();
        assert_eq!(ids, ["registry", "local", "pools/\"key\""]);
    }

    #[row("PART-003")]
    async fn children_of_a_hundred_keys_spread_over_one_partition_for_each_core() {
        let pool = Name::new("pool");
        let default = || PartitionSupervisor::new(|_| DynamicSupervisor::spec("inner", DynamicSupervisor::new));
        let _root = Supervisor::new(Strategy::OneForOne)
            .child(PartitionSupervisor::spec("pool", default).name(&pool))
            .start()
            .await
            .expect("boot");
        let pool = PartitionSupervisorRef::from(&pool);
        let cores = std::thread::available_parallelism().expect("a number of cores").get();
        assert_eq!(pool.partitions(), Ok(cores));

        for key in 0..100 {
            let partition = DynamicSupervisorRef::from(pool.via(key));
            partition.start_child(idle(key.to_string())).await.expect("start");
        }
        let mut found = Vec::new();
        for partition in 0..cores {
            let partition = DynamicSupervisorRef::from(pool.via(partition));
            for child in partition.which_children().await.expect("the partition runs") {
                found.push(child.id.parse::<i32>().expect("a key"));
            }
        }
        found.sort_unstable();
        assert_eq!(found, (0..100).collect::<Vec<_>>());
    }

    #[row("PART-004", "PART-022", "PART-012")]
    async fn pool_named_through_a_registry_is_routed_to_counted_and_stopped_by_that_name() {
        let registry = Registry::<&str, _>::unique("pools");
        let root = Supervisor::new(Strategy::OneForOne).child(registry.spec("registry"));
        let root = root.start().await.expect("boot");
        let spec = PartitionSupervisor::spec("pool", || numbered(2)).restart(Restart::Temporary);
        root.start_child(spec.via(registry.via("pool"))).await.expect("start");

        let via = registry.via("pool");
        let pool = PartitionSupervisorRef::from(&via);
        assert_eq!(number(&pool.via(1)).await.expect("an answer"), 1);
        let count = pool.count_children().await.expect("it runs");
        assert_eq!((count.specs, count.active, count.workers), (2, 2, 2));

        let actor = pool.whereis().expect("it runs");
        assert!(matches!(pool.stop(ExitReason::Shutdown).await, ExitReason::Shutdown));
        assert!(!actor.is_alive());
        assert!(registry.lookup(&"pool").is_none());
        assert!(pool.via(1).whereis().is_none());
    }

    #[row("PART-005")]
    async fn each_partition_gets_its_number_and_integers_are_taken_modulo() {
        let pool = numbered(3).start().await.expect("boot");
        for (key, partition) in [(0, 0), (1, 1), (2, 2), (3, 0), (-1, 1)] {
            assert_eq!(number(&pool.via(key)).await.expect("an answer"), partition, "{key}");
        }
    }

    #[row("PART-023")]
    async fn key_stays_with_its_partition_while_their_number_does() {
        let pool = numbered(8).start().await.expect("boot");
        for key in [-17_i64, 0, 5, 23, i64::MAX] {
            let partition = (key.unsigned_abs() % 8) as usize;
            assert_eq!(number(&pool.via(key)).await.expect("an answer"), partition, "{key}");
        }
        // A number in another coat is the same key, whatever its width.
        assert_eq!(number(&pool.via(23_u8)).await.expect("an answer"), 7);

        let keys: Vec<_> = (0..64).map(|n| format!("key {n}")).collect();
        let mut before = Vec::new();
        for key in &keys {
            before.push(number(&pool.via(key)).await.expect("an answer"));
        }
        assert_eq!(
            before.iter().collect::<BTreeSet<_>>().len(),
            8,
            "all of them serve some"
        );
        // Neither other keys nor a detour over another size change it; a second pool of that size has the same.
        pool.resize(3).await.expect("resize");
        pool.resize(8).await.expect("resize");
        let twin = numbered(8).start().await.expect("boot");
        for (key, partition) in keys.iter().zip(&before) {
            assert_eq!(number(&pool.via(key)).await.expect("an answer"), *partition, "{key}");
            assert_eq!(number(&twin.via(key.as_str())).await.expect("an answer"), *partition);
        }
    }

    #[row("PART-008")]
    async fn no_partitions_at_all_cannot_be_asked_for() {
        // The signature says it: there is no `NonZeroUsize` of zero.
        let partitions: fn(PartitionSupervisor<Ask>, NonZeroUsize) -> PartitionSupervisor<Ask> =
            PartitionSupervisor::partitions;
        assert_eq!(NonZeroUsize::new(0), None);
        let pool = partitions(numbered(4), NonZeroUsize::MIN);
        assert_eq!(pool.start().await.expect("boot").partitions(), Ok(1));
    }

    #[row("PART-011")]
    async fn name_is_free_when_a_stop_returns() {
        let name = Name::new("pool");
        let root = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        for _ in 0..2 {
            let spec = PartitionSupervisor::spec("pool", || numbered(2)).name(&name);
            let spec = spec.restart(Restart::Temporary);
            let actor = root.start_child(spec).await.expect("the name is free");
            let partition = PartitionSupervisorRef::from(&name).via(0).whereis().expect("it runs");
            PartitionSupervisorRef::from(&name).stop(ExitReason::Normal).await;
            assert!(name.whereis().is_none() && !actor.is_alive() && !partition.is_alive());
            // Its spec is dropped by the root, which hears of the exit later.
            settle().await;
        }
    }

    #[row("PART-013", "PART-021")]
    async fn name_that_nobody_holds_has_neither_partitions_nor_a_count() {
        let nobody = PartitionSupervisorRef::<Ask>::from(&Name::new("nobody"));
        assert_eq!(nobody.partitions(), Err(NoProc));
        assert_eq!(nobody.count_children().await, Err(NoProc));
        assert!(nobody.which_children().await.is_err());
        assert!(matches!(nobody.resize(1).await, Err(ResizeError::NoProc)));
        assert!(matches!(number(&nobody.via(1)).await, Err(CallError::NoProc)));
        assert!(nobody.via(1).wait(Duration::from_secs(1)).await.is_none());
    }

    #[row("PART-014")]
    async fn registry_key_that_nobody_holds_has_no_partitions() {
        let registry = Registry::<&str, _>::unique("pools");
        let root = Supervisor::new(Strategy::OneForOne).child(registry.spec("registry"));
        let _root = root.start().await.expect("boot");
        let via: Via<_, _> = registry.via("nobody");
        let nobody = PartitionSupervisorRef::<Ask>::from(&via);
        assert_eq!(nobody.partitions(), Err(NoProc));
        assert!(nobody.via(1).whereis().is_none());
    }

    #[row("PART-018")]
    async fn which_children_numbers_the_partitions_as_routing_does() {
        let pool = supervisors(5).start().await.expect("boot");
        let children = pool.which_children().await.expect("it runs");
        assert_eq!(children.len(), 5);
        for (partition, child) in children.iter().enumerate() {
            assert_eq!(child.id, partition.to_string());
            assert_eq!(child.kind, ChildKind::Supervisor);
            let routed = pool.via(partition).whereis().expect("it runs");
            assert_eq!(child.pid(), Some(routed.pid()));
        }
    }

    #[row("PART-019", "PART-020")]
    async fn count_tells_workers_and_supervisors_apart() {
        let ChildCount {
            specs,
            active,
            supervisors: above,
            workers,
            ..
        } = numbered(4)
            .start()
            .await
            .expect("boot")
            .count_children()
            .await
            .expect("it runs");
        assert_eq!((specs, active, above, workers), (4, 4, 0, 4));
        let count = supervisors(3).start().await.expect("boot").count_children().await;
        let count = count.expect("it runs");
        assert_eq!(
            (count.specs, count.active, count.supervisors, count.workers),
            (3, 3, 3, 0)
        );
    }

    #[row("PART-024")]
    async fn crashed_partition_is_restarted_alone_and_found_again() {
        let pool = numbered(3).start().await.expect("boot");
        let [zero, one, two] = [0, 1, 2].map(|key| pool.via(key));
        let before = [&zero, &one, &two].map(|via| via.whereis().expect("it runs"));
        // Three restarts within five seconds are borne, as by any supervisor.
        for _ in 0..3 {
            let crashed = one.whereis().expect("it runs");
            one.cast(Ask::Fail).map_err(drop).expect("it takes messages");
            crashed.exited().await;
            let next = one.wait(Duration::from_secs(1)).await.expect("it is restarted");
            assert_ne!(next, crashed);
            assert_eq!(number(&one).await.expect("an answer"), 1, "the number stays");
        }
        assert_eq!(
            [zero.whereis().as_ref(), two.whereis().as_ref()],
            [Some(&before[0]), Some(&before[2])]
        );
        let supervisor = pool.whereis().expect("it runs");
        one.cast(Ask::Fail).map_err(drop).expect("it takes messages");
        assert!(matches!(supervisor.exited().await, ExitReason::Shutdown));
        assert!(zero.whereis().is_none());
    }

    #[row("PART-027")]
    fn route_is_an_address_to_send_to_and_none_to_register_under() {
        /// Finds out whether `T` is a `Bind`: of two methods of one name the compiler takes the one that needs no borrow more.
        struct Type<T>(PhantomData<T>);
        trait IsBind {
            fn is_bind(&self) -> bool {
                true
            }
        }
        impl<T: Bind<Ask>> IsBind for Type<T> {}
        trait IsNoBind {
            fn is_bind(&self) -> bool {
                false
            }
        }
        impl<T> IsNoBind for &Type<T> {}
        let (name, route) = (&Type::<Name<Ask>>(PhantomData), &Type::<PartitionVia<Ask>>(PhantomData));
        assert!(name.is_bind() && !route.is_bind());
    }

    #[invariant]
    async fn route_by_name_follows_a_restart_of_the_whole_pool() {
        let name = Name::new("pool");
        let spec = PartitionSupervisor::spec("pool", || supervisors(2)).name(&name);
        let root = Supervisor::new(Strategy::OneForOne).child(spec);
        let _root = root.start().await.expect("boot");
        let pool = PartitionSupervisorRef::from(&name);
        pool.resize(0).await.expect("resize");
        let partition = DynamicSupervisorRef::from(pool.via("key"));
        let refused = partition.start_child(idle("early".into())).await;
        assert!(matches!(refused, Err(StartError::NoProc)), "{refused:?}");

        let killed = pool.whereis().expect("it runs");
        killed.kill();
        killed.exited().await;
        // Asked in the middle of the restart: waits it out, and finds all partitions back.
        partition.start_child(idle("late".into())).await.expect("start");
        assert_eq!(pool.partitions(), Ok(2));
        assert_eq!(partition.count_children().await.expect("it runs").active, 1);
    }

    #[invariant]
    async fn panic_of_the_closure_and_a_partition_that_does_not_start_fail_the_start() {
        let panicking = PartitionSupervisor::<Ask>::new(|_| panic!("{INTENDED}no child"));
        let error = panicking.start().await.expect_err("it panics");
        assert!(matches!(error, StartError::Panicked(_)), "{error:?}");

        let journal = Journal::new();
        let [good, bad] = ["good", "bad"].map(|name| Probe::new(name, &journal));
        bad.fail_starts(1);
        let probes = [good.clone(), bad];
        let failing = PartitionSupervisor::new(move |partition| probes[partition].spec());
        let failing = failing.partitions(NonZeroUsize::new(2).expect("not zero"));
        let error = failing.start().await.expect_err("the second does not start");
        assert!(
            matches!(&error, StartError::FailedToStartChild { id, .. } if id == "1"),
            "{error:?}"
        );
        assert_eq!(good.alive(), 0);
    }
}

#[suite]
pub(crate) mod resize {
    use std::collections::BTreeSet;
    use std::num::NonZeroUsize;
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{
        CallError, ExitReason, PartitionSupervisor, PartitionSupervisorRef, ResizeError, RestartError, StartError,
        Strategy,
    };
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};

    use super::{Ask, numbered};

    /// A pool of these probes, in this order.
    fn pool_of(probes: &[Probe]) -> PartitionSupervisor<Command> {
        let partitions = NonZeroUsize::new(probes.len()).expect("at least one");
        let probes: Arc<[Probe]> = probes.into();
        PartitionSupervisor::new(move |partition| probes[partition].spec()).partitions(partitions)
    }

    /// Asserts that `partitions` of eight serve all keys, and no others do.
    async fn assert_serving(pool: &PartitionSupervisorRef<Ask>, partitions: usize) {
        assert_eq!(pool.partitions(), Ok(partitions));
        let count = pool.count_children().await.expect("it runs");
        assert_eq!((count.active, count.specs, count.workers), (partitions, 8, 8));
        let mut reached = BTreeSet::new();
        for key in 0..8 {
            match pool.via(key).call(Ask::Number, None).await {
                Ok(number) => drop(reached.insert(number)),
                Err(error) => assert!(partitions == 0 && matches!(error, CallError::NoProc), "{error}"),
            }
        }
        assert_eq!(reached, (0..partitions).collect());
    }

    #[row("PART-015")]
    async fn number_of_partitions_follows_down_up_and_in_any_order() {
        let pool = numbered(8).start().await.expect("boot");
        let down_and_up = (0..=8).rev().chain(0..=8);
        let mut before = 8;
        for partitions in down_and_up.chain([3, 8, 1, 5, 0, 7, 2, 6, 4, 4]) {
            assert_eq!(pool.resize(partitions).await.expect("resize"), before);
            assert_serving(&pool, partitions).await;
            before = partitions;
        }
    }

    #[row("PART-016")]
    async fn no_partitions_lead_nowhere_until_there_are_some_again() {
        let pool = numbered(8).start().await.expect("boot");
        let via = pool.via(5);
        assert_eq!(pool.resize(0).await.expect("resize"), 8);
        assert!(via.whereis().is_none());
        assert!(via.cast(Ask::Fail).is_err(), "the message comes back");
        assert!(matches!(via.call(Ask::Number, None).await, Err(CallError::NoProc)));
        assert!(via.wait(Duration::from_mins(1)).await.is_none());
        assert_eq!(pool.resize(8).await.expect("resize"), 0);
        assert_eq!(via.call(Ask::Number, None).await.expect("an answer"), 5);
    }

    #[row("PART-017")]
    async fn more_than_at_the_start_is_refused_and_changes_nothing() {
        let pool = numbered(8).start().await.expect("boot");
        pool.resize(6).await.expect("resize");
        let error = pool.resize(9).await.expect_err("too many");
        assert!(
            matches!(error, ResizeError::TooMany { requested: 9, max: 8 }),
            "{error:?}"
        );
        assert_eq!(error.to_string(), "9 partitions are more than the 8 of the start");
        assert_serving(&pool, 6).await;
    }

    #[row("PART-025")]
    async fn keys_never_lead_to_a_partition_that_is_being_stopped_or_started() {
        let journal = Journal::new();
        let probes = ["zero", "one"].map(|name| Probe::new(name, &journal));
        let [zero, one] = &probes;
        let pool = pool_of(&probes).start().await.expect("boot");
        one.stop_takes(Duration::from_secs(2));
        one.start_takes(Duration::from_secs(2));
        let resize = |partitions| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.resize(partitions).await })
        };
        assert_eq!(pool.via(1).whereis(), Some(one.current()));

        let shrinking = resize(1);
        settle().await;
        assert!(one.current().is_alive(), "it is still stopping");
        assert_eq!(
            (pool.partitions(), pool.via(1).whereis()),
            (Ok(1), Some(zero.current()))
        );
        assert_eq!(shrinking.await.expect("a task").expect("resize"), 2);
        assert!(!one.current().is_alive(), "it is gone when the resize returns");

        let growing = resize(2);
        settle().await;
        assert_eq!((one.starts(), one.alive()), (2, 0), "it is still starting");
        assert_eq!(
            (pool.partitions(), pool.via(1).whereis()),
            (Ok(1), Some(zero.current()))
        );
        assert_eq!(growing.await.expect("a task").expect("resize"), 1);
        assert_eq!((pool.partitions(), pool.via(1).whereis()), (Ok(2), Some(one.current())));
    }

    #[row("PART-026")]
    async fn concurrent_resizes_take_turns() {
        let journal = Journal::new();
        let probes = ["zero", "one", "two", "three"].map(|name| Probe::new(name, &journal));
        for probe in &probes {
            probe.stop_takes(Duration::from_secs(1));
            probe.start_takes(Duration::from_millis(1));
        }
        let pool = pool_of(&probes).start().await.expect("boot");
        drop(journal.take());
        let resizes = [1, 4, 2].map(|partitions| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.resize(partitions).await })
        });
        let mut before = Vec::new();
        for resize in resizes {
            before.push(resize.await.expect("a task").expect("resize"));
        }
        assert_eq!(before, [4, 1, 4]);
        assert_eq!(
            journal.take_only(&["start", "stop"]),
            "stop three, stop two, stop one, start one, start two, start three, stop three, stop two"
        );
        assert_eq!(pool.partitions(), Ok(2));
        assert_eq!(pool.count_children().await.expect("it runs").active, 2);
    }

    #[invariant]
    async fn partition_that_does_not_start_again_leaves_the_number_as_it_was() {
        let journal = Journal::new();
        let probes = ["zero", "one", "two"].map(|name| Probe::new(name, &journal));
        let pool = pool_of(&probes).start().await.expect("boot");
        pool.resize(1).await.expect("resize");
        probes[2].fail_starts(1);
        let error = pool.resize(3).await.expect_err("two does not start");
        assert!(
            matches!(
                &error,
                ResizeError::Partition {
                    partition: 2,
                    source: RestartError::Start(StartError::Failed(_))
                }
            ),
            "{error:?}"
        );
        assert_eq!(pool.partitions(), Ok(1));
        assert_eq!(probes.each_ref().map(Probe::alive), [1, 0, 0]);
        assert_eq!(pool.resize(3).await.expect("this time it does"), 1);
    }

    #[invariant]
    async fn surplus_partition_stays_stopped_when_its_group_is_restarted() {
        let journal = Journal::new();
        let probes = ["zero", "one"].map(|name| Probe::new(name, &journal));
        let pool = pool_of(&probes)
            .strategy(Strategy::OneForAll)
            .start()
            .await
            .expect("boot");
        pool.resize(1).await.expect("resize");
        probes[0].crash().await;
        settle().await;
        assert_eq!(probes.each_ref().map(Probe::alive), [1, 0]);
        pool.resize(2).await.expect("resize");
        assert_eq!(probes.each_ref().map(Probe::alive), [1, 1]);
    }

    #[invariant]
    async fn dropped_resize_is_finished_by_the_next() {
        let journal = Journal::new();
        let probes = ["zero", "one", "two"].map(|name| Probe::new(name, &journal));
        let pool = pool_of(&probes).start().await.expect("boot");
        probes[2].stop_takes(Duration::from_secs(1));
        let dropped = tokio::time::timeout(Duration::from_millis(10), pool.resize(1)).await;
        assert!(dropped.is_err(), "it was dropped while it stopped two");
        assert_eq!(pool.partitions(), Ok(1));
        assert_eq!(probes[1].alive(), 1, "one was not asked yet");
        assert_eq!(pool.resize(1).await.expect("resize"), 1);
        assert_eq!(probes.each_ref().map(Probe::alive), [1, 0, 0]);
        pool.stop(ExitReason::Shutdown).await;
        assert_eq!(probes[0].alive(), 0);
    }
}
