//! Supervisors that end with their significant children.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod ends {
    use std::time::Duration;

    use hedgehog_core::{AutoShutdown, ExitReason, Restart, Shutdown, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Journal, Latest, Probe, settle, word};

    /// The significant transient children a and b and the plain c, which is the last.
    async fn three(auto_shutdown: AutoShutdown, journal: &Journal) -> (SupervisorRef, [Probe; 3]) {
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, journal));
        let sup = Supervisor::new(Strategy::OneForOne)
            .auto_shutdown(auto_shutdown)
            .child(a.spec().restart(Restart::Transient).significant())
            .child(b.spec().restart(Restart::Transient).significant())
            .child(c.spec());
        (sup.start().await.expect("boot"), [a, b, c])
    }

    async fn end(sup: &SupervisorRef) -> Option<&'static str> {
        settle().await;
        let actor = sup.whereis();
        actor.is_none().then_some("gone")
    }

    #[row("SPEC-049", "SPEC-053")]
    async fn any_significant_ends_with_the_first_in_reverse_order_with_shutdown() {
        let journal = Journal::new();
        let (sup, [a, b, c]) = three(AutoShutdown::AnySignificant, &journal).await;
        let actor = sup.whereis().expect("it runs");
        // Were they stopped side by side, b would be first.
        c.stop_takes(Duration::from_secs(1));
        let _ = journal.take();
        a.exit(ExitReason::Normal).await;
        assert_eq!(word(&actor.exited().await), "shutdown");
        assert_eq!(journal.take_only(&["stop"]), "stop a, stop c, stop b");
        assert_eq!([&a, &b, &c].map(Probe::exits), [["normal"], ["shutdown"], ["shutdown"]]);
    }

    #[row("SPEC-053")]
    async fn each_child_is_stopped_the_way_its_spec_says() {
        let journal = Journal::new();
        let [a, slow, brutal] = ["a", "slow", "brutal"].map(|name| Probe::new(name, &journal));
        slow.stop_takes(Duration::from_hours(1));
        let sup = Supervisor::new(Strategy::OneForOne)
            .auto_shutdown(AutoShutdown::AllSignificant)
            .child(a.spec().restart(Restart::Temporary).significant())
            .child(slow.spec().shutdown(Shutdown::Timeout(Duration::from_secs(2))))
            .child(brutal.spec().shutdown(Shutdown::BrutalKill));
        let actor = sup.start().await.expect("boot").whereis().expect("it runs");
        a.crash().await;
        assert_eq!(word(&actor.exited().await), "shutdown");
        assert_eq!([&slow, &brutal].map(Probe::exits), [["killed"], ["killed"]]);
    }

    #[row("SPEC-049", "SPEC-050", "SUP-086")]
    async fn all_significant_ends_with_the_last() {
        let (sup, [a, b, c]) = three(AutoShutdown::AllSignificant, &Journal::new()).await;
        a.exit(ExitReason::Shutdown).await;
        assert_eq!(end(&sup).await, None);
        assert_eq!([&b, &c].map(Probe::alive), [1, 1]);
        b.exit(ExitReason::Normal).await;
        assert_eq!(end(&sup).await, Some("gone"));
    }

    #[row("SPEC-050", "SUP-085")]
    async fn crash_of_a_transient_child_is_a_restart_and_its_clean_exit_the_end() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("done".into()),
        ] {
            let (sup, [a, ..]) = three(AutoShutdown::AnySignificant, &Journal::new()).await;
            a.crash().await;
            assert_eq!(end(&sup).await, None);
            a.current().kill();
            assert_eq!(end(&sup).await, None);
            assert_eq!((a.starts(), a.alive()), (3, 1));
            a.exit(reason).await;
            assert_eq!(end(&sup).await, Some("gone"));
        }
    }

    #[row("SPEC-050", "SUP-083")]
    async fn temporary_child_qualifies_however_it_ends() {
        for how in ["normal", "error", "killed"] {
            let (a, other) = (Probe::new("a", &Journal::new()), Probe::new("other", &Journal::new()));
            let sup = Supervisor::new(Strategy::OneForOne)
                .auto_shutdown(AutoShutdown::AnySignificant)
                .child(other.spec().restart(Restart::Temporary))
                .child(a.spec().restart(Restart::Temporary).significant());
            let sup = sup.start().await.expect("boot");
            other.crash().await;
            assert_eq!(end(&sup).await, None, "the other one is not significant");
            match how {
                "normal" => a.exit(ExitReason::Normal).await,
                "error" => a.crash().await,
                _ => a.current().kill(),
            }
            assert_eq!(end(&sup).await, Some("gone"), "{how}");
        }
    }

    #[row("SPEC-051")]
    async fn terminated_child_does_not_qualify() {
        let (sup, [a, b, c]) = three(AutoShutdown::AnySignificant, &Journal::new()).await;
        sup.terminate_child("a").await.expect("terminate");
        sup.terminate_child("c").await.expect("terminate");
        sup.terminate_child("b").await.expect("terminate");
        assert_eq!(end(&sup).await, None);
        sup.restart_child("a").await.expect("restart");
        a.exit(ExitReason::Normal).await;
        assert_eq!(end(&sup).await, Some("gone"));
        assert_eq!([b.alive(), c.alive()], [0, 0]);
    }

    #[row("SPEC-051", "SUP-088")]
    async fn siblings_stopped_for_a_group_restart_do_not_qualify() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
                let journal = Journal::new();
                let [a, plain, b, once] = ["a", "plain", "b", "once"].map(|name| Probe::new(name, &journal));
                let sup = Supervisor::new(strategy)
                    .auto_shutdown(auto_shutdown)
                    .child(a.spec().restart(Restart::Transient).significant())
                    .child(plain.spec())
                    .child(b.spec().restart(Restart::Transient).significant())
                    .child(once.spec().restart(Restart::Temporary).significant());
                let sup = sup.start().await.expect("boot");
                plain.current().kill();
                assert_eq!(end(&sup).await, None, "{strategy:?} {auto_shutdown:?}");
                assert_eq!(
                    [&a, &plain, &b].map(Probe::alive),
                    [1; 3],
                    "{strategy:?} {auto_shutdown:?}"
                );
            }
        }
    }

    #[row("SPEC-052")]
    async fn terminated_child_no_longer_counts_as_active() {
        let (sup, [_, b, _]) = three(AutoShutdown::AllSignificant, &Journal::new()).await;
        sup.terminate_child("a").await.expect("terminate");
        assert_eq!(end(&sup).await, None);
        b.exit(ExitReason::Normal).await;
        assert_eq!(end(&sup).await, Some("gone"));
    }

    #[row("SPEC-052")]
    async fn child_being_restarted_still_counts_as_active() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = Supervisor::new(Strategy::OneForOne)
            .auto_shutdown(AutoShutdown::AllSignificant)
            .max_restarts(usize::MAX)
            .child(a.spec().restart(Restart::Transient).significant())
            .child(b.spec().restart(Restart::Transient).significant());
        let sup = sup.start().await.expect("boot");
        a.fail_starts(usize::MAX);
        a.crash().await;
        while a.starts() < 3 {
            tokio::task::yield_now().await;
        }
        b.exit(ExitReason::Normal).await;
        // Answered after the notice of b's exit.
        assert_eq!(sup.count_children().await.expect("it goes on").active, 0);
        a.fail_starts(0);
        assert_eq!(end(&sup).await, None);
        a.exit(ExitReason::Normal).await;
        assert_eq!(end(&sup).await, Some("gone"));
    }

    #[row("SPEC-053", "SUP-089", "SUP-090")]
    async fn supervisor_that_is_significant_itself_passes_its_end_on() {
        for significant in [true, false] {
            let journal = Journal::new();
            let (c, inner) = (Probe::new("c", &journal), Latest::new());
            let child = c.clone();
            let spec = Supervisor::spec("inner", move || {
                Supervisor::new(Strategy::OneForOne)
                    .auto_shutdown(AutoShutdown::AnySignificant)
                    .child(child.spec().restart(Restart::Transient).significant())
            });
            let spec = spec.restart(Restart::Transient).via(inner.clone());
            let spec = if significant { spec.significant() } else { spec };
            let outer = Supervisor::new(Strategy::OneForOne)
                .auto_shutdown(AutoShutdown::AnySignificant)
                .child(spec);
            let outer = outer.start().await.expect("boot");
            c.exit(ExitReason::Normal).await;
            assert_eq!(end(&outer).await, significant.then_some("gone"));
            assert_eq!(inner.current().exit_reason().as_ref().map(word), Some("shutdown"));
            assert_eq!(c.starts(), 1);
        }
    }

    #[row("SUP-080", "SUP-081")]
    async fn end_of_a_child_that_is_not_significant_never_qualifies() {
        for mode in [
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
        ] {
            for restart in [Restart::Temporary, Restart::Transient] {
                for how in 0..4 {
                    let a = Probe::new("a", &Journal::new());
                    let sup = Supervisor::new(Strategy::OneForOne).auto_shutdown(mode);
                    let sup = sup.child(a.spec().restart(restart)).start().await.expect("boot");
                    match how {
                        0 => sup.terminate_child("a").await.expect("terminate"),
                        1 => a.current().kill(),
                        2 => a.crash().await,
                        _ => a.exit(ExitReason::Normal).await,
                    }
                    assert_eq!(end(&sup).await, None, "{mode:?} {restart:?} {how}");
                }
            }
        }
    }

    #[row("SUP-082", "SUP-084")]
    async fn significant_temporary_child_can_be_terminated_and_added_again() {
        let journal = Journal::new();
        let [a, b, plain] = ["a", "b", "plain"].map(|name| Probe::new(name, &journal));
        let significant = |probe: &Probe| probe.spec().restart(Restart::Temporary).significant();
        for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            let sup = Supervisor::new(Strategy::OneForOne)
                .auto_shutdown(auto_shutdown)
                .child(significant(&a))
                .child(significant(&b))
                .child(plain.spec());
            let sup = sup.start().await.expect("boot");
            sup.terminate_child("a").await.expect("terminate");
            assert_eq!(end(&sup).await, None);
            sup.start_child(significant(&a)).await.expect("its spec is gone");
            let children = sup.which_children().await.expect("it runs");
            assert_eq!(children.last().map(|child| &*child.id), Some("a"));
            a.current().kill();
            let ends = auto_shutdown == AutoShutdown::AnySignificant;
            assert_eq!(end(&sup).await, ends.then_some("gone"));
            b.exit(ExitReason::Normal).await;
            assert_eq!(end(&sup).await, Some("gone"));
            assert_eq!([&a, &b, &plain].map(Probe::alive), [0; 3]);
        }
    }
}

