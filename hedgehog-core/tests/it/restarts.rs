//! Who is started again, in which order, and how often.

use crate::kit::{Log, Order, Script, quiet, settle};
use hedgehog_core::{ChildState, ExitReason, Restart, Strategy, Supervisor};
use std::{sync::atomic::Ordering::SeqCst, time::Duration};

const FOREVER: Duration = Duration::from_secs(3600);

fn three(log: &Log) -> [Script; 3] {
    ["a", "b", "c"].map(|id| Script::new(id, log))
}

fn supervisor<'a>(strategy: Strategy, children: impl IntoIterator<Item = &'a Script>) -> Supervisor {
    children
        .into_iter()
        .map(Script::spec)
        .fold(Supervisor::new(strategy), Supervisor::child)
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_the_child_and_the_later_ones() {
    quiet();
    let log = Log::default();
    let probes = three(&log);
    let _supervisor = supervisor(Strategy::RestForOne, &probes).start().await.unwrap();
    let before = probes.each_ref().map(Script::pid);
    log.take();
    probes[1].end(Order::Panic("on purpose")).await;
    settle().await;
    // No cleanup of its own after a panic.
    assert_eq!(log.take(), ["drop b", "stop c", "drop c", "start b", "start c"]);
    let after = probes.each_ref().map(Script::pid);
    assert_eq!(before[0], after[0]);
    assert!(before[1] != after[1] && before[2] != after[2]);
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_in_reverse_then_starts_in_order() {
    let log = Log::default();
    let probes = three(&log);
    let _supervisor = supervisor(Strategy::OneForAll, &probes).start().await.unwrap();
    log.take();
    probes[1].end(Order::Fail("broken")).await;
    settle().await;
    assert_eq!(
        log.take(),
        [
            "stop b", "drop b", "stop c", "drop c", "stop a", "drop a", "start a", "start b", "start c"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn simultaneous_exits_count_once_in_a_group_and_each_under_one_for_one() {
    let log = Log::default();
    for (strategy, survives) in [
        (Strategy::OneForAll, true),
        (Strategy::RestForOne, true),
        (Strategy::OneForOne, false),
    ] {
        let probes = three(&log);
        let supervisor = supervisor(strategy, &probes).max_restarts(1).start().await.unwrap();
        let [a, _, c] = probes.each_ref().map(Script::it);
        a.kill();
        c.kill();
        settle().await;
        assert_eq!(supervisor.whereis().is_some(), survives, "{strategy:?}");
        supervisor.stop(ExitReason::Shutdown).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_restart_type_decides_what_an_exit_means() {
    let log = Log::default();
    let cases = [
        (Restart::Permanent, ExitReason::Normal, true),
        (Restart::Permanent, ExitReason::Shutdown, true),
        (Restart::Transient, ExitReason::Normal, false),
        (Restart::Transient, ExitReason::ShutdownWith("done".into()), false),
        (Restart::Transient, ExitReason::Killed, true),
        (Restart::Temporary, ExitReason::Killed, false),
    ];
    for (restart, reason, again) in cases {
        let [a, b, _] = three(&log);
        let supervisor = Supervisor::new(Strategy::OneForAll)
            .child(a.spec())
            .child(b.spec().restart(restart));
        let supervisor = supervisor.start().await.unwrap();
        let sibling = a.pid();
        b.end(Order::Exit(reason.clone())).await;
        settle().await;
        assert_eq!(b.name.whereis().is_some(), again, "{restart:?} after {reason}");
        assert_eq!(a.pid() != sibling, again, "a sibling is disturbed only by a restart");
        let specs = supervisor.count_children().await.unwrap().specs;
        assert_eq!(specs, if restart == Restart::Temporary { 1 } else { 2 });
        supervisor.stop(ExitReason::Shutdown).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_restart_too_many_ends_the_supervisor_with_shutdown() {
    let log = Log::default();
    let [a, b, _] = three(&log);
    let supervisor = supervisor(Strategy::OneForOne, [&a, &b]).start().await.unwrap();
    let root = supervisor.whereis().unwrap();
    for _ in 0..3 {
        b.end(Order::Fail("broken")).await;
        settle().await;
    }
    log.take();
    b.end(Order::Fail("broken")).await;
    assert!(matches!(root.exited().await, ExitReason::Shutdown));
    assert_eq!(log.take(), ["stop b", "drop b", "stop a", "drop a"]);
}

#[tokio::test(start_paused = true)]
async fn restarts_far_enough_apart_go_on_for_ever() {
    let log = Log::default();
    let [a, ..] = three(&log);
    let supervisor = supervisor(Strategy::OneForOne, [&a])
        .max_restarts(1)
        .start()
        .await
        .unwrap();
    for _ in 0..20 {
        a.end(Order::Fail("broken")).await;
        tokio::time::sleep(Duration::from_millis(5_001)).await;
    }
    assert!(supervisor.whereis().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_keeps_failing_is_tried_as_often_as_the_intensity_allows() {
    let log = Log::default();
    let [a, ..] = three(&log);
    let supervisor = supervisor(Strategy::OneForOne, [&a]).start().await.unwrap();
    let root = supervisor.whereis().unwrap();
    a.failing_starts.store(usize::MAX, SeqCst);
    log.take();
    a.end(Order::Exit(ExitReason::Killed)).await;
    assert!(matches!(root.exited().await, ExitReason::Shutdown));
    assert_eq!(log.take(), ["stop a", "drop a", "nostart a", "nostart a", "nostart a"]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_leaves_room_for_requests_and_terminate_cancels_it() {
    let log = Log::default();
    let [a, ..] = three(&log);
    let supervisor = supervisor(Strategy::OneForOne, [&a])
        .max_restarts(usize::MAX)
        .start()
        .await
        .unwrap();
    a.failing_starts.store(usize::MAX, SeqCst);
    a.end(Order::Fail("broken")).await;
    // The retries go on without end, yet requests are served between them.
    let children = supervisor.which_children().await.unwrap();
    assert_eq!(children[0].state, ChildState::Restarting);
    supervisor.terminate_child("a").await.unwrap();
    log.take();
    settle().await;
    assert!(log.take().is_empty());
    assert_eq!(supervisor.which_children().await.unwrap()[0].state, ChildState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_failed_group_restart_resumes_where_the_strategy_says() {
    let log = Log::default();
    let expected: [(Strategy, &[&str]); 2] = [
        (
            Strategy::OneForAll,
            &[
                "start a",
                "nostart b",
                "stop a",
                "drop a",
                "start a",
                "start b",
                "start c",
            ],
        ),
        (Strategy::RestForOne, &["start a", "nostart b", "start b", "start c"]),
    ];
    for (strategy, order) in expected {
        let probes = three(&log);
        let supervisor = supervisor(strategy, &probes)
            .max_restarts(2)
            .max_seconds(FOREVER)
            .start()
            .await
            .unwrap();
        probes[1].failing_starts.store(1, SeqCst);
        let a = probes[0].it();
        a.kill();
        a.exited().await;
        settle().await;
        let seen = log.take();
        let from = seen.iter().rposition(|line| line == "drop b").unwrap() + 1;
        assert_eq!(seen[from..], *order, "{strategy:?}");
        supervisor.stop(ExitReason::Shutdown).await;
        log.take();
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_revives_the_stopped_and_forgets_the_temporary() {
    let log = Log::default();
    let [a, b, c] = three(&log);
    let supervisor = Supervisor::new(Strategy::OneForAll)
        .child(a.spec())
        .child(b.spec().restart(Restart::Transient))
        .child(c.spec().restart(Restart::Temporary))
        .start()
        .await
        .unwrap();
    supervisor.terminate_child("b").await.unwrap();
    assert!(b.name.whereis().is_none());
    a.end(Order::Fail("broken")).await;
    settle().await;
    assert!(b.name.whereis().is_some() && c.name.whereis().is_none());
    assert_eq!(supervisor.count_children().await.unwrap().specs, 2);
}

#[tokio::test(start_paused = true)]
async fn a_transient_supervisor_that_gave_up_stays_down() {
    let log = Log::default();
    let [a, b, _] = three(&log);
    let inner = {
        let a = a.clone();
        Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).max_restarts(0).child(a.spec())
        })
    };
    let supervisor = Supervisor::new(Strategy::OneForAll)
        .child(b.spec())
        .child(inner.restart(Restart::Transient));
    let supervisor = supervisor.start().await.unwrap();
    let sibling = b.pid();
    a.end(Order::Fail("broken")).await;
    settle().await;
    assert!(a.name.whereis().is_none());
    assert_eq!(b.pid(), sibling);
    assert_eq!(supervisor.count_children().await.unwrap().active, 1);
}
