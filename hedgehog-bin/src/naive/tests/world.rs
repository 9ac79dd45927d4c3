//! An app with everything around it: a database in a folder of its own, a market and an exchange that obey the test.

use super::super::messages::{AccountEvent, LeaderMsg};
use super::super::{Naive, Profile, TradingStatus};
use crate::exchange::{
    Account, AssetBalance, Demand, ExchangeError, Execution, ExecutionType, MarketData, NewOrder, OrderKey,
    SocketError, Submission, TradeSocket, UserDataEvent,
};
use crate::market::{
    Bus, Decimal, ExchangeInfo, Order, OrderStatus, OrderType, Price, Quantity, Side, Symbol, SymbolFilters,
    SymbolInfo, SymbolStatus, TimeInForce, Topic, TradeEvent,
};
use crate::naive::schema::{DATABASE, TraderState, TradingStatus as Switch};
use crate::store::Db;
use futures_util::future::BoxFuture;
use hedgehog_core::{ActorRef, ExitReason, Overflow, Strategy, Subscription, Supervisor, SupervisorRef};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

pub(super) struct World {
    pub(super) app: Naive,
    pub(super) exchange: Arc<Scripted>,
    pub(super) symbol: Symbol,
    bus: Bus,
    root: SupervisorRef,
    trade_id: AtomicI64,
    /// Of the market's ids; one more after each reset of the exchange.
    pub(super) epoch: AtomicI32,
    folder: TempDir,
}

