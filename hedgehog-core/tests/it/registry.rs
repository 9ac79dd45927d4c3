//! Registries: keys, values, owners.

use crate::kit::{Log, Order, Script, settle};
use hedgehog_core::{
    DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name, RegisterError, Registry, Restart, StartError, Strategy,
    Supervisor, SupervisorRef,
};

type Probes = Registry<&'static str, Order, u32>;

async fn with_owner(registry: &Probes) -> SupervisorRef {
    Supervisor::new(Strategy::RestForOne)
        .child(registry.spec("registry"))
        .start()
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_key_names_one_actor_and_is_free_before_its_exit_can_be_seen() {
    let log = Log::default();
    let registry = Probes::unique("probes");
    let supervisor = with_owner(&registry).await;
    let a = Script::new("a", &log);
    let spec = a.nameless().via(registry.via_value("a", 7)).restart(Restart::Temporary);
    let it = supervisor.start_child(spec.clone()).await.unwrap();
    assert_eq!(registry.lookup(&"a"), Some(it.clone()));
    assert_eq!(registry.value(&"a"), Some(7));
    assert_eq!(registry.update_value(&"a", &it, |value| value + 1), Some((8, 7)));
    assert_eq!(registry.value(&"a"), Some(8));
    assert_eq!((registry.keys(), registry.count()), (vec!["a"], 1));
    let other = Script::new("other", &log);
    let clash = supervisor.start_child(other.nameless().via(registry.via("a"))).await;
    assert!(
        matches!(&clash, Err(StartError::AlreadyRegistered { name, holder }) if name == "probes/\"a\"" && *holder == it.pid())
    );
    let looked_up = {
        let (registry, log) = (registry.clone(), log.clone());
        move |_: &ExitReason| log.write(format!("free {}", registry.lookup(&"a").is_none()))
    };
    it.on_exit(looked_up);
    log.take();
    it.kill();
    it.exited().await;
    assert_eq!(log.take(), ["drop a", "free true"]);
    assert_eq!(registry.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_via_follows_its_key_from_holder_to_holder() {
    let log = Log::default();
    let registry = Probes::unique("probes");
    let supervisor = with_owner(&registry).await;
    let via = registry.via("a");
    assert!(via.whereis().is_none());
    assert!(via.cast(Order::Note("nobody")).is_err());
    supervisor
        .start_child(Script::new("a", &log).nameless().via(via.clone()))
        .await
        .unwrap();
    let old = via.whereis().unwrap();
    assert_eq!(via.call(Order::Ping, None).await.unwrap(), "a");
    old.kill();
    old.exited().await;
    settle().await;
    let new = via.whereis().unwrap();
    assert_ne!(old, new);
    via.cast(Order::Note("here")).unwrap();
    settle().await;
    assert!(log.take().contains(&"here".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn keys_can_be_registered_and_given_back_by_hand() {
    let log = Log::default();
    let registry = Probes::unique("probes");
    let a = Script::new("a", &log);
    let children = Supervisor::new(Strategy::OneForOne)
        .child(a.spec())
        .start()
        .await
        .unwrap();
    assert!(matches!(
        registry.register("x", &a.it(), 1),
        Err(RegisterError::Down { .. })
    ));
    let _owner = with_owner(&registry).await;
    registry.register("x", &a.it(), 1).unwrap();
    registry.register("y", &a.it(), 2).unwrap();
    assert!(matches!(
        registry.register("x", &a.it(), 1),
        Err(RegisterError::AlreadyRegistered { .. })
    ));
    assert!(registry.unregister(&"x", &a.it()));
    assert!(!registry.unregister(&"x", &a.it()));
    assert_eq!(registry.keys(), ["y"]);
    // The next holder of a key that was given back keeps it when the first one ends.
    let b = Script::new("b", &log);
    let _others = Supervisor::new(Strategy::OneForOne)
        .child(b.spec())
        .start()
        .await
        .unwrap();
    registry.register("x", &b.it(), 3).unwrap();
    let dead = a.it();
    children.stop(ExitReason::Shutdown).await;
    assert_eq!(registry.keys(), ["x"]);
    assert!(matches!(registry.register("x", &dead, 1), Err(RegisterError::NoProc)));
}

#[tokio::test(start_paused = true)]
async fn when_the_owner_dies_its_registered_actors_die_and_a_new_generation_begins() {
    let log = Log::default();
    let registry = Probes::unique("probes");
    let workers = Name::new("workers");
    let supervisor = Supervisor::new(Strategy::RestForOne)
        .child(registry.spec("registry"))
        .child(DynamicSupervisor::spec("workers", DynamicSupervisor::new).name(&workers))
        .start()
        .await
        .unwrap();
    let workers = DynamicSupervisorRef::from(&workers);
    let a = Script::new("a", &log);
    let spec = a.nameless().via(registry.via("a"));
    let old = workers.start_child(spec.clone()).await.unwrap();
    // One that stands outside the tree of the registry, as if it were linked to it.
    let outsider = Script::new("outsider", &log);
    let outside = Supervisor::new(Strategy::OneForOne).child(outsider.spec().restart(Restart::Temporary));
    let _outside = outside.start().await.unwrap();
    let outsider = outsider.it();
    registry.register("outsider", &outsider, 0).unwrap();

    let owner = supervisor.which_children().await.unwrap()[0].actor.clone().unwrap();
    owner.kill();
    owner.exited().await;
    assert!(matches!(outsider.exited().await, ExitReason::Killed));
    assert!(old.exited().await.is_abnormal() || !old.is_alive());
    settle().await;
    assert_eq!(registry.count(), 0, "the workers' supervisor starts empty");
    workers.start_child(spec).await.unwrap();
    assert_eq!(registry.count(), 1);
    let restarts: Vec<_> = supervisor
        .which_children()
        .await
        .unwrap()
        .iter()
        .map(|child| child.restarts)
        .collect();
    assert_eq!(restarts, [1, 1], "one group restart");
}

#[tokio::test(start_paused = true)]
async fn a_registry_has_one_owner() {
    let registry = Probes::unique("probes");
    let supervisor = with_owner(&registry).await;
    let second = supervisor.start_child(registry.spec("second")).await;
    assert!(second.is_err());
    assert!(registry.count() == 0 && supervisor.count_children().await.unwrap().specs == 1);
}
