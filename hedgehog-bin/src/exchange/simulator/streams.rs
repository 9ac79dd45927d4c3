//! Market streams: `/ws/<stream>`, `/stream?streams=a/b`, and the control messages that change a connection's streams.

use super::actor::{Request, Subscriber, Trades, Waiting};
use super::server::Gate;
use super::socket::{Received, Session};
use super::wire::{self, FrameFormat};
use crate::market::Symbol;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Streams per connection (web-socket-streams, "Websocket Limits").
const MOST_STREAMS: usize = 1024;

/// So many trades are sent at most before the client is asked to confirm that it has read them.
const MARK_EVERY: usize = 2_048;
/// With fewer it is asked after this long.
const MARK_AFTER: Duration = Duration::from_millis(100);

/// Serves one connection until either side ends it.
pub(super) async fn run(mut session: Session, gate: Gate, names: Vec<String>, format: FrameFormat) {
    let (trades, mut incoming) = mpsc::unbounded_channel();
    let too_slow = Arc::new(Notify::new());
    let subscriber = Subscriber {
        connection: gate.next_connection(),
        trades,
        waiting: Arc::new(Waiting::default()),
        too_slow: Arc::clone(&too_slow),
    };
    let mut connection = Connection {
        gate,
        subscriber,
        format,
        streams: Vec::new(),
        known: HashSet::new(),
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
                Some(Received::Closing) => {
                    // What the engine has told is told, also where it is gone.
                    while let Ok(batch) = incoming.try_recv() {
                        if session.send_all(connection.frames(&batch)).await.is_err() {
                            return;
                        }
                    }
                    session.restart().await;
                    return;
                }
                None => break,
            },
            Some(batch) = incoming.recv() => {
                let sent = tokio::select! {
                    sent = session.send_all(connection.frames(&batch)) => sent,
                    () = too_slow.notified() => break,
                };
                if connection.subscriber.waiting.sent(batch.list.len()) {
                    connection.gate.tell(Request::Room);
                }
                match connection.marks.after(&batch) {
                    Some(number) if sent.is_ok() => session.mark(number).await,
                    _ => sent,
                }
            }
            number = connection.marks.due() => session.mark(number).await,
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
    gate.tell(Request::Unsubscribe {
        symbols: streams.iter().filter_map(|name| traded_symbol(name)).collect(),
        connection: subscriber.connection,
    });
}

/// One connection and what it listens to.
struct Connection {
    gate: Gate,
    subscriber: Subscriber,
    format: FrameFormat,
    streams: Vec<String>,
    /// The same, to find one of a thousand.
    known: HashSet<String>,
    marks: Marks,
}

/// Places in what was sent that the client is asked to confirm, where the market asks for that.
#[derive(Default)]
struct Marks {
    last: u64,
    /// Sent since the last mark: trades, and per symbol how far.
    unmarked: usize,
    reached: HashMap<Symbol, i64>,
    /// When to ask at the latest.
    at: Option<Instant>,
    /// Marks that are not confirmed yet, oldest first.
    open: VecDeque<(u64, Vec<(Symbol, i64)>)>,
}

impl Marks {
    /// A batch was sent; the number of the mark to send now, if any.
    fn after(&mut self, batch: &Trades) -> Option<u64> {
        self.reached.insert(batch.symbol.clone(), batch.read_as?);
        self.unmarked += batch.list.len();
        self.at.get_or_insert_with(|| Instant::now() + MARK_AFTER);
        (self.unmarked >= MARK_EVERY).then(|| self.next())
    }

    /// The number of the mark that it is time for; never without something to confirm.
    async fn due(&mut self) -> u64 {
        match self.at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
        self.next()
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.unmarked = 0;
        self.at = None;
        self.open.push_back((self.last, self.reached.drain().collect()));
        self.last
    }

    /// What is confirmed by a mark.
    fn confirmed(&mut self, number: u64) -> Vec<(Symbol, i64)> {
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
        for (symbol, place) in self.marks.confirmed(mark) {
            self.gate.tell(Request::Read {
                symbol,
                connection: self.subscriber.connection,
                place,
            });
        }
    }

    fn subscribe(&mut self, names: Vec<String>) {
        let fresh: Vec<String> = names
            .into_iter()
            .filter(|name| self.known.insert(name.clone()))
            .collect();
        // A well-formed stream of another kind, or of a symbol that is not listed, is taken and stays silent.
        let symbols: Vec<Symbol> = fresh.iter().filter_map(|name| traded_symbol(name)).collect();
        self.streams.extend(fresh);
        if !symbols.is_empty() {
            self.gate.tell(Request::Subscribe {
                symbols,
                subscriber: self.subscriber.clone(),
            });
        }
    }

    fn unsubscribe(&mut self, names: &[String]) {
        let gone: HashSet<&String> = names.iter().filter(|name| self.known.remove(*name)).collect();
        self.streams.retain(|name| !gone.contains(name));
        let symbols: Vec<Symbol> = gone.iter().filter_map(|name| traded_symbol(name)).collect();
        if !symbols.is_empty() {
            self.gate.tell(Request::Unsubscribe {
                symbols,
                connection: self.subscriber.connection,
            });
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
