//! The account's own events, on a connection to the WebSocket API.

use super::clock::{ServerClock, local_now};
use super::signing::{signature, ws_api_payload};
use super::socket::Socket;
use super::wire::ExecutionReport;
use crate::backoff::Backoff;
use crate::exchange::{Credentials, Endpoints, Execution, SocketError, UserDataEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::timeout;

/// [`Account::executions`](crate::exchange::Account::executions).
pub(super) async fn run(
    endpoints: &Endpoints,
    credentials: &Credentials,
    mut on_event: impl FnMut(UserDataEvent) + Send,
) -> Infallible {
    let mut backoff = Backoff::default();
    let clock = ServerClock::default();
    loop {
        let ended = match Subscription::open(endpoints, credentials, &clock).await {
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
