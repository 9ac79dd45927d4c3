//! Disjoint ranges of trade ids, by epoch: what is missing, and what the rows say of it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Ranges with something known of each. Invariant: those of one epoch are disjoint and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<V>(BTreeMap<(i32, i64), (i64, V)>);

impl<V> Default for Ranges<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: Clone> Ranges<V> {
    /// In order of epoch and id.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, RangeInclusive<i64>, &V)> {
        self.0
            .iter()
            .map(|(&(epoch, first), (last, value))| (epoch, first..=*last, value))
    }

    /// The range that holds the id.
    pub(super) fn holding(&self, epoch: i32, id: i64) -> Option<(RangeInclusive<i64>, &V)> {
        let (&(_, first), (last, value)) = self.0.range((epoch, i64::MIN)..=(epoch, id)).next_back()?;
        (id <= *last).then_some((first..=*last, value))
    }

    /// Adds what of a range is not there yet, and returns it.
    pub(super) fn add(&mut self, epoch: i32, range: RangeInclusive<i64>, value: &V) -> Vec<RangeInclusive<i64>> {
        let (mut from, end) = range.into_inner();
        let mut new = Vec::new();
        for known in self.within(epoch, &(from..=end)) {
            if from < *known.start() {
                new.push(from..=known.start() - 1);
            }
            match known.end().checked_add(1) {
                Some(next) => from = from.max(next),
                None => return self.insert(epoch, new, value),
            }
        }
        if from <= end {
            new.push(from..=end);
        }
        self.insert(epoch, new, value)
    }

    fn insert(&mut self, epoch: i32, new: Vec<RangeInclusive<i64>>, value: &V) -> Vec<RangeInclusive<i64>> {
        for range in &new {
            self.0.insert((epoch, *range.start()), (*range.end(), value.clone()));
        }
        new
    }

    /// Takes one id out; whether it was there.
    pub(super) fn take(&mut self, epoch: i32, id: i64) -> bool {
        let Some((range, value)) = self.holding(epoch, id) else {
            return false;
        };
        let value = value.clone();
        let (first, last) = range.into_inner();
        self.0.remove(&(epoch, first));
        if first < id {
            self.0.insert((epoch, first), (id - 1, value.clone()));
        }
        if id < last {
            self.0.insert((epoch, id + 1), (last, value));
        }
        true
    }

    /// The ranges that share an id with this one.
    pub(super) fn within(&self, epoch: i32, range: &RangeInclusive<i64>) -> Vec<RangeInclusive<i64>> {
        let before = self.holding(epoch, *range.start()).map(|(known, _)| known);
        let mut found: Vec<_> = before.into_iter().collect();
        if range.start() < range.end() {
            let begun = self.0.range((epoch, range.start() + 1)..=(epoch, *range.end()));
            found.extend(begun.map(|(&(_, first), (last, _))| first..=*last));
        }
        found
    }

    pub(super) fn remove(&mut self, epoch: i32, first: i64) -> Option<V> {
        self.0.remove(&(epoch, first)).map(|(_, value)| value)
    }
}

/// What two ranges share.
pub(super) fn shared(one: &RangeInclusive<i64>, other: &RangeInclusive<i64>) -> Option<RangeInclusive<i64>> {
    let (first, last) = (*one.start().max(other.start()), *one.end().min(other.end()));
    (first <= last).then_some(first..=last)
}

/// How many ids it holds.
pub(super) fn count(range: &RangeInclusive<i64>) -> i64 {
    range.end().saturating_sub(*range.start()).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_hold_what_a_set_of_ids_would(steps in prop::collection::vec((any::<bool>(), 0i64..60, 0i64..12), 0..40)) {
            let (mut ranges, mut ids) = (Ranges::default(), BTreeSet::new());
            for (adds, from, length) in steps {
                if adds {
                    let new = ranges.add(0, from..=from + length, &());
                    let fresh: Vec<i64> = (from..=from + length).filter(|id| ids.insert(*id)).collect();
                    prop_assert_eq!(new.into_iter().flatten().collect::<Vec<_>>(), fresh);
                } else {
                    prop_assert_eq!(ranges.take(0, from), ids.remove(&from));
                }
                let held: Vec<i64> = ranges.iter().flat_map(|(_, range, ())| range).collect();
                prop_assert_eq!(held, ids.iter().copied().collect::<Vec<_>>());
                for id in 0..80 {
                    prop_assert_eq!(ranges.holding(0, id).is_some(), ids.contains(&id));
                }
            }
            prop_assert!(ranges.holding(1, 5).is_none(), "another epoch");
        }
    }
}
