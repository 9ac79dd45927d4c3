//! hedgehog against a model of OTP: random trees under random deeds, compared step by step.
//!
//! Compared are the starts, cleanups and exits with their times and reasons, the answers of supervisors, who holds which name,
//! what snapshots show and what supervisors tell. At the end nothing may be left: no name, no task.
//!
//! `cargo test -p hedgehog-tests --no-default-features --test model` plays 1 000 scenarios, `-- --seeds 100000` as many as
//! wanted, and `-- --seed 4711` one, with everything that was done and seen. A scenario that shows a difference is made as
//! short as it gets and printed with the command that plays it again; `-- --no-shrink` prints it as it was found, at once.

mod compare;
mod generate;
mod otp;
mod play;
mod scenario;
mod shrink;
mod stage;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

use hedgehog_tests::scenario::hush_intended_panics;
use libtest_mimic::{Arguments, Trial};
use parking_lot::Mutex;

use otp::Rule;
use play::{Difference, Played};

/// What a run without arguments plays.
const SEEDS: u64 = 1_000;
/// Seeds in one line of the test's output.
const BATCH: usize = 100;

fn main() -> ExitCode {
    let wanted = match Wanted::from_args(std::env::args()) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("model: {problem}");
            return ExitCode::FAILURE;
        }
    };
    hush_intended_panics();
    if let Some(seed) = wanted.seed {
        let trial = Trial::test(format!("seed {seed}"), move || {
            replay(seed, wanted.shrink).map_err(Into::into)
        });
        return libtest_mimic::run(&wanted.rest, vec![trial]).exit_code();
    }
    let shown = Arc::new(Mutex::new(Shown::default()));
    let batches = (0..wanted.seeds).step_by(BATCH);
    let trials = batches
        .map(|from| batch(from..wanted.seeds.min(from + BATCH as u64), wanted.shrink, &shown))
        .collect();
    let conclusion = libtest_mimic::run(&wanted.rest, trials);
    let shown = shown.lock();
    if shown.scenarios > 0 {
        println!("{shown}");
    }
    if shown.scenarios >= SEEDS && !shown.is_enough() {
        eprintln!("model: the scenarios show too little");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn batch(seeds: Range<u64>, shrink: bool, shown: &Arc<Mutex<Shown>>) -> Trial {
    let shown = Arc::clone(shown);
    Trial::test(format!("seeds {}..{}", seeds.start, seeds.end), move || {
        for seed in seeds {
            let played = play::seed(seed).map_err(|difference| report(seed, difference, shrink))?;
            shown.lock().add(&played);
        }
        Ok(())
    })
}

fn replay(seed: u64, shrink: bool) -> Result<(), String> {
    let played = play::seed(seed).map_err(|difference| report(seed, difference, shrink))?;
    for step in &played.steps {
        println!("{step}");
    }
    for entry in &played.history {
        println!("{entry}");
    }
    if let Some(tie) = played.cut {
        println!("cut short at {} ms, where two things happen at once", tie.at);
    }
    Ok(())
}

/// What to print about a seed that shows a difference.
fn report(seed: u64, difference: Difference, shrink: bool) -> String {
    let difference = if shrink { shrink::shrink(difference) } else { difference };
    format!(
        "{difference}\n\nplay it again: cargo test -p hedgehog-tests --no-default-features --test model -- --seed {seed}\n"
    )
}

/// What all scenarios together have shown.
#[derive(Default)]
struct Shown {
    scenarios: u64,
    steps: usize,
    entries: usize,
    cut: u64,
    rules: BTreeMap<Rule, usize>,
}

impl Shown {
    fn add(&mut self, played: &Played) {
        self.scenarios += 1;
        self.steps += played.steps.len();
        self.entries += played.history.len();
        self.cut += u64::from(played.cut.is_some());
        for (rule, times) in &played.rules {
            *self.rules.entry(*rule).or_default() += times;
        }
    }

    /// Scenarios that avoid a rule prove nothing about it.
    fn is_enough(&self) -> bool {
        self.cut * 4 < self.scenarios && Rule::ALL.iter().all(|rule| self.rules.contains_key(rule))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in Rule::ALL {
            let times = self.rules.get(&rule).copied().unwrap_or_default();
            writeln!(f, "{times:>9}  {rule:?}")?;
        }
        let Self {
            scenarios,
            steps,
            entries,
            cut,
            ..
        } = self;
        write!(
            f,
            "model: {scenarios} scenarios, {steps} deeds, {entries} events, {cut} cut short"
        )
    }
}

/// The command line: ours, and the rest for the test runner.
struct Wanted {
    seed: Option<u64>,
    seeds: u64,
    shrink: bool,
    rest: Arguments,
}

impl Wanted {
    fn from_args(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut seed, mut seeds, mut shrink, mut rest) = (None, SEEDS, true, Vec::new());
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
                value.parse().map_err(|_| format!("{arg} needs a number, not {value}"))
            };
            match arg.as_str() {
                "--seed" => seed = Some(number()?),
                "--seeds" => seeds = number()?,
                "--no-shrink" => shrink = false,
                _ => rest.push(arg),
            }
        }
        Ok(Self {
            seed,
            seeds,
            shrink,
            rest: Arguments::from_iter(rest),
        })
    }
}
