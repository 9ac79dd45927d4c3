//! The gap rows as they should stand, and what has to be written for it.
//!
//! A row says what is not stored. So a late trade leaves it only when the trade is durable, which is later than its broadcast.
//! Pure. Invariant: the changes, carried out in order from the first that was not confirmed, bring the database to these rows,
//! also when some had been carried out before.

use super::continuity::{Cause, Question};
use super::ranges::{Ranges, shared};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// What stands in a row beside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) cause: Cause,
    /// Milliseconds since the epoch of clocks.
    pub(super) at: i64,
}

/// A step towards the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Add {
        epoch: i32,
        range: RangeInclusive<i64>,
        found: Found,
    },
    Remove {
        epoch: i32,
        range: RangeInclusive<i64>,
    },
}

/// The rows of one symbol.
#[derive(Debug, Default)]
pub(super) struct GapRows {
    rows: Ranges<Found>,
    changes: Vec<Change>,
    /// Trades that came late, with their positions in the topic: not durable yet, as far as is known.
    late: VecDeque<(u64, i32, i64)>,
}

impl GapRows {
    /// A row that is there. One that shares ids with another is written anew without them: each missing id stands once.
    pub(super) fn recall(&mut self, epoch: i32, range: RangeInclusive<i64>, found: Found) {
        let new = self.rows.add(epoch, range.clone(), &found);
        if new != [range.clone()] {
            self.replace(epoch, range, new.into_iter(), found);
        }
    }

    pub(super) fn add(&mut self, epoch: i32, range: RangeInclusive<i64>, found: Found) {
        for range in self.rows.add(epoch, range, &found) {
            self.changes.push(Change::Add { epoch, range, found });
        }
    }

    /// A trade that fills a gap was broadcast at this position.
    pub(super) fn came_late(&mut self, position: u64, epoch: i32, id: i64) {
        self.late.push_back((position, epoch, id));
    }

    /// Every position before `durable` is stored. What is being asked about waits for its answer.
    ///
    /// A row is written anew once, however many trades have left it.
    pub(super) fn durable(&mut self, durable: u64, asked: &[Question]) {
        let (mut waiting, mut left) = (VecDeque::new(), Vec::<(i32, RangeInclusive<i64>, Found)>::new());
        for (position, epoch, id) in std::mem::take(&mut self.late) {
            let is_asked = asked.iter().any(|one| one.epoch == epoch && one.range.contains(&id));
            if position >= durable || is_asked {
                waiting.push_back((position, epoch, id));
            } else if let Some((range, found)) = self.rows.holding(epoch, id) {
                let of_row = |(at, row, _): &(i32, RangeInclusive<i64>, Found)| *at == epoch && row.contains(&id);
                if !left.iter().rev().any(of_row) {
                    left.push((epoch, range, *found));
                }
                self.rows.take(epoch, id);
            }
        }
        self.late = waiting;
        for (epoch, row, found) in left {
            let rest = self.rows.within(epoch, &row);
            self.replace(epoch, row, rest.into_iter(), found);
        }
    }

    /// The answer about a range is that these of it are missing: rows inside it shrink, and what no row says yet gets one.
    pub(super) fn settle(&mut self, question: &Question, missing: &[RangeInclusive<i64>], found: Found) {
        let epoch = question.epoch;
        for row in self.rows.within(epoch, &question.range) {
            let kept: Vec<_> = missing.iter().filter_map(|one| shared(one, &row)).collect();
            // A row reaches beyond its question only where another one was asked about it too.
            let inside = question.range.contains(row.start()) && question.range.contains(row.end());
            if !inside || kept == [row.clone()] {
                continue;
            }
            if let Some(known) = self.rows.remove(epoch, *row.start()) {
                for range in &kept {
                    self.rows.add(epoch, range.clone(), &known);
                }
                self.replace(epoch, row, kept.into_iter(), known);
            }
        }
        for range in missing {
            self.add(epoch, range.clone(), found);
        }
    }

