//! The market clock: which trade of which symbol happens next, and when.
//!
//! Pure: the caller brings the time. Three paces: a generated market runs in real time, a recording runs at a multiple of
//! its own pace from its first trade on, or as fast as its readers take it. A place in a market is a count: of the trades of a
//! recording, or of the ids of a generated market. Invariant: per symbol, trades come in order and each once, until the caller
//! goes back to an earlier place.

use super::generator::{GeneratedMarket, Generation};
use super::{MarketSource, Speed};
use crate::market::{Fixed, Symbol, SymbolInfo};
use crate::recording::Recording;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A trade as the exchange publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MarketTrade {
    pub(super) trade_id: i64,
    pub(super) price: Fixed,
    pub(super) quantity: Fixed,
    pub(super) trade_time: i64,
    pub(super) event_time: i64,
    pub(super) buyer_market_maker: bool,
}

/// When the next trade of a symbol happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    At(Instant),
    /// The recording is over.
    Never,
}

/// Where a symbol's market stands, as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) last_trade_id: i64,
    /// How many trades of a recording that is.
    pub(super) played_to: Option<i64>,
}

/// All markets of the exchange.
pub(super) struct Market {
    feeds: BTreeMap<Symbol, Feed>,
    clock: Clock,
    /// Trades of the recording; `None` where the market never ends.
    total: Option<u64>,
}

enum Clock {
    /// Each symbol has its own time of the next trade.
    RealTime,
    /// Trade time `from` of the recording was played at `at`, the rest follows `speed` times as fast.
    Scaled { speed: f64, anchor: Option<(i64, Instant)> },
    /// No time at all.
    Flat,
}

enum Feed {
    Generated {
        market: GeneratedMarket,
        last_trade_id: i64,
        times: Times,
        next_at: Option<Instant>,
    },
    Recorded {
        recording: Arc<Recording>,
        symbol: Symbol,
        played: usize,
        /// The trade at `played`: a recording may have to read it from its file.
        next: Option<MarketTrade>,
    },
}

/// When the newest trades of a generated market happened: what it tells of them later must be what it told then.
struct Times {
    /// Of the trades up to the last one, the last one at the end.
    known: VecDeque<i64>,
    /// When nothing is known, that of the last trade.
    last: i64,
}

/// Twenty minutes of a generated market.
const KNOWN_TIMES: usize = 16_384;

/// The average distance of two trades of a generated market, for times that are not known.
const USUAL_DELAY: i64 = 70;

/// A generated market that fell further behind than this (the machine slept) goes on from now instead of catching up.
const FORGIVEN: Duration = Duration::from_secs(1);

impl Market {
    /// The markets of `source` from their beginning, and the rules of their symbols.
    pub(super) fn new(source: &MarketSource) -> (Self, Vec<SymbolInfo>) {
        let mut feeds = BTreeMap::new();
        let mut infos = Vec::new();
        let (clock, total) = match source {
            MarketSource::Generated { seed } => {
                for (info, market) in GeneratedMarket::all(*seed) {
                    let feed = Feed::Generated {
                        market,
                        last_trade_id: 0,
                        times: Times {
                            known: VecDeque::new(),
                            last: 0,
                        },
                        next_at: None,
                    };
                    feeds.insert(info.symbol.clone(), feed);
                    infos.push(info);
                }
                (Clock::RealTime, None)
            }
            MarketSource::Recording { recording, speed } => {
                for (info, ..) in recording.symbols() {
                    let symbol = info.symbol.clone();
                    let feed = Feed::Recorded {
                        next: recorded(recording, &symbol, 0),
                        recording: Arc::clone(recording),
                        symbol: symbol.clone(),
                        played: 0,
                    };
                    feeds.insert(symbol, feed);
                    infos.push(info.clone());
                }
                let clock = match speed {
                    Speed::Max => Clock::Flat,
                    Speed::Times(speed) => Clock::Scaled {
                        speed: *speed,
                        anchor: None,
                    },
                };
                (clock, Some(recording.trades()))
            }
        };
        (Self { feeds, clock, total }, infos)
    }

    /// A generated market goes on as the generation that its folder began with; a recording has none.
    pub(super) fn set_generation(&mut self, generation: Generation) {
        for feed in self.feeds.values_mut() {
            if let Feed::Generated { market, .. } = feed {
                market.set_generation(generation);
            }
        }
    }

    /// Whether the trades are made up.
    pub(super) fn is_generated(&self) -> bool {
        matches!(self.clock, Clock::RealTime)
    }

    /// Whether the market keeps to a pace of its own.
    pub(super) fn is_paced(&self) -> bool {
        !matches!(self.clock, Clock::Flat)
    }

