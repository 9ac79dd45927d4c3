//! REST: one table of endpoints, and what each reads from its parameters.

use super::account::Balance;
use super::actor::Request;
use super::engine::Placement;
use super::params::{self, Params};
use super::refusal::Refusal;
use super::server::{Closing, Gate, now};
use super::wire::{self, PlacementAnswer};
use crate::exchange::OrderKey;
use crate::market::{Fixed, Side, Symbol};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Answers every path that is not a WebSocket.
pub(super) async fn answer(
    State((gate, _)): State<(Gate, Closing)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        gate: &gate,
        query: uri.query().unwrap_or_default(),
        body: std::str::from_utf8(&body).unwrap_or_default(),
        key: headers.get("X-MBX-APIKEY").and_then(|key| key.to_str().ok()),
    };
    // Weights as documented with each endpoint.
    let (weight, result) = match (method.as_str(), uri.path()) {
        ("GET", "/api/v3/ping") => (1, call.public().finish().map(|()| json!({}))),
        ("GET", "/api/v3/time") => (1, call.public().finish().map(|()| json!({"serverTime": now()}))),
        ("GET", "/api/v3/exchangeInfo") => (20, call.exchange_info()),
        ("GET", "/api/v3/historicalTrades" | "/api/v3/trades") => (25, call.historical_trades().await),
        ("POST", "/api/v3/order") => (1, call.place().await),
        ("GET", "/api/v3/order") => (4, call.order().await),
        ("DELETE", "/api/v3/order") => (1, call.cancel().await),
        ("GET", "/api/v3/openOrders") => (6, call.open_orders().await),
        ("GET", "/api/v3/account") => (20, call.account().await),
        _ => (1, Err(Refusal::unknown_path())),
    };
    let used = gate.weigh(weight);
    let mut response = match result {
        Ok(value) => json_response(StatusCode::OK, value.to_string()),
        Err(refusal) => refused(&refusal),
    };
    response.headers_mut().insert("X-MBX-USED-WEIGHT-1M", used.into());
    response
}

/// A refusal as HTTP tells it.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({"code": refusal.code, "msg": refusal.msg});
    json_response(status, body.to_string())
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}

/// One request, its signature not yet checked.
struct Call<'a> {
    gate: &'a Gate,
    query: &'a str,
    body: &'a str,
    key: Option<&'a str>,
}

