//! What one trader holds: at most a buy order and a sell order, as far as the exchange has confirmed them.
//!
//! Invariant: `executed` never shrinks and an ended order stays ended, in whatever order answers, queries and execution
//! reports arrive; and an order that only goes by the name of one of these, because an exchange began its ids anew, changes
//! nothing.

use super::strategy::Quote;
use crate::market::{Decimal, Order, OrderStatus, Price, Quantity, Side};
use bigdecimal::{RoundingMode, Zero};

/// The orders of one trading cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// None before it is placed.
    pub buy: Option<Leg>,
    /// None before the buy has ended with something executed.
    pub sell: Option<Leg>,
    /// Whether the leader has accepted this position's offer to start a further trader. A refusal leaves it false, so
    /// that the offer is repeated.
    pub rebuy_notified: bool,
    /// Profit so far in the quote asset: the gains of sell orders that have ended, less the known commissions.
    pub realised: Decimal,
    /// Of how much of the base asset, bought or sold, the commission is not in `realised`: it was not told, or was paid in a
    /// third asset.
    pub uncharged: Decimal,
}

/// How an order of the exchange stands to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is the position's order on this side.
    Ours(Side),
    /// It goes by the name of the position's order on this side and is another one: its side, price, quantity or other name
    /// differs. The exchange has begun its ids anew, or somebody else uses ours.
    Foreign(Side),
}

impl Position {
    /// The order on `side`.
    pub fn leg(&self, side: Side) -> Option<&Leg> {
        match side {
            Side::Buy => self.buy.as_ref(),
            Side::Sell => self.sell.as_ref(),
        }
    }

    /// The order on `side`, to place or replace it.
    pub fn leg_mut(&mut self, side: Side) -> &mut Option<Leg> {
        match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
        }
    }

    /// Whether an order of the exchange is one of these; `None` when it has nothing to do with them.
    pub fn claim(&self, order: &Order) -> Option<Claim> {
        let legs = || [Side::Buy, Side::Sell].map(|side| (side, self.leg(side)));
        let of = |matches: fn(&Leg, Side, &Order) -> bool| {
            let found = legs()
                .into_iter()
                .find(|(side, leg)| leg.is_some_and(|leg| matches(leg, *side, order)));
            found.map(|(side, _)| side)
        };
        let ours = of(Leg::is).map(Claim::Ours);
        ours.or_else(|| of(|leg, _, order| leg.is_named(order)).map(Claim::Foreign))
    }

    /// Takes over a newer state of the order on `side`; a sell order that ends by it is booked. `None` when the state is
    /// not newer, or not of this order.
    pub fn absorb(&mut self, side: Side, order: &Order) -> Option<Change> {
        let leg = self.leg_mut(side).as_mut()?;
        let before = leg.executed.clone();
        let change = leg.absorb(side, order)?;
        let grown = leg.executed.value() - before.value();
        self.uncharged += grown;
        if change.ended && side == Side::Sell {
            self.realised += self.sell_gain();
            if let Some(sell) = self.sell.as_mut().filter(|sell| !sell.is_filled()) {
                *sell = sell.rest();
            }
        }
        Some(change)
    }

    /// What the present sell order has brought in above its cost, before commissions.
    pub fn sell_gain(&self) -> Decimal {
        match (&self.buy, &self.sell) {
            (Some(buy), Some(sell)) => sell.value() - buy.share(sell.executed.value()),
            _ => Decimal::default(),
        }
    }

    /// What is bought and not sold, in the base asset.
    pub fn held(&self) -> Decimal {
        match (&self.buy, &self.sell) {
            (Some(buy), None) => buy.executed.value().clone(),
            (Some(_), Some(sell)) => sell.quantity.value() - sell.executed.value(),
            (None, _) => Decimal::default(),
        }
    }

    /// What was paid and has not come back yet, in the quote asset and with the known commissions: so much
    /// [`held`](Self::held) must bring in.
    pub fn cost(&self) -> Decimal {
        match (&self.buy, &self.sell) {
            (Some(buy), None) => buy.value() - &self.realised,
            // Booked when it ended.
            (Some(_), Some(sell)) if sell.state == LegState::Ended && sell.is_filled() => -&self.realised,
            (Some(buy), Some(sell)) => buy.share(sell.quantity.value()) - sell.value() - &self.realised,
            (None, _) => -&self.realised,
        }
    }

    /// The exchange has no order of ours on `side`: it was refused, or it never arrived.
    pub fn forget(&mut self, side: Side) {
        let bought = self.buy.as_ref().map(|buy| buy.executed.clone());
        let leg = self.leg_mut(side);
        match leg {
            // A part was sold before by another order, so this one's quantity alone knows what is left to sell.
            Some(sell) if side == Side::Sell && Some(&sell.quantity) < bought.as_ref() => *sell = sell.rest(),
            _ => *leg = None,
        }
    }
}

