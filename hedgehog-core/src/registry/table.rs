//! What stands behind a registry: its options, and the [`Generation`] of entries that its owner keeps open.
//!
//! Everything here is shared memory, written by whoever registers and by the exits of actors. Invariants: a key stands only
//! with an entry; every entry is known to its actor's exit record before it can be found, and removes itself from its own
//! generation only; what is the user's (a key, a value) is dropped and printed where no lock is held.

use super::{Key, RegisterError, Value, event::Listener, lock::Locks, meta::Meta};
use crate::{
    actor_ref::ActorRef,
    identity::Pid,
    incarnation::{HookId, Incarnation},
};
use arc_swap::ArcSwapOption;
use dashmap::{DashMap, Entry as Place};
use parking_lot::{Mutex, RwLock};
use ractor::Message;
use std::{
    borrow::Borrow,
    hash::Hash,
    num::NonZeroUsize,
    slice,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// More would only cost memory.
const MOST_SHARDS: usize = 1 << 16;

/// What all handles on one registry share.
pub(super) struct Shared<K, M, V> {
    pub(super) name: Arc<str>,
    /// What the next generation begins with.
    pub(super) options: Mutex<Options<K, M, V>>,
    /// `None` while no owner runs.
    pub(super) generation: ArcSwapOption<Generation<K, M, V>>,
    /// The last generation, while its actors wait for the next owner to end them.
    pub(super) orphaned: Mutex<Option<Arc<Generation<K, M, V>>>>,
    pub(super) locks: Locks<K>,
    /// Rung when an entry was added: whoever waits for a key looks again.
    pub(super) bound: Notify,
}

/// What a registry is made with. A running generation keeps those it began with.
pub(super) struct Options<K, M, V> {
    pub(super) partitions: NonZeroUsize,
    pub(super) meta: Meta,
    pub(super) listeners: Vec<Listener<K, M, V>>,
}

impl<K: Key, M: Message, V: Value> Shared<K, M, V> {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            options: Mutex::new(Options {
                partitions: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
                meta: Meta::default(),
                listeners: Vec::new(),
            }),
            generation: ArcSwapOption::empty(),
            orphaned: Mutex::new(None),
            locks: Locks::default(),
            bound: Notify::new(),
        }
    }

    /// The generation in which `actor` may be registered.
    pub(super) fn admit(&self, actor: &ActorRef<M>) -> Result<Arc<Generation<K, M, V>>, RegisterError> {
        if !actor.is_alive() || Incarnation::current_is_fenced() {
            return Err(RegisterError::NoProc);
        }
        self.generation.load_full().ok_or_else(|| self.down())
    }

    pub(super) fn down(&self) -> RegisterError {
        RegisterError::Down {
            registry: self.name.clone(),
        }
    }

    /// The living entries of `key`, oldest first.
    pub(super) fn holders<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Vec<Arc<Entry<K, M, V>>>
    where
        K: Borrow<Q>,
    {
        let generation = self.generation.load();
        let place = generation.as_ref().and_then(|generation| generation.entries.get(key));
        place.map(|place| place.living().cloned().collect()).unwrap_or_default()
    }

    /// The actor that holds `key` where there is only one.
    pub(super) fn actor<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<ActorRef<M>>
    where
        K: Borrow<Q>,
    {
        let generation = self.generation.load();
        generation.as_ref()?.entries.get(key)?.actor().cloned()
    }

    /// The living entry of `key` where there is only one.
    pub(super) fn holder<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<Entry<K, M, V>>>
    where
        K: Borrow<Q>,
    {
        let generation = self.generation.load();
        let place = generation.as_ref()?.entries.get(key)?;
        place.living().next().cloned()
    }

    /// The entries of every key.
    pub(super) fn all_holders(&self) -> Vec<Holders<K, M, V>> {
        let generation = self.generation.load_full();
        let places = generation.iter().flat_map(|generation| generation.entries.iter());
        places.map(|place| place.value().clone()).collect()
    }
}

