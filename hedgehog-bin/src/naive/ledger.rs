//! The order ledger: one row per trader in `traders`, written before an order is sent and at each change after it, read
//! when a trader starts again.
//!
//! Invariant: an order of ours that may exist on the exchange stands in the row, at least under the client order id that
//! it was or may have been sent with.

pub(super) mod orders;

use super::position::{Leg, LegState, Position};
use super::schema::{TraderState, traders};
use crate::market::{Decimal, Order, Symbol, short_text};
use crate::store::{self, Db, Id, Moment, StoreError, columns, decimal_sum};
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

/// A trader as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id: Uuid,
    pub(super) symbol: Symbol,
    pub(super) state: TraderState,
    /// What it may spend, in the quote asset.
    pub(super) budget: Decimal,
    pub(super) position: Position,
    pub(super) inserted_at: Moment,
}

impl Record {
    /// A trader that has done nothing yet.
    pub(super) fn fresh(symbol: &Symbol, budget: Decimal) -> Self {
        Self {
            id: Uuid::now_v7(),
            symbol: symbol.clone(),
            state: TraderState::Ready,
            budget,
            position: Position::default(),
            inserted_at: Moment::now(),
        }
    }

    /// What was bought and what of it is not sold, for a trader that is closed with it.
    pub(super) fn held_in_words(&self, base_asset: &str) -> String {
        let held = short_text(&self.position.held());
        match &self.position.buy {
            Some(buy) if !buy.executed.is_zero() => {
                let [bought, price] = [buy.executed.value(), buy.price.value()].map(short_text);
                format!("it had bought {bought} {base_asset} at {price}, of which {held} are unsold")
            }
            _ => "it had bought nothing".to_owned(),
        }
    }

    /// Whether the trader has ended: it is never started again.
    pub(super) fn has_ended(&self) -> bool {
        self.state.has_ended()
    }
}

/// The open traders of a symbol, oldest first.
pub(super) async fn open(db: &Db, symbol: &Symbol) -> Result<Vec<Record>, StoreError> {
    let of_symbol = traders::table.filter(traders::symbol.eq(symbol.as_str()));
    let open = of_symbol
        .filter(traders::state.ne(TraderState::Finished))
        .filter(traders::state.ne(TraderState::Cancelled));
    let rows: Vec<Row> = db
        .fetch(open.order((traders::inserted_at, traders::id)).select(columns::<Row>()))
        .await?;
    Ok(rows.into_iter().filter_map(Row::into_record).collect())
}

/// The open traders of every symbol, oldest first.
pub(super) async fn all_open(db: &Db) -> Result<Vec<Record>, StoreError> {
    let open = traders::table
        .filter(traders::state.ne(TraderState::Finished))
        .filter(traders::state.ne(TraderState::Cancelled));
    let rows: Vec<Row> = db
        .fetch(open.order((traders::inserted_at, traders::id)).select(columns::<Row>()))
        .await?;
    Ok(rows.into_iter().filter_map(Row::into_record).collect())
}

/// One trader.
pub(super) async fn find(db: &Db, id: Uuid) -> Result<Option<Record>, StoreError> {
    let row: Option<Row> = db
        .fetch_optional(traders::table.filter(traders::id.eq(Id(id))).select(columns::<Row>()))
        .await?;
    Ok(row.and_then(Row::into_record))
}

/// Writes a trader's row, new or not, and with it the states of its orders that it follows from: all of it, or nothing.
pub(super) async fn save(db: &Db, record: &Record, states: &[Order]) -> Result<(), StoreError> {
    let row = Row::from(record);
    let insert = diesel::insert_into(traders::table).values(row.clone());
    let mut transaction = db.begin().await?;
    transaction
        .run(insert.on_conflict(traders::id).do_update().set(row))
        .await?;
    orders::save(&mut transaction, states).await?;
    transaction.commit().await
}

/// Finished cycles and their profit, by symbol.
pub(super) async fn totals(db: &Db) -> Result<HashMap<String, (i64, Decimal)>, StoreError> {
    let finished = traders::table
        .filter(traders::state.eq(TraderState::Finished))
        .group_by(traders::symbol);
    let sums = finished.select((
        traders::symbol,
        diesel::dsl::count_star(),
        decimal_sum(traders::profit.assume_not_null()),
    ));
    let rows: Vec<(String, i64, Option<store::Decimal>)> = db.fetch(sums).await?;
    Ok(rows
        .into_iter()
        .map(|(symbol, cycles, profit)| (symbol, (cycles, total(profit))))
        .collect())
}