#[suite]
pub(crate) mod refusals {
    use hedgehog_core::{AutoShutdown, DynamicSupervisor, Restart, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Probe};

    const MODES: [AutoShutdown; 3] = [
        AutoShutdown::Never,
        AutoShutdown::AnySignificant,
        AutoShutdown::AllSignificant,
    ];
    const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

    #[row("SPEC-049", "SPEC-054")]
    async fn significant_child_must_be_able_to_end_its_supervisor() {
        for mode in MODES {
            for restart in RESTARTS {
                let a = Probe::new("a", &Journal::new());
                let spec = || a.spec().restart(restart).significant();
                let boot = Supervisor::new(Strategy::OneForOne).auto_shutdown(mode).child(spec());
                let checked = boot.validate();
                let booted = boot.start().await.map(drop);
                let sup = Supervisor::new(Strategy::OneForOne).auto_shutdown(mode).start().await;
                let asked = sup.expect("boot").start_child(spec()).await.map(drop);
                for outcome in [checked, booted, asked] {
                    let as_expected = match (restart, mode) {
                        (Restart::Permanent, _) => matches!(outcome, Err(StartError::SignificantPermanent { .. })),
                        (_, AutoShutdown::Never) => {
                            matches!(outcome, Err(StartError::SignificantNeedsAutoShutdown { .. }))
                        }
                        _ => outcome.is_ok(),
                    };
                    assert!(as_expected, "{restart:?} {mode:?}: {outcome:?}");
                }
                let valid = restart != Restart::Permanent && mode != AutoShutdown::Never;
                assert_eq!(a.starts(), if valid { 2 } else { 0 }, "{restart:?} {mode:?}");
            }
        }
    }

    #[row("SPEC-039", "SPEC-054")]
    async fn invalid_spec_is_told_before_a_clash_of_ids() {
        let a = Probe::new("a", &Journal::new());
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let refused = sup.start_child(a.spec().significant()).await;
        assert!(
            matches!(&refused, Err(StartError::SignificantPermanent { id }) if id == "a"),
            "{refused:?}"
        );
        assert_eq!(sup.count_children().await.expect("count").specs, 1);
    }

    #[row("SPEC-054")]
    async fn dynamic_supervisor_takes_no_significant_child() {
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for restart in RESTARTS {
            let a = Probe::new("a", &Journal::new());
            let refused = sup.start_child(a.spec().restart(restart).significant()).await;
            assert!(
                matches!(
                    refused,
                    Err(StartError::SignificantPermanent { .. } | StartError::SignificantNeedsAutoShutdown { .. })
                ),
                "{refused:?}"
            );
            assert_eq!(a.starts(), 0);
        }
        assert_eq!(sup.count_children().await.expect("count").specs, 0);
    }
}
