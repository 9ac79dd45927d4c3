//! A dynamic supervisor, and a group under `RestForOne`; names in a registry.

use std::time::Duration;

use hedgehog_core::{
    ActorRef, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name as Address, Registry, Strategy,
    Supervisor, SupervisorRef,
};

use super::world::{Name, World};
use crate::children::{Child, Msg};

type Names = Registry<String, Msg>;

pub(super) struct Dynamic {
    names: Names,
    root: SupervisorRef,
    children: DynamicSupervisorRef,
}

impl World for Dynamic {
    async fn new() -> Self {
        let names = Names::unique("names");
        let address = Address::new("children");
        let root = Supervisor::new(Strategy::RestForOne)
            .child(names.spec("names"))
            .child(
                DynamicSupervisor::spec("children", || {
                    DynamicSupervisor::new()
                        .max_restarts(1_000_000)
                        .max_seconds(Duration::from_secs(1))
                })
                .name(&address),
            )
            .start()
            .await
            .expect("no children yet");
        Self {
            names,
            root,
            children: DynamicSupervisorRef::from(address.whereis().expect("it was started")),
        }
    }

    async fn start(&mut self, key: &str, name: Name) {
        let spec = child(&self.names, key, name);
        self.children.start_child(spec).await.expect("the name is free");
    }

    async fn terminate(&self, key: &str) {
        let child = self.names.lookup(&key.to_owned()).expect("it was started");
        self.children.terminate_child(&child).await.expect("it runs");
    }

    fn kill(&self, key: &str) {
        kill(&self.names, key);
    }

    async fn ping(&self, key: &str) -> Option<u64> {
        ping(&self.names, key).await
    }

    async fn stop(self) {
        self.root.stop(ExitReason::Shutdown).await;
        assert_eq!(self.names.count(), 0, "every name is free");
    }
}

pub(super) struct Group {
    names: Names,
    root: SupervisorRef,
}

impl World for Group {
    async fn new() -> Self {
        let names = Names::unique("names");
        let root = Supervisor::new(Strategy::RestForOne)
            .max_restarts(1_000_000)
            .max_seconds(Duration::from_secs(1))
            .child(names.spec("names"))
            .start()
            .await
            .expect("no children yet");
        Self { names, root }
    }

    async fn start(&mut self, key: &str, name: Name) {
        let spec = child(&self.names, key, name).id(key.to_owned());
        self.root.start_child(spec).await.expect("the name is free");
    }

    async fn terminate(&self, key: &str) {
        self.root.terminate_child(key.to_owned()).await.expect("it runs");
    }

    fn kill(&self, key: &str) {
        kill(&self.names, key);
    }

    async fn ping(&self, key: &str) -> Option<u64> {
        ping(&self.names, key).await
    }

    async fn stop(self) {
        self.root.stop(ExitReason::Shutdown).await;
    }
}

fn child(names: &Names, key: &str, name: Name) -> ChildSpec<Msg> {
    let spec = ChildSpec::worker("child", || (Child, ()));
    match name {
        Name::None => spec,
        Name::Key => spec.via(names.via(key.to_owned())),
    }
}

fn kill(names: &Names, key: &str) {
    names.lookup(&key.to_owned()).iter().for_each(ActorRef::kill);
}

async fn ping(names: &Names, key: &str) -> Option<u64> {
    names.lookup(&key.to_owned())?.call(Msg::Ping, None).await.ok()
}
