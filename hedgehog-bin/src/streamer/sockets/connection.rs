//! One connection, from its handshake to its end.
//!
//! Invariant: between reading a frame and broadcasting its trade there is no `.await`, so a kill at any moment loses no trade that was
//! read.

use super::serving::{Source, label};
use super::{Sockets, Wish};
use crate::exchange::{Frame, Heard, SocketError, TradeSocket};
use crate::market::Symbol;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// After a hand-over the old connection counts as read out when it is quiet for this long, or after `HAND_OVER` anyhow.
const QUIET: Duration = Duration::from_millis(250);
const HAND_OVER: Duration = Duration::from_secs(2);

/// The exchange cuts a connection that sends more than five messages a second, pongs included.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(300);

/// A stream's process that was killed is back within this time, and finds its stream as it was.
const LINGER: Duration = Duration::from_secs(1);

/// How long a request may stay unanswered.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// When a refused stream is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Why a connection is over.
pub(super) enum Ended {
    /// Nobody wants anything of it.
    Unwanted,
    Failed(SocketError),
}

pub(super) struct Connection<'a> {
    sockets: &'a Sockets,
    source: &'a Source,
    socket: Box<dyn TradeSocket>,
    carried: Carried,
}

/// What the connection carries, and what is being changed about it.
struct Carried {
    streams: HashMap<Symbol, Stream>,
    /// Requests without an answer, and which streams they were for.
    unanswered: HashMap<u64, (Instant, Vec<Symbol>)>,
    refused: HashMap<Symbol, Instant>,
    /// When the next request may be sent.
    send_at: Instant,
    /// When there is something to do without anything having come.
    wake_at: Option<Instant>,
}

struct Stream {
    wish: Arc<Wish>,
    /// Whether its trades are known to come.
    stands: bool,
    /// Since when nobody wants it.
    left: Option<Instant>,
}

impl<'a> Connection<'a> {
    /// The handshake was the answer for all streams that the address named.
    pub(super) fn new(sockets: &'a Sockets, source: &'a Source, socket: Box<dyn TradeSocket>) -> Self {
        let carried = Carried {
            streams: HashMap::new(),
            unanswered: HashMap::new(),
            refused: HashMap::new(),
            send_at: Instant::now(),
            wake_at: None,
        };
        let mut connection = Self {
            sockets,
            source,
            socket,
            carried,
        };
        connection.carried.stand(source, &*connection.socket);
        connection
    }

    /// Reads until there is no more to read.
    pub(super) async fn read(mut self) -> Ended {
        loop {
            if let Err(ended) = self.change().await {
                return ended;
            }
            match self.read_until_changed().await {
                Ok(()) => {}
                Err(failed) => return Ended::Failed(failed),
            }
        }
    }

