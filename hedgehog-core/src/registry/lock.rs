//! Locks by key: whoever comes first is served first.
//!
//! Callers stand in a queue per key, and the first of each queue holds the lock. Invariant: nobody who is gone stands in a
//! queue. Whoever is dropped leaves it, and so does whoever waits or works for an actor whose exit can be seen, though its
//! code may still be running.

use super::{Key, Keys, Registry, Value};
use crate::incarnation::{HookId, Incarnation};
use parking_lot::Mutex;
use ractor::Message;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::Notify;

impl<K: Key, M: Message, V: Value, N: Keys> Registry<K, M, V, N> {
    /// Runs `f` while no other caller of `lock` with the same `key` runs, and returns what it returns.
    ///
    /// Callers come in turn, the first one first. The lock is free again when `f` has ended, however it does: a panic goes
    /// on to the caller, a future that is dropped lets the lock go, and so does an actor that is killed or declared dead.
    /// `f` runs in the caller. A caller that locks a key again inside of `f` waits for itself, and for ever.
    ///
    /// These keys are not the keys of actors: a lock keeps nobody from registering. It needs no owner.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let accounts: Registry<&str, String> = Registry::unique("accounts");
    /// let opened = accounts.lock("ann", async || {
    ///     // Nobody else opens ann's account at this moment.
    ///     "opened"
    /// });
    /// assert_eq!(opened.await, "opened");
    /// # }
    /// ```
    pub async fn lock<T>(&self, key: K, f: impl AsyncFnOnce() -> T) -> T {
        let _turn = self.shared.locks.turn(key).await;
        f().await
    }
}

/// The queues in which somebody stands.
pub(super) struct Locks<K>(Arc<Mutex<HashMap<K, Queue>>>);

/// The holder of the lock and those who wait for it. They are told apart by address.
type Queue = VecDeque<Arc<Notify>>;

impl<K: Key> Locks<K> {
    /// Waits until it is the caller's turn.
    pub(super) async fn turn(&self, key: K) -> Turn<K> {
        let turn = Turn::line_up(self.clone(), key);
        turn.called.notified().await;
        turn
    }

    /// Takes `called` out of its queue and calls the next if that was the holder. Does nothing the second time.
    fn leave(&self, key: &K, called: &Arc<Notify>) {
        let (next, emptied) = {
            let mut queues = self.0.lock();
            let Some(queue) = queues.get_mut(key) else { return };
            let Some(place) = queue.iter().position(|other| Arc::ptr_eq(other, called)) else {
                return;
            };
            queue.remove(place);
            let next = queue.front().filter(|_| place == 0).cloned();
            (next, queue.is_empty().then(|| queues.remove_entry(key)))
        };
        // A key and a waker are not ours to drop or to run under the lock.
        drop(emptied);
        if let Some(next) = next {
            next.notify_one();
        }
    }
}

/// A place in the queue for a lock; once it was called, the lock itself.
pub(super) struct Turn<K: Key> {
    locks: Locks<K>,
    key: K,
    called: Arc<Notify>,
    /// The actor for whom the caller stands here, and what leaves the queue at its exit.
    actor: Option<(Arc<Incarnation>, HookId)>,
}

impl<K: Key> Turn<K> {
    fn line_up(locks: Locks<K>, key: K) -> Self {
        let (called, own) = (Arc::new(Notify::new()), key.clone());
        {
            let mut queues = locks.0.lock();
            let queue = queues.entry(own).or_default();
            queue.push_back(called.clone());
            if queue.len() == 1 {
                called.notify_one();
            }
        }
        // Not before: a key that panics when it is hashed would panic again in the drop.
        let mut turn = Self {
            locks,
            key,
            called,
            actor: None,
        };
        // The queue knows the caller by now, so an exit that runs this at once finds it there.
        turn.actor = Incarnation::current().and_then(|actor| {
            let (locks, key, called) = (turn.locks.clone(), turn.key.clone(), turn.called.clone());
            let hook = actor.on_cleanup(move || locks.leave(&key, &called))?;
            Some((actor, hook))
        });
        turn
    }
}

impl<K: Key> Drop for Turn<K> {
    fn drop(&mut self) {
        self.locks.leave(&self.key, &self.called);
        if let Some((actor, hook)) = self.actor.take() {
            actor.forget_cleanup(hook);
        }
    }
}

impl<K> Clone for Locks<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Default for Locks<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
