//! Which exits restart a child, and whom they concern.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod types {
    use hedgehog_core::{ExitReason, Restart, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle};

    /// Every way in which a child ends by itself, or by a hand that is not its supervisor's.
    #[derive(Debug, Clone, Copy)]
    enum End {
        Normal,
        Shutdown,
        ShutdownWith,
        Error,
        Panic,
        Kill,
    }

    const CLEAN: [End; 3] = [End::Normal, End::Shutdown, End::ShutdownWith];
    const ABNORMAL: [End; 3] = [End::Error, End::Panic, End::Kill];
    const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];

    async fn end(probe: &Probe, how: End) {
        let actor = probe.current();
        match how {
            End::Normal => probe.tell(Command::Exit(ExitReason::Normal)),
            End::Shutdown => probe.tell(Command::Exit(ExitReason::Shutdown)),
            End::ShutdownWith => probe.tell(Command::Exit(ExitReason::ShutdownWith("done for today".into()))),
            End::Error => probe.tell(Command::Fail),
            End::Panic => probe.tell(Command::Panic),
            End::Kill => actor.kill(),
        }
        actor.exited().await;
        settle().await;
    }

    async fn comes_back(restart: Restart, strategy: Strategy, how: End) -> bool {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        let sup = Supervisor::new(strategy)
            .child(a.spec().restart(restart))
            .start()
            .await
            .expect("boot");
        end(&a, how).await;
        let back = a.starts() == 2;
        assert_eq!(usize::from(back), a.alive(), "{restart:?} after {how:?}");
        let count = sup.count_children().await.expect("a supervisor outlives its child");
        let keeps_spec = restart != Restart::Temporary;
        assert_eq!(
            (count.specs, count.active),
            (usize::from(keeps_spec), usize::from(back)),
            "{restart:?} after {how:?}"
        );
        back
    }

    #[row("SPEC-003")]
    async fn permanent_child_is_restarted_after_every_exit() {
        for how in CLEAN.into_iter().chain(ABNORMAL) {
            assert!(
                comes_back(Restart::Permanent, Strategy::OneForOne, how).await,
                "{how:?}"
            );
        }
    }

    #[row("SPEC-003")]
    async fn transient_child_is_restarted_after_an_abnormal_exit_and_kept_stopped_after_a_clean_one() {
        for how in CLEAN {
            assert!(
                !comes_back(Restart::Transient, Strategy::OneForOne, how).await,
                "{how:?}"
            );
        }
        for how in ABNORMAL {
            assert!(
                comes_back(Restart::Transient, Strategy::OneForOne, how).await,
                "{how:?}"
            );
        }
    }

    #[row("SPEC-003")]
    async fn temporary_child_is_never_restarted_and_its_spec_goes() {
        for strategy in STRATEGIES {
            for how in CLEAN.into_iter().chain(ABNORMAL) {
                assert!(
                    !comes_back(Restart::Temporary, strategy, how).await,
                    "{how:?} under {strategy:?}"
                );
            }
        }
    }

    #[row("SPEC-031")]
    async fn exit_that_calls_for_no_restart_leaves_the_siblings_alone() {
        for strategy in STRATEGIES {
            let journal = Journal::new();
            let [before, temporary, transient, after] =
                ["before", "temporary", "transient", "after"].map(|name| Probe::new(name, &journal));
            let _sup = Supervisor::new(strategy)
                .child(before.spec())
                .child(temporary.spec().restart(Restart::Temporary))
                .child(transient.spec().restart(Restart::Transient))
                .child(after.spec())
                .start()
                .await
                .expect("boot");
            let siblings = [before.current(), after.current()];
            end(&temporary, End::Error).await;
            end(&transient, End::Normal).await;
            assert_eq!([before.current(), after.current()], siblings, "{strategy:?}");
            assert!(siblings.iter().all(hedgehog_core::ActorRef::is_alive), "{strategy:?}");
            assert_eq!(
                [&before, &temporary, &transient, &after].map(Probe::starts),
                [1; 4],
                "{strategy:?}"
            );
        }
    }
}
