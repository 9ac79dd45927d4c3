//! kameo: an actor that supervises others. A child's reference survives its restarts, so it serves as the name.

use std::collections::HashMap;
use std::time::Duration;

use kameo::actor::{ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::supervision::RestartPolicy;

use super::world::{Name, World};
use crate::children::{KameoChild, Ping};

pub(super) struct Kameo {
    supervisor: ActorRef<KameoParent>,
    children: HashMap<String, ActorRef<KameoChild>>,
    named: bool,
}

impl World for Kameo {
    async fn new() -> Self {
        Self {
            supervisor: KameoParent::spawn(()),
            children: HashMap::new(),
            named: false,
        }
    }

    async fn start(&mut self, key: &str, name: Name) {
        let child = KameoChild::supervise(&self.supervisor, ())
            .restart_limit(1_000_000, Duration::from_secs(1))
            // A permanent child cannot be stopped for good.
            .restart_policy(RestartPolicy::Transient)
            .spawn()
            .await;
        if name == Name::Key {
            self.named = true;
            child.register(key.to_owned()).expect("the name is free");
        }
        child.wait_for_startup().await;
        self.children.insert(key.to_owned(), child);
    }

    async fn terminate(&self, key: &str) {
        let child = &self.children[key];
        let _ = child.stop_gracefully().await;
        child.wait_for_shutdown().await;
    }

    fn kill(&self, key: &str) {
        self.children[key].kill();
    }

    async fn ping(&self, key: &str) -> Option<u64> {
        self.children[key].ask(Ping).await.ok()
    }

    async fn stop(self) {
        let _ = self.supervisor.stop_gracefully().await;
        self.supervisor.wait_for_shutdown().await;
        for (key, child) in &self.children {
            child.wait_for_shutdown().await;
            if self.named {
                let mut registry = kameo::registry::ACTOR_REGISTRY.lock().expect("nobody panicked in it");
                registry.remove(key.as_str());
            }
        }
    }
}

pub(crate) struct KameoParent;

impl kameo::Actor for KameoParent {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}
