//! What was measured of one contender in one case, and the line of JSON that says so.

use serde::{Deserialize, Serialize};

use crate::family::{Family, Measure, Role};

#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) family: &'static str,
    pub(super) measure: Measure,
    pub(super) case: String,
    pub(super) n: usize,
    pub(super) contender: String,
    pub(super) role: Role,
    /// What one unit of the family costs.
    pub(super) median: f64,
    /// Of the samples.
    pub(super) quartiles: [f64; 2],
    /// The share of units that should have happened and did not: 0 to 1.
    pub(super) lost: f64,
    /// How many times as much as the best contender that loses nothing; for a floor, less than 1 mostly.
    pub(super) ratio_to_best: f64,
}

/// How the names of floors begin: a line does not say otherwise who is one.
const FLOOR: &str = "floor-";

/// A figure as programs read it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) family: String,
    pub(super) case: String,
    pub(super) n: usize,
    pub(super) contender: String,
    #[serde(flatten)]
    median: Median,
    #[serde(default, skip_deserializing)]
    ratio_to_best: f64,
    lost: f64,
    quartiles: [f64; 2],
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Median {
    #[serde(rename = "median_ns")]
    Time(f64),
    #[serde(rename = "bytes")]
    Memory(f64),
}

impl Figure {
    pub(super) fn line(&self) -> Line {
        Line {
            family: self.family.to_owned(),
            case: self.case.clone(),
            n: self.n,
            contender: self.contender.clone(),
            median: match self.measure {
                Measure::Time => Median::Time(self.median),
                Measure::Memory => Median::Memory(self.median),
            },
            ratio_to_best: self.ratio_to_best,
            lost: self.lost,
            quartiles: self.quartiles,
        }
    }

    /// What `line` says about `family`, not compared to anything yet.
    pub(super) fn of(family: &Family, line: Line) -> Self {
        let (Median::Time(median) | Median::Memory(median)) = line.median;
        Self {
            family: family.name,
            measure: family.measure,
            case: line.case,
            n: line.n,
            role: if line.contender.starts_with(FLOOR) {
                Role::Floor
            } else {
                Role::Contender
            },
            contender: line.contender,
            median,
            quartiles: line.quartiles,
            lost: line.lost,
            ratio_to_best: f64::NAN,
        }
    }
}

/// Each once, in the order in which they come first.
pub(super) fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_it_measures() {
        let line = r#"{"family":"memory","case":"named","n":10,"contender":"elixir","bytes":4200.0,"lost":0.0,"quartiles":[1.0,2.0]}"#;
        let family = crate::FAMILIES.iter().find(|family| family.measure == Measure::Memory);
        let read = Figure::of(
            family.expect("memory is one"),
            serde_json::from_str(line).expect("a line"),
        );
        let written = serde_json::to_value(read.line()).expect("plain data");
        assert_eq!((&written["bytes"], written.get("median_ns")), (&4200.0.into(), None));
    }
}
