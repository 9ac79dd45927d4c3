//! What is traded, and how: the rows of `settings`.
//!
//! Written by the operations of [`Naive`](super::Naive) within the app's turn, read by autostart and by each leader. A
//! row stands for every symbol that the exchange lists.

mod change;

pub use change::{SettingsChange, SettingsError};

use super::schema::{TradingStatus, settings};
use super::strategy::Terms;
use crate::market::{Decimal, Symbol, SymbolFilters, parse_decimal, short_text};
use crate::operation::Seeded;
use crate::store::{self, Db, Id, Moment, StoreError, columns};
use bigdecimal::RoundingMode;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The row of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = settings)]
pub(super) struct Setting {
    id: Id,
    symbol: String,
    pub(super) chunks: i32,
    budget: store::Decimal,
    buy_down_interval: store::Decimal,
    profit_interval: store::Decimal,
    rebuy_interval: store::Decimal,
    pub(super) status: TradingStatus,
    inserted_at: Moment,
    pub(super) updated_at: Moment,
}

impl Setting {
    /// The symbol, as the exchange spells it.
    pub(super) fn symbol(&self) -> Result<Symbol, crate::market::SymbolError> {
        self.symbol.parse()
    }

    /// At most so many traders at once.
    pub(super) fn max_traders(&self) -> usize {
        usize::try_from(self.chunks).unwrap_or(0).max(1)
    }

    /// What a trader trades by: the row over the exchange's rules, which a change of the row must not lose.
    pub(super) fn terms(&self, filters: &SymbolFilters) -> Terms {
        let chunk = &self.budget.0 / Decimal::from(self.chunks.max(1));
        Terms {
            // A chunk of 1000 / 3 has no end. Cut far below any tick and step it never exceeds the budget, and no
            // quantity changes by it.
            chunk: chunk.with_scale_round(18, RoundingMode::Floor).normalized(),
            buy_down_interval: self.buy_down_interval.0.clone(),
            profit_interval: self.profit_interval.0.clone(),
            rebuy_interval: self.rebuy_interval.0.clone(),
            filters: filters.clone(),
        }
    }
}

/// The settings of a symbol, as they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradingSettings {
    /// The pair.
    pub symbol: String,
    /// Whether it is traded.
    pub status: TradingStatus,
    /// At most so many traders at once.
    pub chunks: i32,
    /// What they have together, in the quote asset.
    pub budget: String,
    /// How far below the market a trader buys.
    pub buy_down_interval: String,
    /// How far above what it paid it sells, fees added.
    pub profit_interval: String,
    /// How far the price has to fall below a buy until a further trader starts.
    pub rebuy_interval: String,
}

impl From<&Setting> for TradingSettings {
    fn from(row: &Setting) -> Self {
        Self {
            symbol: row.symbol.clone(),
            status: row.status,
            chunks: row.chunks,
            budget: short_text(&row.budget.0),
            buy_down_interval: short_text(&row.buy_down_interval.0),
            profit_interval: short_text(&row.profit_interval.0),
            rebuy_interval: short_text(&row.rebuy_interval.0),
        }
    }
}

/// The settings that new rows begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Buys at least two fees below the market and sells at a profit after fees.
    #[default]
    Safe,
    /// Fills quickly, to watch it work, and loses money by its fees.
    Demo,
}

impl Profile {
    fn intervals(self) -> [&'static str; 3] {
        match self {
            Self::Safe => ["0.002", "0.001", "0.005"],
            Self::Demo => ["0.0001", "-0.0012", "0.001"],
        }
    }

    fn row(self, symbol: &Symbol, now: Moment) -> Setting {
        let decimal = |text: &str| store::Decimal(parse_decimal(text).expect("a profile is written in plain decimals"));
        let [buy_down_interval, profit_interval, rebuy_interval] = self.intervals().map(decimal);
        Setting {
            id: Id::new(),
            symbol: symbol.as_str().to_owned(),
            chunks: 5,
            budget: decimal("1000"),
            buy_down_interval,
            profit_interval,
            rebuy_interval,
            status: TradingStatus::Off,
            inserted_at: now,
            updated_at: now,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Safe => "safe",
            Self::Demo => "demo",
        })
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "safe" => Ok(Self::Safe),
            "demo" => Ok(Self::Demo),
            _ => Err(format!("{text:?} is not a profile: expected safe or demo")),
        }
    }
}

