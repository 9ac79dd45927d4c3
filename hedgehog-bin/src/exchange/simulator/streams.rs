//! Market streams: `/ws/<stream>`, `/stream?streams=a/b`, and the control messages that change a connection's streams.

use super::actor::{Request, Subscriber, Trades};
use super::server::Gate;
use super::socket::{Received, Session};
use super::wire::{self, FrameFormat};
use crate::market::Symbol;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Batches that may wait for a connection. With a market that does not wait, a connection that lets more gather is cut.
const WAITING_BATCHES: usize = 16;

/// Streams per connection (web-socket-streams, "Websocket Limits").
const MOST_STREAMS: usize = 1024;

/// So many trades are sent at most before the client is asked to confirm that it has read them.
const MARK_EVERY: usize = 2_048;

/// Serves one connection until either side ends it.
pub(super) async fn run(mut session: Session, gate: Gate, names: Vec<String>, format: FrameFormat) {
    let (trades, mut incoming) = mpsc::channel(WAITING_BATCHES);
    let too_slow = Arc::new(Notify::new());
    let subscriber = Subscriber {
        connection: gate.next_connection(),
        trades,
        too_slow: Arc::clone(&too_slow),
    };
    let mut connection = Connection {
        gate,
        subscriber,
        format,
        streams: Vec::new(),
        marks: Marks::default(),
    };
    connection.subscribe(names);
    loop {
        let sent = tokio::select! {
            received = session.receive() => match received {
                Some(Received::Text(text)) => session.send(connection.control(&text).to_string()).await,
                Some(Received::Mark(number)) => {
                    connection.tell_read(number);
                    Ok(())
                }
                None => break,
            },
            Some(batch) = incoming.recv() => {
                let sent = tokio::select! {
                    sent = session.send_all(connection.frames(&batch)) => sent,
                    () = too_slow.notified() => break,
                };
                // A market that waits for its subscribers has one place more.
                connection.gate.tell(Request::Play);
                match connection.marks.after(&batch, incoming.is_empty()) {
                    Some(number) if sent.is_ok() => session.mark(number).await,
                    _ => sent,
                }
            }
            () = too_slow.notified() => {
                session.close(CloseCode::Policy, "too slow").await;
                break;
            }
        };
        if sent.is_err() {
            break;
        }
    }
    let Connection {
        gate,
        subscriber,
        streams,
        ..
    } = connection;
    for symbol in streams.iter().filter_map(|name| traded_symbol(name)) {
        gate.tell(Request::Unsubscribe {
            symbol,
            connection: subscriber.connection,
        });
    }
    // Whoever else listens to the same symbol does not wait for this connection any more.
    gate.tell(Request::Play);
}

/// One connection and what it listens to.
struct Connection {
    gate: Gate,
    subscriber: Subscriber,
    format: FrameFormat,
    streams: Vec<String>,
    marks: Marks,
}

/// Places in what was sent that the client is asked to confirm, where the market waits for that.
#[derive(Default)]
struct Marks {
    last: u64,
    /// Sent since the last mark: trades, and per symbol how far.
    unmarked: usize,
    reached: HashMap<Symbol, usize>,
    /// Marks that are not confirmed yet, oldest first.
    open: VecDeque<(u64, Vec<(Symbol, usize)>)>,
}

impl Marks {
    /// A batch was sent; the number of the mark to send now, if any. With nothing else to send it is sent at once.
    fn after(&mut self, batch: &Trades, idle: bool) -> Option<u64> {
        self.reached.insert(batch.symbol.clone(), batch.read_as?);
        self.unmarked += batch.list.len();
        if !idle && self.unmarked < MARK_EVERY {
            return None;
        }
        self.last += 1;
        self.unmarked = 0;
        self.open.push_back((self.last, self.reached.drain().collect()));
        Some(self.last)
    }

    /// What is confirmed by a mark.
    fn confirmed(&mut self, number: u64) -> Vec<(Symbol, usize)> {
        let count = self.open.iter().take_while(|(mark, _)| *mark <= number).count();
        self.open.drain(..count).flat_map(|(_, reached)| reached).collect()
    }
}

#[derive(Deserialize)]
struct Control {
    method: String,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    id: Value,
}

impl Connection {
    fn frames(&self, batch: &Trades) -> impl Iterator<Item = String> {
        let stream = if self.format.combined {
            format!("{}@trade", batch.symbol.to_lowercase())
        } else {
            String::new()
        };
        let (symbol, format, trades) = (batch.symbol.clone(), self.format, Arc::clone(&batch.list));
        (0..trades.len()).map(move |index| wire::trade_frame(symbol.as_str(), &stream, &trades[index], format))
    }

