//! The rows that hedgehog is measured by, read from `conformance/rows.csv` and `conformance/different.csv`.
//!
//! Both files are compiled in; what is wrong in them is a defect of this repository and panics when a test target starts.

use std::collections::BTreeMap;

use serde::Deserialize;

const ROWS: &str = include_str!("../../conformance/rows.csv");
const DIFFERENT: &str = include_str!("../../conformance/different.csv");

/// One behaviour of OTP or Elixir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The id, such as `SPEC-003`.
    pub id: String,
    /// How it carries over to Rust.
    pub portable: Portable,
    /// What it is about, in a few words.
    pub title: String,
    /// Why hedgehog behaves otherwise on purpose, if it does.
    pub different: Option<String>,
}

/// How a behaviour carries over to Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Portable {
    /// As it is.
    Yes,
    /// In its intent.
    Adapt,
    /// Not at all: there is nothing in Rust that it could be about.
    No,
}

/// All rows, in the order of the file.
///
/// # Panics
///
/// When one of the files breaks its own rules: unknown words, an id twice, a difference of no row or of one that is not portable.
pub fn catalogue() -> Vec<Row> {
    read(ROWS, DIFFERENT).unwrap_or_else(|problem| panic!("conformance/*.csv: {problem}"))
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    portable: Portable,
    title: String,
}

#[derive(Deserialize)]
struct Difference {
    id: String,
    reason: String,
}

fn read(rows: &str, different: &str) -> Result<Vec<Row>, String> {
    let mut reasons = BTreeMap::new();
    for difference in csv::Reader::from_reader(different.as_bytes()).deserialize() {
        let Difference { id, reason } = difference.map_err(|error| error.to_string())?;
        if reasons.insert(id.clone(), reason).is_some() {
            return Err(format!("{id} differs twice"));
        }
    }
    let mut read: Vec<Row> = Vec::new();
    for listed in csv::Reader::from_reader(rows.as_bytes()).deserialize() {
        let Listed { id, portable, title } = listed.map_err(|error| error.to_string())?;
        if read.iter().any(|row| row.id == id) {
            return Err(format!("{id} is listed twice"));
        }
        let different = reasons.remove(&id);
        if different.is_some() && portable == Portable::No {
            return Err(format!("{id} differs, and is not portable"));
        }
        read.push(Row {
            id,
            portable,
            title,
            different,
        });
    }
    match reasons.pop_first() {
        Some((id, _)) => Err(format!("{id} differs, and is no row")),
        None => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id,portable,title\n";

    #[test]
    fn the_files_of_the_repository_are_sound() {
        let rows = catalogue();
        let portable = |portable| rows.iter().filter(|row| row.portable == portable).count();
        // As many as OTP's and Elixir's suites have, left out none.
        assert_eq!(
            [Portable::Yes, Portable::Adapt, Portable::No].map(portable),
            [357, 195, 95]
        );
    }

    #[test]
    fn a_difference_is_joined_to_its_row() {
        let rows = read(&format!("{HEAD}SPEC-001,yes,a\n"), "id,reason\nSPEC-001,because\n").expect("sound files");
        assert_eq!(rows[0].different.as_deref(), Some("because"));
    }

    #[test]
    fn files_that_break_their_rules_are_refused() {
        let refusal = |rows: &str, different: &str| {
            read(&format!("{HEAD}{rows}"), &format!("id,reason\n{different}")).expect_err("these files must be refused")
        };
        assert_eq!(
            refusal("SPEC-001,yes,a\nSPEC-001,yes,b\n", ""),
            "SPEC-001 is listed twice"
        );
        assert!(refusal("SPEC-001,maybe,a\n", "").contains("maybe"));
        assert_eq!(
            refusal("SPEC-001,no,a\n", "SPEC-001,because\n"),
            "SPEC-001 differs, and is not portable"
        );
        assert_eq!(refusal("", "SPEC-009,because\n"), "SPEC-009 differs, and is no row");
    }
}
