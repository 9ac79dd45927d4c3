//! Children that never yield: fenced, void, and in nobody's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, ExitReason, Name, Overflow, PubSub, Registry, SelfRef, Shutdown,
    Strategy, Subscription, Supervisor, Timer,
};
use hedgehog_tests::scenario::eventually;
use parking_lot::Mutex;

use crate::race;

const GRACE: Duration = Duration::from_millis(50);
const TOPIC: &str = "events";

#[test]
fn what_a_child_that_never_yields_held_is_void_while_it_still_runs() {
    race(async {
        let stage = Stage::default();
        let registry = Supervisor::new(Strategy::OneForOne).child(stage.registry.spec("registry"));
        let registry = registry.start().await.expect("boot");
        let sup = Supervisor::new(Strategy::OneForOne)
            .kill_grace(GRACE)
            .child(stage.spec())
            .start()
            .await
            .expect("boot");
        let zombie = stage.name.whereis().expect("it runs");
        let timers = std::mem::take(&mut *stage.timers.lock());
        assert_eq!((stage.subscribers(), timers.len()), (1, 2));
        assert!(timers.iter().all(|timer| timer.remaining().is_some()));

        zombie.cast(Msg::Block).expect("it runs");
        eventually("it blocks", || stage.blocked.load(Ordering::SeqCst)).await;
        for _ in 0..3 {
            zombie.cast(Msg::Count).expect("nobody has killed it yet");
        }
        zombie.kill();
        assert!(matches!(zombie.exited().await, ExitReason::Killed));
        assert!(!stage.released.load(Ordering::SeqCst), "the code is still there");

        // Its successor has the names and the only subscription; its timers are as void as its reference.
        eventually("its successor runs", || stage.name.whereis().is_some()).await;
        let successor = stage.name.whereis().expect("it was there just now");
        assert_ne!(successor, zombie);
        assert_eq!(stage.registry.lookup(&1), Some(successor.clone()));
        assert_eq!(stage.subscribers(), 1);
        assert!(timers.iter().all(|timer| timer.remaining().is_none()));
        assert!(zombie.cast(Msg::Count).is_err());
        stage.topic.broadcast(TOPIC, 1);

        // When the code comes to its end at last, nothing of what it does is seen.
        stage.released.store(true, Ordering::SeqCst);
        eventually("the code has come to its end", || {
            stage.refused.load(Ordering::SeqCst) > 0
        })
        .await;
        assert_eq!(
            stage.refused.load(Ordering::SeqCst),
            ATTEMPTS,
            "all that it tried was refused"
        );
        assert_eq!(successor.call(Msg::Total, None).await.expect("an answer"), 0);
        assert_eq!(
            stage.name.whereis(),
            Some(successor),
            "its late end takes nothing from its successor"
        );
        assert_eq!((stage.registry.count(), stage.subscribers()), (1, 1));
        sup.stop(ExitReason::Shutdown).await;
        registry.stop(ExitReason::Shutdown).await;
        assert_eq!((stage.registry.count(), stage.subscribers()), (0, 0));
    });
}

/// A whole tree of them: its stop takes no longer than the graces add up to.
#[test]
fn tree_of_children_that_never_yield_stops_in_time() {
    race(async {
        let stages: Vec<_> = (0..3).map(|_| Stage::default()).collect();
        let mut sup = Supervisor::new(Strategy::OneForOne).kill_grace(GRACE);
        for (id, stage) in stages.iter().enumerate() {
            let worker = stage
                .spec()
                .shutdown(Shutdown::Timeout(GRACE))
                .id(format!("worker {id}"));
            sup = sup.child(stage.registry.spec(format!("registry {id}"))).child(worker);
        }
        let sup = sup.start().await.expect("boot");
        for stage in &stages {
            stage.name.cast(Msg::Block).expect("it runs");
            eventually("it blocks", || stage.blocked.load(Ordering::SeqCst)).await;
        }
        let stopped = tokio::time::timeout(Duration::from_secs(10), sup.stop(ExitReason::Shutdown)).await;
        assert!(matches!(stopped, Ok(ExitReason::Shutdown)), "{stopped:?}");
        for stage in &stages {
            assert!(stage.name.whereis().is_none());
            assert_eq!((stage.registry.count(), stage.subscribers()), (0, 0));
            stage.released.store(true, Ordering::SeqCst);
        }
        for stage in &stages {
            eventually("the code has come to its end", || {
                stage.refused.load(Ordering::SeqCst) == ATTEMPTS
            })
            .await;
        }
    });
}

/// What a child that was declared dead tries: casts by reference, by name and by key, a timer, a kill.
const ATTEMPTS: usize = 5;

#[derive(Clone)]
struct Stage {
    name: Name<Msg>,
    registry: Registry<u8, Msg>,
    topic: PubSub<u8>,
    timers: Arc<Mutex<Vec<Timer>>>,
    blocked: Arc<AtomicBool>,
    released: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            name: Name::new("worker"),
            registry: Registry::unique("workers"),
            topic: PubSub::new(),
            timers: Arc::default(),
            blocked: Arc::default(),
            released: Arc::default(),
            refused: Arc::default(),
        }
    }
}

impl Stage {
    fn spec(&self) -> ChildSpec<Msg> {
        let stage = self.clone();
        ChildSpec::worker("worker", move || (Worker(stage.clone()), ()))
            .name(&self.name)
            .via(self.registry.via(1))
    }

    fn subscribers(&self) -> usize {
        self.topic.topic(TOPIC).info().subscribers.len()
    }

    /// Does what the dead must not be able to do, and counts what is refused.
    fn rise(&self, me: &ActorRef<Msg>) -> usize {
        let successor = self.name.whereis();
        let refused = [
            self.name.cast(Msg::Count).is_err(),
            self.registry.via(1).cast(Msg::Count).is_err(),
            successor
                .as_ref()
                .is_none_or(|successor| successor.cast(Msg::Count).is_err()),
            me.send_after(Duration::ZERO, Msg::Count).remaining().is_none(),
            {
                successor.iter().for_each(ActorRef::kill);
                successor.is_none_or(|successor| successor.is_alive())
            },
        ];
        refused.into_iter().filter(|refused| *refused).count()
    }
}

enum Msg {
    /// Blocks the thread until the stage releases it.
    Block,
    Count,
    Ring,
    Total(hedgehog_core::RpcReplyPort<usize>),
}

struct Worker(Stage);

struct State {
    counted: usize,
    subscription: Subscription<u8>,
}

impl Actor for Worker {
    type Msg = Msg;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<Msg>, (): ()) -> Result<State, ActorProcessingErr> {
        let me = myself.self_ref()?;
        let mut subscription = self.0.topic.subscribe(TOPIC, Overflow::default());
        subscription.ring(&me, || Msg::Ring);
        let once = me.send_after(Duration::from_hours(1), Msg::Count);
        let often = me.send_interval(Duration::from_hours(1), || Msg::Count);
        self.0.timers.lock().extend([once, often]);
        Ok(State {
            counted: 0,
            subscription,
        })
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Block => {
                let me = myself.self_ref()?;
                self.0.blocked.store(true, Ordering::SeqCst);
                while !self.0.released.load(Ordering::SeqCst) {
                    thread::park_timeout(Duration::from_millis(1));
                }
                self.0.refused.store(self.0.rise(&me), Ordering::SeqCst);
            }
            Msg::Count => state.counted += 1,
            Msg::Ring => {
                let _ = state.subscription.drain(usize::MAX, |_| ());
                state.subscription.rearm();
            }
            Msg::Total(reply) => drop(reply.send(state.counted)),
        }
        Ok(())
    }
}
