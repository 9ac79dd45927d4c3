//! A WebSocket connection that hands out text and never stays silent for ever.
//!
//! Pings are answered by tungstenite with the same payload. Nothing is sent unasked: the exchange cuts a connection that
//! sends more than five messages a second, pongs included.

use futures_util::{SinkExt, StreamExt};
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// The server pings every 20 s; a minute without a frame of any kind means that the other end is gone, whatever TCP says.
pub(super) const SILENCE: Duration = Duration::from_mins(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Eagerly allocated for each connection; some two hundred trades.
const READ_BUFFER: usize = 32 * 1024;

/// No message of the protocol comes near it. What is longer is not read: the digits of one price could keep a thread for seconds.
const LONGEST_MESSAGE: usize = 1024 * 1024;

/// Why a socket is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// There is no connection.
    #[error("no connection to {address}: {source}")]
    Connect {
        /// Without parameters.
        address: String,
        /// What the network, TLS or the handshake said.
        source: Box<Error>,
    },
    /// There is no connection yet, and it took too long.
    #[error("no connection to {address} within {}s", CONNECT_TIMEOUT.as_secs())]
    ConnectTimeout {
        /// Without parameters.
        address: String,
    },
    /// The other end said goodbye.
    #[error("closed by the exchange{}", .0.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    Closed(Option<String>),
    /// It broke.
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<Error>),
    /// Nothing came for a minute, not even a ping.
    #[error("no frame for {}s", SILENCE.as_secs())]
    Silent,
    /// A request was not answered, or could not even be sent.
    #[error("no answer to a request within 10s")]
    Unanswered,
}

impl SocketError {
    /// Whether the exchange knows no such path.
    pub fn is_not_found(&self) -> bool {
        let Self::Connect { source, .. } = self else {
            return false;
        };
        matches!(&**source, Error::Http(response) if response.status() == StatusCode::NOT_FOUND)
    }
}

#[derive(Debug)]
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// When the last frame of any kind came.
    heard: Instant,
    /// Fires at the earliest moment at which silence could be too long. Moved only when it fires: a frame costs no timer.
    alarm: Pin<Box<Sleep>>,
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
            }),
            Ok(Err(source)) => Err(SocketError::Connect {
                address: address(),
                source: Box::new(source),
            }),
            Err(_) => Err(SocketError::ConnectTimeout { address: address() }),
        }
    }

    /// The next text, or the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what is not handed out is still in the socket.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, SocketError> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.stream.next() => message,
                () = &mut self.alarm => {
                    let silence_ends = self.heard + SILENCE;
                    if silence_ends <= Instant::now() {
                        return Err(SocketError::Silent);
                    }
                    self.alarm.as_mut().reset(silence_ends);
                    continue;
                }
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text),
                // The protocol has no binary frames, but says nothing against them either: read as text, junk shows.
                Some(Ok(Message::Binary(bytes))) => return Ok(String::from_utf8_lossy(&bytes).as_ref().into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    // The answer is queued; whether it arrives changes nothing.
                    let _ = timeout(Duration::from_secs(1), self.stream.flush()).await;
                    return Err(SocketError::Closed(frame.map(|frame| frame.to_string())));
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    return Err(SocketError::Closed(None));
                }
                Some(Err(error)) => return Err(SocketError::Broken(Box::new(error))),
            }
        }
    }

    pub(super) async fn send(&mut self, text: String) -> Result<(), SocketError> {
        self.stream
            .send(Message::text(text))
            .await
            .map_err(|error| SocketError::Broken(Box::new(error)))
    }
}

/// Makes ring the process's TLS provider. rustls allows it once; whoever came first did the same.
pub(super) fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
