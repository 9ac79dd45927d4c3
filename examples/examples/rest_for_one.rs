//! You learn why the order of children matters: under `RestForOne`, what builds on a child that failed is built again.
//!
//! A registry, a dynamic supervisor whose workers stand in it, and a task that starts the workers which the settings ask
//! for. Each needs those before it, so one that fails takes those after it along: `cargo run --example rest_for_one`.

use std::time::Duration;

use anyhow::Context;
use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef,
    ExitReason, Name, Registry, Restart, RpcReplyPort, StartError, Strategy, Supervisor, SupervisorRef, Task, TaskMsg,
    Via, ractor,
};

const PATIENCE: Duration = Duration::from_secs(5);
const SETTINGS: [&str; 2] = ["btc", "eth"];

/// Would receive prices.
struct Stream;

/// Answered by a stream that has started.
type Ping = RpcReplyPort<()>;

impl Actor for Stream {
    type Msg = Ping;
    type State = ();
    type Arguments = &'static str;

    async fn pre_start(&self, _: ractor::ActorRef<Ping>, symbol: &'static str) -> Result<(), ActorProcessingErr> {
        println!("    stream {symbol} starts");
        Ok(())
    }

    async fn handle(&self, _: ractor::ActorRef<Ping>, ping: Ping, (): &mut ()) -> Result<(), ActorProcessingErr> {
        Ok(ping.send(())?)
    }
}

#[derive(Clone)]
struct Streams {
    registry: Registry<&'static str, Ping>,
    supervisor: Name<DynamicSupervisorMsg>,
}

impl Streams {
    async fn start(&self, symbol: &'static str) -> Result<ActorRef<Ping>, StartError> {
        let spec = ChildSpec::worker(symbol, move || (Stream, symbol)).via(self.registry.via(symbol));
        DynamicSupervisorRef::from(&self.supervisor).start_child(spec).await
    }

    /// Transient: it runs once and is done, unless it fails or something it needs is started again.
    fn autostart(&self) -> ChildSpec<TaskMsg> {
        let streams = self.clone();
        let run = move || {
            let streams = streams.clone();
            async move {
                println!("  autostart: {}", SETTINGS.join(", "));
                for symbol in SETTINGS {
                    streams.start(symbol).await?;
                }
                Ok::<_, StartError>(())
            }
        };
        Task::spec("autostart", run).restart(Restart::Transient)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let streams = Streams {
        registry: Registry::unique("streams"),
        supervisor: Name::new("streams"),
    };
    println!("boot, in this order: registry, streams, autostart");
    let root = Supervisor::new(Strategy::RestForOne)
        .label("root")
        .child(streams.registry.spec("registry"))
        .child(DynamicSupervisor::spec("streams", DynamicSupervisor::new).name(&streams.supervisor))
        .child(streams.autostart())
        .start()
        .await?;
    let eth = streams.registry.via("eth");
    let stream = ready(&eth).await?;

    println!("a stream is killed: its own supervisor starts it again, and nothing else happens");
    stream.kill();
    stream.exited().await;
    let mut stream = ready(&eth).await?;

    for victim in ["root/streams", "root/registry"] {
        println!("{victim} is killed: it and all that follow it are started again");
        kill(&root, victim)?;
        stream.exited().await;
        stream = ready(&eth).await?;
    }

    println!("{}", root.tree().context("it runs")?);
    root.stop(ExitReason::Shutdown).await;
    Ok(())
}

/// The stream at an address, as soon as it has started.
async fn ready(address: &Via<&'static str, Ping>) -> anyhow::Result<ActorRef<Ping>> {
    let stream = address.wait(PATIENCE).await.context("autostart starts it")?;
    stream.call(|ping| ping, PATIENCE).await?;
    Ok(stream)
}

fn kill(root: &SupervisorRef, path: &str) -> anyhow::Result<()> {
    let tree = root.tree().context("it runs")?;
    tree.find(path)
        .and_then(|node| node.actor())
        .context("it is there")?
        .kill();
    Ok(())
}
