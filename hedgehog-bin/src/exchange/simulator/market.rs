//! The market clock: which trade of which symbol happens next, and when.
//!
//! Pure: the caller brings the time. Three paces: a generated market runs in real time, a recording runs at a multiple of
//! its own pace from its first trade on, or as fast as its subscribers take it. Invariant: per symbol, trades come in
//! order and each once, and [`Market::position`] says where to go on after a restart.

use super::generator::GeneratedMarket;
use super::recording::Recording;
use super::units::Units;
use super::{MarketSource, Speed};
use crate::market::{Symbol, SymbolInfo};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A trade as the exchange publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MarketTrade {
    pub(super) trade_id: i64,
    pub(super) price: Units,
    pub(super) quantity: Units,
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

/// Where a symbol's market stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) last_trade_id: i64,
    /// How many trades of a recording are played and read.
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
        last_trade_time: i64,
        next_at: Option<Instant>,
    },
    /// `read` ≤ `played`: trades that the subscribers are known to have read.
    Recorded {
        recording: Arc<Recording>,
        symbol: Symbol,
        played: usize,
        read: usize,
    },
}

/// At full speed, so many trades are on their way to the subscribers of a symbol at most.
const UNREAD: usize = 16_384;

/// A generated market that fell further behind than this (the machine slept) goes on from now instead of catching up.
const FORGIVEN: Duration = Duration::from_secs(1);

impl Market {
    /// The markets of `source` from their beginning, and the rules of their symbols.
    pub(super) fn new(source: &MarketSource) -> (Self, Vec<SymbolInfo>) {
        match source {
            MarketSource::Generated { seed } => {
                let (infos, feeds) = (GeneratedMarket::all(*seed).into_iter())
                    .map(|(info, market)| {
                        let symbol = info.symbol.clone();
                        let feed = Feed::Generated {
                            market,
                            last_trade_id: 0,
                            last_trade_time: 0,
                            next_at: None,
                        };
                        (info, (symbol, feed))
                    })
                    .unzip();
                (
                    Self {
                        feeds,
                        clock: Clock::RealTime,
                        total: None,
                    },
                    infos,
                )
            }
            MarketSource::Recording { recording, speed } => {
                let (infos, feeds) = (recording.symbols())
                    .map(|(info, ..)| {
                        let symbol = info.symbol.clone();
                        let feed = Feed::Recorded {
                            recording: Arc::clone(recording),
                            symbol: symbol.clone(),
                            played: 0,
                            read: 0,
                        };
                        (info.clone(), (symbol, feed))
                    })
                    .unzip();
                let clock = match speed {
                    Speed::Max => Clock::Flat,
                    Speed::Times(speed) => Clock::Scaled {
                        speed: *speed,
                        anchor: None,
                    },
                };
                (
                    Self {
                        feeds,
                        clock,
                        total: Some(recording.trades()),
                    },
                    infos,
                )
            }
        }
    }

    /// Whether trades happen although nobody subscribes to their symbol.
    pub(super) fn runs_unheard(&self) -> bool {
        matches!(self.clock, Clock::Scaled { .. })
    }

    /// Whether trades wait for slow subscribers.
    pub(super) fn waits_for_subscribers(&self) -> bool {
        matches!(self.clock, Clock::Flat)
    }

