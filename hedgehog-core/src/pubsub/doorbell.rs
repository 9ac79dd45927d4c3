//! How a sleeping subscriber is woken: a task by its waker, an actor by a message.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

pub(super) enum Wakeup {
    Task(Waker),
    Actor(Doorbell),
}

impl Wakeup {
    pub(super) fn wake(&self) {
        match self {
            Self::Task(waker) => waker.wake_by_ref(),
            Self::Actor(doorbell) => doorbell.ring(),
        }
    }
}

/// Sends one message, and no second one before it is rearmed.
pub(super) struct Doorbell {
    /// Between the ring and the `rearm` in the handler of its message.
    in_flight: AtomicBool,
    send: Box<dyn Fn() + Send + Sync>,
}

impl Doorbell {
    pub(super) fn new(send: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            in_flight: AtomicBool::new(false),
            send: Box::new(send),
        }
    }

    pub(super) fn ring(&self) {
        if !self.in_flight.swap(true, Ordering::AcqRel) {
            (self.send)();
        }
    }

    pub(super) fn rearm(&self) {
        self.in_flight.store(false, Ordering::Release);
    }
}