impl World {
    /// BTCUSDT and ETHUSDT are seeded and off; the app runs.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let exchange = Arc::new(Scripted::new(&["BTCUSDT", "ETHUSDT"]));
        let world = Self::open(folder, exchange).await;
        world.app.seed().await.expect("seeded");
        world
    }

    /// Nothing is seeded: as on the first start.
    pub(super) async fn unseeded() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::open(folder, Arc::new(Scripted::new(&["BTCUSDT", "ETHUSDT"]))).await
    }

    /// Stops the program and starts it again on the same database.
    pub(super) async fn restart(self) -> Self {
        self.root.stop(ExitReason::Shutdown).await;
        Self::open(self.folder, self.exchange).await
    }

    pub(super) async fn stop(self) {
        self.root.stop(ExitReason::Shutdown).await;
    }

    async fn open(folder: TempDir, exchange: Arc<Scripted>) -> Self {
        let url = folder.path().join("naive.db").display().to_string();
        let db = Db::open(&url, DATABASE).await.expect("a database");
        let bus = Bus::new();
        let app = Naive::new(db, exchange.clone(), exchange.clone(), bus.clone(), Profile::Safe);
        let root = Supervisor::new(Strategy::OneForOne)
            .child(app.spec())
            .start()
            .await
            .expect("a tree");
        app.autostarted().await;
        let symbol = "BTCUSDT".parse().expect("a symbol");
        Self {
            app,
            exchange,
            symbol,
            bus,
            root,
            trade_id: AtomicI64::new(1),
            epoch: AtomicI32::new(0),
            folder,
        }
    }

    pub(super) fn trade(&self, price: &str) {
        let event = TradeEvent {
            event_time: 0,
            symbol: self.symbol.clone(),
            epoch: self.epoch.load(Ordering::Relaxed),
            trade_id: self.trade_id.fetch_add(1, Ordering::Relaxed),
            price: price.parse().expect(price),
            quantity: "1".parse().expect("a quantity"),
            trade_time: 0,
            buyer_market_maker: false,
        };
        self.bus
            .trade_events
            .broadcast(&Topic::trade_events(&self.symbol).to_string(), event);
    }

    /// The exchange executes the whole order and reports it.
    pub(super) fn fill(&self, order: &Order) {
        self.report(self.exchange.execute(order, None));
    }

    /// The exchange executes so much of the order in all, and reports it.
    pub(super) fn execute(&self, order: &Order, executed: &str) {
        self.report(self.exchange.execute(order, Some(executed.parse().expect(executed))));
    }

    pub(super) fn report(&self, order: Order) {
        let execution = Execution {
            execution_type: ExecutionType::Trade,
            event_time: 0,
            reject_reason: None,
            last_price: order.price.clone(),
            last_quantity: order.executed_quantity.clone(),
            commission: (order.price.value() * order.executed_quantity.value() * Decimal::new(1.into(), 3)).into(),
            commission_asset: Some("USDT".to_owned()),
            trade_id: Some(self.trade_id.fetch_add(1, Ordering::Relaxed)),
            maker: true,
            order,
        };
        self.app
            .desk
            .account_events
            .broadcast(self.symbol.as_str(), AccountEvent::Execution(Arc::new(execution)));
    }

    pub(super) async fn status(&self) -> Vec<TradingStatus> {
        self.app.status().await.expect("a status")
    }

    /// Trading is off, nothing is open, and what was earned is still shown.
    pub(super) async fn is_off_and_done(&self) -> bool {
        match &self.status().await[..] {
            [only] => only.status == Switch::Off && only.open_traders.is_empty() && only.cycles > 0,
            _ => false,
        }
    }

    /// What the account's stream says when it is back.
    pub(super) fn reconnect(&self) {
        self.app
            .desk
            .account_events
            .broadcast(self.symbol.as_str(), AccountEvent::Connected);
    }

    /// The rows of the symbol's traders, oldest first: their states.
    pub(super) async fn rows(&self) -> Vec<TraderState> {
        use crate::naive::schema::traders;
        use diesel::prelude::*;
        let states = traders::table.order(traders::id).select(traders::state);
        self.app.desk.db.fetch(states).await.expect("rows")
    }

    pub(super) async fn has_tree(&self) -> bool {
        self.app.is_running(&self.symbol).await
    }

    pub(super) async fn leader(&self) -> ActorRef<LeaderMsg> {
        self.until_quiet(async |w| w.app.leaders.lookup(&w.symbol).is_some())
            .await;
        self.app
            .leaders
            .lookup(&self.symbol)
            .expect("it was there a moment ago")
    }

    /// Trades at `price` until the condition holds.
    pub(super) async fn until(&self, price: &str, holds: impl AsyncFn(&Self) -> bool) {
        self.wait(Some(price), holds).await;
    }

    /// Waits, without a trade, until the condition holds.
    pub(super) async fn until_quiet(&self, holds: impl AsyncFn(&Self) -> bool) {
        self.wait(None, holds).await;
    }

    async fn wait(&self, price: Option<&str>, holds: impl AsyncFn(&Self) -> bool) {
        let wait = async {
            while !holds(self).await {
                price.inspect(|price| self.trade(price));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let held = tokio::time::timeout(DEADLINE, wait).await.is_ok();
        let status = self.app.status().await;
        assert!(
            held,
            "not within {DEADLINE:?}; {:#?}, {status:#?}",
            self.exchange.placed()
        );
    }

    /// The first trader has its buy order out.
    pub(super) async fn start_and_buy(&self) {
        self.app.start_trading(&self.symbol).await.expect("started");
        self.until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
            .await;
    }

    /// One trader after the other as the price falls; every one has its buy order out.
    pub(super) async fn grow_to_five(&self) {
        self.app.start_trading(&self.symbol).await.expect("started");
        for (count, price) in ["100.00", "99.00", "98.00", "97.00", "96.00"].into_iter().enumerate() {
            self.until(price, async |w| w.exchange.open(Side::Buy).len() == count + 1)
                .await;
        }
    }

    /// Whether the traders have acted on every trade. A trader sleeps on the market again only after it has acted on what it read.
    pub(super) async fn traders_have_acted_on_everything(&self) -> bool {
        let topic = Topic::trade_events(&self.symbol).to_string();
        let asleep = async |w: &Self| {
            let topics = w.bus.trade_events.topics();
            let readers = topics.iter().filter(|info| *info.name == *topic);
            // Whoever only looks at the price now and then has no doorbell, and never sleeps.
            let mut traders = readers.flat_map(|info| &info.subscribers).filter(|s| s.owner.is_some());
            traders.all(|trader| trader.idle)
        };
        self.until_quiet(asleep).await;
        // What they decided by it goes through the leader or the exchange before this answer does.
        let answer = self.leader().await.call(LeaderMsg::IsDrained, DEADLINE).await;
        answer.is_ok()
    }

    /// Somebody who stores orders, beginning now.
    pub(super) fn store_orders(&self) -> SeenOrders {
        SeenOrders(
            self.bus
                .orders
                .subscribe_acked(&Topic::orders(&self.symbol).to_string()),
        )
    }

    pub(super) fn orders_on_the_bus(&self) -> SeenOrders {
        SeenOrders(
            self.bus
                .orders
                .subscribe(&Topic::orders(&self.symbol).to_string(), Overflow::Lossless),
        )
    }
}

pub(super) struct SeenOrders(Subscription<Order>);

impl SeenOrders {
    pub(super) fn seen(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        let _ = self.0.drain(usize::MAX, |order| orders.push(order.clone()));
        orders
    }
}

/// An exchange that accepts every order, lets it rest until the test executes it, and misbehaves on request.
#[derive(Debug, Default)]
pub(super) struct Scripted(Mutex<Script>);

#[derive(Debug, Default)]
struct Script {
    info: Arc<ExchangeInfo>,
    orders: Vec<Order>,
    attempts: usize,
    refuse: bool,
    panic_after_placing: bool,
    lose_the_next_answer: bool,
    /// What a connection comes to, if it does not come about.
    down: Option<&'static str>,
    denied: Option<i64>,
    denials: usize,
}

impl Scripted {
    fn new(symbols: &[&str]) -> Self {
        let info = |symbol: &&str| {
            let symbol: Symbol = symbol.parse().expect("a symbol");
            let unit = |text: &str| crate::market::parse_decimal(text).expect(text);
            let info = SymbolInfo {
                symbol: symbol.clone(),
                status: SymbolStatus::Trading,
                base_asset: "BTC".to_owned(),
                quote_asset: "USDT".to_owned(),
                filters: SymbolFilters::of(unit("0.01"), unit("0.0001")),
            };
            (symbol, info)
        };
        let info = Arc::new(ExchangeInfo {
            symbols: symbols.iter().map(info).collect(),
        });
        Self(Mutex::new(Script {
            info,
            ..Script::default()
        }))
    }

    pub(super) fn placed(&self) -> Vec<Order> {
        self.0.lock().orders.clone()
    }

    pub(super) fn open(&self, side: Side) -> Vec<Order> {
        let open = |order: &Order| order.side == side && !order.status.is_terminal();
        self.0
            .lock()
            .orders
            .iter()
            .filter(|order| open(order))
            .cloned()
            .collect()
    }

    pub(super) fn attempts(&self) -> usize {
        self.0.lock().attempts
    }

    pub(super) fn refuse(&self, refuse: bool) {
        self.0.lock().refuse = refuse;
    }

    pub(super) fn panic_after_placing(&self) {
        self.0.lock().panic_after_placing = true;
    }

    pub(super) fn lose_the_next_answer(&self) {
        self.0.lock().lose_the_next_answer = true;
    }

    pub(super) fn delist(&self, symbol: &Symbol) {
        let mut script = self.0.lock();
        let mut info = ExchangeInfo::clone(&script.info);
        info.symbols.remove(symbol);
        script.info = Arc::new(info);
    }

    /// It has forgotten every order, and numbers those to come from 1 again.
    pub(super) fn reset(&self) {
        self.0.lock().orders.clear();
    }

    /// An order that is none of ours.
    pub(super) fn plant(&self, order: Order) {
        self.0.lock().orders.push(order);
    }

    /// Queries say that there is no such order, although there is.
    pub(super) fn deny(&self, order_id: i64) {
        self.0.lock().denied = Some(order_id);
    }

    pub(super) fn denials(&self) -> usize {
        self.0.lock().denials
    }

    /// Nobody listens at its address.
    pub(super) fn down(&self, down: bool) {
        self.0.lock().down = down.then_some("connection refused");
    }

    pub(super) fn execute(&self, order: &Order, executed: Option<Quantity>) -> Order {
        let mut script = self.0.lock();
        let found = script.orders.iter_mut().find(|known| known.order_id == order.order_id);
        let found = found.expect("an order of this exchange");
        found.executed_quantity = executed.unwrap_or_else(|| found.original_quantity.clone());
        let filled = found.executed_quantity == found.original_quantity;
        found.status = if filled {
            OrderStatus::Filled
        } else {
            OrderStatus::PartiallyFilled
        };
        found.clone()
    }
}

impl MarketData for Scripted {
    fn exchange_info(&self) -> BoxFuture<'_, Result<Arc<ExchangeInfo>, ExchangeError>> {
        Box::pin(async {
            let script = self.0.lock();
            if let Some(why) = script.down {
                return Err(ExchangeError::Transport {
                    doing: "GET /api/v3/exchangeInfo".to_owned(),
                    source: Arc::new(std::io::Error::other(why)),
                });
            }
            Ok(Arc::clone(&script.info))
        })
    }

    /// Trades come from the test.
    fn connect<'a>(&'a self, _: &'a dyn Demand) -> BoxFuture<'a, Result<Box<dyn TradeSocket>, SocketError>> {
        Box::pin(std::future::pending())
    }
}

