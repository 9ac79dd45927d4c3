//! The WebSocket API, as far as it is needed for one's own fills: `userDataStream.subscribe.signature`, `time`, `ping`.
//! Orders go over REST.

use super::actor::Request;
use super::params;
use super::refusal::Refusal;
use super::server::{Gate, now};
use super::socket::{Received, Session};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Serves one connection until either side ends it.
pub(super) async fn run(mut session: Session, gate: Gate) {
    let mut connection = Connection {
        gate,
        events: None,
        next_subscription: 0,
    };
    loop {
        let sent = tokio::select! {
            received = session.receive() => match received {
                Some(Received::Text(text)) => {
                    let answer = connection.answer(&text).await;
                    session.send(answer.to_string()).await
                }
                Some(Received::Mark(_)) => Ok(()),
                Some(Received::Closing) => {
                    while let Some(event) = connection.waiting_event() {
                        if session.send(event).await.is_err() {
                            return;
                        }
                    }
                    session.restart().await;
                    return;
                }
                None => break,
            },
            event = connection.next_event() => session.send(event).await,
        };
        if sent.is_err() {
            break;
        }
    }
}

struct Connection {
    gate: Gate,
    /// The account's events and the id under which they were subscribed.
    events: Option<(u64, mpsc::UnboundedReceiver<Arc<str>>)>,
    next_subscription: u64,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Value,
    method: String,
    #[serde(default)]
    params: Map<String, Value>,
}

impl Connection {
    /// The next event of the account, wrapped; waits for ever when nothing is subscribed.
    async fn next_event(&mut self) -> String {
        let event = match &mut self.events {
            Some((id, events)) => events.recv().await.map(|event| (*id, event)),
            None => None,
        };
        match event {
            Some((id, event)) => wrapped(id, &event),
            // Nothing subscribed, or the engine is gone: then the session ends by itself.
            None => std::future::pending().await,
        }
    }

    /// An event that came before the engine was gone.
    fn waiting_event(&mut self) -> Option<String> {
        let (id, events) = self.events.as_mut()?;
        events.try_recv().ok().map(|event| wrapped(*id, &event))
    }

    async fn answer(&mut self, text: &str) -> Value {
        let call: Call = match serde_json::from_str(text) {
            Ok(call) => call,
            Err(error) => {
                return response(
                    &Value::Null,
                    Err(Refusal::malformed(format!("Malformed request: {error}"))),
                    0,
                );
            }
        };
        let (weight, result) = self.call(&call).await;
        response(&call.id, result, self.gate.weigh(weight))
    }

    async fn call(&mut self, call: &Call) -> (u32, Result<Value, Refusal>) {
        match call.method.as_str() {
            "ping" => (1, Ok(json!({}))),
            "time" => (1, Ok(json!({"serverTime": now()}))),
            "userDataStream.subscribe.signature" => (2, self.subscribe(&call.params).await),
            "userDataStream.unsubscribe" => (2, self.unsubscribe(&call.params)),
            "session.subscriptions" => {
                let subscriptions: Vec<_> = self
                    .events
                    .iter()
                    .map(|(id, _)| json!({"subscriptionId": id}))
                    .collect();
                (2, Ok(json!(subscriptions)))
            }
            other => (1, Err(Refusal::malformed(format!("Unknown method '{other}'.")))),
        }
    }

    async fn subscribe(&mut self, sent: &Map<String, Value>) -> Result<Value, Refusal> {
        let mut params = params::signed_ws(
            sent.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
            now(),
        )?;
        params.ignore(&["returnRateLimits"]);
        params.finish()?;
        if self.events.is_some() {
            return Err(Refusal::already_subscribed());
        }
        let (events, incoming) = mpsc::unbounded_channel();
        self.gate
            .ask(|reply| Request::SubscribeAccount { events, reply })
            .await?;
        let id = self.next_subscription;
        self.next_subscription += 1;
        self.events = Some((id, incoming));
        Ok(json!({"subscriptionId": id}))
    }

    fn unsubscribe(&mut self, params: &Map<String, Value>) -> Result<Value, Refusal> {
        let wanted = params.get("subscriptionId").and_then(Value::as_u64);
        match &self.events {
            Some((id, _)) if wanted.is_none_or(|wanted| wanted == *id) => {
                self.events = None;
                Ok(json!({}))
            }
            _ => Err(Refusal::not_subscribed()),
        }
    }
}

fn wrapped(subscription: u64, event: &str) -> String {
    format!("{{\"subscriptionId\":{subscription},\"event\":{event}}}")
}

/// A parameter as it is signed: texts without their quotes, everything else as JSON prints it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn response(id: &Value, result: Result<Value, Refusal>, used_weight: u32) -> Value {
    let rate_limits = json!([{
        "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": used_weight,
    }]);
    match result {
        Ok(result) => json!({"id": id, "status": 200, "result": result, "rateLimits": rate_limits}),
        Err(refusal) => json!({"id": id, "status": refusal.status, "error": refusal, "rateLimits": rate_limits}),
    }
}
