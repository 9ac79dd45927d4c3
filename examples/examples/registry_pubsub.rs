//! You learn to use a registry as a `PubSub`: many actors under one key, each with a value that says what it wants.
//!
//! A registry with duplicate keys suits few messages to few actors, chosen by their values. Many events to many readers
//! are the business of `PubSub`, whose topics cost no message per subscriber: `cargo run --example registry_pubsub`.

use std::time::Duration;

use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, DuplicateRegistry, ExitReason, Registry, RpcReplyPort, SelfRef, Strategy,
    Supervisor, ractor,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// Readers stand under the topics they read, each with the lowest urgency that is worth a message to it.
type Readers = DuplicateRegistry<&'static str, Msg, u8>;

enum Msg {
    News(&'static str),
    Read(RpcReplyPort<Vec<&'static str>>),
}

struct Reader {
    readers: Readers,
    topics: &'static [(&'static str, u8)],
}

impl Actor for Reader {
    type Msg = Msg;
    type State = Vec<&'static str>;
    type Arguments = ();

    async fn pre_start(&self, me: ractor::ActorRef<Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        let me = me.self_ref()?;
        // The entries end with the actor: nobody has to unsubscribe.
        for (topic, urgency) in self.topics {
            self.readers.register(*topic, &me, *urgency)?;
        }
        Ok(Vec::new())
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Msg>,
        msg: Msg,
        read: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::News(headline) => read.push(headline),
            Msg::Read(reply) => drop(reply.send(read.clone())),
        }
        Ok(())
    }
}

fn publish(readers: &Readers, topic: &'static str, urgency: u8, headline: &'static str) {
    println!("{topic}, urgency {urgency}: {headline}");
    readers.dispatch(&topic, |readers| {
        for (reader, _) in readers.iter().filter(|(_, lowest)| *lowest <= urgency) {
            // One that ends at this moment refuses the message, which is as good as having gone before.
            let _ = reader.cast(Msg::News(headline));
        }
    });
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let readers: Readers = Registry::duplicate("readers");
    let root = Supervisor::new(Strategy::RestForOne)
        .child(readers.spec("readers"))
        .start()
        .await?;
    let start = async |id: &'static str, topics: &'static [(&'static str, u8)]| {
        let readers = readers.clone();
        let reader = move || {
            (
                Reader {
                    readers: readers.clone(),
                    topics,
                },
                (),
            )
        };
        root.start_child(ChildSpec::worker(id, reader)).await
    };
    let all = start("reads all", &[("sports", 0), ("weather", 0)]).await?;
    let calm = start("reads what is urgent", &[("weather", 8)]).await?;

    publish(&readers, "sports", 1, "home team wins");
    publish(&readers, "weather", 2, "light wind");
    publish(&readers, "weather", 9, "storm at noon");
    println!("  who reads all got {:?}", all.call(Msg::Read, PATIENCE).await?);
    println!(
        "  who reads what is urgent got {:?}",
        calm.call(Msg::Read, PATIENCE).await?
    );

    println!("readers of weather: {}", readers.lookup_all(&"weather").len());
    root.terminate_child("reads what is urgent").await?;
    println!(
        "one stops; readers of weather: {}",
        readers.lookup_all(&"weather").len()
    );
    root.stop(ExitReason::Shutdown).await;
    Ok(())
}
