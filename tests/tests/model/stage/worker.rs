//! A worker that lives as its node says.

use std::future;
use std::sync::Arc;

use hedgehog_core::{Actor, ActorProcessingErr, ExitReason, StartError};
use hedgehog_tests::scenario::INTENDED;
use tokio::time::sleep;

use super::Stage;
use crate::scenario::{Life, NodeId, Order, Reason, Start, What};

pub(super) struct Worker {
    pub(super) stage: Stage,
    pub(super) node: NodeId,
    pub(super) lives: Arc<[Life]>,
}

pub(super) struct State {
    life: Life,
    recorded: Recorded,
    /// It ends by itself: then its reason is decided already.
    ending: bool,
}

/// Records that the state it belongs to is dropped.
struct Recorded {
    stage: Stage,
    node: NodeId,
    nth: usize,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.record(What::Drop);
    }
}

impl Recorded {
    fn record(&self, what: What) {
        self.stage.record(self.node, self.nth, what);
    }
}

impl Actor for Worker {
    type Msg = Order;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<Order>, (): ()) -> Result<State, ActorProcessingErr> {
        let nth = self.stage.0.incarnations.lock()[&self.node].len();
        let life = Life::of(&self.lives, nth);
        if !life.start_takes.is_zero() {
            sleep(life.start_takes).await;
        }
        match life.start {
            Start::Succeeds => {}
            Start::Fails => return Err("it fails to start".into()),
            Start::Panics => panic!("{INTENDED}starting"),
            Start::Declines => return Err(StartError::Ignore.into()),
        }
        let recorded = Recorded {
            stage: self.stage.clone(),
            node: self.node,
            nth,
        };
        recorded.record(What::Up);
        if let Some((after, reason)) = life.ends {
            drop(myself.send_after(after, move || Order::End(reason)));
        }
        Ok(State {
            life,
            recorded,
            ending: false,
        })
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Order>,
        order: Order,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::End(Reason::Panic) => panic!("{INTENDED}ending"),
            Order::End(reason) => {
                state.ending = true;
                Err(ended(reason))
            }
            Order::Hang => future::pending().await,
            Order::Work(time) => {
                sleep(time).await;
                Ok(())
            }
        }
    }

    async fn post_stop(&self, _: ractor::ActorRef<Order>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.recorded.record(What::Cleanup);
        match state.life.cleanup_takes {
            Some(time) if time.is_zero() => {}
            Some(time) => sleep(time).await,
            None => future::pending().await,
        }
        match state.life.insists_on {
            _ if state.ending => Ok(()),
            None => Ok(()),
            Some(Reason::Panic) => panic!("{INTENDED}cleaning up"),
            Some(reason) => Err(ended(reason)),
        }
    }
}

/// What a callback returns to end its actor.
fn ended(reason: Reason) -> ActorProcessingErr {
    match reason {
        Reason::Error => "it fails".into(),
        reason => exit_reason(reason).into(),
    }
}

pub(super) fn exit_reason(reason: Reason) -> ExitReason {
    match reason {
        Reason::Normal => ExitReason::Normal,
        Reason::Shutdown => ExitReason::Shutdown,
        Reason::Detail => ExitReason::ShutdownWith("detail".into()),
        Reason::Killed => ExitReason::Killed,
        Reason::Error | Reason::Panic => unreachable!("they are no requests"),
    }
}
