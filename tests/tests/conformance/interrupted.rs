//! Starts and stops that something else interrupts.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod starts {
    use std::time::Duration;

    use hedgehog_core::{DynamicSupervisor, ExitReason, Name, Restart, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Journal, Latest, Probe, settle, word};

    const HOUR: Duration = Duration::from_hours(1);

    #[invariant]
    async fn supervisor_killed_in_the_middle_of_a_start_leaves_nothing_behind() {
        let journal = Journal::new();
        let (a, slow, name) = (
            Probe::new("a", &journal),
            Probe::new("slow", &journal),
            Name::new("slow"),
        );
        slow.start_takes(HOUR);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let starter = tokio::spawn({
            let (sup, spec) = (sup.clone(), slow.spec().name(&name));
            async move { sup.start_child(spec).await.map(drop) }
        });
        settle().await;
        assert!(name.whereis().is_some());
        let actor = sup.whereis().expect("it runs");
        actor.kill();
        assert_eq!(word(&actor.exited().await), "killed");
        assert!(name.whereis().is_none());
        assert!(starter.await.expect("the starter's task").is_err());
        settle().await;
        assert_eq!(journal.take(), "start a, drop a");
        assert!(slow.current().exit_reason().is_some());
    }

    #[invariant]
    async fn tree_killed_above_a_slow_start_leaves_nothing_behind() {
        let journal = Journal::new();
        let (a, slow, name) = (
            Probe::new("a", &journal),
            Probe::new("slow", &journal),
            Name::new("slow"),
        );
        let (inner, probes, held) = (Latest::new(), [a.clone(), slow.clone()], name.clone());
        let spec = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne)
                .child(probes[0].spec())
                .child(probes[1].spec().name(&held))
        });
        let outer = Supervisor::new(Strategy::OneForOne)
            .child(spec.via(inner.clone()))
            .start()
            .await
            .expect("boot");
        // The restart of the inner supervisor hangs in its second child when the outer one is killed.
        slow.start_takes(HOUR);
        inner.current().kill();
        settle().await;
        assert_eq!((a.alive(), slow.alive()), (1, 0));
        assert!(name.whereis().is_some());
        let actor = outer.whereis().expect("it runs");
        actor.kill();
        assert_eq!(word(&actor.exited().await), "killed");
        assert_eq!((a.alive(), slow.alive()), (0, 0));
        assert!(name.whereis().is_none());
        assert!(inner.all().iter().all(|actor| actor.exit_reason().is_some()));
    }

    #[invariant]
    async fn start_that_is_given_up_leaves_nothing_behind() {
        let journal = Journal::new();
        let (a, slow) = (Probe::new("a", &journal), Probe::new("slow", &journal));
        slow.start_takes(HOUR);
        let boot = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .child(slow.spec())
            .start();
        assert!(tokio::time::timeout(Duration::from_secs(1), boot).await.is_err());
        settle().await;
        assert_eq!(a.alive(), 0);
        assert!(a.current().exit_reason().is_some() && slow.current().exit_reason().is_some());
    }

    #[invariant]
    async fn caller_that_gives_up_does_not_undo_the_start_it_asked_for() {
        let slow = Probe::new("slow", &Journal::new());
        slow.start_takes(Duration::from_secs(10));
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let asked = sup.start_child(slow.spec());
        assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err());
        assert_eq!(sup.count_children().await.expect("count").active, 1);
        assert_eq!(slow.alive(), 1);
    }

    #[invariant]
    async fn child_that_asks_itself_to_stop_while_it_starts_is_started_and_then_stops() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        let itself = a.latest();
        a.before_start(move || itself.current().stop(ExitReason::Normal));
        let sup = DynamicSupervisor::new().max_restarts(0).start().await.expect("boot");
        let actor = sup
            .start_child(a.spec().restart(Restart::Transient))
            .await
            .expect("start");
        assert_eq!(word(&actor.exited().await), "normal");
        settle().await;
        assert_eq!(journal.take(), "start a, stop a, drop a");
        assert_eq!(
            sup.count_children().await.expect("count").specs,
            0,
            "the notice of its exit is not lost"
        );
    }

    #[invariant]
    async fn child_killed_while_it_starts_is_a_failed_start() {
        let journal = Journal::new();
        let (slow, name) = (Probe::new("slow", &journal), Name::new("slow"));
        slow.start_takes(HOUR);
        let sup = Supervisor::new(Strategy::OneForOne)
            .max_restarts(0)
            .start()
            .await
            .expect("boot");
        let starter = tokio::spawn({
            let (sup, spec) = (sup.clone(), slow.spec().name(&name));
            async move { sup.start_child(spec).await.map(drop) }
        });
        settle().await;
        let actor = slow.current();
        actor.kill();
        assert_eq!(word(&actor.exited().await), "killed");
        assert!(name.whereis().is_none());
        let error = starter.await.expect("the starter's task").expect_err("it was killed");
        let StartError::FailedToStartChild { source, .. } = error else {
            panic!("unexpected: {error:?}")
        };
        assert!(matches!(*source, StartError::Killed), "{source:?}");
        assert_eq!(sup.count_children().await.expect("the supervisor goes on").specs, 0);
        assert_eq!(journal.take(), "");
    }
}

