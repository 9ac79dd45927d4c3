//! The simulator's process: owns the engine, the market clock and every subscription, and handles one request at a time.
//!
//! Talked to by the connections of `server`, and by itself when a trade is due. Because it is one process, an order is
//! placed either before a trade or after it, never during. While the database refuses a change nobody is told of it and
//! nothing else happens: the market stands still until the database takes it.

mod lane;
mod playing;
mod request;
mod saving;
mod schedule;

use super::account::Balance;
use super::engine::{Engine, Placement};
use super::generator::Generation;
use super::ledger::{Ledger, Saved};
use super::market::{Market, MarketTrade};
use super::refusal::Refusal;
use super::wire::{self, Execution};
use super::{Shared, SimulatorMsg, server};
use crate::backoff::Backoff;
use crate::exchange::OrderKey;
use crate::market::{Order, Symbol, SymbolInfo};
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, SelfRef, ractor};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use lane::{Lane, Listener};
use saving::answer;
use schedule::Schedule;

pub(super) use lane::Remembered;
pub(super) use request::{Reply, Request, Subscriber, Trades, Waiting};

/// How often positions are written.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// A database that does not answer at the start is left alone after this long, so that the tree can start without it.
const LOAD_WITHIN: Duration = Duration::from_secs(2);

/// The simulator's behaviour; everything it knows is in [`State`].
pub(super) struct SimulatorActor;

pub(super) struct State {
    shared: Arc<Shared>,
    myself: ActorRef<SimulatorMsg>,
    engine: Engine,
    market: Market,
    ledger: Ledger,
    /// Every symbol.
    lanes: BTreeMap<Symbol, Lane>,
    /// Whether what is stored was read back. Before that nobody is let in.
    loaded: bool,
    /// To be written with the next change: which generation a new market is of.
    new_generation: Option<Generation>,
    /// To be written with the next change, before it: what a fresh account was funded with.
    funding: Vec<(String, Balance)>,
    account_events: Vec<mpsc::UnboundedSender<Arc<str>>>,
    /// Grows with every execution, and begins above those of every former incarnation.
    last_execution_id: i64,
    /// For the database: reading it back, and the positions.
    backoff: Backoff,
    /// Until then positions are not written: the last try failed.
    save_after: Option<Instant>,
    schedule: Schedule,
    wake: Wake,
    /// When the market opened in this incarnation.
    opened: Option<Instant>,
    /// Trades flow.
    begun: bool,
    /// Told and not done yet, as far as the bus is asked.
    undone: HashSet<Symbol>,
    /// Wait for what was told to be done.
    blocked: Vec<Symbol>,
    /// When the bus was last asked.
    looked: Instant,
    /// Symbols that somebody listens to and that are not over, at that time.
    heard: usize,
    published: Published,
    /// The accept loop and the timers of requests: they end with the state.
    tasks: JoinSet<()>,
    /// Dropped with the state: every connection sees it and ends.
    connections: watch::Sender<()>,
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
        let myself = myself.self_ref()?;
        let ledger = Ledger::new(shared.config.database.clone());
        let (market, infos) = Market::new(&shared.config.market);
        let engine = Engine::new(shared.config.rule, infos);
        let mut state = State {
            shared,
            myself,
            engine,
            market,
            ledger,
            lanes: BTreeMap::new(),
            loaded: false,
            new_generation: None,
            funding: Vec::new(),
            account_events: Vec::new(),
            last_execution_id: server::now() * 1_000,
            backoff: Backoff::default(),
            save_after: None,
            schedule: Schedule::default(),
            wake: Wake::OnRequest,
            opened: None,
            begun: false,
            undone: HashSet::new(),
            blocked: Vec::new(),
            looked: Instant::now(),
            heard: 0,
            published: Published {
                at: None,
                finished: false,
            },
            tasks: JoinSet::new(),
            connections: watch::channel(()).0,
        };
        state.load().await;
        Ok(state)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<SimulatorMsg>,
        SimulatorMsg(request): SimulatorMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.handle(request).await;
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<SimulatorMsg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.save_at_the_end().await;
        // The last word counts, however soon after the one before.
        state.published.at = None;
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
    /// Reads back what is stored and lets connections in; a database that does not answer is asked again later.
    async fn load(&mut self) {
        // In a task of its own: to drop a query is to wait for it.
        let ledger = self.ledger.clone();
        let loading = tokio::spawn(async move { ledger.load().await });
        let loading = tokio::time::timeout(LOAD_WITHIN, loading).await;
        let begun = match loading {
            Ok(Ok(Ok(saved))) => self.begin(saved).map_err(|error| format!("{error:#}")),
            Ok(Ok(Err(error))) => Err(format!("{:#}", anyhow::Error::from(error))),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer".to_owned()),
        };
        if let Err(reason) = begun {
            let delay = self.backoff.next_delay();
            tracing::warn!("the simulator cannot go on from its database, trying again in {delay:.0?}: {reason}");
            self.later(delay, Request::Load);
        }
    }

