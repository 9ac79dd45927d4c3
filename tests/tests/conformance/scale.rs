//! Thousands of children: what is counted, and what one of them costs.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod counts {
    use hedgehog_core::{ChildSpec, DynamicSupervisor, DynamicSupervisorRef, Message, Restart, Task};
    use hedgehog_tests::scenario::settle;

    async fn counts(sup: &DynamicSupervisorRef) -> [usize; 4] {
        let count = sup.count_children().await.expect("it runs");
        [count.specs, count.active, count.supervisors, count.workers]
    }

    async fn grow<M: Message>(sup: &DynamicSupervisorRef, by: usize, spec: impl Fn() -> ChildSpec<M>) {
        for _ in 0..by {
            sup.start_child(spec().restart(Restart::Temporary))
                .await
                .expect("start");
        }
    }

    async fn kill_all(sup: &DynamicSupervisorRef) {
        for child in sup.which_children().await.expect("it runs") {
            child.actor.expect("it runs").kill();
        }
        settle().await;
    }

    #[row("SUP-098")]
    async fn lists_and_counts_of_workers_agree_however_often_they_are_read() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let worker = || Task::spec("worker", std::future::pending::<Result<(), String>>);
        for many in [1_000, 2_000] {
            grow(&sup, 1_000, worker).await;
            for _ in 0..2 {
                assert_eq!(sup.which_children().await.expect("it runs").len(), many);
                assert_eq!(counts(&sup).await, [many, many, 0, many]);
            }
        }
        kill_all(&sup).await;
        assert_eq!(counts(&sup).await, [0, 0, 0, 0]);
    }

    #[row("SUP-099")]
    async fn lists_and_counts_of_supervisors_agree_however_often_they_are_read() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let below = || DynamicSupervisor::spec("below", DynamicSupervisor::new);
        for many in [1_000, 2_000] {
            grow(&sup, 1_000, below).await;
            for _ in 0..2 {
                assert_eq!(sup.which_children().await.expect("it runs").len(), many);
                assert_eq!(counts(&sup).await, [many, many, many, 0]);
            }
        }
        kill_all(&sup).await;
        assert_eq!(counts(&sup).await, [0, 0, 0, 0]);
    }
}

#[suite]
pub(crate) mod costs {
    use std::time::{Duration, Instant};

    use hedgehog_core::{
        ActorRef, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, Restart, Strategy, Supervisor, SupervisorRef,
        Task, TaskMsg,
    };

    const FEW: usize = 100;
    const MANY: usize = 10_000;
    const ROUNDS: usize = 501;

    fn worker(id: usize, restart: Restart) -> ChildSpec<TaskMsg> {
        let spec = Task::spec(id.to_string(), std::future::pending::<Result<(), String>>);
        spec.restart(restart)
    }

    /// A child from anywhere among `children`, another one in each round.
    fn any(round: usize, children: usize) -> usize {
        round * 7_919 % children
    }

    /// Fails unless replacing a child cost about the same among few as among many: then the whole of them costs in
    /// proportion to their number. The two took turns, and the medians count, so a busy machine was busy for both.
    fn assert_level([few, many]: [Vec<Duration>; 2]) {
        let [few, many] = [few, many].map(|mut times| *times.select_nth_unstable(ROUNDS / 2).1);
        assert!(many * 2 < few * 5, "{few:?} among {FEW}, {many:?} among {MANY}");
    }

    async fn fixed(children: usize) -> SupervisorRef {
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        for id in 0..children {
            sup.start_child(worker(id, Restart::Transient)).await.expect("start");
        }
        sup
    }

    #[row("SUP-117")]
    async fn static_child_is_terminated_deleted_and_started_at_one_price() {
        let crowds = [(fixed(FEW).await, FEW), (fixed(MANY).await, MANY)];
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for ((sup, children), times) in crowds.iter().zip(&mut times) {
                let id = any(round, *children);
                let begin = Instant::now();
                sup.terminate_child(id.to_string()).await.expect("terminate");
                sup.delete_child(id.to_string()).await.expect("delete");
                sup.start_child(worker(id, Restart::Transient)).await.expect("start");
                times.push(begin.elapsed());
            }
        }
        assert_level(times);
    }

    async fn dynamic(children: usize) -> (DynamicSupervisorRef, Vec<ActorRef<TaskMsg>>) {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let mut started = Vec::new();
        for id in 0..children {
            let child = sup.start_child(worker(id, Restart::Temporary)).await;
            started.push(child.expect("start"));
        }
        (sup, started)
    }

    #[row("SUP-104")]
    async fn temporary_dynamic_child_is_terminated_and_started_at_one_price() {
        let mut crowds = [dynamic(FEW).await, dynamic(MANY).await];
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for ((sup, children), times) in crowds.iter_mut().zip(&mut times) {
                let id = any(round, children.len());
                let begin = Instant::now();
                sup.terminate_child(&children[id]).await.expect("terminate");
                children[id] = sup.start_child(worker(id, Restart::Temporary)).await.expect("start");
                times.push(begin.elapsed());
            }
        }
        assert_level(times);
    }
}
