//! You learn to run any number of supervised processes, each found by its id: a dynamic supervisor and a registry.
//!
//! One tracker per outside transaction. `Transactions::start` and `lookup` are all the wiring there is; the terminal shows
//! what they guarantee: `cargo run --example tracker`.

use std::time::Duration;

use anyhow::Context;
use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef,
    ExitReason, Name, Registry, Restart, RpcReplyPort, StartError, Strategy, Supervisor,
};

const PATIENCE: Duration = Duration::from_secs(5);

struct Transactions {
    registry: Registry<u64, Msg>,
    trackers: Name<DynamicSupervisorMsg>,
}

impl Transactions {
    /// `Transient`: restarted after a failure, finished after a normal end.
    async fn start(&self, id: u64) -> Result<ActorRef<Msg>, StartError> {
        let spec = ChildSpec::worker("tracker", move || (Tracker, id)).restart(Restart::Transient);
        let trackers = DynamicSupervisorRef::from(&self.trackers);
        trackers.start_child(spec.via(self.registry.via(id))).await
    }

    fn lookup(&self, id: u64) -> Option<ActorRef<Msg>> {
        self.registry.lookup(&id)
    }
}

struct Tracker;

enum Msg {
    Confirm,
    /// Answers with the id and the confirmations seen by this incarnation.
    Status(RpcReplyPort<(u64, u32)>),
    Crash,
    Finish,
}

impl Actor for Tracker {
    type Msg = Msg;
    type State = (u64, u32);
    type Arguments = u64;

    async fn pre_start(&self, _: ractor::ActorRef<Msg>, id: u64) -> Result<(u64, u32), ActorProcessingErr> {
        Ok((id, 0))
    }

    async fn handle(&self, _: ractor::ActorRef<Msg>, msg: Msg, it: &mut (u64, u32)) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::Confirm => it.1 += 1,
            Msg::Status(reply) => drop(reply.send(*it)),
            Msg::Crash => return Err("lost the connection".into()),
            Msg::Finish => return Err(ExitReason::Normal.into()),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (registry, trackers) = (Registry::unique("transactions"), Name::new("trackers"));
    let transactions = Transactions { registry, trackers };
    // `RestForOne`: a registry that dies takes the trackers along, so that none lives on where nobody finds it.
    let tree = Supervisor::new(Strategy::RestForOne)
        .child(transactions.registry.spec("registry"))
        .child(DynamicSupervisor::spec("trackers", DynamicSupervisor::new).name(&transactions.trackers))
        .start()
        .await?;

    let first = transactions.start(7).await?;
    println!("1. a process is started for id 7: {}", first.pid());
    let refused = transactions.start(7).await.expect_err("one process per id");
    println!("2. it is registered under its id; a second start is refused: {refused}");
    let attached = tree.tree().context("the tree runs")?;
    println!("3. it is attached to the supervisor:\n{attached}");

    first.cast(Msg::Confirm)?;
    let (id, confirmations) = first.call(Msg::Status, PATIENCE).await?;
    first.cast(Msg::Crash)?;
    let reason = first.exited().await;
    println!("4. tracker {id} with {confirmations} confirmation crashes ({reason}) and is restarted");
    // Until it is, nobody has the id: lookup gives nothing, never the dead. So somebody who needs it waits for it.
    let restarted = transactions.registry.via(7).wait(PATIENCE).await;
    let second = transactions.lookup(7).context("restarted just now")?;
    assert_eq!(restarted.as_ref(), Some(&second));
    let (id, confirmations) = second.call(Msg::Status, PATIENCE).await?;
    println!(
        "5. lookup finds the current process: {}, id {id}, {confirmations} confirmations",
        second.pid()
    );

    second.cast(Msg::Finish)?;
    let reason = second.exited().await;
    println!(
        "6. it finishes ({reason}) and is gone from the registry: {:?}",
        transactions.lookup(7)
    );

    let returned = transactions.start(8).await?;
    returned.cast(Msg::Confirm)?;
    let found = transactions.lookup(8).context("started just now")?;
    println!(
        "7. what start returned and what lookup finds is the same process: {}",
        returned == found
    );

    let reason = tree.stop(ExitReason::Shutdown).await;
    println!(
        "stopped ({reason}); still registered: {}",
        transactions.registry.count()
    );
    Ok(())
}
