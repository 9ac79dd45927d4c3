//! The bare crate: a supervisor is a link and a callback.

use std::collections::HashMap;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent, registry, rpc::CallResult};

use super::world::{Name, World};
use crate::children::{Child, Msg};

pub(super) struct Ractor {
    supervisor: ActorRef<()>,
    running: tokio::task::JoinHandle<()>,
    children: HashMap<String, ActorRef<Msg>>,
}

impl World for Ractor {
    async fn new() -> Self {
        let (supervisor, running) = Actor::spawn(None, RactorParent, ()).await.expect("no name, no work");
        Self {
            supervisor,
            running,
            children: HashMap::new(),
        }
    }

    async fn start(&mut self, key: &str, name: Name) {
        let name = match name {
            Name::None => None,
            Name::Key => Some(key.to_owned()),
        };
        let (child, _) = Actor::spawn_linked(name, Child, (), self.supervisor.get_cell())
            .await
            .expect("the name is free");
        self.children.insert(key.to_owned(), child);
    }

    async fn terminate(&self, key: &str) {
        let child = &self.children[key];
        child.stop_and_wait(None, None).await.expect("it runs");
    }

    fn kill(&self, key: &str) {
        self.children[key].kill();
    }

    async fn ping(&self, key: &str) -> Option<u64> {
        ping(key).await
    }

    async fn stop(self) {
        self.supervisor.stop(None);
        self.running.await.expect("the supervisor does not panic");
        // It does not wait for its children.
        for child in self.children.values() {
            let _ = child.wait(None).await;
        }
    }
}

/// Asks whoever holds the name in ractor's registry.
pub(super) async fn ping(key: &str) -> Option<u64> {
    let child: ActorRef<Msg> = registry::where_is(key)?.into();
    match child.call(Msg::Ping, None).await {
        Ok(CallResult::Success(number)) => Some(number),
        _ => None,
    }
}

pub(crate) struct RactorParent;

impl Actor for RactorParent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    /// The default would stop with the first child that ends.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
