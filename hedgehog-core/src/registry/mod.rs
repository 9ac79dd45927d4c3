//! [`Registry`]: actors by key, each with a value, owned by an actor in the tree.
//!
//! The registry itself is a value that everybody may clone; its entries belong to a *generation* ([`table`]), which lives
//! exactly as long as one incarnation of the owner ([`owner`]). An entry refers to its own generation only, so a late cleanup
//! can never remove a successor's entry, in this generation or the next.
//!
//! Invariants: a key is bound before its holder's `init` and free before the holder's exit can be seen; a dead holder never
//! blocks a key.
//!
//! This file has what makes a registry and what changes it; [`query`] has what only looks.

mod event;
mod lock;
mod meta;
mod owner;
mod query;
mod registration;
mod table;
mod via;

pub use event::RegistryEvent;
pub use owner::RegistryMsg;
pub use registration::RegisterError;
pub use via::Via;

use crate::{child_spec::ChildSpec, identity::ChildId};
use ractor::Message;
use std::{fmt, hash::Hash, marker::PhantomData, num::NonZeroUsize, sync::Arc};
use table::Shared;

/// What can be a key: cheap to clone, printable in errors. Its `Hash`, `Eq` and `Clone` run under the registry's locks.
pub trait Key: Hash + Eq + Clone + fmt::Debug + Send + Sync + 'static {}
impl<K: Hash + Eq + Clone + fmt::Debug + Send + Sync + 'static> Key for K {}

/// What can be an entry's value.
pub trait Value: Clone + Send + Sync + 'static {}
impl<V: Clone + Send + Sync + 'static> Value for V {}

/// How many actors can stand under one key: [`Unique`] or [`Duplicate`].
pub trait Keys: sealed::Sealed + 'static {
    #[doc(hidden)]
    const UNIQUE: bool;
}

/// One actor to a key, which makes the key an address ([`Via`]).
#[derive(Debug)]
pub enum Unique {}

/// Any number of actors to a key, and of entries of one actor.
#[derive(Debug)]
pub enum Duplicate {}

impl Keys for Unique {
    const UNIQUE: bool = true;
}

impl Keys for Duplicate {
    const UNIQUE: bool = false;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Unique {}
    impl Sealed for super::Duplicate {}
}

/// Actors with message `M` by key, each with a value `V`; Elixir's `Registry`. Cloning it gives the same registry.
///
/// Made by [`unique`](Self::unique), it has one actor to a key, and a key is an address: [`via`](Self::via). Made by
/// [`duplicate`](Self::duplicate) it is a [`DuplicateRegistry`].
///
/// Put its owner ([`spec`](Self::spec)) first in a `RestForOne` supervisor. While no owner runs, nothing can be registered;
/// when the owner ends every entry goes at once, and every actor that was registered is killed, as a process linked to a
/// BEAM registry is: when the next owner starts, or after 10 s without one. So a supervisor that restarts the owner along
/// with the actors' supervisors can stop those in good order first. An actor that gave up its last key is let live.
///
/// An entry goes with its actor: before the actor's exit can be seen, and whoever registered it.
///
/// ```
/// use hedgehog_core::*;
/// # struct Account;
/// # enum Msg { Balance(RpcReplyPort<u32>) }
/// # impl Actor for Account {
/// #     type Msg = Msg;
/// #     type State = u32;
/// #     type Arguments = u32;
/// #     async fn pre_start(&self, _: ractor::ActorRef<Msg>, start: u32) -> Result<u32, ActorProcessingErr> { Ok(start) }
/// #     async fn handle(&self, _: ractor::ActorRef<Msg>, msg: Msg, balance: &mut u32) -> Result<(), ActorProcessingErr> {
/// #         match msg { Msg::Balance(reply) => drop(reply.send(*balance)) }
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let accounts: Registry<String, Msg, &str> = Registry::unique("accounts");
/// let supervisor = Supervisor::new(Strategy::RestForOne).child(accounts.spec("accounts")).start().await?;
/// let ann = ChildSpec::worker("ann", || (Account, 50)).via(accounts.via_value("ann".to_owned(), "EUR"));
/// let ann = supervisor.start_child(ann).await?;
///
/// assert_eq!(accounts.lookup(&"ann".to_owned()), Some(ann.clone()));
/// assert_eq!(accounts.value(&"ann".to_owned()), Some("EUR"));
/// let rich = accounts.select(|name, _, currency| (*currency == "EUR").then(|| name.clone()));
/// assert_eq!(rich, ["ann"]);
///
/// ann.kill();
/// ann.exited().await;
/// assert_ne!(accounts.lookup(&"ann".to_owned()), Some(ann)); // never somebody who is gone
/// # supervisor.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
pub struct Registry<K, M, V = (), N = Unique> {
    shared: Arc<Shared<K, M, V>>,
    keys: PhantomData<fn() -> N>,
}