impl Account for Scripted {
    fn place<'a>(&'a self, order: &'a NewOrder) -> BoxFuture<'a, Submission> {
        Box::pin(async move {
            let mut script = self.0.lock();
            script.attempts += 1;
            if script.refuse {
                let message = "Account has insufficient balance for requested action.".to_owned();
                return Submission::Rejected(ExchangeError::Api { code: -2010, message });
            }
            let accepted = Order {
                order_id: script.orders.len() as i64 + 1,
                client_order_id: order.client_order_id.clone(),
                symbol: order.symbol.clone(),
                price: order.price.clone(),
                original_quantity: order.quantity.clone(),
                executed_quantity: Quantity::zero(),
                cummulative_quote_quantity: Quantity::zero(),
                status: OrderStatus::New,
                time_in_force: TimeInForce::Gtc,
                order_type: OrderType::Limit,
                side: order.side,
                stop_price: Price::zero(),
                iceberg_quantity: Quantity::zero(),
                time: 1,
                update_time: 1,
            };
            script.orders.push(accepted.clone());
            let panic = std::mem::take(&mut script.panic_after_placing);
            let lose = std::mem::take(&mut script.lose_the_next_answer);
            drop(script);
            assert!(!panic, "the test wants the trader to panic");
            if lose {
                Submission::Unknown(ExchangeError::Server { status: 504 })
            } else {
                Submission::Accepted(accepted)
            }
        })
    }

