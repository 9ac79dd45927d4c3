//! What the process knows of one symbol's trades: who listens, what was told, and what need never be told again.
//!
//! Places are those of [`super::super::market`]. Invariant: `kept` ≤ `told` ≤ what the market has played, and `kept` never goes back.

use super::request::Subscriber;
use crate::market::TradePublisher;
use std::time::Duration;
use tokio::time::Instant;

/// A market in which nothing moves for so long although its reader has read all of it and nothing waits to be stored: what is still
/// not done never will be, because the reader has dropped it. Longer than the reader may be in doubt about a trade.
const STILL: Duration = Duration::from_secs(30);

/// How long a symbol waits for a listener to come back: longer than a program takes to stop, and than a stream takes to reconnect.
const HELD: Duration = Duration::from_secs(20);

/// A subscriber and what it has read.
pub(super) struct Listener {
    pub(super) subscriber: Subscriber,
    pub(super) read: i64,
}

/// One symbol.
pub(super) struct Lane {
    pub(super) listeners: Vec<Listener>,
    /// What came before it need not be told again, whatever ends. This is the position that is saved.
    pub(super) kept: i64,
    /// Up to here somebody was told; what was played beyond it was played unheard.
    pub(super) told: i64,
    /// Up to here somebody is known to have read.
    pub(super) read: i64,
    /// Trades up to here have met the orders: played again, they fill nothing.
    pub(super) matched: i64,
    /// Trades that nobody heard, in this program.
    pub(super) unheard: u64,
    /// The place that the database has.
    pub(super) written: i64,
    /// How far the market had come when that was written.
    pub(super) promised_at: i64,
    /// Where the trades are published that were told here; made when there is something to ask.
    pub(super) publisher: Option<TradePublisher>,
    /// Up to here somebody was told who is gone, and listens again or has a successor: what of it is not published never will be.
    abandoned: i64,
    /// Since when nobody listens any more, where somebody did.
    deaf_since: Option<Instant>,
    /// The last place that the bus has called done, and the id of the trade before it.
    done: (i64, i64),
    /// Since when nothing has moved, and at which `kept` and `told`.
    still: Option<(Instant, i64, i64)>,
}

/// What outlives an incarnation of the process, though not the program.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange::simulator) struct Remembered {
    place: i64,
    kept: i64,
    told: i64,
    matched: i64,
    unheard: u64,
    /// Whether somebody listens.
    pub(in crate::exchange::simulator) heard: bool,
}

impl Lane {
    /// A symbol whose trades before `place` are over and done.
    pub(super) fn at(place: i64, matched: i64, written: i64) -> Self {
        Self {
            listeners: Vec::new(),
            kept: place,
            told: place,
            read: place,
            matched,
            unheard: 0,
            written,
            promised_at: place,
            publisher: None,
            abandoned: place,
            deaf_since: None,
            done: (0, 0),
            still: None,
        }
    }

    /// A symbol as a former incarnation left it, and the place to go on from: at a pace where it was, so that nothing is told
    /// twice; else at what is kept, so that nothing is left out.
    pub(super) fn recall(remembered: Remembered, paced: bool, written: i64) -> (Self, i64) {
        let place = if paced { remembered.place } else { remembered.kept };
        let lane = Self {
            kept: remembered.kept,
            told: remembered.told.min(place),
            matched: remembered.matched,
            unheard: remembered.unheard,
            ..Self::at(place, remembered.matched, written)
        };
        (lane, place)
    }

    pub(super) fn remember(&self, place: i64) -> Remembered {
        Remembered {
            place,
            kept: self.kept,
            told: self.told,
            matched: self.matched,
            unheard: self.unheard,
            heard: !self.listeners.is_empty(),
        }
    }

    /// Somebody listens from now on.
    ///
    /// Whoever connects anew has read its last connection to the end, and published what was in it.
    pub(super) fn listen(&mut self, listener: Listener) {
        if self.listeners.is_empty() {
            self.abandoned = self.told;
        }
        self.listeners.push(listener);
        self.deaf_since = None;
    }

    /// Forgets listeners; true when there were some.
    pub(super) fn forget(&mut self, keep: impl FnMut(&mut Listener) -> bool, now: Instant) -> bool {
        let before = self.listeners.len();
        self.listeners.retain_mut(keep);
        let forgotten = self.listeners.len() < before;
        if forgotten && self.listeners.is_empty() {
            self.deaf_since = Some(now);
        }
        forgotten
    }

    /// Until when a symbol waits for whoever listened to it, so that nothing is played between a connection and the next one, or
    /// between the end of the streams and that of the program.
    pub(super) fn held_until(&self, now: Instant) -> Option<Instant> {
        let until = self.deaf_since? + HELD;
        (now < until).then_some(until)
    }

    /// What the bus calls done, as a place, for the id that it is told by. Where a trade stands may have to be looked up in a file.
    pub(super) fn done(&mut self, trade_id: i64, place_behind: impl FnOnce(i64) -> i64) -> i64 {
        if self.done.1 != trade_id {
            self.done = (place_behind(trade_id), trade_id);
        }
        self.done.0
    }

