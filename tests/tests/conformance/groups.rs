//! What `one_for_all` and `rest_for_one` do with the siblings of a child that is restarted.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod membership {
    use hedgehog_core::{ExitReason, Restart, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    #[row("SPEC-027")]
    async fn siblings_that_die_together_are_one_restart_of_their_group() {
        for (strategy, survives) in [
            (Strategy::OneForAll, true),
            (Strategy::RestForOne, true),
            (Strategy::OneForOne, false),
        ] {
            let journal = Journal::new();
            let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
            let sup = Supervisor::new(strategy).max_restarts(1);
            let sup = sup.child(a.spec()).child(b.spec()).start().await.expect("boot");
            a.current().kill();
            b.current().kill();
            settle().await;
            assert_eq!(sup.count_children().await.is_ok(), survives, "{strategy:?}");
            assert_eq!([&a, &b].map(Probe::alive), [usize::from(survives); 2], "{strategy:?}");
            if survives {
                assert_eq!([&a, &b].map(Probe::starts), [2; 2], "{strategy:?}");
            }
        }
    }

    #[row("SPEC-028")]
    async fn one_for_all_revives_children_that_were_stopped_or_had_finished() {
        let journal = Journal::new();
        let [stopped, finished, crashing] = ["stopped", "finished", "crashing"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::OneForAll)
            .child(stopped.spec())
            .child(finished.spec().restart(Restart::Transient))
            .child(crashing.spec())
            .start()
            .await
            .expect("boot");
        sup.terminate_child("stopped").await.expect("terminate");
        finished.exit(ExitReason::Normal).await;
        settle().await;
        assert_eq!([&stopped, &finished, &crashing].map(Probe::alive), [0, 0, 1]);
        crashing.crash().await;
        settle().await;
        assert_eq!([&stopped, &finished, &crashing].map(Probe::alive), [1; 3]);
    }

    #[row("SPEC-029")]
    async fn rest_for_one_revives_a_stopped_child_only_when_it_comes_later() {
        let journal = Journal::new();
        let probes = ["earlier", "crashing", "later"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::RestForOne);
        let sup = probes
            .iter()
            .fold(sup, |sup, probe| sup.child(probe.spec()))
            .start()
            .await
            .expect("boot");
        sup.terminate_child("earlier").await.expect("terminate");
        sup.terminate_child("later").await.expect("terminate");
        probes[1].crash().await;
        settle().await;
        assert_eq!(probes.each_ref().map(Probe::alive), [0, 1, 1]);
    }

    #[row("SPEC-029", "SPEC-030")]
    async fn rest_for_one_leaves_a_temporary_sibling_that_comes_earlier() {
        let journal = Journal::new();
        let [earlier, crashing, later] = ["earlier", "crashing", "later"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::RestForOne)
            .child(earlier.spec().restart(Restart::Temporary))
            .child(crashing.spec())
            .child(later.spec().restart(Restart::Temporary))
            .start()
            .await
            .expect("boot");
        crashing.crash().await;
        settle().await;
        assert_eq!([&earlier, &crashing, &later].map(Probe::alive), [1, 1, 0]);
        let children = sup.which_children().await.expect("which_children");
        assert_eq!(
            children.iter().map(|child| &*child.id).collect::<Vec<_>>(),
            ["earlier", "crashing"]
        );
    }

    #[row("SPEC-030")]
    async fn group_restart_stops_temporary_siblings_and_removes_their_specs() {
        for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
            let journal = Journal::new();
            let [a, temporary, b] = ["a", "temporary", "b"].map(|name| Probe::new(name, &journal));
            let sup = Supervisor::new(strategy)
                .child(a.spec())
                .child(temporary.spec().restart(Restart::Temporary))
                .child(b.spec())
                .start()
                .await
                .expect("boot");
            a.crash().await;
            settle().await;
            assert_eq!([&a, &temporary, &b].map(Probe::starts), [2, 1, 2], "{strategy:?}");
            assert_eq!(temporary.exits(), ["shutdown"], "{strategy:?}");
            assert_eq!(sup.count_children().await.expect("count").specs, 2, "{strategy:?}");
        }
    }
}

#[suite]
pub(crate) mod order {
    use std::time::Duration;

    use hedgehog_core::{ExitReason, Restart, Strategy, Supervisor, SupervisorRef};
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    async fn three(strategy: Strategy, journal: &Journal) -> (SupervisorRef, [Probe; 3]) {
        let probes = ["a", "b", "c"].map(|name| Probe::new(name, journal));
        let sup = Supervisor::new(strategy);
        let sup = probes
            .iter()
            .fold(sup, |sup, probe| sup.child(probe.spec()))
            .start()
            .await
            .expect("boot");
        let _ = journal.take();
        (sup, probes)
    }

    #[row("SPEC-032")]
    async fn one_for_all_stops_the_others_in_reverse_order_and_then_starts_all_in_order() {
        let journal = Journal::new();
        let (_sup, [a, b, c]) = three(Strategy::OneForAll, &journal).await;
        // Were they stopped side by side, a would be first.
        c.stop_takes(Duration::from_secs(1));
        b.current().kill();
        c.current().exited().await;
        settle().await;
        assert_eq!(
            journal.take(),
            "drop b, stop c, drop c, stop a, drop a, start a, start b, start c"
        );
        assert_eq!([&a, &b, &c].map(Probe::exits), [["shutdown"], ["killed"], ["shutdown"]]);
    }

    #[row("SPEC-032")]
    async fn rest_for_one_does_the_same_with_the_child_and_those_after_it() {
        let journal = Journal::new();
        let (_sup, [a, b, _]) = three(Strategy::RestForOne, &journal).await;
        let first = a.current();
        b.current().kill();
        settle().await;
        assert_eq!(journal.take(), "drop b, stop c, drop c, start b, start c");
        assert!(first.is_alive());
    }

    #[row("SPEC-034")]
    async fn restarted_child_keeps_its_place_in_the_start_order() {
        let journal = Journal::new();
        let (sup, [a, b, _]) = three(Strategy::OneForOne, &journal).await;
        a.crash().await;
        b.crash().await;
        a.crash().await;
        settle().await;
        let _ = journal.take();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(journal.take_only(&["stop"]), "stop c, stop b, stop a");
    }

    #[row("SPEC-034")]
    async fn child_revived_by_a_group_restart_keeps_its_place() {
        let journal = Journal::new();
        let (sup, [_, b, _]) = three(Strategy::OneForAll, &journal).await;
        sup.terminate_child("a").await.expect("terminate");
        b.crash().await;
        settle().await;
        let _ = journal.take();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(journal.take_only(&["stop"]), "stop c, stop b, stop a");
    }

    #[row("SPEC-034")]
    async fn added_child_goes_to_the_end_and_a_temporary_one_added_again_too() {
        let journal = Journal::new();
        let (sup, _) = three(Strategy::OneForOne, &journal).await;
        let (t, d) = (Probe::new("t", &journal), Probe::new("d", &journal));
        sup.start_child(t.spec().restart(Restart::Temporary))
            .await
            .expect("start");
        sup.start_child(d.spec()).await.expect("start");
        t.exit(ExitReason::Normal).await;
        settle().await;
        sup.start_child(t.spec().restart(Restart::Temporary))
            .await
            .expect("start again");
        let _ = journal.take();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(journal.take_only(&["stop"]), "stop t, stop d, stop c, stop b, stop a");
    }
}