#[suite]
pub(crate) mod stops {
    use std::time::Duration;

    use hedgehog_core::{ExitReason, Restart, Shutdown, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, settle, word};
    use tokio::time::Instant;

    const HOUR: Duration = Duration::from_hours(1);

    #[invariant]
    async fn supervisor_killed_while_it_stops_its_children_takes_them_along() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        b.stop_takes(HOUR);
        let sup = [&a, &b, &c]
            .into_iter()
            .fold(Supervisor::new(Strategy::OneForOne), |sup, probe| {
                sup.child(probe.spec().shutdown(Shutdown::Infinity))
            });
        let actor = sup.start().await.expect("boot").whereis().expect("it runs");
        let begin = Instant::now();
        actor.stop(ExitReason::Shutdown);
        settle().await;
        assert_eq!(c.exits(), ["shutdown"], "b is being stopped");
        actor.kill();
        assert_eq!(word(&actor.exited().await), "killed");
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!([&a, &b].map(Probe::exits), [["killed"], ["killed"]]);
        assert_eq!([&a, &b, &c].map(Probe::alive), [0; 3]);
    }

    #[invariant]
    async fn child_that_dies_while_its_siblings_are_stopped_is_not_restarted() {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            let journal = Journal::new();
            let [a, b] = ["a", "b"].map(|name| Probe::new(name, &journal));
            b.stop_takes(Duration::from_secs(2));
            let sup = Supervisor::new(strategy)
                .child(a.spec())
                .child(b.spec())
                .start()
                .await
                .expect("boot");
            let actor = sup.whereis().expect("it runs");
            actor.stop(ExitReason::Shutdown);
            settle().await;
            a.crash().await;
            assert_eq!(word(&actor.exited().await), "shutdown");
            settle().await;
            assert_eq!([&a, &b].map(Probe::starts), [1, 1], "{strategy:?}");
            assert_eq!(
                (a.exits(), b.exits()),
                (vec!["error"], vec!["shutdown"]),
                "{strategy:?}"
            );
        }
    }

    #[invariant]
    async fn child_that_dies_while_its_group_is_stopped_is_restarted_once_with_it() {
        let journal = Journal::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        c.stop_takes(Duration::from_secs(2));
        let sup = Supervisor::new(Strategy::OneForAll).max_restarts(1);
        let sup = sup
            .child(a.spec())
            .child(b.spec())
            .child(c.spec())
            .start()
            .await
            .expect("boot");
        b.crash().await;
        settle().await;
        a.crash().await;
        c.current().exited().await;
        settle().await;
        assert_eq!([&a, &b, &c].map(Probe::starts), [2; 3]);
        assert_eq!([&a, &b, &c].map(Probe::alive), [1; 3]);
        assert!(sup.count_children().await.is_ok(), "it was one restart");
    }

    #[invariant]
    async fn two_callers_who_stop_the_same_supervisor_both_see_it_gone() {
        let a = Probe::new("a", &Journal::new());
        a.stop_takes(Duration::from_secs(3));
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let begin = Instant::now();
        let (first, second) = tokio::join!(sup.stop(ExitReason::Normal), sup.stop(ExitReason::Shutdown));
        assert_eq!((word(&first), word(&second)), ("normal", "normal"));
        assert_eq!(
            begin.elapsed(),
            Duration::from_secs(3),
            "neither returned before it was over"
        );
        assert_eq!(
            word(&sup.stop(ExitReason::Shutdown).await),
            "normal",
            "nor does a third wait for ever"
        );
    }

    #[invariant]
    async fn child_that_waits_for_the_end_of_its_own_supervisor_only_costs_its_deadline() {
        let journal = Journal::new();
        let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(b.spec())
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let above = sup.clone();
        a.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { drop(above.stop(ExitReason::Shutdown).await) })
        })));
        let begin = Instant::now();
        assert_eq!(word(&sup.whereis().expect("it runs").exited().await), "shutdown");
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        assert_eq!([a.exits(), b.exits()], [["killed"], ["shutdown"]]);
    }

    #[invariant]
    async fn tree_can_be_looked_at_while_a_supervisor_is_busy() {
        let journal = Journal::new();
        let (a, slow, inner) = (Probe::new("a", &journal), Probe::new("slow", &journal), Latest::new());
        let child = a.clone();
        let spec = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).child(child.spec())
        });
        let sup = Supervisor::new(Strategy::OneForOne).child(spec.restart(Restart::Temporary).via(inner.clone()));
        let sup = sup.start().await.expect("boot");
        slow.start_takes(HOUR);
        let (asked, child) = (sup.clone(), slow.spec());
        let starter = tokio::spawn(async move { asked.start_child(child).await.map(drop) });
        settle().await;
        let begin = Instant::now();
        let tree = sup.tree().expect("it runs");
        let ids: Vec<_> = tree.iter().map(|node| node.id.clone()).collect();
        assert_eq!(ids[1..], ["inner", "a", "slow"]);
        let path = format!("{}/inner/a", tree.path);
        let found = tree.find(&path).and_then(|node| node.pid);
        assert_eq!(found, Some(a.current().pid()));
        assert_eq!(begin.elapsed(), Duration::ZERO);
        starter.abort();
    }
}
