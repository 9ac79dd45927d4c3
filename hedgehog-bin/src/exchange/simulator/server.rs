//! The port: accepts connections, and hands each request to REST or to one of the two kinds of WebSocket.
//!
//! Invariant: no connection outlives the incarnation of the actor that it talks to. Whoever was connected notices, and
//! connects to its successor on the same port.

use super::actor::{Reply, Request};
use super::refusal::Refusal;
use super::socket::{self, Session};
use super::wire::{self, FrameFormat, TimeUnit};
use super::{SimulatorMsg, rest, streams, ws_api};
use crate::market::{Symbol, SymbolInfo};
use axum::Router;
use axum::extract::{self, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hedgehog_core::ActorRef;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The real exchange gives up after this long (rest-api, "General API Information").
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// After a failed `accept`, which mostly means that the process has no file handles left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The time of day in milliseconds since the epoch.
pub(super) fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// What every connection of one incarnation shares. Cheap to clone.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    actor: ActorRef<SimulatorMsg>,
    symbols: BTreeMap<Symbol, Value>,
    next_connection: AtomicU64,
    weight: Mutex<Weight>,
}

/// What was asked in the current minute.
#[derive(Default)]
struct Weight {
    minute: i64,
    used: u32,
}

impl Gate {
    pub(super) fn new(actor: ActorRef<SimulatorMsg>, infos: &[SymbolInfo]) -> Self {
        let symbols = infos
            .iter()
            .map(|info| (info.symbol.clone(), wire::symbol(info)))
            .collect();
        let (next_connection, weight) = (AtomicU64::new(1), Mutex::default());
        Self(Arc::new(Inner {
            actor,
            symbols,
            next_connection,
            weight,
        }))
    }

    /// Asks the engine. When it is gone or silent the outcome is unknown, and the client is told so.
    pub(super) async fn ask<T: Send + 'static>(&self, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, Refusal> {
        let call = self.0.actor.call(|reply| SimulatorMsg(make(reply)), ANSWER_WITHIN);
        call.await.unwrap_or_else(|_| Err(Refusal::unknown_outcome()))
    }

    /// Tells the engine. When it is gone, so is this connection.
    pub(super) fn tell(&self, request: Request) {
        let _ = self.0.actor.cast(SimulatorMsg(request));
    }

    /// Every listed symbol as `exchangeInfo` tells it.
    pub(super) fn symbols(&self) -> &BTreeMap<Symbol, Value> {
        &self.0.symbols
    }

    /// A number for a connection, unique in this incarnation.
    pub(super) fn next_connection(&self) -> u64 {
        self.0.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a request's weight; returns what the current minute has used.
    pub(super) fn weigh(&self, weight: u32) -> u32 {
        let minute = now() / 60_000;
        let mut count = self.0.weight.lock();
        if count.minute != minute {
            *count = Weight { minute, used: 0 };
        }
        count.used += weight;
        count.used
    }
}

/// The part of a connection that ends it: changes when the actor is gone.
pub(super) type Closing = watch::Receiver<()>;

/// Answers connections until it is dropped or the actor is gone.
pub(super) async fn accept(listener: TcpListener, gate: Gate, closing: Closing) {
    let router = Router::new()
        .route("/ws", any(raw))
        .route("/ws/{*streams}", any(raw))
        .route("/stream", any(combined))
        .route("/ws-api/v3", any(ws_api))
        .fallback(rest::answer)
        .with_state((gate, closing.clone()));
    // Dropped with this task, and every HTTP connection with it; WebSockets watch `closing`.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((connection, _)) => {
                    connections.spawn(serve(connection, router.clone(), closing.clone()));
                }
                Err(error) => {
                    tracing::warn!("the simulator cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(connection: TcpStream, router: Router, mut closing: Closing) {
    // Frames are small and must not wait for each other; the option only fails on a broken connection.
    let _ = connection.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    tokio::select! {
        ended = serving => if let Err(error) = ended {
            tracing::debug!("a connection to the simulator broke: {error}");
        },
        _ = closing.changed() => {}
    }
}

type Shared = State<(Gate, Closing)>;

async fn raw(State((gate, closing)): Shared, uri: Uri, request: extract::Request) -> Response {
    let streams = uri
        .path()
        .strip_prefix("/ws")
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned();
    market_streams(gate, closing, request, &streams, false)
}

async fn combined(State((gate, closing)): Shared, uri: Uri, request: extract::Request) -> Response {
    let query = uri.query().unwrap_or_default();
    let streams = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "streams");
    let streams = streams.map(|(_, streams)| streams.into_owned()).unwrap_or_default();
    market_streams(gate, closing, request, &streams, true)
}

fn market_streams(gate: Gate, closing: Closing, request: extract::Request, streams: &str, combined: bool) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let microseconds = url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "timeUnit" && value.eq_ignore_ascii_case("microsecond"));
    let time_unit = if microseconds {
        TimeUnit::Microseconds
    } else {
        TimeUnit::Milliseconds
    };
    let format = FrameFormat { combined, time_unit };
    let names = decoded_path(streams)
        .split('/')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    upgrade(request, closing, move |session| {
        streams::run(session, gate, names, format)
    })
}

/// Stream names in a path are percent-encoded where their symbol is not ASCII.
fn decoded_path(path: &str) -> String {
    // `+` is a plus in a path and a blank in a form; no stream name has either.
    url::form_urlencoded::parse(path.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

async fn ws_api(State((gate, closing)): Shared, request: extract::Request) -> Response {
    gate.weigh(2);
    upgrade(request, closing, move |session| ws_api::run(session, gate))
}

fn upgrade<F, S>(request: extract::Request, closing: Closing, run: F) -> Response
where
    F: FnOnce(Session) -> S + Send + 'static,
    S: Future<Output = ()> + Send,
{
    socket::upgrade(request, closing, run).unwrap_or_else(|refusal| rest::refused(&refusal).into_response())
}
