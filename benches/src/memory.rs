//! What an idle child weighs. A process keeps what it was once given, so every figure comes from a process of its own, as which
//! the report starts itself.

use std::any::Any;
use std::env::current_exe;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Subcommand;
use futures_util::future::BoxFuture;
use hedgehog_core::{ChildSpec, DynamicSupervisor, Registry, Strategy, Supervisor};
use kameo::actor::Spawn;
use ractor::Actor;

use crate::children::{Child, KameoChild, Msg};
use crate::family::{Case, Entry, Family, Measure, Rig, Sample};
use crate::supervision::{KameoParent, RactorParent, ractor_supervisor};

/// Ten thousand and a hundred thousand idle children, without names and with.
pub const MEMORY: Family = Family {
    name: "memory",
    unit: "idle child",
    measure: Measure::Memory,
    about: "Resident memory of a process (`VmRSS`) after N trivial children were started under one supervisor, less before, by \
        child; each figure from a process of its own. `named`: each child has a name of ten letters. A child of ractor is an actor, \
        its task and its ports; a supervised child of hedgehog is that, its exit record, and what the supervisor and the registry \
        know of it. The difference is what a restart and a typed exit reason cost in memory. `ractor-supervisor` has no unnamed \
        children.",
    cases,
};

fn cases() -> Vec<Case> {
    let unnamed = ["hedgehog", "ractor", "kameo"].as_slice();
    let named = ["hedgehog", "ractor", "ractor-supervisor", "kameo"].as_slice();
    let mut cases = Vec::new();
    for (name, contenders) in [("unnamed", unnamed), ("named", named)] {
        for n in [10_000, 100_000] {
            cases.push(Case {
                name,
                n,
                units: n as u64,
                long: false,
                entries: contenders.iter().map(|contender| weighed(contender, name, n)).collect(),
            });
        }
    }
    cases
}

fn weighed(contender: &'static str, name: &'static str, n: usize) -> Entry {
    Entry::contender(contender, move || Process {
        contender,
        named: name == "named",
        n,
    })
}

/// How the report starts itself.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Weigh {
    /// Starts children in this process and prints how many bytes it has grown by.
    #[command(hide = true)]
    Weigh {
        /// Whose children.
        contender: String,
        /// How many.
        n: usize,
        /// Each with a name.
        #[arg(long)]
        named: bool,
    },
}

struct Process {
    contender: &'static str,
    named: bool,
    n: usize,
}

impl Rig for Process {
    fn run(&mut self, iterations: u64) -> Sample {
        let mut bytes = 0;
        for _ in 0..iterations {
            let mut process = Command::new(current_exe().expect("this program has a path"));
            process.args(["weigh", self.contender, &self.n.to_string()]);
            if self.named {
                process.arg("--named");
            }
            let output = process.output().expect("this program can be started again");
            let printed = String::from_utf8_lossy(&output.stdout);
            bytes += printed.trim().parse::<u64>().expect("it prints a number of bytes");
        }
        Sample { cost: bytes, lost: 0 }
    }
}

/// Does what [`Weigh`] says.
pub(crate) fn weigh(Weigh::Weigh { contender, n, named }: &Weigh) -> ExitCode {
    let runtime = crate::two_workers();
    let start = |numbers| -> BoxFuture<'static, Held> {
        match contender.as_str() {
            "hedgehog" => Box::pin(hedgehog(numbers, *named)),
            "ractor" => Box::pin(ractor(numbers, *named)),
            "ractor-supervisor" => Box::pin(ractor_supervisors(numbers)),
            "kameo" => Box::pin(kameo(numbers, *named)),
            other => unreachable!("{other} is nobody's name"),
        }
    };
    // What is paid once, whatever the number of children.
    let first = runtime
        .block_on(runtime.spawn(start(0..1_000)))
        .expect("a contender panicked");
    let before = resident();
    let rest = runtime
        .block_on(runtime.spawn(start(1_000..1_000 + n)))
        .expect("a contender panicked");
    println!("{}", resident().saturating_sub(before));
    drop((first, rest));
    runtime.shutdown_timeout(Duration::ZERO);
    ExitCode::SUCCESS
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("memory is measured on Linux only");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.expect("Linux tells VmRSS in kB") * 1_024
}

/// What keeps the children running.
type Held = Box<dyn Any + Send>;
type Numbers = std::ops::Range<usize>;

fn key(number: usize) -> String {
    format!("SYM{number:07}")
}

async fn hedgehog(numbers: Numbers, named: bool) -> Held {
    let names: Registry<String, Msg> = Registry::unique("names");
    let registry = Supervisor::new(Strategy::OneForOne)
        .child(names.spec("names"))
        .start()
        .await;
    let children = DynamicSupervisor::new().start().await.expect("no children yet");
    for number in numbers {
        let mut spec = ChildSpec::worker("child", || (Child, ()));
        if named {
            spec = spec.via(names.via(key(number)));
        }
        children.start_child(spec).await.expect("the name is free");
    }
    Box::new((registry, children))
}

async fn ractor(numbers: Numbers, named: bool) -> Held {
    let (supervisor, _) = Actor::spawn(None, RactorParent, ()).await.expect("no name, no work");
    for number in numbers {
        let name = named.then(|| key(number));
        Actor::spawn_linked(name, Child, (), supervisor.get_cell())
            .await
            .expect("the name is free");
    }
    Box::new(supervisor)
}

async fn ractor_supervisors(numbers: Numbers) -> Held {
    let (supervisor, _) = ractor_supervisor::dynamic().await;
    for number in numbers {
        ractor_supervisor::start(&supervisor, &key(number)).await;
    }
    Box::new(supervisor)
}

async fn kameo(numbers: Numbers, named: bool) -> Held {
    let supervisor = KameoParent::spawn(());
    for number in numbers {
        let child = KameoChild::supervise(&supervisor, ()).spawn().await;
        if named {
            child.register(key(number)).expect("the name is free");
        }
        child.wait_for_startup().await;
    }
    Box::new(supervisor)
}
