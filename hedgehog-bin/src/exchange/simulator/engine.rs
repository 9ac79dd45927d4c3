//! The matching engine: every symbol's book and the account behind them.
//!
//! Pure: the caller brings the time, and carries the changes to the database before anybody is told of them.
//! Invariants: what the open orders would spend is exactly what the account has locked; an order is filled only by a
//! trade that came after it; order ids grow by one per symbol.

use super::account::{Account, Balance, Settlement};
use super::book::{Book, Resting};
use super::refusal::Refusal;
use crate::exchange::OrderKey;
use crate::market::{
    FillRule, Fixed, Order, OrderStatus, OrderType, Price, Quantity, Side, Symbol, SymbolInfo, TimeInForce,
};
use std::collections::BTreeMap;

/// A limit order, good till cancelled, as it arrives.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    /// The pair.
    pub(super) symbol: Symbol,
    /// Buy or sell.
    pub(super) side: Side,
    /// The limit.
    pub(super) price: Fixed,
    /// In the base asset.
    pub(super) quantity: Fixed,
    /// The client's own name for it; one is made up when absent.
    pub(super) client_order_id: Option<String>,
}

/// An order that the market has just executed in whole.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    /// Its state now.
    pub(super) order: Order,
    /// The trade that did it.
    pub(super) trade_id: i64,
    /// In the quote asset.
    pub(super) commission: Fixed,
    /// The quote asset.
    pub(super) commission_asset: String,
}

/// One symbol: its rules, its book, its ids.
#[derive(Clone, Debug)]
struct Listing {
    info: SymbolInfo,
    book: Book,
    last_order_id: i64,
}

/// Every book and the account.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    rule: FillRule,
    listings: BTreeMap<Symbol, Listing>,
    account: Account,
}

impl Engine {
    /// An exchange that lists `symbols`, with a funded account and empty books.
    pub(super) fn new(rule: FillRule, symbols: impl IntoIterator<Item = SymbolInfo>) -> Self {
        let listings: BTreeMap<_, _> = (symbols.into_iter())
            .map(|info| {
                (
                    info.symbol.clone(),
                    Listing {
                        info,
                        book: Book::default(),
                        last_order_id: 0,
                    },
                )
            })
            .collect();
        let account = Account::funded(listings.values().map(|listing| &listing.info));
        Self {
            rule,
            listings,
            account,
        }
    }

    /// Takes a stored balance over the funded one.
    pub(super) fn restore_balance(&mut self, asset: String, balance: Balance) {
        self.account.restore(asset, balance);
    }

    /// Goes on counting where the stored order ids ended.
    pub(super) fn restore_last_order_id(&mut self, symbol: &Symbol, id: i64) {
        if let Some(listing) = self.listings.get_mut(symbol) {
            listing.last_order_id = listing.last_order_id.max(id);
        }
    }

    /// Puts a stored open order back. Its balance is locked already. False when the symbol is not listed any more, or
    /// the numbers are not the exchange's.
    #[must_use]
    pub(super) fn restore_order(&mut self, order: Order) -> bool {
        let (Some(listing), Some(price), Some(quantity)) = (
            self.listings.get_mut(&order.symbol),
            Fixed::from_decimal(order.price.value()),
            Fixed::from_decimal(order.original_quantity.value()),
        ) else {
            return false;
        };
        listing.last_order_id = listing.last_order_id.max(order.order_id);
        listing.book.insert(Resting { order, price, quantity });
        true
    }

