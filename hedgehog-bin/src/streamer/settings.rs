//! The app's rows: what is switched on, how far each stream has come, and its gaps.

use super::continuity::{Cause, Recollection};
use super::gap_rows::{Change, Found};
use super::schema::{StreamingStatus, gaps, settings, streams};
use super::unsaved::Unsaved;
use crate::market::{ExchangeInfo, Symbol};
use crate::operation::Seeded;
use crate::store::{Db, Id, Moment, StoreError, Transaction};
use diesel::prelude::*;
use std::collections::HashMap;
use std::ops::RangeInclusive;

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
        .select((streams::epoch, streams::last_trade_id));
    let position: Option<(i32, i64)> = db.fetch_optional(position).await?;
    let of_symbol = gaps::table
        .filter(gaps::symbol.eq(symbol.as_str()))
        .order((gaps::epoch, gaps::first_missing_id));
    let columns = (
        gaps::epoch,
        gaps::first_missing_id,
        gaps::last_missing_id,
        gaps::cause,
        gaps::detected_at,
    );
    let rows: Vec<(i32, i64, i64, String, Moment)> = db.fetch(of_symbol.select(columns)).await?;
    let rows = rows.into_iter().map(|(epoch, first, last, cause, detected_at)| {
        let at = detected_at.as_micros() / 1000;
        (epoch, first..=last, Cause::from_row(&cause), at)
    });
    Ok(Recollection {
        position,
        gaps: rows.collect(),
    })
}

/// May be repeated with what it has written before.
pub(super) async fn save(db: &Db, unsaved: &[Unsaved]) -> Result<(), StoreError> {
    let mut unit = db.begin().await?;
    for stream in unsaved {
        let symbol = stream.symbol.as_str();
        if let Some((epoch, last_trade_id)) = stream.position {
            let change = (
                streams::epoch.eq(epoch),
                streams::last_trade_id.eq(last_trade_id),
                streams::updated_at.eq(Moment::now()),
            );
            let upsert = diesel::insert_into(streams::table)
                .values((streams::symbol.eq(symbol), change))
                .on_conflict(streams::symbol)
                .do_update()
                .set(change);
            unit.run(upsert).await?;
        }
        for change in &stream.changes {
            match change {
                Change::Add { epoch, range, found } => add_gap(&mut unit, symbol, *epoch, range, *found).await?,
                Change::Remove { epoch, range } => {
                    let row = gaps::table
                        .filter(gaps::symbol.eq(symbol))
                        .filter(gaps::epoch.eq(*epoch))
                        .filter(gaps::first_missing_id.eq(*range.start()))
                        .filter(gaps::last_missing_id.eq(*range.end()));
                    unit.run(diesel::delete(row)).await?;
                }
            }
        }
    }
    unit.commit().await
}

async fn add_gap(
    unit: &mut Transaction,
    symbol: &str,
    epoch: i32,
    range: &RangeInclusive<i64>,
    Found { cause, at }: Found,
) -> Result<(), StoreError> {
    let row = (
        gaps::id.eq(Id::new()),
        gaps::symbol.eq(symbol),
        gaps::epoch.eq(epoch),
        gaps::first_missing_id.eq(*range.start()),
        gaps::last_missing_id.eq(*range.end()),
        gaps::detected_at.eq(Moment::from_micros(at.saturating_mul(1000))),
        gaps::cause.eq(cause.as_str()),
    );
    let key = (gaps::symbol, gaps::epoch, gaps::first_missing_id, gaps::last_missing_id);
    let insert = diesel::insert_into(gaps::table).values(row);
    unit.run(insert.on_conflict(key).do_nothing()).await?;
    Ok(())
}
