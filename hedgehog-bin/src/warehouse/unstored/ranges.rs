//! A set of ids that mostly follow each other, kept as ranges.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// First and last of each range; no two of them touch.
#[derive(Clone, Debug, Default)]
pub(in crate::warehouse) struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    pub(super) fn insert(&mut self, id: i64) {
        let before = self.0.range_mut(..=id).next_back();
        let first = match before {
            Some((_, last)) if id <= *last => return,
            Some((first, last)) if last.checked_add(1) == Some(id) => {
                *last = id;
                *first
            }
            _ => {
                self.0.insert(id, id);
                id
            }
        };
        let touched = id.checked_add(1).and_then(|next| self.0.remove(&next));
        if let Some(last) = touched {
            self.0.insert(first, last);
        }
    }

    pub(super) fn has(&self, id: i64) -> bool {
        (self.0.range(..=id).next_back()).is_some_and(|(_, last)| id <= *last)
    }

    /// What of `range` is not in the set, lowest first.
    pub(in crate::warehouse) fn missing(&self, range: RangeInclusive<i64>) -> Vec<RangeInclusive<i64>> {
        let (mut next, end) = range.into_inner();
        let mut missing = Vec::new();
        let begin = self.0.range(..=next).next_back().map_or(next, |(first, _)| *first);
        for (&first, &last) in self.0.range(begin..) {
            if first > end || next > end {
                break;
            }
            if first > next {
                missing.push(next..=first - 1);
            }
            match last.checked_add(1) {
                Some(after) => next = next.max(after),
                None => return missing,
            }
        }
        if next <= end {
            missing.push(next..=end);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_what_was_not_inserted() {
        let mut here = Ranges::default();
        for id in [5, 7, 6, 1, 10, i64::MAX] {
            here.insert(id);
        }
        assert_eq!(here.0.len(), 4);
        assert!(here.has(6) && here.has(i64::MAX) && !here.has(8) && !here.has(0));
        assert_eq!(here.missing(0..=12), [0..=0, 2..=4, 8..=9, 11..=12]);
        assert_eq!(here.missing(6..=6), []);
        assert_eq!(here.missing(6..=8), [8..=8]);
        assert_eq!(here.missing(11..=i64::MAX), [11..=i64::MAX - 1]);
        assert_eq!(Ranges::default().missing(3..=4), [3..=4]);
    }
}
