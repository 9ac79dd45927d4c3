//! Ten thousand kills anywhere in a tree leave nothing behind: no task, no name, no subscription.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, DynamicSupervisor, ExitReason, Overflow, PubSub, Registry, SelfRef, Strategy,
    Subscription, Supervisor, TreeNode,
};
use hedgehog_tests::scenario::eventually;
use tokio::runtime::Handle;

use crate::race;

const KILLS: usize = 10_000;
const TOPIC: &str = "events";
/// Twenty by name below three static supervisors, and as many as are started below the dynamic one.
const NAMED: usize = 20;

#[test]
fn ten_thousand_random_kills_leave_nothing_behind() {
    race(async {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let tree = Tree::default();
        let root = tree.root().start().await.expect("boot");
        let top = root.whereis().expect("it runs").pid();
        let full = tasks();
        let mut random = Rng::with_seed(seed);
        let mut killed = 0;
        while killed < KILLS {
            let snapshot = root.tree().expect("it bears any number of restarts");
            let victims: Vec<_> = snapshot
                .iter()
                .filter_map(TreeNode::actor)
                .filter(|actor| actor.pid() != top)
                .collect();
            // Several of one snapshot: some of them die of others' deaths before their own.
            for _ in 0..random.usize(1..20) {
                if let Some(victim) = random.choice(&victims) {
                    victim.kill();
                    killed += 1;
                }
            }
            tree.topic.broadcast(TOPIC, killed);
            if random.u8(0..4) == 0 {
                tokio::task::yield_now().await;
            }
        }
        eventually("everybody is back under a name of its own", || {
            tree.registry.count() == NAMED && tree.subscribers() == NAMED
        })
        .await;
        eventually("there are as many tasks as in the beginning", || tasks() == full).await;
        root.stop(ExitReason::Shutdown).await;
        assert_eq!((tree.registry.count(), tree.subscribers()), (0, 0));
        eventually("no task is left", || tasks() == before).await;
    });
}

#[derive(Clone)]
struct Tree {
    registry: Registry<usize, Ring>,
    topic: PubSub<usize>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            registry: Registry::unique("workers"),
            topic: PubSub::new(),
        }
    }
}

impl Tree {
    /// The registry, then supervisors three floors deep.
    fn root(&self) -> Supervisor {
        let (one, all, rest) = (self.clone(), self.clone(), self.clone());
        let floor = |strategy| Supervisor::new(strategy).max_restarts(usize::MAX);
        let rest = Supervisor::spec("rest", move || {
            rest.with_workers(floor(Strategy::RestForOne), 14..NAMED)
        });
        let all = Supervisor::spec("all", move || {
            all.with_workers(floor(Strategy::OneForAll), 7..14).child(rest.clone())
        });
        let one = Supervisor::spec("one", move || {
            one.with_workers(floor(Strategy::OneForOne), 0..7).child(all.clone())
        });
        floor(Strategy::RestForOne)
            .child(self.registry.spec("registry"))
            .child(one)
            .child(DynamicSupervisor::spec("empty", DynamicSupervisor::new))
    }

    fn with_workers(&self, supervisor: Supervisor, keys: std::ops::Range<usize>) -> Supervisor {
        keys.fold(supervisor, |supervisor, key| {
            let topic = self.topic.clone();
            let spec = ChildSpec::worker(key.to_string(), move || (Reader(topic.clone()), ()));
            supervisor.child(spec.via(self.registry.via(key)))
        })
    }

    fn subscribers(&self) -> usize {
        self.topic.topic(TOPIC).info().subscribers.len()
    }
}

/// Has itself rung by a topic, and holds a timer and a task beside it.
struct Reader(PubSub<usize>);

struct Ring;

struct State {
    subscription: Subscription<usize>,
    read: Arc<()>,
}

impl Actor for Reader {
    type Msg = Ring;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<Ring>, (): ()) -> Result<State, ActorProcessingErr> {
        let me = myself.self_ref()?;
        let mut subscription = self.0.subscribe(TOPIC, Overflow::default());
        subscription.ring(&me, || Ring);
        let _ends_with_it = me.send_after(Duration::from_hours(1), Ring);
        Ok(State {
            subscription,
            read: Arc::new(()),
        })
    }

    async fn handle(&self, _: ractor::ActorRef<Ring>, Ring: Ring, state: &mut State) -> Result<(), ActorProcessingErr> {
        let read = state.read.clone();
        let _ = state.subscription.drain(usize::MAX, |_| drop(read.clone()));
        tokio::task::yield_now().await;
        state.subscription.rearm();
        Ok(())
    }
}
