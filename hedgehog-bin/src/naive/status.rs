//! What `status` tells of the app.

use super::ledger::Record;
use crate::market::{Decimal, Price, Quantity, Symbol, short_text};
use crate::store::{TraderState, TradingStatus as Switch};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::error::Error;
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

/// The trades of all symbols with one quote asset, summed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuoteTotals {
    /// The quote asset; `None` for symbols of which the exchange has not told it.
    pub asset: Option<String>,
    /// Of finished cycles.
    #[serde(serialize_with = "as_text")]
    pub realised: Decimal,
    /// Of open trades at the market's prices, as far as those are known.
    #[serde(serialize_with = "as_text")]
    pub open: Decimal,
    /// Both together.
    #[serde(serialize_with = "as_text")]
    pub net: Decimal,
    /// Symbols with open trades and without a price: they are not in `open`.
    pub unpriced: usize,
}

/// One line for each quote asset, by its name.
pub fn quote_totals(symbols: &[TradingStatus]) -> Vec<QuoteTotals> {
    let mut by_asset: BTreeMap<Option<&str>, QuoteTotals> = BTreeMap::new();
    for symbol in symbols {
        let asset = symbol.quote_asset.as_deref();
        let totals = by_asset.entry(asset).or_insert_with(|| QuoteTotals {
            asset: asset.map(str::to_owned),
            realised: Decimal::default(),
            open: Decimal::default(),
            net: Decimal::default(),
            unpriced: 0,
        });
        totals.realised += &symbol.profit;
        totals.net += &symbol.profit;
        match &symbol.open_profit {
            Some(open) => {
                totals.open += open;
                totals.net += open;
            }
            None => totals.unpriced += 1,
        }
    }
    by_asset.into_values().collect()
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

/// An error with its causes, in one line; what one of them tells of the next is not told twice.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
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

    fn symbol(name: &str, quote: Option<&str>, profit: &str, open: Option<&str>) -> TradingStatus {
        let decimal = |text: &str| parse_decimal(text).expect(text);
        TradingStatus {
            symbol: name.parse().expect(name),
            status: Switch::On,
            since: 0,
            base_asset: None,
            quote_asset: quote.map(str::to_owned),
            price: None,
            open_profit: open.map(decimal),
            open_traders: Vec::new(),
            cycles: 1,
            profit: decimal(profit),
            parked: None,
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

    #[test]
    fn sums_are_by_quote_asset_and_say_what_is_not_in_them() {
        let symbols = [
            symbol("BTCUSDT", Some("USDT"), "3", Some("-5")),
            symbol("ETHBTC", Some("BTC"), "0.01", None),
            symbol("ETHUSDT", Some("USDT"), "0.5", Some("1")),
            symbol("OLD", None, "7", Some("0")),
        ];
        let told: Vec<String> = quote_totals(&symbols)
            .iter()
            .map(|totals| {
                let QuoteTotals {
                    asset,
                    realised,
                    open,
                    net,
                    unpriced,
                } = totals;
                let [realised, open, net] = [realised, open, net].map(short_text);
                format!("{} {realised} {open} {net} {unpriced}", asset.as_deref().unwrap_or("?"))
            })
            .collect();
        assert_eq!(told, ["? 7 0 7 0", "BTC 0.01 0 0.01 1", "USDT 3.5 -4 -0.5 0"]);
    }

    #[test]
    fn a_line_tells_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("a connection failed: {0}")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("it was refused")]
        struct Inner(#[source] std::io::Error);
        let error = Outer(Inner(std::io::Error::other("nobody listens")));
        assert_eq!(causes(&error), "a connection failed: it was refused: nobody listens");
    }
}
