//! Closures that publishers call themselves.
//!
//! Owned by a [`Topic`]. Invariant: nothing of them runs under a lock, and a panic in one reaches neither the publisher nor
//! the others. A topic that has none pays one load per event for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::Topic;
use super::chunk::contain;
use crate::panic::catch_sync;

/// A closure that publishers call; made by [`Topic::inline`]. Dropping it ends that.
#[must_use = "dropping it ends the calls"]
pub struct Inline<T> {
    topic: Topic<T>,
    call: Arc<Call<T>>,
}

impl<T: Send + Sync + 'static> Inline<T> {
    pub(super) fn new(topic: &Topic<T>, f: impl Fn(&T) + Send + Sync + 'static) -> Self {
        let call = Arc::new(Call(Some(Box::new(f))));
        topic.inline_calls().add(&call);
        Self {
            topic: topic.clone(),
            call,
        }
    }
}

impl<T> Drop for Inline<T> {
    fn drop(&mut self) {
        self.topic.inline_calls().remove(&self.call);
    }
}

impl<T> std::fmt::Debug for Inline<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inline")
            .field("topic", &self.topic.name())
            .finish_non_exhaustive()
    }
}

pub(super) struct Calls<T> {
    all: ArcSwap<Vec<Arc<Call<T>>>>,
    count: AtomicUsize,
}

/// `None` only while it is dropped.
struct Call<T>(Option<Box<Closure<T>>>);

type Closure<T> = dyn Fn(&T) + Send + Sync;

impl<T> Calls<T> {
    pub(super) fn call(&self, event: &T) {
        if self.count.load(Ordering::Acquire) > 0 {
            self.call_all(event);
        }
    }

    pub(super) fn count(&self) -> usize {
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

    fn add(&self, call: &Arc<Call<T>>) {
        self.all.rcu(|all| {
            let mut all = Vec::clone(all);
            all.push(Arc::clone(call));
            all
        });
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    fn remove(&self, call: &Arc<Call<T>>) {
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
