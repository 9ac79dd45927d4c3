//! What goes over the wire, in the exchange's own words: JSON of orders, events and rules.

use super::account::Balance;
use super::engine::Fill;
use super::market::MarketTrade;
use crate::market::{Decimal, Fixed, Order, OrderStatus, SymbolInfo, plain_text};
use bigdecimal::Zero;
use serde_json::{Value, json};
use std::fmt::Write;

/// In which unit a connection wants its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TimeUnit {
    #[default]
    Milliseconds,
    Microseconds,
}

/// How a connection wants its events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameFormat {
    /// Wrapped with the name of its stream.
    pub(super) combined: bool,
    pub(super) time_unit: TimeUnit,
}

/// A trade event: the nine keys of today, in the order in which the exchange sends them. A trade that is none of the market's says
/// so in a tenth, as futures do: it only uses an id up.
pub(super) fn trade_frame(symbol: &str, stream: &str, trade: &MarketTrade, format: FrameFormat) -> String {
    let scale = match format.time_unit {
        TimeUnit::Milliseconds => 1,
        TimeUnit::Microseconds => 1_000,
    };
    let (event_time, trade_time) = (trade.event_time * scale, trade.trade_time * scale);
    let MarketTrade {
        trade_id,
        price,
        quantity,
        buyer_market_maker,
        ..
    } = trade;
    let mut frame = String::with_capacity(224);
    if format.combined {
        frame.extend(["{\"stream\":\"", stream, "\",\"data\":"]);
    }
    // Writing to a String cannot fail.
    let _ = write!(
        frame,
        "{{\"e\":\"trade\",\"E\":{event_time},\"s\":\"{symbol}\",\"t\":{trade_id},\"p\":\"{price}\",\"q\":\"{quantity}\",\
         \"T\":{trade_time},\"m\":{buyer_market_maker},\"M\":true"
    );
    if *price == Fixed::ZERO {
        frame.push_str(",\"X\":\"NA\"");
    }
    frame.push('}');
    if format.combined {
        frame.push('}');
    }
    frame
}

/// An order as `GET /api/v3/order` tells it.
pub(super) fn order(order: &Order) -> Value {
    json!({
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "price": order.price,
        "origQty": order.original_quantity,
        "executedQty": order.executed_quantity,
        "cummulativeQuoteQty": order.cummulative_quote_quantity,
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.order_type,
        "side": order.side,
        "stopPrice": order.stop_price,
        "icebergQty": order.iceberg_quantity,
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": true,
        "workingTime": order.time,
        "origQuoteOrderQty": Fixed::ZERO,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    })
}

/// How much the answer to a placement tells (`newOrderRespType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlacementAnswer {
    Ack,
    Result,
    Full,
}

/// The answer to `POST /api/v3/order`.
pub(super) fn placed(order: &Order, answer: PlacementAnswer) -> Value {
    let mut value = json!({
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.time,
    });
    if answer == PlacementAnswer::Ack {
        return value;
    }
    value["price"] = json!(order.price);
    value["origQty"] = json!(order.original_quantity);
    value["executedQty"] = json!(order.executed_quantity);
    value["origQuoteOrderQty"] = json!(Fixed::ZERO);
    value["cummulativeQuoteQty"] = json!(order.cummulative_quote_quantity);
    value["status"] = json!(order.status);
    value["timeInForce"] = json!(order.time_in_force);
    value["type"] = json!(order.order_type);
    value["side"] = json!(order.side);
    value["workingTime"] = json!(order.time);
    value["selfTradePreventionMode"] = json!("EXPIRE_MAKER");
    if answer == PlacementAnswer::Full {
        // An order rests until the next trade: nothing is ever filled at placement.
        value["fills"] = json!([]);
    }
    value
}

/// The answer to `DELETE /api/v3/order`; `cancel_id` names the cancel itself.
pub(super) fn cancelled(order: &Order, cancel_id: &str) -> Value {
    json!({
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.update_time,
        "price": order.price,
        "origQty": order.original_quantity,
        "executedQty": order.executed_quantity,
        "origQuoteOrderQty": Fixed::ZERO,
        "cummulativeQuoteQty": order.cummulative_quote_quantity,
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.order_type,
        "side": order.side,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    })
}

