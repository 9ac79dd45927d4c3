//! A subtree of named children whose supervisor fails again and again.
//!
//! ractor frees names before their holders are gone and tells of the parent's end before that of its children; a restart that
//! follows at once then finds a name taken, or a second holder alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, ExitReason, Name, Registry, SelfRef, Strategy, Supervisor, SupervisorMsg,
};
use hedgehog_tests::scenario::{INTENDED, Latest, eventually};

use crate::race;

const FAILURES: usize = 1_000;
const WORKERS: usize = 4;

#[test]
fn idle_subtree_whose_supervisor_is_killed() {
    race(fails_again_and_again(Subtree::new(Duration::ZERO), |subtree| {
        subtree.inner.current().kill();
    }));
}

#[test]
fn busy_subtree_whose_supervisor_is_killed() {
    race(async {
        let subtree = Subtree::new(Duration::ZERO);
        let senders: Vec<_> = (0..WORKERS)
            .map(|worker| tokio::spawn(keep_busy(subtree.clone(), worker)))
            .collect();
        fails_again_and_again(subtree, |subtree| subtree.inner.current().kill()).await;
        for sender in senders {
            sender.abort();
        }
    });
}

#[test]
fn subtree_with_slow_cleanups_whose_supervisor_gives_up() {
    race(fails_again_and_again(
        Subtree::new(Duration::from_millis(1)),
        |subtree| {
            // It bears no restart: the crash of a child is its own end, after an orderly stop of the others.
            let _ = subtree.names[1].cast(Msg::Crash);
        },
    ));
}

async fn fails_again_and_again(subtree: Subtree, fail: impl Fn(&Subtree)) {
    let root = subtree.root().start().await.expect("boot");
    for round in 1..=FAILURES {
        let failing = subtree.inner.current();
        fail(&subtree);
        let reason = failing.exited().await;
        assert!(matches!(reason, ExitReason::Killed | ExitReason::Shutdown), "{reason}");
        // One more incarnation at a time: a boot that found a name taken would have been a second one.
        eventually("the subtree is back", || subtree.is_back()).await;
        assert_eq!(subtree.inner.count(), round + 1);
    }
    assert_eq!(root.stop(ExitReason::Shutdown).await.to_string(), "shutdown");
    assert_eq!(
        subtree.holders.wrong.load(Ordering::SeqCst),
        0,
        "an incarnation was not alone under its name"
    );
    assert_eq!(subtree.holders.started.load(Ordering::SeqCst), (FAILURES + 1) * WORKERS);
    assert_eq!(subtree.registry.count(), 0);
}

/// Sends to whoever holds the names until it is aborted.
async fn keep_busy(subtree: Subtree, worker: usize) {
    let via = subtree.registry.via(worker);
    loop {
        for _ in 0..50 {
            let _ = via.cast(Msg::Work);
            let _ = subtree.names[worker].cast(Msg::Work);
        }
        tokio::task::yield_now().await;
    }
}

/// A supervisor over named workers, the last of them a floor below; a clone is the same.
#[derive(Clone)]
struct Subtree {
    inner: Latest<SupervisorMsg>,
    registry: Registry<usize, Msg>,
    names: Arc<[Name<Msg>]>,
    holders: Arc<Holders>,
    cleanup_takes: Duration,
}

/// What the workers find out about themselves.
#[derive(Default)]
struct Holders {
    alive: [AtomicUsize; WORKERS],
    started: AtomicUsize,
    wrong: AtomicUsize,
}

impl Subtree {
    fn new(cleanup_takes: Duration) -> Self {
        Self {
            inner: Latest::new(),
            registry: Registry::unique("workers"),
            names: (0..WORKERS).map(|_| Name::new("worker")).collect(),
            holders: Arc::default(),
            cleanup_takes,
        }
    }

    fn root(&self) -> Supervisor {
        let subtree = self.clone();
        let inner = Supervisor::spec("inner", move || {
            let below = {
                let subtree = subtree.clone();
                move || Supervisor::new(Strategy::OneForAll).child(subtree.worker(WORKERS - 1))
            };
            let inner = Supervisor::new(Strategy::OneForAll).max_restarts(0);
            (0..WORKERS - 1)
                .fold(inner, |inner, worker| inner.child(subtree.worker(worker)))
                .child(Supervisor::spec("below", below))
        });
        Supervisor::new(Strategy::RestForOne)
            .max_restarts(usize::MAX)
            .child(self.registry.spec("registry"))
            .child(inner.via(self.inner.clone()))
    }

    fn worker(&self, worker: usize) -> ChildSpec<Msg> {
        let subtree = self.clone();
        ChildSpec::worker(worker.to_string(), move || (Worker(subtree.clone(), worker), ()))
            .name(&self.names[worker])
            .via(self.registry.via(worker))
    }

    /// Everybody lives, under both names.
    fn is_back(&self) -> bool {
        let held = |worker: usize| {
            let by_key = self.registry.lookup(&worker);
            by_key.is_some() && by_key == self.names[worker].whereis()
        };
        let alive = |alive: &AtomicUsize| alive.load(Ordering::SeqCst) == 1;
        (0..WORKERS).all(held) && self.holders.alive.iter().all(alive)
    }
}

enum Msg {
    Work,
    Crash,
}

struct Worker(Subtree, usize);

/// Alive from its making to its drop.
struct Alive(Subtree, usize);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.holders.alive[self.1].fetch_sub(1, Ordering::SeqCst);
    }
}

impl Actor for Worker {
    type Msg = Msg;
    type State = Alive;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<Msg>, (): ()) -> Result<Alive, ActorProcessingErr> {
        let Self(subtree, worker) = self;
        let holders = &subtree.holders;
        let alone = holders.alive[*worker].fetch_add(1, Ordering::SeqCst) == 0;
        let alive = Alive(subtree.clone(), *worker);
        let me = myself.self_ref().ok();
        let named = subtree.names[*worker].whereis() == me && subtree.registry.lookup(worker) == me;
        holders.started.fetch_add(1, Ordering::SeqCst);
        // A killed start may lose its names in the middle; it is not the one that finds a wrong one.
        if !alone || (!named && me.is_some_and(|me| me.is_alive())) {
            holders.wrong.fetch_add(1, Ordering::SeqCst);
        }
        Ok(alive)
    }

    async fn handle(&self, _: ractor::ActorRef<Msg>, message: Msg, _: &mut Alive) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Work => tokio::task::yield_now().await,
            Msg::Crash => panic!("{INTENDED}a worker"),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<Msg>, _: &mut Alive) -> Result<(), ActorProcessingErr> {
        if !self.0.cleanup_takes.is_zero() {
            tokio::time::sleep(self.0.cleanup_takes).await;
        }
        Ok(())
    }
}
