//! What a trader takes over of its orders' states, whom it tells, and what is said at the end of a cycle.

use super::Trading;
use super::lines::{order_line, uncharged};
use crate::market::{Order, Side, short_text};
use crate::naive::messages::AccountEvent;
use crate::naive::position::Claim;
use crate::naive::schema::TraderState;

impl Trading {
    /// Takes over what the account's stream says of our orders.
    pub(super) fn hear_account(&mut self) {
        let mut events = Vec::new();
        let _ = self.account.drain(usize::MAX, |event| events.push(event.clone()));
        for event in events {
            match event {
                AccountEvent::Connected => self.stale = true,
                // What a closed trader hears is nobody's.
                AccountEvent::Execution(_) if self.record.has_ended() => {}
                AccountEvent::Execution(execution) => match self.record.position.claim(&execution.order) {
                    Some(Claim::Ours(side)) => {
                        self.book_commission(&execution);
                        self.absorb(side, execution.order.clone());
                    }
                    Some(Claim::Foreign(side)) => {
                        self.tell_foreign(side, &execution.order);
                        self.stale = true;
                    }
                    None => {}
                },
            }
        }
    }

    /// Takes over a state of one of our orders, and tells everybody if it is news.
    pub(super) fn absorb(&mut self, side: Side, mut order: Order) {
        let Some(leg) = self.record.position.leg(side).cloned() else {
            return;
        };
        // As the exchange told it, before what is left of an early ended sell takes its place.
        let mut of = self.order_line(side);
        let change = self.record.position.absorb(side, &order);
        self.found(side);
        let Some(change) = change else {
            return;
        };
        self.unsaved = true;
        self.beyond_since = None;
        self.refresh_state();
        let filled = order.executed_quantity >= leg.quantity;
        of.order_id = Some(order.order_id);
        of.executed = short_text(order.executed_quantity.value());
        let status = order.status;
        let name = side.as_str().to_lowercase();
        if change.confirmed {
            order_line!(info, of, "{} {name} placed: {} at {}", of.symbol, of.quantity, of.price);
        }
        match (change.ended, filled) {
            (true, true) => order_line!(info, of, "{} {name} filled: {} at {}", of.symbol, of.quantity, of.price),
            (true, false) => order_line!(
                info,
                of,
                "{} {name} ended as {status}: {} of {} at {}",
                of.symbol,
                of.executed,
                of.quantity,
                of.price
            ),
            (false, _) if order.executed_quantity > leg.executed => order_line!(
                debug,
                of,
                "{} {name} partially filled: {} of {} at {}",
                of.symbol,
                of.executed,
                of.quantity,
                of.price
            ),
            (false, _) => {}
        }
        // What a cancellation answers may carry the client order id of the cancellation; what is stored is known by ours.
        order.client_order_id.clone_from(&leg.client_order_id);
        // Told before the ledger has it, which may take long: whoever stores orders keeps it all the same.
        self.desk.told.tell(&order);
        self.unsaved_states.push(order);
        if change.ended && !filled && side == Side::Sell {
            // Something ends our sell orders: do not answer each time at once.
            self.hold_back("the sell order was ended early");
        }
    }

    pub(super) fn finish(&mut self) {
        let profit = short_text(&self.record.position.realised);
        let quote_asset = &self.mandate.info.quote_asset;
        let position = &self.record.position;
        let without = uncharged(&position.uncharged, &self.mandate.info.base_asset, &self.elsewhere);
        let of = self.order_line(Side::Sell);
        tracing::info!(
            symbol = %of.symbol,
            side = of.side.as_str(),
            price = of.price,
            quantity = of.quantity,
            order_id = of.order_id,
            client_order_id = of.client_order_id,
            trader = %of.trader,
            profit,
            quote_asset,
            "{} cycle finished: profit {profit} {quote_asset}{without}",
            of.symbol
        );
        self.end(TraderState::Finished);
    }

    /// Ends without a sale: nothing was bought.
    pub(super) fn withdraw(&mut self) {
        let (symbol, trader) = (&self.record.symbol, self.record.id);
        let why = if self.mandate.draining {
            "trading is being shut down"
        } else {
            "its buy order was ended"
        };
        tracing::info!(%symbol, %trader, "{symbol} trader withdrawn: {why}, and nothing was bought");
        self.end(TraderState::Cancelled);
    }
}
