//! Whether what is stored, what is told missing and what is told at the end fit together.
//!
//! Pure: the tests that end the program at random read the evidence and leave the judgement to [`violations`] and [`untruths`].
//! Nothing here knows how the program comes to its numbers.

use std::fmt;

#[cfg(test)]
mod tests;

/// The first and the last of some trade ids in a row.
pub type Span = (i64, i64);

/// What is known of one symbol's trades in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The id of each row, in any order.
    pub stored: Vec<i64>,
    /// Each gap row.
    pub gaps: Vec<Span>,
    /// The id up to which everything is said to be done.
    pub position: Option<i64>,
    /// Which ids must be stored whatever happened, where the market can be played again from any place. They are in order.
    pub playable: Option<Vec<Span>>,
}

/// What is wrong with the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An id has two rows.
    Duplicate(i64),
    /// Neither stored nor in a gap.
    Hole(Span),
    /// A gap that ends before it begins.
    EmptyGap(Span),
    /// Two gap rows tell of the same ids.
    Overlap(Span, Span),
    /// So many ids of a gap are stored; the first one is named.
    StoredInGap {
        /// The row.
        gap: Span,
        /// Ids of it that are stored.
        stored: usize,
        /// The lowest of them.
        first: i64,
    },
    /// The position lies beyond everything that is stored or told missing.
    PositionAhead {
        /// What is said to be done.
        position: i64,
        /// What is.
        covered: Option<i64>,
    },
    /// The market had these, would have played them again, and they are not stored.
    Lost(Span),
    /// Stored, and the market never had it.
    Invented(i64),
}

/// Everything that is wrong, in no order that matters.
#[must_use]
pub fn violations(books: &Books) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut stored = books.stored.clone();
    stored.sort_unstable();
    found.extend(
        (stored.windows(2))
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| Violation::Duplicate(pair[0])),
    );
    stored.dedup();

    let mut gaps = books.gaps.clone();
    gaps.sort_unstable();
    found.extend(
        gaps.iter()
            .filter(|gap| gap.1 < gap.0)
            .map(|gap| Violation::EmptyGap(*gap)),
    );
    gaps.retain(|gap| gap.0 <= gap.1);
    let mut widest: Option<Span> = None;
    for gap in &gaps {
        if let Some(earlier) = widest.filter(|earlier| gap.0 <= earlier.1) {
            found.push(Violation::Overlap(earlier, *gap));
        }
        if widest.is_none_or(|earlier| gap.1 > earlier.1) {
            widest = Some(*gap);
        }
    }
    for gap in &gaps {
        let inside = &stored[stored.partition_point(|id| *id < gap.0)..stored.partition_point(|id| *id <= gap.1)];
        if let Some(first) = inside.first() {
            found.push(Violation::StoredInGap {
                gap: *gap,
                stored: inside.len(),
                first: *first,
            });
        }
    }

    let runs = runs(&stored);
    let mut covered: Vec<Span> = runs.iter().chain(&gaps).copied().collect();
    covered.sort_unstable();
    found.extend(holes(&covered).into_iter().map(Violation::Hole));
    let last = covered.iter().map(|span| span.1).max();
    if let Some(position) = books
        .position
        .filter(|position| last.is_none_or(|last| *position > last))
    {
        found.push(Violation::PositionAhead {
            position,
            covered: last,
        });
    }
    if let Some(playable) = &books.playable {
        found.extend(
            playable
                .iter()
                .flat_map(|span| missing(*span, &runs))
                .map(Violation::Lost),
        );
        let known = |id: i64| playable.iter().any(|span| (span.0..=span.1).contains(&id));
        found.extend(
            stored
                .iter()
                .filter(|id| !known(**id))
                .map(|id| Violation::Invented(*id)),
        );
    }
    found
}

/// Ids in order, as spans without a hole.
#[must_use]
pub fn runs(ids: &[i64]) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some(run) if run.1 + 1 == *id => run.1 = *id,
            _ => runs.push((*id, *id)),
        }
    }
    runs
}

