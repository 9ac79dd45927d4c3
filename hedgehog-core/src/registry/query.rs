//! What only looks at a registry.
//!
//! Every query takes its entries out of the table first, so that closures of the user's run without a lock and may use the
//! registry. Invariant: nothing here shows an actor whose exit can be seen.

use super::{
    Key, Keys, Registry, Value,
    table::{Entry, Holders},
};
use crate::{actor_ref::ActorRef, incarnation::Incarnation};
use ractor::Message;
use std::{borrow::Borrow, collections::BTreeMap, hash::Hash, panic::resume_unwind, sync::Arc};

impl<K: Key, M: Message, V: Value> Registry<K, M, V> {
    /// The actor that holds `key`, which may be borrowed as in a [`HashMap`](std::collections::HashMap): a `&str` where keys are
    /// `String`s.
    pub fn lookup<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<ActorRef<M>>
    where
        K: Borrow<Q>,
    {
        self.shared.actor(key)
    }

    /// The value of `key`.
    pub fn value<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.shared.holder(key).map(|entry| entry.copy())
    }
}

impl<K: Key, M: Message, V: Value, N: Keys> Registry<K, M, V, N> {
    /// The actors under `key` with their values, oldest entry first: Elixir's `lookup`.
    pub fn lookup_all<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Vec<(ActorRef<M>, V)>
    where
        K: Borrow<Q>,
    {
        self.shared.holders(key).iter().map(|entry| entry.pair()).collect()
    }

    /// The actors under `key` whose value satisfies `condition`, with their values, oldest entry first: Elixir's `match`,
    /// which is a keyword here.
    pub fn matches<Q: Hash + Eq + ?Sized>(&self, key: &Q, condition: impl FnMut(&V) -> bool) -> Vec<(ActorRef<M>, V)>
    where
        K: Borrow<Q>,
    {
        self.matching(key, condition).map(|entry| entry.pair()).collect()
    }

    /// How many entries under `key` have a value that satisfies `condition`.
    pub fn count_match<Q: Hash + Eq + ?Sized>(&self, key: &Q, condition: impl FnMut(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
    {
        self.matching(key, condition).count()
    }

    fn matching<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        mut condition: impl FnMut(&V) -> bool,
    ) -> impl Iterator<Item = Arc<Entry<K, M, V>>>
    where
        K: Borrow<Q>,
    {
        let holders = self.shared.holders(key).into_iter();
        holders.filter(move |entry| condition(&entry.value()))
    }

    /// The values that `actor` has under `key`, oldest first.
    pub fn values<Q: Hash + Eq + ?Sized>(&self, key: &Q, actor: &ActorRef<M>) -> Vec<V>
    where
        K: Borrow<Q>,
    {
        let holders = self.shared.holders(key);
        let own = holders.iter().filter(|entry| entry.actor == *actor);
        own.map(|entry| entry.copy()).collect()
    }

    /// The keys under which somebody stands, each once, in no particular order.
    pub fn keys(&self) -> Vec<K> {
        let places = self.shared.all_holders();
        let held = places.iter().filter_map(|holders| holders.living().next());
        held.map(|entry| entry.key.clone()).collect()
    }

    /// The keys under which `actor` stands, as often as it does, in no particular order: Elixir's `keys`. Looks at every
    /// entry.
    pub fn keys_of(&self, actor: &ActorRef<M>) -> Vec<K> {
        self.select(|key, holder, _| (holder == actor).then(|| key.clone()))
    }

    /// How many entries there are, over all keys.
    pub fn count(&self) -> usize {
        let generation = self.shared.generation.load_full();
        let places = generation.iter().flat_map(|generation| generation.entries.iter());
        places.map(|place| place.living().count()).sum()
    }

    /// What `f` makes of each entry, without those it makes `None` of. Oldest first within a key; the keys are in no
    /// particular order. Looks at every entry.
    pub fn select<T>(&self, mut f: impl FnMut(&K, &ActorRef<M>, &V) -> Option<T>) -> Vec<T> {
        let places = self.shared.all_holders();
        let entries = places.iter().flat_map(Holders::living);
        entries
            .filter_map(|entry| f(&entry.key, &entry.actor, &entry.value()))
            .collect()
    }

    /// How many entries satisfy `condition`. Looks at every entry.
    pub fn count_select(&self, mut condition: impl FnMut(&K, &ActorRef<M>, &V) -> bool) -> usize {
        self.select(|key, actor, value| condition(key, actor, value).then_some(()))
            .len()
    }

    /// Calls `f` once with the actors under `key` and their values, oldest entry first; not at all when there are none.
    ///
    /// `f` runs in the caller and its panic is the caller's.
    pub fn dispatch<Q: Hash + Eq + ?Sized>(&self, key: &Q, f: impl FnOnce(&[(ActorRef<M>, V)]))
    where
        K: Borrow<Q>,
    {
        let holders = self.lookup_all(key);
        if !holders.is_empty() {
            f(&holders);
        }
    }

    /// [`dispatch`](Self::dispatch) at several places at a time: Elixir's with `parallel: true`.
    ///
    /// The actors are divided among the registry's [`partitions`](Self::partitions), and `f` is called once for each
    /// partition that has any, in a task of its own, with those it has, oldest entry first. It returns when all calls have,
    /// and a panic of theirs is the caller's then; dropped before, it leaves the calls running. With one partition, and with
    /// unique keys, it is `dispatch`.
    ///
    /// It is worth its tasks only where `f` does much for each actor: thousands of entries, or costly messages.
    pub async fn dispatch_parallel<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        f: impl Fn(&[(ActorRef<M>, V)]) + Send + Sync + 'static,
    ) where
        K: Borrow<Q>,
    {
        let partitions = self.partition_count().get() as u64;
        if N::UNIQUE || partitions == 1 {
            return self.dispatch(key, f);
        }
        let mut parts: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for (actor, value) in self.lookup_all(key) {
            let part = actor.pid().as_u64() % partitions;
            parts.entry(part).or_default().push((actor, value));
        }
        let f = Arc::new(f);
        let calls = parts.into_values().map(|part| {
            let f = f.clone();
            let call = async move { f(&part) };
            // What is called for an actor that was declared dead reaches nobody, here as in the actor itself.
            match Incarnation::current() {
                Some(actor) => tokio::spawn(actor.run(call)),
                None => tokio::spawn(call),
            }
        });
        let mut panicked = None;
        for call in calls.collect::<Vec<_>>() {
            if let Err(error) = call.await
                && let Ok(panic) = error.try_into_panic()
            {
                panicked.get_or_insert(panic);
            }
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }
}
