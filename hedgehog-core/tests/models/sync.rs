//! The library's `pubsub::engine::sync`, of loom's making.

use std::sync::atomic::Ordering::{self, SeqCst};
use std::task::Waker;

use loom::sync::MutexGuard;
use loom::sync::atomic::AtomicBool;
pub(super) use loom::sync::atomic::fence;

pub(super) const CHUNK: usize = 2;
pub(super) const SEATS: usize = 2;

/// Loom knows sequential consistency of fences only, and takes a `SeqCst` access for an `AcqRel` one. A fence before each, as
/// compilers set them for processors of weak order, makes up for it.
pub(super) struct AtomicU64(loom::sync::atomic::AtomicU64);

fn fenced<R>(ordering: Ordering, access: impl FnOnce() -> R) -> R {
    if ordering == SeqCst {
        fence(SeqCst);
    }
    access()
}

impl AtomicU64 {
    pub(super) fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }

    pub(super) fn load(&self, ordering: Ordering) -> u64 {
        fenced(ordering, || self.0.load(ordering))
    }

    pub(super) fn store(&self, value: u64, ordering: Ordering) {
        fenced(ordering, || self.0.store(value, ordering));
    }

    pub(super) fn swap(&self, value: u64, ordering: Ordering) -> u64 {
        fenced(ordering, || self.0.swap(value, ordering))
    }

    pub(super) fn compare_exchange(
        &self,
        from: u64,
        to: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        fenced(success, || self.0.compare_exchange(from, to, success, failure))
    }

    pub(super) fn fetch_add(&self, value: u64, ordering: Ordering) -> u64 {
        fenced(ordering, || self.0.fetch_add(value, ordering))
    }

    pub(super) fn fetch_or(&self, bits: u64, ordering: Ordering) -> u64 {
        fenced(ordering, || self.0.fetch_or(bits, ordering))
    }

    pub(super) fn fetch_and(&self, bits: u64, ordering: Ordering) -> u64 {
        fenced(ordering, || self.0.fetch_and(bits, ordering))
    }
}

pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(super) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("not poisoned")
    }
}

/// The value is there for whoever sees `filled`, and for nobody else.
pub(super) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    filled: AtomicBool,
}

impl<T> OnceLock<T> {
    pub(super) fn new() -> Self {
        Self {
            value: std::sync::OnceLock::new(),
            filled: AtomicBool::new(false),
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        let filled = self.filled.load(Ordering::Acquire);
        filled.then(|| self.value.get().expect("filled"))
    }

    pub(super) fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.filled.store(true, Ordering::Release);
        Ok(())
    }

    /// Called by one thread at a time.
    pub(super) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.value.get().is_none() {
            let first = self.set(make()).is_ok();
            assert!(first, "two at a time");
        }
        self.value.get().expect("just made, or before")
    }

    pub(super) fn take(&mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Default)]
pub(super) struct WakerSlot(loom::sync::Mutex<Option<Waker>>);

impl WakerSlot {
    pub(super) fn register(&self, waker: Waker) {
        *self.0.lock().expect("not poisoned") = Some(waker);
    }

    pub(super) fn clear(&self) {
        *self.0.lock().expect("not poisoned") = None;
    }

    pub(super) fn wake(&self) {
        let waker = self.0.lock().expect("not poisoned").clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
