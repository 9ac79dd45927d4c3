//! Supervisors that are killed, and children that cannot be.

use crate::kit::{Log, Order, Script, quiet, settle};
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, ChildState, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name,
    Shutdown, Strategy, Supervisor, SupervisorRef, ractor,
};
use std::{
    sync::{Arc, Barrier, mpsc},
    time::Duration,
};

#[tokio::test(start_paused = true)]
async fn nobody_outlives_a_killed_supervisor() {
    let log = Log::default();
    let (a, b) = (Script::new("a", &log), Script::new("b", &log));
    let inner = {
        let b = b.clone();
        Supervisor::spec("inner", move || Supervisor::new(Strategy::OneForOne).child(b.spec()))
    };
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(a.spec())
        .child(inner)
        .start()
        .await
        .unwrap();
    a.it().cast(Order::Hang).unwrap();
    let (root, a_ref, b_ref) = (supervisor.whereis().unwrap(), a.it(), b.it());
    root.on_exit({
        let (a, b) = (a.name.clone(), b.name.clone());
        let log = log.clone();
        move |_| log.write(format!("gone {}", a.whereis().is_none() && b.whereis().is_none()))
    });
    log.take();
    root.kill();
    assert!(matches!(root.exited().await, ExitReason::Killed));
    assert!(matches!(a_ref.exit_reason(), Some(ExitReason::Killed)));
    assert!(matches!(b_ref.exit_reason(), Some(ExitReason::Killed)));
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["drop a", "drop b", "gone true"]);
}

