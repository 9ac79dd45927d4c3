//! The trivial child of all workloads about names and supervision: it answers, counts down, and dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kameo::error::Infallible;
use kameo::message::{Context, Message};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::Notify;

/// For ractor and hedgehog.
pub(crate) struct Child;

pub(crate) enum Msg {
    /// Asks for the number of the incarnation.
    Ping(RpcReplyPort<u64>),
    Count(Arc<Countdown>),
}

impl Actor for Child {
    type Msg = Msg;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Msg>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(crate::number())
    }

    async fn handle(&self, _: ActorRef<Msg>, msg: Msg, number: &mut u64) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::Ping(reply) => drop(reply.send(*number)),
            Msg::Count(countdown) => countdown.count(),
        }
        Ok(())
    }
}

/// For kameo.
pub(crate) struct KameoChild(u64);

impl kameo::Actor for KameoChild {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: kameo::actor::ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(crate::number()))
    }
}

pub(crate) struct Ping;

impl Message<Ping> for KameoChild {
    type Reply = u64;

    async fn handle(&mut self, _: Ping, _: &mut Context<Self, u64>) -> u64 {
        self.0
    }
}

/// Known to be at its end without asking every actor.
#[derive(Default)]
pub(crate) struct Countdown {
    left: AtomicUsize,
    done: Notify,
}

impl Countdown {
    pub(crate) fn start(&self, from: usize) {
        self.left.store(from, Ordering::Release);
    }

    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    pub(crate) async fn done(&self) {
        self.done.notified().await;
    }
}

/// The keys `SYM0000001`, `SYM0000002`, …
pub(crate) fn keys(n: usize) -> Vec<String> {
    (1..=n).map(|number| format!("SYM{number:07}")).collect()
}

/// Lehmer's generator: the same targets for everybody, in an order that no cache foresees.
pub(crate) struct Lehmer(u64);

impl Lehmer {
    pub(crate) fn new() -> Self {
        Self(1)
    }

    /// The next place among `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 as usize % n
    }
}
