//! The strategy over a sequence of prices, without a runtime: one thread, one order of effects, the same orders each time.
//!
//! For each price: (1) the exchange fills resting orders, best price first, then oldest first; (2) every trader alive at
//! the start of the event acts once, oldest first; (3) traders started in step 2 see the next event first. The live
//! program decides by the same table of decisions; which of its orders meet which trade depends on
//! timing, so a recording has exactly one replay but many possible live runs.

use super::position::{Leg, LegState, Position};
use super::strategy::{Decision, Quote, Stance, Terms};
use crate::market::{Decimal, FillRule, Fixed, Level, OrderStatus, Price, Quantity, Side};
use std::cmp::Ordering;

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many prices were played.
    pub events: usize,
    /// Each placement and each fill, in order.
    pub log: Vec<Entry>,
    /// Finished cycles.
    pub cycles: usize,
    /// Traders ever started.
    pub traders_made: usize,
    /// Most traders alive at once.
    pub peak_traders: usize,
    /// Traders that offered a rebuy.
    pub rebuys_offered: usize,
    /// Traders whose first offer found every chunk in use.
    pub rebuys_refused: usize,
    /// Gains of the finished cycles before fees, in the quote asset.
    pub gross: Decimal,
    /// 0.1 % of each fill, in the quote asset.
    pub fees: Decimal,
    /// What the traders still hold, oldest first.
    pub open: Vec<Position>,
}

/// A placement or a fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index of the price during which it happened.
    pub event: usize,
    /// 1, 2, 3… in order of placement.
    pub order_id: i64,
    /// Buy or sell.
    pub side: Side,
    /// `New` or `Filled`.
    pub status: OrderStatus,
    /// The order's limit.
    pub price: Price,
    /// The order's quantity.
    pub quantity: Quantity,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            event,
            order_id,
            side,
            status,
            price,
            quantity,
        } = self;
        write!(f, "{event},{order_id},{side},{status},{price},{quantity}")
    }
}

/// Plays `prices`, which must be in the order of (trade time, trade id), with at most `chunks` traders at once.
pub fn replay(prices: impl IntoIterator<Item = Price>, terms: &Terms, chunks: usize, rule: FillRule) -> Report {
    let mut run = Run {
        terms,
        chunks,
        report: Report::default(),
        traders: Vec::new(),
        placed: 0,
    };
    run.start_trader();
    for price in prices {
        let price = Level::of(&price);
        run.fill(price, rule);
        for index in 0..run.traders.len() {
            run.act(index, price);
        }
        // A replaced trader stands in its predecessor's place until here: it acts from the next event on, as the youngest.
        run.traders.sort_by_key(|trader| trader.number);
        run.report.events += 1;
    }
    run.report.open = run.traders.into_iter().map(|trader| trader.position).collect();
    run.report
}

struct Run<'a> {
    terms: &'a Terms,
    chunks: usize,
    report: Report,
    traders: Vec<ReplayTrader>,
    placed: i64,
}

/// Invariant: `stance` and `working` are those of `position`; whatever changes it ends with [`ReplayTrader::settle`].
struct ReplayTrader {
    number: usize,
    stance: Stance,
    /// The order that may be filled, and its limit; a position has never two.
    working: Option<(Side, Option<Fixed>)>,
    position: Position,
    offered: bool,
}

impl ReplayTrader {
    fn settle(&mut self, terms: &Terms) {
        self.stance = Stance::of(&self.position, terms, false);
        self.working = [Side::Buy, Side::Sell].into_iter().find_map(|side| {
            let leg = self.position.leg(side).filter(|leg| leg.state == LegState::Working)?;
            Some((side, Level::of(&leg.price).fixed()))
        });
    }

    /// The working order, if a trade at this price fills it.
    fn filled(&mut self, price: Level<'_>, rule: FillRule) -> Option<(Side, &mut Self)> {
        let (side, limit) = self.working?;
        let leg = self.position.leg(side)?;
        (rule.fills(side, &Level::known(&leg.price, limit), &price)).then_some((side, self))
    }
}

