//! You learn to put a supervised part into a program that is otherwise made of `tokio::spawn` and channels.
//!
//! Nothing has to be rewritten around it: an ordinary task talks to an actor through its name, the actor answers through an
//! ordinary channel, and the program decides when the tree stops: `cargo run --example embedding`.

use std::time::Duration;

use anyhow::Context;
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, ExitReason, Name, RpcReplyPort, Strategy, Supervisor, ractor,
};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(5);

/// The part that may fail and has to come back.
struct Parser {
    /// Belongs to the rest of the program, and survives the restarts.
    parsed: mpsc::Sender<i64>,
}

enum Msg {
    Line(String),
    /// How many lines this incarnation has parsed.
    Count(RpcReplyPort<usize>),
}

impl Actor for Parser {
    type Msg = Msg;
    type State = usize;
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Msg>, (): ()) -> Result<usize, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(&self, _: ractor::ActorRef<Msg>, msg: Msg, count: &mut usize) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::Line(line) => {
                // A full channel holds the parser up here, and only the parser.
                self.parsed.send(line.parse()?).await?;
                *count += 1;
            }
            Msg::Count(reply) => drop(reply.send(*count)),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (lines, mut incoming) = mpsc::channel::<&str>(8);
    let (parsed, mut numbers) = mpsc::channel(8);

    // The supervised part. It belongs to this function: no global, no runtime of its own.
    let parser = Name::new("parser");
    let spec = ChildSpec::worker("parser", move || (Parser { parsed: parsed.clone() }, ()));
    let root = Supervisor::new(Strategy::OneForOne)
        .child(spec.name(&parser))
        .start()
        .await?;

    // The program as it was: a task that reads, and knows the parser by its name.
    let reader = tokio::spawn({
        let parser = parser.clone();
        async move {
            while let Some(line) = incoming.recv().await {
                // Between a failure and the restart nobody holds the name: this waits, and does not lose the line.
                let parser = parser.wait(PATIENCE).await.context("the parser stays down")?;
                parser.cast(Msg::Line(line.to_owned()))?;
                if line == "three" {
                    println!("the parser fails: {}", parser.exited().await);
                }
            }
            anyhow::Ok(())
        }
    });
    for line in ["1", "2", "three", "4"] {
        lines.send(line).await?;
    }
    drop(lines);
    reader.await??;

    for _ in 0..3 {
        println!("parsed {}", numbers.recv().await.context("the parser runs")?);
    }
    println!(
        "lines parsed since the restart: {}",
        parser.call(Msg::Count, PATIENCE).await?
    );
    println!("stopped with the program: {}", root.stop(ExitReason::Shutdown).await);
    Ok(())
}
