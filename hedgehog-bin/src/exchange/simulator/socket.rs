//! A WebSocket as the exchange keeps it: pings every 20 seconds, a pong with the same payload within a minute, at most five
//! messages a second from the client.

use super::refusal::Refusal;
use super::server::Closing;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// How often the server pings (web-socket-streams, "General WSS information").
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long a ping may stay unanswered.
const PONG_WITHIN: Duration = Duration::from_mins(1);
/// Messages a client may send per second, pings and pongs included.
const MESSAGES_PER_SECOND: usize = 5;
/// How long a connection may go on after its actor: what was told before is still on its way.
const GOODBYE_WITHIN: Duration = Duration::from_millis(500);

/// The server's side of one WebSocket.
pub(super) struct Session<S = TokioIo<Upgraded>> {
    socket: WebSocketStream<S>,
    closing: Closing,
    pings: Interval,
    /// Pings without a pong, oldest first, and when they were sent.
    unanswered: VecDeque<(String, Instant)>,
    /// When the client's last messages came; answers to our pings do not count.
    received: VecDeque<Instant>,
}

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Text(Utf8Bytes),
    /// Everything sent before [`Session::mark`] with this number is read.
    Mark(u64),
    /// The actor is gone: say what is left to say, then [`Session::restart`].
    Closing,
}

/// What the payload of a ping begins with that marks a place in what was sent.
const MARK: &str = "mark-";

/// Answers the handshake and runs `run` on the socket, in a task of its own that ends when the actor is gone.
pub(super) fn upgrade<F, S>(mut request: Request, closing: Closing, run: F) -> Result<Response, Refusal>
where
    F: FnOnce(Session) -> S + Send + 'static,
    S: Future<Output = ()> + Send,
{
    let accept = accept_key(request.headers()).ok_or_else(|| Refusal::malformed("Expected a WebSocket handshake."))?;
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrading.await else { return };
        let config = WebSocketConfig::default()
            .max_message_size(Some(1 << 16))
            .read_buffer_size(1 << 12);
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let mut until = closing.clone();
        let session = Session::new(socket, closing);
        // The session itself says goodbye; this ends one that is stuck in a write.
        tokio::select! {
            () = run(session) => {}
            () = async { let _ = until.changed().await; tokio::time::sleep(GOODBYE_WITHIN).await } => {}
        }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty());
    Ok(response.expect("headers that are written here are headers"))
}

