//! The actor that owns a registry: a generation of entries opens with its incarnation and closes with it.

use super::{Generation, Key, Registry, Value};
use crate::actor_ref::ActorRef;
use dashmap::DashMap;
use ractor::{Actor, ActorProcessingErr, Message};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The owner of a registry understands no messages: everything goes through shared memory.
pub enum RegistryMsg {}

pub(super) struct Owner<K, M, V>(Registry<K, M, V>);

impl<K, M, V> Owner<K, M, V> {
    pub(super) fn new(registry: Registry<K, M, V>) -> Self {
        Self(registry)
    }
}

impl<K: Key, M: Message, V: Value> Actor for Owner<K, M, V> {
    type Msg = RegistryMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<RegistryMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        let me = ActorRef::current(&myself).expect("hedgehog starts the owner");
        let generation = Arc::new(Generation {
            entries: DashMap::new(),
            open: AtomicBool::new(true),
        });
        let shared = self.0.0.clone();
        let taken = shared
            .generation
            .compare_and_swap(&None::<Arc<_>>, Some(generation.clone()));
        if taken.is_some() {
            return Err(format!("the registry {} has an owner already", shared.name).into());
        }
        me.on_cleanup({
            let generation = generation.clone();
            move || {
                shared.generation.store(None);
                generation.open.store(false, Ordering::SeqCst);
                for entry in &generation.entries {
                    entry.live.store(false, Ordering::Release);
                }
            }
        });
        // After the exit is visible, so that the supervisor hears of the owner before it hears of those it takes along.
        me.on_exit(move |_| {
            let orphans: Vec<_> = generation.entries.iter().map(|entry| entry.actor.clone()).collect();
            generation.entries.clear();
            for orphan in orphans {
                orphan.kill();
            }
        });
        Ok(())
    }
}
