//! What the exchange remembers in `simulator.db`: orders, balances, and how far each market has come.
//!
//! Invariant: an order, the balances it changed and the position of its market are written in one transaction, before
//! anybody is told of the change. The place up to which trades have met the orders is written with them, so that a trade that is told
//! again after a crash never fills an order that was placed after it.

use super::account::Balance;
use super::generator::Generation;
use super::market::Position;
use super::schema::{balances, generator, markets, orders};
use crate::exchange::OrderKey;
use crate::market::{Fixed, Order, OrderType, Price, Quantity, Symbol, TimeInForce};
use crate::store::{Db, Decimal, StoreError, Transaction, columns};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// The database of the exchange.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    db: Db,
}

/// Everything that outlives the simulator.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) open_orders: Vec<Order>,
    pub(super) balances: Vec<(String, Balance)>,
    pub(super) markets: Vec<SavedMarket>,
    /// Of a generated market; `None` in a new database, and in one that is older than generations.
    pub(super) generation: Option<i32>,
}

/// Where one symbol stands.
#[derive(Clone, Debug)]
pub(super) struct SavedMarket {
    pub(super) symbol: Symbol,
    pub(super) position: Position,
    pub(super) last_order_id: i64,
    /// Trades up to this place have met the orders.
    pub(super) matched_to: i64,
}

/// What one event of the exchange changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) orders: Vec<Order>,
    pub(super) balances: Vec<(String, Balance)>,
    pub(super) markets: Vec<SavedMarket>,
    /// Of a market that is new.
    pub(super) generation: Option<Generation>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.balances.is_empty() && self.markets.is_empty() && self.generation.is_none()
    }
}

impl Ledger {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Reads everything back.
    pub(super) async fn load(&self) -> Result<Saved, StoreError> {
        let open = orders::table
            .filter(orders::status.eq("NEW"))
            .order(orders::order_id)
            .select(columns::<OrderRow>());
        let open_orders = self.db.fetch::<OrderRow>(open).await?;
        let balances = self
            .db
            .fetch::<BalanceRow>(balances::table.select(columns::<BalanceRow>()))
            .await?;
        let markets = self
            .db
            .fetch::<MarketRow>(markets::table.select(columns::<MarketRow>()))
            .await?;
        let generation = generator::table.select(generator::generation);
        let generation = self.db.fetch_optional::<i32>(generation).await?;
        Ok(Saved {
            generation,
            open_orders: open_orders.into_iter().filter_map(OrderRow::into_order).collect(),
            balances: balances.into_iter().filter_map(BalanceRow::into_balance).collect(),
            markets: markets.into_iter().filter_map(MarketRow::into_market).collect(),
        })
    }

    /// Makes a change last.
    pub(super) async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut transaction = self.db.begin().await?;
        for order in &changes.orders {
            write_order(&mut transaction, OrderRow::from(order.clone())).await?;
        }
        for (asset, balance) in &changes.balances {
            let row = BalanceRow {
                asset: asset.clone(),
                free: balance.free.to_decimal().into(),
                locked: balance.locked.to_decimal().into(),
            };
            let upsert = diesel::insert_into(balances::table)
                .values(row)
                .on_conflict(balances::asset)
                .do_update()
                .set((
                    balances::free.eq(excluded(balances::free)),
                    balances::locked.eq(excluded(balances::locked)),
                ));
            transaction.run(upsert).await?;
        }
        for market in &changes.markets {
            write_market(&mut transaction, market).await?;
        }
        if let Some(generation) = changes.generation {
            let row = (generator::id.eq(1), generator::generation.eq(generation.number()));
            let insert = diesel::insert_into(generator::table)
                .values(row)
                .on_conflict_do_nothing();
            transaction.run(insert).await?;
        }
        transaction.commit().await
    }

    /// An order that is not open any more. Of several with one client id the newest counts.
    pub(super) async fn ended_order(&self, symbol: &Symbol, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        let of_symbol = orders::table
            .filter(orders::symbol.eq(symbol.as_str()))
            .order(orders::order_id.desc())
            .limit(1);
        let row = match key {
            OrderKey::Id(id) => {
                self.db
                    .fetch_optional(of_symbol.filter(orders::order_id.eq(*id)).select(columns::<OrderRow>()))
                    .await?
            }
            OrderKey::Client(id) => {
                let named = of_symbol
                    .filter(orders::client_order_id.eq(id.as_str()))
                    .select(columns::<OrderRow>());
                self.db.fetch_optional(named).await?
            }
        };
        Ok(row.and_then(OrderRow::into_order))
    }
}

