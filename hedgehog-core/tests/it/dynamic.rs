//! Dynamic supervisors.

use crate::kit::{Log, Order, Script, settle};
use hedgehog_core::{
    ActorProcessingErr, ChildState, DynamicSupervisor, ExitReason, Restart, StartError, Task, TerminateError,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn children_come_and_go_by_reference_and_by_id() {
    let log = Log::default();
    let supervisor = DynamicSupervisor::new().max_children(2).start().await.unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|id| Script::new(id, &log));
    let first = supervisor.start_child(a.spec()).await.unwrap();
    supervisor.start_child(b.spec()).await.unwrap();
    assert!(matches!(
        supervisor.start_child(c.spec()).await,
        Err(StartError::MaxChildren { max: 2 })
    ));
    supervisor.terminate_child(&first).await.unwrap();
    assert_eq!(
        supervisor.terminate_child(&first).await,
        Err(TerminateError::NotFound {
            child: first.pid().to_string()
        })
    );
    supervisor.terminate_id("b").await.unwrap();
    assert_eq!(
        supervisor.terminate_id("b").await,
        Err(TerminateError::NotFound { child: "b".into() })
    );
    assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
    assert!(a.name.whereis().is_none() && b.name.whereis().is_none());
    c.failing_starts.store(1, SeqCst);
    assert!(
        matches!(supervisor.start_child(c.spec()).await, Err(StartError::Failed(_))),
        "the raw reason"
    );
    c.ignored_starts.store(1, SeqCst);
    assert!(matches!(
        supervisor.start_child(c.spec()).await,
        Err(StartError::Ignore)
    ));
    assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
}

#[tokio::test(start_paused = true)]
async fn a_restarting_child_counts_and_can_be_terminated_by_its_old_reference_or_its_id() {
    let log = Log::default();
    let supervisor = DynamicSupervisor::new()
        .max_restarts(usize::MAX)
        .max_children(1)
        .start()
        .await
        .unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|id| Script::new(id, &log));
    for probe in [&a, &b] {
        let child = supervisor.start_child(probe.spec()).await.unwrap();
        probe.failing_starts.store(usize::MAX, SeqCst);
        child.kill();
        child.exited().await;
        let children = supervisor.which_children().await.unwrap();
        assert!(children.iter().all(|child| child.state == ChildState::Restarting));
        if probe.id == "b" {
            assert!(matches!(
                supervisor.start_child(c.spec()).await,
                Err(StartError::MaxChildren { .. })
            ));
            supervisor.terminate_id("b").await.unwrap();
        } else {
            supervisor.terminate_child(&child).await.unwrap();
        }
        log.take();
        settle().await;
        assert!(log.take().is_empty(), "the retry is cancelled");
    }
}

#[tokio::test(start_paused = true)]
async fn children_are_restarted_apart_and_share_one_intensity() {
    let log = Log::default();
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let root = supervisor.whereis().unwrap();
    let probes = ["a", "b", "c", "d"].map(|id| Script::new(id, &log));
    for probe in &probes {
        supervisor.start_child(probe.spec()).await.unwrap();
    }
    for probe in &probes[..3] {
        probe.end(Order::Fail("broken")).await;
        settle().await;
    }
    assert_eq!(supervisor.count_children().await.unwrap().active, 4);
    probes[3].end(Order::Fail("broken")).await;
    assert!(matches!(root.exited().await, ExitReason::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn all_children_are_stopped_at_the_same_time() {
    let log = Log::default();
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    for id in ["a", "b", "c"] {
        let mut probe = Script::new(id, &log);
        probe.slow_stop = Duration::from_secs(3);
        supervisor.start_child(probe.spec()).await.unwrap();
    }
    let began = Instant::now();
    supervisor.stop(ExitReason::Normal).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(log.take().iter().filter(|line| line.starts_with("stop")).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_once_and_is_tried_again_only_when_it_is_transient_and_failed() {
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    for (restart, runs) in [(Restart::Temporary, 1), (Restart::Transient, 3)] {
        let run = Arc::new(AtomicUsize::new(0));
        let counter = run.clone();
        let task = Task::spec("task", move || {
            let turn = counter.fetch_add(1, SeqCst);
            async move {
                if turn < 2 {
                    Err(ActorProcessingErr::from("not yet"))
                } else {
                    Ok(())
                }
            }
        });
        let task = supervisor.start_child(task.restart(restart)).await.unwrap();
        assert!(matches!(task.exited().await, ExitReason::Error(_)));
        settle().await;
        assert_eq!(run.load(SeqCst), runs);
        assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
    }
}

/// Starting, losing and terminating one must not depend on how many there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_children_are_no_trouble() {
    const MANY: usize = 20_000;
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let idle = || Task::spec("idle", std::future::pending::<Result<(), ActorProcessingErr>>);
    let mut children = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        children.push(supervisor.start_child(idle()).await.unwrap());
    }
    for child in &children[..1000] {
        supervisor.terminate_child(child).await.unwrap();
    }
    assert_eq!(supervisor.count_children().await.unwrap().active, MANY - 1000);
    assert_eq!(supervisor.tree().unwrap().children.len(), MANY - 1000);
    supervisor.stop(ExitReason::Shutdown).await;
    assert!(children.iter().all(|child| !child.is_alive()));
}
