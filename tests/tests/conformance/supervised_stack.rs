//! A stack under a supervisor, as Elixir's own tests have it: how it is described, found, started, stopped and started again.

use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, ExitReason, RpcReplyPort};
use hedgehog_tests::suite;

/// Keeps what is pushed.
struct Stack;

enum Msg {
    Push(u32),
    Pop(RpcReplyPort<Option<u32>>),
    Stop(ExitReason),
}

impl Actor for Stack {
    type Msg = Msg;
    type State = Vec<u32>;
    type Arguments = Vec<u32>;

    async fn pre_start(&self, _: ractor::ActorRef<Msg>, full: Vec<u32>) -> Result<Vec<u32>, ActorProcessingErr> {
        Ok(full)
    }

    async fn handle(&self, _: ractor::ActorRef<Msg>, msg: Msg, stack: &mut Vec<u32>) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::Push(value) => stack.push(value),
            Msg::Pop(reply) => drop(reply.send(stack.pop())),
            Msg::Stop(reason) => return Err(reason.into()),
        }
        Ok(())
    }
}

impl Stack {
    /// What `use GenServer` generates.
    fn child_spec(full: Vec<u32>) -> ChildSpec<Msg> {
        ChildSpec::of(move || (Stack, full.clone()))
    }
}

#[suite]
pub(crate) mod descriptions {
    use std::marker::PhantomData;
    use std::time::Duration;

    use hedgehog_core::{
        AnyChildSpec, AutoShutdown, ChildKind, ChildSpec, ExitReason, Message, Name, Restart, Shutdown, StartError,
        Strategy, Supervisor, SupervisorMsg, Task,
    };
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    use super::{Msg, Stack};

    /// A supervisor with a stack, as a module of its own would define it.
    struct Stacks;

    impl Stacks {
        fn init(full: Vec<u32>, name: &Name<Msg>) -> Supervisor {
            Supervisor::new(Strategy::OneForOne).child(Stack::child_spec(full).name(name))
        }

        /// What `use Supervisor` generates.
        fn child_spec(full: Vec<u32>, name: Name<Msg>) -> ChildSpec<SupervisorMsg> {
            Supervisor::spec("Stacks", move || Self::init(full.clone(), &name))
        }
    }

    /// What a supervisor makes of `spec`.
    async fn kept<M: Message>(spec: ChildSpec<M>) -> AnyChildSpec {
        let sup = Supervisor::new(Strategy::OneForOne).auto_shutdown(AutoShutdown::AnySignificant);
        let sup = sup.child(spec).start().await.expect("boot");
        let id = sup.which_children().await.expect("it runs")[0].id.clone();
        let spec = sup.get_child_spec(id).await.expect("it runs").expect("it is a child");
        sup.stop(ExitReason::Shutdown).await;
        spec
    }

    #[row("ESUP-001")]
    async fn supervisor_defined_by_a_type_has_a_spec_whose_parts_can_be_replaced() {
        let name = Name::new("stack");
        let spec = || Stacks::child_spec(vec![1], name.clone());
        let plain = kept(spec()).await;
        assert_eq!((&*plain.id, plain.kind), ("Stacks", ChildKind::Supervisor));
        assert_eq!(
            (plain.restart, plain.shutdown),
            (Restart::Permanent, Shutdown::Infinity)
        );

        let other = kept(spec().id("other").restart(Restart::Temporary)).await;
        assert_eq!((&*other.id, other.restart), ("other", Restart::Temporary));
        assert_eq!((other.kind, other.shutdown), (plain.kind, plain.shutdown));
        assert_eq!(
            kept(spec().shutdown(Shutdown::BrutalKill)).await.shutdown,
            Shutdown::BrutalKill
        );

        let unnamed = || Supervisor::child_spec(|| Supervisor::new(Strategy::OneForOne));
        assert_eq!(kept(unnamed()).await.id, "Supervisor");
        assert_eq!(kept(unnamed().name(&Name::new("stacks"))).await.id, "stacks");
    }

