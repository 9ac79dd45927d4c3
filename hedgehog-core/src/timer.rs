//! [`Timer`]: a message to an actor, later.
//!
//! A timer belongs to the actor it sends to, its owner: when that ends, or is declared dead, its timers are void before
//! the exit can be seen. Invariant: a tick is sent under the lock that `cancel` takes, so what was cancelled never fires.

use crate::{
    actor_ref::{ActorRef, CastError},
    incarnation::{HookId, Incarnation},
    panic,
};
use parking_lot::Mutex;
use ractor::Message;
use std::{
    fmt,
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// The shortest time between two ticks; also the resolution of tokio's clock.
const TICK: Duration = Duration::from_millis(1);

/// A message on its way; made by [`ActorRef::send_after`] and its siblings. Dropping it changes nothing.
///
/// ```
/// use hedgehog_core::*;
/// use std::time::Duration;
///
/// struct Session;
/// enum Msg { Seen, Idle }
///
/// impl Actor for Session {
///     type Msg = Msg;
///     type State = Timer;
///     type Arguments = ();
///     async fn pre_start(&self, me: ractor::ActorRef<Msg>, (): ()) -> Result<Timer, ActorProcessingErr> {
///         let me = me.self_ref()?;
///         Ok(me.send_after(Duration::from_secs(60), Msg::Idle))
///     }
///     async fn handle(&self, me: ractor::ActorRef<Msg>, msg: Msg, idle: &mut Timer) -> Result<(), ActorProcessingErr> {
///         let me = me.self_ref()?;
///         match msg {
///             Msg::Seen if idle.cancel().is_some() => *idle = me.send_after(Duration::from_secs(60), Msg::Idle),
///             Msg::Seen => {} // too late: `Idle` is in the mailbox already
///             Msg::Idle => return Err(ExitReason::Normal.into()),
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let session = ChildSpec::worker("session", || (Session, ())).start().await?;
/// tokio::time::sleep(Duration::from_secs(40)).await;
/// session.cast(Msg::Seen)?;
/// tokio::time::sleep(Duration::from_secs(40)).await;
/// assert!(session.is_alive());
/// assert!(session.exited().await.is_clean());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Timer(Arc<Armed>);

struct Armed {
    /// `None`: void, because it has fired, was cancelled, or its owner is gone.
    due: Mutex<Option<Due>>,
    /// Wakes the timer's task, to end.
    void: Notify,
}

#[derive(Clone, Copy)]
enum Due {
    At(Instant),
    /// Further ahead than the clock can tell.
    Never,
}

impl Timer {
    /// Makes the timer void and says how much time was left. `None` when it was void already: it has fired, was cancelled
    /// before, or its actor is gone. What was cancelled never fires. `Process.cancel_timer`.
    pub fn cancel(&self) -> Option<Duration> {
        self.0.disarm().map(Due::remaining)
    }

    /// The time until it fires, for an interval the next time. `None` when it is void. `Process.read_timer`.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.due.lock().map(Due::remaining)
    }

    /// Runs `firing` beside `owner`, until the timer is void.
    fn start<F: Future<Output = ()> + Send + 'static>(
        owner: &Arc<Incarnation>,
        due: Due,
        firing: impl FnOnce(Arc<Armed>) -> F,
    ) -> Self {
        let armed = Arc::new(Armed {
            due: Mutex::new(Some(due)),
            void: Notify::new(),
        });
        let with_owner = armed.clone();
        let cleanup = owner.on_cleanup(move || {
            with_owner.disarm();
        });
        let task = Task {
            armed: armed.clone(),
            owner: Arc::downgrade(owner),
            cleanup,
        };
        // The dead send nothing.
        if cleanup.is_some() && !Incarnation::current_is_fenced() {
            let firing = firing(armed.clone());
            owner.spawn(async move {
                tokio::select! {
                    biased;
                    () = task.armed.void.notified() => {}
                    () = firing => {}
                }
            });
        }
        Self(armed)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("remaining", &self.remaining()).finish()
    }
}

