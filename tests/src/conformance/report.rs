//! What a run has shown, row by row: the table and the closing line.

use std::collections::BTreeMap;
use std::fmt;

use super::{Case, Due, Row};

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
    /// Due, and not covered in this run.
    Missing,
    /// Not built yet.
    Later,
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

    /// How many rows are due and not covered.
    pub fn missing(&self) -> usize {
        self.count(Standing::Missing)
    }

    fn count(&self, standing: Standing) -> usize {
        self.rows.iter().filter(|row| self.standing(row) == standing).count()
    }

    fn standing(&self, row: &Row) -> Standing {
        let shown = self
            .seen
            .get(row.id.as_str())
            .is_some_and(|seen| seen.passed > 0 && seen.failed == 0);
        match row.due {
            _ if row.different.is_some() => Standing::Different,
            Due::Never => Standing::NotPortable,
            _ if shown => Standing::Covered,
            Due::Now => Standing::Missing,
            Due::Later => Standing::Later,
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
            Self::Later => "later",
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
            Some(row) if row.due == Due::Never => Some(format!("{} names {id}, which is not portable", case.name())),
            Some(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Clock, Portable};
    use super::*;

    fn row(id: &str, due: Due) -> Row {
        let portable = if due == Due::Never { Portable::No } else { Portable::Yes };
        Row {
            id: id.to_owned(),
            portable,
            due,
            title: "a title".to_owned(),
            different: None,
        }
    }

    fn closing(report: &Report) -> String {
        report.to_string().lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_closing_line_counts_only_rows_that_are_due_or_shown() {
        let different = Row {
            different: Some("of Rust".to_owned()),
            ..row("SPEC-002", Due::Now)
        };
        let rows = [
            row("SPEC-001", Due::Now),
            different,
            row("SPEC-003", Due::Later),
            row("SPEC-004", Due::Never),
        ];
        let mut report = Report::new(rows.to_vec());
        assert_eq!(closing(&report), "conformance: 0 covered, 1 different, 1 missing");
        report.record(&["SPEC-001", "SPEC-003"], true);
        assert_eq!(closing(&report), "conformance: 2 covered, 1 different, 0 missing");
    }

    #[test]
    fn a_failed_case_uncovers_a_row_that_another_case_shows() {
        let mut report = Report::new(vec![row("SPEC-001", Due::Now)]);
        report.record(&["SPEC-001"], true);
        assert_eq!(report.missing(), 0);
        report.record(&["SPEC-001"], false);
        assert_eq!(report.missing(), 1);
        assert!(report.to_string().contains("1 failed"), "{report}");
    }

    #[test]
    fn a_run_of_some_cases_tells_only_of_their_rows() {
        let mut report = Report::new(vec![row("SPEC-001", Due::Now), row("SPEC-002", Due::Now)]);
        report.record(&["SPEC-002"], true);
        report.retain_seen();
        assert_eq!(closing(&report), "conformance: 1 covered, 0 different, 0 missing");
        assert!(!report.to_string().contains("SPEC-001"), "{report}");
    }

    #[test]
    fn a_case_that_names_an_unknown_row_is_told() {
        let case = Case::new("target::a", &["SPEC-001"], Clock::Paused, || Box::pin(async { None }));
        let cases = [case];
        assert_eq!(unknown_row(&[row("SPEC-001", Due::Now)], &cases), None);
        assert!(unknown_row(&[row("SPEC-002", Due::Now)], &cases).is_some_and(|text| text.contains("no row")));
        assert!(unknown_row(&[row("SPEC-001", Due::Never)], &cases).is_some_and(|text| text.contains("not portable")));
    }
}
