//! What one trader holds: at most a buy order and a sell order, as far as the exchange has confirmed them.
//!
//! Invariant: `executed` never shrinks and an ended order stays ended, in whatever order answers, queries and execution
//! reports arrive.

use super::strategy::Quote;
use crate::market::{Decimal, Order, Price, Quantity, Side};

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

    /// The side of the order that an order of the exchange is, if it is one of these.
    pub fn side_of(&self, order: &Order) -> Option<Side> {
        [Side::Buy, Side::Sell]
            .into_iter()
            .find(|side| self.leg(*side).is_some_and(|leg| leg.is(order)))
    }

    /// Takes over a newer state of the order on `side`; a sell order that ends by it is booked. `None` when the state is
    /// not newer.
    pub fn absorb(&mut self, side: Side, order: &Order) -> Option<Change> {
        let change = self.leg_mut(side).as_mut()?.absorb(order)?;
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
            (Some(buy), Some(sell)) => (sell.price.value() - buy.price.value()) * sell.executed.value(),
            _ => Decimal::default(),
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
            state: LegState::Ended,
        }
    }

    fn is(&self, order: &Order) -> bool {
        // By both: an order that we cancel comes back under the client order id of the cancellation.
        self.order_id == Some(order.order_id) || self.client_order_id == order.client_order_id
    }

    fn absorb(&mut self, order: &Order) -> Option<Change> {
        let confirmed = self.state == LegState::Unconfirmed;
        let ended = self.state != LegState::Ended && order.status.is_terminal();
        let grown = order.executed_quantity > self.executed;
        if !self.is(order) || !(confirmed || ended || grown) {
            return None;
        }
        if grown {
            self.executed = order.executed_quantity.clone();
        }
        self.order_id = Some(order.order_id);
        if self.state != LegState::Ended {
            self.state = if ended { LegState::Ended } else { LegState::Working };
        }
        Some(Change { confirmed, ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{OrderStatus, OrderType, TimeInForce};

    fn quantity(text: &str) -> Quantity {
        text.parse().expect(text)
    }

    fn leg(price: &str, ordered: &str) -> Leg {
        Leg::intended(
            "ours".to_owned(),
            Quote {
                price: price.parse().expect(price),
                quantity: quantity(ordered),
            },
        )
    }

    fn told(executed: &str, status: OrderStatus) -> Order {
        Order {
            order_id: 7,
            client_order_id: "ours".to_owned(),
            symbol: "XRPUSDT".parse().expect("a symbol"),
            price: Price::zero(),
            original_quantity: quantity("20"),
            executed_quantity: quantity(executed),
            cummulative_quote_quantity: Quantity::zero(),
            status,
            time_in_force: TimeInForce::Gtc,
            order_type: OrderType::Limit,
            side: Side::Sell,
            stop_price: Price::zero(),
            iceberg_quantity: Quantity::zero(),
            time: 0,
            update_time: 0,
        }
    }

    #[test]
    fn late_and_repeated_states_change_nothing() {
        let mut position = Position {
            buy: Some(leg("1.0", "20")),
            ..Position::default()
        };
        let mut absorb = |executed, status| position.absorb(Side::Buy, &told(executed, status));
        assert_eq!(
            absorb("0", OrderStatus::New),
            Some(Change {
                confirmed: true,
                ended: false
            })
        );
        assert_eq!(absorb("0", OrderStatus::New), None);
        assert_eq!(
            absorb("20", OrderStatus::Filled),
            Some(Change {
                confirmed: false,
                ended: true
            })
        );
        assert_eq!(absorb("5", OrderStatus::PartiallyFilled), None);
        assert_eq!(absorb("20", OrderStatus::Filled), None);
        let buy = position.buy.expect("a buy");
        assert_eq!(
            (buy.state, buy.executed, buy.order_id),
            (LegState::Ended, quantity("20"), Some(7))
        );
    }

    #[test]
    fn the_gain_of_a_sell_is_booked_once_and_counts_what_was_really_sold() {
        let (buy, sell) = (Some(leg("1.0", "20")), Some(leg("1.003", "20")));
        let mut position = Position {
            buy,
            sell,
            rebuy_notified: false,
            realised: Decimal::new((-4).into(), 2),
        };
        position.absorb(Side::Sell, &told("15", OrderStatus::Canceled));
        position.absorb(Side::Sell, &told("15", OrderStatus::Canceled));
        assert_eq!(position.realised, Decimal::new(5.into(), 3));
        let rest = position.sell.expect("what is left");
        assert_eq!(
            (rest.quantity, rest.order_id, rest.state),
            (quantity("5"), None, LegState::Ended)
        );
    }

    #[test]
    fn an_order_that_never_arrived_is_forgotten_but_not_what_is_left_to_sell() {
        let mut position = Position {
            buy: Some(leg("1.0", "20")),
            ..Position::default()
        };
        position.forget(Side::Buy);
        assert_eq!(position.buy, None);

        let mut bought = leg("1.0", "20");
        bought.executed = quantity("20");
        let mut position = Position {
            buy: Some(bought),
            sell: Some(leg("1.1", "20")),
            ..Position::default()
        };
        position.forget(Side::Sell);
        assert_eq!(position.sell, None);

        position.sell = Some(leg("1.1", "5"));
        position.forget(Side::Sell);
        let rest = position.sell.expect("what is left");
        assert_eq!((rest.state, rest.quantity), (LegState::Ended, quantity("5")));
    }
}
