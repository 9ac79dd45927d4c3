//! Whose a subscription is: keeps it from outliving its actor, and leaves nothing in the actor when it goes first.

use super::engine::{NOBODY, Seat};
use crate::{
    identity::Pid,
    incarnation::{HookId, Incarnation},
};
use std::sync::{Arc, Weak};

pub(super) struct Owner {
    actor: Weak<Incarnation>,
    cleanup: HookId,
}

impl Owner {
    /// Runs `at_exit` when the actor's state is dropped and before its exit can be seen. `None` when the actor is gone: then
    /// it has run already.
    pub(super) fn new(actor: &Arc<Incarnation>, at_exit: impl FnOnce() + Send + 'static) -> Option<Self> {
        let cleanup = actor.on_cleanup(at_exit)?;
        Some(Self {
            actor: Arc::downgrade(actor),
            cleanup,
        })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(actor) = self.actor.upgrade() {
            actor.forget_cleanup(self.cleanup);
        }
    }
}

/// The actor to which the subscription in this seat belongs.
pub(super) fn of(seat: &Seat) -> Option<Pid> {
    let owner = seat.owner();
    (owner != NOBODY).then(|| Pid::from_u64(owner))
}
