//! Sees to it that every state of our orders reaches whoever stores orders: told again until it is acknowledged.
//!
//! Traders tell through [`Told`], the process `Teller` looks after what they told. It knows of the other side only what the
//! topic knows: up to which position those who subscribe durably have acknowledged.
//!
//! Invariant: a row of `orders` is marked as acknowledged only after a durable subscriber that was there when its state was
//! broadcast has acknowledged that position. So after any end, and where nobody has stored for an hour, the last state of
//! each order is still told.

use super::ledger::orders;
use crate::causes::causes;
use crate::market::{Order, Symbol, Topic};
use crate::store::{Db, StoreError};
use hedgehog_core::{ActorProcessingErr, ChildSpec, PubSub, Restart, Task, TaskMsg};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often what was told is looked after.
const LOOK: Duration = Duration::from_secs(1);

/// The process `Teller`. It looks at the ledger at once: an earlier run of the program may have left something untold.
pub(super) fn spec(db: &Db, told: &Told) -> ChildSpec<TaskMsg> {
    let (db, told) = (db.clone(), told.clone());
    let look_after = move || {
        let (db, told) = (db.clone(), told.clone());
        async move {
            let mut ticks = tokio::time::interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut in_trouble = false;
            loop {
                ticks.tick().await;
                let outcome = told.look_after(&db).await;
                if let Err(error) = &outcome
                    && !in_trouble
                {
                    let error = causes(error);
                    tracing::warn!("the ledger cannot say which orders are not stored yet, trying again: {error}");
                }
                in_trouble = outcome.is_err();
            }
            #[expect(unreachable_code, reason = "says what the task would return")]
            Ok::<(), ActorProcessingErr>(())
        }
    };
    Task::spec("Teller", look_after).restart(Restart::Permanent)
}

/// Which states of our orders this program has broadcast, at which position. Cheap to clone; clones share it.
#[derive(Clone)]
pub(super) struct Told {
    topics: PubSub<Order>,
    /// Until they are marked as acknowledged, or nobody is there who could acknowledge them.
    waiting: Arc<Mutex<HashMap<Key, Telling>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    symbol: Symbol,
    order_id: i64,
    client_order_id: String,
}

impl Key {
    fn of(order: &Order) -> Self {
        Self {
            symbol: order.symbol.clone(),
            order_id: order.order_id,
            client_order_id: order.client_order_id.clone(),
        }
    }
}

struct Telling {
    order: Order,
    position: u64,
}

impl Told {
    pub(super) fn new(topics: PubSub<Order>) -> Self {
        Self {
            topics,
            waiting: Arc::default(),
        }
    }

    /// Broadcasts the state of an order, unless it already waits in the topic or a newer one does.
    pub(super) fn tell(&self, order: &Order) {
        let topic = self.topics.topic(&Topic::orders(&order.symbol).to_string());
        let key = Key::of(order);
        // Held over the broadcast: each teller must note the position that its own state gets.
        let mut waiting = self.waiting.lock();
        let known = waiting
            .get(&key)
            .filter(|known| topic.has_acknowledged(known.position).is_some());
        if known.is_some_and(|known| !order.supersedes(&known.order)) {
            return;
        }
        let position = topic.published();
        topic.broadcast(order.clone());
        // A trader that was declared dead broadcasts nothing.
        if topic.published() > position {
            let order = order.clone();
            waiting.insert(key, Telling { order, position });
        }
    }

    /// Marks what has been acknowledged, and tells again what somebody could store and nobody has.
    async fn look_after(&self, db: &Db) -> Result<(), StoreError> {
        let acknowledged = self.acknowledged();
        if !acknowledged.is_empty() {
            orders::acknowledge(db, &acknowledged).await?;
            let mut waiting = self.waiting.lock();
            for order in &acknowledged {
                let key = Key::of(order);
                if waiting.get(&key).is_some_and(|telling| telling.order == *order) {
                    waiting.remove(&key);
                }
            }
        }
        let stored = self.stored();
        if stored.is_empty() {
            return Ok(());
        }
        for order in orders::unacknowledged(db, &stored).await? {
            self.tell(&order);
        }
        Ok(())
    }

    /// The states that wait to be marked; those that nobody has are forgotten, to be told again from the ledger.
    fn acknowledged(&self) -> Vec<Order> {
        let mut acknowledged = Vec::new();
        self.waiting.lock().retain(|key, telling| {
            let topic = self.topics.topic(&Topic::orders(&key.symbol).to_string());
            let state = topic.has_acknowledged(telling.position);
            if state == Some(true) {
                acknowledged.push(telling.order.clone());
            }
            state.is_some()
        });
        acknowledged
    }

    /// The symbols whose orders somebody stores.
    fn stored(&self) -> Vec<String> {
        let named = self.topics.topics();
        let stored = named.iter().filter_map(|info| {
            let topic = self.topics.topic(&info.name);
            topic.acknowledged()?;
            Some(info.name.parse::<Topic>().ok()?.symbol.to_string())
        });
        stored.collect()
    }
}

#[cfg(test)]
mod tests;
