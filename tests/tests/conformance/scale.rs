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

    use hedgehog_core::{ChildSpec, DynamicSupervisor, Restart, Strategy, Supervisor, Task, TaskMsg};

    const CHILDREN: usize = 10_000;
    /// How many operations are timed together.
    const LOT: usize = 100;

    fn worker(id: usize) -> ChildSpec<TaskMsg> {
        Task::spec(id.to_string(), std::future::pending::<Result<(), String>>)
    }

    /// The ids from all over, so that neither the first nor the last stand at one end.
    fn scattered() -> impl Iterator<Item = usize> {
        // A prime that does not divide their number visits each once.
        (0..CHILDREN).map(|step| step * 7_919 % CHILDREN)
    }

    /// How long each lot of operations took.
    #[derive(Default)]
    struct Stopwatch {
        lots: Vec<Duration>,
        begun: Option<Instant>,
        operations: usize,
    }

    impl Stopwatch {
        fn count(&mut self) {
            self.operations += 1;
            if self.operations.is_multiple_of(LOT) {
                let now = Instant::now();
                self.lots.extend(self.begun.replace(now).map(|begun| now - begun));
            }
        }

        /// Fails unless the operations cost about the same among few children as among all of them. The median of a
        /// tenth of the lots stands for it, so that a busy machine does not matter.
        fn assert_level(mut self, what: &str) {
            let tenth = self.lots.len() / 10;
            let end = self.lots.len() - tenth;
            let mut median = |lots: std::ops::Range<usize>| {
                let lots = &mut self.lots[lots];
                lots.sort_unstable();
                lots[lots.len() / 2]
            };
            let ends = [median(0..tenth), median(end..end + tenth)];
            let [few, many] = [ends.iter().min(), ends.iter().max()].map(|end| *end.expect("two"));
            assert!(
                many < few * 4,
                "{LOT} times {what}: from {few:?} to {many:?} among {CHILDREN}"
            );
        }
    }

    #[row("SUP-117")]
    async fn static_children_are_started_and_terminated_and_deleted_at_a_level_price() {
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let (mut start, mut terminate, mut delete) = (Stopwatch::default(), Stopwatch::default(), Stopwatch::default());
        for id in 0..CHILDREN {
            let kept = worker(id).restart(Restart::Transient);
            sup.start_child(kept).await.expect("start");
            start.count();
        }
        for id in scattered() {
            sup.terminate_child(id.to_string()).await.expect("terminate");
            terminate.count();
        }
        for id in scattered() {
            sup.delete_child(id.to_string()).await.expect("delete");
            delete.count();
        }
        assert_eq!(sup.count_children().await.expect("it runs").specs, 0);
        start.assert_level("start_child");
        terminate.assert_level("terminate_child");
        delete.assert_level("delete_child");
    }

    #[row("SUP-104")]
    async fn temporary_dynamic_children_are_terminated_one_by_one_at_a_level_price() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        let mut children = Vec::new();
        for id in 0..CHILDREN {
            let child = sup.start_child(worker(id).restart(Restart::Temporary)).await;
            children.push(child.expect("start"));
        }
        let mut terminate = Stopwatch::default();
        for at in scattered() {
            sup.terminate_child(&children[at]).await.expect("terminate");
            terminate.count();
        }
        assert_eq!(sup.count_children().await.expect("it runs").specs, 0);
        terminate.assert_level("terminate_child");
    }
}