impl Armed {
    fn disarm(&self) -> Option<Due> {
        let due = self.due.lock().take();
        self.void.notify_one();
        due
    }

    /// Sends `message`, and is due again at `next`. Nothing is sent when the timer is void.
    fn fire<M: Message>(&self, to: &ActorRef<M>, message: M, next: Option<Due>) {
        let mut due = self.due.lock();
        let refused = if due.is_some() {
            *due = next;
            to.cast(message).map_err(CastError::into_message)
        } else {
            Err(message)
        };
        // Not under the lock: what is dropped is the user's.
        drop(due);
        drop(refused);
    }
}

/// What the task of a timer holds. However the task ends, also by the end of the runtime, the timer is void.
struct Task {
    armed: Arc<Armed>,
    owner: Weak<Incarnation>,
    cleanup: Option<HookId>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.armed.disarm();
        // An actor outlives many timers, none of which may leave anything behind in it.
        if let (Some(owner), Some(cleanup)) = (self.owner.upgrade(), self.cleanup) {
            owner.forget_cleanup(cleanup);
        }
    }
}

impl Due {
    fn after(delay: Duration) -> Self {
        Instant::now().checked_add(delay).map_or(Self::Never, Self::At)
    }

    /// When an interval that was due now is due again. Ticks that could not be sent in time are left out.
    fn next(self, period: Duration) -> Self {
        let Self::At(due) = self else { return Self::Never };
        let late = Instant::now().duration_since(due).as_nanos() % period.as_nanos();
        Self::after(period.saturating_sub(Duration::from_nanos(u64::try_from(late).unwrap_or(u64::MAX))))
    }

    fn remaining(self) -> Duration {
        match self {
            Self::At(at) => at.duration_since(Instant::now()),
            Self::Never => Duration::MAX,
        }
    }

    async fn wait(self) {
        match self {
            Self::At(at) => sleep_until(at).await,
            Self::Never => std::future::pending().await,
        }
    }
}

impl<M: Message> ActorRef<M> {
    /// Sends `message` to this actor when `delay` is over; never with a delay beyond what the clock can tell.
    /// `Process.send_after`.
    ///
    /// The timer ends with the actor.
    pub fn send_after(&self, delay: Duration, message: M) -> Timer {
        self.send_due(Due::after(delay), message)
    }

    /// Sends `message` to this actor at `at`, at once if that is over. `Process.send_after` with `abs: true`.
    ///
    /// The timer ends with the actor.
    pub fn send_at(&self, at: Instant, message: M) -> Timer {
        self.send_due(Due::At(at), message)
    }

    fn send_due(&self, due: Due, message: M) -> Timer {
        let to = self.clone();
        Timer::start(self.incarnation(), due, |armed| async move {
            due.wait().await;
            armed.fire(&to, message, None);
        })
    }

    /// Sends what `message` makes to this actor every `period`, first when one is over, until the timer is cancelled or the
    /// actor gone. `:timer.send_interval`.
    ///
    /// The ticks keep their distance however long the actor takes over each; a tick that could not be sent in time, because
    /// the program stood still, is left out. A period under 1 ms counts as 1 ms. `message` runs in a task of its own, and a
    /// panic in it ends the timer.
    pub fn send_interval(&self, period: Duration, mut message: impl FnMut() -> M + Send + 'static) -> Timer {
        let period = period.max(TICK);
        let mut due = Due::after(period);
        let to = self.clone();
        Timer::start(self.incarnation(), due, |armed| async move {
            loop {
                due.wait().await;
                due = due.next(period);
                match panic::catch_sync(&mut message) {
                    Ok(message) => armed.fire(&to, message, Some(due)),
                    Err(text) => {
                        tracing::error!(pid = %to.pid(), panic = %text, "the message of an interval panicked, the timer ends");
                        return;
                    }
                }
            }
        })
    }
}