/// One order of a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Ours, chosen before the order is sent; empty for what is left of an order that ended early.
    pub client_order_id: String,
    /// The exchange's; none while unconfirmed.
    pub order_id: Option<i64>,
    /// The limit.
    pub price: Price,
    /// What was ordered.
    pub quantity: Quantity,
    /// What is executed so far.
    pub executed: Quantity,
    /// What that came to in the quote asset, where the exchange has told: better than at the limit, or just so.
    pub paid: Option<Decimal>,
    /// Where in its life.
    pub state: LegState,
}

/// Where an order of ours is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegState {
    /// It was or may have been sent; whether the exchange has it is not known yet.
    Unconfirmed,
    /// The exchange has it, and it can still be executed.
    Working,
    /// Nothing can happen to it any more.
    Ended,
}

/// What a newer state of an order has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The exchange has confirmed the order for the first time.
    pub confirmed: bool,
    /// Nothing can happen to the order any more.
    pub ended: bool,
}

impl Leg {
    /// An order that is about to be sent.
    pub fn intended(client_order_id: String, quote: Quote) -> Self {
        let Quote { price, quantity } = quote;
        let (executed, state) = (Quantity::zero(), LegState::Unconfirmed);
        Self {
            client_order_id,
            order_id: None,
            price,
            quantity,
            executed,
            paid: None,
            state,
        }
    }

    /// Whether everything that was ordered is executed.
    pub fn is_filled(&self) -> bool {
        self.executed >= self.quantity
    }

    /// What is left to sell when an order ended early, as an order that was never sent.
    fn rest(&self) -> Self {
        Self {
            client_order_id: String::new(),
            order_id: None,
            price: self.price.clone(),
            quantity: (self.quantity.value() - self.executed.value()).into(),
            executed: Quantity::zero(),
            paid: None,
            state: LegState::Ended,
        }
    }

    /// What the executed part came to in the quote asset; at the limit where the exchange has not told.
    fn value(&self) -> Decimal {
        let at_limit = || self.price.value() * self.executed.value();
        self.paid.clone().unwrap_or_else(at_limit)
    }

    /// What so much of the executed part came to.
    fn share(&self, quantity: &Decimal) -> Decimal {
        let executed = self.executed.value();
        let paid = self.paid.as_ref().filter(|_| !executed.is_zero());
        match paid {
            Some(paid) if quantity == executed => paid.clone(),
            // Cut far below any price and quantity, where it has no end.
            Some(paid) if *paid != self.price.value() * executed => {
                (paid * quantity / executed).with_scale_round(18, RoundingMode::HalfEven)
            }
            _ => self.price.value() * quantity,
        }
    }

    /// Whether the order goes by one of this one's names. An order that is left to be placed has none.
    fn is_named(&self, order: &Order) -> bool {
        self.order_id == Some(order.order_id) || self.goes_by(&order.client_order_id)
    }

    fn goes_by(&self, client_order_id: &str) -> bool {
        !self.client_order_id.is_empty() && self.client_order_id == client_order_id
    }

    /// Whether it is this order: by every name it has, and by what was ordered.
    fn is(&self, side: Side, order: &Order) -> bool {
        let same_id = self.order_id.is_none_or(|id| id == order.order_id);
        // An order that is cancelled may come back under the client order id of the cancellation.
        let cancelled = self.order_id.is_some() && order.status == OrderStatus::Canceled;
        self.is_named(order)
            && same_id
            && (cancelled || self.goes_by(&order.client_order_id))
            && (order.side, &order.price, &order.original_quantity) == (side, &self.price, &self.quantity)
    }

    fn absorb(&mut self, side: Side, order: &Order) -> Option<Change> {
        let confirmed = self.state == LegState::Unconfirmed;
        let ended = self.state != LegState::Ended && order.status.is_terminal();
        let grown = order.executed_quantity > self.executed;
        if !self.is(side, order) || !(confirmed || ended || grown) {
            return None;
        }
        if grown {
            self.executed = order.executed_quantity.clone();
            // Of old orders the exchange does not know it any more, and says so by a negative number.
            let told = order.cummulative_quote_quantity.value();
            self.paid = (told > &Decimal::zero()).then(|| told.clone());
        }
        self.order_id = Some(order.order_id);
        if self.state != LegState::Ended {
            self.state = if ended { LegState::Ended } else { LegState::Working };
        }
        Some(Change { confirmed, ended })
    }
}

#[cfg(test)]
mod tests;
