//! [`Registry`]: names by key, each holding one actor and a value, owned by an actor in the tree.
//!
//! The registry itself is a value that everybody may clone; its entries belong to a *generation*, which lives exactly as
//! long as one incarnation of the owner. An entry refers to its own generation only, so a late cleanup can never remove a
//! successor's entry, in this generation or the next.
//!
//! Invariants: a key is bound before its holder's `init` and free before the holder's exit can be seen; a dead holder never
//! blocks a key.

mod duplicate;
mod owner;
mod via;

pub use duplicate::DuplicateRegistry;
pub use owner::RegistryMsg;
pub use via::Via;

use crate::{
    actor_ref::{ActorRef, Pid},
    child_spec::{ChildId, ChildSpec},
    exit::{hooks::HookId, record::Incarnation},
    start_error::StartError,
};
use arc_swap::ArcSwapOption;
use dashmap::{DashMap, Entry as Place};
use parking_lot::Mutex;
use ractor::Message;
use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// What can be a key: cheap to clone, printable in errors.
pub trait Key: Hash + Eq + Clone + fmt::Debug + Send + Sync + 'static {}
impl<K: Hash + Eq + Clone + fmt::Debug + Send + Sync + 'static> Key for K {}

/// What can be an entry's value.
pub trait Value: Clone + Send + Sync + 'static {}
impl<V: Clone + Send + Sync + 'static> Value for V {}

/// Unique keys, each naming one actor with message `M` and holding a value `V`. Cloning it gives the same registry.
///
/// Put its owner ([`spec`](Self::spec)) first in a `RestForOne` supervisor. While no owner runs, nothing can be registered;
/// when the owner ends every entry goes at once, and every actor that was registered is killed, as a process linked to a
/// BEAM registry is: when the next owner starts, or after 10 s without one. So a supervisor that restarts the owner along
/// with the actors' supervisors can stop those in good order first.
pub struct Registry<K, M, V = ()>(Arc<Shared<K, Arc<Entry<M, V>>>>);

/// What all handles on one registry share; `H` is what stands under a key: one entry, or several.
struct Shared<K, H> {
    name: Arc<str>,
    /// `None` while no owner runs.
    generation: ArcSwapOption<Generation<K, H>>,
    /// The last generation, while its actors wait for the next owner to end them.
    orphaned: Mutex<Option<Arc<Generation<K, H>>>>,
    /// Rung when an entry was added: whoever waits for a key looks again.
    bound: Notify,
}

struct Generation<K, H> {
    entries: DashMap<K, H>,
    open: AtomicBool,
}

struct Entry<M, V> {
    actor: ActorRef<M>,
    value: Mutex<V>,
    /// Cleared when the entry is removed, so that a cached one is known to be stale without a lookup.
    live: AtomicBool,
    /// What removes the entry when the actor ends; taken back when it is removed before.
    cleanup: OnceLock<HookId>,
}

