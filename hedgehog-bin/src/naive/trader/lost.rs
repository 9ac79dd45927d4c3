//! Orders that the exchange does not know any more: it was reset, has pruned them, or lists the symbol no longer.
//!
//! Invariant: a trader is closed only by what the exchange said, more than once and while it answered everything else; and
//! nothing is booked that it has not confirmed.

use super::Trading;
use super::lines::order_line;
use crate::exchange::ExchangeError;
use crate::market::{Order, Side, short_text};
use crate::naive::position::{Claim, LegState};
use crate::naive::schema::TraderState;
use tokio::time::Instant;

/// At least so many answers, however the clock went.
const ANSWERS: u32 = 4;

/// An order that was confirmed, and is denied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing {
    since: Instant,
    answers: u32,
}

impl Trading {
    /// The order, if it is ours by everything that is known of it. Another one under our id is told once.
    pub(super) fn ours(&mut self, side: Side, order: Order) -> Option<Order> {
        match self.record.position.claim(&order) {
            Some(Claim::Ours(of)) if of == side => Some(order),
            _ => {
                self.tell_foreign(side, &order);
                None
            }
        }
    }

    pub(super) fn tell_foreign(&mut self, side: Side, order: &Order) {
        if self.foreign.replace(order.order_id) == Some(order.order_id) {
            return;
        }
        let Some(leg) = self.record.position.leg(side) else {
            return;
        };
        let ours = format!(
            "{side} {} at {}",
            short_text(leg.quantity.value()),
            short_text(leg.price.value())
        );
        let [theirs, price] = [order.original_quantity.value(), order.price.value()].map(short_text);
        let of = self.order_line(side);
        order_line!(
            warn,
            of,
            "{}: the exchange has {} {theirs} at {price} under the id {} of our {ours}: that is not our order, and nothing of it is taken over",
            of.symbol,
            order.side,
            order.order_id,
        );
    }

    /// The exchange does not know the order on `side`, which it had confirmed. Closes the trader once that is certain; else it
    /// is asked again.
    pub(super) async fn missing(&mut self, side: Side) {
        let missing = self.missing.get_or_insert_with(|| Missing {
            since: Instant::now(),
            answers: 0,
        });
        missing.answers += 1;
        let Missing { since, answers } = *missing;
        let patience = self.desk.patience;
        let denied = answers >= ANSWERS && since.elapsed() >= patience.for_long;
        let id = self
            .record
            .position
            .leg(side)
            .and_then(|leg| leg.order_id)
            .unwrap_or_default();
        if denied || self.new_world {
            match self.desk.account.open_orders(&self.record.symbol).await {
                Ok(open) => {
                    let ours = |order: &&Order| self.record.position.claim(order) == Some(Claim::Ours(side));
                    let Some(found) = open.iter().find(ours).cloned() else {
                        return self.close(side, &format!("the exchange does not know order {id} any more"));
                    };
                    // It stands among the open ones all the same.
                    self.absorb(side, found);
                }
                Err(error) => return self.failed(&error),
            }
        }
        let why = format!("the exchange does not know order {id} any more: asking again before the trader is closed");
        self.park_for(patience.every, why);
    }

    /// Whether the symbol is gone from the exchange while the last trades are to end: they cannot.
    pub(super) fn is_delisted(&self, error: &ExchangeError) -> bool {
        self.mandate.draining && matches!(error, ExchangeError::UnknownSymbol(_))
    }

    /// Ends the trader with what it holds told. Its row keeps the orders as they were last confirmed.
    pub(super) fn close(&mut self, side: Side, why: &str) {
        let held = self.record.held_in_words(&self.mandate.info.base_asset);
        let of = self.order_line(side);
        order_line!(
            warn,
            of,
            "{} trader {} is closed, because {why}: {held}",
            of.symbol,
            of.trader
        );
        self.missing = None;
        self.not_before = None;
        self.end(TraderState::Cancelled);
    }

    /// The order on `side` is known: it belongs to the present world.
    pub(super) fn found(&mut self, side: Side) {
        if self
            .record
            .position
            .leg(side)
            .is_some_and(|leg| leg.state != LegState::Unconfirmed)
        {
            self.missing = None;
            self.new_world = false;
        }
    }
}
