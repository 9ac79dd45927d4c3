use super::*;
use crate::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor, Name, Overflow, PubSub, Registry, Strategy,
    Supervisor,
};
use std::sync::Weak;

const MANY: usize = 5_000;

impl Incarnation {
    fn hooks(&self) -> usize {
        let mut ending = self.ending.lock();
        ending.cleanups.take_all().len() + ending.monitors.take_all().len() + ending.links.len()
    }
}

/// Counts the supervisors that it is told to start and stop.
struct Landlord;

impl Actor for Landlord {
    type Msg = Option<ractor::RpcReplyPort<()>>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        done: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        for _ in 0..MANY / 10 {
            let supervisor = Supervisor::new(Strategy::OneForOne).start().await?;
            supervisor.stop(ExitReason::Shutdown).await;
        }
        Ok(done.into_iter().try_for_each(|done| done.send(()))?)
    }
}

async fn landlord() -> ActorRef<<Landlord as Actor>::Msg> {
    let supervisor = DynamicSupervisor::new().start().await.expect("no children");
    let spec = ChildSpec::worker("landlord", || (Landlord, ()));
    supervisor.start_child(spec).await.expect("a start without a failure")
}

#[tokio::test]
async fn what_comes_and_goes_leaves_nothing_in_an_actor_that_stays() {
    let (actor, peer) = (landlord().await, landlord().await);
    // Only its supervisor's monitor stays.
    let registry = Registry::unique("names");
    let _owner = Supervisor::new(Strategy::OneForOne)
        .child(registry.spec("owner"))
        .start()
        .await;
    let pubsub = PubSub::<u64>::new();
    let mut kept = pubsub.subscribe("topic", Overflow::Lossless);
    for _ in 0..MANY {
        registry.register("key", &actor, ()).expect("the key is free");
        assert!(registry.unregister(&"key", &actor));
        kept.ring(&actor, || None);
        pubsub.subscribe("topic", Overflow::Lossless).ring(&actor, || None);
        assert!(actor.monitor(&peer, |_, _| None).demonitor());
        actor.link(&peer);
        actor.unlink(&peer);
        assert!(actor.send_after(Duration::from_secs(600), None).cancel().is_some());
        actor.any().0.run(registry.lock("key", async || ())).await;
    }
    actor.call(Some, None).await.expect("an answer");
    drop(kept);
    assert_eq!((actor.any().0.hooks(), peer.any().0.hooks()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_actors_that_are_gone() {
    let (registry, name) = (Registry::<_, _>::unique("names"), Name::new("name"));
    let _owner = Supervisor::new(Strategy::OneForOne)
        .child(registry.spec("owner"))
        .start()
        .await;
    let pubsub = PubSub::<u64>::new();
    let supervisor = DynamicSupervisor::new().start().await.expect("no children");
    let mut gone: Vec<Weak<Incarnation>> = Vec::new();
    let mut kept = pubsub.subscribe("topic", Overflow::DropOldest(1));
    for round in 0..MANY {
        let spec = ChildSpec::worker("landlord", || (Landlord, ())).restart(crate::Restart::Temporary);
        let spec = spec.name(&name).via(registry.via("key"));
        let actor = supervisor.start_child(spec).await.expect("the names are free");
        kept.ring(&actor, || None);
        match round % 3 {
            0 => actor.kill(),
            1 => actor.stop(ExitReason::Normal),
            _ => supervisor.terminate_child(&actor).await.expect("it is a child"),
        }
        actor.exited().await;
        gone.push(Arc::downgrade(&actor.any().0));
    }
    assert_eq!((registry.count(), name.whereis()), (0, None));
    // The last notice may be on its way, and the tasks that ran them may take a moment to go.
    let alive = || gone.iter().filter(|incarnation| incarnation.strong_count() > 0).count();
    let all_gone = async {
        while alive() > 0 || supervisor.count_children().await.expect("it runs").specs > 0 {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), all_gone).await;
    assert!(waited.is_ok(), "{} are left", alive());
}
