//! What a store of trades can be asked by whoever must tell what is missing: the streamer asks, the warehouse answers, and neither
//! knows the other.

use crate::market::{Symbol, TradeEvent};
use crate::operation::OperationError;
use futures_util::future::BoxFuture;
use std::ops::RangeInclusive;

/// The stored trades, as far as the question "what is missing?" needs them.
pub trait TradeArchive: Send + Sync + 'static {
    /// The trade ids of `range` that are not stored, as ranges, lowest first. What still waits to be stored from an earlier run of
    /// the program counts as stored.
    fn missing<'a>(
        &'a self,
        symbol: &'a Symbol,
        epoch: i32,
        range: RangeInclusive<i64>,
    ) -> BoxFuture<'a, Result<Vec<RangeInclusive<i64>>, OperationError>>;

    /// The trades with these ids as they are stored, in any order; those that are not stored are left out.
    fn trades<'a>(
        &'a self,
        symbol: &'a Symbol,
        epoch: i32,
        trade_ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<TradeEvent>, OperationError>>;
}
