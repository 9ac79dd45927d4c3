//! A WebSocket connection that hands out text and never stays silent for ever.
//!
//! Pings are answered by tungstenite with the same payload. Nothing is sent unasked: the exchange cuts a connection that
//! sends more than five messages a second, pongs included.

use crate::exchange::SocketError;
use futures_util::{SinkExt, StreamExt};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// The server pings every 20 s; a minute without a frame of any kind means that the other end is gone, whatever TCP says.
const SILENCE: Duration = Duration::from_mins(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the answer to a goodbye may take to go out.
const GOODBYE: Duration = Duration::from_secs(1);

/// Eagerly allocated for each connection; some two hundred trades.
const READ_BUFFER: usize = 32 * 1024;

/// No message of the protocol comes near it. What is longer is not read: the digits of one price could keep a thread for seconds.
const LONGEST_MESSAGE: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// When the last frame of any kind came.
    heard: Instant,
    /// Fires at the earliest moment at which silence could be too long. Moved only when it fires: a frame costs no timer.
    alarm: Pin<Box<Sleep>>,
    /// The other end has closed, and the answer goes out; the alarm is set to the end of that.
    goodbye: Option<SocketError>,
}

impl Socket {
    pub(super) async fn connect(url: &Url) -> Result<Self, SocketError> {
        install_tls_provider();
        let address = || format!("{}{}", url.origin().ascii_serialization(), url.path());
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        // Nagle off: a pong must not wait for more to send.
        let connecting = Box::pin(connect_async_with_config(url.as_str(), Some(config), true));
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok((stream, _))) => Ok(Self {
                stream,
                heard: Instant::now(),
                alarm: Box::pin(sleep(SILENCE)),
                goodbye: None,
            }),
            Ok(Err(Error::Http(response))) if response.status() == StatusCode::NOT_FOUND => {
                Err(SocketError::NotFound {
                    address: address(),
                    source: Error::Http(response).into(),
                })
            }
            Ok(Err(source)) => Err(SocketError::Connect {
                address: address(),
                source: source.into(),
            }),
            Err(_) => Err(SocketError::ConnectTimeout {
                address: address(),
                within: CONNECT_TIMEOUT,
            }),
        }
    }

    /// The next text, or the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what is not handed out is still in the socket.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, SocketError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next).
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Utf8Bytes, SocketError>> {
        loop {
            if self.goodbye.is_some() && self.stream.poll_flush_unpin(cx).is_pending() {
                ready!(self.alarm.as_mut().poll(cx));
            }
            // The answer was queued; whether it has arrived changes nothing.
            if let Some(goodbye) = self.goodbye.take() {
                return Poll::Ready(Err(goodbye));
            }
            let Poll::Ready(message) = self.stream.poll_next_unpin(cx) else {
                ready!(self.alarm.as_mut().poll(cx));
                let silence_ends = self.heard + SILENCE;
                if silence_ends <= Instant::now() {
                    return Poll::Ready(Err(SocketError::Silent(SILENCE)));
                }
                self.alarm.as_mut().reset(silence_ends);
                continue;
            };
            self.heard = Instant::now();
            return Poll::Ready(match message {
                Some(Ok(Message::Text(text))) => Ok(text),
                // The protocol has no binary frames, but says nothing against them either: read as text, junk shows.
                Some(Ok(Message::Binary(bytes))) => Ok(String::from_utf8_lossy(&bytes).as_ref().into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(frame))) => {
                    self.goodbye = Some(SocketError::Closed(frame.map(|frame| frame.to_string())));
                    self.alarm.as_mut().reset(self.heard + GOODBYE);
                    continue;
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => Err(SocketError::Closed(None)),
                Some(Err(error)) => Err(SocketError::Broken(error.into())),
            });
        }
    }

    pub(super) async fn send(&mut self, text: String) -> Result<(), SocketError> {
        self.stream
            .send(Message::text(text))
            .await
            .map_err(|error| SocketError::Broken(error.into()))
    }
}

/// Makes ring the process's TLS provider. rustls allows it once; whoever came first did the same.
pub(super) fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
