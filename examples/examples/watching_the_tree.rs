//! You learn to watch a tree: what it looks like now, as text, JSON and Graphviz, and what happens in it, as events.
//!
//! `cargo run --example watching_the_tree`

use std::time::Duration;

use anyhow::Context;
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, ExitReason, Name, Overflow, PubSub, Strategy, Supervisor,
    SupervisorEventKind, ractor,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// Fails at its first message.
struct Fragile;

impl Actor for Fragile {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ractor::ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        Err("it was only looked at".into())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // One subscription sees all supervisors below the one that has the topic. Subscribed before the start, it misses nothing.
    let events = PubSub::new().topic("supervisors");
    let mut seen = events.subscribe(Overflow::Lossless);

    let vase = Name::new("vase");
    let shelf = vase.clone();
    let counters =
        move || Supervisor::new(Strategy::OneForOne).child(ChildSpec::worker("vase", || (Fragile, ())).name(&shelf));
    let root = Supervisor::new(Strategy::OneForOne)
        .label("shop")
        .events(&events)
        .child(Supervisor::spec("counters", counters))
        .start()
        .await?;

    vase.cast(())?;
    println!("what happens:");
    let mut restarted = false;
    while !restarted {
        // Waits for the next event. An actor would have its doorbell rung instead.
        let next = seen.next_batch(1, |event| {
            println!("  {event}");
            restarted = matches!(event.kind, SupervisorEventKind::Restarted { .. });
        });
        let _ = timeout(PATIENCE, next).await??; // `Lossless`: it tells of no loss
    }

    // A snapshot asks no actor: it is there at once even when all of them are busy.
    let tree = root.tree().context("it runs")?;
    println!("{tree}");
    let node = tree.find("shop/counters/vase").context("it runs")?;
    println!(
        "{} restarts, the last one after: {}",
        node.restarts,
        node.last_exit.as_deref().unwrap_or("nothing")
    );
    println!("{}", serde_json::to_string_pretty(node)?);
    println!("{}", tree.to_dot());

    root.stop(ExitReason::Shutdown).await;
    println!("what happened at the end:");
    let mut problems = 0;
    let _ = seen.drain(usize::MAX, |event| {
        println!("  {event}");
        problems += u32::from(event.is_problem());
    });
    println!("problems among it: {problems}");
    Ok(())
}
