//! [`Via`]: a registry key as an address.

use super::{Entry, Key, Registry, Value};
use crate::{
    actor_ref::{ActorRef, CallError, CastError},
    name::{Bind, NameId},
    start_error::StartError,
};
use arc_swap::ArcSwapOption;
use ractor::{Message, RpcReplyPort};
use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// A key of a [`Registry`] as an address: resolved at every use, through a cached entry.
///
/// While the holder stays the same a send costs one pointer load and one flag load, and no hashing. Each clone has a cache
/// of its own.
pub struct Via<K, M, V = ()> {
    registry: Registry<K, M, V>,
    key: K,
    value: V,
    cache: ArcSwapOption<Entry<M, V>>,
}

impl<K: Key, M: Message, V: Value> Via<K, M, V> {
    pub(super) fn new(registry: Registry<K, M, V>, key: K, value: V) -> Self {
        Self {
            registry,
            key,
            value,
            cache: ArcSwapOption::empty(),
        }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The incarnation that holds the key now.
    pub fn whereis(&self) -> Option<ActorRef<M>> {
        if let Some(entry) = &*self.cache.load()
            && entry.live.load(Ordering::Acquire)
        {
            return Some(entry.actor.clone());
        }
        self.resolve().map(|entry| entry.actor.clone())
    }

    /// [`ActorRef::cast`] to the present holder.
    pub fn cast(&self, message: M) -> Result<(), CastError<M>> {
        if let Some(entry) = &*self.cache.load()
            && entry.live.load(Ordering::Acquire)
        {
            return entry.actor.cast(message);
        }
        match self.resolve() {
            Some(entry) => entry.actor.cast(message),
            None => Err(CastError(message)),
        }
    }

    /// [`ActorRef::call`] of the present holder.
    pub async fn call<R: Send + 'static>(
        &self,
        make: impl FnOnce(RpcReplyPort<R>) -> M,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<R, CallError> {
        self.whereis().ok_or(CallError::NoProc)?.call(make, deadline).await
    }

    #[cold]
    fn resolve(&self) -> Option<Arc<Entry<M, V>>> {
        let entry = self.registry.entry(&self.key);
        self.cache.store(entry.clone());
        entry
    }
}

impl<K: Key, M: Message, V: Value> Bind<M> for Via<K, M, V> {
    fn bind(&self, actor: &ActorRef<M>) -> Result<(), StartError> {
        Ok(self.registry.register(self.key.clone(), actor, self.value.clone())?)
    }

    fn label(&self) -> Option<String> {
        Some(format!("{}/{:?}", self.registry.name(), self.key))
    }

    fn name_id(&self) -> Option<NameId> {
        Some(NameId::new(&self.registry.0, &self.key))
    }
}

impl<K: Clone, M, V: Clone> Clone for Via<K, M, V> {
    fn clone(&self) -> Self {
        Self {
            registry: self.registry.clone(),
            key: self.key.clone(),
            value: self.value.clone(),
            cache: ArcSwapOption::empty(),
        }
    }
}

impl<K: fmt::Debug, M, V> fmt::Debug for Via<K, M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({}/{:?})", self.registry.0.name, self.key)
    }
}
