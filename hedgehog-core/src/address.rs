//! What [`Name`](crate::Name) and [`Via`](crate::Via) have in common: they lead to whoever holds them at this moment.
//!
//! Invariant: nothing here remembers an incarnation. Every call asks the address anew, so a restart between two calls is
//! not seen as an error.

use crate::actor_ref::ActorRef;
use futures_util::future::BoxFuture;
use ractor::Message;
use std::fmt;
use tokio::sync::Notify;

/// Leads to one incarnation after another.
pub(crate) trait Address<M: Message>: fmt::Debug + Send + Sync {
    /// The incarnation that holds the address now.
    fn whereis(&self) -> Option<ActorRef<M>>;

    /// The same, as soon as there is one; `None` when it is no use to wait for it.
    fn holder(&self) -> BoxFuture<'_, Option<ActorRef<M>>>;
}

/// The holder of an address, as soon as there is one. `bound` is rung after every moment in which it may have got one.
pub(crate) async fn until_bound<M: Message>(bound: &Notify, whereis: impl Fn() -> Option<ActorRef<M>>) -> ActorRef<M> {
    loop {
        let bound = bound.notified();
        tokio::pin!(bound);
        // Before the look, or a holder that comes between the two is missed.
        bound.as_mut().enable();
        if let Some(holder) = whereis() {
            return holder;
        }
        bound.await;
    }
}

/// The calls of an address for messages `$M`, in its `impl` block. It has `reach`, which shows its present holder to a
/// closure, and implements [`Address`].
macro_rules! calls {
    ($M:ident) => {
        /// The incarnation that holds the address now. Never one whose exit can be seen.
        pub fn whereis(&self) -> Option<$crate::actor_ref::ActorRef<$M>> {
            self.reach(|holder| holder.cloned())
        }

        /// [`whereis`](Self::whereis) that waits for a holder, up to `deadline`: until the first start, or during a restart.
        pub async fn wait(&self, deadline: std::time::Duration) -> Option<$crate::actor_ref::ActorRef<$M>> {
            let holder = $crate::address::Address::holder(self);
            tokio::time::timeout(deadline, holder).await.ok().flatten()
        }

        /// [`ActorRef::cast`](crate::ActorRef::cast) to the present holder. Without one the message comes back.
        pub fn cast(&self, message: $M) -> Result<(), $crate::actor_ref::CastError<$M>> {
            self.reach(|holder| match holder {
                Some(holder) => holder.cast(message),
                None => Err($crate::actor_ref::CastError(message)),
            })
        }

        /// [`ActorRef::call`](crate::ActorRef::call) of the present holder.
        pub async fn call<R: Send + 'static>(
            &self,
            make: impl FnOnce(ractor::RpcReplyPort<R>) -> $M,
            deadline: impl Into<Option<std::time::Duration>>,
        ) -> Result<R, $crate::actor_ref::CallError> {
            let holder = self.whereis().ok_or($crate::actor_ref::CallError::NoProc)?;
            holder.call(make, deadline).await
        }

        /// [`ActorRef::stop`](crate::ActorRef::stop) of the present holder; false when there is none. A permanent child is
        /// restarted.
        pub fn stop(&self, reason: $crate::exit::ExitReason) -> bool {
            self.reach(|holder| holder.map(|holder| holder.stop(reason)))
                .is_some()
        }

        /// [`ActorRef::stop_and_wait`](crate::ActorRef::stop_and_wait) of the present holder.
        pub async fn stop_and_wait(
            &self,
            reason: $crate::exit::ExitReason,
            deadline: impl Into<Option<std::time::Duration>>,
        ) -> Result<$crate::exit::ExitReason, $crate::actor_ref::StopError> {
            let holder = self.whereis().ok_or($crate::actor_ref::StopError::NoProc)?;
            holder.stop_and_wait(reason, deadline).await
        }

        /// [`ActorRef::stop_and_wait`](crate::ActorRef::stop_and_wait) of the present holder; of nobody it is
        /// [`StopError::NoProc`](crate::StopError::NoProc). A permanent child is restarted.
        pub async fn stop_and_wait(
            &self,
            reason: $crate::exit::ExitReason,
            deadline: impl Into<Option<std::time::Duration>>,
        ) -> Result<$crate::exit::ExitReason, $crate::actor_ref::StopError> {
            let holder = self.whereis().ok_or($crate::actor_ref::StopError::NoProc)?;
            holder.stop_and_wait(reason, deadline).await
        }
    };
}
pub(crate) use calls;