/// The case that a naive restart loses: names of the subtree still taken when its supervisor is started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_subtree_restarts_under_its_names_every_time() {
    let log = Log::default();
    let leaves = ["a", "b", "c", "d"].map(|id| Script::new(id, &log));
    let (middle, dynamic) = (Name::new("middle"), Name::new("dynamic"));
    let specs = leaves.clone();
    let inner = Supervisor::spec("middle", move || {
        let dynamic = DynamicSupervisor::spec("dynamic", DynamicSupervisor::new).name(&dynamic);
        specs
            .iter()
            .map(Script::spec)
            .fold(Supervisor::new(Strategy::OneForAll).child(dynamic), Supervisor::child)
    });
    let root = Supervisor::new(Strategy::OneForOne)
        .max_restarts(usize::MAX)
        .child(inner.name(&middle));
    let root = root.start().await.unwrap();
    for _ in 0..200 {
        let old = middle.wait(Duration::from_secs(5)).await.unwrap();
        // All leaves must be up, so that there is something to clean up.
        let inner = SupervisorRef::from(&middle);
        assert_eq!(inner.count_children().await.unwrap().active, 5);
        old.kill();
        old.exited().await;
    }
    // No restart ever failed: each kill counted exactly once.
    SupervisorRef::from(&middle).which_children().await.unwrap();
    assert_eq!(root.which_children().await.unwrap()[0].restarts, 200);
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn a_reference_by_name_waits_out_a_restart() {
    let log = Log::default();
    let name = Name::new("workers");
    let workers = DynamicSupervisor::spec("workers", DynamicSupervisor::new).name(&name);
    let root = Supervisor::new(Strategy::OneForOne)
        .child(workers)
        .start()
        .await
        .unwrap();
    let workers = DynamicSupervisorRef::from(&name);
    workers.start_child(Script::new("a", &log).spec()).await.unwrap();
    workers.whereis().unwrap().kill();
    // Whether the old one is dying, gone or replaced already: the request reaches the next.
    workers.start_child(Script::new("b", &log).spec()).await.unwrap();
    assert_eq!(workers.count_children().await.unwrap().active, 1);
    root.stop(ExitReason::Shutdown).await;
    assert!(workers.start_child(Script::new("c", &log).spec()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_that_cannot_be_killed_is_fenced() {
    let log = Log::default();
    let (stuck, other) = (Script::new("stuck", &log), Script::new("other", &log));
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .kill_grace(Duration::from_millis(50))
        .child(other.spec())
        .child(stuck.spec().shutdown(Shutdown::BrutalKill))
        .start()
        .await
        .unwrap();
    let (zombie, gate) = (stuck.it(), Arc::new(Barrier::new(2)));
    let (tell, told) = mpsc::channel();
    let (entered, is_in) = tokio::sync::oneshot::channel();
    let (blocked, victim) = (gate.clone(), other.it());
    let run = move |me: hedgehog_core::ActorRef<Order>| {
        let _ = entered.send(());
        blocked.wait();
        // Awake again, long after it was declared dead: nothing it does may be seen.
        victim.stop(ExitReason::Normal);
        victim.kill();
        let _ = tell.send((victim.cast(Order::Note("from a zombie")).is_err(), me.is_alive()));
    };
    zombie.cast(Order::Run(Box::new(run))).unwrap();
    is_in.await.unwrap();
    supervisor.terminate_child("stuck").await.unwrap();
    assert!(matches!(zombie.exit_reason(), Some(ExitReason::Killed)));
    assert!(stuck.name.whereis().is_none());
    log.take();
    gate.wait();
    let (refused, alive) = tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
    assert!(refused && !alive);
    assert_eq!(other.it().call(Order::Ping, None).await.unwrap(), "other");
    assert!(!log.take().contains(&"from a zombie".to_owned()));
    supervisor.stop(ExitReason::Shutdown).await;
}

/// Runs what it is sent, which need not yield.
struct Stubborn;

impl Actor for Stubborn {
    type Msg = Box<dyn FnOnce() + Send>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        run: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        run();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_kills_a_child_that_does_not_yield_it_is_fenced_and_restarted() {
    let name = Name::new("stubborn");
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .kill_grace(Duration::from_millis(50))
        .child(ChildSpec::worker("stubborn", || (Stubborn, ())).name(&name));
    let supervisor = supervisor.start().await.unwrap();
    // From inside the runtime, and from a thread that knows none.
    for outside in [false, true] {
        let (stuck, gate) = (
            name.wait(Duration::from_secs(5)).await.unwrap(),
            Arc::new(Barrier::new(2)),
        );
        let (entered, is_in) = tokio::sync::oneshot::channel();
        let blocked = gate.clone();
        let run = move || {
            let _ = entered.send(());
            blocked.wait();
        };
        stuck.cast(Box::new(run)).unwrap();
        is_in.await.unwrap();
        let victim = stuck.clone();
        if outside {
            std::thread::spawn(move || victim.kill()).join().unwrap();
        } else {
            victim.kill();
        }
        let reason = tokio::time::timeout(Duration::from_secs(5), stuck.exited()).await;
        assert!(matches!(reason, Ok(ExitReason::Killed)), "{reason:?}");
        let next = name.wait(Duration::from_secs(5)).await.unwrap();
        assert_ne!(next, stuck);
        tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
        assert_eq!(name.whereis(), Some(next), "the late end of a zombie changes nothing");
    }
    assert_eq!(supervisor.which_children().await.unwrap()[0].restarts, 2);
}

#[tokio::test(start_paused = true)]
async fn stale_exits_of_replaced_children_are_ignored() {
    quiet();
    let log = Log::default();
    let probes = ["a", "b"].map(|id| Script::new(id, &log));
    let supervisor = probes
        .iter()
        .map(Script::spec)
        .fold(Supervisor::new(Strategy::OneForAll), Supervisor::child);
    let supervisor = supervisor.max_restarts(1).start().await.unwrap();
    probes[0].end(Order::Panic("on purpose")).await;
    settle().await;
    // The exit notice of the second child, which the group restart stopped, must not start another restart.
    let children = supervisor.which_children().await.unwrap();
    assert!(
        children
            .iter()
            .all(|child| child.restarts == 1 && child.state == ChildState::Running)
    );
}

/// The supervisor is as stuck as the child whose init it waits for: both are declared dead, and the child that comes out of
/// its init after all finds itself fenced.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_supervisor_stuck_in_a_childs_init_is_fenced_with_the_child() {
    let (middle, leaf) = (Name::new("middle"), Name::new("leaf"));
    let grace = Duration::from_millis(50);
    let inner = Supervisor::spec("middle", move || Supervisor::new(Strategy::OneForOne).kill_grace(grace));
    let root = Supervisor::new(Strategy::OneForOne)
        .kill_grace(grace)
        .child(inner.name(&middle).shutdown(Shutdown::BrutalKill));
    let root = root.start().await.unwrap();
    let gate = Arc::new(Barrier::new(2));
    let stuck = {
        let gate = gate.clone();
        ChildSpec::worker("leaf", move || (StuckInit, gate.clone())).name(&leaf)
    };
    let inner = SupervisorRef::from(middle.whereis().unwrap());
    let starting = tokio::spawn(async move { inner.start_child(stuck).await });
    let leaf_ref = leaf.wait(Duration::from_secs(5)).await.unwrap();
    root.terminate_child("middle").await.unwrap();
    assert!(middle.whereis().is_none() && leaf.whereis().is_none());
    assert!(matches!(leaf_ref.exit_reason(), Some(ExitReason::Killed)));
    tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
    assert!(starting.await.unwrap().is_err());
    assert!(leaf_ref.cast(()).is_err() && leaf.whereis().is_none());
    root.stop(ExitReason::Shutdown).await;
}

struct StuckInit;

impl Actor for StuckInit {
    type Msg = ();
    type State = ();
    type Arguments = Arc<Barrier>;

    async fn pre_start(&self, _: ractor::ActorRef<()>, gate: Arc<Barrier>) -> Result<(), ActorProcessingErr> {
        gate.wait();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_spec_captured_may_explode_when_it_is_forgotten() {
    quiet();
    let log = Log::default();
    let a = Script::new("a", &log);
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let (script, bomb) = (a.clone(), Bomb);
    let spec = ChildSpec::worker("a", move || {
        let _ = &bomb;
        (crate::kit::Probe, script.clone())
    });
    let child = supervisor.start_child(spec).await.unwrap();
    supervisor.terminate_child(&child).await.unwrap();
    assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}
