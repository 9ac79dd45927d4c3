//! What a supervisor keeps of the arguments that its children are started with.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod kept {
    use std::sync::{Arc, Weak};

    use hedgehog_core::{ChildSpec, DynamicSupervisor, Restart, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};

    /// A child whose factory holds something large, and a witness of whether that is still there.
    fn laden(probe: &Probe, restart: Restart) -> (ChildSpec<Command>, Weak<Vec<u8>>) {
        let load = Arc::new(vec![0; 50_000]);
        let (witness, child) = (Arc::downgrade(&load), probe.clone());
        let spec = ChildSpec::worker("a", move || {
            let _used = load.len();
            child.actor()
        });
        (spec.via(probe.latest()).restart(restart), witness)
    }

    #[row("SUP-070")]
    async fn dynamic_supervisor_drops_those_of_temporary_children_also_after_one_has_died() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for _ in 0..2 {
            let a = Probe::new("a", &Journal::new());
            let (spec, witness) = laden(&a, Restart::Temporary);
            sup.start_child(spec).await.expect("start");
            settle().await;
            assert_eq!(witness.strong_count(), 0, "nothing can start it again");
            assert!(a.current().is_alive());
            a.crash().await;
            settle().await;
            assert_eq!((a.starts(), sup.count_children().await.expect("it runs").specs), (1, 0));
        }
        let a = Probe::new("a", &Journal::new());
        let (spec, witness) = laden(&a, Restart::Transient);
        sup.start_child(spec).await.expect("start");
        a.crash().await;
        settle().await;
        assert_eq!((a.starts(), witness.strong_count()), (2, 1), "a restart needs them");
        sup.terminate_child(&a.current()).await.expect("terminate");
        assert_eq!(witness.strong_count(), 0);
    }

    #[row("SUP-102")]
    async fn static_supervisor_drops_those_of_temporary_children_whatever_its_strategy() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            for (restart, kept) in [
                (Restart::Permanent, 1),
                (Restart::Transient, 1),
                (Restart::Temporary, 0),
            ] {
                let (booted, added) = (Probe::new("a", &Journal::new()), Probe::new("b", &Journal::new()));
                let (spec, at_boot) = laden(&booted, restart);
                let sup = Supervisor::new(strategy).child(spec).start().await.expect("boot");
                let (spec, later) = laden(&added, restart);
                sup.start_child(spec.id("b")).await.expect("start");
                settle().await;
                assert_eq!([booted.alive(), added.alive()], [1, 1]);
                assert_eq!(
                    [at_boot.strong_count(), later.strong_count()],
                    [kept, kept],
                    "{strategy:?} {restart:?}"
                );
            }
        }
    }
}
