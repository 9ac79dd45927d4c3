//! [`Via`]: a registry key as an address.

use super::{Key, Registry, Value, table::Entry};
use crate::{
    actor_ref::ActorRef,
    address::{self, Address},
    name::{Bind, NameId},
    start_error::StartError,
};
use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use ractor::Message;
use std::{fmt, sync::Arc};

/// A key of a [`Registry`] as an address: resolved at every use, through a cached entry.
///
/// While the holder stays the same a send costs one pointer load and one flag load, and no hashing. Each clone has a cache
/// of its own.
pub struct Via<K, M, V = ()> {
    registry: Registry<K, M, V>,
    key: K,
    value: V,
    cache: ArcSwapOption<Entry<K, M, V>>,
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

    address::calls!(M);

    fn reach<R>(&self, f: impl FnOnce(Option<&ActorRef<M>>) -> R) -> R {
        if let Some(entry) = &*self.cache.load()
            && entry.is_live()
        {
            return f(Some(&entry.actor));
        }
        f(self.resolve().as_deref().map(|entry| &entry.actor))
    }

    #[cold]
    fn resolve(&self) -> Option<Arc<Entry<K, M, V>>> {
        let entry = self.registry.shared.holder(&self.key);
        self.cache.store(entry.clone());
        entry
    }
}

impl<K: Key, M: Message, V: Value> Address<M> for Via<K, M, V> {
    fn whereis(&self) -> Option<ActorRef<M>> {
        self.whereis()
    }

    fn holder(&self) -> BoxFuture<'_, Option<ActorRef<M>>> {
        Box::pin(async { Some(address::until_bound(&self.registry.shared.bound, || self.whereis()).await) })
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
        Some(NameId::new(&self.registry.shared, &self.key))
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
        write!(f, "Via({}/{:?})", self.registry.shared.name, self.key)
    }
}
