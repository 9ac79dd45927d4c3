//! The figures as Markdown: for every case a table of contenders by size.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::figure::{Figure, distinct};
use super::machine;
use crate::family::{Family, Role};

const HEAD: &str = "# What it costs, here and elsewhere

Written by `cargo bench --bench report`, never by hand. Every figure is the median of up to 11 samples, in nanoseconds for one
unit; the contenders of a case run in one process, one sample of each in turn, each after it has run unmeasured for a while. *×*
is the ratio to the best contender that loses nothing; small figures are the quartiles of the samples; what stands in italics
does less than the work and is a floor: its *×* is the share of the best figure that nobody can save. Ratios carry over to other
machines, nanoseconds do not.

`elixir` runs the same workload in its own virtual machine with two schedulers, `elixir-1` with one (`benches/beam/`), before the
others of its family. Two processes cannot be interleaved: compare with it by the size of a difference, not by its tenths.
";

/// What the headline compares: cases and sizes of the family `fan_out`, as its columns.
const HEADLINE: [(&str, usize); 6] = [
    ("burst", 100),
    ("burst", 1_000),
    ("ticks", 100),
    ("ticks", 1_000),
    ("paced", 100),
    ("paced", 1_000),
];

pub(super) fn report(sections: &[(&Family, Vec<Figure>)]) -> String {
    let mut text = format!("{HEAD}\n{}\n", machine::description());
    for (family, figures) in sections {
        if let Some(table) = headline(family, figures) {
            let _ = write!(text, "\n## In short\n\n{table}");
        }
    }
    for (family, figures) in sections {
        section(&mut text, family, figures);
    }
    text
}

/// One event into N tasks, here and elsewhere: what the README shows, too. `None` of other families.
pub(super) fn headline(family: &Family, figures: &[Figure]) -> Option<String> {
    if family.name != crate::fan_out::FAN_OUT.name {
        return None;
    }
    let of = |contender: &str, (case, n): (&str, usize)| {
        let mut all = figures.iter();
        all.find(|figure| figure.contender == contender && figure.case == case && figure.n == n)
    };
    let mut table = String::from("| one event into N tasks |");
    for (case, n) in HEADLINE {
        let _ = write!(table, " {case}, N = {} |", grouped(n));
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(HEADLINE.len()));
    for (contender, role) in distinct(figures.iter().map(|figure| (figure.contender.as_str(), figure.role))) {
        if role == Role::Floor {
            continue;
        }
        let _ = write!(table, "\n| {contender} |");
        for column in HEADLINE {
            let cell = match (of(contender, column), of(OURS, column)) {
                (Some(figure), _) if contender == OURS => format!("{} ns", short(figure.median)),
                (Some(figure), _) if figure.lost > 0.0 => format!("loses {:.0} %", figure.lost * 100.0),
                (Some(figure), Some(ours)) => format!("{}×", factor(figure.median / ours.median)),
                _ => String::new(),
            };
            let _ = write!(table, " {cell} |");
        }
    }
    table.push('\n');
    Some(table)
}

const OURS: &str = "hedgehog";

/// Two digits that say something, or all before the point.
fn factor(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.1}")
    } else {
        grouped(value.round() as usize)
    }
}

fn section(text: &mut String, family: &Family, figures: &[Figure]) {
    let _ = write!(
        text,
        "\n## {}\n\n{}\n\n![{0}](plots/{0}.svg)\n",
        family.name, family.about
    );
    for case in distinct(figures.iter().map(|figure| figure.case.as_str())) {
        let of_case: Vec<&Figure> = figures.iter().filter(|figure| figure.case == case).collect();
        table(text, family, case, &of_case);
    }
}

fn table(text: &mut String, family: &Family, case: &str, figures: &[&Figure]) {
    let sizes: BTreeSet<usize> = figures.iter().map(|figure| figure.n).collect();
    let contenders = distinct(figures.iter().map(|figure| (figure.contender.as_str(), figure.role)));
    let unit = family.measure.unit();
    let _ = write!(text, "\n**{case}**, {unit} per {}\n\n| |", family.unit);
    for n in &sizes {
        let _ = write!(text, " N = {} |", grouped(*n));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(sizes.len()));
    for (contender, role) in contenders {
        let name = match role {
            Role::Contender => contender.to_owned(),
            Role::Floor => format!("*{contender}*"),
        };
        let _ = write!(text, "\n| {name} |");
        for n in &sizes {
            let figure = figures
                .iter()
                .find(|figure| figure.n == *n && figure.contender == contender);
            let _ = write!(text, " {} |", figure.map_or_else(String::new, |figure| cell(figure)));
        }
    }
    text.push('\n');
}

fn cell(figure: &Figure) -> String {
    if figure.lost > 0.0 {
        return format!("loses {:.0} %", figure.lost * 100.0);
    }
    let [low, high] = figure.quartiles;
    format!(
        "{} ({}×) <sub>{}–{}</sub>",
        short(figure.median),
        short(figure.ratio_to_best),
        short(low),
        short(high)
    )
}

/// Three digits that say something, or all before the point.
pub(super) fn short(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => grouped(value.round() as usize),
    }
}

pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_what_says_something() {
        assert_eq!(
            [0.123, 9.876, 12.34, 123.4, 1_234_567.0].map(short),
            ["0.12", "9.88", "12.3", "123", "1 234 567"]
        );
    }
}
