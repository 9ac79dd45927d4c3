//! The clock of a [`World`], and who runs when.
//!
//! Time jumps from timer to timer while nobody can run. Invariant: what happens at one instant has one cause; two are a [`Tie`].

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Message, Pid, Tie, Timer, World};
use crate::scenario::Order;

impl World {
    pub(in crate::otp) fn run_until(&self, at: u64) -> Result<(), Tie> {
        self.run_ready()?;
        while let Some(due) = self.next_timer().filter(|due| *due <= at) {
            let (timer, tie) = self.with(|inner| {
                inner.now = due;
                let (_, timer) = inner.timers.pop_first().expect("it is the next one");
                (timer, inner.timers.keys().next().is_some_and(|(next, _)| *next == due))
            });
            if tie {
                return Err(Tie { at: due });
            }
            match timer {
                Timer::Wake(pid) => self.with(|inner| inner.ready.push_back(pid)),
                Timer::Send(pid, order) => {
                    self.send(pid, Message::Order(order));
                }
            }
            self.run_ready()?;
        }
        self.with(|inner| inner.now = at);
        Ok(())
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        self.with(|inner| inner.timers.keys().next().map(|(due, _)| *due))
    }

    pub(in crate::otp) fn has_timer_at(&self, at: u64) -> bool {
        self.with(|inner| inner.timers.range((at, 0)..=(at, u64::MAX)).next().is_some())
    }

    pub(super) fn run_ready(&self) -> Result<(), Tie> {
        let mut context = Context::from_waker(Waker::noop());
        while let Some(pid) = self.with(|inner| inner.ready.pop_front()) {
            let Some(mut task) = self.process(pid, |process| process.task.take()) else {
                continue;
            };
            match task.as_mut().poll(&mut context) {
                Poll::Ready(reason) => self.exit(pid, reason, None),
                Poll::Pending => self.process(pid, |process| process.task = Some(task)),
            }
        }
        self.with(|inner| if inner.tie { Err(Tie { at: inner.now }) } else { Ok(()) })
    }

    /// `me` is about to start or stop a child: not beside one that has begun to act by itself at this very instant.
    pub(super) fn acts(&self, me: Pid) {
        self.with(|inner| {
            let now = Some(inner.now);
            let mut children = inner.processes.iter().filter(|child| child.parent == Some(me));
            inner.tie |= children.any(|child| child.eager == now);
        });
    }

    pub(in crate::otp) fn now(&self) -> u64 {
        self.with(|inner| inner.now)
    }

    pub(super) fn timer(&self, after: Duration, timer: Timer) -> (u64, u64) {
        self.with(|inner| {
            inner.numbers += 1;
            let key = (inner.now + after.as_millis() as u64, inner.numbers);
            inner.timers.insert(key, timer);
            key
        })
    }

    pub(in crate::otp) async fn sleep(&self, me: Pid, time: Duration) {
        if !time.is_zero() {
            Sleep::new(self, me, time).await;
        }
    }

    pub(in crate::otp) fn send_after(&self, to: Pid, after: Duration, order: Order) {
        self.timer(after, Timer::Send(to, order));
    }
}

/// A timer that is void when it is dropped.
pub(super) struct Sleep<'w> {
    world: &'w World,
    key: (u64, u64),
}

impl<'w> Sleep<'w> {
    pub(super) fn new(world: &'w World, me: Pid, time: Duration) -> Self {
        let key = world.timer(time, Timer::Wake(me));
        Self { world, key }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let waiting = self.world.with(|inner| inner.timers.contains_key(&self.key));
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.world.with(|inner| inner.timers.remove(&self.key));
    }
}
