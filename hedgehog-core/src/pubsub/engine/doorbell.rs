//! How an actor is woken: by a message, and no second one before it is rearmed.

use arc_swap::ArcSwapOption;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

/// The doorbell of a subscription, whatever it sends.
pub(crate) trait Doorbell: Send + Sync {
    /// Sends its message, unless one is in flight.
    fn ring(&self);
    /// The message has arrived: the next ring sends one again.
    fn rearm(&self);
    /// Rings no more, and lets go of what it would have sent.
    fn silence(&self);
}

struct Bell<F> {
    /// Between the ring and the `rearm` in the handler of its message. The idle bit alone would not do: it is the seat's, and a
    /// publisher that has taken it from one subscription may so ring the next one in the same seat.
    in_flight: AtomicBool,
    /// `None` when the actor is gone.
    send: ArcSwapOption<F>,
}

/// A doorbell that calls `send`, and the waker that rings it.
pub(crate) fn doorbell(send: impl Fn() + Send + Sync + 'static) -> (Arc<dyn Doorbell>, Waker) {
    let bell = Arc::new(Bell {
        in_flight: AtomicBool::new(false),
        send: ArcSwapOption::from_pointee(send),
    });
    let waker = Waker::from(Arc::clone(&bell));
    (bell, waker)
}

impl<F: Fn() + Send + Sync> Doorbell for Bell<F> {
    #[inline]
    fn ring(&self) {
        if !self.in_flight.swap(true, Ordering::AcqRel)
            && let Some(send) = &*self.send.load()
        {
            send();
        }
    }

    fn rearm(&self) {
        self.in_flight.store(false, Ordering::Release);
    }

    fn silence(&self) {
        self.send.store(None);
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
