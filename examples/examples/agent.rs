//! You learn to keep state behind an actor that takes functions for messages: Elixir's `Agent`, in a dozen lines.
//!
//! It suits state without a behaviour of its own. As soon as messages have names, an actor with an `enum` reads better:
//! `cargo run --example agent`.

use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, CallError, ChildSpec, ExitReason, Name, Strategy, Supervisor, ractor,
};

const PATIENCE: Duration = Duration::from_secs(5);

// The dozen lines.
type Access<S> = Box<dyn FnOnce(&mut S) + Send>;
struct Agent<S>(PhantomData<fn() -> S>);

impl<S: Send + 'static> Actor for Agent<S> {
    type Msg = Access<S>;
    type State = S;
    type Arguments = S;

    async fn pre_start(&self, _: ractor::ActorRef<Access<S>>, state: S) -> Result<S, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(&self, _: ractor::ActorRef<Access<S>>, f: Access<S>, s: &mut S) -> Result<(), ActorProcessingErr> {
        f(s);
        Ok(())
    }
}

/// `Agent.get_and_update`: runs `f` where the state is, and brings back what it returns.
async fn access<S, R, F>(agent: &Name<Access<S>>, f: F) -> Result<R, CallError>
where
    S: Send + 'static,
    R: Send + 'static,
    F: FnOnce(&mut S) -> R + Send + 'static,
{
    agent
        .call(|reply| Box::new(move |state| drop(reply.send(f(state)))), PATIENCE)
        .await
}

type Stock = BTreeMap<&'static str, u32>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The panic below is on purpose; this keeps its backtrace from the terminal.
    std::panic::set_hook(Box::new(|_| ()));
    let stock: Name<Access<Stock>> = Name::new("stock");
    let agent = ChildSpec::worker("stock", || (Agent(PhantomData), Stock::from([("apples", 3)])));
    let root = Supervisor::new(Strategy::OneForOne)
        .child(agent.name(&stock))
        .start()
        .await?;

    println!(
        "apples: {:?}",
        access(&stock, |stock| stock.get("apples").copied()).await?
    );
    let before = access(&stock, |stock| stock.insert("apples", 7)).await?;
    println!("set to 7, before it was {before:?}");

    // Two of these never mix, as one actor runs them: no lock, and no lost update.
    let adding = access(&stock, |stock| {
        let pears = stock.entry("pears").or_default();
        *pears += 1;
        *pears
    });
    println!("one more pear: {}", adding.await?);

    // A function that panics ends the agent, not its caller. The next incarnation begins where the spec says.
    let first: Option<ActorRef<_>> = stock.whereis();
    let failed = access(&stock, |stock| stock["plums"]).await;
    println!(
        "plums: {}",
        failed.map_or_else(|error| error.to_string(), |plums| plums.to_string())
    );
    if let Some(first) = first {
        first.exited().await;
    }
    stock.wait(PATIENCE).await;
    println!("a new agent: {:?}", access(&stock, |stock| stock.clone()).await?);

    root.stop(ExitReason::Shutdown).await;
    Ok(())
}
