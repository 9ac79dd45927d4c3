//! The program is ended at random moments, in any way, with and without trouble, and nothing of it is lost or told wrong.
//!
//! After each end and a start that is given time: what is stored and what is told missing leave nothing out and do not overlap,
//! each order stands in its last state, and what was told at the end is so. `-- --ends 200` (or `HEDGEHOG_TEST_ENDS`) tries
//! more of them, `-- --seed N` the same ones again. Without PostgreSQL, or without the right to mount a small disk, the ends
//! that need it are reported as ignored.
//!
//! `bounds` are the times and the memory that are promised for such moments; `-- --large` adds those that take minutes, which
//! mean something with `--release` only.

mod bounds;
mod plan;
mod play;
mod stage;

use anyhow::{Context as _, Result};
use hedgehog_tests::disk::Disk;
use hedgehog_tests::postgres::Postgres;
use libtest_mimic::{Arguments, Completion, Trial};
use plan::{BackEnd, Plan, Trouble};
use std::process::ExitCode;
use std::sync::Arc;

/// In a run without arguments.
const ENDS: usize = 20;
/// Says how many, where no argument can be given.
const VARIABLE: &str = "HEDGEHOG_TEST_ENDS";
/// Ends that are played at the same time: mostly they wait.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let wanted = match Wanted::from_args(std::env::args()) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("ends: {problem:#}");
            return ExitCode::FAILURE;
        }
    };
    let Wanted {
        seed,
        ends,
        large,
        mut rest,
    } = wanted;
    rest.test_threads.get_or_insert(AT_ONCE);
    if !rest.list {
        println!("ends of seed {seed}: to have them again, add -- --seed {seed} --ends {ends}");
    }
    let postgres = Postgres::installed().map(Arc::new);
    let small_disk = Disk::available();
    let trials = plan::draw(seed, ends).into_iter().map(|plan| {
        let missing = needs(&plan, &postgres, &small_disk);
        let postgres = postgres.clone().ok();
        trial(plan, (seed, ends), postgres, missing)
    });
    let trials = trials.chain(bounds(&postgres, large)).collect();
    libtest_mimic::run(&rest, trials).exit_code()
}

/// The tests of what is promised for such moments.
fn bounds(postgres: &Result<Arc<Postgres>, String>, large: bool) -> Vec<Trial> {
    let plain = |name: &str, test: fn() -> Result<()>| {
        Trial::test(format!("bounds::{name}"), move || {
            test().map_err(|error| told(&error).into())
        })
    };
    let mut trials = vec![
        plain(
            "400_symbols_connect_in_time_and_nothing_is_missed",
            bounds::many_symbols,
        ),
        plain("a_million_trades_at_full_speed_take_little_memory", || {
            bounds::long_replay(1, 1)
        }),
    ];
    if large {
        trials.extend([
            plain("ten_million_trades_of_a_symbol", || bounds::long_replay(10, 1)),
            plain("ten_million_trades_of_twenty_symbols", || bounds::long_replay(10, 20)),
            plain("status_beside_twenty_million_rows", || {
                bounds::status_beside_many_rows(20_000_000)
            }),
        ]);
    }
    for (test, body) in [
        ("status_answers", bounds::status_answers as Bound),
        ("the_program_ends_in_time", bounds::ends_in_time),
    ] {
        let name = format!("bounds::{test}::sqlite::locked");
        trials.push(Trial::test(name, move || {
            body(Trouble::Locked, None).map_err(|error| told(&error).into())
        }));
        for trouble in [Trouble::Locked, Trouble::Stopped("fast"), Trouble::Suspended] {
            let postgres = postgres.clone();
            let name = format!("bounds::{test}::postgres::{trouble}");
            trials.push(Trial::ignorable_test(name, move || match postgres {
                Err(missing) => Ok(Completion::ignored_with(missing)),
                Ok(postgres) => match body(trouble, Some(&postgres)) {
                    Ok(()) => Ok(Completion::Completed),
                    Err(error) => Err(told(&error).into()),
                },
            }));
        }
    }
    trials
}

/// A test of a program that has its trouble.
type Bound = fn(Trouble, Option<&Postgres>) -> Result<()>;

/// The whole chain of an error, without where in this test it arose.
fn told(error: &anyhow::Error) -> String {
    let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
    chain.join("\nbecause: ")
}

/// What an end would need that is not here.
fn needs(plan: &Plan, postgres: &Result<Arc<Postgres>, String>, small_disk: &Result<(), String>) -> Option<String> {
    let server = (plan.back_end == BackEnd::Postgres).then(|| postgres.as_ref().err().cloned());
    let disk = (plan.trouble == Trouble::Full).then(|| small_disk.as_ref().err().cloned());
    server.flatten().or(disk.flatten())
}

fn trial(plan: Plan, (seed, ends): (u64, usize), postgres: Option<Arc<Postgres>>, missing: Option<String>) -> Trial {
    let name = plan.name();
    Trial::ignorable_test(name.clone(), move || {
        if let Some(missing) = missing {
            return Ok(Completion::ignored_with(missing));
        }
        let postgres = postgres.as_deref().filter(|_| plan.back_end == BackEnd::Postgres);
        match play::play(&plan, postgres) {
            Ok(()) => Ok(Completion::Completed),
            Err(error) => {
                let again = format!("cargo test -p hedgehog-tests --test ends -- --seed {seed} --ends {ends} {name}");
                Err(format!("{}\nto repeat: {again}", told(&error)).into())
            }
        }
    })
}

/// The command line.
struct Wanted {
    seed: u64,
    ends: usize,
    /// Whether what takes minutes is wanted too.
    large: bool,
    rest: Arguments,
}

impl Wanted {
    fn from_args(args: impl Iterator<Item = String>) -> Result<Self> {
        let mut ends = match std::env::var(VARIABLE) {
            Ok(ends) => ends
                .parse()
                .with_context(|| format!("{VARIABLE}={ends}: expected a number"))?,
            Err(_) => ENDS,
        };
        let mut seed = fastrand::u64(..1_000_000);
        let mut large = false;
        let mut rest = Vec::new();
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().with_context(|| format!("{arg} expects a number"))?;
                value
                    .parse::<u64>()
                    .with_context(|| format!("{arg} {value}: expected a number"))
            };
            match arg.as_str() {
                "--ends" => ends = number()? as usize,
                "--seed" => seed = number()?,
                "--large" => large = true,
                _ => rest.push(arg),
            }
        }
        Ok(Self {
            seed,
            ends,
            large,
            rest: Arguments::from_iter(rest),
        })
    }
}
