//! The figures of a family as an SVG: a panel for every case, both axes logarithmic, a line for every contender.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::figure::{Figure, distinct};
use super::markdown::{grouped, short};
use crate::family::{Family, Role};

const PANEL: (f64, f64) = (380.0, 300.0);
const MARGIN: (f64, f64) = (80.0, 40.0);
const LEGEND: f64 = 170.0;
/// Told apart by readers who do not see all colours; the first is hedgehog's.
const COLOURS: [&str; 12] = [
    "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b6f00", "#555555", "#332288", "#882255",
    "#44aa99", "#000000",
];
/// Panels of a row.
const COLUMNS: usize = 3;

pub(super) fn svg(family: &Family, figures: &[Figure]) -> String {
    let cases = distinct(figures.iter().map(|figure| figure.case.as_str()));
    let contenders = distinct(figures.iter().map(|figure| (figure.contender.as_str(), figure.role)));
    let columns = cases.len().min(COLUMNS);
    let (panels, height) = (PANEL.0 * columns as f64, PANEL.1 * cases.len().div_ceil(COLUMNS) as f64);
    let width = panels + LEGEND;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let scale = Scale::of(figures);
    for (at, case) in cases.iter().enumerate() {
        let of_case: Vec<&Figure> = figures.iter().filter(|figure| figure.case == *case).collect();
        let _ = writeln!(
            out,
            "<g transform=\"translate({} {})\">",
            PANEL.0 * (at % COLUMNS) as f64,
            PANEL.1 * (at / COLUMNS) as f64
        );
        panel(&mut out, family, case, &of_case, &contenders, &scale);
        out.push_str("</g>\n");
    }
    legend(&mut out, panels, &contenders);
    out.push_str("</svg>\n");
    out
}

/// From figures to places within a panel.
struct Scale {
    x: (f64, f64),
    y: (f64, f64),
    sizes: BTreeSet<usize>,
}

impl Scale {
    fn of(figures: &[Figure]) -> Self {
        let sizes: BTreeSet<usize> = figures.iter().map(|figure| figure.n).collect();
        let log = |value: f64| value.max(0.01).log10();
        let shown = || {
            figures
                .iter()
                .filter(|figure| figure.lost == 0.0)
                .map(|figure| log(figure.median))
        };
        let low = shown().fold(f64::INFINITY, f64::min).floor();
        let high = shown().fold(f64::NEG_INFINITY, f64::max).ceil();
        let x = |size: Option<&usize>| size.map_or(0.0, |size| (*size as f64).max(1.0).log10());
        Self {
            x: (x(sizes.first()), x(sizes.last())),
            y: (low, high.max(low + 1.0)),
            sizes,
        }
    }

    fn x(&self, n: usize) -> f64 {
        let (low, high) = self.x;
        let share = if high > low {
            ((n as f64).max(1.0).log10() - low) / (high - low)
        } else {
            0.5
        };
        MARGIN.0 + share * (PANEL.0 - MARGIN.0 - 20.0)
    }

    fn y(&self, ns: f64) -> f64 {
        let (low, high) = self.y;
        PANEL.1 - MARGIN.1 - (ns.max(0.01).log10() - low) / (high - low) * (PANEL.1 - 2.0 * MARGIN.1)
    }
}

fn panel(
    out: &mut String,
    family: &Family,
    case: &str,
    figures: &[&Figure],
    contenders: &[(&str, Role)],
    scale: &Scale,
) {
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"20\" font-weight=\"bold\">{case}: {} per {}, by N</text>",
        MARGIN.0,
        family.measure.unit(),
        family.unit
    );
    for power in scale.y.0 as i32..=scale.y.1 as i32 {
        let (value, y) = (10f64.powi(power), scale.y(10f64.powi(power)));
        let _ = writeln!(
            out,
            "<line x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            MARGIN.0,
            PANEL.0 - 20.0,
            MARGIN.0 - 6.0,
            y + 4.0,
            short(value),
        );
    }
    for n in &scale.sizes {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            scale.x(*n),
            PANEL.1 - MARGIN.1 + 16.0,
            grouped(*n)
        );
    }
    // The first one on top.
    for (at, (contender, role)) in contenders.iter().enumerate().rev() {
        let mut points = String::new();
        for figure in figures {
            if figure.contender == *contender && figure.lost == 0.0 {
                let (x, y) = (scale.x(figure.n), scale.y(figure.median));
                let _ = write!(points, "{x:.1},{y:.1} ");
                let _ = writeln!(
                    out,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{}\"/>",
                    colour(at)
                );
            }
        }
        if !points.is_empty() {
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" {}/>",
                points.trim_end(),
                stroke(at, *role)
            );
        }
    }
}

fn legend(out: &mut String, left: f64, contenders: &[(&str, Role)]) {
    for (at, (contender, role)) in contenders.iter().enumerate() {
        let y = MARGIN.1 + at as f64 * 18.0;
        let _ = writeln!(
            out,
            "<polyline points=\"{left},{y} {},{y}\" {}/><text x=\"{}\" y=\"{}\">{contender}</text>",
            left + 22.0,
            stroke(at, *role),
            left + 28.0,
            y + 4.0,
        );
    }
}

fn stroke(at: usize, role: Role) -> String {
    let dashes = match role {
        Role::Contender => "",
        Role::Floor => " stroke-dasharray=\"4 3\"",
    };
    let width = if at == 0 { 2.5 } else { 1.5 };
    format!(
        "fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"{dashes}",
        colour(at)
    )
}

fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}
