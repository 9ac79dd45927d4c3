//! What the log and the idle bits are made of, in one place: their models swap these for loom's.

pub(super) use std::sync::OnceLock;
pub(super) use std::sync::atomic::{AtomicU64, fence};

pub(super) use parking_lot::Mutex;

use std::task::Waker;

/// Slots of a chunk: the unit in which events are allocated and freed. At most 64, for which there are bits.
pub(crate) const CHUNK: usize = 64;
/// Subscribers of a group, which share a word of idle bits, and groups of a block, which share another. At most 64.
pub(super) const SEATS: usize = 64;

/// Whom to wake. Kept from one wake to the next: a task that falls asleep again is known already.
///
/// In place, with a lock of a byte, which hardly ever two want at once: an `Arc` of its own would be one cache line more for
/// every wake.
#[derive(Default)]
pub(super) struct WakerSlot(Mutex<Option<Waker>>);

impl WakerSlot {
    /// `waker` from now on.
    pub(super) fn register(&self, waker: Waker) {
        // Dropped without the lock: that may be the last of a task, and whatever the task owns.
        let former = self.0.lock().replace(waker);
        drop(former);
    }

    /// No waker from now on.
    pub(super) fn clear(&self) {
        let former = self.0.lock().take();
        drop(former);
    }

    #[inline]
    pub(super) fn wake(&self) {
        // Woken without the lock: the doorbell's message is made by a closure of the user's.
        let waker = self.0.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
