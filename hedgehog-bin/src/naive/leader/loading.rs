//! What a leader reads before it starts anybody: its symbol's row, the open traders, and the exchange's rules.

use super::{Leading, Plan};
use crate::exchange::ExchangeError;
use crate::market::Symbol;
use crate::naive::desk::Desk;
use crate::naive::ledger::{self, Record};
use crate::naive::schema::{TraderState, TradingStatus};
use crate::naive::settings;
use crate::store::StoreError;

/// What a leader starts with, or that there is nothing left to start.
pub(super) enum Loaded {
    Ready(Plan, Vec<Record>),
    WoundUp,
}

/// Why a leader cannot start its traders yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} has no settings: run seed")]
    NoSettings(Symbol),
}

impl Leading {
    /// The rows first: they show what is open, whatever the exchange says or does not say.
    pub(super) async fn read(&self) -> Result<Loaded, LoadError> {
        let Desk { db, market, board, .. } = &self.desk;
        let setting = settings::find(db, &self.symbol).await?;
        let setting = setting.ok_or_else(|| LoadError::NoSettings(self.symbol.clone()))?;
        let open = ledger::open(db, &self.symbol).await?;
        board.note(&setting);
        board.set_records(&self.symbol, &open);
        board.set_totals(&self.symbol, ledger::totals_of(db, &self.symbol).await?);
        let info = market.exchange_info().await?;
        board.know(&info);
        match info.symbols.get(&self.symbol).cloned() {
            Some(info) => Ok(Loaded::Ready(Plan::new(&setting, info), open)),
            None if setting.status == TradingStatus::Shutdown => {
                self.wind_up(open).await?;
                Ok(Loaded::WoundUp)
            }
            None => Err(ExchangeError::UnknownSymbol(self.symbol.clone()).into()),
        }
    }

    /// Closes what is open of a symbol that the exchange does not list any more: nothing of it can be sold.
    async fn wind_up(&self, open: Vec<Record>) -> Result<(), StoreError> {
        for mut record in open {
            let (symbol, trader) = (&self.symbol, record.id);
            tracing::warn!(
                %symbol,
                %trader,
                "{symbol} trader {trader} is closed, because the exchange does not list {symbol} any more: {}",
                record.held_in_words("of the base asset")
            );
            record.state = TraderState::Cancelled;
            ledger::save(&self.desk.db, &record, &[]).await?;
        }
        Ok(())
    }
}
