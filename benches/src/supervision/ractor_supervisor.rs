//! The crate `ractor-supervisor`. Its children have to be named.

use std::time::Duration;

use ractor::{ActorRef, registry};
use ractor_supervisor::core::{ChildSpec, Restart, SpawnFn};
use ractor_supervisor::dynamic::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorOptions};
use ractor_supervisor::supervisor::{
    Supervisor, SupervisorArguments, SupervisorMsg, SupervisorOptions, SupervisorStrategy,
};
use tokio::task::{JoinHandle, yield_now};

use super::ractor::ping;
use super::world::{Name, World};
use crate::children::Child;

pub(super) struct RactorSupervisor {
    supervisor: ActorRef<DynamicSupervisorMsg>,
    running: JoinHandle<()>,
    keys: Vec<String>,
}

impl World for RactorSupervisor {
    async fn new() -> Self {
        let (supervisor, running) = dynamic().await;
        Self {
            supervisor,
            running,
            keys: Vec::new(),
        }
    }

    async fn start(&mut self, key: &str, _: Name) {
        start(&self.supervisor, key).await;
        self.keys.push(key.to_owned());
    }

    async fn terminate(&self, key: &str) {
        DynamicSupervisor::terminate_child(self.supervisor.clone(), key.to_owned())
            .await
            .expect("it runs");
        gone(key).await;
    }

    fn kill(&self, key: &str) {
        kill(key);
    }

    async fn ping(&self, key: &str) -> Option<u64> {
        ping(key).await
    }

    async fn stop(self) {
        self.supervisor.stop(None);
        self.running.await.expect("the supervisor does not panic");
        // It does not wait for its children.
        for key in &self.keys {
            gone(key).await;
        }
    }
}

/// Starts a supervisor without children.
pub(crate) async fn dynamic() -> (ActorRef<DynamicSupervisorMsg>, JoinHandle<()>) {
    let options = DynamicSupervisorOptions {
        max_children: None,
        max_restarts: 1_000_000,
        max_window: Duration::from_secs(1),
        reset_after: None,
    };
    let name = format!("supervisor {}", crate::number());
    DynamicSupervisor::spawn(name, options)
        .await
        .expect("a name of its own")
}

/// Starts a child under its key.
pub(crate) async fn start(supervisor: &ActorRef<DynamicSupervisorMsg>, key: &str) {
    DynamicSupervisor::spawn_child(supervisor.clone(), spec(key))
        .await
        .expect("the name is free");
}

/// The static supervisor takes its children at the start only, so it begins with the last of them.
pub(super) struct RactorGroup {
    supervisor: Option<ActorRef<SupervisorMsg>>,
    specs: Vec<ChildSpec>,
}

impl World for RactorGroup {
    async fn new() -> Self {
        Self {
            supervisor: None,
            specs: Vec::new(),
        }
    }

    async fn start(&mut self, key: &str, _: Name) {
        self.specs.push(spec(key));
        if let Some(before) = self.supervisor.take() {
            let _ = before.stop_and_wait(None, None).await;
            for spec in &self.specs {
                gone(&spec.id).await;
            }
        }
        let arguments = SupervisorArguments {
            child_specs: self.specs.clone(),
            options: SupervisorOptions {
                strategy: SupervisorStrategy::RestForOne,
                max_restarts: 1_000_000,
                max_window: Duration::from_secs(1),
                reset_after: None,
            },
        };
        let name = format!("supervisor {}", crate::number());
        let (supervisor, _) = Supervisor::spawn(name, arguments).await.expect("a name of its own");
        self.supervisor = Some(supervisor);
        while ping(key).await.is_none() {
            yield_now().await;
        }
    }

    async fn terminate(&self, _: &str) {
        unreachable!("only groups are measured");
    }

    fn kill(&self, key: &str) {
        kill(key);
    }

    async fn ping(&self, key: &str) -> Option<u64> {
        ping(key).await
    }

    async fn stop(self) {
        if let Some(supervisor) = self.supervisor {
            let _ = supervisor.stop_and_wait(None, None).await;
        }
    }
}

fn spec(key: &str) -> ChildSpec {
    ChildSpec {
        id: key.to_owned(),
        restart: Restart::Permanent,
        spawn_fn: SpawnFn::new(|supervisor, id| async move {
            let (child, _) = DynamicSupervisor::spawn_linked(id, Child, (), supervisor).await?;
            Ok(child.get_cell())
        }),
        backoff_fn: None,
        reset_after: None,
    }
}

fn kill(key: &str) {
    if let Some(child) = registry::where_is(key) {
        child.kill();
    }
}

async fn gone(key: &str) {
    while registry::where_is(key).is_some() {
        yield_now().await;
    }
}