    fn tell_read(&mut self, mark: u64) {
        for (symbol, played_to) in self.marks.confirmed(mark) {
            self.gate.tell(Request::Read {
                symbol,
                connection: self.subscriber.connection,
                played_to,
            });
        }
    }

    fn subscribe(&mut self, names: Vec<String>) {
        for name in names {
            if self.streams.contains(&name) {
                continue;
            }
            // A well-formed stream of another kind, or of a symbol that is not listed, is taken and stays silent.
            if let Some(symbol) = traded_symbol(&name) {
                self.gate.tell(Request::Subscribe {
                    symbol,
                    subscriber: self.subscriber.clone(),
                });
            }
            self.streams.push(name);
        }
    }

    fn unsubscribe(&mut self, names: &[String]) {
        for name in names {
            let Some(index) = self.streams.iter().position(|known| known == name) else {
                continue;
            };
            self.streams.remove(index);
            if let Some(symbol) = traded_symbol(name) {
                self.gate.tell(Request::Unsubscribe {
                    symbol,
                    connection: self.subscriber.connection,
                });
            }
        }
    }

    /// Obeys a control message; the answer to it.
    fn control(&mut self, text: &str) -> Value {
        let message: Value = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                let place = format!("line {} column {}", error.line(), error.column());
                return refused(3, &format!("Invalid JSON: expected value at {place}"), &Value::Null);
            }
        };
        let id = message.get("id").cloned().unwrap_or_default();
        let legal = id.is_null() || id.is_i64() || id.as_str().is_some_and(|id| id.len() <= 36);
        if !legal {
            return refused(
                2,
                "Invalid request: request ID must be an unsigned integer",
                &Value::Null,
            );
        }
        let control: Control = match serde_json::from_value(message) {
            Ok(control) => control,
            Err(error) => return refused(2, &format!("Invalid request: {error}"), &id),
        };
        match self.obey(&control) {
            Ok(result) => json!({"result": result, "id": control.id}),
            Err((code, text)) => refused(code, &text, &control.id),
        }
    }

    fn obey(&mut self, control: &Control) -> Result<Value, (u8, String)> {
        match control.method.as_str() {
            "SUBSCRIBE" => {
                let names = stream_names(&control.params)?;
                if self.streams.len() + names.len() > MOST_STREAMS {
                    return Err((2, "Invalid request: too many parameters".to_owned()));
                }
                self.subscribe(names);
                Ok(Value::Null)
            }
            "UNSUBSCRIBE" => {
                self.unsubscribe(&stream_names(&control.params)?);
                Ok(Value::Null)
            }
            "LIST_SUBSCRIPTIONS" => Ok(json!(self.streams)),
            "SET_PROPERTY" => match control.params.as_array().map(Vec::as_slice) {
                Some([Value::String(name), value]) if name == "combined" => {
                    self.format.combined = value
                        .as_bool()
                        .ok_or_else(|| (1, "Invalid value type: expected Boolean".to_owned()))?;
                    Ok(Value::Null)
                }
                _ => Err((0, "Unknown property".to_owned())),
            },
            "GET_PROPERTY" => match control.params.as_array().map(Vec::as_slice) {
                Some([Value::String(name)]) if name == "combined" => Ok(json!(self.format.combined)),
                _ => Err((0, "Unknown property".to_owned())),
            },
            other => Err((
                2,
                format!(
                    "Invalid request: unknown variant `{other}`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, \
                     `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
                ),
            )),
        }
    }
}

fn stream_names(params: &Value) -> Result<Vec<String>, (u8, String)> {
    let refused = || (2, "Invalid request: invalid stream".to_owned());
    let names = params.as_array().ok_or_else(refused)?;
    names
        .iter()
        .map(|name| {
            name.as_str()
                .filter(|name| name.contains('@'))
                .map(str::to_owned)
                .ok_or_else(refused)
        })
        .collect()
}

/// The symbol whose trades a stream carries: `btcusdt@trade`. Stream names are lower case.
fn traded_symbol(name: &str) -> Option<Symbol> {
    let symbol = name.strip_suffix("@trade")?;
    if symbol.to_lowercase() == symbol {
        symbol.parse().ok()
    } else {
        None
    }
}

/// Nested, as the server has been seen to send it.
fn refused(code: u8, text: &str, id: &Value) -> Value {
    json!({"error": {"code": code, "msg": text}, "id": id})
}
