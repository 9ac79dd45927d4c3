//! Children: started, stopped, killed and back again.

mod hedgehog;
mod kameo;
mod ractor;
mod ractor_supervisor;
mod world;

use crate::family::{Case, Entry, Family};
use hedgehog::{Dynamic, Group};
use kameo::Kameo;
use ractor::Ractor;
use ractor_supervisor::{RactorGroup, RactorSupervisor};
use world::{KILLS, Killing, Name, Phase, death, life};

/// One child after another, all at once, and a group.
pub const SUPERVISION: Family = Family {
    name: "supervision",
    unit: "child",
    about: "Trivial actors under one supervisor. `start`: unnamed, one after another. `start_named`: each takes a name before its start \
        is acknowledged. `terminate`: one after another, each gone before the next. `stop`: the supervisor with all N named children, \
        until every one is gone and its name free. `restart`: one of a thousand named children is killed, until its name leads to a \
        successor that answers. `storm`: all N are killed at once, until all are back. `rest_for_one`: the first of ten is killed, \
        until all ten are new and answer, per group. `ractor` is the bare crate: its supervisor is a link and a callback, so it stops \
        children without waiting for them, and restarts nobody. Where a contender did not come back within a second the share is told \
        as lost. Starting costs a round trip through the supervisor, which is what makes an orphan impossible.",
    cases,
};

fn cases() -> Vec<Case> {
    let mut cases = vec![start(1_000)];
    cases.extend([1_000, 10_000, 100_000].map(start_named));
    cases.push(terminate(1_000));
    cases.extend([1_000, 10_000, 100_000].map(stop));
    cases.extend([restart(1_000), storm(1_000), rest_for_one(10)]);
    cases
}

fn start(n: usize) -> Case {
    let entries = vec![
        life::<Dynamic>("hedgehog", n, Name::None, Phase::Start),
        life::<Ractor>("ractor", n, Name::None, Phase::Start),
        life::<Kameo>("kameo", n, Name::None, Phase::Start),
    ];
    case("start", n, n, entries)
}

fn start_named(n: usize) -> Case {
    case("start_named", n, n, lives(n, Phase::Start))
}

fn terminate(n: usize) -> Case {
    case("terminate", n, n, lives(n, Phase::Terminate))
}

fn stop(n: usize) -> Case {
    case("stop", n, n, lives(n, Phase::Stop))
}

fn restart(n: usize) -> Case {
    case("restart", n, KILLS, deaths(n, Killing::OneAfterAnother))
}

fn storm(n: usize) -> Case {
    case("storm", n, n, deaths(n, Killing::AllAtOnce))
}

fn rest_for_one(n: usize) -> Case {
    let entries = vec![
        death::<Group>("hedgehog", n, Killing::TheFirst),
        death::<RactorGroup>("ractor-supervisor", n, Killing::TheFirst),
    ];
    case("rest_for_one", n, KILLS, entries)
}

fn case(name: &'static str, n: usize, units: usize, entries: Vec<Entry>) -> Case {
    Case {
        name,
        n,
        units: units as u64,
        entries,
    }
}

fn lives(n: usize, phase: Phase) -> Vec<Entry> {
    vec![
        life::<Dynamic>("hedgehog", n, Name::Key, phase),
        life::<Ractor>("ractor", n, Name::Key, phase),
        life::<RactorSupervisor>("ractor-supervisor", n, Name::Key, phase),
        life::<Kameo>("kameo", n, Name::Key, phase),
    ]
}

fn deaths(n: usize, killing: Killing) -> Vec<Entry> {
    vec![
        death::<Dynamic>("hedgehog", n, killing),
        death::<RactorSupervisor>("ractor-supervisor", n, killing),
        death::<Kameo>("kameo", n, killing),
    ]
}
