//! Columns of text, each as wide as its widest cell.

use std::fmt;

/// A header and its rows.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(header: [&str; N]) -> Self {
        Self {
            rows: vec![header.map(str::to_owned)],
        }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; N] = std::array::from_fn(|column| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        });
        for row in &self.rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// How long something took or has lasted, to two units.
pub(super) fn duration(of: std::time::Duration) -> String {
    let seconds = of.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn columns_line_up_and_lines_have_no_trailing_blanks() {
        let mut table = Table::new(["SYMBOL", "N"]);
        table.row(["BTC".to_owned(), "10 204".to_owned()]);
        assert_eq!(table.to_string(), "SYMBOL  N\nBTC     10 204\n");
    }

    #[test]
    fn a_duration_keeps_two_units() {
        let texts = [59, 61, 3_661, 90_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(texts, ["59s", "1m 1s", "1h 1m", "1d 1h"]);
    }
}
