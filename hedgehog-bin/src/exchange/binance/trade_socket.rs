//! A connection that carries the trade streams of one symbol (`/ws/<stream>`) or of many (`/stream?streams=…`).
//!
//! Streams are named in the address at first; a combined connection takes further ones by `SUBSCRIBE`.

use super::socket::Socket;
use super::streams::{decode, decode_for};
use crate::exchange::{Endpoints, Frame, Heard, SocketError, TradeSocket};
use crate::market::Symbol;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// A message of some kilobytes that does not go out within this time meets a broken connection.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// A connection to trade streams. It answers pings by itself.
#[derive(Debug)]
pub(super) struct StreamSocket {
    socket: Socket,
    carries: Carries,
    requests: u64,
}

#[derive(Debug)]
enum Carries {
    One(Symbol),
    /// By the streams' names, as each frame repeats them.
    Many(HashMap<String, Symbol>),
}

impl StreamSocket {
    /// Opens `/ws/<symbol>@trade`; the address names the stream, and nothing needs to be sent. Gives up after 10 s.
    pub(super) async fn connect(endpoints: &Endpoints, symbol: Symbol) -> Result<Self, SocketError> {
        let socket = Socket::connect(&endpoints.trade_stream_url(&symbol)).await?;
        Ok(Self::new(socket, Carries::One(symbol)))
    }

    /// Opens `/stream?streams=a@trade/b@trade`. Gives up after 10 s.
    ///
    /// # Errors
    /// [`SocketError::NotFound`] where the exchange knows raw streams only.
    pub(super) async fn combined(endpoints: &Endpoints, symbols: &[Symbol]) -> Result<Self, SocketError> {
        let named = |symbol: &Symbol| (stream_name(symbol), symbol.clone());
        let socket = Socket::connect(&combined_url(&endpoints.streams, symbols)).await?;
        Ok(Self::new(socket, Carries::Many(symbols.iter().map(named).collect())))
    }

    fn new(socket: Socket, carries: Carries) -> Self {
        Self {
            socket,
            carries,
            requests: 0,
        }
    }

    async fn request(&mut self, method: &str, symbols: &[Symbol]) -> Result<u64, SocketError> {
        self.requests += 1;
        let id = self.requests;
        let params: Vec<String> = symbols.iter().map(stream_name).collect();
        let text = json!({ "method": method, "params": params, "id": id }).to_string();
        match timeout(SEND_WITHIN, self.socket.send(text)).await {
            Ok(sent) => sent.map(|()| id),
            Err(_) => Err(SocketError::Unanswered),
        }
    }
}

