//! Names: found, sent to, called, taken and given back, among few and among many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hedgehog_core::{ActorRef, ChildSpec, DynamicSupervisor, Registry, Strategy, Supervisor, SupervisorRef, Via};
use kameo::actor::Spawn;
use ractor::Actor;
use tokio::runtime::Runtime;

use crate::children::{Child, Countdown, KameoChild, Lehmer, Msg, Ping, keys};
use crate::family::{Case, Entry, Family, Measure};

/// One name, a thousand, a hundred thousand.
pub const REGISTRY: Family = Family {
    name: "registry",
    unit: "operation",
    measure: Measure::Time,
    about: "N actors, each under a name of its own; targets are drawn at random. `lookup`: from the name to a reference. `cast`: the \
        sender's side of a message through a name, on a runtime of one thread so that the receivers do not run meanwhile; a `Via` \
        remembers whom it led to last, so it costs little more than `hedgehog-direct`, a cast through the actor's own reference. \
        `call`: a request and its reply; `hedgehog-1` on a runtime of one thread. `register`: a fresh name is taken and given back \
        while the N others stay. The registries of ractor and kameo are global to the process, and ractor's can be entered only when \
        an actor starts. Keep a `Via` where you send to one name often; look up where names vary.",
    cases: || {
        let cases: [fn(usize) -> Case; 4] = [lookup, cast, call, register];
        let sizes = [1, 1_000, 100_000];
        cases.iter().flat_map(|case| sizes.map(case)).collect()
    },
};

// The closures below take their world whole (`let names = &names`): taken by fields, the runtime would be left behind and dropped.

/// Operations of one iteration.
const OPERATIONS: usize = 1_000;

fn case(name: &'static str, n: usize, entries: Vec<Entry>) -> Case {
    Case {
        name,
        n,
        units: OPERATIONS as u64,
        long: false,
        entries,
    }
}

fn lookup(n: usize) -> Case {
    let hedgehog = move || {
        let names = Hedgehog::new(crate::two_workers(), n);
        at_random(n, move |at| {
            let names = &names;
            assert!(names.registry.lookup(&names.keys[at]).is_some());
        })
    };
    let ractor = move || {
        let names = Ractor::new(crate::two_workers(), n);
        at_random(n, move |at| {
            let names = &names;
            assert!(ractor::registry::where_is(&names.keys[at]).is_some());
        })
    };
    let kameo = move || {
        let names = Kameo::new(crate::two_workers(), n);
        at_random(n, move |at| {
            let names = &names;
            let found = kameo::actor::ActorRef::<KameoChild>::lookup(names.keys[at].as_str());
            assert!(matches!(found, Ok(Some(_))));
        })
    };
    let entries = vec![
        Entry::contender("hedgehog", hedgehog),
        Entry::contender("ractor", ractor),
        Entry::contender("kameo", kameo),
    ];
    case("lookup", n, entries)
}

fn cast(n: usize) -> Case {
    let hedgehog = move || {
        let names = Hedgehog::new(crate::one_thread(), n);
        let vias = names.vias();
        sent_at_random(names.runtime, n, move |at, message| drop(vias[at].cast(message)))
    };
    let direct = move || {
        let names = Hedgehog::new(crate::one_thread(), n);
        sent_at_random(names.runtime, n, move |at, message| {
            drop(names.actors[at].cast(message));
        })
    };
    let looked_up = move || {
        let names = Hedgehog::new(crate::one_thread(), n);
        sent_at_random(names.runtime, n, move |at, message| {
            let actor = names.registry.lookup(&names.keys[at]);
            drop(actor.map(|actor| actor.cast(message)));
        })
    };
    let ractor = move || {
        let names = Ractor::new(crate::one_thread(), n);
        sent_at_random(names.runtime, n, move |at, message| {
            let actor = ractor::registry::where_is(&names.keys[at]);
            drop(actor.map(|actor| actor.send_message(message)));
        })
    };
    let entries = vec![
        Entry::contender("hedgehog", hedgehog),
        Entry::contender("hedgehog-direct", direct),
        Entry::contender("hedgehog-looked-up", looked_up),
        Entry::contender("ractor", ractor),
    ];
    case("cast", n, entries)
}

fn call(n: usize) -> Case {
    let hedgehog = move |on: fn() -> Runtime| {
        let names = Hedgehog::new(on(), n);
        let vias = Arc::new(names.vias());
        called_at_random(names.runtime, n, move |at| {
            let vias = Arc::clone(&vias);
            async move { vias[at].call(Msg::Ping, None).await.is_ok() }
        })
    };
    let ractor = move || {
        let names = Ractor::new(crate::two_workers(), n);
        let keys = Arc::new(names.keys);
        called_at_random(names.runtime, n, move |at| {
            let keys = Arc::clone(&keys);
            async move {
                let Some(cell) = ractor::registry::where_is(&keys[at]) else {
                    return false;
                };
                let actor: ractor::ActorRef<Msg> = cell.into();
                matches!(
                    actor.call(Msg::Ping, None).await,
                    Ok(ractor::rpc::CallResult::Success(_))
                )
            }
        })
    };
    let kameo = move || {
        let names = Kameo::new(crate::two_workers(), n);
        let keys = Arc::new(names.keys);
        called_at_random(names.runtime, n, move |at| {
            let keys = Arc::clone(&keys);
            async move {
                let Ok(Some(actor)) = kameo::actor::ActorRef::<KameoChild>::lookup(keys[at].as_str()) else {
                    return false;
                };
                actor.ask(Ping).await.is_ok()
            }
        })
    };
    let entries = vec![
        Entry::contender("hedgehog", move || hedgehog(crate::two_workers)),
        Entry::contender("hedgehog-1", move || hedgehog(crate::one_thread)),
        Entry::contender("ractor", ractor),
        Entry::contender("kameo", kameo),
    ];
    case("call", n, entries)
}