    /// Takes an order: checks its symbol's rules, locks what it spends, lets it rest.
    ///
    /// It is never executed at once, even when it could be: the next trade of its symbol decides.
    pub(super) fn place(&mut self, placement: Placement, now: i64) -> Result<Order, Refusal> {
        let Placement {
            symbol,
            side,
            price,
            quantity,
            client_order_id,
        } = placement;
        let listing = self.listings.get_mut(&symbol).ok_or_else(Refusal::unknown_symbol)?;
        for value in [price, quantity] {
            value.raw().ok_or_else(|| Refusal::too_large(value))?;
        }
        let filters = &listing.info.filters;
        filters
            .check(&Price::from(price), &Quantity::from(quantity))
            .map_err(|broken| Refusal::filter(&broken))?;
        if filters
            .max_num_orders
            .is_some_and(|most| listing.book.len() >= most as usize)
        {
            return Err(Refusal::filter_named("MAX_NUM_ORDERS"));
        }
        let order_id = listing.last_order_id + 1;
        let client_order_id = client_order_id.unwrap_or_else(|| format!("simulator-{order_id}"));
        if listing.book.find(&OrderKey::Client(client_order_id.clone())).is_some() {
            return Err(Refusal::duplicate_order());
        }
        let settlement = Settlement::of(&listing.info, side, price, quantity);
        self.account
            .lock(&settlement)
            .map_err(|_| Refusal::insufficient_balance())?;

        listing.last_order_id = order_id;
        let order = Order {
            order_id,
            client_order_id,
            symbol,
            price: price.into(),
            original_quantity: quantity.into(),
            executed_quantity: Quantity::zero(),
            cummulative_quote_quantity: Quantity::zero(),
            status: OrderStatus::New,
            time_in_force: TimeInForce::Gtc,
            order_type: OrderType::Limit,
            side,
            stop_price: Price::zero(),
            iceberg_quantity: Quantity::zero(),
            time: now,
            update_time: now,
        };
        listing.book.insert(Resting {
            order: order.clone(),
            price,
            quantity,
        });
        Ok(order)
    }

    /// Cancels an open order and gives back what it had locked.
    pub(super) fn cancel(&mut self, symbol: &Symbol, key: &OrderKey, now: i64) -> Result<Order, Refusal> {
        let listing = self.listings.get_mut(symbol).ok_or_else(Refusal::unknown_symbol)?;
        let Resting {
            mut order,
            price,
            quantity,
        } = listing.book.remove(key).ok_or_else(Refusal::cancel_rejected)?;
        self.account
            .unlock(&Settlement::of(&listing.info, order.side, price, quantity));
        order.status = OrderStatus::Canceled;
        order.update_time = now;
        Ok(order)
    }

    /// Whether a trade at `price` fills anything: cheap, asked for every trade of the market. One that is none of the market's has
    /// no price, and fills nobody.
    pub(super) fn crosses(&self, symbol: &Symbol, price: Fixed) -> bool {
        price > Fixed::ZERO && (self.listings.get(symbol)).is_some_and(|listing| listing.book.crosses(price, self.rule))
    }

    /// Executes what a trade of the market fills, in priority.
    pub(super) fn trade(&mut self, symbol: &Symbol, price: Fixed, trade_id: i64, now: i64) -> Vec<Fill> {
        let Some(listing) = self.listings.get_mut(symbol) else {
            return Vec::new();
        };
        let mut fills = Vec::new();
        for Resting {
            mut order,
            price,
            quantity,
        } in listing.book.take_filled(price, self.rule)
        {
            let settlement = Settlement::of(&listing.info, order.side, price, quantity);
            self.account.settle(&settlement);
            order.status = OrderStatus::Filled;
            order.executed_quantity = order.original_quantity.clone();
            order.cummulative_quote_quantity = price.times(quantity).into();
            order.update_time = now;
            let (commission, commission_asset) = (settlement.commission, listing.info.quote_asset.clone());
            fills.push(Fill {
                order,
                trade_id,
                commission,
                commission_asset,
            });
        }
        fills
    }

    /// An open order.
    pub(super) fn open_order(&self, symbol: &Symbol, key: &OrderKey) -> Option<&Order> {
        Some(&self.listings.get(symbol)?.book.find(key)?.order)
    }

    /// Every open order, of one symbol or of all.
    pub(super) fn open_orders(&self, symbol: Option<&Symbol>) -> Vec<Order> {
        let listings = self
            .listings
            .iter()
            .filter(|(name, _)| symbol.is_none_or(|wanted| wanted == *name));
        listings
            .flat_map(|(_, listing)| listing.book.iter().map(|resting| resting.order.clone()))
            .collect()
    }

    /// The rules of a symbol.
    pub(super) fn info(&self, symbol: &Symbol) -> Option<&SymbolInfo> {
        self.listings.get(symbol).map(|listing| &listing.info)
    }

    /// Every listed symbol with its rules.
    pub(super) fn infos(&self) -> impl Iterator<Item = &SymbolInfo> {
        self.listings.values().map(|listing| &listing.info)
    }

    /// The id of a symbol's newest order; 0 before the first.
    pub(super) fn last_order_id(&self, symbol: &Symbol) -> i64 {
        self.listings.get(symbol).map_or(0, |listing| listing.last_order_id)
    }

    /// The account.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// The balances that changed since the last time.
    pub(super) fn take_balance_changes(&mut self) -> Vec<(String, Balance)> {
        self.account.take_changes()
    }
}

#[cfg(test)]
mod tests;
