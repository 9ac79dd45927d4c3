//! You learn to start children through several dynamic supervisors instead of one, so that slow starts do not queue up.
//!
//! A supervisor starts one child at a time, and waits for its `pre_start`. A `PartitionSupervisor` is several of them behind
//! one name; the key of a child decides which: `cargo run --example partition_pool`.

use std::{num::NonZeroUsize, time::Duration};

use anyhow::Context;
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name,
    PartitionSupervisor, PartitionSupervisorRef, Strategy, Supervisor, Task, TaskError, ractor,
};
use tokio::time::{Instant, sleep};

const CONNECTING: Duration = Duration::from_millis(100);

/// Takes its time to start.
struct Connection;

impl Actor for Connection {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        sleep(CONNECTING).await;
        Ok(())
    }
}

/// Starts a connection for each of eight users at the same time, each through the supervisor that `supervisor` picks.
async fn connect(supervisor: impl Fn(usize) -> DynamicSupervisorRef) -> Result<Duration, TaskError> {
    let begin = Instant::now();
    let starts = (0..8).map(|user| {
        let supervisor = supervisor(user);
        Task::async_linked(async move {
            let spec = ChildSpec::worker(format!("user {user}"), || (Connection, ()));
            supervisor.start_child(spec).await
        })
    });
    for started in Task::await_many(starts, None).await? {
        started.map_err(TaskError::Start)?;
    }
    Ok(begin.elapsed())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (one, pool) = (Name::new("one"), Name::new("pool"));
    let four = NonZeroUsize::new(4).context("not zero")?;
    let partitions = move || {
        PartitionSupervisor::new(|_| DynamicSupervisor::spec("connections", DynamicSupervisor::new)).partitions(four)
    };
    let root = Supervisor::new(Strategy::OneForOne)
        .child(DynamicSupervisor::spec("one", DynamicSupervisor::new).name(&one))
        .child(PartitionSupervisor::spec("pool", partitions).name(&pool))
        .start()
        .await?;

    let alone = connect(|_| DynamicSupervisorRef::from(&one)).await?;
    println!("8 connections through one supervisor: one after the other, {CONNECTING:?} each");

    // One key, one partition: the user's number is the key, here and when the connection is looked for later.
    let pool = PartitionSupervisorRef::from(&pool);
    let shared = connect(|user| DynamicSupervisorRef::from(pool.via(user))).await?;
    println!(
        "through a pool of {}: up to {} at a time",
        pool.partitions()?,
        pool.partitions()?
    );
    println!("at least twice as fast: {}", shared * 2 < alone);

    for child in pool.which_children().await? {
        let partition = DynamicSupervisorRef::from(pool.via(child.id.parse::<usize>()?));
        let mut users: Vec<_> = partition
            .which_children()
            .await?
            .into_iter()
            .map(|user| user.id.to_string())
            .collect();
        // They were started side by side, so whose request came first is chance.
        users.sort();
        println!("  partition {}: {}", child.id, users.join(", "));
    }
    root.stop(ExitReason::Shutdown).await;
    Ok(())
}
