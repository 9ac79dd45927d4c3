//! The report: every family, its contenders interleaved, as `REPORT.md` with a plot each, or as JSON lines.

mod beam;
mod figure;
mod machine;
mod markdown;
mod measure;
mod plot;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::family::Family;
use crate::memory::Weigh;
use crate::{FAMILIES, memory};
use figure::Figure;
use measure::Effort;

/// Measures every family and writes benches/REPORT.md, with a plot for each.
#[derive(Parser)]
#[command(name = "report")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// One JSON object a line on standard output, and nothing written.
    #[arg(long)]
    json: bool,
    /// Only this family (may be repeated). Implies that nothing is written.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(FAMILIES.iter().map(|family| family.name)))]
    family: Vec<String>,
    /// Fewer and shorter samples: a family in under a minute. Leaves out supervisors of 100 000 children.
    #[arg(long)]
    quick: bool,
    /// Without Elixir, also where it is installed.
    #[arg(long)]
    no_beam: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    /// What the report starts itself as, to weigh children in a process of their own.
    #[command(subcommand)]
    weigh: Option<Weigh>,
}

/// The whole of the report's command.
#[must_use]
pub fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(weigh) = options.weigh {
        return memory::weigh(&weigh);
    }
    match report(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the report could not be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(options: &Options) -> io::Result<()> {
    let chosen = |family: &&Family| options.family.is_empty() || options.family.iter().any(|name| name == family.name);
    let mut sections = Vec::new();
    for family in FAMILIES.iter().filter(chosen) {
        sections.push((family, measured(family, options)?));
    }
    progress("");
    if options.json {
        return Ok(());
    }
    let text = markdown::report(&sections);
    if !options.family.is_empty() || options.quick {
        return writeln!(io::stdout(), "{text}");
    }
    write(&text, &sections)
}

/// Figures of the same case and size stand together.
fn measured(family: &Family, options: &Options) -> io::Result<Vec<Figure>> {
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    // First and not in between: a virtual machine that idles is not quite idle.
    let mut beside = if options.no_beam {
        Vec::new()
    } else {
        beam::figures(family, options.quick)
    };
    let mut figures = Vec::new();
    for case in (family.cases)() {
        if case.long && !effort.long_cases {
            progress("");
            eprintln!("left out of a quick run: {} {} {}", family.name, case.name, case.n);
            continue;
        }
        let mut of_case = measure::case(family, &case, effort);
        of_case.extend(beside.extract_if(.., |figure| figure.case == case.name && figure.n == case.n));
        measure::compare(&mut of_case);
        if options.json {
            print(&of_case)?;
        }
        figures.extend(of_case);
    }
    Ok(figures)
}

fn print(figures: &[Figure]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for figure in figures {
        serde_json::to_writer(&mut out, &figure.line())?;
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