/// Finished cycles of a symbol and their profit.
pub(super) async fn totals_of(db: &Db, symbol: &Symbol) -> Result<(i64, Decimal), StoreError> {
    let finished = traders::table
        .filter(traders::state.eq(TraderState::Finished))
        .filter(traders::symbol.eq(symbol.as_str()));
    let sums = finished.select((
        diesel::dsl::count_star(),
        decimal_sum(traders::profit.assume_not_null()),
    ));
    let (cycles, profit): (i64, Option<store::Decimal>) = db.fetch_one(sums).await?;
    Ok((cycles, total(profit)))
}

fn total(sum: Option<store::Decimal>) -> Decimal {
    sum.map_or_else(Decimal::default, |sum| sum.0)
}

#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = traders, treat_none_as_null = true)]
struct Row {
    id: Id,
    symbol: String,
    state: TraderState,
    budget: store::Decimal,
    buy_order_id: Option<i64>,
    buy_client_order_id: Option<String>,
    buy_price: Option<store::Decimal>,
    buy_quantity: Option<store::Decimal>,
    buy_executed: Option<store::Decimal>,
    sell_order_id: Option<i64>,
    sell_client_order_id: Option<String>,
    sell_price: Option<store::Decimal>,
    sell_quantity: Option<store::Decimal>,
    sell_executed: Option<store::Decimal>,
    rebuy_notified: bool,
    profit: Option<store::Decimal>,
    inserted_at: Moment,
    updated_at: Moment,
    buy_paid: Option<store::Decimal>,
    sell_paid: Option<store::Decimal>,
    uncharged: Option<store::Decimal>,
}

impl Row {
    /// `None` for a row whose symbol cannot be one: somebody else's writing, which is left alone.
    fn into_record(self) -> Option<Record> {
        let sell = LegColumns {
            order_id: self.sell_order_id,
            client_order_id: self.sell_client_order_id,
            price: self.sell_price,
            quantity: self.sell_quantity,
            executed: self.sell_executed,
            paid: self.sell_paid,
        };
        let buy = LegColumns {
            order_id: self.buy_order_id,
            client_order_id: self.buy_client_order_id,
            price: self.buy_price,
            quantity: self.buy_quantity,
            executed: self.buy_executed,
            paid: self.buy_paid,
        };
        let sell = sell.into_leg();
        let buy = buy.into_leg().map(|buy| match sell {
            // What was bought is sold only after the buy order has ended, filled or not.
            Some(_) => Leg {
                state: LegState::Ended,
                ..buy
            },
            None => buy,
        });
        let realised = self.profit.map_or_else(Decimal::default, |profit| profit.0);
        Some(Record {
            id: self.id.0,
            symbol: self.symbol.parse().ok()?,
            state: self.state,
            budget: self.budget.0,
            position: Position {
                buy,
                sell,
                rebuy_notified: self.rebuy_notified,
                realised,
                uncharged: self.uncharged.map_or_else(Decimal::default, |uncharged| uncharged.0),
            },
            inserted_at: self.inserted_at,
        })
    }
}

impl From<&Record> for Row {
    fn from(record: &Record) -> Self {
        let Position {
            buy,
            sell,
            rebuy_notified,
            realised,
            uncharged,
        } = &record.position;
        let (buy, sell) = (LegColumns::from(buy.as_ref()), LegColumns::from(sell.as_ref()));
        Self {
            id: Id(record.id),
            symbol: record.symbol.as_str().to_owned(),
            state: record.state,
            budget: store::Decimal(record.budget.clone()),
            buy_order_id: buy.order_id,
            buy_client_order_id: buy.client_order_id,
            buy_price: buy.price,
            buy_quantity: buy.quantity,
            buy_executed: buy.executed,
            buy_paid: buy.paid,
            sell_order_id: sell.order_id,
            sell_client_order_id: sell.client_order_id,
            sell_price: sell.price,
            sell_quantity: sell.quantity,
            sell_executed: sell.executed,
            sell_paid: sell.paid,
            rebuy_notified: *rebuy_notified,
            profit: Some(store::Decimal(realised.clone())),
            uncharged: Some(store::Decimal(uncharged.clone())),
            inserted_at: record.inserted_at,
            updated_at: Moment::now(),
        }
    }
}

