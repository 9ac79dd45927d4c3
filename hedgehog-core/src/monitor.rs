//! Hearing of an end ([`Monitor`], `on_exit`) and sharing it (links), between actors that no supervisor brings together.

use crate::{
    actor_ref::{ActorRef, AnyActorRef},
    exit::ExitReason,
    identity::Pid,
    incarnation::{Bond, HookId, Incarnation},
};
use ractor::Message;
use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

/// A monitor in place; made by [`ActorRef::monitor`] and [`ActorRef::on_exit`]. Dropping it leaves it in place.
///
/// An actor that hears of another's end as a message of its own, as a `GenServer` hears `:DOWN`:
///
/// ```
/// use hedgehog_core::*;
///
/// struct Cashier;
/// enum Msg { Serve(AnyActorRef), Gone(Pid, ExitReason), Left(RpcReplyPort<String>) }
///
/// impl Actor for Cashier {
///     type Msg = Msg;
///     type State = Vec<RpcReplyPort<String>>;
///     type Arguments = ();
/// #   async fn pre_start(&self, _: ractor::ActorRef<Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> { Ok(vec![]) }
///     async fn handle(&self, me: ractor::ActorRef<Msg>, msg: Msg, asked: &mut Self::State) -> Result<(), ActorProcessingErr> {
///         match msg {
///             Msg::Serve(customer) => {
///                 let me = me.self_ref()?;
///                 me.monitor(&customer, Msg::Gone);
///             }
///             Msg::Left(reply) => asked.push(reply),
///             Msg::Gone(_, reason) => asked.drain(..).for_each(|reply| drop(reply.send(reason.to_string()))),
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cashier = ChildSpec::worker("cashier", || (Cashier, ())).start().await?;
/// let customer = ChildSpec::worker("customer", || (Cashier, ())).start().await?;
/// cashier.cast(Msg::Serve(customer.any()))?;
/// customer.kill();
/// // A monitor of the dead fires too: it does not matter which of the two came first.
/// assert_eq!(cashier.call(Msg::Left, None).await?, "killed");
/// # Ok(()) }
/// ```
pub struct Monitor {
    target: Weak<Incarnation>,
    /// `None`: it had nothing to wait for.
    hook: Option<HookId>,
    watcher: Option<(Weak<Incarnation>, HookId)>,
}

impl Monitor {
    fn new(target: &Arc<Incarnation>, hook: Option<HookId>) -> Self {
        Self {
            target: Arc::downgrade(target),
            hook,
            watcher: None,
        }
    }

    /// Runs `f` when `target` ends, unless `watcher` does before.
    fn between(
        watcher: &Arc<Incarnation>,
        target: &Arc<Incarnation>,
        f: impl FnOnce(&ExitReason) + Send + 'static,
    ) -> Self {
        // Each hook takes the other one back, so that nothing of a monitor is left when one of the two has ended.
        let placed: Arc<OnceLock<HookId>> = Arc::default();
        let (there, of_target) = (Arc::downgrade(target), placed.clone());
        let of_watcher = watcher.on_exit(move |_| {
            if let (Some(target), Some(hook)) = (there.upgrade(), of_target.get()) {
                target.forget_monitor(*hook);
            }
        });
        let Some(of_watcher) = of_watcher else {
            return Self::new(target, None);
        };
        let here = Arc::downgrade(watcher);
        let hook = target.on_exit(move |reason| {
            if let Some(watcher) = here.upgrade() {
                watcher.forget_monitor(of_watcher);
            }
            f(reason);
        });
        if let Some(hook) = hook {
            let _ = placed.set(hook);
            // It may have ended before it could find the hook.
            if watcher.is_exited() {
                target.forget_monitor(hook);
            }
        }
        Self {
            watcher: Some((Arc::downgrade(watcher), of_watcher)),
            ..Self::new(target, hook)
        }
    }

    /// Takes the monitor back. False when it has fired, or is just firing: then its message, if any, is in the mailbox.
    /// `Process.demonitor`.
    pub fn demonitor(self) -> bool {
        if let Some((watcher, hook)) = self.watcher
            && let Some(watcher) = watcher.upgrade()
        {
            watcher.forget_monitor(hook);
        }
        match (self.target.upgrade(), self.hook) {
            (Some(target), Some(hook)) => target.forget_monitor(hook),
            _ => false,
        }
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.upgrade().map(|target| target.pid());
        f.debug_struct("Monitor")
            .field("target", &target)
            .finish_non_exhaustive()
    }
}

impl<M: Message> ActorRef<M> {
    /// A monitor: runs `f` exactly once when the incarnation is gone (its names are free by then), at once if it is.
    ///
    /// `f` runs on the path of the exit and must not block. To be told by a message, take [`monitor`](Self::monitor).
    pub fn on_exit(&self, f: impl FnOnce(&ExitReason) + Send + 'static) -> Monitor {
        self.any().on_exit(f)
    }

    /// Makes the end of `target` a message to this actor, sent exactly once, at once if `target` is gone already. What
    /// `message` gets is who ended and why, so that the variant of an enum will do. `Process.monitor`.
    ///
    /// The monitor ends with this actor. Nothing is sent to an actor that is stopping. `message` runs on the path of the
    /// exit and must not block.
    pub fn monitor(
        &self,
        target: impl Into<AnyActorRef>,
        message: impl FnOnce(Pid, ExitReason) -> M + Send + 'static,
    ) -> Monitor {
        let (me, AnyActorRef(target)) = (self.clone(), target.into());
        let pid = target.pid();
        Monitor::between(self.incarnation(), &target, move |reason| {
            // Not a cast: whoever brings the end about may have been declared dead itself.
            drop(me.deliver(message(pid, reason.clone())));
        })
    }

    /// Links two actors: when one ends, the other one is stopped with the same reason, unless that is
    /// [`Normal`](ExitReason::Normal). `Process.link`.
    ///
    /// Linking twice is linking once. If one of the two is gone already, the other one is stopped now.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # struct Half;
    /// # impl Actor for Half {
    /// #     type Msg = (); type State = (); type Arguments = ();
    /// #     async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let half = ChildSpec::worker("half", || (Half, ()));
    /// let (one, other, third) = (half.start().await?, half.start().await?, half.start().await?);
    /// one.link(&other);
    /// one.link(&third);
    /// third.stop_and_wait(ExitReason::Normal, None).await?; // a clean end concerns nobody
    /// one.kill();
    /// assert!(matches!(other.exited().await, ExitReason::Killed));
    /// # Ok(()) }
    /// ```
    pub fn link(&self, other: impl Into<AnyActorRef>) {
        if !Incarnation::current_is_fenced() {
            self.incarnation().link(&other.into().0, Bond::Peer);
        }
    }

    /// Takes a link back, also that of [`start_linked`](crate::ChildSpec::start_linked). `Process.unlink`.
    pub fn unlink(&self, other: impl Into<AnyActorRef>) {
        if !Incarnation::current_is_fenced() {
            self.incarnation().unlink(&other.into().0);
        }
    }
}

impl AnyActorRef {
    /// See [`ActorRef::on_exit`].
    pub fn on_exit(&self, f: impl FnOnce(&ExitReason) + Send + 'static) -> Monitor {
        Monitor::new(&self.0, self.0.on_exit(f))
    }
}