    fn order<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>> {
        let wanted = move |order: &&Order| match key {
            OrderKey::Id(id) => order.order_id == *id,
            OrderKey::Client(id) => order.client_order_id == *id,
        };
        Box::pin(async move {
            let mut script = self.0.lock();
            if !script.info.symbols.contains_key(symbol) {
                return Err(ExchangeError::UnknownSymbol(symbol.clone()));
            }
            let found = script.orders.iter().find(wanted).cloned();
            let denied = found
                .as_ref()
                .is_some_and(|order| Some(order.order_id) == script.denied);
            script.denials += usize::from(denied);
            Ok(found.filter(|_| !denied))
        })
    }

    fn cancel<'a>(
        &'a self,
        symbol: &'a Symbol,
        key: &'a OrderKey,
    ) -> BoxFuture<'a, Result<Option<Order>, ExchangeError>> {
        Box::pin(async move {
            let found = self
                .order(symbol, key)
                .await?
                .filter(|order| !order.status.is_terminal());
            let mut script = self.0.lock();
            let id = found.map(|order| order.order_id);
            let open = script.orders.iter_mut().find(|order| Some(order.order_id) == id);
            Ok(open.map(|order| {
                order.status = OrderStatus::Canceled;
                order.clone()
            }))
        })
    }

    fn open_orders<'a>(&'a self, _: &'a Symbol) -> BoxFuture<'a, Result<Vec<Order>, ExchangeError>> {
        Box::pin(async { Ok([self.open(Side::Buy), self.open(Side::Sell)].concat()) })
    }

    fn balances(&self) -> BoxFuture<'_, Result<Vec<AssetBalance>, ExchangeError>> {
        Box::pin(async {
            let quantity = |text: &str| text.parse::<Quantity>().expect(text);
            Ok(vec![AssetBalance {
                asset: "USDT".to_owned(),
                free: quantity("12.5"),
                locked: quantity("200"),
            }])
        })
    }

    /// Executions come from the test.
    fn executions<'a>(&'a self, _: Box<dyn FnMut(UserDataEvent) + Send + 'a>) -> BoxFuture<'a, Infallible> {
        Box::pin(std::future::pending())
    }
}
