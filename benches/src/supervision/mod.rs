//! Children: started, stopped, killed and back again.

mod hedgehog;
mod kameo;
mod ractor;
pub(crate) mod ractor_supervisor;
mod world;

pub(crate) use kameo::KameoParent;
pub(crate) use ractor::RactorParent;

use crate::family::{Case, Entry, Family, Measure};
use crate::{one_thread, two_workers};
use hedgehog::{Dynamic, Group};
use kameo::Kameo;
use ractor::Ractor;
use ractor_supervisor::{RactorGroup, RactorSupervisor};
use world::{KILLS, Killing, Name, Phase, death, life};

/// One child after another, all at once, and a group.
pub const SUPERVISION: Family = Family {
    name: "supervision",
    unit: "child",
    measure: Measure::Time,
    about: "Trivial actors under one supervisor. `start`: unnamed, one after another. `start_named`: each takes a name before its start \
        is acknowledged. `terminate`: one after another, each gone before the next. `stop`: the supervisor with all N named children, \
        until every one is gone and its name free. `restart`: one of a thousand named children is killed, until its name leads to a \
        successor that answers. `storm`: all N are killed at once, until all are back. `rest_for_one`: the first of ten is killed, \
        until all ten are new and answer, per group. `ractor` is the bare crate: its supervisor is a link and a callback, so it stops \
        children without waiting for them, and restarts nobody. A contender whose children are not back within five seconds has lost \
        them. `hedgehog-1` is on a runtime of one thread, as `elixir-1` is on one scheduler; all others have two workers. `kameo` and \
        Elixir's dynamic supervisor stop in quadratic time, and are not asked to stop 100 000 children. Starting costs a round trip through the \
        supervisor, which is what makes an orphan impossible.",
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
        life::<Dynamic>("hedgehog", two_workers, n, Name::None, Phase::Start),
        life::<Dynamic>("hedgehog-1", one_thread, n, Name::None, Phase::Start),
        life::<Ractor>("ractor", two_workers, n, Name::None, Phase::Start),
        life::<Kameo>("kameo", two_workers, n, Name::None, Phase::Start),
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
        death::<Group>("hedgehog", two_workers, n, Killing::TheFirst),
        death::<Group>("hedgehog-1", one_thread, n, Killing::TheFirst),
        death::<RactorGroup>("ractor-supervisor", two_workers, n, Killing::TheFirst),
    ];
    case("rest_for_one", n, KILLS, entries)
}

fn case(name: &'static str, n: usize, units: usize, entries: Vec<Entry>) -> Case {
    Case {
        name,
        n,
        units: units as u64,
        long: n > 10_000,
        entries,
    }
}

fn lives(n: usize, phase: Phase) -> Vec<Entry> {
    let mut entries = vec![
        life::<Dynamic>("hedgehog", two_workers, n, Name::Key, phase),
        life::<Dynamic>("hedgehog-1", one_thread, n, Name::Key, phase),
        life::<Ractor>("ractor", two_workers, n, Name::Key, phase),
        life::<RactorSupervisor>("ractor-supervisor", two_workers, n, Name::Key, phase),
    ];
    // Ten times the children take it a hundred times as long to stop: a hundred thousand of them more than a minute.
    if n <= 10_000 {
        entries.push(life::<Kameo>("kameo", two_workers, n, Name::Key, phase));
    }
    entries
}

fn deaths(n: usize, killing: Killing) -> Vec<Entry> {
    vec![
        death::<Dynamic>("hedgehog", two_workers, n, killing),
        death::<Dynamic>("hedgehog-1", one_thread, n, killing),
        death::<RactorSupervisor>("ractor-supervisor", two_workers, n, killing),
        death::<Kameo>("kameo", two_workers, n, killing),
    ]
}
