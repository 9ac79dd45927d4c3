//! Reads the program's databases from outside, as a stranger with a plain SQLite would.

use anyhow::{Context, Result};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use std::path::Path;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// Opens a database as a stranger does, to write what the program would not, or to hold it shut.
pub fn open(file: &Path) -> Result<SqliteConnection> {
    let url = format!("file:{}?mode=rw", file.display());
    SqliteConnection::establish(&url).with_context(|| url.clone())
}

const SEPARATOR: char = '\u{1f}';

/// The rows of a `SELECT`, each value as text; `NULL` is an empty text.
///
/// `columns` and `rest` make `SELECT columns rest`: the columns are joined by SQLite itself, so that any type can be read.
pub fn select(file: &Path, columns: &[&str], rest: &str) -> Result<Vec<Vec<String>>> {
    let url = format!("file:{}?mode=ro", file.display());
    let mut connection = SqliteConnection::establish(&url).with_context(|| url.clone())?;
    let joined: Vec<_> = columns
        .iter()
        .map(|column| format!("ifnull(cast({column} as text), '')"))
        .collect();
    let sql = format!(
        "SELECT {} AS line {rest}",
        joined.join(&format!(" || char({}) || ", SEPARATOR as u32))
    );
    let lines: Vec<Line> = diesel::sql_query(&sql)
        .load(&mut connection)
        .with_context(|| sql.clone())?;
    Ok(lines
        .into_iter()
        .map(|l| l.line.unwrap_or_default().split(SEPARATOR).map(str::to_owned).collect())
        .collect())
}
