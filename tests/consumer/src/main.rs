//! One actor type, started by ractor itself and by a hedgehog supervisor, in one program: neither changes the other's API.

use hedgehog_core::{ChildSpec, ExitReason, Strategy, Supervisor};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

struct Doubler;

enum Msg {
    Double(u32, RpcReplyPort<u32>),
}

// No `#[async_trait]`: with that feature anywhere in the graph this would not compile.
impl Actor for Doubler {
    type Msg = Msg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Msg>, Msg::Double(number, reply): Msg, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let _ = reply.send(2 * number);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (bare, _) = Actor::spawn(Some("bare".to_owned()), Doubler, ()).await?;
    let called = bare.call(|reply| Msg::Double(1, reply), None).await?;

    let supervisor = Supervisor::new(Strategy::OneForOne).start().await?;
    let supervised = supervisor.start_child(ChildSpec::worker("doubler", || (Doubler, ()))).await?;
    let four = supervised.call(|reply| Msg::Double(2, reply), None).await?;

    supervisor.stop(ExitReason::Shutdown).await;
    bare.stop_and_wait(None, None).await?;
    println!("{} {four}", called.unwrap());
    Ok(())
}
