//! The open orders of one symbol in price-time priority.
//!
//! Pure: no clock, no runtime. Invariant: every order in the book is open, nothing of it is executed, and no two share
//! an id or a client id.
//!
//! A trade of the market fills an order in whole, at the order's own price, however small the trade was: the recorded
//! market does not react to our orders, so there is no queue to stand in. An order that could be executed at once when
//! it is placed rests until the next trade of its symbol decides.

use crate::exchange::OrderKey;
use crate::market::{FillRule, Fixed, Order, Side};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// An order that waits in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    /// As the exchange tells it.
    pub(super) order: Order,
    /// `order.price`.
    pub(super) price: Fixed,
    /// `order.original_quantity`.
    pub(super) quantity: Fixed,
}

/// The open orders of one symbol.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// Highest price first, then oldest.
    buys: BTreeMap<(Reverse<Fixed>, i64), Resting>,
    /// Lowest price first, then oldest.
    sells: BTreeMap<(Fixed, i64), Resting>,
}

impl Book {
    /// Lets an order rest. Order ids grow with time, so they are the time priority.
    pub(super) fn insert(&mut self, resting: Resting) {
        let (price, id) = (resting.price, resting.order.order_id);
        match resting.order.side {
            Side::Buy => self.buys.insert((Reverse(price), id), resting),
            Side::Sell => self.sells.insert((price, id), resting),
        };
    }

    /// Whether a trade at `price` fills anything.
    pub(super) fn crosses(&self, price: Fixed, rule: FillRule) -> bool {
        self.buys
            .first_key_value()
            .is_some_and(|((Reverse(best), _), _)| rule.fills(Side::Buy, best, &price))
            || self
                .sells
                .first_key_value()
                .is_some_and(|((best, _), _)| rule.fills(Side::Sell, best, &price))
    }

    /// Takes out what a trade at `price` fills: best price first, then oldest; buys before sells.
    pub(super) fn take_filled(&mut self, price: Fixed, rule: FillRule) -> Vec<Resting> {
        let mut filled = Vec::new();
        while let Some(best) = self.buys.first_entry() {
            if !rule.fills(Side::Buy, &best.get().price, &price) {
                break;
            }
            filled.push(best.remove());
        }
        while let Some(best) = self.sells.first_entry() {
            if !rule.fills(Side::Sell, &best.get().price, &price) {
                break;
            }
            filled.push(best.remove());
        }
        filled
    }

    /// The open order with this key.
    pub(super) fn find(&self, key: &OrderKey) -> Option<&Resting> {
        self.iter().find(|resting| match key {
            OrderKey::Id(id) => resting.order.order_id == *id,
            OrderKey::Client(client_id) => resting.order.client_order_id == *client_id,
        })
    }

    /// Takes an open order out.
    pub(super) fn remove(&mut self, key: &OrderKey) -> Option<Resting> {
        let (side, price, id) = self
            .find(key)
            .map(|found| (found.order.side, found.price, found.order.order_id))?;
        match side {
            Side::Buy => self.buys.remove(&(Reverse(price), id)),
            Side::Sell => self.sells.remove(&(price, id)),
        }
    }

    /// Every open order, in priority, buys first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Resting> {
        self.buys.values().chain(self.sells.values())
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.buys.len() + self.sells.len()
    }
}
