//! The topics on which the apps meet: `TRADE_EVENTS:<SYMBOL>` and `ORDERS:<SYMBOL>`.

use super::progress::{Done, Progress, TradePublisher};
use super::{Order, Symbol, TradeEvent};
use hedgehog_core::PubSub;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Trades of the market, broadcast by the streamer.
    TradeEvents,
    /// States of our own orders, broadcast by the traders.
    Orders,
}

impl Stream {
    /// As it stands in a topic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TradeEvents => "TRADE_EVENTS",
            Self::Orders => "ORDERS",
        }
    }
}

impl FromStr for Stream {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        match text.to_uppercase().as_str() {
            "TRADE_EVENTS" => Ok(Self::TradeEvents),
            "ORDERS" => Ok(Self::Orders),
            _ => Err(TopicError(text.to_owned())),
        }
    }
}

/// What a text must be to name a stream or a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a stream: expected trade_events or orders")]
pub struct TopicError(String);

/// A stream of one symbol; its text is the topic's name: `ORDERS:BTCUSDT`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic {
    /// What it carries.
    pub stream: Stream,
    /// Of which pair.
    pub symbol: Symbol,
}

impl Topic {
    /// The topic of a symbol's trades.
    pub fn trade_events(symbol: &Symbol) -> Self {
        Self {
            stream: Stream::TradeEvents,
            symbol: symbol.clone(),
        }
    }

    /// The topic of our orders on a symbol.
    pub fn orders(symbol: &Symbol) -> Self {
        Self {
            stream: Stream::Orders,
            symbol: symbol.clone(),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stream.as_str(), self.symbol)
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    /// Takes any case.
    fn from_str(text: &str) -> Result<Self, TopicError> {
        let refused = || TopicError(text.to_owned());
        let (stream, symbol) = text.split_once(':').ok_or_else(refused)?;
        Ok(Self {
            stream: stream.parse()?,
            symbol: symbol.parse().map_err(|_| refused())?,
        })
    }
}

/// The program's topics: one [`PubSub`] per type of event. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    /// `TRADE_EVENTS:<SYMBOL>`.
    pub trade_events: PubSub<TradeEvent>,
    /// `ORDERS:<SYMBOL>`.
    pub orders: PubSub<Order>,
    progress: Progress,
}

impl Bus {
    /// No topics yet; each begins with its first publisher or subscriber.
    pub fn new() -> Self {
        Self {
            trade_events: PubSub::new(),
            orders: PubSub::new(),
            progress: Progress::default(),
        }
    }

    /// Where a symbol's trades are published, one stream at a time.
    pub fn trade_publisher(&self, symbol: &Symbol) -> TradePublisher {
        let topic = self.trade_events.topic(&Topic::trade_events(symbol).to_string());
        TradePublisher::new(topic, self.progress.of(symbol))
    }

    /// How far the trades of a symbol are done; see [`Done`]. `None` before this program has any.
    pub fn done(&self, symbol: &Symbol) -> Option<Done> {
        self.trade_publisher(symbol).done()
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back_in_any_case() {
        let topic: Topic = "orders:btcusdt".parse().expect("a topic");
        assert_eq!(topic.to_string(), "ORDERS:BTCUSDT");
        assert!("ORDERS".parse::<Topic>().is_err() && "CANDLES:BTCUSDT".parse::<Topic>().is_err());
    }
}
