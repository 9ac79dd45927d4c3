//! What is measured, said once for criterion and for the report: a family of cases, each with its contenders.

use std::time::Duration;

/// A question, and the cases that answer it.
pub struct Family {
    /// What benches and reports call it.
    pub name: &'static str,
    /// What is counted: a figure is what one of these costs.
    pub unit: &'static str,
    /// What it costs.
    pub measure: Measure,
    /// What it shows and what may be concluded, one paragraph of Markdown.
    pub about: &'static str,
    /// Builds the cases; nothing of them runs yet.
    pub cases: fn() -> Vec<Case>,
}

/// What a family measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Nanoseconds.
    Time,
    /// Bytes that stay resident.
    Memory,
}

impl Measure {
    /// As a column's head says it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Time => "ns",
            Self::Memory => "bytes",
        }
    }
}

/// One workload of one size, with everybody who is up to it.
pub struct Case {
    /// Such as `burst`; a family may have only one.
    pub name: &'static str,
    /// How many subscribers, names or children.
    pub n: usize,
    /// How many units one iteration is.
    pub units: u64,
    /// An iteration takes seconds: a quick report leaves it out.
    pub long: bool,
    /// Who is compared.
    pub entries: Vec<Entry>,
}

/// One contender of a case.
pub struct Entry {
    /// What benches and reports call it.
    pub contender: &'static str,
    /// Whether it competes.
    pub role: Role,
    /// Sets it up.
    pub start: Box<dyn Fn() -> Box<dyn Rig>>,
}

/// Whether an entry competes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It does the work.
    Contender,
    /// It does less than the work, and shows what nobody can undercut.
    Floor,
}

/// A contender that is set up and ready to be measured.
pub trait Rig {
    /// Does the work of `iterations` iterations.
    fn run(&mut self, iterations: u64) -> Sample;
}

impl<F: FnMut(u64) -> Duration> Rig for F {
    fn run(&mut self, iterations: u64) -> Sample {
        Sample::took(self(iterations))
    }
}

/// What a rig says about a run.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What all of it cost in the family's measure, without what had to be set up.
    pub cost: u64,
    /// Units that should have happened and did not.
    pub lost: u64,
}

impl Sample {
    /// So much time, and nothing lost.
    pub fn took(time: Duration) -> Self {
        Self {
            cost: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            lost: 0,
        }
    }

    /// The cost of a family that measures time.
    pub fn time(self) -> Duration {
        Duration::from_nanos(self.cost)
    }
}

impl Entry {
    /// A contender that `start` sets up.
    pub fn contender<R: Rig + 'static>(contender: &'static str, start: impl Fn() -> R + 'static) -> Self {
        Self {
            contender,
            role: Role::Contender,
            start: Box::new(move || Box::new(start())),
        }
    }
}
