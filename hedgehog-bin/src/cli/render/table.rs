//! Columns of text that fit a terminal: what is wider is made narrower, and what matters least is left out.

use super::text::{Side, cut, cut_front, pad, width};

const BETWEEN: &str = "  ";

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    header: &'static str,
    side: Side,
    /// The column with the highest rank is left out first; one of rank 0 never.
    rank: u8,
    /// How narrow it may become before a column is left out, and on which side it is cut.
    narrowest: Option<(usize, Side)>,
}

impl Column {
    /// Words.
    pub(super) fn words(header: &'static str) -> Self {
        Self {
            header,
            side: Side::Left,
            rank: 0,
            narrowest: None,
        }
    }

    /// Numbers.
    pub(super) fn numbers(header: &'static str) -> Self {
        Self {
            side: Side::Right,
            ..Self::words(header)
        }
    }

    /// Left out before those of a lower rank.
    pub(super) fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// May lose its end.
    pub(super) fn shrinks_to(self, columns: usize) -> Self {
        let narrowest = Some((columns, Side::Right));
        Self { narrowest, ..self }
    }

    /// May lose its front.
    pub(super) fn shrinks_in_front_to(self, columns: usize) -> Self {
        let narrowest = Some((columns, Side::Left));
        Self { narrowest, ..self }
    }
}

/// A header and its rows.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        let header = columns.iter().map(|column| column.header.to_owned()).collect();
        Self {
            columns,
            rows: vec![header],
        }
    }

    /// A cell for each column; a single one goes over all of them.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, none wider than `columns`.
    pub(super) fn lines(&self, columns: usize) -> Vec<String> {
        let shown = self.fit(columns);
        let line = |row: &Vec<String>| {
            if let [alone] = row.as_slice() {
                return cut(alone, columns);
            }
            let cells = shown.iter().map(|&(index, wide)| {
                let Column { side, narrowest, .. } = &self.columns[index];
                let cell = match narrowest {
                    Some((_, Side::Left)) => cut_front(&row[index], wide),
                    _ => cut(&row[index], wide),
                };
                pad(&cell, wide, *side)
            });
            cut(cells.collect::<Vec<_>>().join(BETWEEN).trim_end(), columns)
        };
        self.rows.iter().map(line).collect()
    }

    /// Which columns are shown, and how wide.
    fn fit(&self, columns: usize) -> Vec<(usize, usize)> {
        let cells = || self.rows.iter().filter(|row| row.len() > 1);
        let wide = |index: usize| cells().map(|row| width(&row[index])).max().unwrap_or(0);
        let mut shown: Vec<(usize, usize)> = (0..self.columns.len()).map(|index| (index, wide(index))).collect();
        loop {
            let natural = shown.clone();
            let taken = |shown: &[(usize, usize)]| {
                shown.iter().map(|(_, wide)| wide + BETWEEN.len()).sum::<usize>() - BETWEEN.len()
            };
            let mut flexible: Vec<usize> = (0..shown.len())
                .filter(|at| self.columns[shown[*at].0].narrowest.is_some())
                .collect();
            flexible.sort_by_key(|at| std::cmp::Reverse(self.columns[shown[*at].0].rank));
            for at in flexible {
                let (index, wide) = shown[at];
                let least = self.columns[index].narrowest.map_or(wide, |(least, _)| least);
                let too_much = taken(&shown).saturating_sub(columns);
                shown[at].1 = wide.saturating_sub(too_much).max(least.min(wide));
            }
            let least_needed = (natural.iter().enumerate())
                .map(|(at, (index, _))| (self.columns[*index].rank, at))
                .max();
            match least_needed {
                Some((rank, at)) if rank > 0 && taken(&shown) > columns => {
                    shown = natural;
                    shown.remove(at);
                }
                _ => return shown,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::words("NAME").shrinks_in_front_to(6),
            Column::numbers("N").rank(1),
            Column::words("NOTE").rank(2).shrinks_to(5),
        ]);
        table.row(vec!["BTCUSDT".into(), "10 204".into(), "a long story".into()]);
        table.row(vec!["币安人生".into(), "1".into(), String::new()]);
        table.row(vec!["2 more".into()]);
        table
    }

    #[test]
    fn columns_line_up_by_what_is_seen_and_lines_have_no_trailing_blanks() {
        assert_eq!(
            table().lines(80),
            [
                "NAME           N  NOTE",
                "BTCUSDT   10 204  a long story",
                "币安人生       1",
                "2 more",
            ]
        );
    }

    #[test]
    fn a_narrow_terminal_shortens_first_and_then_leaves_out_what_matters_least() {
        assert_eq!(table().lines(25)[1], "BTCUSDT   10 204  a long…");
        assert_eq!(table().lines(20)[1], "BTCUSDT   10 204");
        assert_eq!(table().lines(14)[1], "…CUSDT  10 204");
        assert_eq!(table().lines(9)[1], "BTCUSDT");
        for columns in 1..40 {
            let lines = table().lines(columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{columns}: {lines:?}");
        }
    }
}
