//! The queries on `subscriber_settings`.

use super::schema::{SubscriberStatus, orders, subscriber_settings as settings, trade_events};
use crate::market::{Stream, Topic};
use crate::store::{Db, Id, Moment, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// What stands in a row.
pub(super) struct Row {
    pub(super) topic: Topic,
    pub(super) on: bool,
    /// How many rows the topic has in its table.
    pub(super) rows: i64,
}

/// Every topic with a row, by name. A topic that cannot be read is left out with a warning: one odd row must not keep the others
/// from starting.
pub(super) async fn all(db: &Db) -> Result<Vec<Row>, StoreError> {
    let rows = settings::table
        .select((settings::topic, settings::status, settings::rows_stored))
        .order(settings::topic);
    let rows: Vec<(String, SubscriberStatus, i64)> = db.fetch(rows).await?;
    let topics = rows
        .into_iter()
        .filter_map(|(topic, status, rows)| match topic.parse() {
            Ok(topic) => Some(Row {
                topic,
                on: status == SubscriberStatus::On,
                rows,
            }),
            Err(error) => {
                tracing::warn!("subscriber_settings: {error}");
                None
            }
        });
    Ok(topics.collect())
}

/// A topic's row, if it has one.
pub(super) async fn find(db: &Db, topic: &Topic) -> Result<Option<Row>, StoreError> {
    let row = settings::table
        .filter(settings::topic.eq(topic.to_string()))
        .select((settings::status, settings::rows_stored));
    let row: Option<(SubscriberStatus, i64)> = db.fetch_optional(row).await?;
    Ok(row.map(|(status, rows)| Row {
        topic: topic.clone(),
        on: status == SubscriberStatus::On,
        rows,
    }))
}

/// Writes a topic's row, and returns it; one that exists keeps its id, its `inserted_at` and its count. Within a turn.
pub(super) async fn set(db: &Db, topic: &Topic, on: bool) -> Result<Row, StoreError> {
    let rows = match find(db, topic).await? {
        Some(known) => known.rows,
        // Counted once, here: a symbol that nobody has stored yet has none.
        None => row_count(db, topic).await?,
    };
    let status = if on {
        SubscriberStatus::On
    } else {
        SubscriberStatus::Off
    };
    let now = Moment::now();
    let row = (
        settings::id.eq(Id::new()),
        settings::topic.eq(topic.to_string()),
        settings::status.eq(status),
        settings::inserted_at.eq(now),
        settings::updated_at.eq(now),
        settings::rows_stored.eq(rows),
    );
    let changes = (
        settings::status.eq(excluded(settings::status)),
        settings::updated_at.eq(excluded(settings::updated_at)),
    );
    let upsert = diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::topic)
        .do_update()
        .set(changes);
    db.run(upsert).await?;
    Ok(Row {
        topic: topic.clone(),
        on,
        rows,
    })
}

/// How many rows of a topic the table holds.
async fn row_count(db: &Db, topic: &Topic) -> Result<i64, StoreError> {
    let symbol = topic.symbol.as_str();
    match topic.stream {
        Stream::TradeEvents => {
            db.fetch_one(trade_events::table.filter(trade_events::symbol.eq(symbol)).count())
                .await
        }
        Stream::Orders => {
            db.fetch_one(orders::table.filter(orders::symbol.eq(symbol)).count())
                .await
        }
    }
}