/// The entries between a start of the owner and its end.
pub(super) struct Generation<K, M, V> {
    pub(super) entries: DashMap<K, Holders<K, M, V>>,
    pub(super) open: AtomicBool,
    pub(super) partitions: NonZeroUsize,
    pub(super) meta: RwLock<Meta>,
    pub(super) listeners: Vec<Listener<K, M, V>>,
}

impl<K: Key, M: Message, V: Value> Generation<K, M, V> {
    pub(super) fn new(options: &Options<K, M, V>) -> Self {
        // For a partition per core, as many as the map has by itself.
        let shards = options.partitions.get().min(MOST_SHARDS / 4) * 4;
        Self {
            entries: DashMap::with_shard_amount(shards.next_power_of_two()),
            open: AtomicBool::new(true),
            partitions: options.partitions,
            meta: RwLock::new(options.meta.clone()),
            listeners: options.listeners.clone(),
        }
    }

    /// Lets `entry` stand under its key, beside others unless the key is to be `unique`.
    ///
    /// A dead holder is no holder: its entry is given back. A living one refuses a unique key.
    pub(super) fn insert(&self, entry: &Arc<Entry<K, M, V>>, unique: bool) -> Result<Option<Holders<K, M, V>>, Pid> {
        match self.entries.entry(entry.key.clone()) {
            Place::Vacant(place) => {
                place.insert(Holders::one(entry.clone()));
                Ok(None)
            }
            Place::Occupied(mut place) if !unique => {
                place.get_mut().push(entry.clone());
                Ok(None)
            }
            Place::Occupied(mut place) => {
                let holder = place.get().living().next().map(|holder| holder.actor.pid());
                holder.map_or_else(|| Ok(Some(place.insert(Holders::one(entry.clone())))), Err)
            }
        }
    }

    /// Removes the chosen entries of `key`, and the key with its last one.
    pub(super) fn remove<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        chosen: impl FnMut(&Arc<Entry<K, M, V>>) -> bool,
    ) -> Vec<Arc<Entry<K, M, V>>>
    where
        K: Borrow<Q>,
    {
        let mut removed = Vec::new();
        let emptied = self.entries.remove_if_mut(key, |_, holders| {
            removed = holders.extract(chosen);
            holders.as_slice().is_empty()
        });
        for entry in &removed {
            entry.retire();
        }
        drop(emptied);
        removed
    }

    /// Ends this very entry, whether it stands already or not; a successor's under the same key stays.
    pub(super) fn end(&self, entry: &Arc<Entry<K, M, V>>) {
        // First, so that whoever is about to insert it sees that it is too late.
        entry.ended.store(true, Ordering::SeqCst);
        // Whatever becomes of the removal: the key's `Hash` may panic.
        entry.retire();
        drop(self.remove(&entry.key, |present| Arc::ptr_eq(present, entry)));
    }
}

/// The entries of one key, oldest first. Nearly always it is one, which then needs no memory of its own.
pub(super) enum Holders<K, M, V> {
    /// The actor is the entry's. It stands beside it because a lookup needs nothing else, and among many entries each one
    /// is far away in memory.
    One(ActorRef<M>, Arc<Entry<K, M, V>>),
    Many(Vec<Arc<Entry<K, M, V>>>),
}

impl<K: Key, M: Message, V: Value> Holders<K, M, V> {
    fn one(entry: Arc<Entry<K, M, V>>) -> Self {
        Self::One(entry.actor.clone(), entry)
    }

    /// The actor of the oldest living entry.
    fn actor(&self) -> Option<&ActorRef<M>> {
        match self {
            Self::One(actor, _) => Some(actor).filter(|actor| actor.is_alive()),
            Self::Many(_) => self.living().next().map(|entry| &entry.actor),
        }
    }

    pub(super) fn as_slice(&self) -> &[Arc<Entry<K, M, V>>] {
        match self {
            Self::One(_, entry) => slice::from_ref(entry),
            Self::Many(entries) => entries,
        }
    }

