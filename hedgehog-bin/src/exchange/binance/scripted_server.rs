//! A WebSocket server on a real port that does exactly what a test tells it, connection by connection.

use crate::exchange::Endpoints;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

pub(crate) struct ScriptedServer {
    /// `None` once closed.
    listener: Option<TcpListener>,
    address: SocketAddr,
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
        let (tcp, _) = self
            .listener
            .as_ref()
            .expect("it is open")
            .accept()
            .await
            .expect("a client");
        let mut path = String::new();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let note_path = |request: &Request, response: Response| {
            path = request.uri().to_string();
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(tcp, note_path)
            .await
            .expect("a WebSocket handshake");
        (Client(socket), path)
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

    /// Trades of XRPUSDT with these ids.
    pub(crate) async fn send_trades(&mut self, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            self.send(trade_frame(id)).await;
        }
    }
}

/// A trade of XRPUSDT as the exchange sends it today.
pub(crate) fn trade_frame(trade_id: i64) -> String {
    json!({
        "e": "trade", "E": 1_559_433_601_351_i64, "s": "XRPUSDT", "t": trade_id, "p": "0.42856000", "q": "26.70000000",
        "T": 1_559_433_601_348_i64, "m": true, "M": true,
    })
    .to_string()
}