impl Call<'_> {
    fn public(&self) -> Params {
        Params::parse(self.query, self.body)
    }

    fn signed(&self) -> Result<Params, Refusal> {
        params::signed(self.key, self.query, self.body, now())
    }

    fn exchange_info(&self) -> Result<Value, Refusal> {
        let mut params = self.public();
        params.ignore(&["permissions", "showPermissionSets", "symbolStatus"]);
        let wanted: Option<Vec<String>> = match (params.optional("symbol"), params.optional("symbols")) {
            (Some(symbol), _) => Some(vec![symbol]),
            (None, Some(list)) => {
                Some(serde_json::from_str(&list).map_err(|_| Refusal::illegal("symbols", "[\"A\",\"B\"]"))?)
            }
            (None, None) => None,
        };
        params.finish()?;
        let listed = self.gate.symbols();
        let symbols: Vec<&Value> = match wanted {
            None => listed.values().collect(),
            Some(names) => (names.iter())
                .map(|name| listed.get(&parse_symbol(name)?).ok_or_else(Refusal::unknown_symbol))
                .collect::<Result<_, _>>()?,
        };
        Ok(json!({
            "timezone": "UTC", "serverTime": now(), "rateLimits": wire::rate_limits(), "exchangeFilters": [],
            "symbols": symbols,
        }))
    }

    async fn historical_trades(&self) -> Result<Value, Refusal> {
        let mut params = self.public();
        let symbol = symbol(&mut params)?;
        let from_id = params.integer("fromId")?;
        let limit = params.integer("limit")?.unwrap_or(500).clamp(1, 1000) as usize;
        params.finish()?;
        let trades = self
            .gate
            .ask(|reply| Request::History {
                symbol,
                from_id,
                limit,
                reply,
            })
            .await?;
        let of_the_market = trades.iter().filter(|trade| trade.price > Fixed::ZERO);
        Ok(of_the_market.map(wire::historical_trade).collect())
    }

    async fn place(&self) -> Result<Value, Refusal> {
        let mut params = self.signed()?;
        let symbol = symbol(&mut params)?;
        let side: Side = params.required("side")?.parse().map_err(|_| Refusal::bad_side())?;
        if params.required("type")? != "LIMIT" {
            return Err(Refusal::bad_type());
        }
        if params.required("timeInForce")? != "GTC" {
            return Err(Refusal::bad_time_in_force());
        }
        let (quantity, price) = (params.decimal("quantity")?, params.decimal("price")?);
        let client_order_id = params.optional("newClientOrderId").map(client_order_id).transpose()?;
        let answer = match params.optional("newOrderRespType").as_deref() {
            Some("ACK") => PlacementAnswer::Ack,
            Some("RESULT") => PlacementAnswer::Result,
            Some("FULL") | None => PlacementAnswer::Full,
            Some(_) => return Err(Refusal::illegal("newOrderRespType", "ACK, RESULT, FULL")),
        };
        params.ignore(&["selfTradePreventionMode", "strategyId", "strategyType"]);
        params.finish()?;
        let placement = Placement {
            symbol,
            side,
            price,
            quantity,
            client_order_id,
        };
        let order = self.gate.ask(|reply| Request::Place(placement, reply)).await?;
        Ok(wire::placed(&order, answer))
    }

    async fn order(&self) -> Result<Value, Refusal> {
        let mut params = self.signed()?;
        let (symbol, key) = (symbol(&mut params)?, order_key(&mut params)?);
        params.finish()?;
        let order = self
            .gate
            .ask(|reply| Request::Order {
                symbol,
                key: key.wanted.clone(),
                reply,
            })
            .await?;
        if key.also.is_some_and(|client_id| client_id != order.client_order_id) {
            return Err(Refusal::no_such_order());
        }
        Ok(wire::order(&order))
    }

    async fn cancel(&self) -> Result<Value, Refusal> {
        let mut params = self.signed()?;
        let (symbol, key) = (symbol(&mut params)?, order_key(&mut params)?);
        let cancel_id = params.optional("newClientOrderId").map(client_order_id).transpose()?;
        // Nothing is ever filled in part, so ONLY_NEW is always met.
        params.ignore(&["cancelRestrictions"]);
        params.finish()?;
        let cancel_id = cancel_id.unwrap_or_else(|| format!("cancel-{}", now()));
        let (key, id) = (key.wanted, cancel_id.clone());
        let order = self
            .gate
            .ask(|reply| Request::Cancel {
                symbol,
                key,
                cancel_id: id,
                reply,
            })
            .await?;
        Ok(wire::cancelled(&order, &cancel_id))
    }

    async fn open_orders(&self) -> Result<Value, Refusal> {
        let mut params = self.signed()?;
        let symbol = params.optional("symbol").map(|name| parse_symbol(&name)).transpose()?;
        params.finish()?;
        let orders = self.gate.ask(|reply| Request::OpenOrders { symbol, reply }).await?;
        Ok(orders.iter().map(wire::order).collect())
    }

    async fn account(&self) -> Result<Value, Refusal> {
        let mut params = self.signed()?;
        let only_held = params.optional("omitZeroBalances").as_deref() == Some("true");
        params.finish()?;
        let balances = self.gate.ask(Request::Balances).await?;
        let held = balances
            .iter()
            .filter(|(_, balance)| !only_held || *balance != Balance::default());
        Ok(wire::account(
            held.map(|(asset, balance)| (asset.as_str(), *balance)),
            now(),
        ))
    }
}

/// How an order was named: by one key, and perhaps by a second that must agree.
struct NamedOrder {
    wanted: OrderKey,
    also: Option<String>,
}

fn order_key(params: &mut Params) -> Result<NamedOrder, Refusal> {
    match (params.integer("orderId")?, params.optional("origClientOrderId")) {
        (Some(id), also) => Ok(NamedOrder {
            wanted: OrderKey::Id(id),
            also,
        }),
        (None, Some(client_id)) => Ok(NamedOrder {
            wanted: OrderKey::Client(client_id),
            also: None,
        }),
        (None, None) => Err(Refusal::missing_both("origClientOrderId", "orderId")),
    }
}

fn symbol(params: &mut Params) -> Result<Symbol, Refusal> {
    parse_symbol(&params.required("symbol")?)
}

/// Upper case only, as on the exchange.
fn parse_symbol(name: &str) -> Result<Symbol, Refusal> {
    let symbol: Symbol = name.parse().map_err(|_| Refusal::unknown_symbol())?;
    if symbol.as_str() == name {
        Ok(symbol)
    } else {
        Err(Refusal::unknown_symbol())
    }
}

fn client_order_id(id: String) -> Result<String, Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '_' | '-');
    if id.len() <= 36 && id.chars().all(legal) {
        Ok(id)
    } else {
        Err(Refusal::illegal("newClientOrderId", "^[\\.A-Z\\:/a-z0-9_-]{1,36}$"))
    }
}
