//! The report: every family, its contenders interleaved, as `REPORT.md` with a plot each, or as JSON lines.

mod beam;
mod figure;
mod machine;
mod markdown;
mod measure;
mod plot;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::family::Family;
use crate::memory::Weigh;
use crate::{FAMILIES, memory};
use figure::{Figure, Line};
use measure::Effort;

/// Measures every family and writes benches/REPORT.md, with a plot for each, and README's table.
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
    /// Measures nothing, and writes the report of what an earlier run printed with `--json`, on this machine.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "family", "quick", "no_beam"])]
    from: Option<PathBuf>,
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
    if let Some(file) = &options.from {
        let lines =
            fs::read_to_string(file).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
        let sections = recorded(&lines)?;
        return write(&markdown::report(&sections), &sections);
    }
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

/// The figures that `lines` tell of, by family.
fn recorded(lines: &str) -> io::Result<Vec<(&'static Family, Vec<Figure>)>> {
    let mut sections: Vec<_> = FAMILIES.iter().map(|family| (family, Vec::new())).collect();
    for text in lines.lines() {
        let line: Line = serde_json::from_str(text).map_err(|error| io::Error::other(format!("{error}: {text}")))?;
        let section = sections.iter_mut().find(|(family, _)| family.name == line.family);
        let Some((family, figures)) = section else {
            return Err(io::Error::other(format!("there is no family {:?}", line.family)));
        };
        figures.push(Figure::of(family, line));
    }
    for (_, figures) in &mut sections {
        figures
            .chunk_by_mut(|one, next| (&one.case, one.n) == (&next.case, next.n))
            .for_each(measure::compare);
    }
    sections.retain(|(_, figures)| !figures.is_empty());
    Ok(sections)
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
    let headline = sections
        .iter()
        .find_map(|(family, figures)| markdown::headline(family, figures));
    if let Some(headline) = headline {
        let readme = folder.join("../README.md");
        let text = fs::read_to_string(&readme)?;
        fs::write(&readme, between_marks(&text, &headline)?)?;
    }
    eprintln!(
        "written: {}, its plots, and README's table",
        folder.join("REPORT.md").display()
    );
    Ok(())
}

/// Where README's table begins and ends.
const MARKS: [&str; 2] = [
    "<!-- written by `cargo bench --bench report` -->\n",
    "<!-- until here -->\n",
];

fn between_marks(text: &str, table: &str) -> io::Result<String> {
    let [begin, end] = MARKS;
    let found = text
        .split_once(begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    match found {
        Some((before, after)) => Ok(format!("{before}{begin}\n{table}\n{end}{after}")),
        None => Err(io::Error::other(format!(
            "README.md has no place for the table: it lacks {:?} or, after it, {:?}",
            begin.trim(),
            end.trim()
        ))),
    }
}

/// Says what is being measured, while a person watches.
fn progress(what: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let [begin, end] = MARKS;
        let text = format!("before\n{begin}old\n{end}after\n");
        let written = between_marks(&text, "new\n").expect("both marks are there");
        assert_eq!(written, format!("before\n{begin}\nnew\n\n{end}after\n"));
        assert_eq!(between_marks(&written, "new\n").expect("still there"), written);
        let refused = between_marks("no marks", "new\n").expect_err("no place");
        assert!(refused.to_string().contains("<!-- until here -->"), "{refused}");
    }

    #[test]
    fn the_readme_shows_what_the_report_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |file: &str| fs::read_to_string(folder.join(file)).expect("it is part of the repository");
        let (readme, report) = (read("../README.md"), read("REPORT.md"));
        let (_, rest) = readme.split_once(MARKS[0]).expect("README has a place for the table");
        let (table, _) = rest.split_once(MARKS[1]).expect("and an end of it");
        assert!(
            report.contains(table.trim()),
            "README and REPORT.md were written by different runs"
        );
    }
}