fn register(n: usize) -> Case {
    let hedgehog = move || {
        let names = Hedgehog::new(crate::two_workers(), n);
        repeated(move |number| {
            let names = &names;
            let key = format!("fresh {number}");
            let actor = &names.actors[0];
            names
                .registry
                .register(key.clone(), actor, ())
                .expect("the name is free");
            assert!(names.registry.unregister(&key, actor), "it was registered");
        })
    };
    let kameo = move || {
        let names = Kameo::new(crate::two_workers(), n);
        repeated(move |number| {
            let names = &names;
            let key = format!("{} fresh {number}", names.keys[0]);
            names.actors[0].register(key.clone()).expect("the name is free");
            let mut registry = kameo::registry::ACTOR_REGISTRY.lock().expect("nobody panicked in it");
            assert!(registry.remove(key.as_str()), "it was registered");
        })
    };
    let entries = vec![Entry::contender("hedgehog", hedgehog), Entry::contender("kameo", kameo)];
    case("register", n, entries)
}

fn at_random(n: usize, mut operation: impl FnMut(usize)) -> impl FnMut(u64) -> Duration {
    let mut targets = Lehmer::new();
    repeated(move |_| operation(targets.below(n)))
}

fn repeated(mut operation: impl FnMut(u64)) -> impl FnMut(u64) -> Duration {
    let mut number = 0;
    move |iterations| {
        let start = Instant::now();
        for _ in 0..iterations * OPERATIONS as u64 {
            operation(number);
            number += 1;
        }
        start.elapsed()
    }
}

/// Times the sending only; what was sent is handled between two iterations.
fn sent_at_random(runtime: Runtime, n: usize, mut send: impl FnMut(usize, Msg)) -> impl FnMut(u64) -> Duration {
    let mut targets = Lehmer::new();
    let countdown = Arc::new(Countdown::default());
    move |iterations| {
        runtime.block_on(async {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                countdown.start(OPERATIONS);
                let start = Instant::now();
                for _ in 0..OPERATIONS {
                    send(targets.below(n), Msg::Count(Arc::clone(&countdown)));
                }
                took += start.elapsed();
                countdown.done().await;
            }
            took
        })
    }
}

fn called_at_random<F: Future<Output = bool> + Send>(
    runtime: Runtime,
    n: usize,
    call: impl Fn(usize) -> F + Send + Sync + 'static,
) -> impl FnMut(u64) -> Duration {
    let call = Arc::new(call);
    move |iterations| {
        let call = Arc::clone(&call);
        // From a task: the thread that waits for the runtime would pay for another wake.
        let caller = runtime.spawn(async move {
            let mut targets = Lehmer::new();
            let start = Instant::now();
            for _ in 0..iterations * OPERATIONS as u64 {
                assert!(call(targets.below(n)).await, "every call is answered");
            }
            start.elapsed()
        });
        runtime.block_on(caller).expect("the caller panicked")
    }
}

struct Hedgehog {
    registry: Registry<String, Msg>,
    keys: Vec<String>,
    actors: Vec<ActorRef<Msg>>,
    /// Dropped last, and with it the children.
    runtime: Runtime,
}

impl Hedgehog {
    fn new(runtime: Runtime, n: usize) -> Self {
        let registry = Registry::unique("names");
        let keys = keys(n);
        let actors = runtime.block_on(async {
            let supervisor: SupervisorRef = Supervisor::new(Strategy::RestForOne)
                .child(registry.spec("registry"))
                .start()
                .await
                .expect("the registry starts");
            let children = DynamicSupervisor::new().start().await.expect("no children yet");
            let mut actors = Vec::with_capacity(n);
            for key in &keys {
                let spec = ChildSpec::worker("child", || (Child, ())).via(registry.via(key.clone()));
                actors.push(children.start_child(spec).await.expect("the name is free"));
            }
            drop(supervisor);
            actors
        });
        Self {
            registry,
            keys,
            actors,
            runtime,
        }
    }

    /// Each has been used once: what is measured is a `Via` that knows its way.
    fn vias(&self) -> Vec<Via<String, Msg>> {
        let vias: Vec<_> = self.keys.iter().map(|key| self.registry.via(key.clone())).collect();
        assert!(
            vias.iter().all(|via| via.whereis().is_some()),
            "every name has its holder"
        );
        vias
    }
}

struct Ractor {
    keys: Vec<String>,
    runtime: Runtime,
}

impl Ractor {
    fn new(runtime: Runtime, n: usize) -> Self {
        let keys = own(n);
        runtime.block_on(async {
            for key in &keys {
                Actor::spawn(Some(key.clone()), Child, ())
                    .await
                    .expect("the name is free");
            }
        });
        Self { keys, runtime }
    }
}

struct Kameo {
    keys: Vec<String>,
    actors: Vec<kameo::actor::ActorRef<KameoChild>>,
    runtime: Runtime,
}

impl Kameo {
    fn new(runtime: Runtime, n: usize) -> Self {
        let keys = own(n);
        let actors = {
            let _inside = runtime.enter();
            let named = |key: &String| {
                let actor = KameoChild::spawn(());
                actor.register(key.clone()).expect("the name is free");
                actor
            };
            keys.iter().map(named).collect()
        };
        Self { keys, actors, runtime }
    }
}

/// Keys for a registry that is global to the process: nobody else has them.
fn own(n: usize) -> Vec<String> {
    let rig = crate::number();
    keys(n).into_iter().map(|key| format!("{rig}/{key}")).collect()
}
