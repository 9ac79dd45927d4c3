//! How a trader talks to the exchange: placing, cancelling, asking, and booking what a fill cost.

use super::lines::order_line;
use super::{REFUSED, Trading};
use crate::causes::causes;
use crate::exchange::{ExchangeError, Execution, NewOrder, OrderKey, Submission};
use crate::market::{Decimal, Side};
use crate::naive::position::{Leg, LegState};
use crate::naive::strategy::Quote;
use bigdecimal::Zero;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// An order that the exchange still does not know after this time never arrived: a request is refused 5 s after its
/// timestamp (`recvWindow`), and the exchange gives up on its own after 10 s.
const LOST: Duration = Duration::from_secs(15);

impl Trading {
    /// Places an order. The ledger knows its client order id before the exchange can, so that a crash in between leaves
    /// something to ask for.
    pub(super) async fn place(&mut self, side: Side, quote: Quote) {
        let client_order_id = client_order_id(side);
        let order = NewOrder {
            symbol: self.record.symbol.clone(),
            side,
            price: quote.price.clone(),
            quantity: quote.quantity.clone(),
            client_order_id: client_order_id.clone(),
        };
        *self.record.position.leg_mut(side) = Some(Leg::intended(client_order_id, quote));
        self.refresh_state();
        self.unsaved = true;
        if !self.save().await {
            self.forget(side);
            return;
        }
        match self.desk.account.place(&order).await {
            Submission::Accepted(accepted) => {
                if let Some(order) = self.ours(side, accepted) {
                    self.succeeded();
                    self.absorb(side, order);
                } else {
                    self.unknown_since = Some(Instant::now());
                    self.hold_back("the exchange has answered with another order than was placed");
                }
            }
            Submission::Rejected(error) => {
                let of = self.order_line(side);
                self.forget(side);
                if self.is_delisted(&error) {
                    return self.close(side, &error.to_string());
                }
                if !error.is_transient() {
                    order_line!(warn, of, "{} order refused: {error}", of.symbol);
                }
                self.refused(&error);
                // At once: until then the ledger and the status show an order that does not exist.
                self.save().await;
            }
            Submission::Unknown(error) => {
                self.unknown_since = Some(Instant::now());
                self.hold_back(&format!("the order may or may not have been placed: {error}"));
            }
        }
    }

    /// Takes the buy order back, or what is left of it.
    pub(super) async fn cancel_buy(&mut self) {
        let Some(buy) = &self.record.position.buy else {
            return;
        };
        // By the name that only we give: under the exchange's id there may be another's order by now.
        let key = OrderKey::Client(buy.client_order_id.clone());
        match self.desk.account.cancel(&self.record.symbol, &key).await {
            Ok(answer) => {
                if let Some(order) = answer.and_then(|order| self.ours(Side::Buy, order)) {
                    self.succeeded();
                    self.absorb(Side::Buy, order);
                } else {
                    self.stale = true;
                    self.hold_back("the order to cancel is not open any more");
                }
            }
            Err(error) if self.is_delisted(&error) => self.close(Side::Buy, &error.to_string()),
            Err(error) => self.failed(&error),
        }
    }

    /// Asks for every order whose present state is not known. False when the exchange did not answer, and when the trader
    /// has been closed by its answer.
    pub(super) async fn settle(&mut self) -> bool {
        for side in [Side::Buy, Side::Sell] {
            let leg = match self.record.position.leg(side) {
                Some(leg) if leg.state == LegState::Unconfirmed => leg,
                Some(leg) if leg.state == LegState::Working && self.stale => leg,
                _ => continue,
            };
            let unconfirmed = leg.state == LegState::Unconfirmed;
            let answer = match self.desk.account.order(&self.record.symbol, &key(leg)).await {
                Ok(answer) => answer,
                Err(error) if self.is_delisted(&error) => {
                    self.close(side, &error.to_string());
                    return false;
                }
                Err(error) => {
                    self.failed(&error);
                    return false;
                }
            };
            match answer.and_then(|order| self.ours(side, order)) {
                Some(order) => {
                    self.succeeded();
                    self.unknown_since = None;
                    self.absorb(side, order);
                }
                None if unconfirmed => {
                    let since = *self.unknown_since.get_or_insert_with(Instant::now);
                    if since.elapsed() < LOST {
                        let why = "waiting whether an order has arrived at the exchange";
                        self.park_for(Duration::from_secs(1), why.to_owned());
                        return false;
                    }
                    self.unknown_since = None;
                    self.forget(side);
                }
                None => {
                    self.missing(side).await;
                    return false;
                }
            }
        }
        if std::mem::take(&mut self.stale) {
            self.beyond_since = None;
        }
        self.save().await
    }

    /// Takes the commission of an execution off the profit, as far as its value in the quote asset is known: a
    /// commission in a third asset is not counted.
    pub(super) fn book_commission(&mut self, execution: &Execution) {
        let Some(trade) = execution.trade_id.filter(|trade| !self.booked.contains(trade)) else {
            return;
        };
        let commission = execution.commission.value();
        let info = &self.mandate.info;
        let cost = match &execution.commission_asset {
            Some(asset) if *asset == info.quote_asset => commission.clone(),
            Some(asset) if *asset == info.base_asset => commission * execution.last_price.value(),
            _ if commission.is_zero() => Decimal::default(),
            asset => {
                let asset = asset.clone().unwrap_or_else(|| "an unnamed asset".to_owned());
                *self.elsewhere.entry(asset).or_default() += commission;
                self.booked.push(trade);
                return;
            }
        };
        self.booked.push(trade);
        self.record.position.realised -= cost;
        self.record.position.uncharged -= execution.last_quantity.value();
        self.unsaved = true;
    }

    fn forget(&mut self, side: Side) {
        self.record.position.forget(side);
        self.refresh_state();
        self.unsaved = true;
    }

    fn succeeded(&mut self) {
        self.backoff.succeeded();
        self.not_before = None;
        self.parked = None;
    }

    fn refused(&mut self, error: &ExchangeError) {
        if error.is_transient() {
            return self.failed(error);
        }
        self.park_for(REFUSED, format!("the order was refused: {error}"));
    }

    pub(super) fn failed(&mut self, error: &ExchangeError) {
        // Whether a missing order is missing counts from the last time that everything was answered.
        self.missing = None;
        match error {
            ExchangeError::RateLimited { retry_after } => self.park_for(*retry_after, error.to_string()),
            _ => self.hold_back(&causes(error)),
        }
    }
}

/// Unique, within 36 characters, and telling the side when somebody reads it at the exchange.
fn client_order_id(side: Side) -> String {
    let prefix = match side {
        Side::Buy => 'b',
        Side::Sell => 's',
    };
    format!("{prefix}-{}", Uuid::now_v7().simple())
}

fn key(leg: &Leg) -> OrderKey {
    leg.order_id
        .map_or_else(|| OrderKey::Client(leg.client_order_id.clone()), OrderKey::Id)
}
