//! The last state of each of our orders, and whether whoever stores orders has acknowledged it: the table `orders`.
//!
//! Invariant: a state is written together with the trader's row that follows from it, so what is not acknowledged can be
//! told again after any end. An older state never overwrites a newer one.

use crate::market::{Order, OrderStatus, Symbol};
use crate::naive::schema::orders;
use crate::store::advance::{advances, overwrites};
use crate::store::{self, Db, Moment, Statement, StoreError, Transaction, columns};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// Rows read at once; what lies beyond them is read when these are acknowledged.
const AT_ONCE: i64 = 1_000;

/// Writes states as not acknowledged. One that is not newer than what stands there changes nothing.
pub(super) async fn save(transaction: &mut Transaction, orders: &[Order]) -> Result<(), StoreError> {
    let now = Moment::now();
    for order in orders {
        transaction.run(upsert(Row::of(order, now))).await?;
    }
    Ok(())
}

/// The states of these symbols that are not acknowledged, oldest first.
pub(in crate::naive) async fn unacknowledged(db: &Db, symbols: &[String]) -> Result<Vec<Order>, StoreError> {
    let of_symbols = orders::table
        .filter(orders::acknowledged.eq(false))
        .filter(orders::symbol.eq_any(symbols));
    let oldest = of_symbols.order((orders::update_time, orders::order_id)).limit(AT_ONCE);
    let rows: Vec<Row> = db.fetch(oldest.select(columns::<Row>())).await?;
    Ok(rows.into_iter().filter_map(Row::into_order).collect())
}

/// Notes that these states have been acknowledged. One that a newer state has replaced in the meantime is passed over.
pub(in crate::naive) async fn acknowledge(db: &Db, told: &[Order]) -> Result<(), StoreError> {
    let mut transaction = db.begin().await?;
    for order in told {
        let row = orders::table
            .filter(orders::symbol.eq(order.symbol.as_str()))
            .filter(orders::order_id.eq(order.order_id))
            .filter(orders::client_order_id.eq(&order.client_order_id));
        let unchanged = row
            .filter(orders::executed_quantity.eq(exact(order.executed_quantity.value())))
            .filter(orders::status.eq(order.status.as_str()))
            .filter(orders::update_time.eq(order.update_time));
        let acknowledged = (orders::acknowledged.eq(true), orders::updated_at.eq(Moment::now()));
        transaction.run(diesel::update(unchanged).set(acknowledged)).await?;
    }
    transaction.commit().await
}

fn upsert(row: Row) -> impl Statement {
    // Told again where anything is new, and only there.
    let news = excluded(orders::update_time)
        .ne(orders::update_time)
        .or(excluded(orders::executed_quantity).ne(orders::executed_quantity))
        .or(excluded(orders::status).ne(orders::status));
    let insert = diesel::insert_into(orders::table).values(row);
    let upsert = insert
        .on_conflict((orders::symbol, orders::order_id, orders::client_order_id))
        .do_update()
        .set((
            overwrites!(orders: executed_quantity, cummulative_quote_quantity, status, update_time, updated_at),
            orders::acknowledged.eq(false),
        ));
    let advances = advances!(orders: update_time, executed_quantity, status in OrderStatus::LIVING);
    // By its full name: the `filter` of the prelude is the one of a select.
    diesel::query_dsl::methods::FilterDsl::filter(upsert, advances.and(news))
}

fn exact(value: &crate::market::Decimal) -> store::Decimal {
    store::Decimal(value.clone())
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = orders)]
struct Row {
    order_id: i64,
    client_order_id: String,
    symbol: String,
    price: store::Decimal,
    original_quantity: store::Decimal,
    executed_quantity: store::Decimal,
    cummulative_quote_quantity: store::Decimal,
    status: String,
    time_in_force: String,
    type_: String,
    side: String,
    stop_price: store::Decimal,
    iceberg_quantity: store::Decimal,
    time: i64,
    update_time: i64,
    acknowledged: bool,
    inserted_at: Moment,
    updated_at: Moment,
}

impl Row {
    fn of(order: &Order, now: Moment) -> Self {
        Self {
            order_id: order.order_id,
            client_order_id: order.client_order_id.clone(),
            symbol: order.symbol.to_string(),
            price: exact(order.price.value()),
            original_quantity: exact(order.original_quantity.value()),
            executed_quantity: exact(order.executed_quantity.value()),
            cummulative_quote_quantity: exact(order.cummulative_quote_quantity.value()),
            status: order.status.as_str().to_owned(),
            time_in_force: order.time_in_force.as_str().to_owned(),
            type_: order.order_type.as_str().to_owned(),
            side: order.side.as_str().to_owned(),
            stop_price: exact(order.stop_price.value()),
            iceberg_quantity: exact(order.iceberg_quantity.value()),
            time: order.time,
            update_time: order.update_time,
            acknowledged: false,
            inserted_at: now,
            updated_at: now,
        }
    }

    /// `None` for a row that this program cannot have written, which is left alone.
    fn into_order(self) -> Option<Order> {
        let symbol: Symbol = self.symbol.parse().ok()?;
        Some(Order {
            order_id: self.order_id,
            client_order_id: self.client_order_id,
            symbol,
            price: self.price.0.into(),
            original_quantity: self.original_quantity.0.into(),
            executed_quantity: self.executed_quantity.0.into(),
            cummulative_quote_quantity: self.cummulative_quote_quantity.0.into(),
            status: self.status.parse().ok()?,
            time_in_force: self.time_in_force.parse().ok()?,
            order_type: self.type_.parse().ok()?,
            side: self.side.parse().ok()?,
            stop_price: self.stop_price.0.into(),
            iceberg_quantity: self.iceberg_quantity.0.into(),
            time: self.time,
            update_time: self.update_time,
        })
    }
}
