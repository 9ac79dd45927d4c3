//! What the log and the idle bits are made of, in one place: their models swap these for loom's.

pub(super) use std::sync::OnceLock;
pub(super) use std::sync::atomic::AtomicU64;

pub(super) use parking_lot::Mutex;

use std::sync::Arc;
use std::task::Waker;

use arc_swap::ArcSwapOption;

/// Slots of a chunk: the unit in which events are allocated and freed. At most 64, for which there are bits.
pub(super) const CHUNK: usize = 64;
/// Subscribers of a group, which share a word of idle bits. At most 64.
pub(super) const SEATS: usize = 64;

/// Whom to wake. Kept from one wake to the next: a task that falls asleep again is known already, which costs neither a count
/// nor a write.
#[derive(Default)]
pub(super) struct WakerSlot(ArcSwapOption<Waker>);

impl WakerSlot {
    /// `waker` from now on. Called by the subscriber only.
    pub(super) fn register(&self, waker: &Waker) {
        let known = self.0.load().as_ref().is_some_and(|known| known.will_wake(waker));
        if !known {
            self.0.store(Some(Arc::new(waker.clone())));
        }
    }

    /// No waker from now on.
    pub(super) fn clear(&self) {
        self.0.store(None);
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.0.load() {
            waker.wake_by_ref();
        }
    }
}
