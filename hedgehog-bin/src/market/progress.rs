//! How far the trades of a symbol are done: what has been published, and what of it is durable.
//!
//! A topic counts positions, an exchange counts trade ids. [`TradePublisher`] notes which id stands at which position, so that what
//! the durable subscribers have acknowledged can be told as an id. Whoever keeps a position (the streamer, a replay, the
//! simulator beside the apps) takes it from here. Invariant: what is told as done is never ahead of what is durable.

use super::{Symbol, TradeEvent};
use hedgehog_core::Topic;
use parking_lot::{Mutex, RwLock};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The newest trade of a symbol that is done: the durable subscribers of its topic have acknowledged it and all before it. Without a
/// durable subscriber nobody keeps anything, and the newest published trade counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Done {
    /// In which world of ids; see [`TradeEvent::epoch`].
    pub epoch: i32,
    /// Its id: the highest of its epoch up to there, also where a late trade of a lower id came after it.
    pub trade_id: i64,
}

/// By symbol. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<RwLock<HashMap<Symbol, Arc<Mutex<Marks>>>>>);

impl Progress {
    pub(super) fn of(&self, symbol: &Symbol) -> Arc<Mutex<Marks>> {
        if let Some(known) = self.0.read().get(symbol) {
            return Arc::clone(known);
        }
        Arc::clone(self.0.write().entry(symbol.clone()).or_default())
    }
}

/// Publishes the trades of one symbol.
#[derive(Clone, Debug)]
pub struct TradePublisher {
    topic: Topic<TradeEvent>,
    marks: Arc<Mutex<Marks>>,
}

impl TradePublisher {
    pub(super) fn new(topic: Topic<TradeEvent>, marks: Arc<Mutex<Marks>>) -> Self {
        Self { topic, marks }
    }

    /// Broadcasts a trade; the position it has in the topic.
    pub fn publish(&self, trade: TradeEvent) -> u64 {
        // Held over the broadcast: of two publishers each must note the position that its own trade gets.
        let mut marks = self.marks.lock();
        let position = self.topic.published();
        marks.note(
            position,
            Done {
                epoch: trade.epoch,
                trade_id: trade.trade_id,
            },
        );
        self.topic.broadcast(trade);
        position
    }

    /// Up to this trade nothing is left to publish, because it is stored already or nobody's: it is done as soon as all that was
    /// published before is durable.
    pub fn passed(&self, trade: Done) {
        let mut marks = self.marks.lock();
        let position = self.topic.published();
        marks.pass(position, trade);
    }

    /// How far the symbol is done; `None` before the first trade of this program is.
    pub fn done(&self) -> Option<Done> {
        let durable = self.durable();
        self.marks.lock().before(durable)
    }

    /// Every position before this one is durable.
    pub fn durable(&self) -> u64 {
        self.topic.acknowledged().unwrap_or_else(|| self.topic.published())
    }

    /// Trades published and not yet durable.
    pub fn backlog(&self) -> u64 {
        self.topic.published().saturating_sub(self.durable())
    }
}

/// Which trade stands at which position: runs of positions in which ids grow by one.
#[derive(Debug, Default)]
pub(super) struct Marks {
    runs: VecDeque<Run>,
    /// What was passed, and the position before which everything must be durable first; oldest first.
    passed: VecDeque<(u64, Done)>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    position: u64,
    /// The newest trade at that position; it grows by one id with each position of the run.
    newest: Done,
}

impl Marks {
    fn pass(&mut self, position: u64, trade: Done) {
        if self.newest_before(position).is_none_or(|newest| newest < trade) {
            self.passed.retain(|(at, _)| *at != position);
            self.passed.push_back((position, trade));
        }
    }