impl TradeSocket for StreamSocket {
    fn carries(&self, symbol: &Symbol) -> bool {
        match &self.carries {
            Carries::One(one) => one == symbol,
            Carries::Many(streams) => streams.contains_key(&stream_name(symbol)),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, SocketError>> {
        let text = ready!(self.socket.poll_next(cx))?;
        Poll::Ready(Ok(match &self.carries {
            Carries::One(symbol) => Heard::Frame(Some(symbol.clone()), decode_for(&text, Some(symbol))),
            Carries::Many(streams) => match named_stream(&text).and_then(|name| streams.get(name)) {
                Some(symbol) => Heard::Frame(Some(symbol.clone()), decode_for(&text, Some(symbol))),
                None => unnamed(&text),
            },
        }))
    }

    /// The exchange allows five messages a second.
    fn subscribe<'a>(&'a mut self, symbols: &'a [Symbol]) -> BoxFuture<'a, Result<u64, SocketError>> {
        if let Carries::Many(streams) = &mut self.carries {
            streams.extend(symbols.iter().map(|symbol| (stream_name(symbol), symbol.clone())));
        }
        self.request("SUBSCRIBE", symbols).boxed()
    }

    fn unsubscribe<'a>(&'a mut self, symbols: &'a [Symbol]) -> BoxFuture<'a, Result<u64, SocketError>> {
        if let Carries::Many(streams) = &mut self.carries {
            for symbol in symbols {
                streams.remove(&stream_name(symbol));
            }
        }
        self.request("UNSUBSCRIBE", symbols).boxed()
    }
}

fn stream_name(symbol: &Symbol) -> String {
    format!("{}@trade", symbol.to_lowercase())
}

fn combined_url(base: &Url, symbols: &[Symbol]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/stream", base.path().trim_end_matches('/')));
    let names: Vec<String> = symbols.iter().map(stream_name).collect();
    url.set_query(Some(&format!("streams={}", names.join("/"))));
    url
}

/// The stream that a combined frame says it is of; the exchange writes it first.
fn named_stream(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(r#"{"stream":""#)?;
    rest.split_once('"').map(|(name, _)| name)
}

/// An answer, an announcement, or a frame of a stream that was given up.
fn unnamed(text: &str) -> Heard {
    match decode(text) {
        Frame::Control => {
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let refusal = value.get("error").or_else(|| value.get("msg"));
            match value.get("id").and_then(Value::as_u64) {
                Some(id) => Heard::Answer {
                    id,
                    refusal: refusal.map(|refusal| refusal.to_string().chars().take(200).collect()),
                },
                None => Heard::Frame(None, Frame::Control),
            }
        }
        frame => Heard::Frame(None, frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::binance::scripted_server::{ScriptedServer, trade_frame};

    fn symbol(name: &str) -> Symbol {
        name.parse().expect(name)
    }

    #[test]
    fn the_address_names_every_stream_below_the_base() {
        let symbols = [symbol("BTCUSDT"), symbol("币安USDT")];
        let url = |base: &str| combined_url(&Url::parse(base).expect(base), &symbols).to_string();
        let query = "streams=btcusdt@trade/%E5%B8%81%E5%AE%89usdt@trade";
        assert_eq!(
            url("wss://stream.binance.com:9443"),
            format!("wss://stream.binance.com:9443/stream?{query}")
        );
        assert_eq!(
            url("ws://127.0.0.1:80/venue/"),
            format!("ws://127.0.0.1/venue/stream?{query}")
        );
    }

    #[tokio::test]
    async fn a_combined_connection_tells_whose_frames_are_whose_and_which_request_is_answered() {
        let server = ScriptedServer::bind().await;
        let (endpoints, symbols) = (server.endpoints(), [symbol("XRPUSDT")]);
        let ((mut client, path), socket) = tokio::join!(server.accept(), StreamSocket::combined(&endpoints, &symbols));
        let mut socket: Box<dyn TradeSocket> = Box::new(socket.expect("a connection"));
        assert_eq!(path, "/stream?streams=xrpusdt@trade");
        client
            .send(format!(r#"{{"stream":"xrpusdt@trade","data":{}}}"#, trade_frame(7)))
            .await;
        match socket.next().await.expect("a frame") {
            Heard::Frame(Some(of), Frame::Trade(trade)) => assert_eq!((of, trade.trade_id), (symbol("XRPUSDT"), 7)),
            other => panic!("{other:?}"),
        }
        let id = socket.subscribe(&[symbol("BTCUSDT")]).await.expect("sent");
        let request = client.request().await;
        assert_eq!(
            (&request["method"], &request["params"][0]),
            (&json!("SUBSCRIBE"), &json!("btcusdt@trade"))
        );
        client
            .send(json!({ "result": null, "id": request["id"] }).to_string())
            .await;
        client.send(r#"{"error":{"code":2,"msg":"no"},"id":9}"#).await;
        assert_eq!(
            socket.next().await.expect("an answer"),
            Heard::Answer { id, refusal: None }
        );
        let refused = socket.next().await.expect("an answer");
        assert!(
            matches!(
                refused,
                Heard::Answer {
                    id: 9,
                    refusal: Some(_)
                }
            ),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn a_message_beyond_all_measure_ends_the_connection_unread() {
        let server = ScriptedServer::bind().await;
        let endpoints = server.endpoints();
        let connecting = StreamSocket::connect(&endpoints, symbol("BTCUSDT"));
        let ((mut client, _), socket) = tokio::join!(server.accept(), connecting);
        let mut socket: Box<dyn TradeSocket> = Box::new(socket.expect("a connection"));
        let sending = client.send(trade_frame(1).replace("0.42856000", &"1".repeat(2 << 20)));
        let ((), heard) = tokio::join!(sending, socket.next());
        assert!(matches!(heard, Err(SocketError::Broken(_))), "{heard:?}");
    }
}
