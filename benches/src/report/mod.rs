//! The report: every family, its contenders interleaved, as `REPORT.md` with a plot each, or as JSON lines.

mod machine;
mod markdown;
mod measure;
mod plot;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::FAMILIES;
use crate::family::{Family, Role};
use measure::Effort;

/// Measures every family and writes benches/REPORT.md, with a plot for each.
#[derive(Parser)]
#[command(name = "report")]
struct Options {
    /// One JSON object a line on standard output, and nothing written.
    #[arg(long)]
    json: bool,
    /// Only this family (may be repeated). Implies that nothing is written.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(FAMILIES.iter().map(|family| family.name)))]
    family: Vec<String>,
    /// Fewer and shorter samples: a family in under a minute.
    #[arg(long)]
    quick: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was measured of one contender in one case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) family: &'static str,
    pub(crate) case: &'static str,
    pub(crate) n: usize,
    pub(crate) contender: String,
    /// Nanoseconds for one unit of the family.
    pub(crate) median_ns: f64,
    /// How many times as long as the best contender that loses nothing; for a floor, less than 1 mostly.
    pub(crate) ratio_to_best: f64,
    /// The share of units that should have happened and did not: 0 to 1.
    pub(crate) lost: f64,
    /// The quartiles of the samples.
    #[serde(skip)]
    pub(crate) quartiles: (f64, f64),
    #[serde(skip)]
    pub(crate) role: Role,
}

/// The whole of the report's command.
#[must_use]
pub fn main() -> ExitCode {
    let options = Options::parse();
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let chosen = |family: &&Family| options.family.is_empty() || options.family.iter().any(|name| name == family.name);
    let mut sections = Vec::new();
    for family in FAMILIES.iter().filter(chosen) {
        let mut figures = Vec::new();
        for case in (family.cases)() {
            progress(&format!("{} {} {}", family.name, case.name, case.n));
            let measured = measure::case(family, &case, effort);
            if options.json && print(&measured).is_err() {
                return ExitCode::FAILURE;
            }
            figures.extend(measured);
        }
        sections.push((family, figures));
    }
    progress("");
    if options.json {
        return ExitCode::SUCCESS;
    }
    let text = markdown::report(&sections);
    if !options.family.is_empty() || options.quick {
        println!("{text}");
        return ExitCode::SUCCESS;
    }
    match write(&text, &sections) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the report could not be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(figures: &[Figure]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for figure in figures {
        serde_json::to_writer(&mut out, figure)?;
        writeln!(out)?;
    }
    out.flush()
}

fn write(text: &str, sections: &[(&Family, Vec<Figure>)]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder.join("plots"))?;
    for (family, figures) in sections {
        fs::write(
            folder.join("plots").join(format!("{}.svg", family.name)),
            plot::svg(family, figures),
        )?;
    }
    fs::write(folder.join("REPORT.md"), text)?;
    eprintln!("written: {}", folder.join("REPORT.md").display());
    Ok(())
}

/// Says what is being measured, while a person watches.
fn progress(what: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}
