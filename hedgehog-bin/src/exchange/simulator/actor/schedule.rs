//! Which symbol is looked at next, and when: those that are due first come first, so that none starves and none is looked at in vain.

use crate::market::Symbol;
use std::collections::{BTreeSet, HashMap, VecDeque};
use tokio::time::Instant;

/// Invariant: a symbol stands in `ready` once, or in `later` once, or nowhere.
#[derive(Default)]
pub(super) struct Schedule {
    ready: VecDeque<Symbol>,
    later: BTreeSet<(Instant, Symbol)>,
    /// `None` where it is ready.
    known: HashMap<Symbol, Option<Instant>>,
    /// These wait for room in the connection of a reader.
    stuck: Vec<Symbol>,
}

impl Schedule {
    /// Look at it as soon as possible.
    pub(super) fn now(&mut self, symbol: &Symbol) {
        match self.known.insert(symbol.clone(), None) {
            Some(None) => return,
            Some(Some(at)) => drop(self.later.remove(&(at, symbol.clone()))),
            None => {}
        }
        self.ready.push_back(symbol.clone());
    }

    /// Look at it at a time.
    pub(super) fn at(&mut self, symbol: &Symbol, at: Instant) {
        match self.known.get(symbol) {
            Some(None) => return,
            Some(Some(before)) => drop(self.later.remove(&(*before, symbol.clone()))),
            None => {}
        }
        self.known.insert(symbol.clone(), Some(at));
        self.later.insert((at, symbol.clone()));
    }

    /// Look at it when a reader has room again.
    pub(super) fn with_room(&mut self, symbol: &Symbol) {
        self.stuck.push(symbol.clone());
    }

    /// A reader has room again.
    pub(super) fn room(&mut self) {
        for symbol in std::mem::take(&mut self.stuck) {
            self.now(&symbol);
        }
    }

    /// Everything that is due, in turn.
    pub(super) fn take(&mut self, now: Instant) -> VecDeque<Symbol> {
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, symbol)) = self.later.pop_first() {
                self.ready.push_back(symbol);
            }
        }
        let due = std::mem::take(&mut self.ready);
        for symbol in &due {
            self.known.remove(symbol);
        }
        due
    }

    /// When something is due next; in the past where it is already.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        if self.ready.is_empty() {
            self.later.first().map(|(at, _)| *at)
        } else {
            Some(now)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_symbol_is_taken_once_in_turn_and_when_it_is_due() {
        let symbol = |name: &str| name.parse::<Symbol>().expect(name);
        let (a, b, c) = (symbol("A"), symbol("B"), symbol("C"));
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let mut schedule = Schedule::default();
        schedule.at(&b, soon);
        schedule.at(&a, soon + Duration::from_secs(1));
        schedule.at(&a, soon);
        schedule.now(&c);
        schedule.now(&c);
        schedule.at(&c, soon);
        schedule.with_room(&b);
        assert_eq!(schedule.next(now), Some(now));
        assert_eq!(schedule.take(now), std::slice::from_ref(&c));
        assert_eq!(schedule.next(now), Some(soon));
        assert_eq!(schedule.take(soon), [a, b.clone()]);
        assert_eq!((schedule.take(soon).len(), schedule.next(soon)), (0, None));
        schedule.room();
        schedule.room();
        assert_eq!(schedule.take(soon), [b]);
    }
}