/// The row of a symbol, if it has one.
pub(super) async fn find(db: &Db, symbol: &Symbol) -> Result<Option<Setting>, StoreError> {
    let row = settings::table.filter(settings::symbol.eq(symbol.as_str()));
    db.fetch_optional(row.select(columns::<Setting>())).await
}

/// The rows that are on or draining, by symbol.
pub(super) async fn active(db: &Db) -> Result<Vec<Setting>, StoreError> {
    let rows = settings::table
        .filter(settings::status.ne(TradingStatus::Off))
        .order(settings::symbol);
    db.fetch(rows.select(columns::<Setting>())).await
}

/// Every row, by symbol.
pub(super) async fn all(db: &Db) -> Result<Vec<Setting>, StoreError> {
    db.fetch(settings::table.order(settings::symbol).select(columns::<Setting>()))
        .await
}

/// Writes changed rows, all of them or none; `updated_at` stays, because the status holds since then.
pub(super) async fn save(db: &Db, rows: &[Setting]) -> Result<(), StoreError> {
    let mut transaction = db.begin().await?;
    for row in rows {
        let target = settings::table.filter(settings::symbol.eq(row.symbol.as_str()));
        let change = (
            settings::chunks.eq(row.chunks),
            settings::budget.eq(row.budget.clone()),
            settings::buy_down_interval.eq(row.buy_down_interval.clone()),
            settings::profit_interval.eq(row.profit_interval.clone()),
            settings::rebuy_interval.eq(row.rebuy_interval.clone()),
        );
        transaction.run(diesel::update(target).set(change)).await?;
    }
    transaction.commit().await
}

/// Every symbol that has a row.
pub(super) async fn symbols(db: &Db) -> Result<Vec<String>, StoreError> {
    db.fetch(settings::table.select(settings::symbol).order(settings::symbol))
        .await
}

/// Changes the status; the row after the change, if there is one. `updated_at` tells since when the status holds.
pub(super) async fn set_status(db: &Db, row: &Setting, status: TradingStatus) -> Result<Setting, StoreError> {
    if row.status != status {
        let updated_at = Moment::now();
        let target = settings::table.filter(settings::symbol.eq(row.symbol.as_str()));
        let change = (settings::status.eq(status), settings::updated_at.eq(updated_at));
        db.run(diesel::update(target).set(change)).await?;
        return Ok(Setting {
            status,
            updated_at,
            ..row.clone()
        });
    }
    Ok(row.clone())
}

/// Inserts a row for each symbol that has none, in transactions of a thousand so that others get their turn to write.
pub(super) async fn seed(db: &Db, symbols: &[&Symbol], profile: Profile) -> Result<Seeded, StoreError> {
    let mut inserted = 0;
    for batch in symbols.chunks(1000) {
        let mut transaction = db.begin().await?;
        for symbol in batch {
            let row = profile.row(symbol, Moment::now());
            let insert = diesel::insert_into(settings::table).values(row);
            inserted += transaction
                .run(insert.on_conflict(settings::symbol).do_nothing())
                .await?;
        }
        transaction.commit().await?;
    }
    Ok(Seeded {
        inserted,
        known: symbols.len() - inserted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_without_an_end_never_exceeds_the_budget() {
        let symbol = "BTCUSDT".parse().expect("a symbol");
        let mut row = Profile::Safe.row(&symbol, Moment::from_micros(0));
        row.chunks = 3;
        let chunk = row.terms(&SymbolFilters::of(Decimal::from(1), Decimal::from(1))).chunk;
        assert_eq!(chunk, parse_decimal("333.333333333333333333").expect("a decimal"));
    }

    #[test]
    fn a_profile_reads_back_in_any_case() {
        for profile in [Profile::Safe, Profile::Demo] {
            assert_eq!(profile.to_string().to_uppercase().parse(), Ok(profile));
        }
        assert!("greedy".parse::<Profile>().is_err());
    }
}