/// A registry where any number of actors can stand under one key, each with a value of its own; Elixir's `Registry` with
/// `keys: :duplicate`. Made by [`Registry::duplicate`].
///
/// Use it to reach everybody who has an interest in a key ([`dispatch`](Registry::dispatch)); when events are many, a
/// [`PubSub`](crate::PubSub) is much faster. Actors register themselves, most often in `pre_start`.
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
///         let me = me.self_ref()?;
///         Ok(self.0.register("news", &me, urgency)?)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let readers = Registry::duplicate("readers");
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
/// A key is no address here, and there may be many values to update, so neither compiles:
///
/// ```compile_fail,E0599
/// # use hedgehog_core::*;
/// let readers: DuplicateRegistry<&str, String> = Registry::duplicate("readers");
/// let news = readers.via("news");
/// ```
///
/// ```compile_fail,E0599
/// # use hedgehog_core::*;
/// fn rise(readers: &DuplicateRegistry<&str, String, u8>, me: &ActorRef<String>) {
///     readers.update_value(&"news", me, |urgency| urgency + 1);
/// }
/// ```
pub type DuplicateRegistry<K, M, V = ()> = Registry<K, M, V, Duplicate>;

impl<K: Key, M: Message, V: Value> Registry<K, M, V> {
    /// A registry with one actor to a key; without an owner yet. `name` is for errors and the tree.
    pub fn unique(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into())
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
}

impl<K: Key, M: Message, V: Value> Registry<K, M, V, Duplicate> {
    /// A registry with any number of actors to a key; without an owner yet. `name` is for errors and the tree.
    pub fn duplicate(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into())
    }
}

/// What a registry is made of. Options count from the next start of the owner, so give them before the first.
impl<K: Key, M: Message, V: Value, N: Keys> Registry<K, M, V, N> {
    fn new(name: Arc<str>) -> Self {
        Self {
            shared: Arc::new(Shared::new(name)),
            keys: PhantomData,
        }
    }

    /// Divides the table into so many parts, each with locks of its own. Default: one per core.
    ///
    /// The more there are, the more threads can register at the same time. They are also the parts of a
    /// [`dispatch_parallel`](Self::dispatch_parallel).
    #[must_use = "this is the registry that has the option"]
    pub fn partitions(self, partitions: NonZeroUsize) -> Self {
        self.shared.options.lock().partitions = partitions;
        self
    }

    /// The owner, as a child. One at a time.
    pub fn spec(&self, id: impl Into<ChildId>) -> ChildSpec<RegistryMsg> {
        owner::spec(&self.shared, id)
    }

    /// The name of the registry.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How many [`partitions`](Self::partitions) the table has, or will have when the owner starts.
    pub fn partition_count(&self) -> NonZeroUsize {
        match &*self.shared.generation.load() {
            Some(generation) => generation.partitions,
            None => self.shared.options.lock().partitions,
        }
    }
}

impl<K, M, V, N> Clone for Registry<K, M, V, N> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            keys: PhantomData,
        }
    }
}

impl<K, M, V, N> fmt::Debug for Registry<K, M, V, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({})", self.shared.name)
    }
}

#[cfg(test)]
mod tests;
