//! The account's own events: what became of its orders, told as it happens.
//!
//! Nothing is delivered while there is no connection, and nothing is repeated after it. So every (re)connection is told
//! first, and whoever listens then asks for the open orders; a report that came in between is only told twice.

use super::clock::{ServerClock, local_now};
use super::signing::{signature, ws_api_payload};
use super::socket::{Socket, SocketError};
use super::wire::ExecutionReport;
use crate::backoff::Backoff;
use crate::exchange::{Credentials, Endpoints};
use crate::market::{Order, Price, Quantity};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::timeout;

/// What [`run`] tells.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "handed to one callback by value; a box would be one more allocation"
)]
pub enum UserDataEvent {
    /// The subscription stands. What happened before is not told: query the open orders now.
    Connected,
    /// An order changed.
    Execution(Execution),
    /// Nothing is delivered until the next `Connected`; carries the reason.
    Disconnected(String),
}

/// One `executionReport`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The order after the change, every field filled.
    pub order: Order,
    /// What kind of change it was.
    pub execution_type: ExecutionType,
    /// When the exchange sent the report, in milliseconds since the epoch.
    pub event_time: i64,
    /// Why the order was rejected; `None` when it was not.
    pub reject_reason: Option<String>,
    /// At which this change executed; zero when it executed nothing.
    pub last_price: Price,
    /// How much this change executed, in the base asset.
    pub last_quantity: Quantity,
    /// Taken from the account for this change.
    pub commission: Quantity,
    /// In which asset; `None` when there was no commission.
    pub commission_asset: Option<String>,
    /// Identifies the trade; `None` when there was none.
    pub trade_id: Option<i64>,
    /// Whether the order was the resting side of the trade.
    pub maker: bool,
}

/// Why an `executionReport` was sent (enums.md, "Execution types").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionType {
    /// Accepted by the engine.
    New,
    /// Cancelled by its owner.
    Canceled,
    /// Amended.
    Replaced,
    /// Refused by the engine.
    Rejected,
    /// Executed, in part or in full.
    Trade,
    /// Cancelled by the exchange.
    Expired,
    /// Expired by self-trade prevention.
    TradePrevention,
    /// A type younger than this program.
    #[serde(untagged)]
    Other(String),
}

/// Listens to the account's events, for ever: connects, subscribes, and does so again with a back-off whenever it ends.
///
/// `on_event` is called in order and must not block.
///
/// # Cancel safety
/// Dropping the future closes the connection. Events already told are not told again by a later run, except through the
/// query that `Connected` asks for.
pub async fn run(
    endpoints: Endpoints,
    credentials: Credentials,
    mut on_event: impl FnMut(UserDataEvent) + Send,
) -> Infallible {
    let mut backoff = Backoff::default();
    let clock = ServerClock::default();
    loop {
        let ended = match Subscription::open(&endpoints, &credentials, &clock).await {
            Ok(mut subscription) => {
                backoff.succeeded();
                on_event(UserDataEvent::Connected);
                loop {
                    match subscription.next().await {
                        Ok(execution) => on_event(UserDataEvent::Execution(execution)),
                        Err(ended) => break ended,
                    }
                }
            }
            Err(failed) => failed,
        };
        on_event(UserDataEvent::Disconnected(ended.to_string()));
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

/// An answer to a request that does not come counts as a broken connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const BAD_TIMESTAMP: i64 = -1021;

/// Why a subscription ended, or never began. Names neither key nor signature.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("{method} was answered {code}: {message}")]
    Refused {
        method: &'static str,
        code: i64,
        message: String,
    },
    #[error("{method} was not answered within {}s", ANSWER_TIMEOUT.as_secs())]
    NoAnswer { method: &'static str },
    #[error("the exchange ends the subscription ({0})")]
    Announced(&'static str),
}

/// A connection to the WebSocket API with the account's events on it.
struct Subscription {
    socket: Socket,
    requests: i64,
    /// Reports that came before the answer to the request that asked for them.
    early: Vec<Execution>,
}

impl Subscription {
    async fn open(endpoints: &Endpoints, credentials: &Credentials, clock: &ServerClock) -> Result<Self, Ended> {
        let socket = Socket::connect(&endpoints.ws_api).await?;
        let mut subscription = Self {
            socket,
            requests: 0,
            early: Vec::new(),
        };
        match subscription.subscribe(credentials, clock).await {
            Err(Ended::Refused {
                code: BAD_TIMESTAMP, ..
            }) => {
                subscription.read_clock(clock).await?;
                subscription.subscribe(credentials, clock).await?;
            }
            answer => answer?,
        }
        Ok(subscription)
    }

    async fn subscribe(&mut self, credentials: &Credentials, clock: &ServerClock) -> Result<(), Ended> {
        let timestamp = clock.now();
        let signed = ws_api_payload(&[("apiKey", credentials.key()), ("timestamp", &timestamp.to_string())]);
        let params = json!({
            "apiKey": credentials.key(),
            "timestamp": timestamp,
            "signature": signature(credentials.secret(), &signed),
        });
        self.request("userDataStream.subscribe.signature", &params)
            .await
            .map(drop)
    }

    async fn read_clock(&mut self, clock: &ServerClock) -> Result<(), Ended> {
        let asked = local_now();
        let answer = self.request("time", &json!({})).await?;
        if let Some(server_time) = answer["result"]["serverTime"].as_i64() {
            clock.set(server_time, asked);
        }
        Ok(())
    }

    async fn request(&mut self, method: &'static str, params: &Value) -> Result<Value, Ended> {
        self.requests += 1;
        let id = self.requests;
        self.socket
            .send(json!({ "id": id, "method": method, "params": params }).to_string())
            .await?;
        let answer = timeout(ANSWER_TIMEOUT, self.answer(id))
            .await
            .map_err(|_| Ended::NoAnswer { method })??;
        match &answer["error"] {
            Value::Null => Ok(answer),
            error => Err(Ended::Refused {
                method,
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["msg"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    async fn answer(&mut self, id: i64) -> Result<Value, Ended> {
        loop {
            let text = self.socket.next().await?;
            match serde_json::from_str::<Value>(&text) {
                Ok(answer) if answer["id"] == id => return Ok(answer),
                _ => self.early.extend(read_event(&text)?),
            }
        }
    }

    async fn next(&mut self) -> Result<Execution, Ended> {
        loop {
            if !self.early.is_empty() {
                return Ok(self.early.remove(0));
            }
            let text = self.socket.next().await?;
            self.early.extend(read_event(&text)?);
        }
    }
}

/// The execution in a frame, if it tells of one. A frame that cannot be read is logged and passed over: the order that
/// it was about is found by the traders' own queries.
fn read_event(text: &str) -> Result<Option<Execution>, Ended> {
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else {
        tracing::warn!("user data: a frame that is not a JSON object was passed over");
        return Ok(None);
    };
    let Some(event) = frame.remove("event") else {
        return Ok(None);
    };
    match event["e"].as_str() {
        Some("executionReport") => Ok(match ExecutionReport::deserialize(&event) {
            Ok(report) => Some(report.into()),
            Err(error) => {
                tracing::warn!("user data: an execution report was passed over: {error}");
                None
            }
        }),
        Some("eventStreamTerminated") => Err(Ended::Announced("eventStreamTerminated")),
        Some("serverShutdown") => Err(Ended::Announced("serverShutdown")),
        other => {
            tracing::debug!(event = other, "user data: not about an order");
            Ok(None)
        }
    }
}