    fn begin(&mut self, saved: Saved) -> anyhow::Result<()> {
        let generation = match saved.generation {
            Some(number) => Generation::from_number(number)
                .ok_or_else(|| anyhow::anyhow!("its market is of generation {number}, which a later release makes"))?,
            // Written before there were generations.
            None if !saved.markets.is_empty() => Generation::First,
            None => Generation::default(),
        };
        let listener = tokio::net::TcpListener::from_std(self.shared.listener.try_clone()?)?;
        self.new_generation = (self.market.is_generated() && saved.generation.is_none()).then_some(generation);
        self.market.set_generation(generation);
        self.restore(saved);
        let (connections, closing) = watch::channel(());
        self.connections = connections;
        let infos: Vec<SymbolInfo> = self.engine.infos().cloned().collect();
        let gate = server::Gate::new(self.myself.clone(), &infos);
        self.tasks.spawn(server::accept(listener, gate, closing));
        self.tasks.spawn(save_every_second(self.myself.clone()));
        self.loaded = true;
        self.publish_progress(Instant::now());
        self.wake_now();
        Ok(())
    }

    fn restore(&mut self, saved: Saved) {
        for (asset, balance) in saved.balances {
            self.engine.restore_balance(asset, balance);
        }
        self.funding = self.engine.take_balance_changes();
        let symbols: Vec<Symbol> = self.market.symbols().cloned().collect();
        self.lanes = (symbols.into_iter())
            .map(|symbol| (symbol, Lane::at(0, 0, 0)))
            .collect();
        for market in saved.markets {
            self.engine.restore_last_order_id(&market.symbol, market.last_order_id);
            let place = self.market.place_of(market.position);
            if let Some(lane) = self.lanes.get_mut(&market.symbol) {
                *lane = Lane::at(place, market.matched_to, place);
            }
        }
        for order in saved.open_orders {
            let (symbol, id) = (order.symbol.clone(), order.order_id);
            if !self.engine.restore_order(order) {
                tracing::warn!("order {id} of {symbol} stays in the database: this market does not list its symbol");
            }
        }
        let paced = self.market.is_paced();
        let wall = server::now();
        let remembered = self.shared.remembered.lock();
        for (symbol, lane) in &mut self.lanes {
            let mut place = lane.kept;
            if let Some(remembered) = remembered.get(symbol) {
                (*lane, place) = Lane::recall(*remembered, paced, lane.written);
            }
            self.market.go_to(symbol, place, wall);
            if lane.undone() > 0 {
                self.undone.insert(symbol.clone());
            }
        }
    }