    #[row("ESUP-002")]
    async fn child_is_called_as_its_type_and_overrides_replace_one_part_each() {
        let plain = kept(Stack::child_spec(vec![])).await;
        assert_eq!((&*plain.id, plain.kind), ("Stack", ChildKind::Worker));
        assert_eq!(
            (plain.restart, plain.shutdown, plain.significant, plain.drain),
            (
                Restart::Permanent,
                Shutdown::Timeout(Duration::from_secs(5)),
                false,
                false
            )
        );
        let changed = |change: fn(ChildSpec<Msg>) -> ChildSpec<Msg>| kept(change(Stack::child_spec(vec![])));
        let renamed = changed(|spec| spec.id("other")).await;
        assert_eq!(&*renamed.id, "other");
        let transient = changed(|spec| spec.restart(Restart::Transient)).await;
        assert_eq!(transient.restart, Restart::Transient);
        let killed = changed(|spec| spec.shutdown(Shutdown::BrutalKill)).await;
        assert_eq!(killed.shutdown, Shutdown::BrutalKill);
        let drained = changed(ChildSpec::drain).await;
        assert!(drained.drain);
        // Each of them differs from the plain one in one part.
        let parts = |spec: &AnyChildSpec| {
            let AnyChildSpec {
                id,
                restart,
                shutdown,
                drain,
                ..
            } = spec.clone();
            [
                id.to_string(),
                format!("{restart:?}"),
                format!("{shutdown:?}"),
                drain.to_string(),
            ]
        };
        for (at, spec) in [renamed, transient, killed, drained].iter().enumerate() {
            let differing: Vec<_> = (0..4)
                .filter(|part| parts(spec)[*part] != parts(&plain)[*part])
                .collect();
            assert_eq!(differing, [at]);
        }
        let task = kept(Task::spec("task", std::future::pending::<Result<(), String>>)).await;
        assert_eq!(
            task.restart,
            Restart::Temporary,
            "a kind of child may have its own defaults"
        );
        let written_out = ChildSpec::worker("Stack", || (Stack, vec![]));
        assert_eq!(kept(written_out).await, plain);
    }

    #[row("ESUP-004")]
    async fn supervisor_bears_three_restarts_in_five_seconds_unless_told_otherwise() {
        // The last restart comes when the first is so old: `None` where it is one too many.
        let survives = |sup: Supervisor, crashes: usize, apart: Duration| async move {
            let a = Probe::new("a", &Journal::new());
            let sup = sup.child(a.spec()).start().await.expect("boot");
            for crash in 0..crashes {
                if crash + 1 == crashes {
                    tokio::time::sleep(apart).await;
                }
                a.crash().await;
                settle().await;
            }
            sup.whereis().is_some()
        };
        let plain = || Supervisor::new(Strategy::OneForOne);
        assert!(survives(plain(), 3, Duration::ZERO).await);
        assert!(!survives(plain(), 4, Duration::from_millis(4_900)).await);
        assert!(survives(plain(), 4, Duration::from_millis(5_100)).await);
        let told = || plain().max_restarts(1).max_seconds(Duration::from_secs(1));
        assert!(!survives(told(), 2, Duration::from_millis(900)).await);
        assert!(survives(told(), 2, Duration::from_millis(1_100)).await);

        let significant = || Task::spec("a", std::future::pending::<Result<(), String>>).significant();
        let refused = plain().child(significant()).start().await;
        assert!(
            matches!(refused, Err(StartError::SignificantNeedsAutoShutdown { .. })),
            "{refused:?}"
        );
        let accepted = plain().auto_shutdown(AutoShutdown::AllSignificant).child(significant());
        assert!(accepted.start().await.is_ok());
    }

    /// Whether a type can be had without saying anything, asked in a way that compiles either way.
    struct Unasked<T>(PhantomData<T>);

    trait Without {
        const EXISTS: bool = false;
    }

    impl<T> Without for Unasked<T> {}

    impl<T: Default> Unasked<T> {
        const EXISTS: bool = true;
    }

    #[row("ESUP-005")]
    async fn supervisor_cannot_be_had_without_a_strategy() {
        let constructor: fn(Strategy) -> Supervisor = Supervisor::new;
        let exists = [
            Unasked::<Vec<Strategy>>::EXISTS,
            Unasked::<Strategy>::EXISTS,
            Unasked::<Supervisor>::EXISTS,
        ];
        assert_eq!(exists, [true, false, false]);
        for (strategy, restarted) in [
            (Strategy::OneForOne, [1, 2, 1]),
            (Strategy::OneForAll, [2, 2, 2]),
            (Strategy::RestForOne, [1, 2, 2]),
        ] {
            let probes = ["a", "b", "c"].map(|name| Probe::new(name, &Journal::new()));
            let sup = probes
                .iter()
                .fold(constructor(strategy), |sup, probe| sup.child(probe.spec()));
            let _sup = sup.start().await.expect("boot");
            probes[1].crash().await;
            settle().await;
            assert_eq!(probes.each_ref().map(Probe::starts), restarted, "{strategy:?}");
        }
    }

