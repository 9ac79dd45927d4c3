//! A WebSocket server on a real port that does exactly what a test tells it, connection by connection.

use crate::exchange::Endpoints;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

pub(crate) struct ScriptedServer {
    /// `None` once closed.
    listener: Option<TcpListener>,
    address: SocketAddr,
    raw_only: bool,
}

impl ScriptedServer {
    pub(crate) async fn bind() -> Self {
        Self::bind_to(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn bind_to(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        Self {
            listener: Some(listener),
            address,
            raw_only: false,
        }
    }

    /// Knows `/ws/<stream>` and no `/stream`.
    pub(crate) async fn bind_raw_only() -> Self {
        Self {
            raw_only: true,
            ..Self::bind().await
        }
    }

    /// From now on connections are refused; those that stand go on.
    pub(crate) fn close(&mut self) -> SocketAddr {
        self.listener = None;
        self.address
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        Endpoints::simulator(self.address)
    }

    /// The next client, and the path it asked for.
    pub(crate) async fn accept(&self) -> (Client, String) {
        let listener = self.listener.as_ref().expect("it is open");
        loop {
            let (tcp, _) = listener.accept().await.expect("a client");
            let mut path = String::new();
            #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
            let note_path = |request: &Request, response: Response| {
                path = request.uri().to_string();
                if self.raw_only && path.starts_with("/stream") {
                    let mut unknown = ErrorResponse::new(None);
                    *unknown.status_mut() = StatusCode::NOT_FOUND;
                    return Err(unknown);
                }
                Ok(response)
            };
            match tokio_tungstenite::accept_hdr_async(tcp, note_path).await {
                Ok(socket) => return (Client(socket), path),
                Err(_) if self.raw_only => {}
                Err(error) => panic!("a WebSocket handshake: {error}"),
            }
        }
    }
}

pub(crate) struct Client(WebSocketStream<TcpStream>);

impl Client {
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.0.send(message).await.expect("the client is there");
    }

    /// What the client sends next; `None` when it is gone.
    pub(crate) async fn receive(&mut self) -> Option<Message> {
        self.0.next().await?.ok()
    }

    /// What the client sends next, read as a request of the WebSocket API.
    pub(crate) async fn request(&mut self) -> Value {
        let message = self.receive().await.expect("the client is there");
        serde_json::from_str(message.to_text().expect("text")).expect("JSON")
    }

    /// Answers a `SUBSCRIBE` or `UNSUBSCRIBE`; its method and streams.
    pub(crate) async fn answer(&mut self) -> (String, Vec<String>) {
        let request = self.request().await;
        self.send(json!({ "result": null, "id": request["id"] }).to_string())
            .await;
        let streams = request["params"].as_array().expect("streams").iter();
        let streams = streams.map(|stream| stream.as_str().expect("a name").to_owned());
        (
            request["method"].as_str().expect("a method").to_owned(),
            streams.collect(),
        )
    }

    /// Trades of XRPUSDT with these ids.
    pub(crate) async fn send_trades(&mut self, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            self.send(trade_frame(id)).await;
        }
    }
}

/// A trade of XRPUSDT as the exchange sends it today.
pub(crate) fn trade_frame(trade_id: i64) -> String {
    trade_frame_of("XRPUSDT", trade_id)
}

pub(crate) fn trade_frame_of(symbol: &str, trade_id: i64) -> String {
    json!({
        "e": "trade", "E": 1_559_433_601_351_i64, "s": symbol, "t": trade_id, "p": "0.42856000", "q": "26.70000000",
        "T": 1_559_433_601_348_i64, "m": true, "M": true,
    })
    .to_string()
}
