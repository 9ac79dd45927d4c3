//! The one account of the simulated exchange: what is free, what open orders have locked, and what trades cost.
//!
//! Commission is 0.1 % and is taken from the *quote* asset on both sides: a buyer pays price × quantity × 1.001, a
//! seller receives price × quantity × 0.999. The real exchange takes it from the asset that is received, so that a
//! buyer gets 0.1 % less of the base asset than ordered; the strategy sells exactly what it ordered and would be
//! rejected for the difference. This side of the exchange follows when the strategy sells what it really received.
//!
//! Invariants: no balance is ever negative, and per asset free + locked + commission taken changes only by what was
//! paid for or received.

use crate::market::{Fixed, Side, SymbolInfo};
use std::collections::{BTreeMap, BTreeSet};

/// What the account holds of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    /// Can be spent.
    pub(super) free: Fixed,
    /// Stands behind open orders.
    pub(super) locked: Fixed,
}

/// The order asks for more than is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InsufficientBalance;

/// What an order moves when it is executed in full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settlement<'a> {
    /// Taken from the locked part.
    pub(super) spent: (&'a str, Fixed),
    /// Added to the free part, commission already taken off.
    pub(super) received: (&'a str, Fixed),
    /// In the quote asset.
    pub(super) commission: Fixed,
}

impl<'a> Settlement<'a> {
    /// What an order on `side` of `info`'s pair moves.
    pub(super) fn of(info: &'a SymbolInfo, side: Side, price: Fixed, quantity: Fixed) -> Self {
        let quote = price.times(quantity);
        let commission = commission_on(quote);
        match side {
            Side::Buy => Self {
                spent: (&info.quote_asset, quote + commission),
                received: (&info.base_asset, quantity),
                commission,
            },
            Side::Sell => Self {
                spent: (&info.base_asset, quantity),
                received: (&info.quote_asset, quote - commission),
                commission,
            },
        }
    }
}

/// 0.1 %, rounded up to the last place.
fn commission_on(quote: Fixed) -> Fixed {
    quote.times(Fixed::from_raw(100_000))
}

/// All balances, by asset.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    balances: BTreeMap<String, Balance>,
    /// Changed since [`Account::take_changes`] was last asked.
    changed: BTreeSet<String>,
}

impl Account {
    /// The holdings a fresh account begins with: plenty of every quote asset, nothing else.
    pub(super) fn funded<'a>(symbols: impl IntoIterator<Item = &'a SymbolInfo>) -> Self {
        let mut account = Self::default();
        for info in symbols {
            account.balances.entry(info.base_asset.clone()).or_default();
            let amount = if info.quote_asset.ends_with("USDT") {
                10_000_000
            } else {
                1_000
            };
            account.balances.entry(info.quote_asset.clone()).or_default().free = Fixed::whole(amount);
        }
        account.changed = account.balances.keys().cloned().collect();
        account
    }

    /// Sets a balance as it was stored. Assets that are not stored keep what they were funded with.
    pub(super) fn restore(&mut self, asset: String, balance: Balance) {
        self.changed.remove(&asset);
        self.balances.insert(asset, balance);
    }

    /// Every asset.
    pub(super) fn balances(&self) -> impl Iterator<Item = (&str, Balance)> {
        self.balances.iter().map(|(asset, balance)| (asset.as_str(), *balance))
    }

    /// What is held of one asset.
    pub(super) fn balance(&self, asset: &str) -> Balance {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    /// Locks what an order will spend.
    pub(super) fn lock(&mut self, settlement: &Settlement<'_>) -> Result<(), InsufficientBalance> {
        let (asset, amount) = settlement.spent;
        if self.balance(asset).free < amount {
            return Err(InsufficientBalance);
        }
        let balance = self.change(asset);
        balance.free -= amount;
        balance.locked += amount;
        Ok(())
    }

    /// Gives back what a cancelled order had locked.
    pub(super) fn unlock(&mut self, settlement: &Settlement<'_>) {
        let (asset, amount) = settlement.spent;
        let balance = self.change(asset);
        balance.locked -= amount;
        balance.free += amount;
    }

    /// Executes an order whose spending was locked.
    pub(super) fn settle(&mut self, settlement: &Settlement<'_>) {
        let (asset, amount) = settlement.spent;
        self.change(asset).locked -= amount;
        let (asset, amount) = settlement.received;
        self.change(asset).free += amount;
    }

    /// The balances that changed since the last time.
    pub(super) fn take_changes(&mut self) -> Vec<(String, Balance)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|asset| (self.balance(&asset), asset))
            .map(|(balance, asset)| (asset, balance))
            .collect()
    }

    fn change(&mut self, asset: &str) -> &mut Balance {
        if !self.changed.contains(asset) {
            self.changed.insert(asset.to_owned());
        }
        self.balances.entry(asset.to_owned()).or_default()
    }
}
