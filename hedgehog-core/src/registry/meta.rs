//! What a registry knows beside its entries: one value of each type.

use super::{Key, Keys, RegisterError, Registry, Value};
use ractor::Message;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::Arc,
};

impl<K: Key, M: Message, V: Value, N: Keys> Registry<K, M, V, N> {
    /// Metadata that stands there when the owner starts, first or again; of a type that is there already, the new value
    /// replaces the old. See [`meta`](Self::meta).
    #[must_use = "this is the registry that has the option"]
    pub fn with_meta<T: Send + Sync + 'static>(self, value: T) -> Self {
        let replaced = self.shared.options.lock().meta.put(value);
        drop(replaced);
        self
    }

    /// The metadata of type `T`: what the registry knows beside its entries, one value of each type. Elixir's keys are types
    /// here, so that no value can be asked for as something else.
    ///
    /// Metadata ends with the owner; the next one begins with what [`with_meta`](Self::with_meta) gave. `None` also while no
    /// owner runs.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// struct Quota(u32);
    ///
    /// let accounts: Registry<&str, String> = Registry::unique("accounts").with_meta(Quota(10));
    /// # let supervisor =
    /// Supervisor::new(Strategy::RestForOne).child(accounts.spec("accounts")).start().await?;
    /// assert_eq!(accounts.meta::<Quota>().map(|quota| quota.0), Some(10));
    /// accounts.put_meta(Quota(20))?;
    /// assert_eq!(accounts.meta::<Quota>().map(|quota| quota.0), Some(20));
    /// # supervisor.stop(ExitReason::Shutdown).await;
    /// # Ok(()) }
    /// ```
    pub fn meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let generation = self.shared.generation.load();
        generation.as_ref()?.meta.read().find()
    }

    /// Sets the metadata of type `T`.
    ///
    /// # Errors
    /// [`RegisterError::Down`] when no owner runs.
    pub fn put_meta<T: Send + Sync + 'static>(&self, value: T) -> Result<(), RegisterError> {
        let generation = self.shared.generation.load_full().ok_or_else(|| self.shared.down())?;
        let replaced = generation.meta.write().put(value);
        drop(replaced);
        Ok(())
    }

    /// Removes the metadata of type `T`, and returns it if there was any.
    pub fn delete_meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let generation = self.shared.generation.load_full()?;
        generation.meta.write().delete()
    }
}

type AnyValue = Arc<dyn Any + Send + Sync>;

/// Values by their type. Whatever is replaced or removed is given back, to be dropped where no lock is held.
#[derive(Clone, Default)]
pub(super) struct Meta(HashMap<TypeId, AnyValue>);

impl Meta {
    pub(super) fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).cloned().and_then(downcast)
    }

    pub(super) fn put<T: Send + Sync + 'static>(&mut self, value: T) -> Option<Arc<T>> {
        self.0.insert(TypeId::of::<T>(), Arc::new(value)).and_then(downcast)
    }

    pub(super) fn delete<T: Send + Sync + 'static>(&mut self) -> Option<Arc<T>> {
        self.0.remove(&TypeId::of::<T>()).and_then(downcast)
    }
}

/// Always succeeds: a value stands under its own type.
fn downcast<T: Send + Sync + 'static>(value: AnyValue) -> Option<Arc<T>> {
    value.downcast().ok()
}