    /// The id of the last trade that is kept, where it is known.
    pub(super) fn last_id(&self) -> Option<i64> {
        (self.done.0 == self.kept).then_some(self.done.1)
    }

    /// What was told and is not kept yet.
    pub(super) fn undone(&self) -> i64 {
        self.told - self.kept
    }

    /// What all listeners have read is kept, where nothing more is known.
    pub(super) fn keep_what_is_read(&mut self) {
        if let Some(read) = self.listeners.iter().map(|listener| listener.read).min() {
            self.kept = read.clamp(self.kept, self.told);
        }
    }

    /// `done`: everything before it is durable. Behind what was told there is only what nobody heard. True when it has moved.
    pub(super) fn keep_what_is_done(&mut self, done: i64, played: i64, now: Instant) -> bool {
        let before = self.kept;
        self.kept = done.clamp(self.kept, self.told);
        if self.kept < self.told {
            let still = self.is_still(now);
            let over = if still {
                self.told
            } else {
                self.abandoned.min(self.told)
            };
            if self.kept < over && self.is_stored() {
                // Where it was not even read it is lost, and counts as what it is.
                self.unheard += (over - self.read.clamp(self.kept, over)) as u64;
                self.kept = over;
            }
        }
        if self.kept == self.told {
            self.kept = played;
            self.told = played;
        }
        self.kept != before
    }

    /// Whether all that was published is durable.
    fn is_stored(&self) -> bool {
        self.publisher.as_ref().is_none_or(|publisher| publisher.backlog() == 0)
    }

    fn is_still(&mut self, now: Instant) -> bool {
        if !self.is_stored() || self.listeners.is_empty() || self.read < self.told {
            self.still = None;
            return false;
        }
        match self.still {
            Some((since, kept, told)) if (kept, told) == (self.kept, self.told) => now - since >= STILL,
            _ => {
                self.still = Some((now, self.kept, self.told));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::{Notify, mpsc};

    fn listener() -> Listener {
        let subscriber = Subscriber {
            connection: 1,
            trades: mpsc::unbounded_channel().0,
            waiting: Arc::default(),
            too_slow: Arc::new(Notify::new()),
        };
        Listener { subscriber, read: 0 }
    }

    fn lane() -> Lane {
        Lane::at(10, 0, 10)
    }

    #[test]
    fn what_is_told_is_kept_when_it_is_done_and_never_before() {
        let now = Instant::now();
        let mut lane = lane();
        lane.listeners.push(listener());
        lane.told = 20;
        for (done, kept) in [(0, 10), (15, 15), (12, 15), (19, 19)] {
            lane.keep_what_is_done(done, 20, now);
            assert_eq!(lane.kept, kept);
        }
        // Beyond what was told there is only what nobody heard: no reason to play it again.
        assert!(lane.keep_what_is_done(20, 33, now));
        assert_eq!((lane.kept, lane.told), (33, 33));
    }

    #[test]
    fn what_was_told_and_lost_on_the_way_is_counted_as_unheard() {
        let now = Instant::now();
        for (read, unheard) in [(20, 0), (16, 4)] {
            let mut lane = lane();
            lane.listen(listener());
            (lane.told, lane.read) = (20, read);
            lane.forget(|_| false, now);
            assert!(
                !lane.keep_what_is_done(10, 20, now + 10 * STILL),
                "whoever read it may not have published it"
            );
            lane.listen(listener());
            assert!(lane.keep_what_is_done(10, 20, now));
            assert_eq!((lane.kept, lane.unheard), (20, unheard));
        }
    }

    #[test]
    fn what_its_reader_has_dropped_is_over_after_a_while_and_what_nobody_has_read_never() {
        let now = Instant::now();
        for (read, kept) in [(20, 20), (16, 10)] {
            let mut lane = lane();
            lane.listen(listener());
            (lane.told, lane.read) = (20, read);
            assert!(!lane.keep_what_is_done(10, 20, now));
            assert!(!lane.keep_what_is_done(10, 20, now + STILL / 2), "it may still come");
            lane.keep_what_is_done(10, 20, now + STILL);
            assert_eq!((lane.kept, lane.unheard), (kept, 0));
        }
    }

    #[test]
    fn a_symbol_that_was_heard_is_held_for_a_while() {
        let now = Instant::now();
        let mut lane = lane();
        assert_eq!(lane.held_until(now), None, "nobody ever listened");
        lane.listen(listener());
        assert_eq!(lane.held_until(now), None);
        assert!(lane.forget(|_| false, now));
        assert_eq!(lane.held_until(now), Some(now + HELD));
        assert_eq!(lane.held_until(now + HELD), None);
        lane.listen(listener());
        assert_eq!(lane.held_until(now), None);
    }

    #[test]
    fn without_a_listener_nothing_is_given_up() {
        let now = Instant::now();
        let mut lane = lane();
        lane.told = 20;
        assert!(!lane.keep_what_is_done(10, 20, now));
        assert!(!lane.keep_what_is_done(10, 20, now + 10 * STILL));
    }
}
