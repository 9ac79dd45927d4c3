//! The actor that owns a registry: a generation of entries opens with its incarnation and closes with it.
//!
//! The actors of a closed generation are as good as linked to the owner and must end. Their killing is left to the next
//! owner, though: under `RestForOne` the supervisor stops the owner's neighbours in good order before it starts that one,
//! and killing them at once would make a supervisor among them restart children that cannot register, until it gives up.

use super::{
    Key, Value,
    table::{Generation, Shared},
};
use crate::{actor_ref::SelfRef, child_spec::ChildSpec, identity::ChildId};
use ractor::{Actor, ActorProcessingErr, Message};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long the actors of a closed generation may wait for a next owner. Longer than children take to shut down by default.
const NO_NEXT_OWNER: Duration = Duration::from_secs(10);

/// The owner of a registry understands no messages: everything goes through shared memory.
pub enum RegistryMsg {}

/// The owner as a child.
pub(super) fn spec<K: Key, M: Message, V: Value>(
    shared: &Arc<Shared<K, M, V>>,
    id: impl Into<ChildId>,
) -> ChildSpec<RegistryMsg> {
    let shared = shared.clone();
    ChildSpec::worker(id, move || (Owner(shared.clone()), ()))
}

struct Owner<K, M, V>(Arc<Shared<K, M, V>>);

impl<K: Key, M: Message, V: Value> Actor for Owner<K, M, V> {
    type Msg = RegistryMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<RegistryMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        let me = myself.self_ref()?;
        let shared = self.0.clone();
        let generation = Arc::new(Generation::new(&shared.options.lock()));
        let present = shared
            .generation
            .compare_and_swap(&None::<Arc<_>>, Some(generation.clone()));
        if present.is_some() {
            return Err(format!("the registry {} has an owner already", shared.name).into());
        }
        if let Some(previous) = shared.orphaned.lock().take() {
            previous.kill_all();
        }
        me.on_cleanup(move || shared.close(&generation));
        Ok(())
    }
}

impl<K: Key, M: Message, V: Value> Shared<K, M, V> {
    /// Ends the present generation: from now on nothing is found and nothing can be registered.
    fn close(self: &Arc<Self>, generation: &Arc<Generation<K, M, V>>) {
        *self.orphaned.lock() = Some(generation.clone());
        self.generation.store(None);
        generation.open.store(false, Ordering::SeqCst);
        for place in &generation.entries {
            place.retire();
        }
        let (shared, generation) = (Arc::downgrade(self), generation.clone());
        // Without a runtime there is nobody left to wait for.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(NO_NEXT_OWNER).await;
                let orphaned = shared.upgrade().and_then(|shared| {
                    shared
                        .orphaned
                        .lock()
                        .take_if(|orphaned| Arc::ptr_eq(orphaned, &generation))
                });
                if let Some(orphaned) = orphaned {
                    orphaned.kill_all();
                }
            });
        }
    }
}

impl<K: Key, M: Message, V: Value> Generation<K, M, V> {
    fn kill_all(&self) {
        let entries = self.entries.iter();
        let entries: Vec<_> = entries.flat_map(|place| place.as_slice().to_vec()).collect();
        self.entries.clear();
        for entry in entries {
            entry.actor.kill();
        }
    }
}
