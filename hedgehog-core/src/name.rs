//! [`Name`]: one stable address, bound to each incarnation in turn; [`Bind`]: whatever an incarnation can be bound to.
//!
//! A name is a value, shared by cloning it; there is no global table. Invariant: a name is bound before `init` and free
//! before the exit of its holder can be seen.

use crate::{
    actor_ref::ActorRef,
    address::{self, Address},
    start_error::StartError,
};
use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use ractor::Message;
use std::{
    fmt,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash},
    sync::Arc,
};
use tokio::sync::Notify;

/// Something a starting actor is bound to before its `pre_start` runs: a [`Name`], a [`Via`](crate::Via).
///
/// `bind` is called for every incarnation and gives the binding back through [`ActorRef::on_cleanup`].
pub trait Bind<M>: Send + Sync {
    /// Binds `actor`, or says who holds the name.
    fn bind(&self, actor: &ActorRef<M>) -> Result<(), StartError>;

    /// How the supervision tree shows the binding.
    fn label(&self) -> Option<String> {
        None
    }

    /// Which name it binds, so that a supervisor can keep the name of a child that is being restarted for that child.
    fn name_id(&self) -> Option<NameId> {
        None
    }
}

/// Tells two names apart, or finds them the same, without their types. Means something while the name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId {
    /// The address of what all handles on one table of names share.
    table: usize,
    key: u64,
}

impl NameId {
    /// The name that is called `key` in `table`. Keys of one hash count as the same.
    pub fn new<T>(table: &Arc<T>, key: &impl Hash) -> Self {
        Self {
            table: Arc::as_ptr(table).addr(),
            key: BuildHasherDefault::<DefaultHasher>::default().hash_one(key),
        }
    }
}

/// The address of an actor that survives its restarts.
///
/// The text is for people. What an actor is found by is the name itself, handed to those who need it:
///
/// ```
/// # use hedgehog_core::*;
/// # struct Clock;
/// # impl Actor for Clock {
/// #     type Msg = ();
/// #     type State = ();
/// #     type Arguments = ();
/// #     async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
/// let (name, namesake) = (Name::new("clock"), Name::new("clock"));
/// let clock = |name| ChildSpec::worker("clock", || (Clock, ())).name(name);
/// let first = clock(&name).start().await?;
/// assert_eq!(name.clone().whereis(), Some(first)); // a clone is the same name
/// assert!(namesake.whereis().is_none()); // the same text is not
///
/// let second = clock(&name).start().await;
/// assert!(matches!(second, Err(StartError::AlreadyRegistered { .. }))); // one holder at a time
/// assert!(clock(&namesake).start().await.is_ok());
/// # Ok(()) }
/// ```
pub struct Name<M>(Arc<Slot<M>>);

struct Slot<M> {
    name: Arc<str>,
    holder: ArcSwapOption<ActorRef<M>>,
    /// Serialises `bind`, so that of two claimants one is told about the other.
    binding: parking_lot::Mutex<()>,
    bound: Notify,
}

impl<M: Message> Name<M> {
    /// A new, unbound name. Two names made of the same text are different names.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Slot {
            name: name.into(),
            holder: ArcSwapOption::empty(),
            binding: parking_lot::Mutex::new(()),
            bound: Notify::new(),
        }))
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0.name
    }

    address::calls!(M);

    fn reach<R>(&self, f: impl FnOnce(Option<&ActorRef<M>>) -> R) -> R {
        let holder = self.0.holder.load();
        f(holder.as_deref().filter(|holder| holder.is_alive()))
    }
}

impl<M: Message> Address<M> for Name<M> {
    fn whereis(&self) -> Option<ActorRef<M>> {
        self.whereis()
    }

    fn holder(&self) -> BoxFuture<'_, Option<ActorRef<M>>> {
        Box::pin(async { Some(address::until_bound(&self.0.bound, || self.whereis()).await) })
    }
}

impl<M: Message> Bind<M> for Name<M> {
    fn bind(&self, actor: &ActorRef<M>) -> Result<(), StartError> {
        let slot = &self.0;
        {
            let _binding = slot.binding.lock();
            if let Some(holder) = self.whereis() {
                return Err(StartError::AlreadyRegistered {
                    name: slot.name.to_string(),
                    holder: holder.pid(),
                });
            }
            slot.holder.store(Some(Arc::new(actor.clone())));
        }
        slot.bound.notify_waiters();
        let (slot, pid) = (Arc::downgrade(slot), actor.pid());
        actor.on_cleanup(move || {
            let Some(slot) = slot.upgrade() else { return };
            let _binding = slot.binding.lock();
            // A successor may hold the name already: never take it away from somebody else.
            if slot.holder.load().as_deref().is_some_and(|holder| holder.pid() == pid) {
                slot.holder.store(None);
            }
        });
        Ok(())
    }

    fn label(&self) -> Option<String> {
        Some(self.as_str().to_owned())
    }

    fn name_id(&self) -> Option<NameId> {
        Some(NameId::new(&self.0, &()))
    }
}

impl<M> Clone for Name<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> fmt::Debug for Name<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.0.name)
    }
}
