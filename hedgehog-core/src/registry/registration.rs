//! What changes a registry: registering, giving up, a new value.
//!
//! Invariant: the actor's exit record knows of an entry before it can be found, so that whatever fails in between (a key's
//! `Hash` may panic) leaves none that nothing would remove.

use super::{Key, Keys, Registry, RegistryEvent, Value, event, table::Entry};
use crate::{actor_ref::ActorRef, identity::Pid, start_error::StartError};
use ractor::Message;
use std::{
    borrow::Borrow,
    hash::Hash,
    sync::{Arc, atomic::Ordering},
};

impl<K: Key, M: Message, V: Value, N: Keys> Registry<K, M, V, N> {
    /// Lets `actor` stand under `key` until it ends or is [unregistered](Self::unregister). In a registry with duplicate keys
    /// it may do so repeatedly, with the same value even.
    ///
    /// # Errors
    /// [`RegisterError::AlreadyRegistered`] when a living actor, this one even, has the key of a registry with unique keys;
    /// [`RegisterError::Down`] when no owner runs, [`RegisterError::NoProc`] when `actor` is gone.
    pub fn register(&self, key: K, actor: &ActorRef<M>, value: V) -> Result<(), RegisterError> {
        let generation = self.shared.admit(actor)?;
        let entry = Entry::new(key, actor, value);
        // For the listeners, before anybody can change it.
        let value = (!generation.listeners.is_empty()).then(|| entry.value());
        let (held, known) = (generation.clone(), entry.clone());
        if !entry.at_exit(move || held.end(&known)) {
            return Err(RegisterError::NoProc);
        }
        let unfinished = Unfinished(&entry);
        let dead = match generation.insert(&entry, N::UNIQUE) {
            Ok(dead) => dead,
            Err(holder) => return Err(self.taken(&entry.key, holder)),
        };
        // The actor's exit and the owner's end both leave a mark before they sweep: what they missed is seen here.
        let open = generation.open.load(Ordering::SeqCst);
        if !open || entry.has_ended() {
            generation.end(&entry);
            return Err(if open {
                RegisterError::NoProc
            } else {
                self.shared.down()
            });
        }
        std::mem::forget(unfinished);
        if let Some(dead) = &dead {
            dead.retire();
        }
        self.shared.bound.notify_waiters();
        if let Some(value) = value {
            event::tell(&self.shared.name, &generation.listeners, || RegistryEvent::Registered {
                registry: self.shared.name.clone(),
                key: entry.key.clone(),
                actor: actor.clone(),
                value: V::clone(&value),
            });
        }
        Ok(())
    }

    fn taken(&self, key: &K, holder: Pid) -> RegisterError {
        RegisterError::AlreadyRegistered {
            registry: self.shared.name.clone(),
            key: format!("{key:?}"),
            holder,
        }
    }

    /// Gives up all entries that `actor` has under `key`; false when it has none. Nobody else's are touched.
    pub fn unregister<Q: Hash + Eq + ?Sized>(&self, key: &Q, actor: &ActorRef<M>) -> bool
    where
        K: Borrow<Q>,
    {
        self.give_up(key, actor, |_| true) > 0
    }

    /// Gives up the entries of `actor` under `key` whose value satisfies `condition`, and says how many those were.
    ///
    /// `condition` runs in the caller and without a lock.
    pub fn unregister_match<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        actor: &ActorRef<M>,
        mut condition: impl FnMut(&V) -> bool,
    ) -> usize
    where
        K: Borrow<Q>,
    {
        let mut chosen = self.shared.holders(key);
        chosen.retain(|entry| entry.actor == *actor && condition(&entry.value()));
        self.give_up(key, actor, |entry| chosen.iter().any(|one| Arc::ptr_eq(one, entry)))
    }

    fn give_up<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        actor: &ActorRef<M>,
        chosen: impl Fn(&Arc<Entry<K, M, V>>) -> bool,
    ) -> usize
    where
        K: Borrow<Q>,
    {
        let Some(generation) = self.shared.generation.load_full() else {
            return 0;
        };
        let mut stays = false;
        let removed = generation.remove(key, |entry| {
            let own = entry.actor == *actor;
            let chosen = own && chosen(entry);
            stays |= own && !chosen;
            chosen
        });
        for entry in &removed {
            entry.forget_exit();
        }
        if let Some(first) = removed.first().filter(|_| !stays) {
            event::tell(&self.shared.name, &generation.listeners, || {
                RegistryEvent::Unregistered {
                    registry: self.shared.name.clone(),
                    key: first.key.clone(),
                    actor: actor.clone(),
                }
            });
        }
        removed.len()
    }
}

impl<K: Key, M: Message, V: Value> Registry<K, M, V> {
    /// Replaces the value of `key` by what `f` makes of it, and returns the new one and the old one. `None`, and `f` is not
    /// called, when `actor` does not hold the key.
    ///
    /// `f` runs in the caller and without a lock, so it may use the registry; when it panics the value stays as it was. Of
    /// two updates at the same time one has to begin anew, so `f` may be called again, and should do nothing else.
    pub fn update_value<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        actor: &ActorRef<M>,
        f: impl FnMut(&V) -> V,
    ) -> Option<(V, V)>
    where
        K: Borrow<Q>,
    {
        let entry = self.shared.holder(key).filter(|entry| entry.actor == *actor)?;
        Some(entry.update(f))
    }
}

/// An entry that its actor's exit record knows of, and that may not come to stand.
struct Unfinished<'a, K: Key, M: Message, V: Value>(&'a Entry<K, M, V>);

impl<K: Key, M: Message, V: Value> Drop for Unfinished<'_, K, M, V> {
    fn drop(&mut self) {
        self.0.forget_exit();
    }
}

/// Why a registry refused.
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
    #[error("the registry {registry} is not running, start its spec first")]
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
