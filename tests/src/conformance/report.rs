//! What a run has shown, row by row: the table and the closing line.

use std::collections::BTreeMap;
use std::fmt;

use super::{Case, Portable, Row};

/// A run of all cases covers at least so many rows.
const FEWEST_COVERED: usize = 480;
/// Of the rows that carry over as they are, at most so many are different.
const MOST_DIFFERENT: usize = 10;

/// The rows together with the outcomes of the cases that name them.
#[derive(Debug)]
pub struct Report {
    rows: Vec<Row>,
    seen: BTreeMap<&'static str, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    passed: usize,
    failed: usize,
}

/// Where a row stands after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A case that names it ran, and every such case passed.
    Covered,
    /// hedgehog behaves otherwise on purpose.
    Different,
    /// Not covered in this run.
    Missing,
    /// Does not carry over.
    NotPortable,
}

impl Report {
    /// A report of a run that has not begun.
    pub fn new(rows: Vec<Row>) -> Self {
        Self {
            rows,
            seen: BTreeMap::new(),
        }
    }

    /// Notes the outcome of a case that names `rows`.
    pub fn record(&mut self, rows: &'static [&'static str], passed: bool) {
        for row in rows {
            let seen = self.seen.entry(row).or_default();
            *if passed { &mut seen.passed } else { &mut seen.failed } += 1;
        }
    }

    /// Forgets the rows that no case of this run has named, because a run of some cases says nothing about them.
    pub fn retain_seen(&mut self) {
        self.rows.retain(|row| self.seen.contains_key(row.id.as_str()));
    }

    /// What a run of all cases leaves to be desired, if anything.
    pub fn shortfall(&self) -> Option<String> {
        let [covered, missing] = [Standing::Covered, Standing::Missing].map(|standing| self.count(standing));
        let different = |row: &&Row| row.portable == Portable::Yes && row.different.is_some();
        let different = self.rows.iter().filter(different).count();
        if missing > 0 {
            Some(format!("{missing} rows are covered by no case that passed"))
        } else if different > MOST_DIFFERENT {
            Some(format!(
                "{different} rows are different that carry over as they are; at most {MOST_DIFFERENT} may be"
            ))
        } else if covered < FEWEST_COVERED {
            Some(format!(
                "{covered} rows are covered; at least {FEWEST_COVERED} have to be"
            ))
        } else {
            None
        }
    }

    fn count(&self, standing: Standing) -> usize {
        self.rows.iter().filter(|row| self.standing(row) == standing).count()
    }

    fn standing(&self, row: &Row) -> Standing {
        let shown = self
            .seen
            .get(row.id.as_str())
            .is_some_and(|seen| seen.passed > 0 && seen.failed == 0);
        match row.portable {
            _ if row.different.is_some() => Standing::Different,
            Portable::No => Standing::NotPortable,
            _ if shown => Standing::Covered,
            Portable::Yes | Portable::Adapt => Standing::Missing,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let standing = self.standing(row);
            write!(f, "{:<11}{:<14}", row.id, standing.word())?;
            match self.seen.get(row.id.as_str()) {
                Some(Seen { passed, failed: 0 }) => write!(f, "{:<12}", format!("{passed} passed"))?,
                Some(Seen { failed, .. }) => write!(f, "{:<12}", format!("{failed} failed"))?,
                None => write!(f, "{:<12}", "")?,
            }
            writeln!(f, "{}", row.title)?;
            if let Some(reason) = &row.different {
                writeln!(f, "{:<37}because {reason}", "")?;
            }
        }
        let [covered, different, missing] =
            [Standing::Covered, Standing::Different, Standing::Missing].map(|standing| self.count(standing));
        writeln!(
            f,
            "conformance: {covered} covered, {different} different, {missing} missing"
        )
    }
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Different => "different",
            Self::Missing => "MISSING",
            Self::NotPortable => "not portable",
        }
    }
}

/// What is wrong when a case names a row that the catalogue does not have, or that no case can show.
pub(super) fn unknown_row(rows: &[Row], cases: &[Case]) -> Option<String> {
    cases
        .iter()
        .flat_map(|case| case.rows().iter().map(move |id| (case, id)))
        .find_map(|(case, id)| match rows.iter().find(|row| row.id == **id) {
            None => Some(format!(
                "{} names {id}, which is no row of conformance/rows.csv",
                case.name()
            )),
            Some(row) if row.portable == Portable::No => {
                Some(format!("{} names {id}, which is not portable", case.name()))
            }
            Some(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::Clock;
    use super::*;

    fn row(id: &str, portable: Portable) -> Row {
        Row {
            id: id.to_owned(),
            portable,
            title: "a title".to_owned(),
            different: None,
        }
    }

    fn different(id: &str) -> Row {
        Row {
            different: Some("of Rust".to_owned()),
            ..row(id, Portable::Yes)
        }
    }

    fn closing(report: &Report) -> String {
        report.to_string().lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_closing_line_counts_the_rows_that_carry_over() {
        let rows = [
            row("SPEC-001", Portable::Yes),
            different("SPEC-002"),
            row("SPEC-003", Portable::Adapt),
            row("SPEC-004", Portable::No),
        ];
        let mut report = Report::new(rows.to_vec());
        assert_eq!(closing(&report), "conformance: 0 covered, 1 different, 2 missing");
        report.record(&["SPEC-001", "SPEC-003"], true);
        assert_eq!(closing(&report), "conformance: 2 covered, 1 different, 0 missing");
    }

    #[test]
    fn a_failed_case_uncovers_a_row_that_another_case_shows() {
        let mut report = Report::new(vec![row("SPEC-001", Portable::Yes)]);
        report.record(&["SPEC-001"], true);
        assert_eq!(closing(&report), "conformance: 1 covered, 0 different, 0 missing");
        report.record(&["SPEC-001"], false);
        assert_eq!(closing(&report), "conformance: 0 covered, 0 different, 1 missing");
        assert!(report.to_string().contains("1 failed"), "{report}");
    }

    #[test]
    fn what_is_missing_or_different_beyond_measure_is_a_shortfall() {
        let short = |rows: Vec<Row>| Report::new(rows).shortfall().unwrap_or_default();
        assert!(short(vec![row("SPEC-001", Portable::Yes)]).starts_with("1 rows are covered by no case"));
        let many = |count: usize| (0..count).map(|id| different(&id.to_string())).collect();
        assert!(short(many(MOST_DIFFERENT + 1)).starts_with("11 rows are different"));
        assert!(short(many(MOST_DIFFERENT)).starts_with("0 rows are covered; at least"));
    }

    #[test]
    fn a_run_of_some_cases_tells_only_of_their_rows() {
        let mut report = Report::new(vec![row("SPEC-001", Portable::Yes), row("SPEC-002", Portable::Yes)]);
        report.record(&["SPEC-002"], true);
        report.retain_seen();
        assert_eq!(closing(&report), "conformance: 1 covered, 0 different, 0 missing");
        assert!(!report.to_string().contains("SPEC-001"), "{report}");
    }

    #[test]
    fn a_case_that_names_an_unknown_row_is_told() {
        let case = Case::new("target::a", &["SPEC-001"], Clock::Paused, || Box::pin(async { None }));
        let cases = [case];
        assert_eq!(unknown_row(&[row("SPEC-001", Portable::Yes)], &cases), None);
        assert!(unknown_row(&[row("SPEC-002", Portable::Yes)], &cases).is_some_and(|text| text.contains("no row")));
        assert!(
            unknown_row(&[row("SPEC-001", Portable::No)], &cases).is_some_and(|text| text.contains("not portable"))
        );
    }
}
