//! How an actor is woken: by a message, and no second one before it is rearmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use arc_swap::ArcSwapOption;

/// The waker of a subscription that is an actor's.
pub(super) struct Doorbell {
    /// Between the ring and the `rearm` in the handler of its message.
    in_flight: AtomicBool,
    /// `None` when the actor is gone.
    send: ArcSwapOption<Send>,
}

type Send = Box<dyn Fn() + std::marker::Send + Sync>;

impl Doorbell {
    pub(super) fn new(send: impl Fn() + std::marker::Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            in_flight: AtomicBool::new(false),
            send: ArcSwapOption::from_pointee(Box::new(send) as Send),
        })
    }

    pub(super) fn ring(&self) {
        if !self.in_flight.swap(true, Ordering::AcqRel)
            && let Some(send) = &*self.send.load()
        {
            send();
        }
    }

    pub(super) fn rearm(&self) {
        self.in_flight.store(false, Ordering::Release);
    }

    /// Rings no more, and lets go of what it would have sent.
    pub(super) fn silence(&self) {
        self.send.store(None);
    }
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
