//! How a supervisor stops its children, and with which reasons everybody ends.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod deadlines {
    use std::time::Duration;

    use hedgehog_core::{ChildSpec, DynamicSupervisor, ExitReason, Restart, Shutdown, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, Trace, word};
    use tokio::time::Instant;

    const HOUR: Duration = Duration::from_hours(1);

    /// Stops a supervisor over `spec`; how long that took.
    async fn stop_over(spec: ChildSpec<Command>) -> Duration {
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(spec)
            .start()
            .await
            .expect("boot");
        let begin = Instant::now();
        assert_eq!(
            word(&sup.stop(ExitReason::Shutdown).await),
            "shutdown",
            "whatever became of the child"
        );
        begin.elapsed()
    }

    #[row("SPEC-021")]
    async fn children_stop_one_after_another_the_last_one_first() {
        let journal = Journal::new();
        let probes = ["a", "b", "c"].map(|name| Probe::new(name, &journal));
        let sup = Supervisor::new(Strategy::OneForOne);
        let sup = probes
            .iter()
            .fold(sup, |sup, probe| sup.child(probe.spec()))
            .start()
            .await
            .expect("boot");
        probes[0].stop_takes(Duration::from_millis(300));
        probes[1].stop_takes(Duration::from_millis(300));
        let _ = journal.take();
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(600));
        assert_eq!(journal.take(), "stop c, drop c, stop b, drop b, stop a, drop a");
        assert_eq!(
            probes.each_ref().map(Probe::exits),
            [["shutdown"], ["shutdown"], ["shutdown"]]
        );
    }

    #[invariant]
    async fn children_of_a_dynamic_supervisor_stop_side_by_side() {
        let journal = Journal::new();
        let sup = DynamicSupervisor::new().start().await.expect("boot");
        for _ in 0..100 {
            let probe = Probe::new("a", &journal);
            probe.stop_takes(Duration::from_secs(1));
            sup.start_child(probe.spec()).await.expect("start");
        }
        let begin = Instant::now();
        sup.stop(ExitReason::Shutdown).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
        assert_eq!(journal.take().matches("stop a").count(), 100);
    }

    #[row("SPEC-022")]
    async fn child_that_outlives_its_deadline_is_killed() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        a.stop_takes(HOUR);
        let took = stop_over(a.spec().shutdown(Shutdown::Timeout(Duration::from_millis(250)))).await;
        assert_eq!(took, Duration::from_millis(250));
        assert_eq!(a.exits(), ["killed"]);
        assert_eq!(journal.take(), "start a, drop a");
    }

    #[row("SPEC-022")]
    async fn child_that_stops_in_time_is_not_killed() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        a.stop_takes(Duration::from_millis(240));
        let took = stop_over(a.spec().shutdown(Shutdown::Timeout(Duration::from_millis(250)))).await;
        assert_eq!(took, Duration::from_millis(240));
        assert_eq!(a.exits(), ["shutdown"]);
        assert_eq!(journal.take(), "start a, stop a, drop a");
    }

    #[row("SPEC-023")]
    async fn brutal_kill_runs_no_cleanup() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        assert_eq!(stop_over(a.spec().shutdown(Shutdown::BrutalKill)).await, Duration::ZERO);
        assert_eq!(a.exits(), ["killed"]);
        assert_eq!(journal.take(), "start a, drop a");
    }

    #[row("SPEC-024")]
    async fn shutdown_without_end_waits_as_long_as_it_takes() {
        let a = Probe::new("a", &Journal::new());
        a.stop_takes(HOUR);
        assert_eq!(stop_over(a.spec().shutdown(Shutdown::Infinity)).await, HOUR);
        assert_eq!(a.exits(), ["shutdown"]);
    }

    #[row("SPEC-024")]
    async fn shutdown_of_no_time_asks_and_kills_at_once() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        a.stop_takes(HOUR);
        assert!(stop_over(a.spec().shutdown(Shutdown::Timeout(Duration::ZERO))).await <= Duration::from_millis(1));
        assert_eq!(a.exits(), ["killed"]);
        assert_eq!(journal.take(), "start a, drop a");
    }

    #[row("SPEC-025")]
    async fn exits_that_do_not_fit_the_way_a_child_was_stopped_are_reported() {
        let (normal, detail) = (ExitReason::Normal, ExitReason::ShutdownWith("flushed".into()));
        let plain = |restart| (restart, Shutdown::Infinity, None, false);
        let ending =
            |restart, reason: &ExitReason, reported| (restart, Shutdown::Infinity, Some(reason.clone()), reported);
        let late = (
            Restart::Temporary,
            Shutdown::Timeout(Duration::from_millis(1)),
            None,
            true,
        );
        let cases = [
            plain(Restart::Permanent),
            plain(Restart::Transient),
            ending(Restart::Permanent, &normal, true),
            ending(Restart::Permanent, &detail, true),
            ending(Restart::Transient, &normal, false),
            ending(Restart::Temporary, &detail, false),
            ending(Restart::Transient, &ExitReason::Panic("of its cleanup".into()), true),
            (Restart::Permanent, Shutdown::BrutalKill, None, false),
            late.clone(),
        ];
        for (restart, shutdown, reason, reported) in cases {
            let a = Probe::new("a", &Journal::new());
            if shutdown == late.1 {
                a.stop_takes(HOUR);
            }
            let said = format!("{restart:?}, {shutdown:?}, {reason:?}");
            if let Some(reason) = reason {
                a.stop_with(reason);
            }
            let trace = Trace::capture();
            stop_over(a.spec().restart(restart).shutdown(shutdown)).await;
            let serious: Vec<_> = trace
                .take()
                .into_iter()
                .filter(|event| event.level <= tracing::Level::WARN)
                .collect();
            assert_eq!(serious.len(), usize::from(reported), "{said}: {serious:?}");
            assert!(
                serious.iter().all(|event| event.text.contains("child=a")),
                "{said}: {serious:?}"
            );
            assert_eq!(a.starts(), 1, "{said}");
        }
    }
}

