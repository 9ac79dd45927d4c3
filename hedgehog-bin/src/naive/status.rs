//! What `status` tells of the app.

use super::ledger::Record;
use crate::market::{Decimal, Price, Quantity, Symbol, short_text};
use crate::store::{TraderState, TradingStatus as Switch};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// How trading on one symbol stands.
#[derive(Clone, Debug, Serialize)]
pub struct TradingStatus {
    /// The pair.
    pub symbol: Symbol,
    /// What the settings row says.
    pub status: Switch,
    /// Since when the status holds, in milliseconds since the epoch.
    pub since: i64,
    /// Oldest first. With the status `off` they wait for the next start; their orders stay on the exchange.
    pub open_traders: Vec<TraderStatus>,
    /// Finished cycles.
    pub cycles: i64,
    /// Of the finished cycles, in the quote asset, less the known commissions.
    #[serde(serialize_with = "as_text")]
    pub profit: Decimal,
    /// Why nothing is traded although the status is `on`.
    pub parked: Option<String>,
}

/// How one trader stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraderStatus {
    /// Also the id of its process among the children of `Traders`.
    pub id: Uuid,
    /// Where in its cycle.
    pub state: TraderState,
    /// The buy order's limit.
    pub buy_price: Option<Price>,
    /// What was ordered, in the base asset.
    pub buy_quantity: Option<Quantity>,
    /// What of it is executed.
    pub buy_executed: Option<Quantity>,
    /// The sell order's limit.
    pub sell_price: Option<Price>,
    /// What was ordered, in the base asset.
    pub sell_quantity: Option<Quantity>,
    /// What of it is executed.
    pub sell_executed: Option<Quantity>,
    /// Why it does not act, if something keeps it from acting.
    pub parked: Option<String>,
}

impl TraderStatus {
    pub(super) fn of(record: &Record, parked: Option<String>) -> Self {
        let (buy, sell) = (record.position.buy.as_ref(), record.position.sell.as_ref());
        Self {
            id: record.id,
            state: record.state,
            buy_price: buy.map(|leg| leg.price.clone()),
            buy_quantity: buy.map(|leg| leg.quantity.clone()),
            buy_executed: buy.map(|leg| leg.executed.clone()),
            sell_price: sell.map(|leg| leg.price.clone()),
            sell_quantity: sell.map(|leg| leg.quantity.clone()),
            sell_executed: sell.map(|leg| leg.executed.clone()),
            parked,
        }
    }

    /// Whether its ledger row is closed.
    pub(super) fn has_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// Whether it has ended with a sale.
    pub(super) fn is_finished(&self) -> bool {
        self.state == TraderState::Finished
    }
}

fn as_text<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&short_text(value))
}