    /// Every symbol.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.feeds.keys()
    }

    /// Goes to a place; never beyond a recording's end. `wall` is the time of day in milliseconds since the epoch.
    pub(super) fn go_to(&mut self, symbol: &Symbol, place: i64, wall: i64) {
        match self.feeds.get_mut(symbol) {
            Some(Feed::Generated {
                last_trade_id, times, ..
            }) => {
                if *last_trade_id != place {
                    times.known.clear();
                    times.last = wall;
                }
                *last_trade_id = place;
            }
            Some(Feed::Recorded {
                recording,
                symbol,
                played,
                next,
            }) => {
                *played = usize::try_from(place).unwrap_or(0).min(recording.len(symbol));
                *next = recorded(recording, symbol, *played);
            }
            None => {}
        }
    }

    /// The place of what was written down.
    pub(super) fn place_of(&self, position: Position) -> i64 {
        match self.clock {
            Clock::RealTime => position.last_trade_id,
            Clock::Scaled { .. } | Clock::Flat => position.played_to.unwrap_or(0),
        }
    }

    /// The place behind the trade with this id.
    pub(super) fn place_behind(&self, symbol: &Symbol, trade_id: i64) -> i64 {
        match self.feeds.get(symbol) {
            Some(Feed::Recorded { recording, symbol, .. }) => {
                recording.position_of(symbol, trade_id.saturating_add(1)) as i64
            }
            Some(Feed::Generated { .. }) | None => trade_id,
        }
    }

    /// How a place is written down.
    pub(super) fn position(&self, symbol: &Symbol, place: i64) -> Position {
        match self.feeds.get(symbol) {
            Some(Feed::Recorded { recording, symbol, .. }) => {
                let last = usize::try_from(place - 1).ok();
                let last = last.and_then(|last| recorded(recording, symbol, last));
                Position {
                    last_trade_id: last.map_or(0, |trade| trade.trade_id),
                    played_to: Some(place),
                }
            }
            Some(Feed::Generated { .. }) | None => Position {
                last_trade_id: place,
                played_to: None,
            },
        }
    }

    /// How many trades of a symbol are played.
    pub(super) fn place(&self, symbol: &Symbol) -> i64 {
        match self.feeds.get(symbol) {
            Some(Feed::Generated { last_trade_id, .. }) => *last_trade_id,
            Some(Feed::Recorded { played, .. }) => *played as i64,
            None => 0,
        }
    }

    /// How many trades a symbol has; `None` where it never ends.
    pub(super) fn end(&self, symbol: &Symbol) -> Option<i64> {
        match self.feeds.get(symbol) {
            Some(Feed::Recorded { recording, symbol, .. }) => Some(recording.len(symbol) as i64),
            Some(Feed::Generated { .. }) | None => None,
        }
    }

    /// Trades of all symbols; `None` where the market never ends.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// When the next trade of a symbol happens.
    pub(super) fn due(&mut self, symbol: &Symbol, now: Instant) -> Due {
        if let Clock::Scaled {
            anchor: anchor @ None, ..
        } = &mut self.clock
        {
            // The pace counts from the first trade that is still to come, of whichever symbol.
            *anchor = self
                .feeds
                .values()
                .filter_map(Feed::next_recorded_time)
                .min()
                .map(|time| (time, now));
        }
        let Some(feed) = self.feeds.get_mut(symbol) else {
            return Due::Never;
        };
        match feed {
            Feed::Generated { next_at, .. } => match *next_at {
                Some(at) if at > now => Due::At(at),
                Some(at) if now - at < FORGIVEN => Due::Now,
                _ => {
                    *next_at = Some(now);
                    Due::Now
                }
            },
            Feed::Recorded { .. } => match (feed.next_recorded_time(), &self.clock) {
                (None, _) => Due::Never,
                (
                    Some(time),
                    Clock::Scaled {
                        speed,
                        anchor: Some((from, at)),
                    },
                ) => {
                    let after = Duration::from_millis(u64::try_from(time - from).unwrap_or(0)).div_f64(*speed);
                    let due = *at + after;
                    if due <= now { Due::Now } else { Due::At(due) }
                }
                (Some(_), _) => Due::Now,
            },
        }
    }

    /// The next trade of a symbol, without playing it. `wall` is the time of day in milliseconds since the epoch.
    pub(super) fn peek(&self, symbol: &Symbol, wall: i64) -> Option<MarketTrade> {
        match self.feeds.get(symbol)? {
            Feed::Generated {
                market, last_trade_id, ..
            } => Some(generated(market, last_trade_id + 1, wall)),
            Feed::Recorded { next, .. } => *next,
        }
    }

    /// Plays what [`Market::peek`] showed.
    pub(super) fn advance(&mut self, symbol: &Symbol, wall: i64) {
        match self.feeds.get_mut(symbol) {
            Some(Feed::Generated {
                market,
                last_trade_id,
                times,
                next_at,
            }) => {
                *last_trade_id += 1;
                times.note(wall);
                *next_at = next_at.map(|at| at + market.trade(*last_trade_id + 1).delay);
            }
            Some(Feed::Recorded {
                recording,
                symbol,
                played,
                next,
            }) => {
                *played += 1;
                *next = recorded(recording, symbol, *played);
            }
            None => {}
        }
    }

    /// Trades that have happened, from `from_id` on, at most `limit`; without `from_id` the newest.
    ///
    /// A generated market keeps only the times of the newest trades; it tells older ones again, at estimated times.
    pub(super) fn history(&self, symbol: &Symbol, from_id: Option<i64>, limit: usize) -> Vec<MarketTrade> {
        match self.feeds.get(symbol) {
            Some(Feed::Generated {
                market,
                last_trade_id,
                times,
                ..
            }) => {
                let first = from_id.unwrap_or(last_trade_id - limit as i64 + 1).max(1);
                (first..=*last_trade_id)
                    .take(limit)
                    .map(|id| generated(market, id, times.of(last_trade_id - id)))
                    .collect()
            }
            Some(Feed::Recorded {
                recording,
                symbol,
                played,
                ..
            }) => {
                let happened = (*played).min(recording.len(symbol));
                let first = match from_id {
                    Some(id) => recording.position_of(symbol, id),
                    None => happened.saturating_sub(limit),
                };
                (first..happened)
                    .take(limit)
                    .filter_map(|index| recorded(recording, symbol, index))
                    .collect()
            }
            None => Vec::new(),
        }
    }
}

