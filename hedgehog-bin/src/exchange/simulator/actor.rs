//! The simulator's process: owns the engine, the market clock and every subscription, and handles one request at a time.
//!
//! Talked to by the connections of `server`, and by itself when a trade is due. Because it is one process, an order is
//! placed either before a trade or after it, never during. A database that refuses a change ends the process without
//! telling anybody of the change: its successor reads back what is true.

use super::account::Balance;
use super::engine::{Engine, Placement};
use super::ledger::{Changes, Ledger, Saved, SavedMarket};
use super::market::{Due, Market, MarketTrade};
use super::refusal::Refusal;
use super::wire::{self, Execution};
use super::{MarketSource, Progress, Shared, SimulatorMsg, server};
use crate::exchange::OrderKey;
use crate::market::{Order, Symbol, SymbolInfo};
use crate::store::StoreError;
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, ExitReason, RpcReplyPort, ractor};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// So many trades of one symbol are played before other requests have their turn.
const BATCH: usize = 256;

/// How often positions are written when nothing else writes them: what a crash plays again.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Timers do not get finer than this.
const TICK: Duration = Duration::from_millis(1);

/// An answer to a request.
pub(super) type Reply<T> = RpcReplyPort<Result<T, Refusal>>;

/// What the process is asked to do.
pub(super) enum Request {
    /// Trades are due, or may be: the market opened, a subscriber came or has room again.
    Play,
    /// Write the positions.
    Save,
    Place(Placement, Reply<Order>),
    Cancel {
        symbol: Symbol,
        key: OrderKey,
        cancel_id: String,
        reply: Reply<Order>,
    },
    Order {
        symbol: Symbol,
        key: OrderKey,
        reply: Reply<Order>,
    },
    OpenOrders {
        symbol: Option<Symbol>,
        reply: Reply<Vec<Order>>,
    },
    Balances(Reply<Vec<(String, Balance)>>),
    History {
        symbol: Symbol,
        from_id: Option<i64>,
        limit: usize,
        reply: Reply<Vec<MarketTrade>>,
    },
    Subscribe {
        symbol: Symbol,
        subscriber: Subscriber,
    },
    Unsubscribe {
        symbol: Symbol,
        connection: u64,
    },
    /// The client has read everything up to here; said where the market waits for it.
    Read {
        symbol: Symbol,
        connection: u64,
        played_to: usize,
    },
    /// Events of the account, from now on.
    SubscribeAccount {
        events: mpsc::UnboundedSender<Arc<str>>,
        reply: Reply<()>,
    },
}

/// A connection that wants the trades of a symbol.
#[derive(Clone)]
pub(super) struct Subscriber {
    pub(super) connection: u64,
    pub(super) trades: mpsc::Sender<Trades>,
    /// Rung when the market does not wait and the connection has fallen behind.
    pub(super) too_slow: Arc<Notify>,
}

/// Some trades of one symbol, in order.
#[derive(Clone)]
pub(super) struct Trades {
    pub(super) symbol: Symbol,
    pub(super) list: Arc<[MarketTrade]>,
    /// What to say in [`Request::Read`] when they are read; `None` where nobody waits for that.
    pub(super) read_as: Option<usize>,
}

/// A subscriber and what it has read.
struct Listener {
    subscriber: Subscriber,
    read: usize,
}

/// The simulator's behaviour; everything it knows is in [`State`].
pub(super) struct SimulatorActor;

pub(super) struct State {
    shared: Arc<Shared>,
    myself: ActorRef<SimulatorMsg>,
    engine: Engine,
    market: Market,
    ledger: Ledger,
    listeners: HashMap<Symbol, Vec<Listener>>,
    account_events: Vec<mpsc::UnboundedSender<Arc<str>>>,
    /// Grows with every execution, and begins above those of every former incarnation.
    last_execution_id: i64,
    /// Positions that are not in the database yet.
    unsaved: bool,
    wake: Wake,
    published: Published,
    /// The accept loop and the timer of [`Request::Save`]: they end with the state.
    tasks: JoinSet<()>,
    /// Dropped with the state: every connection sees it and ends.
    _connections: watch::Sender<()>,
}

