//! Which partition serves which key: the part of a [`PartitionSupervisor`](super::PartitionSupervisor) that its callers read
//! without asking anybody.
//!
//! Invariant: keys are spread over the partitions `0..published`, and `published <= wanted` except while a resize takes
//! partitions away. So no key leads to a partition that is known to be stopped.

use crate::{
    actor_ref::ActorRef,
    address::Address as _,
    name::{Bind, Name},
    start_error::StartError,
};
use ractor::Message;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::{Mutex, Notify};

/// The partitions of one incarnation of a partition supervisor.
pub(super) struct Routes<M> {
    /// Where the children of the partitions are found, through their restarts.
    names: Box<[Name<M>]>,
    /// Over how many partitions keys are spread.
    published: AtomicUsize,
    /// How many partitions may run: a surplus one that a group restart would start again declines.
    wanted: AtomicUsize,
    /// Held by whoever resizes.
    pub(super) resizing: Mutex<()>,
    /// Rung when `published` has changed.
    resized: Notify,
}

impl<M: Message> Routes<M> {
    pub(super) fn new(partitions: NonZeroUsize) -> Self {
        let name = |partition| Name::new(format!("partition {partition}"));
        Self {
            names: (0..partitions.get()).map(name).collect(),
            published: AtomicUsize::new(partitions.get()),
            wanted: AtomicUsize::new(partitions.get()),
            resizing: Mutex::new(()),
            resized: Notify::new(),
        }
    }

    /// How many partitions there can be.
    pub(super) fn max(&self) -> usize {
        self.names.len()
    }

    pub(super) fn published(&self) -> usize {
        self.published.load(Ordering::SeqCst)
    }

    pub(super) fn publish(&self, partitions: usize) {
        self.published.store(partitions, Ordering::SeqCst);
        self.resized.notify_waiters();
    }

    pub(super) fn want(&self, partitions: usize) {
        self.wanted.store(partitions, Ordering::SeqCst);
    }

    /// The name of the partition that serves the key now; `None` while there are no partitions.
    pub(super) fn name(&self, key: KeyHash) -> Option<&Name<M>> {
        let partition = key.0.checked_rem(self.published() as u128)?;
        self.names.get(partition as usize)
    }

    /// The child of the partition that serves the key, as soon as there is one; `None` while there are no partitions.
    pub(super) async fn holder(&self, key: KeyHash) -> Option<ActorRef<M>> {
        loop {
            let resized = self.resized.notified();
            tokio::pin!(resized);
            resized.as_mut().enable();
            tokio::select! {
                biased;
                holder = self.name(key)?.holder() => return holder,
                () = resized => {}
            }
        }
    }
}

/// Binds each incarnation of a partition's child to its place.
pub(super) struct Slot<M> {
    routes: Arc<Routes<M>>,
    partition: usize,
}

impl<M> Slot<M> {
    pub(super) fn new(routes: &Arc<Routes<M>>, partition: usize) -> Self {
        let routes = routes.clone();
        Self { routes, partition }
    }
}

impl<M: Message> Bind<M> for Slot<M> {
    fn bind(&self, actor: &ActorRef<M>) -> Result<(), StartError> {
        if self.partition >= self.routes.wanted.load(Ordering::SeqCst) {
            return Err(StartError::Ignore);
        }
        self.routes.names[self.partition].bind(actor)
    }
}

/// What a key becomes before it is divided by the number of partitions: the absolute value of an integer, a hash of
/// anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyHash(u128);

impl KeyHash {
    pub(super) fn of(key: &impl Hash) -> Self {
        let mut hasher = KeyHasher::default();
        key.hash(&mut hasher);
        Self(hasher.integer.unwrap_or_else(|| hasher.rest.finish().into()))
    }
}

/// Tells a key that is one integer from all others by what it feeds its hasher.
#[derive(Default)]
struct KeyHasher {
    /// The absolute value of the first thing that was written, as long as nothing else was.
    integer: Option<u128>,
    written: bool,
    // Starts from fixed keys: every incarnation, and every run, spreads alike.
    rest: DefaultHasher,
}

impl KeyHasher {
    fn integer(&mut self, absolute: u128) {
        self.integer = (!self.written).then_some(absolute);
        self.written = true;
    }
}

macro_rules! integers {
    ($($write:ident: $int:ty => $absolute:ident),* $(,)?) => {
        $(fn $write(&mut self, n: $int) {
            self.rest.$write(n);
            self.integer($absolute!(n));
        })*
    };
}
macro_rules! unsigned {
    ($n:ident) => {
        $n as u128
    };
}
macro_rules! signed {
    ($n:ident) => {
        $n.unsigned_abs() as u128
    };
}

#[expect(
    clippy::cast_lossless,
    reason = "one macro for all integers, and not all of them have a `From`"
)]
impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.rest.write(bytes);
        self.integer = None;
        self.written = true;
    }

    integers! {
        write_u8: u8 => unsigned, write_u16: u16 => unsigned, write_u32: u32 => unsigned, write_u64: u64 => unsigned,
        write_u128: u128 => unsigned, write_usize: usize => unsigned,
        write_i8: i8 => signed, write_i16: i16 => signed, write_i32: i32 => signed, write_i64: i64 => signed,
        write_i128: i128 => signed, write_isize: isize => signed,
    }

    fn finish(&self) -> u64 {
        self.rest.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: impl Hash) -> u128 {
        KeyHash::of(&key).0
    }

    #[test]
    fn an_integer_is_its_absolute_value_and_so_is_what_hashes_as_one() {
        #[derive(Hash)]
        struct UserId(i64);
        assert_eq!([of(3), of(-1), of(7_u8), of(-5_i128), of(4_usize)], [3, 1, 7, 5, 4]);
        assert_eq!((of(UserId(-9)), of(i64::MIN)), (9, 1 << 63));
    }

    #[test]
    fn anything_else_is_hashed_the_same_way_each_time() {
        assert_eq!(of("BTCUSDT"), of(String::from("BTCUSDT")));
        assert_ne!(of("BTCUSDT"), of("ETHUSDT"));
        assert_ne!(of((1, 2)), of((1, 3)));
        // The last thing written must not pass for the whole.
        assert_ne!(of(("a", 1)), 1);
        assert_ne!(of((1, 2)), 2);
        let spread: std::collections::BTreeSet<u128> = (0..100).map(|n| of(format!("key {n}")) % 8).collect();
        assert_eq!(spread.len(), 8);
    }

    #[test]
    fn without_partitions_there_is_no_way() {
        let routes = Routes::<()>::new(NonZeroUsize::MIN);
        assert_eq!(routes.name(KeyHash::of(&5)).map(Name::as_str), Some("partition 0"));
        routes.publish(0);
        assert!(routes.name(KeyHash::of(&5)).is_none());
    }
}