/// The columns of either order.
#[derive(Default)]
struct LegColumns {
    order_id: Option<i64>,
    client_order_id: Option<String>,
    price: Option<store::Decimal>,
    quantity: Option<store::Decimal>,
    executed: Option<store::Decimal>,
    paid: Option<store::Decimal>,
}

impl LegColumns {
    fn into_leg(self) -> Option<Leg> {
        let (price, quantity) = (self.price?.0, self.quantity?.0);
        let executed = self.executed.map_or_else(Decimal::default, |executed| executed.0);
        let state = match (&self.order_id, &self.client_order_id) {
            // What is left to sell, with no order for it yet.
            (None, None) => LegState::Ended,
            _ if executed >= quantity => LegState::Ended,
            (None, Some(_)) => LegState::Unconfirmed,
            (Some(_), _) => LegState::Working,
        };
        Some(Leg {
            client_order_id: self.client_order_id.unwrap_or_default(),
            order_id: self.order_id,
            price: price.into(),
            quantity: quantity.into(),
            executed: executed.into(),
            paid: self.paid.map(|paid| paid.0),
            state,
        })
    }
}

impl From<Option<&Leg>> for LegColumns {
    fn from(leg: Option<&Leg>) -> Self {
        let Some(leg) = leg else {
            return Self::default();
        };
        Self {
            order_id: leg.order_id,
            client_order_id: (!leg.client_order_id.is_empty()).then(|| leg.client_order_id.clone()),
            price: Some(store::Decimal(leg.price.value().clone())),
            quantity: Some(store::Decimal(leg.quantity.value().clone())),
            executed: Some(store::Decimal(leg.executed.value().clone())),
            paid: leg.paid.clone().map(store::Decimal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Price, Quantity};
    use crate::naive::strategy::Quote;

    fn leg(executed: &str, order_id: Option<i64>, state: LegState) -> Leg {
        let price: Price = "1.50".parse().expect("a price");
        let quantity: Quantity = "20.0".parse().expect("a quantity");
        let mut leg = Leg::intended("ours".to_owned(), Quote { price, quantity });
        leg.executed = executed.parse().expect(executed);
        leg.paid = (!leg.executed.is_zero()).then(|| Decimal::from(29));
        leg.order_id = order_id;
        leg.state = state;
        leg
    }

    fn read_back(position: &Position) -> Position {
        let mut record = Record::fresh(&"XRPUSDT".parse().expect("a symbol"), Decimal::from(200));
        record.position = position.clone();
        Row::from(&record).into_record().expect("a symbol").position
    }

    #[test]
    fn every_state_of_a_position_reads_back() {
        use LegState::{Ended, Unconfirmed, Working};
        let position = |buy: Option<Leg>, sell: Option<Leg>| Position {
            buy,
            sell,
            rebuy_notified: true,
            uncharged: Decimal::from(5),
            ..Position::default()
        };
        let filled = || Some(leg("20.0", Some(1), Ended));
        let rest = Leg {
            client_order_id: String::new(),
            ..leg("0", None, Ended)
        };
        for held in [
            position(None, None),
            position(Some(leg("0", None, Unconfirmed)), None),
            position(Some(leg("5.0", Some(1), Working)), None),
            position(filled(), None),
            position(filled(), Some(leg("0", None, Unconfirmed))),
            position(filled(), Some(leg("3.0", Some(2), Working))),
            position(filled(), Some(leg("20.0", Some(2), Ended))),
            position(filled(), Some(rest)),
            // Bought in part and then cancelled: what is sold for it says that it has ended.
            position(Some(leg("5.0", Some(1), Ended)), Some(leg("0", Some(2), Working))),
        ] {
            assert_eq!(read_back(&held), held);
        }
    }

    #[test]
    fn a_buy_that_ended_in_part_is_asked_for_again() {
        let held = Position {
            buy: Some(leg("5.0", Some(1), LegState::Ended)),
            ..Position::default()
        };
        assert_eq!(read_back(&held).buy, Some(leg("5.0", Some(1), LegState::Working)));
    }
}
