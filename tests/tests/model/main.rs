//! hedgehog against a model of OTP: random trees under random deeds, compared step by step.
//!
//! `cargo test -p hedgehog-tests --test model` plays 1 000 scenarios, `-- --seeds 100000` as many as wanted, and `-- --seed 4711`
//! one, with everything that was done and seen. A scenario that shows a difference is made as short as it gets and printed
//! with the command that plays it again.

mod compare;
mod generate;
mod otp;
mod play;
mod scenario;
mod shrink;
mod stage;

use std::process::ExitCode;

use hedgehog_tests::scenario::hush_intended_panics;
use libtest_mimic::{Arguments, Trial};

/// What a run without arguments plays.
const SEEDS: u64 = 1_000;
/// Seeds in one line of the test's output.
const BATCH: u64 = 100;

fn main() -> ExitCode {
    let wanted = match Wanted::from_args(std::env::args()) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("model: {problem}");
            return ExitCode::FAILURE;
        }
    };
    hush_intended_panics();
    let trials = match wanted.seed {
        Some(seed) => vec![Trial::test(format!("seed {seed}"), move || {
            replay(seed).map_err(Into::into)
        })],
        None => (0..wanted.seeds.div_ceil(BATCH))
            .map(|batch| batch_of(batch, wanted.seeds))
            .collect(),
    };
    libtest_mimic::run(&wanted.rest, trials).exit_code()
}

fn batch_of(batch: u64, seeds: u64) -> Trial {
    let (from, to) = (batch * BATCH, seeds.min((batch + 1) * BATCH));
    Trial::test(format!("seeds {from}..{to}"), move || {
        let (mut entries, mut cut) = (0, 0);
        for seed in from..to {
            let played = play::seed(seed).map_err(|difference| shrink::report(seed, difference))?;
            entries += played.entries;
            cut += u64::from(played.cut.is_some());
        }
        // Seeds that show nothing would be worse than fewer seeds.
        if entries < 50 * (to - from) as usize || cut * 4 > to - from {
            return Err(format!("the scenarios show too little: {entries} entries, {cut} cut short").into());
        }
        Ok(())
    })
}

fn replay(seed: u64) -> Result<(), String> {
    let played = play::seed(seed).map_err(|difference| {
        println!("{difference}");
        shrink::report(seed, difference)
    })?;
    for step in &played.steps {
        println!("{step}");
    }
    println!("{} steps, {} entries", played.steps.len(), played.entries);
    if let Some(tie) = played.cut {
        println!("cut short at {} ms, where two things happen at once", tie.at);
    }
    Ok(())
}

/// The command line: ours, and the rest for the test runner.
struct Wanted {
    seed: Option<u64>,
    seeds: u64,
    rest: Arguments,
}

impl Wanted {
    fn from_args(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut seed, mut seeds, mut rest) = (None, SEEDS, Vec::new());
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
                value.parse().map_err(|_| format!("{arg} needs a number, not {value}"))
            };
            match arg.as_str() {
                "--seed" => seed = Some(number()?),
                "--seeds" => seeds = number()?,
                _ => rest.push(arg),
            }
        }
        Ok(Self {
            seed,
            seeds,
            rest: Arguments::from_iter(rest),
        })
    }
}