/// How the process will next look at the market.
enum Wake {
    /// When a request says so.
    OnRequest,
    /// A [`Request::Play`] is in the mailbox.
    Queued,
    /// A timer will send one.
    At { _timer: JoinSet<()> },
}

/// When the progress was last told.
struct Published {
    at: Option<Instant>,
    finished: bool,
}

impl Actor for SimulatorActor {
    type Msg = SimulatorMsg;
    type State = State;
    type Arguments = Arc<Shared>;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<SimulatorMsg>,
        shared: Arc<Shared>,
    ) -> Result<State, ActorProcessingErr> {
        let myself = ActorRef::current(&myself).ok_or("the simulator runs under a hedgehog supervisor")?;
        let ledger = Ledger::new(shared.config.database.clone());
        let (market, infos) = Market::new(&shared.config.market);
        let engine = Engine::new(shared.config.rule, infos);
        let listener = tokio::net::TcpListener::from_std(shared.listener.try_clone()?)?;
        let (connections, closing) = watch::channel(());
        let mut state = State {
            shared,
            myself: myself.clone(),
            engine,
            market,
            listeners: HashMap::new(),
            account_events: Vec::new(),
            last_execution_id: server::now() * 1_000,
            unsaved: false,
            wake: Wake::OnRequest,
            published: Published {
                at: None,
                finished: false,
            },
            _connections: connections,
            tasks: JoinSet::new(),
            ledger,
        };
        let saved = state.ledger.load().await?;
        state.restore(saved);
        // What a fresh account was funded with.
        state.commit(Vec::new()).await?;
        let infos: Vec<SymbolInfo> = state.engine.infos().cloned().collect();
        state.tasks.spawn(server::accept(
            listener,
            server::Gate::new(myself.clone(), &infos),
            closing,
        ));
        state.tasks.spawn(save_every_second(myself));

        state.publish_progress(Instant::now());
        state.wake_now();
        Ok(state)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<SimulatorMsg>,
        SimulatorMsg(request): SimulatorMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.handle(request).await.map_err(|error| {
            tracing::error!("the simulator cannot write its database: {error}");
            ExitReason::Error(Arc::new(error)).into()
        })
    }

    async fn post_stop(&self, _: ractor::ActorRef<SimulatorMsg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.save().await?;
        state.publish_progress(Instant::now());
        Ok(())
    }
}

async fn save_every_second(actor: ActorRef<SimulatorMsg>) {
    let mut seconds = tokio::time::interval(SAVE_EVERY);
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while actor.cast(SimulatorMsg(Request::Save)).is_ok() {
        seconds.tick().await;
    }
}

impl State {
    fn restore(&mut self, saved: Saved) {
        for (asset, balance) in saved.balances {
            self.engine.restore_balance(asset, balance);
        }
        for market in saved.markets {
            self.market.resume(&market.symbol, market.position);
            self.engine.restore_last_order_id(&market.symbol, market.last_order_id);
        }
        for order in saved.open_orders {
            let (symbol, id) = (order.symbol.clone(), order.order_id);
            if !self.engine.restore_order(order) {
                tracing::warn!("order {id} of {symbol} stays in the database: this market does not list its symbol");
            }
        }
    }

