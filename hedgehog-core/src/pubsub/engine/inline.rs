//! Closures that publishers call themselves.
//!
//! Owned by a topic, beside its feed. Invariant: nothing of them runs under a lock, and a panic in one reaches neither the
//! publisher nor the others. A topic that has none pays one load per event for them.

use super::chunk::contain;
use crate::panic::catch_sync;
use arc_swap::ArcSwap;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

pub(crate) struct Calls<T> {
    all: ArcSwap<Vec<Arc<Call<T>>>>,
    count: AtomicUsize,
}

/// `None` only while it is dropped.
pub(crate) struct Call<T>(Option<Box<Closure<T>>>);

type Closure<T> = dyn Fn(&T) + Send + Sync;

impl<T> Calls<T> {
    pub(crate) fn call(&self, event: &T) {
        if self.count.load(Ordering::Acquire) > 0 {
            self.call_all(event);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.load().len()
    }

    #[cold]
    fn call_all(&self, event: &T) {
        let all = self.all.load_full();
        let mut rest = all.iter();
        loop {
            let mut torn = None;
            // One catch for all of them, entered again behind the one that panicked.
            let outcome = catch_sync(|| {
                for call in rest.by_ref() {
                    torn = Some(call);
                    if let Some(f) = &call.0 {
                        f(event);
                    }
                }
            });
            let (Err(text), Some(torn)) = (outcome, torn) else {
                break;
            };
            tracing::error!("a closure that a topic's publishers call panicked and is called no more: {text}");
            self.remove(torn);
        }
    }

    /// Has `f` called from now on, until what comes back is [removed](Self::remove).
    pub(crate) fn add(&self, f: impl Fn(&T) + Send + Sync + 'static) -> Arc<Call<T>> {
        let call = Arc::new(Call(Some(Box::new(f))));
        self.all.rcu(|all| {
            let mut all = Vec::clone(all);
            all.push(Arc::clone(&call));
            all
        });
        self.count.fetch_add(1, Ordering::AcqRel);
        call
    }

    pub(crate) fn remove(&self, call: &Arc<Call<T>>) {
        let before = self.all.rcu(|all| {
            let mut all = Vec::clone(all);
            all.retain(|one| !Arc::ptr_eq(one, call));
            all
        });
        if before.iter().any(|one| Arc::ptr_eq(one, call)) {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self {
            all: ArcSwap::default(),
            count: AtomicUsize::new(0),
        }
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        // A publisher may be the last to hold it.
        let f = self.0.take();
        contain(|| drop(f));
    }
}
