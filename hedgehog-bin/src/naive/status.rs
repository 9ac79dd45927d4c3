//! What `status` tells of the app.

use super::ledger::Record;
use super::schema::{TraderState, TradingStatus as Switch};
use crate::market::{Decimal, Price, Quantity, Symbol, short_text};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// How trading on one symbol stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TradingStatus {
    /// The pair.
    pub symbol: Symbol,
    /// What the settings row says.
    pub status: Switch,
    /// Since when the status holds, in milliseconds since the epoch.
    pub since: i64,
    /// What is bought and sold, once the exchange has told.
    pub base_asset: Option<String>,
    /// What prices and profits are in, once the exchange has told.
    pub quote_asset: Option<String>,
    /// Of the last trade seen on the market.
    pub price: Option<Price>,
    /// What the open trades would bring in at that price above what they cost, less the known commissions and in the quote
    /// asset. `None` while something is held and no price is known.
    #[serde(serialize_with = "as_optional_text")]
    pub open_profit: Option<Decimal>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What is bought and not sold, in the base asset.
    pub held: Quantity,
    /// What was paid for that and has not come back yet, in the quote asset and with the known commissions.
    #[serde(serialize_with = "as_text")]
    pub cost: Decimal,
    /// Of the sell orders that have ended, less the known commissions, in the quote asset.
    #[serde(serialize_with = "as_text")]
    pub realised: Decimal,
    /// Why it does not act, if something keeps it from acting.
    pub parked: Option<String>,
    /// How often it ended and was started again since its leader started.
    pub restarts: u64,
    /// How it last ended, if it did.
    pub last_exit: Option<String>,
}

/// What open traders would bring in at `price`.
pub(super) fn open_profit(traders: &[TraderStatus], price: Option<&Price>) -> Option<Decimal> {
    let mut profit = Decimal::default();
    for trader in traders {
        if !trader.held.is_zero() {
            profit += trader.held.value() * price?.value();
        }
        profit -= &trader.cost;
    }
    Some(profit)
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
            held: record.position.held().into(),
            cost: record.position.cost(),
            realised: record.position.realised.clone(),
            parked,
            restarts: 0,
            last_exit: None,
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

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn as_optional_text<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => as_text(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::parse_decimal;

    fn trader(held: &str, cost: &str) -> TraderStatus {
        let record = Record::fresh(&"XRPUSDT".parse().expect("a symbol"), Decimal::default());
        TraderStatus {
            held: held.parse().expect(held),
            cost: parse_decimal(cost).expect(cost),
            ..TraderStatus::of(&record, None)
        }
    }

    #[test]
    fn what_is_open_counts_at_the_market_and_less_what_it_cost() {
        let price = "0.5".parse().expect("a price");
        let open = [trader("20", "10.2"), trader("0", "0.1"), trader("4", "1")];
        assert_eq!(open_profit(&open, Some(&price)), parse_decimal("0.7").ok());
        assert_eq!(
            open_profit(&open, None),
            None,
            "what is held has no value without a price"
        );
        assert_eq!(open_profit(&open[1..2], None), parse_decimal("-0.1").ok());
    }
}
