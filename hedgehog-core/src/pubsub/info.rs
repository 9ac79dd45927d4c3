//! A topic and its subscribers as seen from outside.

use super::{
    Overflow,
    engine::{Reader, Seat},
    owner,
};
use crate::identity::Pid;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A topic as seen from outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopicInfo {
    /// The name it is found under.
    pub name: Arc<str>,
    /// Events published since the topic was created.
    pub published: u64,
    /// Events the log holds at this moment for its slowest subscriber, rounded to chunks.
    pub retained: u64,
    /// How many closures are called [inline](super::Topic::inline).
    pub inline: usize,
    /// Its subscribers, in no order that means anything.
    pub subscribers: Vec<SubscriberInfo>,
}

/// A subscriber as seen from outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriberInfo {
    /// What it asked for.
    pub overflow: Overflow,
    /// The actor it belongs to, if it belongs to one.
    pub owner: Option<Pid>,
    /// The next event it will read, as of its last drain.
    pub position: u64,
    /// Everything before was acknowledged: by reading, or by hand where the subscription asks for that.
    pub acknowledged: u64,
    /// Events published but not read.
    pub lag: u64,
    /// The largest lag seen, now included.
    pub high_water: u64,
    /// Events it lost since it subscribed.
    pub lagged: u64,
    /// Events it passed over because they were not for it.
    pub skipped: u64,
    /// Whether it sleeps until the next event.
    pub idle: bool,
}

impl SubscriberInfo {
    pub(super) fn of(reader: &Reader, seat: &Seat, published: u64) -> Self {
        let published = reader.end().unwrap_or(published);
        let position = reader.position();
        // A reader in the middle of its work may have moved on since `published` was read.
        let lag = published.saturating_sub(position);
        // What overflowed counts as lost now, although the subscriber will find out at its next drain only.
        let overflowed = reader.oldest(published).saturating_sub(position);
        Self {
            overflow: reader.overflow(),
            owner: owner::of(seat),
            position,
            acknowledged: reader.acknowledged(),
            lag,
            high_water: reader.high_water().max(lag),
            lagged: reader.lagged() + overflowed,
            skipped: reader.skipped(),
            idle: seat.is_idle(),
        }
    }
}
