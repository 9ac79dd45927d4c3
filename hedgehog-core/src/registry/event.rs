//! [`RegistryEvent`]: what the listeners of a registry are told.
//!
//! Listeners are called by whoever registers or gives up, after the table was changed and outside of its locks. What goes
//! wrong in them is logged and harms nobody.

use super::{Key, Keys, Registry, Value};
use crate::{actor_ref::ActorRef, name::Name, panic};
use ractor::Message;
use std::{fmt, sync::Arc};

impl<K: Key, M: Message, V: Value, N: Keys> Registry<K, M, V, N> {
    /// Tells whoever holds `name`, as the message that `wrap` makes (most often a variant of its message type), of every
    /// registration and of every key that is given up. A listener that is not there misses what happens.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// enum Audit { Registry(RegistryEvent<&'static str, String>), Report }
    /// # let auditor: Name<Audit> = Name::new("auditor");
    /// let readers: Registry<&str, String> = Registry::unique("readers").listener(&auditor, Audit::Registry);
    /// ```
    #[must_use = "this is the registry that has the option"]
    pub fn listener<L: Message>(
        self,
        name: &Name<L>,
        wrap: impl Fn(RegistryEvent<K, M, V>) -> L + Send + Sync + 'static,
    ) -> Self {
        let name = name.clone();
        self.shared.options.lock().listeners.push(Arc::new(move |event| {
            // A message that comes back has nobody to go to.
            let _ = name.cast(wrap(event));
        }));
        self
    }
}

/// What happened to a key, told to the [listeners](crate::Registry::listener) of a registry.
///
/// There is no event for an actor that ends: its keys are free when its exit can be seen, so watch the actor itself
/// ([`ActorRef::on_exit`]). The events of one caller come in their order.
#[non_exhaustive]
pub enum RegistryEvent<K, M, V = ()> {
    /// An actor was registered, by itself, as a child with a [`Via`](crate::Via), or by somebody else.
    Registered {
        /// The registry's name.
        registry: Arc<str>,
        /// The key.
        key: K,
        /// The actor.
        actor: ActorRef<M>,
        /// The value it was registered with.
        value: V,
    },
    /// The last entry that the actor had under the key was given up. Giving up nothing, or some of several entries, is told
    /// to nobody.
    Unregistered {
        /// The registry's name.
        registry: Arc<str>,
        /// The key.
        key: K,
        /// The actor.
        actor: ActorRef<M>,
    },
}

impl<K: fmt::Debug, M, V: fmt::Debug> fmt::Debug for RegistryEvent<K, M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered {
                registry,
                key,
                actor,
                value,
            } => write!(f, "Registered({registry}/{key:?}, {actor:?}, {value:?})"),
            Self::Unregistered { registry, key, actor } => write!(f, "Unregistered({registry}/{key:?}, {actor:?})"),
        }
    }
}

/// Passes an event on to one listener.
pub(super) type Listener<K, M, V> = Arc<dyn Fn(RegistryEvent<K, M, V>) + Send + Sync>;

/// Tells every listener.
pub(super) fn tell<K, M, V>(
    registry: &str,
    listeners: &[Listener<K, M, V>],
    event: impl Fn() -> RegistryEvent<K, M, V>,
) {
    for listener in listeners {
        if let Err(text) = panic::catch_sync(|| listener(event())) {
            tracing::error!(registry, panic = &*text, "a listener of a registry panicked");
        }
    }
}