/// Buys before sells; the best price first, then the oldest order.
fn by_priority(one: &(Side, &mut ReplayTrader), other: &(Side, &mut ReplayTrader)) -> Ordering {
    let (one_leg, other_leg) = (one.1.position.leg(one.0), other.1.position.leg(other.0));
    let price = (one_leg.map(|leg| &leg.price)).cmp(&other_leg.map(|leg| &leg.price));
    let age = (one_leg.map(|leg| leg.order_id)).cmp(&other_leg.map(|leg| leg.order_id));
    match (one.0, other.0) {
        (Side::Buy, Side::Buy) => price.reverse().then(age),
        (Side::Sell, Side::Sell) => price.then(age),
        (Side::Buy, Side::Sell) => Ordering::Less,
        (Side::Sell, Side::Buy) => Ordering::Greater,
    }
}

impl Run<'_> {
    /// Every working order that the price fills under the rule.
    fn fill(&mut self, price: Level<'_>, rule: FillRule) {
        let mut hits: Vec<_> = (self.traders.iter_mut())
            .filter_map(|trader| trader.filled(price, rule))
            .collect();
        hits.sort_by(by_priority);
        for (side, trader) in hits {
            let Some(leg) = trader.position.leg_mut(side) else {
                continue;
            };
            leg.executed = leg.quantity.clone();
            leg.state = LegState::Ended;
            self.report.fees += leg.price.value() * leg.quantity.value() * Decimal::new(1.into(), 3);
            self.report
                .log
                .push(entry(self.report.events, side, OrderStatus::Filled, leg));
            trader.settle(self.terms);
        }
    }

    fn act(&mut self, index: usize, price: Level<'_>) {
        match self.traders[index].stance.at(Some(price), self.terms) {
            Decision::Buy(quote) => self.place(index, Side::Buy, quote),
            Decision::Sell(quote) => self.place(index, Side::Sell, quote),
            Decision::Finish => {
                let successor = self.fresh();
                let finished = std::mem::replace(&mut self.traders[index], successor);
                self.report.gross += finished.position.sell_gain();
                self.report.cycles += 1;
            }
            Decision::OfferRebuy => {
                let room = self.traders.len() < self.chunks;
                let trader = &mut self.traders[index];
                let first = !std::mem::replace(&mut trader.offered, true);
                if room {
                    trader.position.rebuy_notified = true;
                    trader.settle(self.terms);
                }
                self.report.rebuys_offered += usize::from(first);
                self.report.rebuys_refused += usize::from(first && !room);
                if room {
                    self.start_trader();
                }
            }
            Decision::Wait | Decision::Park(_) | Decision::CancelBuy | Decision::Withdraw => {}
        }
    }

    fn start_trader(&mut self) {
        let trader = self.fresh();
        self.traders.push(trader);
        self.report.peak_traders = self.report.peak_traders.max(self.traders.len());
    }

    fn fresh(&mut self) -> ReplayTrader {
        self.report.traders_made += 1;
        let position = Position::default();
        ReplayTrader {
            number: self.report.traders_made,
            stance: Stance::of(&position, self.terms, false),
            working: None,
            position,
            offered: false,
        }
    }

    fn place(&mut self, index: usize, side: Side, quote: Quote) {
        self.placed += 1;
        let mut leg = Leg::intended(self.placed.to_string(), quote);
        leg.order_id = Some(self.placed);
        leg.state = LegState::Working;
        self.report
            .log
            .push(entry(self.report.events, side, OrderStatus::New, &leg));
        let trader = &mut self.traders[index];
        *trader.position.leg_mut(side) = Some(leg);
        trader.settle(self.terms);
    }
}

fn entry(event: usize, side: Side, status: OrderStatus, leg: &Leg) -> Entry {
    let order_id = leg.order_id.expect("a replayed order is numbered when it is placed");
    Entry {
        event,
        order_id,
        side,
        status,
        price: leg.price.clone(),
        quantity: leg.quantity.clone(),
    }
}

#[cfg(test)]
mod tests;
