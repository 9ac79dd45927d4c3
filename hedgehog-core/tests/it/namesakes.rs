//! Starts under an id or a name whose child has just died: the child comes first, and never are there two.

use crate::kit::{Log, Order, Probe, Script, quiet, settle};
use hedgehog_core::{
    ActorRef, Bind, ChildSpec, ChildState, DynamicSupervisor, DynamicSupervisorRef, Registry, StartError, Strategy,
    Supervisor,
};
use std::{sync::atomic::Ordering::SeqCst, thread, time::Duration};

/// Another child under the name of `of`.
fn twin(of: &Script, log: &Log) -> ChildSpec<Order> {
    Script::new("twin", log).nameless().name(&of.name)
}

/// A supervisor that is busy with `slow` for a second, so that its mailbox fills meanwhile.
fn slow(log: &Log) -> ChildSpec<Order> {
    let mut slow = Script::new("slow", log);
    slow.slow_start = Duration::from_secs(1);
    slow.spec()
}

fn holder(refused: Result<ActorRef<Order>, StartError>) -> hedgehog_core::Pid {
    match refused.unwrap_err() {
        StartError::AlreadyRegistered { holder, .. } => holder,
        StartError::AlreadyStarted { pid, .. } => pid,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waited_before_the_notice_of_an_exit_finds_the_child_restarted() {
    let log = Log::default();
    let a = Script::new("a", &log);
    // A second attempt to restart would be one too many.
    let supervisor = DynamicSupervisor::new().max_restarts(1).start().await.unwrap();
    supervisor.start_child(a.spec()).await.unwrap();
    let (busy, waiting) = (supervisor.clone(), supervisor.clone());
    let (slow, twin) = (slow(&log), twin(&a, &log));
    let busy = tokio::spawn(async move { busy.start_child(slow).await });
    settle().await;
    let waiting = tokio::spawn(async move { waiting.start_child(twin).await });
    settle().await;
    a.it().kill();
    busy.await.unwrap().unwrap();
    assert_eq!(holder(waiting.await.unwrap()), a.pid());
    settle().await;
    assert_eq!(log.take(), ["start a", "drop a", "start slow", "start a"]);
    assert_eq!(supervisor.count_children().await.unwrap().active, 2);
}

#[tokio::test(start_paused = true)]
async fn so_it_is_in_a_static_supervisor_by_name_and_by_id() {
    let log = Log::default();
    let a = Script::new("a", &log);
    for same_id in [false, true] {
        let supervisor = Supervisor::new(Strategy::OneForOne).max_restarts(1).child(a.spec());
        let supervisor = supervisor.start().await.unwrap();
        let (busy, waiting) = (supervisor.clone(), supervisor.clone());
        let (slow, second) = (slow(&log), if same_id { a.nameless() } else { twin(&a, &log) });
        let busy = tokio::spawn(async move { busy.start_child(slow).await });
        settle().await;
        let waiting = tokio::spawn(async move { waiting.start_child(second).await });
        settle().await;
        a.it().kill();
        busy.await.unwrap().unwrap();
        assert_eq!(holder(waiting.await.unwrap()), a.pid());
        settle().await;
        assert_eq!(supervisor.count_children().await.unwrap().active, 2);
        supervisor.stop(hedgehog_core::ExitReason::Shutdown).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_child_that_is_being_restarted_is_kept_for_it() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let supervisor = DynamicSupervisor::new().max_restarts(usize::MAX).start().await.unwrap();
    let child = supervisor.start_child(a.spec()).await.unwrap();
    being_restarted(&a, &supervisor).await;
    assert_eq!(holder(supervisor.start_child(twin(&a, &log)).await), child.pid());
    a.failing_starts.store(0, SeqCst);
    settle().await;
    assert!(a.it().is_alive());
    // Given up on purpose, the name is free.
    being_restarted(&a, &supervisor).await;
    supervisor.terminate_id("a").await.unwrap();
    let second = supervisor.start_child(twin(&a, &log)).await.unwrap();
    assert_eq!(a.name.whereis(), Some(second));
}

async fn being_restarted(child: &Script, supervisor: &DynamicSupervisorRef) {
    child.failing_starts.store(usize::MAX, SeqCst);
    child.it().kill();
    loop {
        let children = supervisor.which_children().await.unwrap();
        if children.iter().all(|child| child.state == ChildState::Restarting) {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_static_supervisor_keeps_the_name_too_whatever_the_id() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let names = Registry::<&str, Order>::unique("names");
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .max_restarts(usize::MAX)
        .child(names.spec("names"))
        .child(a.spec().via(names.via("a")));
    let supervisor = supervisor.start().await.unwrap();
    let pid = a.pid();
    a.failing_starts.store(usize::MAX, SeqCst);
    a.it().kill();
    while supervisor.which_child("a").await.unwrap().unwrap().state != ChildState::Restarting {}
    let second = Script::new("b", &log);
    let refused = supervisor.start_child(second.spec().via(names.via("a"))).await;
    assert_eq!(holder(refused), pid);
    supervisor.start_child(second.spec().via(names.via("b"))).await.unwrap();
    a.failing_starts.store(0, SeqCst);
    settle().await;
    assert_eq!(names.lookup(&"a"), Some(a.it()));
}

/// Kills the holder of a name at the very moment at which another child is about to take it.
struct Ambush(Script);

impl Bind<Order> for Ambush {
    fn bind(&self, _: &ActorRef<Order>) -> Result<(), StartError> {
        let victim = self.0.it();
        victim.kill();
        while victim.is_alive() {
            thread::yield_now();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_taken_in_the_moment_of_a_death_ends_in_one_holder_and_no_storm_of_restarts() {
    quiet();
    let log = Log::default();
    for dynamic in [true, false] {
        let a = Script::new("a", &log);
        let script = Script::new("b", &log);
        let thief = ChildSpec::worker("b", move || (Probe, script.clone()))
            .via(Ambush(a.clone()))
            .name(&a.name);
        let thief = if dynamic {
            let supervisor = DynamicSupervisor::new().max_restarts(1).start().await.unwrap();
            supervisor.start_child(a.spec()).await.unwrap();
            let thief = supervisor.start_child(thief).await.unwrap();
            assert_eq!(supervisor.count_children().await.unwrap().specs, 1);
            thief
        } else {
            let supervisor = Supervisor::new(Strategy::OneForOne).max_restarts(1).child(a.spec());
            let supervisor = supervisor.start().await.unwrap();
            let thief = supervisor.start_child(thief).await.unwrap();
            let first = supervisor.which_child("a").await.unwrap().unwrap();
            assert_eq!(first.state, ChildState::Stopped);
            thief
        };
        assert_eq!(a.name.whereis(), Some(thief));
    }
}
