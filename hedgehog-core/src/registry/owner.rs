//! The actor that owns a registry: a generation of entries opens with its incarnation and closes with it.
//!
//! The actors of a closed generation are as good as linked to the owner and must end. Their killing is left to the next
//! owner, though: under `RestForOne` the supervisor stops the owner's neighbours in good order before it starts that one,
//! and killing them at once would make a supervisor among them restart children that cannot register, until it gives up.

use super::{Entry, Generation, Key, Shared};
use crate::{
    actor_ref::ActorRef,
    child_spec::{ChildId, ChildSpec},
};
use dashmap::DashMap;
use ractor::{Actor, ActorProcessingErr, Message};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long the actors of a closed generation may wait for a next owner. Longer than children take to shut down by default.
const NO_NEXT_OWNER: Duration = Duration::from_secs(10);

/// The owner of a registry understands no messages: everything goes through shared memory.
pub enum RegistryMsg {}

/// The owner as a child.
pub(super) fn spec<K: Key, H: Holders>(shared: &Arc<Shared<K, H>>, id: impl Into<ChildId>) -> ChildSpec<RegistryMsg> {
    let shared = shared.clone();
    ChildSpec::worker(id, move || (Owner(shared.clone()), ()))
}

/// What stands under a key.
pub(super) trait Holders: Clone + Send + Sync + 'static {
    /// Makes cached entries known to be stale.
    fn retire(&self);

    /// Ends the actors.
    fn kill(&self);
}

impl<M: Message, V: Send + 'static> Holders for Arc<Entry<M, V>> {
    fn retire(&self) {
        self.live.store(false, Ordering::Release);
    }

    fn kill(&self) {
        self.actor.kill();
    }
}

impl<H: Holders> Holders for Vec<H> {
    fn retire(&self) {
        self.iter().for_each(H::retire);
    }

    fn kill(&self) {
        self.iter().for_each(H::kill);
    }
}

struct Owner<K, H>(Arc<Shared<K, H>>);

impl<K: Key, H: Holders> Actor for Owner<K, H> {
    type Msg = RegistryMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<RegistryMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        let me = ActorRef::current(&myself).expect("hedgehog starts the owner");
        let generation = Arc::new(Generation {
            entries: DashMap::new(),
            open: AtomicBool::new(true),
        });
        let shared = self.0.clone();
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

impl<K: Key, H: Holders> Shared<K, H> {
    /// Ends the present generation: from now on nothing is found and nothing can be registered.
    fn close(self: &Arc<Self>, generation: &Arc<Generation<K, H>>) {
        *self.orphaned.lock() = Some(generation.clone());
        self.generation.store(None);
        generation.open.store(false, Ordering::SeqCst);
        for entry in &generation.entries {
            entry.retire();
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

impl<K: Key, H: Holders> Generation<K, H> {
    fn kill_all(&self) {
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.value().clone()).collect();
        self.entries.clear();
        for entry in entries {
            entry.kill();
        }
    }
}