    fn note(&mut self, position: u64, trade: Done) {
        // A publisher that was declared dead notes a trade and publishes none: the next one gets its position.
        while self.runs.back().is_some_and(|run| run.position >= position) {
            self.runs.pop_back();
        }
        let newest = match self.before_at(position) {
            Some(before) if before.epoch == trade.epoch && before.trade_id + 1 == trade.trade_id => return,
            Some(before) => before.max(trade),
            None => trade,
        };
        self.runs.push_back(Run { position, newest });
    }

    /// The newest trade before a position; forgets what no later question needs.
    fn before(&mut self, end: u64) -> Option<Done> {
        while self.runs.get(1).is_some_and(|run| run.position < end) {
            self.runs.pop_front();
        }
        while self.passed.get(1).is_some_and(|(position, _)| *position <= end) {
            self.passed.pop_front();
        }
        self.newest_before(end)
    }

    /// Published or passed.
    fn newest_before(&self, end: u64) -> Option<Done> {
        let passed = self.passed.iter().rev().find(|(position, _)| *position <= end);
        self.before_at(end).max(passed.map(|(_, trade)| *trade))
    }

    /// Published.
    fn before_at(&self, end: u64) -> Option<Done> {
        let run = self.runs.iter().rev().find(|run| run.position < end)?;
        let trade_id = run.newest.trade_id + (end - 1 - run.position) as i64;
        Some(Done { trade_id, ..run.newest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Bus, Topic as Name};

    fn trade(epoch: i32, trade_id: i64) -> TradeEvent {
        TradeEvent {
            event_time: 0,
            symbol: symbol(),
            epoch,
            trade_id,
            price: "1".parse().expect("a price"),
            quantity: "1".parse().expect("a quantity"),
            trade_time: 0,
            buyer_market_maker: false,
        }
    }

    fn symbol() -> Symbol {
        "XRPUSDT".parse().expect("a symbol")
    }

    #[test]
    fn done_is_what_the_durable_subscriber_has_acknowledged() {
        let bus = Bus::new();
        let publisher = bus.trade_publisher(&symbol());
        let done = || bus.done(&symbol()).map(|done| (done.epoch, done.trade_id));
        assert_eq!(done(), None);
        publisher.publish(trade(0, 6));
        assert_eq!(done(), Some((0, 6)), "nobody keeps anything");
        let mut durable = bus
            .trade_events
            .subscribe_acked(&Name::trade_events(&symbol()).to_string());
        // A jump, a late one, and a new world.
        for (epoch, id) in [(0, 7), (0, 10), (0, 8), (0, 11), (1, 1), (1, 2)] {
            publisher.publish(trade(epoch, id));
        }
        let mut ids = Vec::new();
        let _ = durable.drain(usize::MAX, |trade| ids.push(trade.trade_id));
        let told: Vec<_> = (1..=7)
            .map(|position| {
                durable.ack(position);
                done().expect("there are trades")
            })
            .collect();
        assert_eq!(told, [(0, 6), (0, 7), (0, 10), (0, 10), (0, 11), (1, 1), (1, 2)]);
        assert_eq!(publisher.backlog(), 0);
    }

    #[test]
    fn what_needs_no_publishing_is_done_with_what_was_published_before_it() {
        let bus = Bus::new();
        let publisher = bus.trade_publisher(&symbol());
        let done = || bus.done(&symbol()).map(|done| done.trade_id);
        let pass = |trade_id| publisher.passed(Done { epoch: 0, trade_id });
        let mut durable = bus
            .trade_events
            .subscribe_acked(&Name::trade_events(&symbol()).to_string());
        pass(40);
        assert_eq!(
            done(),
            Some(40),
            "an earlier program has stored it, and nothing was published since"
        );
        pass(30);
        assert_eq!(done(), Some(40), "never back");
        publisher.publish(trade(0, 41));
        pass(43);
        assert_eq!(done(), Some(40), "41 is not durable yet");
        publisher.publish(trade(0, 44));
        let _ = durable.drain(usize::MAX, |_| ());
        durable.ack(1);
        assert_eq!(done(), Some(43));
        durable.ack(2);
        assert_eq!(done(), Some(44));
    }
}