    pub(super) fn living(&self) -> impl Iterator<Item = &Arc<Entry<K, M, V>>> {
        self.as_slice().iter().filter(|entry| entry.actor.is_alive())
    }

    /// Makes cached entries known to be stale.
    pub(super) fn retire(&self) {
        self.as_slice().iter().for_each(|entry| entry.retire());
    }

    fn push(&mut self, entry: Arc<Entry<K, M, V>>) {
        match self {
            Self::One(_, first) => *self = Self::Many(vec![first.clone(), entry]),
            Self::Many(entries) => entries.push(entry),
        }
    }

    /// Takes the chosen ones out. May leave none, and then has to go.
    fn extract(&mut self, mut chosen: impl FnMut(&Arc<Entry<K, M, V>>) -> bool) -> Vec<Arc<Entry<K, M, V>>> {
        match self {
            Self::One(_, entry) if chosen(entry) => {
                let entry = entry.clone();
                *self = Self::Many(Vec::new());
                vec![entry]
            }
            Self::One(..) => Vec::new(),
            Self::Many(entries) => entries.extract_if(.., |entry| chosen(entry)).collect(),
        }
    }
}

impl<K, M, V> Clone for Holders<K, M, V> {
    fn clone(&self) -> Self {
        match self {
            Self::One(actor, entry) => Self::One(actor.clone(), entry.clone()),
            Self::Many(entries) => Self::Many(entries.clone()),
        }
    }
}

/// One registration.
pub(super) struct Entry<K, M, V> {
    pub(super) key: K,
    pub(super) actor: ActorRef<M>,
    /// Replaced as a whole, so that no code of the user's runs while it is locked.
    value: Mutex<Arc<V>>,
    /// Cleared when the entry is removed, so that a cached one is known to be stale without a lookup.
    live: AtomicBool,
    /// Set when its actor ends, also while the entry is only about to stand.
    ended: AtomicBool,
    /// What removes the entry when the actor ends; taken back when it is removed before.
    cleanup: OnceLock<HookId>,
}

impl<K: Key, M: Message, V: Value> Entry<K, M, V> {
    pub(super) fn new(key: K, actor: &ActorRef<M>, value: V) -> Arc<Self> {
        Arc::new(Self {
            key,
            actor: actor.clone(),
            value: Mutex::new(Arc::new(value)),
            live: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            cleanup: OnceLock::new(),
        })
    }

    pub(super) fn value(&self) -> Arc<V> {
        self.value.lock().clone()
    }

    /// Replaces the value, and gives the new one and the old one back.
    pub(super) fn update(&self, mut f: impl FnMut(&V) -> V) -> (V, V) {
        loop {
            let old = self.value();
            let new = Arc::new(f(&old));
            let mut value = self.value.lock();
            if Arc::ptr_eq(&value, &old) {
                value.clone_from(&new);
                drop(value);
                return (V::clone(&new), V::clone(&old));
            }
        }
    }

    pub(super) fn copy(&self) -> V {
        V::clone(&self.value())
    }

    /// The actor and a copy of the value, as queries show them.
    pub(super) fn pair(&self) -> (ActorRef<M>, V) {
        (self.actor.clone(), self.copy())
    }

    pub(super) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(super) fn retire(&self) {
        self.live.store(false, Ordering::Release);
    }

    /// Sees to it that `end` runs when the actor ends. False when it is gone already; `end` has run then.
    pub(super) fn at_exit(&self, end: impl FnOnce() + Send + 'static) -> bool {
        let hook = self.actor.any().0.on_cleanup(end);
        hook.is_some_and(|hook| self.cleanup.set(hook).is_ok())
    }

    /// Takes back what would remove the entry at the end of its actor.
    pub(super) fn forget_exit(&self) {
        if let Some(cleanup) = self.cleanup.get() {
            self.actor.any().0.forget_cleanup(*cleanup);
        }
    }
}
