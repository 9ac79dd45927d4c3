//! How an actor is woken: by a message, and no second one before it is rearmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// The doorbell of a subscription, whatever it sends.
pub(super) trait Doorbell: Send + Sync {
    /// Sends its message, unless one is in flight.
    fn ring(&self);
    /// The message has arrived: the next ring sends one again.
    fn rearm(&self);
    /// Sends nothing any more.
    fn silence(&self);
}

/// In one piece, because a publisher that rings many doorbells fetches each from memory.
struct Bell<F> {
    /// Between the ring and the `rearm` in the handler of its message.
    in_flight: AtomicBool,
    silent: AtomicBool,
    send: F,
}

/// A doorbell that calls `send`, and the waker that rings it.
pub(super) fn doorbell(send: impl Fn() + Send + Sync + 'static) -> (Arc<dyn Doorbell>, Waker) {
    let bell = Arc::new(Bell {
        in_flight: AtomicBool::new(false),
        silent: AtomicBool::new(false),
        send,
    });
    let waker = Waker::from(Arc::clone(&bell));
    (bell, waker)
}

impl<F: Fn() + Send + Sync> Doorbell for Bell<F> {
    #[inline]
    fn ring(&self) {
        if !self.in_flight.swap(true, Ordering::AcqRel) && !self.silent.load(Ordering::Acquire) {
            (self.send)();
        }
    }

    fn rearm(&self) {
        self.in_flight.store(false, Ordering::Release);
    }

    fn silence(&self) {
        self.silent.store(true, Ordering::Release);
    }
}

impl<F: Fn() + Send + Sync> Wake for Bell<F> {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