/// The answer to the client's key, if it asks for a WebSocket (RFC 6455, 4.2.1).
fn accept_key(headers: &HeaderMap) -> Option<String> {
    let says = |name: HeaderName, token: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        text.split(',')
            .any(|part| part.trim().eq_ignore_ascii_case(token))
            .then_some(())
    };
    says(CONNECTION, "upgrade")?;
    says(UPGRADE, "websocket")?;
    says(SEC_WEBSOCKET_VERSION, "13")?;
    Some(derive_accept_key(headers.get(SEC_WEBSOCKET_KEY)?.as_bytes()))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(socket: WebSocketStream<S>, closing: Closing) -> Self {
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            closing,
            pings,
            unanswered: VecDeque::new(),
            received: VecDeque::new(),
        }
    }

    /// What the client sends next; `None` when the connection is over. Pings meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn receive(&mut self) -> Option<Received> {
        loop {
            tokio::select! {
                _ = self.closing.changed() => return Some(Received::Closing),
                message = self.socket.next() => {
                    let message = message?.ok()?;
                    if let Message::Pong(payload) = &message
                        && let Some(answered) = self.answered(payload)
                    {
                        match answered.strip_prefix(MARK).and_then(|number| number.parse().ok()) {
                            Some(number) => return Some(Received::Mark(number)),
                            None => continue,
                        }
                    }
                    if !self.may_receive() {
                        self.close(CloseCode::Policy, "too many messages").await;
                        return None;
                    }
                    match message {
                        Message::Text(text) => return Some(Received::Text(text)),
                        // The answer to a ping is already queued; it goes out with this.
                        Message::Ping(_) => self.socket.flush().await.ok()?,
                        Message::Close(_) => {
                            // The answer, so that the client's close is a clean one.
                            let _ = self.socket.flush().await;
                            return None;
                        }
                        // An unsolicited pong does not keep a connection alive.
                        Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
                    }
                }
                now = self.pings.tick() => {
                    if self.unanswered.front().is_some_and(|(_, sent)| now - *sent >= PONG_WITHIN) {
                        self.close(CloseCode::Policy, "ping without pong").await;
                        return None;
                    }
                    self.ping(super::server::now().to_string()).await.ok()?;
                }
            }
        }
    }

    /// Asks to be told ([`Received::Mark`]) when the client has read everything sent so far. A client that has read a ping
    /// has read what was sent before it, and answers by itself.
    pub(super) async fn mark(&mut self, number: u64) -> Result<(), Error> {
        self.ping(format!("{MARK}{number}")).await
    }

    async fn ping(&mut self, payload: String) -> Result<(), Error> {
        self.unanswered.push_back((payload.clone(), Instant::now()));
        self.socket.send(Message::Ping(payload.into_bytes().into())).await
    }

    /// The ping that a pong answers. A client that is busy may answer only the newest of several (RFC 6455, 5.5.3).
    fn answered(&mut self, payload: &[u8]) -> Option<String> {
        let index = self
            .unanswered
            .iter()
            .position(|(sent, _)| sent.as_bytes() == payload)?;
        self.unanswered.drain(..=index).next_back().map(|(sent, _)| sent)
    }

    /// Sends one text.
    pub(super) async fn send(&mut self, text: String) -> Result<(), Error> {
        self.socket.send(Message::text(text)).await
    }

    /// Sends many texts with as few writes as their size allows.
    pub(super) async fn send_all(&mut self, texts: impl Iterator<Item = String>) -> Result<(), Error> {
        for text in texts {
            self.socket.feed(Message::text(text)).await?;
        }
        self.socket.flush().await
    }

    /// Ends the connection because the exchange begins anew.
    pub(super) async fn restart(&mut self) {
        self.close(CloseCode::Restart, "the exchange restarts").await;
    }

    /// Ends the connection from this side.
    pub(super) async fn close(&mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        // The client may be gone, and does not need to answer.
        let _ = tokio::time::timeout(Duration::from_millis(100), self.socket.close(Some(frame))).await;
    }

    fn may_receive(&mut self) -> bool {
        let now = Instant::now();
        self.received.push_back(now);
        while self
            .received
            .front()
            .is_some_and(|first| now - *first >= Duration::from_secs(1))
        {
            self.received.pop_front();
        }
        self.received.len() <= MESSAGES_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::DuplexStream;
    use tokio::sync::watch;

    type Client = WebSocketStream<DuplexStream>;

    async fn pair() -> (Session<DuplexStream>, Client, watch::Sender<()>) {
        let (server, client) = tokio::io::duplex(1 << 16);
        let (open, closing) = watch::channel(());
        let server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        (
            Session::new(server, closing),
            WebSocketStream::from_raw_socket(client, Role::Client, None).await,
            open,
        )
    }

    /// Reads what the server sends until the connection ends; answers nothing by itself.
    async fn received(mut client: Client) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(Ok(message)) = client.next().await {
            messages.push(message);
        }
        messages
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_pings_stays_connected() {
        let (mut session, mut client, _open) = pair().await;
        let started = Instant::now();
        let answering = async {
            for _ in 0..10 {
                // Reading queues the pong, flushing sends it.
                assert!(matches!(client.next().await, Some(Ok(Message::Ping(_)))));
                client.flush().await.expect("connected");
            }
        };
        tokio::select! {
            text = session.receive() => panic!("the connection ended: {text:?}"),
            () = answering => {}
        }
        assert_eq!(started.elapsed(), 10 * PING_EVERY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_no_ping_is_cut_a_minute_after_the_first() {
        let (mut session, client, _open) = pair().await;
        let started = Instant::now();
        // A client that reads and never writes: its pongs stay in its queue.
        let (tcp, mut frames) = (client, Vec::new());
        let mut raw = tcp.into_inner();
        let reading = async {
            let mut buffer = [0; 1024];
            while let Ok(read @ 1..) = tokio::io::AsyncReadExt::read(&mut raw, &mut buffer).await {
                frames.extend_from_slice(&buffer[..read]);
            }
        };
        tokio::select! {
            text = session.receive() => assert!(text.is_none()),
            () = reading => {}
        }
        assert!(
            (PING_EVERY + PONG_WITHIN..=PING_EVERY * 5).contains(&started.elapsed()),
            "{:?}",
            started.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sixth_message_within_a_second_ends_the_connection() {
        let (mut session, mut client, _open) = pair().await;
        for number in 0..6 {
            client.send(Message::text(number.to_string())).await.expect("connected");
        }
        for number in 0..5 {
            assert_eq!(session.receive().await, Some(Received::Text(number.to_string().into())));
        }
        assert_eq!(session.receive().await, None);
        drop(session);
        assert!(
            matches!(received(client).await.first(), Some(Message::Close(Some(frame))) if frame.code == CloseCode::Policy)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_comes_back_when_the_client_has_read_up_to_it() {
        let (mut session, mut client, _open) = pair().await;
        for number in 0..20 {
            session.send(number.to_string()).await.expect("connected");
            session.mark(number).await.expect("connected");
        }
        let reading = async {
            while let Some(Ok(message)) = client.next().await {
                if message == Message::text("9") {
                    client.flush().await.expect("connected");
                    std::future::pending::<()>().await;
                }
            }
        };
        let told = async {
            let mut told = Vec::new();
            while told.last() != Some(&Received::Mark(8)) {
                told.extend(session.receive().await);
            }
            told
        };
        tokio::select! {
            told = told => assert!(told.len() <= 9, "{told:?}"),
            () = reading => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_actor_ends_the_connection() {
        let (mut session, client, open) = pair().await;
        drop(open);
        assert_eq!(session.receive().await, Some(Received::Closing));
        session.restart().await;
        drop(session);
        assert!(
            matches!(received(client).await.first(), Some(Message::Close(Some(frame))) if frame.code == CloseCode::Restart)
        );
    }
}
