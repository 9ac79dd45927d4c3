//! The app's rows: what is switched on, how far each stream has come, and its gaps.

use super::ledger::{FoundGap, GAPS_SHOWN, Recollection, Unsaved};
use crate::market::{ExchangeInfo, Gap, Symbol};
use crate::operation::Seeded;
use crate::store::schema::streamer::{gaps, settings, streams};
use crate::store::{Db, Id, Moment, StoreError, StreamingStatus, Transaction};
use diesel::prelude::*;
use std::collections::HashMap;

/// One symbol's settings.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) symbol: Symbol,
    pub(super) on: bool,
    /// In the exchange's own words.
    pub(super) exchange_status: String,
}

/// Writes the intent; `false` when the symbol has no row.
pub(super) async fn switch(db: &Db, symbol: &Symbol, on: bool) -> Result<bool, StoreError> {
    let status = if on { StreamingStatus::On } else { StreamingStatus::Off };
    let row = settings::table.filter(settings::symbol.eq(symbol.as_str()));
    let change = (settings::status.eq(status), settings::updated_at.eq(Moment::now()));
    Ok(db.run(diesel::update(row).set(change)).await? > 0)
}

pub(super) async fn is_on(db: &Db, symbol: &Symbol) -> Result<bool, StoreError> {
    let query = settings::table
        .filter(settings::symbol.eq(symbol.as_str()))
        .select(settings::status);
    let status: Option<StreamingStatus> = db.fetch_optional(query).await?;
    Ok(status == Some(StreamingStatus::On))
}

/// Every row, by symbol: a few thousand at most.
pub(super) async fn all(db: &Db) -> Result<Vec<Row>, StoreError> {
    let columns = (settings::symbol, settings::status, settings::exchange_status);
    let rows: Vec<(String, StreamingStatus, String)> = db
        .fetch(settings::table.order(settings::symbol).select(columns))
        .await?;
    let read = rows.into_iter().filter_map(|(symbol, status, exchange_status)| {
        // A row that a person put in by hand under an impossible name streams nothing.
        let symbol = symbol.parse().ok()?;
        Some(Row {
            symbol,
            on: status == StreamingStatus::On,
            exchange_status,
        })
    });
    Ok(read.collect())
}

/// All or nothing. Only what is new or has changed is written, so that a repetition costs one query.
pub(super) async fn seed(db: &Db, info: &ExchangeInfo) -> Result<Seeded, StoreError> {
    let mut unit = db.begin().await?;
    let rows: Vec<(String, String)> = unit
        .fetch(settings::table.select((settings::symbol, settings::exchange_status)))
        .await?;
    let known: HashMap<String, String> = rows.into_iter().collect();
    let mut seeded = Seeded::default();
    for listed in info.symbols.values() {
        match known.get(listed.symbol.as_str()) {
            None => {
                seeded.inserted += insert_off(&mut unit, &listed.symbol, listed.status.as_str()).await?;
                continue;
            }
            Some(status) if status != listed.status.as_str() => {
                let row = settings::table.filter(settings::symbol.eq(listed.symbol.as_str()));
                let change = (
                    settings::exchange_status.eq(listed.status.as_str()),
                    settings::updated_at.eq(Moment::now()),
                );
                unit.run(diesel::update(row).set(change)).await?;
            }
            Some(_) => {}
        }
        seeded.known += 1;
    }
    unit.commit().await?;
    Ok(seeded)
}

async fn insert_off(unit: &mut Transaction, symbol: &Symbol, exchange_status: &str) -> Result<usize, StoreError> {
    let now = Moment::now();
    let row = (
        settings::id.eq(Id::new()),
        settings::symbol.eq(symbol.as_str()),
        settings::status.eq(StreamingStatus::Off),
        settings::exchange_status.eq(exchange_status),
        settings::inserted_at.eq(now),
        settings::updated_at.eq(now),
    );
    // Another program on the same PostgreSQL may have been quicker.
    let insert = diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::symbol)
        .do_nothing();
    unit.run(insert).await
}

/// What an earlier run left behind.
pub(super) async fn recall(db: &Db, symbol: &Symbol) -> Result<Recollection, StoreError> {
    let position = streams::table
        .filter(streams::symbol.eq(symbol.as_str()))
        .select(streams::last_trade_id);
    let last_trade_id: Option<i64> = db.fetch_optional(position).await?;
    let of_symbol = gaps::table
        .filter(gaps::symbol.eq(symbol.as_str()))
        .order(gaps::detected_at)
        .select((gaps::first_missing_id, gaps::last_missing_id));
    let rows: Vec<(i64, i64)> = db.fetch(of_symbol).await?;
    let found: Vec<Gap> = rows
        .into_iter()
        .map(|(first_missing_id, last_missing_id)| Gap {
            symbol: symbol.clone(),
            epoch: 0,
            first_missing_id,
            last_missing_id,
        })
        .collect();
    Ok(Recollection {
        last_trade_id,
        gaps: found.len() as u64,
        missing: found.iter().map(Gap::missing).sum(),
        gap_ranges: found[found.len().saturating_sub(GAPS_SHOWN)..].to_vec(),
    })
}

/// May be repeated with what it has written before.
pub(super) async fn save(db: &Db, unsaved: &[Unsaved]) -> Result<(), StoreError> {
    let mut unit = db.begin().await?;
    for stream in unsaved {
        if let Some(last_trade_id) = stream.last_trade_id {
            let change = (
                streams::last_trade_id.eq(last_trade_id),
                streams::updated_at.eq(Moment::now()),
            );
            let row = (streams::symbol.eq(stream.symbol.as_str()), change);
            let upsert = diesel::insert_into(streams::table)
                .values(row)
                .on_conflict(streams::symbol)
                .do_update()
                .set(change);
            unit.run(upsert).await?;
        }
        for found in &stream.gaps {
            insert_gap(&mut unit, found).await?;
        }
    }
    unit.commit().await
}

async fn insert_gap(unit: &mut Transaction, FoundGap { gap, cause, found_at }: &FoundGap) -> Result<(), StoreError> {
    let row = (
        gaps::id.eq(Id::new()),
        gaps::symbol.eq(gap.symbol.as_str()),
        gaps::first_missing_id.eq(gap.first_missing_id),
        gaps::last_missing_id.eq(gap.last_missing_id),
        gaps::detected_at.eq(Moment::from_micros(found_at.saturating_mul(1000))),
        gaps::cause.eq(cause.as_str()),
    );
    let key = (gaps::symbol, gaps::first_missing_id, gaps::last_missing_id);
    unit.run(
        diesel::insert_into(gaps::table)
            .values(row)
            .on_conflict(key)
            .do_nothing(),
    )
    .await?;
    Ok(())
}