async fn write_order(transaction: &mut Transaction, row: OrderRow) -> Result<(), StoreError> {
    let upsert = diesel::insert_into(orders::table)
        .values(row)
        .on_conflict((orders::symbol, orders::order_id))
        .do_update()
        .set((
            orders::executed_quantity.eq(excluded(orders::executed_quantity)),
            orders::cummulative_quote_quantity.eq(excluded(orders::cummulative_quote_quantity)),
            orders::status.eq(excluded(orders::status)),
            orders::update_time.eq(excluded(orders::update_time)),
        ));
    transaction.run(upsert).await.map(drop)
}

async fn write_market(transaction: &mut Transaction, market: &SavedMarket) -> Result<(), StoreError> {
    let row = MarketRow {
        symbol: market.symbol.as_str().to_owned(),
        last_trade_id: market.position.last_trade_id,
        last_order_id: market.last_order_id,
        played_to: market.position.played_to,
        matched_to: market.matched_to,
    };
    let upsert = diesel::insert_into(markets::table)
        .values(row)
        .on_conflict(markets::symbol)
        .do_update()
        .set((
            markets::last_trade_id.eq(excluded(markets::last_trade_id)),
            markets::last_order_id.eq(excluded(markets::last_order_id)),
            markets::played_to.eq(excluded(markets::played_to)),
            markets::matched_to.eq(excluded(markets::matched_to)),
        ));
    transaction.run(upsert).await.map(drop)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = orders)]
struct OrderRow {
    symbol: String,
    order_id: i64,
    client_order_id: String,
    side: String,
    price: Decimal,
    original_quantity: Decimal,
    executed_quantity: Decimal,
    cummulative_quote_quantity: Decimal,
    status: String,
    time: i64,
    update_time: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = balances)]
struct BalanceRow {
    asset: String,
    free: Decimal,
    locked: Decimal,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = markets)]
struct MarketRow {
    symbol: String,
    last_trade_id: i64,
    last_order_id: i64,
    played_to: Option<i64>,
    matched_to: i64,
}

impl From<Order> for OrderRow {
    fn from(order: Order) -> Self {
        Self {
            symbol: order.symbol.as_str().to_owned(),
            order_id: order.order_id,
            client_order_id: order.client_order_id,
            side: order.side.as_str().to_owned(),
            price: order.price.into_inner().into(),
            original_quantity: order.original_quantity.into_inner().into(),
            executed_quantity: order.executed_quantity.into_inner().into(),
            cummulative_quote_quantity: order.cummulative_quote_quantity.into_inner().into(),
            status: order.status.as_str().to_owned(),
            time: order.time,
            update_time: order.update_time,
        }
    }
}

impl OrderRow {
    /// `None` for a row that this program did not write.
    fn into_order(self) -> Option<Order> {
        Some(Order {
            order_id: self.order_id,
            client_order_id: self.client_order_id,
            symbol: self.symbol.parse().ok()?,
            price: self.price.0.into(),
            original_quantity: self.original_quantity.0.into(),
            executed_quantity: self.executed_quantity.0.into(),
            cummulative_quote_quantity: self.cummulative_quote_quantity.0.into(),
            status: self.status.parse().ok()?,
            time_in_force: TimeInForce::Gtc,
            order_type: OrderType::Limit,
            side: self.side.parse().ok()?,
            stop_price: Price::zero(),
            iceberg_quantity: Quantity::zero(),
            time: self.time,
            update_time: self.update_time,
        })
    }
}

impl BalanceRow {
    fn into_balance(self) -> Option<(String, Balance)> {
        let (free, locked) = (Fixed::from_decimal(&self.free.0)?, Fixed::from_decimal(&self.locked.0)?);
        Some((self.asset, Balance { free, locked }))
    }
}

impl MarketRow {
    fn into_market(self) -> Option<SavedMarket> {
        Some(SavedMarket {
            symbol: self.symbol.parse().ok()?,
            position: Position {
                last_trade_id: self.last_trade_id,
                played_to: self.played_to,
            },
            last_order_id: self.last_order_id,
            matched_to: self.matched_to,
        })
    }
}