    fn replace(
        &mut self,
        epoch: i32,
        range: RangeInclusive<i64>,
        rest: impl Iterator<Item = RangeInclusive<i64>>,
        found: Found,
    ) {
        self.changes.push(Change::Remove { epoch, range });
        let rest = rest.map(|range| Change::Add { epoch, range, found });
        self.changes.extend(rest);
    }

    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The first `count` changes are carried out.
    pub(super) fn carried_out(&mut self, count: usize) {
        self.changes.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::super::continuity::About;
    use super::*;
    use std::collections::BTreeMap;

    const FOUND: Found = Found {
        cause: Cause::Jump,
        at: 5,
    };

    /// What stands in the database after some changes.
    fn carry_out(database: &mut BTreeMap<(i32, i64), i64>, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Add { epoch, range, .. } => {
                    database.insert((*epoch, *range.start()), *range.end());
                }
                Change::Remove { epoch, range } => {
                    let key = (*epoch, *range.start());
                    if database.get(&key) == Some(range.end()) {
                        database.remove(&key);
                    }
                }
            }
        }
    }

    fn rows(rows: &GapRows) -> Vec<(i64, i64)> {
        rows.rows
            .iter()
            .map(|(_, range, _)| (*range.start(), *range.end()))
            .collect()
    }

    #[test]
    fn many_late_trades_change_their_row_once() {
        let mut rows = GapRows::default();
        rows.add(0, 1..=1000, FOUND);
        rows.carried_out(1);
        for id in 1..=600 {
            rows.came_late(id as u64, 0, id);
        }
        rows.durable(601, &[]);
        let (epoch, found) = (0, FOUND);
        let removed = Change::Remove { epoch, range: 1..=1000 };
        let range = 601..=1000;
        assert_eq!(rows.changes(), [removed, Change::Add { epoch, range, found }]);
    }

    #[test]
    fn a_late_trade_leaves_its_row_when_it_is_durable() {
        let mut gaps = GapRows::default();
        gaps.add(0, 5..=9, FOUND);
        gaps.came_late(20, 0, 7);
        gaps.came_late(21, 0, 5);
        gaps.durable(20, &[]);
        assert_eq!(rows(&gaps), [(5, 9)]);
        gaps.durable(21, &[]);
        assert_eq!(rows(&gaps), [(5, 6), (8, 9)]);
        gaps.durable(22, &[]);
        assert_eq!(rows(&gaps), [(6, 6), (8, 9)]);
    }

    #[test]
    fn changes_may_be_carried_out_again() {
        let mut gaps = GapRows::default();
        gaps.add(0, 5..=9, FOUND);
        gaps.came_late(1, 0, 7);
        gaps.came_late(2, 0, 8);
        gaps.durable(9, &[]);
        let mut database = BTreeMap::new();
        carry_out(&mut database, gaps.changes());
        // The commit's answer was lost.
        carry_out(&mut database, gaps.changes());
        assert_eq!(database, BTreeMap::from([((0, 5), 6), ((0, 9), 9)]));
        gaps.carried_out(gaps.changes().len());
        assert_eq!(gaps.changes(), []);
    }

    #[test]
    fn an_answer_shrinks_rows_and_adds_what_no_row_says() {
        let mut gaps = GapRows::default();
        gaps.recall(0, 5..=9, FOUND);
        let question = |range, about| Question { epoch: 0, range, about };
        gaps.settle(&question(5..=9, About::Row), &[6..=7], FOUND);
        gaps.settle(&question(20..=30, About::Downtime), &[22..=23, 30..=30], FOUND);
        assert_eq!(rows(&gaps), [(6, 7), (22, 23), (30, 30)]);
        let mut database = BTreeMap::from([((0, 5), 9)]);
        carry_out(&mut database, gaps.changes());
        assert_eq!(database, BTreeMap::from([((0, 6), 7), ((0, 22), 23), ((0, 30), 30)]));
    }

    #[test]
    fn rows_that_overlap_are_put_right() {
        let mut gaps = GapRows::default();
        for range in [5..=9, 7..=12, 8..=8] {
            gaps.recall(0, range, FOUND);
        }
        assert_eq!(rows(&gaps), [(5, 9), (10, 12)]);
        let mut database = BTreeMap::from([((0, 5), 9), ((0, 7), 12), ((0, 8), 8)]);
        carry_out(&mut database, gaps.changes());
        assert_eq!(database, BTreeMap::from([((0, 5), 9), ((0, 10), 12)]));
    }

    #[test]
    fn a_late_trade_in_a_range_that_is_being_asked_about_waits_for_the_answer() {
        let mut gaps = GapRows::default();
        let question = Question {
            epoch: 0,
            range: 5..=9,
            about: About::Downtime,
        };
        gaps.came_late(1, 0, 7);
        gaps.durable(9, std::slice::from_ref(&question));
        // Asked before the trade was stored.
        gaps.settle(&question, &[5..=9], FOUND);
        gaps.durable(9, &[]);
        assert_eq!(rows(&gaps), [(5, 6), (8, 9)]);
    }
}
