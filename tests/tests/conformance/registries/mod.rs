//! Registries: what stands in them, who holds a key and for how long, queries, options, and locks by key.

pub(crate) mod entries;
pub(crate) mod holders;
pub(crate) mod locks;
pub(crate) mod options;
pub(crate) mod queries;

use hedgehog_core::{
    ActorRef, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, RegistryMsg, Restart, Strategy, Supervisor,
    SupervisorRef,
};
use hedgehog_tests::scenario::{Command, Journal, Latest, Probe};

/// Temporary actors, one for each of `names`.
pub(crate) async fn actors<const N: usize>(names: [&'static str; N]) -> (DynamicSupervisorRef, [ActorRef<Command>; N]) {
    let (sup, journal) = (DynamicSupervisor::new().start().await.expect("boot"), Journal::new());
    let probes = names.map(|name| Probe::new(name, &journal));
    for probe in &probes {
        sup.start_child(probe.spec().restart(Restart::Temporary))
            .await
            .expect("start");
    }
    (sup, probes.map(|probe| probe.current()))
}

/// Runs the owner of a registry; the second is its latest incarnation.
pub(crate) async fn own(owner: ChildSpec<RegistryMsg>) -> (SupervisorRef, Latest<RegistryMsg>) {
    let latest = Latest::new();
    let tree = Supervisor::new(Strategy::OneForOne).child(owner.via(latest.clone()));
    (tree.start().await.expect("boot"), latest)
}
