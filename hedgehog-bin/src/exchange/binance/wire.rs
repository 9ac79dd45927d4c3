//! The three shapes in which the exchange tells of an order, each read into an [`Order`] with every field filled.

use crate::exchange::{AssetBalance, Execution, ExecutionType};
use crate::market::{Order, OrderStatus, OrderType, Price, Quantity, Side, Symbol, TimeInForce};
use serde::Deserialize;

/// The answer to a placement of type RESULT or FULL (FULL is the default of a limit order).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Placed {
    symbol: Symbol,
    order_id: i64,
    client_order_id: String,
    /// Of the engine; the order's creation and its last change are one moment here.
    transact_time: i64,
    price: Price,
    orig_qty: Quantity,
    executed_qty: Quantity,
    cummulative_quote_qty: Quantity,
    status: OrderStatus,
    time_in_force: TimeInForce,
    #[serde(rename = "type")]
    order_type: OrderType,
    side: Side,
    #[serde(default = "Price::zero")]
    stop_price: Price,
    #[serde(default = "Quantity::zero")]
    iceberg_qty: Quantity,
}

impl From<Placed> for Order {
    fn from(placed: Placed) -> Self {
        Self {
            order_id: placed.order_id,
            client_order_id: placed.client_order_id,
            symbol: placed.symbol,
            price: placed.price,
            original_quantity: placed.orig_qty,
            executed_quantity: placed.executed_qty,
            cummulative_quote_quantity: placed.cummulative_quote_qty,
            status: placed.status,
            time_in_force: placed.time_in_force,
            order_type: placed.order_type,
            side: placed.side,
            stop_price: placed.stop_price,
            iceberg_quantity: placed.iceberg_qty,
            time: placed.transact_time,
            update_time: placed.transact_time,
        }
    }
}

/// An element of the answer to `GET /api/v3/order` and `GET /api/v3/openOrders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queried {
    symbol: Symbol,
    order_id: i64,
    client_order_id: String,
    price: Price,
    orig_qty: Quantity,
    executed_qty: Quantity,
    cummulative_quote_qty: Quantity,
    status: OrderStatus,
    time_in_force: TimeInForce,
    #[serde(rename = "type")]
    order_type: OrderType,
    side: Side,
    #[serde(default = "Price::zero")]
    stop_price: Price,
    #[serde(default = "Quantity::zero")]
    iceberg_qty: Quantity,
    time: i64,
    update_time: i64,
}

impl From<Queried> for Order {
    fn from(queried: Queried) -> Self {
        Self {
            order_id: queried.order_id,
            client_order_id: queried.client_order_id,
            symbol: queried.symbol,
            price: queried.price,
            original_quantity: queried.orig_qty,
            executed_quantity: queried.executed_qty,
            cummulative_quote_quantity: queried.cummulative_quote_qty,
            status: queried.status,
            time_in_force: queried.time_in_force,
            order_type: queried.order_type,
            side: queried.side,
            stop_price: queried.stop_price,
            iceberg_quantity: queried.iceberg_qty,
            time: queried.time,
            update_time: queried.update_time,
        }
    }
}

/// The answer to a cancel: it lacks the order's times, so only its id is used, to query the rest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancelled {
    pub(super) order_id: i64,
}

/// The answer to `GET /api/v3/account`, as far as it is used.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) balances: Vec<AssetBalance>,
}

/// The event `executionReport`.
#[derive(Debug, Deserialize)]
pub(super) struct ExecutionReport {
    #[serde(rename = "E")]
    event_time: i64,
    #[serde(rename = "s")]
    symbol: Symbol,
    /// In the report of a cancel this is the cancel's own id.
    #[serde(rename = "c")]
    client_order_id: String,
    /// The order's own id in the report of a cancel, otherwise empty.
    #[serde(rename = "C", default)]
    original_client_order_id: String,
    #[serde(rename = "S")]
    side: Side,
    #[serde(rename = "o")]
    order_type: OrderType,
    #[serde(rename = "f")]
    time_in_force: TimeInForce,
    #[serde(rename = "q")]
    original_quantity: Quantity,
    #[serde(rename = "p")]
    price: Price,
    #[serde(rename = "P", default = "Price::zero")]
    stop_price: Price,
    #[serde(rename = "F", default = "Quantity::zero")]
    iceberg_quantity: Quantity,
    #[serde(rename = "x")]
    execution_type: ExecutionType,
    #[serde(rename = "X")]
    status: OrderStatus,
    #[serde(rename = "r", default)]
    reject_reason: String,
    #[serde(rename = "i")]
    order_id: i64,
    #[serde(rename = "l")]
    last_quantity: Quantity,
    #[serde(rename = "z")]
    executed_quantity: Quantity,
    #[serde(rename = "L")]
    last_price: Price,
    #[serde(rename = "n", default)]
    commission: Option<Quantity>,
    #[serde(rename = "N", default)]
    commission_asset: Option<String>,
    #[serde(rename = "T")]
    transaction_time: i64,
    #[serde(rename = "t", default)]
    trade_id: Option<i64>,
    #[serde(rename = "m", default)]
    maker: bool,
    #[serde(rename = "O")]
    creation_time: i64,
    #[serde(rename = "Z")]
    cummulative_quote_quantity: Quantity,
}

impl From<ExecutionReport> for Execution {
    fn from(report: ExecutionReport) -> Self {
        let own_id = Some(report.original_client_order_id).filter(|id| !id.is_empty());
        Self {
            execution_type: report.execution_type,
            event_time: report.event_time,
            reject_reason: Some(report.reject_reason).filter(|reason| !matches!(reason.as_str(), "" | "NONE")),
            last_price: report.last_price,
            last_quantity: report.last_quantity,
            commission: report.commission.unwrap_or_else(Quantity::zero),
            commission_asset: report.commission_asset,
            trade_id: report.trade_id.filter(|id| *id >= 0),
            maker: report.maker,
            order: Order {
                order_id: report.order_id,
                client_order_id: own_id.unwrap_or(report.client_order_id),
                symbol: report.symbol,
                price: report.price,
                original_quantity: report.original_quantity,
                executed_quantity: report.executed_quantity,
                cummulative_quote_quantity: report.cummulative_quote_quantity,
                status: report.status,
                time_in_force: report.time_in_force,
                order_type: report.order_type,
                side: report.side,
                stop_price: report.stop_price,
                iceberg_quantity: report.iceberg_quantity,
                time: report.creation_time,
                update_time: report.transaction_time,
            },
        }
    }
}