    #[row("ESUP-013")]
    async fn supervisor_defined_by_a_type_starts_its_child_as_a_root_and_below_another() {
        let name = Name::new("stack");
        let root = Stacks::init(vec![1, 2], &name).start().await.expect("boot");
        assert_eq!(name.call(Msg::Pop, None).await.expect("it answers"), Some(2));
        assert_eq!(word(&root.stop(ExitReason::Normal).await), "normal");

        let above = Supervisor::new(Strategy::OneForOne).child(Stacks::child_spec(vec![3], name.clone()));
        let above = above.start().await.expect("boot");
        assert_eq!(name.call(Msg::Pop, None).await.expect("it answers"), Some(3));
        above.stop(ExitReason::Normal).await;
    }
}

#[suite]
pub(crate) mod life {
    use std::time::Duration;

    use hedgehog_core::{
        ChildCount, ChildKind, ChildState, DeleteError, ExitReason, Name, Registry, Shutdown, Strategy, Supervisor,
        SupervisorMsg, SupervisorRef,
    };
    use hedgehog_tests::scenario::{settle, word};

    use super::{Msg, Stack};

    async fn empty() -> SupervisorRef {
        Supervisor::new(Strategy::OneForOne).start().await.expect("boot")
    }

    fn numbers(count: ChildCount) -> [usize; 4] {
        [count.specs, count.active, count.supervisors, count.workers]
    }

    fn with_a_stack() -> Supervisor {
        Supervisor::new(Strategy::OneForOne).child(Stack::child_spec(vec![7]))
    }

    #[row("ESUP-007")]
    async fn supervisor_is_queried_and_stopped_through_its_key_in_a_registry() {
        let registry: Registry<&str, SupervisorMsg> = Registry::unique("supervisors");
        let stacks = Supervisor::spec("stacks", with_a_stack).via(registry.via("stacks"));
        let root = Supervisor::new(Strategy::OneForOne)
            .child(registry.spec("registry"))
            .child(stacks)
            .start()
            .await
            .expect("boot");
        let stacks = SupervisorRef::from(&registry.via("stacks"));
        assert_eq!(
            numbers(stacks.count_children().await.expect("it is found")),
            [1, 1, 0, 1]
        );
        let first = stacks.whereis().expect("it is found");
        assert_eq!(word(&stacks.stop(ExitReason::Normal).await), "normal");
        let listed = stacks.which_children().await.expect("the next one is waited for");
        assert_eq!((&*listed[0].id, listed[0].state), ("Stack", ChildState::Running));
        assert_ne!(stacks.whereis(), Some(first));
        root.stop(ExitReason::Shutdown).await;
        assert!(stacks.count_children().await.is_err(), "nobody holds the key");
    }

    #[row("ESUP-009")]
    async fn supervisor_is_queried_and_stopped_through_its_name() {
        let name: Name<SupervisorMsg> = Name::new("stacks");
        let stacks = Supervisor::spec("stacks", with_a_stack).name(&name);
        let root = Supervisor::new(Strategy::OneForOne)
            .child(stacks)
            .start()
            .await
            .expect("boot");
        let stacks = SupervisorRef::from(&name);
        assert_eq!(
            numbers(stacks.count_children().await.expect("it is found")),
            [1, 1, 0, 1]
        );
        let first = stacks.whereis().expect("it is found");
        assert_eq!(word(&stacks.stop(ExitReason::Normal).await), "normal");
        stacks
            .terminate_child("Stack")
            .await
            .expect("the next one is waited for");
        assert_ne!(stacks.whereis(), Some(first));
        root.stop(ExitReason::Shutdown).await;
        assert!(stacks.count_children().await.is_err(), "nobody holds the name");
    }