impl<K: Key, M: Message, V: Value> Registry<K, M, V> {
    /// A registry without an owner yet; `name` is for errors and the tree.
    pub fn unique(name: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Shared::new(name.into())))
    }

    /// A registry where any number of actors can stand under one key, each with a value of its own.
    pub fn duplicate(name: impl Into<Arc<str>>) -> DuplicateRegistry<K, M, V> {
        DuplicateRegistry(Arc::new(Shared::new(name.into())))
    }

    /// The owner, as a child. One at a time.
    pub fn spec(&self, id: impl Into<ChildId>) -> ChildSpec<RegistryMsg> {
        owner::spec(&self.0, id)
    }

    /// The name of the registry.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// `key` as an address, for [`ChildSpec::via`] and for sending. Registers with the value's default.
    pub fn via(&self, key: K) -> Via<K, M, V>
    where
        V: Default,
    {
        self.via_value(key, V::default())
    }

    /// [`via`](Self::via) that registers with `value`.
    pub fn via_value(&self, key: K, value: V) -> Via<K, M, V> {
        Via::new(self.clone(), key, value)
    }

    /// The actor that holds `key`.
    pub fn lookup(&self, key: &K) -> Option<ActorRef<M>> {
        self.entry(key).map(|entry| entry.actor.clone())
    }

    /// The value of `key`.
    pub fn value(&self, key: &K) -> Option<V> {
        self.entry(key).map(|entry| entry.value.lock().clone())
    }

    /// Changes the value of `key` in place; false when nobody holds it. `f` runs under the entry's lock.
    pub fn update_value(&self, key: &K, f: impl FnOnce(&mut V)) -> bool {
        self.entry(key).map(|entry| f(&mut entry.value.lock())).is_some()
    }

    /// The keys that are held, in no particular order.
    pub fn keys(&self) -> Vec<K> {
        let Some(generation) = self.0.generation.load_full() else {
            return Vec::new();
        };
        let held = generation.entries.iter().filter(|entry| entry.actor.is_alive());
        held.map(|entry| entry.key().clone()).collect()
    }

    /// How many keys are held.
    pub fn count(&self) -> usize {
        let Some(generation) = self.0.generation.load_full() else {
            return 0;
        };
        generation.entries.iter().filter(|entry| entry.actor.is_alive()).count()
    }

    /// The keys that `actor` holds, in no particular order. Looks at every entry.
    pub fn keys_of(&self, actor: &ActorRef<M>) -> Vec<K> {
        self.select(|key, holder, _| (holder == actor).then(|| key.clone()))
    }

    /// What `f` makes of each entry, without those it makes `None` of; in no particular order. Looks at every entry.
    ///
    /// `f` sees a copy of the value and runs without a lock, so it may use the registry.
    pub fn select<T>(&self, mut f: impl FnMut(&K, &ActorRef<M>, &V) -> Option<T>) -> Vec<T> {
        let Some(generation) = self.0.generation.load_full() else {
            return Vec::new();
        };
        let entries = generation.entries.iter();
        let entries: Vec<_> = entries
            .map(|entry| (entry.key().clone(), entry.value().clone()))
            .collect();
        let held = entries.iter().filter(|(_, entry)| entry.actor.is_alive());
        held.filter_map(|(key, entry)| f(key, &entry.actor, &entry.copy()))
            .collect()
    }

    /// Makes `actor` the holder of `key` until it ends.
    ///
    /// # Errors
    /// [`RegisterError::AlreadyRegistered`] when a living actor holds the key, [`RegisterError::Down`] when no owner runs,
    /// [`RegisterError::NoProc`] when `actor` is gone.
    pub fn register(&self, key: K, actor: &ActorRef<M>, value: V) -> Result<(), RegisterError> {
        let generation = self.0.admit(actor)?;
        let entry = Entry::new(actor, value);
        // What is the user's, to print or to drop, leaves the shard's lock first.
        let (holder, dead) = match generation.entries.entry(key.clone()) {
            Place::Vacant(place) => {
                place.insert(entry.clone());
                (None, None)
            }
            Place::Occupied(place) if place.get().actor.is_alive() => (Some(place.get().actor.pid()), None),
            Place::Occupied(mut place) => (None, Some(place.insert(entry.clone()))),
        };
        if let Some(holder) = holder {
            let (registry, key) = (self.0.name.clone(), format!("{key:?}"));
            return Err(RegisterError::AlreadyRegistered { registry, key, holder });
        }
        if let Some(dead) = dead {
            dead.live.store(false, Ordering::Release);
        }
        // The owner closes before it sweeps: an entry that the sweep missed is seen here.
        if !generation.open.load(Ordering::SeqCst) {
            generation.remove(&key, &entry);
            return Err(self.0.down());
        }
        let held = entry.clone();
        if let Some(cleanup) = actor.any().0.on_cleanup(move || generation.remove(&key, &held)) {
            let _ = entry.cleanup.set(cleanup);
        }
        self.0.bound.notify_waiters();
        Ok(())
    }

    /// Takes `key` away from `actor`; false when it does not hold it.
    pub fn unregister(&self, key: &K, actor: &ActorRef<M>) -> bool {
        let Some(generation) = self.0.generation.load_full() else {
            return false;
        };
        let Some(entry) = self.entry(key).filter(|entry| entry.actor == *actor) else {
            return false;
        };
        generation.remove(key, &entry);
        entry.forget_cleanup();
        true
    }

    fn entry(&self, key: &K) -> Option<Arc<Entry<M, V>>> {
        let generation = self.0.generation.load();
        let entry = generation.as_ref()?.entries.get(key)?.value().clone();
        entry.actor.is_alive().then_some(entry)
    }
}

impl<K, H> Shared<K, H> {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            generation: ArcSwapOption::empty(),
            orphaned: Mutex::new(None),
            bound: Notify::new(),
        }
    }

    /// The generation in which `actor` may be registered.
    fn admit<M: Message>(&self, actor: &ActorRef<M>) -> Result<Arc<Generation<K, H>>, RegisterError> {
        if !actor.is_alive() || Incarnation::current_is_fenced() {
            return Err(RegisterError::NoProc);
        }
        self.generation.load_full().ok_or_else(|| self.down())
    }

    fn down(&self) -> RegisterError {
        RegisterError::Down {
            registry: self.name.clone(),
        }
    }
}

impl<M: Message, V> Entry<M, V> {
    fn new(actor: &ActorRef<M>, value: V) -> Arc<Self> {
        Arc::new(Self {
            actor: actor.clone(),
            value: Mutex::new(value),
            live: AtomicBool::new(true),
            cleanup: OnceLock::new(),
        })
    }

    fn copy(&self) -> V
    where
        V: Clone,
    {
        self.value.lock().clone()
    }

    /// Takes back what would remove the entry at the end of its actor.
    fn forget_cleanup(&self) {
        if let Some(cleanup) = self.cleanup.get() {
            self.actor.any().0.forget_cleanup(*cleanup);
        }
    }
}

impl<K: Key, M, V> Generation<K, Arc<Entry<M, V>>> {
    /// Removes this very entry; a successor's under the same key stays.
    fn remove(&self, key: &K, entry: &Arc<Entry<M, V>>) {
        entry.live.store(false, Ordering::Release);
        self.entries.remove_if(key, |_, present| Arc::ptr_eq(present, entry));
    }
}

impl<K, M, V> Clone for Registry<K, M, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, M, V> fmt::Debug for Registry<K, M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({})", self.0.name)
    }
}

/// Why an actor could not be registered.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A living actor holds the key.
    #[error("{key} is already registered in {registry} by {holder}")]
    AlreadyRegistered {
        /// The registry.
        registry: Arc<str>,
        /// The key, as `Debug` shows it.
        key: String,
        /// Who holds it.
        holder: Pid,
    },
    /// No owner runs at present.
    #[error("the registry {registry} is not running")]
    Down {
        /// The registry.
        registry: Arc<str>,
    },
    /// The actor to register is gone.
    #[error("the actor to register is not running")]
    NoProc,
}

impl From<RegisterError> for StartError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::AlreadyRegistered { registry, key, holder } => Self::AlreadyRegistered {
                name: format!("{registry}/{key}"),
                holder,
            },
            RegisterError::Down { registry } => Self::RegistryDown { registry },
            RegisterError::NoProc => Self::Killed,
        }
    }
}
