//! How an actor is woken: by a message. That there is one in flight at most is the idle bit's doing: whoever takes it rings, and
//! the actor sets it when the message has arrived.
//!
//! The bit is the seat's. A publisher that has taken it from one subscription may so ring the next one in the same seat, once and
//! without need. A flag in the doorbell would prevent that, and would be fetched from the other processor at every message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// The doorbell of a subscription, whatever it sends.
pub(super) trait Doorbell: Send + Sync {
    /// Sends its message.
    fn ring(&self);
    /// Sends nothing any more.
    fn silence(&self);
}

/// In one piece, and only read by the actor's side: a publisher that rings many doorbells fetches each from memory, but from no
/// other processor.
struct Bell<F> {
    silent: AtomicBool,
    send: F,
}

/// A doorbell that calls `send`, and the waker that rings it.
pub(super) fn doorbell(send: impl Fn() + Send + Sync + 'static) -> (Arc<dyn Doorbell>, Waker) {
    let bell = Arc::new(Bell {
        silent: AtomicBool::new(false),
        send,
    });
    let waker = Waker::from(Arc::clone(&bell));
    (bell, waker)
}

impl<F: Fn() + Send + Sync> Doorbell for Bell<F> {
    #[inline]
    fn ring(&self) {
        if !self.silent.load(Ordering::Acquire) {
            (self.send)();
        }
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
