//! The queries on `subscriber_settings`, and the row counts that the status shows.

use crate::market::{Stream, Topic};
use crate::store::schema::data_warehouse::{orders, subscriber_settings as settings, trade_events};
use crate::store::{Db, Id, Moment, StoreError, SubscriberStatus};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// Every topic with a row, by name, and whether it is on. A topic that cannot be read is left out with a warning: one
/// odd row must not keep the others from starting.
pub(super) async fn all(db: &Db) -> Result<Vec<(Topic, bool)>, StoreError> {
    let rows = settings::table
        .select((settings::topic, settings::status))
        .order(settings::topic);
    let rows: Vec<(String, SubscriberStatus)> = db.fetch(rows).await?;
    let topics = rows.into_iter().filter_map(|(topic, status)| match topic.parse() {
        Ok(topic) => Some((topic, status == SubscriberStatus::On)),
        Err(error) => {
            tracing::warn!("subscriber_settings: {error}");
            None
        }
    });
    Ok(topics.collect())
}

/// Whether a topic is on; `None` without a row.
pub(super) async fn find(db: &Db, topic: &Topic) -> Result<Option<bool>, StoreError> {
    let row = settings::table
        .filter(settings::topic.eq(topic.to_string()))
        .select(settings::status);
    let status: Option<SubscriberStatus> = db.fetch_optional(row).await?;
    Ok(status.map(|status| status == SubscriberStatus::On))
}

/// Writes a topic's row; a row that exists keeps its id and its `inserted_at`.
pub(super) async fn set(db: &Db, topic: &Topic, on: bool) -> Result<(), StoreError> {
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
    Ok(())
}

/// How many rows of a topic the table holds.
pub(super) async fn row_count(db: &Db, topic: &Topic) -> Result<i64, StoreError> {
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
