//! You learn the least there is to it: an actor, its supervisor, and a name that outlives the actor's crash.
//!
//! `cargo run --example quickstart`

use std::time::Duration;

use anyhow::Context;
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, ExitReason, Name, RpcReplyPort, Strategy, Supervisor, ractor,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// Counts from where it is told to start.
struct Counter;

enum Msg {
    Add(i64),
    Total(RpcReplyPort<i64>),
}

impl Actor for Counter {
    type Msg = Msg;
    type State = i64;
    type Arguments = i64;

    async fn pre_start(&self, _: ractor::ActorRef<Msg>, start: i64) -> Result<i64, ActorProcessingErr> {
        Ok(start)
    }

    async fn handle(&self, _: ractor::ActorRef<Msg>, msg: Msg, total: &mut i64) -> Result<(), ActorProcessingErr> {
        match msg {
            // `?` ends the actor, and its supervisor decides what follows.
            Msg::Add(n) => *total = total.checked_add(n).ok_or("out of fingers")?,
            // Whoever asked may have gone away.
            Msg::Total(reply) => drop(reply.send(*total)),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The closure makes a fresh actor and fresh arguments for every start.
    let name = Name::new("apples");
    let apples = ChildSpec::worker("apples", || (Counter, 10)).name(&name);
    let root = Supervisor::new(Strategy::OneForOne).child(apples).start().await?;

    let first = name.whereis().context("it started with its supervisor")?;
    name.cast(Msg::Add(5))?;
    println!("{} counts {}", first.pid(), name.call(Msg::Total, PATIENCE).await?);

    name.cast(Msg::Add(i64::MAX))?;
    println!("{} crashes: {}", first.pid(), first.exited().await);

    // A restart takes a moment, in which nobody holds the name; then its holder is the next incarnation.
    let second = name.wait(PATIENCE).await.context("it is restarted")?;
    let total = name.call(Msg::Total, PATIENCE).await?;
    println!("{} took its place and counts {total}, as at every start", second.pid());

    println!("the supervisor stops: {}", root.stop(ExitReason::Shutdown).await);
    Ok(())
}