impl Feed {
    fn next_recorded_time(&self) -> Option<i64> {
        match self {
            Self::Generated { .. } => None,
            Self::Recorded { next, .. } => next.map(|trade| trade.trade_time),
        }
    }
}

impl Times {
    fn note(&mut self, time: i64) {
        if self.known.len() == KNOWN_TIMES {
            self.known.pop_front();
        }
        self.known.push_back(time);
    }

    /// Of the trade that came so many before the last one.
    fn of(&self, before_last: i64) -> i64 {
        let known = self.known.len() as i64;
        if let Some(time) = usize::try_from(known - 1 - before_last)
            .ok()
            .and_then(|index| self.known.get(index))
        {
            return *time;
        }
        let (oldest, behind) = match self.known.front() {
            Some(oldest) => (*oldest, before_last - (known - 1)),
            None => (self.last, before_last),
        };
        oldest - behind * USUAL_DELAY
    }
}

fn generated(market: &GeneratedMarket, trade_id: i64, time: i64) -> MarketTrade {
    let trade = market.trade(trade_id);
    MarketTrade {
        trade_id,
        price: trade.price,
        quantity: trade.quantity,
        trade_time: time,
        event_time: time,
        buyer_market_maker: trade.buyer_market_maker,
    }
}

fn recorded(recording: &Recording, symbol: &Symbol, index: usize) -> Option<MarketTrade> {
    let trade = recording.trade(symbol, index)?;
    Some(MarketTrade {
        trade_id: trade.trade_id,
        price: trade.price(),
        quantity: trade.quantity(),
        trade_time: trade.trade_time,
        event_time: trade.trade_time + i64::from(trade.event_lag),
        buyer_market_maker: trade.buyer_market_maker,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_market_tells_its_history_at_the_times_at_which_it_happened() {
        let (mut market, infos) = Market::new(&MarketSource::Generated { seed: 1 });
        let symbol = &infos[0].symbol;
        market.go_to(symbol, 500, 1_000_000);
        assert_eq!(
            market
                .history(symbol, Some(499), 2)
                .last()
                .map(|trade| trade.trade_time),
            Some(1_000_000)
        );
        let told: Vec<_> = (0..KNOWN_TIMES as i64 + 10)
            .map(|number| {
                let wall = 1_000_100 + number * 3;
                let trade = market.peek(symbol, wall).expect("it never ends");
                market.advance(symbol, wall);
                trade
            })
            .collect();
        let newest = &told[told.len() - 1_000..];
        assert_eq!(market.history(symbol, None, 1_000), newest);
        let oldest = market.history(symbol, Some(495), 1_000);
        assert_eq!(oldest[0].trade_id, 495);
        assert!(
            oldest.is_sorted_by_key(|trade| trade.trade_time),
            "estimates stay in order"
        );
    }
}