    /// Answers one request.
    async fn handle(&mut self, request: Request) {
        if !self.loaded {
            // Nobody was let in: whoever asks is an earlier incarnation's connection, and learns that it is over.
            if matches!(request, Request::Load) {
                self.load().await;
            }
            return;
        }
        match request {
            Request::Load => {}
            Request::Play => self.play().await,
            Request::Room => {
                self.schedule.room();
                self.wake_now();
            }
            Request::Save => {
                self.save().await;
                // What was done last may have been too soon after what was told last.
                self.publish_progress(Instant::now());
            }
            Request::Place(placement, reply) => self.place(placement, reply).await,
            Request::Cancel {
                symbol,
                key,
                cancel_id,
                reply,
            } => self.cancel(&symbol, &key, &cancel_id, reply).await,
            Request::Order { symbol, key, reply } => {
                let order = self.order(&symbol, &key).await;
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
            Request::Subscribe { symbols, subscriber } => self.subscribe(symbols, &subscriber),
            Request::Unsubscribe { symbols, connection } => {
                for symbol in symbols {
                    self.retain_listeners(&symbol, |listener| listener.subscriber.connection != connection);
                    // Whoever else listens to the same symbol does not wait for this connection any more.
                    self.schedule.now(&symbol);
                }
                self.wake_now();
            }
            Request::Read {
                symbol,
                connection,
                place,
            } => self.read(&symbol, connection, place),
            Request::SubscribeAccount { events, reply } => {
                self.account_events.retain(|events| !events.is_closed());
                self.account_events.push(events);
                answer(reply, Ok(()));
            }
        }
    }

    async fn place(&mut self, placement: Placement, reply: Reply<Order>) {
        if reply.is_closed() {
            // It waited too long: the outcome that the client was told to find out is that there is none.
            return;
        }
        match self.engine.place(placement, server::now()) {
            Ok(order) => {
                let balances = self.commit(vec![order.clone()]).await;
                self.tell_account(&order, Execution::New);
                self.tell_balances(&balances, order.update_time);
                answer(reply, Ok(order));
            }
            Err(refusal) => answer(reply, Err(refusal)),
        }
    }

    async fn cancel(&mut self, symbol: &Symbol, key: &OrderKey, cancel_id: &str, reply: Reply<Order>) {
        if reply.is_closed() {
            return;
        }
        match self.engine.cancel(symbol, key, server::now()) {
            Ok(order) => {
                let balances = self.commit(vec![order.clone()]).await;
                self.tell_account(&order, Execution::Canceled { cancel_id });
                self.tell_balances(&balances, order.update_time);
                answer(reply, Ok(order));
            }
            Err(refusal) => answer(reply, Err(refusal)),
        }
    }

    async fn order(&self, symbol: &Symbol, key: &OrderKey) -> Result<Order, Refusal> {
        if self.engine.info(symbol).is_none() {
            return Err(Refusal::unknown_symbol());
        }
        if let Some(order) = self.engine.open_order(symbol, key) {
            return Ok(order.clone());
        }
        match self.ledger.ended_order(symbol, key).await {
            Ok(order) => order.ok_or_else(Refusal::no_such_order),
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::warn!("the simulator cannot look up an order of {symbol} in its database: {error:#}");
                Err(Refusal::unknown_outcome())
            }
        }
    }

    /// Executes what a trade fills, writes it, and tells the account.
    async fn fill(&mut self, symbol: &Symbol, trade: &MarketTrade) {
        let time = server::now();
        let fills = self.engine.trade(symbol, trade.price, trade.trade_id, time);
        let orders = fills.iter().map(|fill| fill.order.clone()).collect();
        let balances = self.commit(orders).await;
        for fill in &fills {
            tracing::debug!(
                "{symbol}: order {} is filled by trade {}",
                fill.order.order_id,
                trade.trade_id
            );
            self.tell_account(&fill.order, Execution::Trade(fill));
        }
        self.tell_balances(&balances, time);
    }

    fn subscribe(&mut self, symbols: Vec<Symbol>, subscriber: &Subscriber) {
        for symbol in symbols {
            let read = self.market.place(&symbol);
            // A symbol that is not listed stays silent.
            if let Some(lane) = self.lanes.get_mut(&symbol) {
                let subscriber = subscriber.clone();
                lane.listen(Listener { subscriber, read });
                self.remember(&symbol);
                self.schedule.now(&symbol);
            }
        }
        self.count_heard();
        self.wake_now();
    }

    fn read(&mut self, symbol: &Symbol, connection: u64, place: i64) {
        let Some(lane) = self.lanes.get_mut(symbol) else {
            return;
        };
        for listener in &mut lane.listeners {
            if listener.subscriber.connection == connection {
                listener.read = place;
                lane.read = lane.read.max(place);
            }
        }
        if self.shared.config.bus.is_none() && !self.market.is_paced() {
            lane.keep_what_is_read();
            self.remember(symbol);
            self.schedule.now(symbol);
            self.wake_now();
        }
    }

    /// A request to oneself after a while.
    fn later(&mut self, delay: Duration, request: Request) {
        let myself = self.myself.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(delay).await;
            // A process that is gone needs no request.
            let _ = myself.cast(SimulatorMsg(request));
        });
    }

    /// For the next incarnation.
    fn remember(&self, symbol: &Symbol) {
        if let Some(lane) = self.lanes.get(symbol) {
            let remembered = lane.remember(self.market.place(symbol));
            self.shared.remembered.lock().insert(symbol.clone(), remembered);
        }
    }

    fn is_open(&self) -> bool {
        self.shared.open.load(Ordering::Acquire)
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
}