    #[row("ESUP-010")]
    async fn named_child_comes_back_under_its_name_as_it_began() {
        let name = Name::new("stack");
        let spec = Stack::child_spec(vec![1]).name(&name);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(spec)
            .start()
            .await
            .expect("boot");
        name.cast(Msg::Push(2)).expect("it is there");
        assert_eq!(name.call(Msg::Pop, None).await.expect("it answers"), Some(2));
        let first = name.whereis().expect("it is there");
        name.cast(Msg::Stop(ExitReason::Normal)).expect("it is there");
        assert_eq!(word(&first.exited().await), "normal");
        let next = name.wait(Duration::from_secs(1)).await.expect("it is permanent");
        assert_ne!(next, first);
        assert_eq!(name.call(Msg::Pop, None).await.expect("it answers"), Some(1));
        assert_eq!(name.call(Msg::Pop, None).await.expect("it answers"), None);
        assert_eq!(word(&sup.stop(ExitReason::Normal).await), "normal");
        assert!(name.whereis().is_none());
    }

    #[row("ESUP-015", "ESUP-016")]
    async fn child_is_started_from_a_spec_written_out_or_from_its_type() {
        let sup = empty().await;
        let written_out = hedgehog_core::ChildSpec::worker("stack", || (Stack, vec![1]));
        let by_type = Stack::child_spec(vec![2]);
        for (spec, top) in [(written_out, 1), (by_type, 2)] {
            let stack = sup.start_child(spec).await.expect("start");
            assert_eq!(stack.call(Msg::Pop, None).await.expect("it answers"), Some(top));
        }
        let ids: Vec<_> = sup
            .which_children()
            .await
            .expect("it runs")
            .into_iter()
            .map(|child| child.id)
            .collect();
        assert_eq!(ids, ["stack", "Stack"]);
    }

    #[row("ESUP-018")]
    async fn deadlines_of_nothing_and_of_a_millisecond_are_legal() {
        let sup = empty().await;
        for deadline in [Duration::ZERO, Duration::from_millis(1)] {
            let spec = Stack::child_spec(vec![]).shutdown(Shutdown::Timeout(deadline));
            let stack = sup.start_child(spec).await.expect("start");
            stack.stop(ExitReason::Shutdown);
            assert_eq!(word(&stack.exited().await), "shutdown");
            settle().await;
            // It is permanent, so it is back.
            sup.terminate_child("Stack").await.expect("terminate");
            sup.delete_child("Stack").await.expect("delete");
        }
    }

    #[row("ESUP-017")]
    async fn spec_that_is_refused_leaves_the_supervisor_as_it_was() {
        let sup = empty().await;
        let refused = sup.start_child(Stack::child_spec(vec![]).significant()).await;
        // An id, a factory and a deadline that is not negative: the compiler asks for all of them.
        assert!(
            refused
                .as_ref()
                .is_err_and(|error| error.to_string().contains("child Stack is significant")),
            "{refused:?}"
        );
        assert_eq!(numbers(sup.count_children().await.expect("it goes on")), [0, 0, 0, 0]);
        assert!(sup.start_child(Stack::child_spec(vec![])).await.is_ok());
    }

    #[row("ESUP-019")]
    async fn child_goes_through_every_request() {
        let sup = empty().await;
        assert!(sup.which_children().await.expect("it runs").is_empty());
        assert_eq!(numbers(sup.count_children().await.expect("it runs")), [0, 0, 0, 0]);

        let stack = sup.start_child(Stack::child_spec(vec![1])).await.expect("start");
        let listed = sup.which_children().await.expect("it runs");
        assert_eq!(
            (listed.len(), &*listed[0].id, listed[0].kind),
            (1, "Stack", ChildKind::Worker)
        );
        assert_eq!(listed[0].pid(), Some(stack.pid()));
        assert_eq!(numbers(sup.count_children().await.expect("it runs")), [1, 1, 0, 1]);

        assert_eq!(
            sup.delete_child("Stack").await,
            Err(DeleteError::Running { id: "Stack".into() })
        );
        assert_eq!(sup.terminate_child("Stack").await, Ok(()));
        let again = sup.restart_child("Stack").await.expect("restart");
        assert!(again.is_alive() && again.pid() != stack.pid());
        assert_eq!(sup.terminate_child("Stack").await, Ok(()));
        assert_eq!(sup.delete_child("Stack").await, Ok(()));
        assert_eq!(word(&sup.stop(ExitReason::Normal).await), "normal");
    }
}