    /// Every symbol.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.feeds.keys()
    }

    /// Goes on where a former run ended.
    pub(super) fn resume(&mut self, symbol: &Symbol, position: Position) {
        match self.feeds.get_mut(symbol) {
            Some(Feed::Generated { last_trade_id, .. }) => *last_trade_id = position.last_trade_id,
            Some(Feed::Recorded {
                played,
                read,
                recording,
                symbol,
            }) => {
                let trades = recording.len(symbol);
                *read = position
                    .played_to
                    .and_then(|played| usize::try_from(played).ok())
                    .unwrap_or(0)
                    .min(trades);
                *played = *read;
            }
            None => {}
        }
    }

    /// Where a symbol stands.
    pub(super) fn position(&self, symbol: &Symbol) -> Position {
        self.feeds.get(symbol).map_or(
            Position {
                last_trade_id: 0,
                played_to: None,
            },
            Feed::position,
        )
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
                (Some(_), Clock::Flat) if feed.unread() >= UNREAD => Due::Never,
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
            Feed::Recorded {
                recording,
                symbol,
                played,
                ..
            } => recorded(recording, symbol, *played),
        }
    }

    /// Plays what [`Market::peek`] showed.
    pub(super) fn advance(&mut self, symbol: &Symbol, wall: i64) {
        match self.feeds.get_mut(symbol) {
            Some(Feed::Generated {
                market,
                last_trade_id,
                last_trade_time,
                next_at,
            }) => {
                *last_trade_id += 1;
                *last_trade_time = wall;
                *next_at = next_at.map(|at| at + market.trade(*last_trade_id + 1).delay);
            }
            Some(Feed::Recorded { played, read, .. }) => {
                *played += 1;
                if !matches!(self.clock, Clock::Flat) {
                    *read = *played;
                }
            }
            None => {}
        }
    }

    /// How many trades of a symbol's recording are played, read or not.
    pub(super) fn played_to(&self, symbol: &Symbol) -> usize {
        match self.feeds.get(symbol) {
            Some(Feed::Recorded { played, .. }) => *played,
            _ => 0,
        }
    }

    /// All subscribers of a symbol have read its first `count` trades.
    pub(super) fn acknowledge(&mut self, symbol: &Symbol, count: usize) {
        if let Some(Feed::Recorded { played, read, .. }) = self.feeds.get_mut(symbol) {
            *read = count.clamp(*read, *played);
        }
    }

    /// The subscribers of a symbol are gone: what they may not have read is played again.
    pub(super) fn rewind(&mut self, symbol: &Symbol) {
        if let Some(Feed::Recorded { played, read, .. }) = self.feeds.get_mut(symbol) {
            *played = *read;
        }
    }

    /// Trades that have happened, from `from_id` on, at most `limit`; without `from_id` the newest.
    ///
    /// A generated market keeps no history: it tells the trades again, at estimated times.
    pub(super) fn history(&self, symbol: &Symbol, from_id: Option<i64>, limit: usize) -> Vec<MarketTrade> {
        match self.feeds.get(symbol) {
            Some(Feed::Generated {
                market,
                last_trade_id,
                last_trade_time,
                ..
            }) => {
                let first = from_id.unwrap_or(last_trade_id - limit as i64 + 1).max(1);
                (first..=*last_trade_id)
                    .take(limit)
                    .map(|id| generated(market, id, last_trade_time - (last_trade_id - id) * 70))
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

    /// How many trades are played and read, of how many.
    pub(super) fn played(&self) -> (u64, Option<u64>) {
        let played = |feed: &Feed| match feed {
            Feed::Generated { last_trade_id, .. } => *last_trade_id as u64,
            Feed::Recorded { read, .. } => *read as u64,
        };
        (self.feeds.values().map(played).sum(), self.total)
    }
}

impl Feed {
    fn position(&self) -> Position {
        match self {
            Self::Generated { last_trade_id, .. } => Position {
                last_trade_id: *last_trade_id,
                played_to: None,
            },
            Self::Recorded {
                recording,
                symbol,
                read,
                ..
            } => {
                let last = read.checked_sub(1).and_then(|last| recorded(recording, symbol, last));
                Position {
                    last_trade_id: last.map_or(0, |trade| trade.trade_id),
                    played_to: Some(*read as i64),
                }
            }
        }
    }

    fn unread(&self) -> usize {
        match self {
            Self::Generated { .. } => 0,
            Self::Recorded { played, read, .. } => played - read,
        }
    }

    fn next_recorded_time(&self) -> Option<i64> {
        match self {
            Self::Generated { .. } => None,
            Self::Recorded {
                recording,
                symbol,
                played,
                ..
            } => recorded(recording, symbol, *played).map(|trade| trade.trade_time),
        }
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