    /// Answers one request. An error means that the database and the engine may differ: nobody was told, and the process
    /// must end.
    async fn handle(&mut self, request: Request) -> Result<(), StoreError> {
        match request {
            Request::Play => self.play().await?,
            Request::Save => self.save().await?,
            Request::Place(placement, reply) => self.place(placement, reply).await?,
            Request::Cancel {
                symbol,
                key,
                cancel_id,
                reply,
            } => self.cancel(&symbol, &key, &cancel_id, reply).await?,
            Request::Order { symbol, key, reply } => {
                let order = self.order(&symbol, &key).await?;
                answer(reply, order);
            }
            Request::OpenOrders { symbol, reply } => answer(
                reply,
                match symbol {
                    Some(symbol) if self.engine.info(&symbol).is_none() => Err(Refusal::unknown_symbol()),
                    symbol => Ok(self.engine.open_orders(symbol.as_ref())),
                },
            ),
            Request::Balances(reply) => {
                let balances = self.engine.account().balances();
                answer(
                    reply,
                    Ok(balances.map(|(asset, balance)| (asset.to_owned(), balance)).collect()),
                );
            }
            Request::History {
                symbol,
                from_id,
                limit,
                reply,
            } => answer(
                reply,
                match self.engine.info(&symbol) {
                    Some(_) => Ok(self.market.history(&symbol, from_id, limit)),
                    None => Err(Refusal::unknown_symbol()),
                },
            ),
            Request::Subscribe { symbol, subscriber } => {
                let read = self.market.played_to(&symbol);
                self.listeners
                    .entry(symbol)
                    .or_default()
                    .push(Listener { subscriber, read });
                self.wake_now();
            }
            Request::Unsubscribe { symbol, connection } => {
                self.retain_listeners(&symbol, |listener| listener.subscriber.connection != connection);
            }
            Request::Read {
                symbol,
                connection,
                played_to,
            } => {
                self.retain_listeners(&symbol, |listener| {
                    if listener.subscriber.connection == connection {
                        listener.read = played_to;
                    }
                    true
                });
                self.unsaved = true;
                self.wake_now();
            }
            Request::SubscribeAccount { events, reply } => {
                self.account_events.retain(|events| !events.is_closed());
                self.account_events.push(events);
                answer(reply, Ok(()));
            }
        }
        Ok(())
    }

    async fn place(&mut self, placement: Placement, reply: Reply<Order>) -> Result<(), StoreError> {
        match self.engine.place(placement, server::now()) {
            Ok(order) => {
                let balances = self.commit(vec![order.clone()]).await?;
                self.tell_account(&order, Execution::New);
                self.tell_balances(&balances, order.update_time);
                answer(reply, Ok(order));
            }
            Err(refusal) => answer(reply, Err(refusal)),
        }
        Ok(())
    }

    async fn cancel(
        &mut self,
        symbol: &Symbol,
        key: &OrderKey,
        cancel_id: &str,
        reply: Reply<Order>,
    ) -> Result<(), StoreError> {
        match self.engine.cancel(symbol, key, server::now()) {
            Ok(order) => {
                let balances = self.commit(vec![order.clone()]).await?;
                self.tell_account(&order, Execution::Canceled { cancel_id });
                self.tell_balances(&balances, order.update_time);
                answer(reply, Ok(order));
            }
            Err(refusal) => answer(reply, Err(refusal)),
        }
        Ok(())
    }

    async fn order(&self, symbol: &Symbol, key: &OrderKey) -> Result<Result<Order, Refusal>, StoreError> {
        if self.engine.info(symbol).is_none() {
            return Ok(Err(Refusal::unknown_symbol()));
        }
        if let Some(order) = self.engine.open_order(symbol, key) {
            return Ok(Ok(order.clone()));
        }
        Ok(self
            .ledger
            .ended_order(symbol, key)
            .await?
            .ok_or_else(Refusal::no_such_order))
    }

