//! The exchange as everybody holds it: most calls are one REST request, and every answer becomes a value of the domain.

use super::connect_limit::ConnectLimit;
use super::rest::{Failure, Rest, unreadable};
use super::trade_socket::StreamSocket;
use super::user_data;
use super::wire::{self, Cancelled, Placed, Queried};
use crate::exchange::{
    Account, AssetBalance, Credentials, Demand, Endpoints, ExchangeError, MarketData, NewOrder, OrderKey, SocketError,
    Submission, TradeSocket, TradeStreams, UserDataEvent,
};
use crate::market::{ExchangeInfo, Order, Symbol};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const ORDER: &str = "/api/v3/order";
const OPEN_ORDERS: &str = "/api/v3/openOrders";
const ACCOUNT: &str = "/api/v3/account";
const EXCHANGE_INFO: &str = "/api/v3/exchangeInfo";

/// Rules change rarely; listings come and go daily.
const RULES_FRESH: Duration = Duration::from_hours(1);

/// One account on one exchange. Cheap to clone; clones share connections, limits and rules.
#[derive(Clone, Debug)]
pub struct BinanceClient {
    rest: Arc<Rest>,
    rules: Arc<Rules>,
    connects: Arc<ConnectLimit>,
}

/// The last `exchangeInfo` and the single request that renews it.
#[derive(Debug, Default)]
struct Rules {
    known: RwLock<Option<(Instant, Arc<ExchangeInfo>)>>,
    /// When the last request ended, and how. Held while one is under way.
    flight: Mutex<Option<(Instant, RulesAnswer)>>,
}

type RulesAnswer = Result<Arc<ExchangeInfo>, ExchangeError>;

impl BinanceClient {
    /// Opens no connection yet.
    pub fn new(endpoints: Endpoints, credentials: Credentials) -> Result<Self, ExchangeError> {
        Ok(Self {
            rest: Arc::new(Rest::new(endpoints, credentials)?),
            rules: Arc::default(),
            connects: Arc::default(),
        })
    }