/// What lies between spans, which are ordered by where they begin.
fn holes(spans: &[Span]) -> Vec<Span> {
    let mut holes = Vec::new();
    let mut next = spans.first().map_or(0, |span| span.0);
    for span in spans {
        if span.0 > next {
            holes.push((next, span.0 - 1));
        }
        next = next.max(span.1 + 1);
    }
    holes
}

/// The parts of a span that are in none of the runs, which are in order.
fn missing(span: Span, runs: &[Span]) -> Vec<Span> {
    let mut missing = Vec::new();
    let mut next = span.0;
    for run in runs.iter().filter(|run| run.1 >= span.0 && run.0 <= span.1) {
        if run.0 > next {
            missing.push((next, run.0 - 1));
        }
        next = next.max(run.1 + 1);
    }
    if next <= span.1 {
        missing.push((next, span.1));
    }
    missing
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |span: &Span| format!("{}..={} ({} ids)", span.0, span.1, span.1 - span.0 + 1);
        match self {
            Self::Duplicate(id) => write!(f, "{id} is stored twice"),
            Self::Hole(hole) => write!(f, "{} neither stored nor told missing", span(hole)),
            Self::EmptyGap(gap) => write!(f, "a gap row from {} to {}", gap.0, gap.1),
            Self::Overlap(one, other) => write!(f, "two gap rows overlap: {} and {}", span(one), span(other)),
            Self::StoredInGap { gap, stored, first } => {
                write!(
                    f,
                    "of the gap {} there are {stored} stored, {first} the first",
                    span(gap)
                )
            }
            Self::PositionAhead { position, covered } => {
                write!(
                    f,
                    "the position is {position}, and all that is known ends at {covered:?}"
                )
            }
            Self::Lost(lost) => write!(f, "{} could have been played again and are lost", span(lost)),
            Self::Invented(id) => write!(f, "{id} is stored and was never traded"),
        }
    }
}

/// How a program was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a signal that it cannot hear.
    Killed,
    /// By a signal that it obeys.
    Ordered,
    /// By a second one of this number, after the first had its time.
    Forced(i32),
}

/// What the program said at its end, and what is so.
#[derive(Clone, Debug)]
pub struct Account {
    /// How it was ended.
    pub ending: Ending,
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// "new trades stored" in its last line.
    pub told_new: Option<u64>,
    /// Whether it said how many were not stored.
    pub told_unstored: bool,
    /// Rows added while it ran.
    pub rows_added: u64,
    /// Ids that it said it had received, and of which there is no row; one per symbol.
    pub unstored: Vec<i64>,
    /// Whether the database may have taken rows of which the program never got the answer.
    pub answers_lost: bool,
    /// Whether anything stood in the way of storing.
    pub troubled: bool,
}

/// What of it is not true, one line each.
#[must_use]
pub fn untruths(account: &Account) -> Vec<String> {
    let mut found = Vec::new();
    let Account {
        code,
        told_new,
        rows_added,
        ..
    } = account;
    match account.ending {
        Ending::Killed if code.is_some() => found.push(format!("killed, and the exit code is {code:?}")),
        Ending::Forced(signal) if *code != Some(128 + signal) => {
            found.push(format!("the exit code is {code:?} after a second signal {signal}"));
        }
        Ending::Killed | Ending::Forced(_) => {}
        Ending::Ordered => {
            match code {
                Some(0) if account.unstored.is_empty() => {}
                Some(0) => found.push(format!("exit code 0, and not stored: {:?}", account.unstored)),
                Some(4) if !account.troubled => found.push("exit code 4 although nothing stood in the way".to_owned()),
                Some(4) if account.told_unstored => {}
                Some(4) => found.push("exit code 4 without how many were not stored".to_owned()),
                _ => found.push(format!("the exit code is {code:?}")),
            }
            match told_new {
                None => found.push("the last line does not tell how many trades were stored".to_owned()),
                Some(told) if told == rows_added => {}
                Some(told) if account.answers_lost && told < rows_added => {}
                Some(told) => found.push(format!("{told} new trades told, {rows_added} rows added")),
            }
        }
    }
    found
}
