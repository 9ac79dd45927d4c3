//! What the app knows of itself: the status is answered from here, without a database and without the exchange.
//!
//! Filled from settings and ledger when the app's tree starts, and from then on by whoever changes something: the operations
//! their row, a leader its traders and cycles. Invariant: it shows what was last true, also while a symbol's processes are
//! down, and never waits for anybody.

use super::ledger::{self, Record};
use super::schema::TradingStatus as Switch;
use super::settings::{self, Setting};
use super::status::{TraderStatus, TradingStatus, open_profit};
use crate::causes::causes;
use crate::market::{Bus, Decimal, ExchangeInfo, Price, Symbol, Topic, TradeEvent};
use crate::operation::OperationError;
use crate::store::{Db, StoreError};
use hedgehog_core::{Overflow, Subscription};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Cheap to clone; clones share it.
#[derive(Clone)]
pub(super) struct Board {
    bus: Bus,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Why settings and ledger have not been read yet; `None` once they have been.
    unread: Option<String>,
    /// Why the exchange's list of symbols has never been read, while that is so.
    unreached: Option<String>,
    info: Option<Arc<ExchangeInfo>>,
    symbols: BTreeMap<Symbol, Entry>,
}

/// A symbol that is on, or was traded.
#[derive(Default)]
struct Entry {
    setting: Option<Setting>,
    traders: Vec<TraderStatus>,
    parked: Option<String>,
    cycles: i64,
    profit: Decimal,
    price: Option<Price>,
    trades: Option<Subscription<TradeEvent>>,
}