    async fn current_rules(&self) -> RulesAnswer {
        if let Some((_, info)) = self
            .rules
            .known
            .read()
            .as_ref()
            .filter(|(at, _)| at.elapsed() < RULES_FRESH)
        {
            return Ok(Arc::clone(info));
        }
        let asked = Instant::now();
        let mut flight = self.rules.flight.lock().await;
        // Whoever waited here while somebody else asked takes that answer, also a refusal: a hundred leaders that wait
        // out one timeout each would never be done.
        if let Some((ended, outcome)) = &*flight
            && *ended >= asked
        {
            return outcome.clone();
        }
        let outcome = match self.fetch_rules().await {
            Ok(info) => {
                *self.rules.known.write() = Some((Instant::now(), Arc::clone(&info)));
                Ok(info)
            }
            Err(error) => match self.rules.known.read().as_ref() {
                Some((_, old)) => {
                    tracing::warn!("the exchange's rules could not be renewed, the old ones stand: {error}");
                    Ok(Arc::clone(old))
                }
                None => Err(error),
            },
        };
        *flight = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn fetch_rules(&self) -> RulesAnswer {
        let json = self.rest.public(EXCHANGE_INFO).await?;
        let doing = format!("GET {EXCHANGE_INFO}");
        // Megabytes: off the threads that carry trades.
        let (info, unreadable_symbols) = tokio::task::spawn_blocking(move || ExchangeInfo::from_json(&json))
            .await
            .map_err(|error| unreadable(&doing, error.to_string()))?
            .map_err(|error| unreadable(&doing, error.to_string()))?;
        for symbol in unreadable_symbols {
            tracing::warn!("exchangeInfo: a symbol was left out: {symbol}");
        }
        Ok(Arc::new(info))
    }

    async fn open_streams(&self, demand: &dyn Demand) -> Result<Box<dyn TradeSocket>, SocketError> {
        self.connects.admit(|why| demand.waits(why)).await;
        let endpoints = self.rest.endpoints();
        let socket = match demand.streams() {
            TradeStreams::One(symbol) => StreamSocket::connect(endpoints, symbol).await?,
            TradeStreams::Many(symbols) => StreamSocket::combined(endpoints, &symbols).await?,
        };
        Ok(Box::new(socket))
    }

    async fn submit(&self, order: &NewOrder) -> Submission {
        if let Err(violation) = self.check_filters(order) {
            return Submission::Rejected(violation);
        }
        let (price, quantity) = (order.price.to_string(), order.quantity.to_string());
        let parameters = [
            ("symbol", order.symbol.as_str()),
            ("side", order.side.as_str()),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", &quantity),
            ("price", &price),
            ("newClientOrderId", &order.client_order_id),
            ("newOrderRespType", "FULL"),
        ];
        match self.rest.signed::<Placed>(Method::POST, ORDER, &parameters).await {
            Ok(placed) => Submission::Accepted(placed.into()),
            Err(Failure {
                error,
                may_have_happened: true,
            }) => Submission::Unknown(error),
            Err(Failure { error, .. }) => Submission::Rejected(name_symbol(error, &order.symbol)),
        }
    }

    /// By the rules at hand: an order is not held up to fetch them, the exchange checks it all the same.
    fn check_filters(&self, order: &NewOrder) -> Result<(), ExchangeError> {
        let known = self.rules.known.read();
        match known.as_ref().and_then(|(_, info)| info.symbols.get(&order.symbol)) {
            Some(info) => Ok(info.filters.check(&order.price, &order.quantity)?),
            None => Ok(()),
        }
    }

    async fn query(&self, symbol: &Symbol, key: &OrderKey) -> Result<Option<Order>, ExchangeError> {
        // Does not exist; or did not execute anything and was archived (errors.md).
        const NO_SUCH_ORDER: [i32; 2] = [-2013, -2026];
        let answer = self.keyed(Method::GET, symbol, key).await;
        unless(answer, &NO_SUCH_ORDER).map(|order| order.map(|queried: Queried| queried.into()))
    }

    async fn withdraw(&self, symbol: &Symbol, key: &OrderKey) -> Result<Option<Order>, ExchangeError> {
        const NOT_OPEN: [i32; 1] = [-2011];
        let answer: Option<Cancelled> = unless(self.keyed(Method::DELETE, symbol, key).await, &NOT_OPEN)?;
        match answer {
            // The answer to a cancel has neither of the order's times.
            Some(Cancelled { order_id }) => self.query(symbol, &OrderKey::Id(order_id)).await,
            None => Ok(None),
        }
    }

    async fn keyed<T>(&self, method: Method, symbol: &Symbol, key: &OrderKey) -> Result<T, ExchangeError>
    where
        T: serde::de::DeserializeOwned,
    {
        let (name, value) = match key {
            OrderKey::Id(id) => ("orderId", id.to_string()),
            OrderKey::Client(id) => ("origClientOrderId", id.clone()),
        };
        let parameters = [("symbol", symbol.as_str()), (name, &value)];
        self.rest
            .signed(method, ORDER, &parameters)
            .await
            .map_err(|failure| name_symbol(failure.error, symbol))
    }

    async fn all_open(&self, symbol: &Symbol) -> Result<Vec<Order>, ExchangeError> {
        let answer = self
            .rest
            .signed::<Vec<Value>>(Method::GET, OPEN_ORDERS, &[("symbol", symbol.as_str())])
            .await;
        let orders = answer.map_err(|failure| name_symbol(failure.error, symbol))?;
        // Of an order that a person placed by hand the type may be unknown here; it hides no other.
        let read = orders.iter().filter_map(|order| match Queried::deserialize(order) {
            Ok(queried) => Some(queried.into()),
            Err(error) => {
                tracing::warn!("an open order on {symbol} was passed over: {error}");
                None
            }
        });
        Ok(read.collect())
    }

    async fn holdings(&self) -> Result<Vec<AssetBalance>, ExchangeError> {
        let parameters = [("omitZeroBalances", "true")];
        let account: wire::Account = self.rest.signed(Method::GET, ACCOUNT, &parameters).await?;
        let held = |balance: &AssetBalance| !(balance.free.is_zero() && balance.locked.is_zero());
        Ok(account.balances.into_iter().filter(held).collect())
    }
}

/// `None` for the codes that answer the question rather than refuse it.
fn unless<T>(answer: Result<T, ExchangeError>, codes: &[i32]) -> Result<Option<T>, ExchangeError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ExchangeError::Api { code, .. }) if codes.contains(&code) => Ok(None),
        Err(error) => Err(error),
    }
}

/// "Invalid symbol." does not say which.
fn name_symbol(error: ExchangeError, symbol: &Symbol) -> ExchangeError {
    match error {
        ExchangeError::Api { code: -1121, .. } => ExchangeError::UnknownSymbol(symbol.clone()),
        other => other,
    }
}

impl MarketData for BinanceClient {
    fn exchange_info(&self) -> BoxFuture<'_, Result<Arc<ExchangeInfo>, ExchangeError>> {
        self.current_rules().boxed()
    }

    fn connect<'a>(&'a self, demand: &'a dyn Demand) -> BoxFuture<'a, Result<Box<dyn TradeSocket>, SocketError>> {
        self.open_streams(demand).boxed()
    }
}

impl Account for BinanceClient {
    fn place<'a>(&'a self, order: &'a NewOrder) -> BoxFuture<'a, Submission> {
        self.submit(order).boxed()
    }

    fn order<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>> {
        self.query(symbol, key).boxed()
    }

    fn cancel<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>> {
        self.withdraw(symbol, key).boxed()
    }

    fn open_orders<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<Vec<Order>, ExchangeError>> {
        self.all_open(symbol).boxed()
    }

    fn balances(&self) -> BoxFuture<'_, Result<Vec<AssetBalance>, ExchangeError>> {
        self.holdings().boxed()
    }

    fn executions<'a>(&'a self, on_event: Box<dyn FnMut(UserDataEvent) + Send + 'a>) -> BoxFuture<'a, Infallible> {
        user_data::run(self.rest.endpoints(), self.rest.credentials(), on_event).boxed()
    }
}
