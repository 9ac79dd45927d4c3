//! The simulator's process: owns the engine, the market clock and every subscription, and handles one request at a time.
//!
//! Talked to by the connections of `server`, and by itself when a trade is due. Because it is one process, an order is
//! placed either before a trade or after it, never during. A database that refuses a change ends the process without
//! telling anybody of the change: its successor reads back what is true.

mod playing;
mod request;
mod settled;

use super::account::Balance;
use super::engine::{Engine, Placement};
use super::ledger::{Changes, Ledger, Saved, SavedMarket};
use super::market::{Market, MarketTrade, Position};
use super::refusal::Refusal;
use super::wire::{self, Execution};
use super::{Shared, SimulatorMsg, server};
use crate::exchange::OrderKey;
use crate::market::{Order, Symbol, SymbolInfo};
use crate::store::StoreError;
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, ExitReason, ractor};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use settled::Settled;

pub(super) use request::{Reply, Request, Subscriber, Trades};

/// How often positions are looked at, to write those that have settled.
const SAVE_EVERY: Duration = Duration::from_secs(1);

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
    /// What a crash goes back to.
    settled: Settled,
    wake: Wake,
    /// When the market opened in this incarnation.
    opened: Option<Instant>,
    published: Published,
    /// The accept loop and the timer of [`Request::Save`]: they end with the state.
    tasks: JoinSet<()>,
    /// Dropped with the state: every connection sees it and ends.
    _connections: watch::Sender<()>,
}

/// A subscriber and what it has read.
struct Listener {
    subscriber: Subscriber,
    read: usize,
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
            settled: Settled::new(HashMap::new(), Instant::now()),
            wake: Wake::OnRequest,
            opened: None,
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
        let positions = state.positions();
        state.settled = Settled::new(positions, Instant::now());
        state.save_positions().await?;
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
        self.settled = Settled::new(self.positions(), Instant::now());
    }

    /// Answers one request. An error means that the database and the engine may differ: nobody was told, and the process
    /// must end.
    async fn handle(&mut self, request: Request) -> Result<(), StoreError> {
        match request {
            Request::Play => self.play().await?,
            Request::Save => {
                if self.settled.observe(self.positions(), Instant::now()) {
                    self.save_positions().await?;
                }
            }
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

    /// Where the symbols stand that have traded.
    fn positions(&self) -> HashMap<Symbol, Position> {
        let positions = self
            .market
            .symbols()
            .map(|symbol| (symbol.clone(), self.market.position(symbol)));
        positions.filter(|(_, position)| position.last_trade_id > 0).collect()
    }

    /// Writes the settled position of every symbol that has traded.
    async fn save_positions(&mut self) -> Result<(), StoreError> {
        let traded = self.positions();
        let markets = traded.keys().map(|symbol| self.saved_market(symbol)).collect();
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
            position: self.settled.position(symbol),
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
}

/// Whoever asked may be gone.
fn answer<T: Send + 'static>(reply: Reply<T>, answer: Result<T, Refusal>) {
    let _ = reply.send(answer);
}
