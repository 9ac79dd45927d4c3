//! The rule that says which trade of the market fills an open order.

use super::Side;
use std::fmt;
use std::str::FromStr;

/// Which trade of the market fills an open order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FillRule {
    /// A trade at the order's price or better: the order was first in the queue.
    Touch,
    /// A trade at a strictly better price: whoever stood before us in the queue is surely done.
    #[default]
    Through,
}

impl FillRule {
    /// Whether a trade at price `trade` fills an open order on `side` with this limit.
    pub(crate) fn fills<P: Ord>(self, side: Side, limit: &P, trade: &P) -> bool {
        let reached = match side {
            Side::Buy => limit.cmp(trade),
            Side::Sell => trade.cmp(limit),
        };
        match self {
            Self::Touch => reached.is_ge(),
            Self::Through => reached.is_gt(),
        }
    }
}

impl fmt::Display for FillRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Touch => "touch",
            Self::Through => "through",
        })
    }
}

impl FromStr for FillRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "touch" => Ok(Self::Touch),
            "through" => Ok(Self::Through),
            _ => Err(format!("{text:?} is not a fill rule: expected touch or through")),
        }
    }
}
