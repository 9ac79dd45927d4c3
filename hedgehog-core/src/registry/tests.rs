//! States of a table that last too short to be met from outside.

use super::*;
use crate::{
    Actor, ActorProcessingErr, ActorRef, DynamicSupervisor, Restart, Strategy, Supervisor, SupervisorRef,
    registry::table::Entry,
};

type Names = Registry<&'static str, (), u32>;

struct Idle;

impl Actor for Idle {
    type Msg = ();
    type State = ();
    type Arguments = ();
    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

async fn actor() -> ActorRef<()> {
    let supervisor = DynamicSupervisor::new().start().await.expect("no children");
    let spec = ChildSpec::worker("idle", || (Idle, ())).restart(Restart::Temporary);
    supervisor.start_child(spec).await.expect("a start without a failure")
}

async fn own(names: &Names) -> SupervisorRef {
    let tree = Supervisor::new(Strategy::OneForOne).child(names.spec("owner"));
    tree.start().await.expect("a start without a failure")
}

/// Lets an actor that is gone stand under `key`, as it does between its exit and a cleanup that is late.
async fn dead_holder(names: &Names, key: &'static str) -> Arc<Entry<&'static str, (), u32>> {
    let dead = actor().await;
    dead.kill();
    dead.exited().await;
    let entry = Entry::new(key, &dead, 0);
    let generation = names.shared.generation.load_full().expect("it has an owner");
    let taken = generation.insert(&entry, true).expect("the key is free");
    assert!(taken.is_none());
    entry
}

#[tokio::test]
async fn dead_holder_is_not_shown_and_does_not_block_its_key() {
    let names = Names::unique("names");
    let (_owner, living) = (own(&names).await, actor().await);
    let dead = dead_holder(&names, "key").await;
    assert_eq!((names.lookup(&"key"), names.value(&"key")), (None, None));
    assert_eq!(
        (names.count(), names.keys(), names.lookup_all(&"key")),
        (0, vec![], vec![])
    );
    assert_eq!(names.count_select(|_, _, _| true), 0);
    names.dispatch(&"key", |_| panic!("nobody is there"));
    assert!(names.via("key").whereis().is_none());
    assert!(names.update_value(&"key", &dead.actor, |value| value + 1).is_none());

    names.register("key", &living, 1).expect("nobody holds it");
    assert_eq!(names.lookup(&"key"), Some(living));
    assert!(!dead.is_live(), "an address that led to it looks again");
}

#[tokio::test]
async fn late_cleanup_leaves_the_next_holder_alone() {
    let names = Names::unique("names");
    let (_owner, living) = (own(&names).await, actor().await);
    let dead = dead_holder(&names, "key").await;
    names.register("key", &living, 1).expect("nobody holds it");
    let generation = names.shared.generation.load_full().expect("it has an owner");
    generation.end(&dead);
    assert_eq!((names.lookup(&"key"), names.value(&"key")), (Some(living), Some(1)));
}