impl Board {
    pub(super) fn new(bus: Bus) -> Self {
        let state = State {
            unread: Some("the program is starting".to_owned()),
            ..State::default()
        };
        Self {
            bus,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Reads settings and ledger. No trader runs yet.
    pub(super) async fn fill(&self, db: &Db, active: &[Setting]) -> Result<(), StoreError> {
        let read = async {
            let totals = ledger::totals(db).await?;
            let open = ledger::all_open(db).await?;
            let mut settings = active.to_vec();
            let traded = totals
                .keys()
                .cloned()
                .chain(open.iter().map(|record| record.symbol.to_string()));
            for symbol in traded.filter_map(|symbol| symbol.parse::<Symbol>().ok()) {
                if !settings.iter().any(|row| row.symbol().as_ref() == Ok(&symbol)) {
                    settings.extend(settings::find(db, &symbol).await?);
                }
            }
            Ok((totals, open, settings))
        };
        let (totals, open, settings) = match read.await {
            Ok(read) => read,
            Err(error) => {
                self.unread(&error);
                return Err(error);
            }
        };
        let mut state = self.state.lock();
        for entry in state.symbols.values_mut() {
            entry.traders.clear();
        }
        for setting in settings {
            state.note(&self.bus, setting);
        }
        for record in &open {
            let status = TraderStatus::of(record, None);
            state.entry(&record.symbol).traders.push(status);
        }
        for (symbol, (cycles, profit)) in totals {
            if let Ok(symbol) = symbol.parse() {
                let entry = state.entry(&symbol);
                (entry.cycles, entry.profit) = (cycles, profit);
            }
        }
        state.unread = None;
        Ok(())
    }

    /// Settings and ledger could not be read. What is known already stays.
    pub(super) fn unread(&self, error: &StoreError) {
        if let Some(why) = &mut self.state.lock().unread {
            *why = causes(error);
        }
    }

    /// The exchange's list of symbols could not be read.
    pub(super) fn unreached(&self, why: String) {
        let mut state = self.state.lock();
        if state.info.is_none() {
            state.unreached = Some(why);
        }
    }

    /// Why nothing is known of the exchange's symbols.
    pub(super) fn why_unreached(&self) -> Option<String> {
        self.state.lock().unreached.clone()
    }

    pub(super) fn know(&self, info: &Arc<ExchangeInfo>) {
        let mut state = self.state.lock();
        state.info = Some(Arc::clone(info));
        state.unreached = None;
    }

    /// A symbol's row, new or changed.
    pub(super) fn note(&self, setting: &Setting) {
        self.state.lock().note(&self.bus, setting.clone());
    }

    /// A trader is about to start.
    pub(super) fn expect(&self, symbol: &Symbol, trader: &TraderStatus) {
        let mut state = self.state.lock();
        let traders = &mut state.entry(symbol).traders;
        if !traders.iter().any(|known| known.id == trader.id) {
            traders.push(trader.clone());
        }
    }

    /// The symbol's open traders, oldest first.
    pub(super) fn set_traders(&self, symbol: &Symbol, traders: Vec<TraderStatus>) {
        self.state.lock().entry(symbol).traders = traders;
    }

    /// As [`set_traders`](Self::set_traders), from the ledger.
    pub(super) fn set_records(&self, symbol: &Symbol, open: &[Record]) {
        self.set_traders(
            symbol,
            open.iter().map(|record| TraderStatus::of(record, None)).collect(),
        );
    }

    /// Why the symbol is not traded although it is on.
    pub(super) fn set_parked(&self, symbol: &Symbol, parked: Option<String>) {
        self.state.lock().entry(symbol).parked = parked;
    }

    /// All finished cycles of a symbol and their profit.
    pub(super) fn set_totals(&self, symbol: &Symbol, (cycles, profit): (i64, Decimal)) {
        let mut state = self.state.lock();
        let entry = state.entry(symbol);
        (entry.cycles, entry.profit) = (cycles, profit);
    }

    /// A trader has finished its cycle.
    pub(super) fn cycle_finished(&self, symbol: &Symbol, trader: Uuid, profit: &Decimal) {
        let mut state = self.state.lock();
        let entry = state.entry(symbol);
        entry.traders.retain(|known| known.id != trader);
        entry.cycles += 1;
        entry.profit += profit;
    }

    /// Every symbol that is on or draining, that has open trades, or that was traded.
    pub(super) fn statuses(&self) -> Result<Vec<TradingStatus>, OperationError> {
        let mut state = self.state.lock();
        if let Some(why) = &state.unread {
            return Err(OperationError::NotReadYet { why: why.clone() });
        }
        let State { info, symbols, .. } = &mut *state;
        let told = symbols.iter_mut().filter(|(_, entry)| entry.tells());
        Ok(told
            .map(|(symbol, entry)| {
                entry.read_price(&self.bus, symbol);
                let info = info.as_ref().and_then(|info| info.symbols.get(symbol));
                entry.status(
                    symbol,
                    info.map(|info| (info.base_asset.clone(), info.quote_asset.clone())),
                )
            })
            .collect())
    }
}

impl State {
    fn entry(&mut self, symbol: &Symbol) -> &mut Entry {
        self.symbols.entry(symbol.clone()).or_default()
    }

    fn note(&mut self, bus: &Bus, setting: Setting) {
        if let Ok(symbol) = setting.symbol() {
            let entry = self.entry(&symbol);
            if setting.status == Switch::Off {
                entry.parked = None;
            }
            // From now on, so that a price is known when somebody asks.
            entry.read_price(bus, &symbol);
            entry.setting = Some(setting);
        }
    }
}

impl Entry {
    fn switch(&self) -> Switch {
        self.setting.as_ref().map_or(Switch::Off, |setting| setting.status)
    }

    fn tells(&self) -> bool {
        self.switch() != Switch::Off || !self.traders.is_empty() || self.cycles > 0
    }

    /// The newest trade: a subscription that keeps one event and wakes nobody.
    fn read_price(&mut self, bus: &Bus, symbol: &Symbol) {
        let topic = Topic::trade_events(symbol).to_string();
        let trades = &mut self.trades;
        let trades = trades.get_or_insert_with(|| bus.trade_events.subscribe(&topic, Overflow::Latest));
        let price = &mut self.price;
        // What it skips is what it is for.
        let _ = trades.drain(1, |trade| *price = Some(trade.price.clone()));
    }

    fn status(&self, symbol: &Symbol, assets: Option<(String, String)>) -> TradingStatus {
        let (base_asset, quote_asset) = assets.unzip();
        let since = self
            .setting
            .as_ref()
            .map_or(0, |setting| setting.updated_at.as_micros() / 1000);
        TradingStatus {
            symbol: symbol.clone(),
            status: self.switch(),
            since,
            base_asset,
            quote_asset,
            price: self.price.clone(),
            open_profit: open_profit(&self.traders, self.price.as_ref()),
            open_traders: self.traders.clone(),
            cycles: self.cycles,
            profit: self.profit.clone(),
            parked: self.parked.clone(),
        }
    }
}