    async fn read_until_changed(&mut self) -> Result<(), SocketError> {
        let source = self.source;
        let changed = source.changed();
        let wake_at = self.carried.wake_at;
        let wake = async {
            match wake_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(changed, wake);
        loop {
            tokio::select! {
                // Changes first: a socket that is always full would hold them up.
                biased;
                () = &mut changed => return Ok(()),
                () = &mut wake => return Ok(()),
                heard = self.socket.next() => match heard? {
                    Heard::Frame(_, Frame::ServerShutdown) => {
                        self.hand_over().await?;
                        return Ok(());
                    }
                    heard => if self.carried.take(heard) { return Ok(()) },
                },
            }
            // A full socket would keep this thread for as long as it stays full.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Brings what is carried in line with what is wanted.
    async fn change(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        let linger = match self.source {
            Source::Lane(_) => LINGER,
            Source::One(_) => Duration::ZERO,
        };
        let (new, gone) = self.carried.compare(&self.source.wishes(), now, linger)?;
        if now >= self.carried.send_at {
            if !new.is_empty() {
                let symbols: Vec<_> = new.iter().map(|wish| wish.symbol().clone()).collect();
                let id = self.socket.subscribe(&symbols).await.map_err(Ended::Failed)?;
                self.carried.asked_for(id, new, symbols);
            } else if !gone.is_empty() {
                self.socket.unsubscribe(&gone).await.map_err(Ended::Failed)?;
                for symbol in &gone {
                    self.carried.streams.remove(symbol);
                }
                self.carried.send_at = Instant::now() + BETWEEN_REQUESTS;
            }
        }
        self.carried.set_alarm(self.source, linger);
        Ok(())
    }

    /// The server is about to go: opens the new connection first, then reads the old one out. What both of them deliver is told
    /// apart by its id.
    async fn hand_over(&mut self) -> Result<(), SocketError> {
        let streams = label(self.carried.streams.keys());
        tracing::info!("{streams}: the server announces a restart; moving to a new connection");
        let connecting = self.sockets.connect(self.source);
        tokio::pin!(connecting);
        let new = loop {
            tokio::select! {
                biased;
                new = &mut connecting => match new {
                    Ok(new) => break new,
                    // As long as the old connection delivers, it is better than none.
                    Err(failed) => {
                        tracing::warn!("{streams}: {failed}; staying for as long as it lasts");
                        return Ok(());
                    }
                },
                heard = self.socket.next() => match heard {
                    Ok(heard) => { self.carried.take(heard); }
                    Err(_) => break connecting.await?,
                },
            }
        };
        let mut old = std::mem::replace(&mut self.socket, new);
        let deadline = Instant::now() + HAND_OVER;
        let left_over = async {
            while let Ok(Ok(heard)) = timeout(QUIET, old.next()).await {
                self.carried.take(heard);
            }
        };
        // Out of time: what is left in the old connection comes on the new one too, or shows as a gap.
        let _ = timeout_at(deadline, left_over).await;
        self.carried.unanswered.clear();
        self.carried.streams.clear();
        self.carried.stand(self.source, &*self.socket);
        Ok(())
    }
}

impl Carried {
    /// The streams that the connection's address named stand.
    fn stand(&mut self, source: &Source, socket: &dyn TradeSocket) {
        let mut standing = Vec::new();
        let mut again = "";
        for wish in source.wishes().into_iter().filter(|wish| socket.carries(wish.symbol())) {
            if wish.ledger.connected() {
                again = " again";
            }
            standing.push(wish.symbol().clone());
            let stream = Stream {
                wish,
                stands: true,
                left: None,
            };
            self.streams.insert(stream.wish.symbol().clone(), stream);
        }
        if !standing.is_empty() {
            tracing::info!("{} connected{again}", label(standing.iter()));
        }
    }

    /// What is to be asked for, and what is to be given up.
    fn compare(
        &mut self,
        wishes: &[Arc<Wish>],
        now: Instant,
        linger: Duration,
    ) -> Result<(Vec<Arc<Wish>>, Vec<Symbol>), Ended> {
        self.refused.retain(|_, until| *until > now);
        if self.unanswered.values().any(|(sent, _)| now >= *sent + ANSWER_WITHIN) {
            return Err(Ended::Failed(SocketError::Unanswered));
        }
        for stream in self.streams.values_mut().filter(|stream| !stream.wish.lasts()) {
            stream.left.get_or_insert(now);
        }
        let mut new = Vec::new();
        for wish in wishes {
            match self.streams.get_mut(wish.symbol()) {
                // A new process of a stream that never ended.
                Some(stream) if !Arc::ptr_eq(&stream.wish, wish) => {
                    (stream.wish, stream.left) = (Arc::clone(wish), None);
                    if stream.stands {
                        wish.ledger.connected();
                    }
                }
                Some(_) => {}
                None if self.refused.contains_key(wish.symbol()) => {}
                None => new.push(Arc::clone(wish)),
            }
        }
        let is_over = |stream: &Stream| stream.left.is_some_and(|left| now >= left + linger);
        if wishes.is_empty() && self.streams.values().all(is_over) {
            return Err(Ended::Unwanted);
        }
        let gone = self.streams.iter().filter(|(_, stream)| is_over(stream));
        let gone = gone.map(|(symbol, _)| symbol.clone()).collect();
        Ok((new, gone))
    }

    fn asked_for(&mut self, id: u64, new: Vec<Arc<Wish>>, symbols: Vec<Symbol>) {
        let now = Instant::now();
        for wish in new {
            let stream = Stream {
                wish,
                stands: false,
                left: None,
            };
            self.streams.insert(stream.wish.symbol().clone(), stream);
        }
        self.unanswered.insert(id, (now, symbols));
        self.send_at = now + BETWEEN_REQUESTS;
    }

    fn set_alarm(&mut self, source: &Source, linger: Duration) {
        let wishes = source.wishes();
        let unasked = |wish: &&Arc<Wish>| !self.streams.contains_key(wish.symbol());
        let unasked = wishes.iter().filter(unasked);
        let asking = unasked.map(|wish| {
            self.refused
                .get(wish.symbol())
                .map_or(self.send_at, |at| self.send_at.max(*at))
        });
        let leaving = self.streams.values().filter_map(|stream| stream.left);
        let leaving = leaving.map(|left| self.send_at.max(left + linger));
        let answering = self.unanswered.values().map(|(sent, _)| *sent + ANSWER_WITHIN);
        self.wake_at = asking.chain(leaving).chain(answering).min();
    }

    /// What was heard. Returns whether there is something to change now.
    fn take(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Frame(Some(symbol), frame) => self.frame(&symbol, frame),
            Heard::Frame(None, Frame::Trade(trade)) => {
                let symbol = trade.symbol.clone();
                self.frame(&symbol, Frame::Trade(trade));
            }
            Heard::Frame(None, Frame::OtherTrade { symbol, trade_id }) => {
                self.frame(&symbol.clone(), Frame::OtherTrade { symbol, trade_id });
            }
            // Nobody's: the first stream counts it.
            Heard::Frame(None, frame) => {
                if let Some(symbol) = self.streams.keys().min().cloned() {
                    self.frame(&symbol, frame);
                }
            }
            Heard::Answer { id, refusal } => {
                self.answered(id, refusal.as_deref());
                return true;
            }
        }
        false
    }

    fn frame(&mut self, symbol: &Symbol, frame: Frame) {
        // A process that was killed, or stops with the program, loses nothing that was read: only what was switched off is passed over.
        let wanted = |stream: &&mut Stream| stream.wish.lasts() || !stream.wish.ledger.is_off();
        let Some(stream) = self.streams.get_mut(symbol).filter(wanted) else {
            return;
        };
        let ledger = &stream.wish.ledger;
        match frame {
            Frame::Trade(trade) if trade.symbol == *symbol => {
                if !stream.stands {
                    stream.stands = true;
                    ledger.connected();
                }
                ledger.take(trade);
            }
            Frame::Trade(trade) => pass_over(&stream.wish, &format!("a trade of {}", trade.symbol)),
            Frame::OtherTrade {
                symbol: other,
                trade_id,
            } => {
                if other == *symbol {
                    ledger.use_up(trade_id);
                }
                pass_over(
                    &stream.wish,
                    &format!("trade {trade_id} of {other} is none of the market"),
                );
            }
            Frame::Unknown(what) => pass_over(&stream.wish, &what),
            Frame::Control | Frame::ServerShutdown => tracing::debug!("{symbol}: {frame:?}"),
            Frame::Malformed(why) => match ledger.malformed_frame() {
                1 => tracing::warn!("{symbol}: a frame could not be read (later ones are only counted): {why}"),
                count => tracing::debug!("{symbol}: a frame could not be read ({count} so far): {why}"),
            },
        }
    }

    fn answered(&mut self, id: u64, refusal: Option<&str>) {
        let Some((_, symbols)) = self.unanswered.remove(&id) else {
            return;
        };
        if let Some(why) = refusal {
            tracing::warn!("{}: the exchange refuses the stream: {why}", label(symbols.iter()));
        }
        let mut standing = Vec::new();
        for symbol in symbols {
            let Some(stream) = self.streams.get_mut(&symbol) else {
                continue;
            };
            if let Some(why) = refusal {
                stream
                    .wish
                    .ledger
                    .disconnected(format!("the exchange refuses the stream: {why}"));
                self.streams.remove(&symbol);
                self.refused.insert(symbol, Instant::now() + ASK_AGAIN);
            } else if !std::mem::replace(&mut stream.stands, true) {
                stream.wish.ledger.connected();
                standing.push(symbol);
            }
        }
        if !standing.is_empty() {
            tracing::info!("{} connected", label(standing.iter()));
        }
    }
}

fn pass_over(wish: &Wish, what: &str) {
    let count = wish.ledger.unknown_frame();
    tracing::debug!("{}: not a trade, passed over ({count} so far): {what}", wish.symbol());
}
