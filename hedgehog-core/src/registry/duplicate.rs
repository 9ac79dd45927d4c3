//! [`DuplicateRegistry`]: any number of actors under one key, each with its value.
//!
//! It has the owner and the generations of a unique [`Registry`](super::Registry). Invariant: no key stands without an
//! entry, and an entry goes with its actor before the actor's exit can be seen.

use super::{Entry, Generation, Key, RegisterError, Shared, Value, owner};
use crate::{
    actor_ref::ActorRef,
    child_spec::{ChildId, ChildSpec},
    registry::RegistryMsg,
};
use ractor::Message;
use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

/// A registry where any number of actors can stand under one key, each with a value of its own; Elixir's
/// `Registry` with `keys: :duplicate`. Made by [`Registry::duplicate`]. A clone gives the same registry.
///
/// Use it to reach everybody who has an interest in a key ([`dispatch`](Self::dispatch)); when events are many, a
/// [`PubSub`](crate::PubSub) is much faster. A key is no address here, so there is no [`Via`](crate::Via), and an actor may
/// have several entries under one key, so there is no `update_value`. Actors register themselves, most often in `pre_start`.
///
/// Like a unique registry it works while its owner ([`spec`](Self::spec)) runs, and actors that are registered when the
/// owner ends are killed as told at [`Registry`].
///
/// ```
/// use hedgehog_core::*;
///
/// struct Reader(DuplicateRegistry<&'static str, String, u8>);
///
/// impl Actor for Reader {
///     type Msg = String;
///     type State = ();
///     type Arguments = u8;
///     async fn pre_start(&self, me: ractor::ActorRef<String>, urgency: u8) -> Result<(), ActorProcessingErr> {
///         let me = ActorRef::current(&me).expect("hedgehog starts readers");
///         Ok(self.0.register("news", &me, urgency)?)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let readers: DuplicateRegistry<_, _, _> = Registry::duplicate("readers");
/// let (first, second) = (readers.clone(), readers.clone());
/// let supervisor = Supervisor::new(Strategy::RestForOne)
///     .child(readers.spec("readers"))
///     .child(ChildSpec::worker("calm", move || (Reader(first.clone()), 1)))
///     .child(ChildSpec::worker("hectic", move || (Reader(second.clone()), 9)))
///     .start()
///     .await?;
///
/// readers.dispatch(&"news", |readers| {
///     for (reader, _) in readers.iter().filter(|(_, urgency)| *urgency > 5) {
///         // One that is just ending refuses it.
///         let _ = reader.cast("extra, extra".to_owned());
///     }
/// });
/// assert_eq!(readers.count(), 2);
/// supervisor.terminate_child("calm").await?;
/// assert_eq!(readers.lookup_all(&"news").len(), 1); // no entry outlives its actor
/// # supervisor.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
///
/// [`Registry`]: crate::Registry
/// [`Registry::duplicate`]: crate::Registry::duplicate
pub struct DuplicateRegistry<K, M, V = ()>(pub(super) Arc<Shared<K, Holders<M, V>>>);

/// The entries of one key, oldest first.
type Holders<M, V> = Vec<Arc<Entry<M, V>>>;

impl<K: Key, M: Message, V: Value> DuplicateRegistry<K, M, V> {
    /// The owner, as a child. One at a time.
    pub fn spec(&self, id: impl Into<ChildId>) -> ChildSpec<RegistryMsg> {
        owner::spec(&self.0, id)
    }

    /// The name of the registry.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Adds an entry for `actor` under `key`, until the actor ends. The same actor may be added repeatedly, with the same
    /// value even.
    ///
    /// # Errors
    /// [`RegisterError::Down`] when no owner runs, [`RegisterError::NoProc`] when `actor` is gone.
    pub fn register(&self, key: K, actor: &ActorRef<M>, value: V) -> Result<(), RegisterError> {
        let generation = self.0.admit(actor)?;
        let entry = Entry::new(actor, value);
        generation.entries.entry(key.clone()).or_default().push(entry.clone());
        // The owner closes before it sweeps: an entry that the sweep missed is seen here.
        if !generation.open.load(Ordering::SeqCst) {
            generation.remove_where(&key, |present| Arc::ptr_eq(present, &entry));
            return Err(self.0.down());
        }
        let held = entry.clone();
        let cleanup = move || {
            generation.remove_where(&key, |present| Arc::ptr_eq(present, &held));
        };
        if let Some(cleanup) = actor.any().0.on_cleanup(cleanup) {
            let _ = entry.cleanup.set(cleanup);
        }
        Ok(())
    }

    /// Removes all entries that `actor` has under `key`, and says how many those were. Nobody else's are touched.
    pub fn unregister(&self, key: &K, actor: &ActorRef<M>) -> usize {
        self.remove(key, |entry| entry.actor == *actor)
    }