#[suite]
pub(crate) mod reasons {
    use std::time::Duration;

    use hedgehog_core::{ExitReason, Restart, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Latest, Probe, settle, word};
    use tokio::time::Instant;

    #[row("SPEC-048")]
    async fn stop_waits_for_the_children_and_ends_with_exactly_the_reason_given() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("for lunch".into()),
        ] {
            let a = Probe::new("a", &Journal::new());
            a.stop_takes(Duration::from_secs(4));
            let sup = Supervisor::new(Strategy::OneForOne)
                .child(a.spec())
                .start()
                .await
                .expect("boot");
            let actor = sup.whereis().expect("it runs");
            let begin = Instant::now();
            let exit = sup.stop(reason.clone()).await;
            assert_eq!(begin.elapsed(), Duration::from_secs(4));
            assert_eq!(exit.to_string(), reason.to_string());
            assert_eq!(actor.exited().await.to_string(), reason.to_string());
            assert_eq!(
                (a.alive(), a.exits()),
                (0, vec!["shutdown"]),
                "children are always shut down"
            );
        }
    }

    #[row("SPEC-048")]
    async fn permanent_supervisor_that_is_stopped_with_normal_is_restarted_by_its_parent() {
        let (sup, a) = (Latest::new(), Probe::new("a", &Journal::new()));
        let child = a.clone();
        let inner = Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).child(child.spec())
        });
        let _outer = Supervisor::new(Strategy::OneForOne)
            .child(inner.via(sup.clone()))
            .start()
            .await
            .expect("boot");
        let first = sup.current();
        let exit = hedgehog_core::SupervisorRef::from(first).stop(ExitReason::Normal).await;
        assert_eq!(word(&exit), "normal");
        settle().await;
        assert_eq!((sup.count(), a.starts(), a.alive()), (2, 2, 1));
    }

    #[row("SPEC-055")]
    async fn stop_overtakes_the_mailbox_and_runs_the_cleanup() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        a.tell(Command::Wait(Duration::from_secs(2)));
        settle().await;
        for text in ["one", "two", "three"] {
            a.tell(Command::Note(text));
        }
        sup.terminate_child("a").await.expect("terminate");
        assert_eq!(
            journal.take(),
            "start a, stop a, drop a",
            "what was queued is never handled"
        );
        assert_eq!(a.exits(), ["shutdown"]);
    }

    #[row("SPEC-055")]
    async fn drain_serves_the_mailbox_first_and_a_supervisor_drains_only_the_children_that_say_so() {
        for drains in [false, true] {
            let journal = Journal::new();
            let a = Probe::new("a", &journal);
            let spec = if drains { a.spec().drain() } else { a.spec() };
            let sup = Supervisor::new(Strategy::OneForOne)
                .child(spec)
                .start()
                .await
                .expect("boot");
            a.tell(Command::Wait(Duration::from_secs(2)));
            a.tell(Command::Note("one"));
            a.tell(Command::Note("two"));
            sup.stop(ExitReason::Shutdown).await;
            let notes = if drains { "note a: one, note a: two, " } else { "" };
            assert_eq!(journal.take(), format!("start a, {notes}stop a, drop a"));
            assert_eq!(a.exits(), ["shutdown"]);
        }
    }

    #[row("SPEC-055")]
    async fn drain_takes_no_new_messages_and_ends_with_its_reason() {
        let journal = Journal::new();
        let a = Probe::new("a", &journal);
        let sup = Supervisor::new(Strategy::OneForOne).child(a.spec().restart(Restart::Temporary));
        let _sup = sup.start().await.expect("boot");
        a.tell(Command::Wait(Duration::from_secs(2)));
        a.tell(Command::Note("in time"));
        let actor = a.current();
        actor.drain(ExitReason::ShutdownWith("drained".into()));
        assert!(actor.cast(Command::Note("too late")).is_err());
        assert_eq!(
            actor.exited().await.to_string(),
            ExitReason::ShutdownWith("drained".into()).to_string()
        );
        assert_eq!(journal.take(), "start a, note a: in time, stop a, drop a");
    }

    #[invariant]
    async fn first_reason_wins_when_a_child_is_asked_to_stop_twice() {
        let a = Probe::new("a", &Journal::new());
        a.stop_takes(Duration::from_secs(2));
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(a.spec())
            .start()
            .await
            .expect("boot");
        let first = a.current();
        first.stop(ExitReason::ShutdownWith("first".into()));
        settle().await;
        first.stop(ExitReason::Normal);
        assert_eq!(
            first.exited().await.to_string(),
            ExitReason::ShutdownWith("first".into()).to_string()
        );
        assert_eq!(
            first.exited().await.to_string(),
            ExitReason::ShutdownWith("first".into()).to_string()
        );
    }
}
