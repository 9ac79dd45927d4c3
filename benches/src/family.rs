//! What is measured, said once for criterion and for the report: a family of cases, each with its contenders.

use std::time::Duration;

/// A question, and the cases that answer it.
pub struct Family {
    /// What benches and reports call it.
    pub name: &'static str,
    /// What is counted: a figure is nanoseconds for one of these.
    pub unit: &'static str,
    /// What it shows and what may be concluded, one paragraph of Markdown.
    pub about: &'static str,
    /// Builds the cases; nothing of them runs yet.
    pub cases: fn() -> Vec<Case>,
}

/// One workload of one size, with everybody who is up to it.
pub struct Case {
    /// Such as `burst`; a family may have only one.
    pub name: &'static str,
    /// How many subscribers, names or children.
    pub n: usize,
    /// How many units one iteration is.
    pub units: u64,
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
        Sample {
            took: self(iterations),
            lost: 0,
        }
    }
}

/// What a rig says about a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// How long it took, without what had to be set up.
    pub took: Duration,
    /// Units that should have happened and did not.
    pub lost: u64,
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
