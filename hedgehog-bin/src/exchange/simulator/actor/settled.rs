//! The positions that a crash goes back to.
//!
//! Whoever reads a trade stores it a little later. A position is written only when it is [`SETTLE`] old, so that after a
//! crash of the whole program the trades that were read and not stored yet are told again. An orderly stop writes the
//! last position itself: the simulator stops after everybody who reads it.

use super::super::market::Position;
use crate::market::Symbol;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Longer than a reader takes to store what it has read, short enough that a crash does not repeat much.
const SETTLE: Duration = Duration::from_secs(5);

/// Positions of every symbol, at least [`SETTLE`] old once they are `old`.
pub(super) struct Settled {
    old: HashMap<Symbol, Position>,
    young: HashMap<Symbol, Position>,
    taken: Instant,
}

impl Settled {
    /// Begins with what the database says.
    pub(super) fn new(restored: HashMap<Symbol, Position>, now: Instant) -> Self {
        Self {
            young: restored.clone(),
            old: restored,
            taken: now,
        }
    }

    /// Looks at the present positions from time to time; true when there are older ones to write.
    pub(super) fn observe(&mut self, present: HashMap<Symbol, Position>, now: Instant) -> bool {
        if now < self.taken + SETTLE {
            return false;
        }
        self.taken = now;
        let settled = std::mem::replace(&mut self.young, present);
        let changed = settled != self.old;
        self.old = settled;
        changed
    }

    /// The position of a symbol to write.
    pub(super) fn position(&self, symbol: &Symbol) -> Position {
        self.old.get(symbol).copied().unwrap_or(Position {
            last_trade_id: 0,
            played_to: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_written_only_when_it_has_settled() {
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let at = |last_trade_id| {
            let played_to = Some(last_trade_id);
            HashMap::from([(
                symbol.clone(),
                Position {
                    last_trade_id,
                    played_to,
                },
            )])
        };
        let begin = Instant::now();
        let mut settled = Settled::new(at(10), begin);
        assert!(!settled.observe(at(11), begin + SETTLE / 2), "too young");
        assert!(
            !settled.observe(at(12), begin + SETTLE),
            "12 is young, and 10 is written already"
        );
        assert_eq!(settled.position(&symbol).last_trade_id, 10);
        assert!(settled.observe(at(13), begin + SETTLE * 2));
        assert_eq!(settled.position(&symbol).last_trade_id, 12);
    }
}