/// What happened to an order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Execution<'a> {
    New,
    Trade(&'a Fill),
    Canceled { cancel_id: &'a str },
}

/// The event `executionReport`. `execution_id` is unique; the event is sent when the order changed.
pub(super) fn execution_report(order: &Order, execution: Execution<'_>, execution_id: i64) -> Value {
    let (kind, fill) = match execution {
        Execution::New => ("NEW", None),
        Execution::Trade(fill) => ("TRADE", Some(fill)),
        Execution::Canceled { .. } => ("CANCELED", None),
    };
    // In the report of a cancel the order's own client id moves to `C`.
    let (client_id, original_client_id) = match execution {
        Execution::Canceled { cancel_id } => (cancel_id, order.client_order_id.as_str()),
        _ => (order.client_order_id.as_str(), ""),
    };
    let zero = json!(Fixed::ZERO);
    let mut event = json!({
        "e": "executionReport",
        "E": order.update_time,
        "s": order.symbol,
        "c": client_id,
        "S": order.side,
        "o": order.order_type,
        "f": order.time_in_force,
        "q": order.original_quantity,
        "p": order.price,
        "P": order.stop_price,
        "F": order.iceberg_quantity,
        "g": -1,
        "C": original_client_id,
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": zero,
        "z": order.executed_quantity,
        "L": zero,
        "n": "0",
        "N": null,
        "T": order.update_time,
        "t": -1,
        "I": execution_id,
        "w": order.status == OrderStatus::New,
        "m": false,
        "M": false,
        "O": order.time,
        "Z": order.cummulative_quote_quantity,
        "Y": zero,
        "Q": zero,
        "W": order.time,
        "V": "EXPIRE_MAKER",
    });
    if let Some(fill) = fill {
        event["l"] = json!(order.executed_quantity);
        event["L"] = json!(order.price);
        event["n"] = json!(fill.commission);
        event["N"] = json!(fill.commission_asset);
        event["t"] = json!(fill.trade_id);
        // The order rested, so the other side was the taker.
        event["m"] = json!(true);
        event["Y"] = json!(order.cummulative_quote_quantity);
    }
    event
}

/// The event `outboundAccountPosition`: the balances that a change touched.
pub(super) fn account_position(balances: &[(String, Balance)], time: i64) -> Value {
    let balances: Vec<_> = (balances.iter())
        .map(|(asset, balance)| json!({"a": asset, "f": balance.free, "l": balance.locked}))
        .collect();
    json!({"e": "outboundAccountPosition", "E": time, "u": time, "B": balances})
}

/// The answer to `GET /api/v3/account`.
pub(super) fn account<'a>(balances: impl IntoIterator<Item = (&'a str, Balance)>, time: i64) -> Value {
    let balances: Vec<_> = (balances.into_iter())
        .map(|(asset, balance)| json!({"asset": asset, "free": balance.free, "locked": balance.locked}))
        .collect();
    json!({
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": true, "canWithdraw": false, "canDeposit": false, "brokered": false,
        "requireSelfTradePrevention": false, "preventSor": false, "updateTime": time, "accountType": "SPOT",
        "balances": balances, "permissions": ["SPOT"], "uid": 1,
    })
}

/// An element of the answer to `GET /api/v3/historicalTrades`.
pub(super) fn historical_trade(trade: &MarketTrade) -> Value {
    json!({
        "id": trade.trade_id,
        "price": trade.price,
        "qty": trade.quantity,
        "quoteQty": trade.price.times(trade.quantity),
        "time": trade.trade_time,
        "isBuyerMaker": trade.buyer_market_maker,
        "isBestMatch": true,
    })
}

/// The limits that `exchangeInfo` tells. They are told and counted, but not enforced: the simulator is on a loopback port.
pub(super) fn rate_limits() -> Value {
    json!([
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
    ])
}

/// One symbol of `exchangeInfo`. A filter that the symbol does not have is left out.
pub(super) fn symbol(info: &SymbolInfo) -> Value {
    let rules = &info.filters;
    let text = |value: &Decimal| plain_text(&value.with_scale(8));
    let mut filters = vec![
        json!({
            "filterType": "PRICE_FILTER", "minPrice": text(&rules.min_price), "maxPrice": text(&rules.max_price),
            "tickSize": text(&rules.tick_size),
        }),
        json!({
            "filterType": "LOT_SIZE", "minQty": text(&rules.min_quantity), "maxQty": text(&rules.max_quantity),
            "stepSize": text(&rules.step_size),
        }),
    ];
    if !rules.max_notional.is_zero() {
        filters.push(json!({
            "filterType": "NOTIONAL", "minNotional": text(&rules.min_notional), "applyMinToMarket": true,
            "maxNotional": text(&rules.max_notional), "applyMaxToMarket": false, "avgPriceMins": 5,
        }));
    } else if !rules.min_notional.is_zero() {
        filters.push(json!({
            "filterType": "MIN_NOTIONAL", "minNotional": text(&rules.min_notional), "applyToMarket": true,
            "avgPriceMins": 5,
        }));
    }
    if let Some(most) = rules.max_num_orders {
        filters.push(json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": most}));
    }
    json!({
        "symbol": info.symbol, "status": info.status,
        "baseAsset": info.base_asset, "baseAssetPrecision": 8,
        "quoteAsset": info.quote_asset, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT"],
        "icebergAllowed": false, "ocoAllowed": false, "otoAllowed": false, "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": false, "allowTrailingStop": false, "cancelReplaceAllowed": false,
        "amendAllowed": false, "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
        "filters": filters, "permissions": [], "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    })
}