    /// Plays what is due, a batch per symbol, and arranges for the next time.
    async fn play(&mut self) -> Result<(), StoreError> {
        self.wake = Wake::OnRequest;
        if !self.shared.open.load(Ordering::Acquire) {
            return Ok(());
        }
        let now = Instant::now();
        let symbols: Vec<Symbol> = if self.market.runs_unheard() {
            self.market.symbols().cloned().collect()
        } else {
            self.listeners
                .iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(symbol, _)| symbol.clone())
                .collect()
        };
        let mut next: Option<Instant> = None;
        for symbol in symbols {
            match self.play_symbol(&symbol, now).await? {
                Due::Now => next = Some(now),
                Due::At(at) => next = Some(next.map_or(at, |next| next.min(at))),
                Due::Never => {}
            }
        }
        self.publish_progress(now);
        match next {
            Some(at) if at <= now => self.wake_now(),
            Some(at) => self.wake_at(at.max(now + TICK)),
            None => {}
        }
        Ok(())
    }

    /// Plays at most a batch of one symbol; tells when to come back. [`Due::Never`] stands for a symbol that waits for its
    /// subscribers, too: they will say so.
    async fn play_symbol(&mut self, symbol: &Symbol, now: Instant) -> Result<Due, StoreError> {
        let Some(permits) = self.room(symbol) else {
            return Ok(Due::Never);
        };
        let wall = server::now();
        let mut trades = Vec::new();
        let due = loop {
            match self.market.due(symbol, now) {
                Due::Now if trades.len() == BATCH => break Due::Now,
                Due::Now => {}
                later => break later,
            }
            let Some(trade) = self.market.peek(symbol, wall) else {
                break Due::Never;
            };
            if self.engine.crosses(symbol, trade.price) {
                if !trades.is_empty() {
                    // What came before the fill is told before the fill.
                    break Due::Now;
                }
                self.fill(symbol, &trade).await?;
            }
            self.market.advance(symbol, wall);
            self.unsaved = true;
            trades.push(trade);
        };
        if !trades.is_empty() {
            let read_as = self
                .market
                .waits_for_subscribers()
                .then(|| self.market.played_to(symbol));
            let trades = Trades {
                symbol: symbol.clone(),
                list: trades.into(),
                read_as,
            };
            for permit in permits {
                permit.send(trades.clone());
            }
        }
        Ok(due)
    }

    /// A place in every subscriber's queue, or `None` when the symbol has to wait for one of them. Subscribers that are
    /// gone are forgotten; where nobody waits, so are those that are too slow, as the real exchange does.
    fn room(&mut self, symbol: &Symbol) -> Option<Vec<mpsc::OwnedPermit<Trades>>> {
        let patient = self.market.waits_for_subscribers();
        let (mut permits, mut full) = (Vec::new(), false);
        self.retain_listeners(symbol, |Listener { subscriber, .. }| {
            match subscriber.trades.clone().try_reserve_owned() {
                Ok(permit) => permits.push(permit),
                Err(TrySendError::Full(_)) if patient => full = true,
                Err(TrySendError::Full(_)) => {
                    tracing::warn!("a subscriber of {symbol} is too slow for the market and is disconnected");
                    subscriber.too_slow.notify_one();
                    return false;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
            true
        });
        let unheard = permits.is_empty() && !self.market.runs_unheard();
        (!full && !unheard).then_some(permits)
    }

    /// Forgets listeners, and tells a market that waits for them what the others have read.
    fn retain_listeners(&mut self, symbol: &Symbol, keep: impl FnMut(&mut Listener) -> bool) {
        let Some(listeners) = self.listeners.get_mut(symbol) else {
            return;
        };
        listeners.retain_mut(keep);
        if self.market.waits_for_subscribers() {
            match listeners.iter().map(|listener| listener.read).min() {
                Some(read) => self.market.acknowledge(symbol, read),
                None => self.market.rewind(symbol),
            }
        }
    }

    /// Executes what a trade fills, writes it, and tells the account.
    async fn fill(&mut self, symbol: &Symbol, trade: &MarketTrade) -> Result<(), StoreError> {
        let time = server::now();
        let fills = self.engine.trade(symbol, trade.price, trade.trade_id, time);
        let balances = self
            .commit(fills.iter().map(|fill| fill.order.clone()).collect())
            .await?;
        for fill in &fills {
            tracing::debug!(
                "{symbol}: order {} is filled by trade {}",
                fill.order.order_id,
                trade.trade_id
            );
            self.tell_account(&fill.order, Execution::Trade(fill));
        }
        self.tell_balances(&balances, time);
        Ok(())
    }

    /// Writes orders, the balances they changed and their markets' positions in one go.
    async fn commit(&mut self, orders: Vec<Order>) -> Result<Vec<(String, Balance)>, StoreError> {
        let balances = self.engine.take_balance_changes();
        let mut symbols: Vec<Symbol> = orders.iter().map(|order| order.symbol.clone()).collect();
        symbols.dedup();
        let markets = symbols.iter().map(|symbol| self.saved_market(symbol)).collect();
        self.ledger
            .commit(Changes {
                orders,
                balances: balances.clone(),
                markets,
            })
            .await?;
        Ok(balances)
    }

    /// Writes every position that may have changed.
    async fn save(&mut self) -> Result<(), StoreError> {
        if !std::mem::take(&mut self.unsaved) {
            return Ok(());
        }
        let played = self
            .market
            .symbols()
            .filter(|symbol| self.market.position(symbol).last_trade_id > 0);
        let markets = played.map(|symbol| self.saved_market(symbol)).collect();
        self.ledger
            .commit(Changes {
                markets,
                ..Changes::default()
            })
            .await
    }

    fn saved_market(&self, symbol: &Symbol) -> SavedMarket {
        SavedMarket {
            symbol: symbol.clone(),
            position: self.market.position(symbol),
            last_order_id: self.engine.last_order_id(symbol),
        }
    }

    fn tell_account(&mut self, order: &Order, execution: Execution<'_>) {
        self.last_execution_id += 1;
        self.tell(&wire::execution_report(order, execution, self.last_execution_id));
    }

    fn tell_balances(&mut self, balances: &[(String, Balance)], time: i64) {
        self.tell(&wire::account_position(balances, time));
    }

    fn tell(&mut self, event: &serde_json::Value) {
        let event: Arc<str> = event.to_string().into();
        self.account_events
            .retain(|events| events.send(Arc::clone(&event)).is_ok());
    }

    fn wake_now(&mut self) {
        if !matches!(self.wake, Wake::Queued) && self.myself.cast(SimulatorMsg(Request::Play)).is_ok() {
            self.wake = Wake::Queued;
        }
    }

    fn wake_at(&mut self, at: Instant) {
        let myself = self.myself.clone();
        let mut timer = JoinSet::new();
        timer.spawn(async move {
            tokio::time::sleep_until(at).await;
            // A process that is gone needs no waking.
            let _ = myself.cast(SimulatorMsg(Request::Play));
        });
        self.wake = Wake::At { _timer: timer };
    }

    /// Tells how far the market has come, ten times a second and at the end.
    fn publish_progress(&mut self, now: Instant) {
        let (played, total) = self.market.played();
        let finished = total.is_some_and(|total| played >= total);
        let newly_finished = finished && !self.published.finished;
        if !newly_finished
            && self
                .published
                .at
                .is_some_and(|at| now - at < Duration::from_millis(100))
        {
            return;
        }
        self.published = Published {
            at: Some(now),
            finished,
        };
        let ids = |symbol: &Symbol| (symbol.clone(), self.market.position(symbol).last_trade_id);
        let (malformed_lines, remaining) = match &self.shared.config.market {
            MarketSource::Generated { .. } => (0, BTreeMap::new()),
            MarketSource::Recording { recording, .. } => {
                let left = recording.symbols().map(|(info, total, _)| {
                    let played = self.market.position(&info.symbol).played_to.unwrap_or(0);
                    (info.symbol.clone(), (total as u64).saturating_sub(played as u64))
                });
                (recording.malformed_lines(), left.collect())
            }
        };
        let last_trade_ids = self.market.symbols().map(ids).filter(|(_, id)| *id > 0).collect();
        let progress = Progress {
            played,
            total,
            malformed_lines,
            finished,
            last_trade_ids,
            remaining,
        };
        self.shared.progress.send_replace(progress);
        if newly_finished {
            // A recording that is over is over after a crash, too.
            let _ = self.myself.cast(SimulatorMsg(Request::Save));
        }
    }
}

/// Whoever asked may be gone.
fn answer<T: Send + 'static>(reply: Reply<T>, answer: Result<T, Refusal>) {
    let _ = reply.send(answer);
}
