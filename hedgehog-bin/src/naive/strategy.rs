//! What a trader does next, as a pure function of what it holds and what the market says.
//!
//! The trader actor carries the decisions out, and [`super::replay`] runs them over a recording. Both are fed
//! only with what the exchange has confirmed: a price that touches an order is not a fill.
//!
//! A `Stance` is the table of decisions, asked when a position changes; [`decide`] asks it once.

use super::position::{Leg, LegState, Position};
use crate::market::{Decimal, FilterViolation, Fixed, Level, Price, Quantity, SymbolFilters, floor_to};
use bigdecimal::Zero;

/// What to do with a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing to do before the next event.
    Wait,
    /// Place the buy order.
    Buy(Quote),
    /// Sell what was bought.
    Sell(Quote),
    /// Draining: take back the buy order, or what is left of it.
    CancelBuy,
    /// The price has fallen far enough below the buy that a further trader may start.
    OfferRebuy,
    /// The sell order is filled: the cycle is over.
    Finish,
    /// End without a sale: nothing was bought.
    Withdraw,
    /// The order that is due would break a filter. It is not sent; the next event decides anew.
    Park(FilterViolation),
}

/// Price and quantity of an order to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// A multiple of the tick size.
    pub price: Price,
    /// A multiple of the step size.
    pub quantity: Quantity,
}

/// Decides the next step.
///
/// `price` is the market's newest price, where there is one: a fill or a drain is acted upon without waiting for it.
/// While `draining`, a trader that holds nothing leaves, an unfilled buy is taken back, and whatever was bought is sold.
pub fn decide(position: &Position, price: Option<&Price>, terms: &Terms, draining: bool) -> Decision {
    Stance::of(position, terms, draining).at(price.map(Level::of), terms)
}

/// What a position makes of any price that comes, worked out when the position changes: a price that decides nothing, as nearly all
/// do, then costs one comparison of integers.
#[derive(Clone, Debug)]
pub(crate) enum Stance {
    /// Decided, whatever the price.
    Settled(Decision),
    /// Buy at what the market asks.
    Buy,
    /// A rebuy is due strictly below a price.
    Rebuy {
        below: Decimal,
        /// The same for whatever has eight places.
        ceiling: Option<Fixed>,
    },
}

impl Stance {
    pub(crate) fn of(position: &Position, terms: &Terms, draining: bool) -> Self {
        let wait = || Self::Settled(Decision::Wait);
        let rebuy = |buy: &Leg| {
            if draining || position.rebuy_notified {
                return wait();
            }
            let below = terms.rebuy_below(&buy.price);
            let ceiling = Fixed::ceiling(&below);
            Self::Rebuy { below, ceiling }
        };
        let settled = match (&position.buy, &position.sell) {
            (None, _) if draining => Decision::Withdraw,
            (None, _) => return Self::Buy,
            (Some(buy), None) => match buy.state {
                LegState::Unconfirmed => Decision::Wait,
                LegState::Working if draining => Decision::CancelBuy,
                LegState::Working => return rebuy(buy),
                LegState::Ended if buy.executed.is_zero() => Decision::Withdraw,
                LegState::Ended => close(terms, terms.sell_price(&buy.price), buy.executed.value()),
            },
            (Some(buy), Some(sell)) => match sell.state {
                LegState::Unconfirmed => Decision::Wait,
                LegState::Working => return rebuy(buy),
                LegState::Ended if sell.executed >= sell.quantity => Decision::Finish,
                // The exchange or a person has ended it early: what is left goes out again at the same price.
                LegState::Ended => close(
                    terms,
                    sell.price.clone(),
                    &(sell.quantity.value() - sell.executed.value()),
                ),
            },
        };
        Self::Settled(settled)
    }

    /// The decision at a price; under the terms that the stance was made with.
    pub(crate) fn at(&self, price: Option<Level<'_>>, terms: &Terms) -> Decision {
        match (self, price) {
            (Self::Settled(decision), _) => decision.clone(),
            (Self::Buy, Some(price)) => open(terms, price.exact()),
            (Self::Rebuy { below, ceiling }, Some(price)) => {
                let due = match (price.fixed(), ceiling) {
                    (Some(price), Some(ceiling)) => price < *ceiling,
                    _ => price.exact().value() < below,
                };
                if due { Decision::OfferRebuy } else { Decision::Wait }
            }
            (Self::Buy | Self::Rebuy { .. }, None) => Decision::Wait,
        }
    }
}

fn open(terms: &Terms, market: &Price) -> Decision {
    let price = terms.buy_price(market);
    let quantity = terms.quantity(&price);
    checked(terms, Quote { price, quantity }, Decision::Buy)
}

fn close(terms: &Terms, price: Price, quantity: &Decimal) -> Decision {
    let quantity = floor_to(quantity, &terms.filters.step_size).into();
    checked(terms, Quote { price, quantity }, Decision::Sell)
}

fn checked(terms: &Terms, quote: Quote, decision: impl FnOnce(Quote) -> Decision) -> Decision {
    match terms.filters.check(&quote.price, &quote.quantity) {
        Ok(()) => decision(quote),
        Err(violation) => Decision::Park(violation),
    }
}

/// What a trader trades by: a symbol's settings together with the exchange's rules for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What one trader may spend, in the quote asset: the budget divided by the chunks.
    pub chunk: Decimal,
    /// How far below the market to buy, as a fraction.
    pub buy_down_interval: Decimal,
    /// What to earn on top of both fees, as a fraction.
    pub profit_interval: Decimal,
    /// How far the price must fall below a buy before a further trader starts, as a fraction.
    pub rebuy_interval: Decimal,
    /// Tick size, step size and the other rules.
    pub filters: SymbolFilters,
}

impl Terms {
    /// `floor_tick(p − p × buy_down_interval)`.
    pub fn buy_price(&self, market: &Price) -> Price {
        let market = market.value();
        floor_to(&(market - market * &self.buy_down_interval), &self.filters.tick_size).into()
    }

    /// `floor_step(chunk ÷ price)`; zero where the price has floored to nothing, which no filter accepts.
    pub fn quantity(&self, price: &Price) -> Quantity {
        if price.value() <= &Decimal::zero() {
            return Quantity::zero();
        }
        // The quotient is rounded at 100 digits. Flooring it is exact all the same: a quotient that is not a multiple
        // of the step differs from the nearest one by at least 1 / price of the last decimals of price and step.
        floor_to(&(&self.chunk / price.value()), &self.filters.step_size).into()
    }

    /// `floor_tick(buy price × 1.001 × (1 + profit_interval) × 1.001)`: the standard fee of 0.1 %, once for each side.
    pub fn sell_price(&self, bought: &Price) -> Price {
        let fee = Decimal::new(1001.into(), 3);
        let target = bought.value() * &fee * (Decimal::from(1) + &self.profit_interval) * &fee;
        floor_to(&target, &self.filters.tick_size).into()
    }

    /// `buy price × (1 − rebuy_interval)`: strictly below it, a further trader may start.
    pub fn rebuy_below(&self, bought: &Price) -> Decimal {
        bought.value() * (Decimal::from(1) - &self.rebuy_interval)
    }
}

#[cfg(test)]
mod tests;
