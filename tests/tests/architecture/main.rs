//! Which way dependencies point in the library and in the program, read from their sources.
//!
//! Read in this order: [`library`] and [`program`], the rules of both crates and what breaks them today; [`rules`], what a rule is;
//! [`circles`]; [`debt`], why today's breaches may only become fewer. [`sources`], [`reading`] and [`resolving`] turn files into
//! arrows; `proofs` shows that each of them can fail.
//!
//! Not seen are methods, what a macro of another crate writes, and `main.rs`, which calls `cli::main` and nothing else.

mod circles;
mod debt;
mod library;
mod program;
mod proofs;
mod reading;
mod resolving;
mod rules;
mod sources;
mod syntax;

use std::sync::LazyLock;

use rules::House;
use sources::Sources;

/// Both crates with their rules, read once.
static HOUSES: LazyLock<[(&House, Sources); 2]> =
    LazyLock::new(|| [&library::HOUSE, &program::HOUSE].map(|house| (house, Sources::of(house.krate))));

/// Fails with everything that is wrong, not only with the first.
fn judge(judgement: impl Fn(&House, &Sources) -> Vec<String>) {
    let problems = HOUSES.iter().flat_map(|(house, sources)| judgement(house, sources));
    let problems: Vec<_> = problems.collect();
    let count = problems.len();
    assert!(problems.is_empty(), "{count} problems:\n\n{}\n", problems.join("\n\n"));
}

#[test]
fn every_module_stands_on_a_floor_and_every_rule_names_modules_that_exist() {
    judge(House::unplaced);
}

#[test]
fn no_arrow_breaks_a_rule_but_the_listed_ones() {
    judge(debt::arrows);
}

#[test]
fn no_circle_leads_through_folders_but_the_listed_ones() {
    judge(debt::circles);
}