    /// Removes the entries of `actor` under `key` whose value satisfies `condition`, and says how many those were.
    ///
    /// `condition` sees copies of the values and runs without a lock.
    pub fn unregister_match(&self, key: &K, actor: &ActorRef<M>, mut condition: impl FnMut(&V) -> bool) -> usize {
        let mut chosen = self.holders(key);
        chosen.retain(|entry| entry.actor == *actor && condition(&entry.copy()));
        self.remove(key, |entry| chosen.iter().any(|one| Arc::ptr_eq(one, entry)))
    }

    /// The actors under `key` with their values, oldest entry first.
    pub fn lookup_all(&self, key: &K) -> Vec<(ActorRef<M>, V)> {
        let holders = self.holders(key);
        holders
            .iter()
            .map(|entry| (entry.actor.clone(), entry.copy()))
            .collect()
    }

    /// The values that `actor` has under `key`, oldest first.
    pub fn values(&self, key: &K, actor: &ActorRef<M>) -> Vec<V> {
        let holders = self.holders(key);
        let own = holders.iter().filter(|entry| entry.actor == *actor);
        own.map(|entry| entry.copy()).collect()
    }

    /// The keys under which `actor` stands, as often as it does, in no particular order. Looks at every entry.
    pub fn keys_of(&self, actor: &ActorRef<M>) -> Vec<K> {
        self.select(|key, holder, _| (holder == actor).then(|| key.clone()))
    }

    /// Calls `f` once with the actors under `key` and their values, oldest entry first; not at all when there are none.
    ///
    /// `f` runs in the caller and without a lock: it may use the registry, and its panic is the caller's.
    pub fn dispatch(&self, key: &K, f: impl FnOnce(&[(ActorRef<M>, V)])) {
        let holders = self.lookup_all(key);
        if !holders.is_empty() {
            f(&holders);
        }
    }

    /// How many entries there are, over all keys.
    pub fn count(&self) -> usize {
        let Some(generation) = self.0.generation.load_full() else {
            return 0;
        };
        let living = |holders: &Holders<M, V>| holders.iter().filter(|entry| entry.actor.is_alive()).count();
        generation.entries.iter().map(|holders| living(&holders)).sum()
    }

    /// How many entries under `key` have a value that satisfies `condition`.
    pub fn count_match(&self, key: &K, mut condition: impl FnMut(&V) -> bool) -> usize {
        let holders = self.holders(key);
        holders.iter().filter(|entry| condition(&entry.copy())).count()
    }

    /// What `f` makes of each entry, without those it makes `None` of. Oldest first within a key; the keys are in no
    /// particular order. Looks at every entry.
    ///
    /// `f` sees a copy of the value and runs without a lock, so it may use the registry.
    pub fn select<T>(&self, mut f: impl FnMut(&K, &ActorRef<M>, &V) -> Option<T>) -> Vec<T> {
        let Some(generation) = self.0.generation.load_full() else {
            return Vec::new();
        };
        let keys = generation.entries.iter();
        let keys: Vec<(K, Holders<M, V>)> = keys.map(|place| (place.key().clone(), place.value().clone())).collect();
        let entries = keys
            .iter()
            .flat_map(|(key, holders)| holders.iter().map(move |entry| (key, entry)));
        entries
            .filter(|(_, entry)| entry.actor.is_alive())
            .filter_map(|(key, entry)| f(key, &entry.actor, &entry.copy()))
            .collect()
    }

    /// The living entries of `key`.
    fn holders(&self, key: &K) -> Holders<M, V> {
        let generation = self.0.generation.load();
        let place = generation.as_ref().and_then(|generation| generation.entries.get(key));
        let mut holders = place.map(|place| place.value().clone()).unwrap_or_default();
        holders.retain(|entry| entry.actor.is_alive());
        holders
    }

    fn remove(&self, key: &K, chosen: impl Fn(&Arc<Entry<M, V>>) -> bool) -> usize {
        let Some(generation) = self.0.generation.load_full() else {
            return 0;
        };
        let removed = generation.remove_where(key, chosen);
        for entry in &removed {
            entry.forget_cleanup();
        }
        removed.len()
    }
}

impl<K: Key, M: Message, V> Generation<K, Holders<M, V>> {
    /// Removes the chosen entries, and the key with its last one. They are returned so that what is the user's is dropped
    /// outside of the shard's lock.
    fn remove_where(&self, key: &K, chosen: impl Fn(&Arc<Entry<M, V>>) -> bool) -> Holders<M, V> {
        let Some(mut place) = self.entries.get_mut(key) else {
            return Vec::new();
        };
        let removed = place.extract_if(.., |entry| chosen(entry)).collect();
        let last = place.is_empty();
        drop(place);
        if last {
            self.entries.remove_if(key, |_, holders| holders.is_empty());
        }
        removed
    }
}

impl<K, M, V> Clone for DuplicateRegistry<K, M, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, M, V> fmt::Debug for DuplicateRegistry<K, M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DuplicateRegistry({})", self.0.name)
    }
}
