//! One trade of a recording, as it is kept.

use crate::market::{Fixed, TradeText};
use std::str::FromStr;

/// One trade in 40 bytes: a million of them stay in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordedTrade {
    pub(crate) trade_id: i64,
    /// In hundred-millionths.
    pub(crate) price: i64,
    /// In hundred-millionths.
    pub(crate) quantity: i64,
    /// In milliseconds since the epoch.
    pub(crate) trade_time: i64,
    /// How much later than the trade the event was sent, in milliseconds.
    pub(crate) event_lag: i32,
    pub(crate) buyer_market_maker: bool,
    /// Not a trade of the market but of an insurance fund or the like: it has no price, and its id is not missing.
    pub(crate) nobodys: bool,
}

/// Where a trade stands among others: by its id; of several with one id, a trade of the market before nobody's, and the earlier one
/// first. The first of an id is kept.
pub(super) type Rank = (i64, bool, i64);

impl RecordedTrade {
    /// How many bytes [`RecordedTrade::encode`] fills.
    pub(super) const ENCODED: usize = 37;

    /// A trade of the market, within the limits of [`TradeText::check`].
    pub(super) fn of(trade: &TradeText<'_>) -> Result<Self, String> {
        Ok(Self {
            price: amount("price", &trade.price)?,
            quantity: amount("quantity", &trade.quantity)?,
            nobodys: false,
            ..Self::of_nobody(trade)?
        })
    }

    /// A trade that is none of the market's.
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as its sister's")]
    pub(super) fn of_nobody(trade: &TradeText<'_>) -> Result<Self, String> {
        Ok(Self {
            trade_id: trade.trade_id,
            price: 0,
            quantity: 0,
            trade_time: trade.trade_time,
            event_lag: i32::try_from(trade.event_time - trade.trade_time).unwrap_or(0),
            buyer_market_maker: trade.buyer_market_maker,
            nobodys: true,
        })
    }

    /// The order in which trades are played: by id. The time gives only the pace.
    pub(super) fn rank(&self) -> Rank {
        (self.trade_id, self.nobodys, self.trade_time)
    }

    pub(crate) fn price(&self) -> Fixed {
        Fixed::from_raw(self.price)
    }

    pub(crate) fn quantity(&self) -> Fixed {
        Fixed::from_raw(self.quantity)
    }

    /// The same in fewer bytes, the id first.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for number in [self.trade_id, self.price, self.quantity, self.trade_time] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.event_lag.to_le_bytes());
        bytes.push(u8::from(self.buyer_market_maker) | u8::from(self.nobodys) << 1);
    }

    /// Back from [`RecordedTrade::encode`].
    pub(super) fn decode(bytes: &[u8; Self::ENCODED]) -> Self {
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(eight)
        };
        let mut lag = [0; 4];
        lag.copy_from_slice(&bytes[32..36]);
        Self {
            trade_id: number(0),
            price: number(8),
            quantity: number(16),
            trade_time: number(24),
            event_lag: i32::from_le_bytes(lag),
            buyer_market_maker: bytes[36] & 1 != 0,
            nobodys: bytes[36] & 2 != 0,
        }
    }
}

fn amount(what: &str, text: &str) -> Result<i64, String> {
    let units = Fixed::from_str(text).map_err(|error| format!("{what}: {error}"))?;
    units
        .raw()
        .filter(|raw| *raw > 0)
        .ok_or_else(|| format!("{what} {text:?} is not above zero"))
}
