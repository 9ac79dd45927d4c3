//! The app's tree against a WebSocket server that does what the test says.

use super::schema::DATABASE;
use super::{StreamState, StreamStatus, Streamer};
use crate::exchange::binance::BinanceClient;
use crate::exchange::binance::scripted_server::{Client, ScriptedServer, trade_frame, trade_frame_of};
use crate::exchange::{Credentials, Demand, ExchangeError, MarketData, SocketError, TradeSocket};
use crate::market::{Bus, ExchangeInfo, Symbol, Topic, TradeEvent};
use crate::operation::Seeded;
use crate::operation::{OperationError, Outcome};
use crate::service::TradeArchive;
use crate::store::Db;
use futures_util::future::BoxFuture;
use hedgehog_core::{AnyActorRef, ExitReason, Overflow, Strategy, Subscription, Supervisor, SupervisorRef};
use parking_lot::Mutex;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

const STREAM: &str = "Streams/XRPUSDT";

/// The rules are the test's, the streams those of a server that obeys it.
#[derive(Debug)]
struct Scripted {
    rules: Mutex<Arc<ExchangeInfo>>,
    streams: BinanceClient,
}

impl Scripted {
    fn new(server: &ScriptedServer, statuses: &[(&str, &str)]) -> Arc<Self> {
        let streams = BinanceClient::new(server.endpoints(), Credentials::new("", ""));
        Arc::new(Self {
            rules: Mutex::new(rules(statuses)),
            streams: streams.expect("a client"),
        })
    }
}

fn rules(statuses: &[(&str, &str)]) -> Arc<ExchangeInfo> {
    let symbols: Vec<_> = (statuses.iter())
        .map(|(symbol, status)| {
            serde_json::json!({ "symbol": symbol, "status": status, "baseAsset": "A", "quoteAsset": "B", "filters": [] })
        })
        .collect();
    let json = serde_json::json!({ "symbols": symbols }).to_string();
    Arc::new(ExchangeInfo::from_json(json.as_bytes()).expect("rules").0)
}

impl MarketData for Scripted {
    fn exchange_info(&self) -> BoxFuture<'_, Result<Arc<ExchangeInfo>, ExchangeError>> {
        Box::pin(async { Ok(Arc::clone(&self.rules.lock())) })
    }

    fn connect<'a>(&'a self, demand: &'a dyn Demand) -> BoxFuture<'a, Result<Box<dyn TradeSocket>, SocketError>> {
        self.streams.connect(demand)
    }
}

/// A running app, what it broadcasts, and the server it talks to.
struct Running {
    server: ScriptedServer,
    streamer: Streamer,
    root: SupervisorRef,
    trades: Subscription<TradeEvent>,
    folder: TempDir,
}

impl Running {
    async fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder")).await
    }

    async fn start_in(folder: TempDir) -> Self {
        Self::start_as(folder, ScriptedServer::bind().await, |streamer| streamer).await
    }

    async fn start_as(folder: TempDir, server: ScriptedServer, with: impl FnOnce(Streamer) -> Streamer) -> Self {
        let bus = Bus::new();
        let trades = bus
            .trade_events
            .subscribe(&Topic::trade_events(&xrp()).to_string(), Overflow::Lossless);
        let streamer = Streamer::new(
            open(&folder).await,
            Scripted::new(
                &server,
                &[("BTCUSDT", "TRADING"), ("ETHUSDT", "TRADING"), ("XRPUSDT", "TRADING")],
            ),
            bus,
        );
        let streamer = with(streamer);
        streamer.seed().await.expect("seeded");
        let spec = streamer.clone();
        let root = Supervisor::new(Strategy::OneForOne)
            .child(spec.spec())
            .start()
            .await
            .expect("started");
        streamer.autostarted().await;
        Self {
            server,
            streamer,
            root,
            trades,
            folder,
        }
    }

    /// The app with a stream of XRPUSDT whose connection stands.
    async fn streaming() -> (Self, Client) {
        let app = Self::start().await;
        let started = app.streamer.start_streaming(&xrp()).await.expect("started");
        assert_eq!(started, Outcome::Started, "returns before there is a connection");
        let (client, path) = app.server.accept().await;
        assert_eq!(path, "/stream?streams=xrpusdt@trade");
        (app, client)
    }

    async fn broadcast(&mut self, count: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let more = self
                .trades
                .next_batch(count - ids.len(), |trade| ids.push(trade.trade_id));
            let _ = timeout(Duration::from_secs(20), more)
                .await
                .expect("trades are broadcast");
        }
        ids
    }

    async fn status(&self) -> StreamStatus {
        let all = self.streamer.status().await.expect("read");
        all.into_iter()
            .find(|stream| stream.symbol == xrp())
            .expect("its stream")
    }

    /// Waits until the status is as wished.
    async fn eventually(&self, wished: impl Fn(&StreamStatus) -> bool) -> StreamStatus {
        let wait = async {
            loop {
                let status = self.status().await;
                if wished(&status) {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), wait)
            .await
            .expect("the status becomes as wished")
    }

    /// The process under this path of the app's tree.
    fn process(&self, path: &str) -> Option<AnyActorRef> {
        let tree = self.root.tree()?;
        tree.find(&format!("{}/Streamer.Supervisor/{path}", tree.path))?
            .actor()
            .cloned()
    }

    /// Kills the process of XRPUSDT and nothing else.
    fn kill_stream(&self) {
        self.process(STREAM).expect("it runs").kill();
    }

    async fn stop(self) -> TempDir {
        self.root.stop(ExitReason::Shutdown).await;
        self.folder
    }
}

async fn open(folder: &TempDir) -> Db {
    let path = folder.path().join("streamer.db");
    Db::open(path.to_str().expect("a path in UTF-8"), DATABASE)
        .await
        .expect("a database")
}

fn xrp() -> Symbol {
    "XRPUSDT".parse().expect("a symbol")
}

fn gaps(status: &StreamStatus) -> Vec<(i64, i64)> {
    status
        .gap_ranges
        .iter()
        .map(|gap| (gap.first_missing_id, gap.last_missing_id))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_are_broadcast_and_garbage_between_them_is_counted() {
    let (mut app, mut client) = Running::streaming().await;
    client.send_trades([10]).await;
    for garbage in [
        "junk",
        r#"{"e":"kline"}"#,
        r#"{"result":null,"id":1}"#,
        r#"{"e":"trade"}"#,
    ] {
        client.send(garbage).await;
    }
    let of_another = trade_frame_of("BTCUSDT", 99);
    client
        .send(format!(r#"{{"stream":"xrpusdt@trade","data":{of_another}}}"#))
        .await;
    client.send_trades([11, 11, 12]).await;
    assert_eq!(app.broadcast(3).await, [10, 11, 12]);
    let status = app.status().await;
    assert_eq!(
        (
            status.trades,
            status.duplicates,
            status.unknown_frames,
            status.malformed_frames
        ),
        (3, 1, 2, 2)
    );
    assert_eq!(
        (status.on, status.state, status.last_trade_id, status.reconnects),
        (true, StreamState::Connected, Some(12), 0)
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_made_again_by_the_same_process_and_what_was_missed_is_a_gap() {
    let (mut app, mut client) = Running::streaming().await;
    client.send_trades([1, 2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    let process = app.process(STREAM).expect("it runs");
    drop(client);
    let (mut client, _) = app.server.accept().await;
    client.send_trades([2, 6]).await;
    assert_eq!(app.broadcast(1).await, [6]);
    let status = app.status().await;
    assert_eq!((gaps(&status), status.missing, status.reconnects), (vec![(3, 5)], 3, 1));
    assert_eq!(app.process(STREAM).map(|now| now.pid()), Some(process.pid()));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_stream_comes_back_and_its_successor_sees_the_gap() {
    let (mut app, mut client) = Running::streaming().await;
    client.send_trades([1, 2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    app.kill_stream();
    // Its successor finds the stream on the connection that it shares with others.
    app.eventually(|status| status.reconnects == 1).await;
    client.send_trades([1, 2, 5, 6]).await;
    assert_eq!(app.broadcast(2).await, [5, 6]);
    assert_eq!(gaps(&app.status().await), [(3, 4)]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_restart_opens_the_new_connection_before_the_old_one_is_left() {
    let (mut app, mut old) = Running::streaming().await;
    old.send_trades([1]).await;
    old.send(r#"{"e":"serverShutdown","E":1723161255343}"#).await;
    let (mut new, _) = app.server.accept().await;
    // Both deliver for a while; the old one alone has what came before the new one stood.
    new.send_trades([3, 4]).await;
    old.send_trades([2, 3]).await;
    drop(old);
    assert_eq!(app.broadcast(4).await, [1, 2, 3, 4]);
    let status = app.status().await;
    assert_eq!((status.gaps, status.reconnects), (0, 1));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn start_and_stop_say_what_they_found() {
    let (mut app, mut client) = Running::streaming().await;
    let symbol = xrp();
    assert_eq!(
        app.streamer.start_streaming(&symbol).await.expect("answered"),
        Outcome::AlreadyRunning
    );
    assert_eq!(
        app.streamer.stop_streaming(&symbol).await.expect("answered"),
        Outcome::Stopped
    );
    assert!(client.receive().await.is_none(), "the connection went with the process");
    let status = app.status().await;
    assert_eq!((status.on, status.state, status.since), (false, StreamState::Off, None));
    assert_eq!(
        app.streamer.stop_streaming(&symbol).await.expect("answered"),
        Outcome::NotRunning
    );
    match app.streamer.start_streaming(&"XRPUSD".parse().expect("a symbol")).await {
        Err(OperationError::UnknownSymbol { nearest, .. }) => assert_eq!(nearest, std::slice::from_ref(&symbol)),
        other => panic!("{other:?}"),
    }
    let again = app.streamer.start_streaming(&symbol).await;
    assert_eq!(again.expect("answered"), Outcome::Started);
    let (mut client, _) = app.server.accept().await;
    client.send_trades([1]).await;
    assert_eq!(app.broadcast(1).await, [1]);
    assert_eq!(
        app.status().await.reconnects,
        0,
        "nothing was lost, it was switched off"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_starts_at_once_make_one_stream() {
    let app = Running::start().await;
    let symbol = xrp();
    let (one, other) = tokio::join!(
        app.streamer.start_streaming(&symbol),
        app.streamer.start_streaming(&symbol)
    );
    let mut outcomes = [one.expect("answered"), other.expect("answered")];
    outcomes.sort_by_key(ToString::to_string);
    assert_eq!(outcomes, [Outcome::AlreadyRunning, Outcome::Started]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_off_does_not_come_back_however_it_was_stopped() {
    let (app, client) = Running::streaming().await;
    app.kill_stream();
    // Whether the stop meets the old process, its restart or the new one: afterwards there is none.
    app.streamer.stop_streaming(&xrp()).await.expect("answered");
    drop(client);
    assert!(app.process(STREAM).is_none());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_program_streams_what_was_on_and_sees_what_it_missed() {
    let (mut app, mut client) = Running::streaming().await;
    client.send_trades([1, 2, 4]).await;
    assert_eq!(app.broadcast(3).await, [1, 2, 4]);
    let folder = app.stop().await;

    let mut app = Running::start_in(folder).await;
    let (mut client, _) = app.server.accept().await;
    let recalled = app.eventually(|status| status.last_trade_id.is_some()).await;
    assert_eq!((recalled.last_trade_id, gaps(&recalled)), (Some(4), vec![(3, 3)]));
    client.send_trades([10]).await;
    assert_eq!(app.broadcast(1).await, [10]);
    let status = app.status().await;
    assert_eq!((gaps(&status), status.missing), (vec![(3, 3), (5, 9)], 6));
    let folder = app.stop().await;

    // A market that begins again at an older id is new to this program, not a repetition.
    let impatient = |streamer: Streamer| streamer.patience(Duration::ZERO);
    let mut app = Running::start_as(folder, ScriptedServer::bind().await, impatient).await;
    let (mut client, _) = app.server.accept().await;
    client.send_trades([1, 2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    let status = app.status().await;
    assert_eq!((status.gaps, status.epoch), (2, 1));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_come_back_after_their_supervisor_was_killed() {
    let (mut app, mut client) = Running::streaming().await;
    client.send_trades([1]).await;
    assert_eq!(app.broadcast(1).await, [1]);
    app.process("Streams").expect("the dynamic supervisor runs").kill();
    app.eventually(|status| status.reconnects == 1).await;
    client.send_trades([3]).await;
    assert_eq!(app.broadcast(1).await, [3]);
    assert_eq!(gaps(&app.status().await), [(2, 2)]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seeding_may_be_repeated_and_keeps_what_is_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder).await;
    let server = ScriptedServer::bind().await;
    let exchange = Scripted::new(&server, &[("XRPUSDT", "TRADING"), ("BTCUSDT", "BREAK")]);
    let streamer = Streamer::new(db.clone(), exchange.clone(), Bus::new());
    assert_eq!(streamer.seed().await.expect("seeded"), Seeded { inserted: 2, known: 0 });
    assert!(super::settings::switch(&db, &xrp(), true).await.expect("written"));
    *exchange.rules.lock() = rules(&[("XRPUSDT", "HALT"), ("BTCUSDT", "TRADING"), ("ETHUSDT", "TRADING")]);
    assert_eq!(streamer.seed().await.expect("seeded"), Seeded { inserted: 1, known: 2 });
    let rows = super::settings::all(&db).await.expect("read");
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row.symbol.as_str(), row.on, row.exchange_status.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("BTCUSDT", false, "TRADING"),
            ("ETHUSDT", false, "TRADING"),
            ("XRPUSDT", true, "HALT")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_replaced_is_read_to_its_end() {
    let (mut app, mut old) = Running::streaming().await;
    // Nobody listens any more: the successor's connection is refused.
    let address = app.server.close();
    old.send(r#"{"e":"serverShutdown","E":1723161255343}"#).await;
    old.send_trades([1, 2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    drop(old);
    app.eventually(|status| status.state == StreamState::BackingOff).await;
    app.server = ScriptedServer::bind_to(address).await;
    let (mut client, _) = app.server.accept().await;
    client.send_trades([4]).await;
    assert_eq!(app.broadcast(1).await, [4]);
    assert_eq!(gaps(&app.status().await), [(3, 3)]);
    app.stop().await;
}

fn symbol(name: &str) -> Symbol {
    name.parse().expect(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_many_symbols_and_takes_up_further_ones() {
    let (mut app, mut client) = Running::streaming().await;
    app.streamer.start_streaming(&symbol("BTCUSDT")).await.expect("started");
    assert_eq!(
        client.answer().await,
        ("SUBSCRIBE".to_owned(), vec!["btcusdt@trade".to_owned()])
    );
    app.streamer.connected(&[xrp(), symbol("BTCUSDT")]).await;
    for (name, id) in [("BTCUSDT", 7), ("XRPUSDT", 1), ("BTCUSDT", 9)] {
        let frame = trade_frame_of(name, id);
        client
            .send(format!(
                r#"{{"stream":"{}@trade","data":{frame}}}"#,
                name.to_lowercase()
            ))
            .await;
    }
    client.send_trades([2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    let status = app.streamer.status().await.expect("read");
    let told: Vec<_> = status
        .iter()
        .map(|stream| (stream.symbol.as_str(), stream.trades, stream.missing))
        .collect();
    assert_eq!(told, [("BTCUSDT", 2, 1), ("XRPUSDT", 2, 0)]);

    app.streamer.stop_streaming(&symbol("BTCUSDT")).await.expect("stopped");
    client.send(trade_frame_of("BTCUSDT", 10)).await;
    assert_eq!(
        client.answer().await,
        ("UNSUBSCRIBE".to_owned(), vec!["btcusdt@trade".to_owned()])
    );
    client.send_trades([3]).await;
    assert_eq!(app.broadcast(1).await, [3]);
    let status = app.streamer.status().await.expect("read");
    assert_eq!(
        (status[0].trades, status[1].reconnects),
        (2, 0),
        "passed over, and nobody reconnected"
    );
    drop(client);
    let (_client, path) = app.server.accept().await;
    assert_eq!(path, "/stream?streams=xrpusdt@trade");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_stream_says_so_and_the_others_go_on() {
    let (mut app, mut client) = Running::streaming().await;
    app.streamer.start_streaming(&symbol("BTCUSDT")).await.expect("started");
    let request = client.request().await;
    client
        .send(format!(
            r#"{{"error":{{"code":2,"msg":"no such stream"}},"id":{}}}"#,
            request["id"]
        ))
        .await;
    client.send_trades([1]).await;
    assert_eq!(app.broadcast(1).await, [1]);
    let refused = |status: &[StreamStatus]| {
        status[0]
            .last_error
            .clone()
            .is_some_and(|why| why.contains("no such stream"))
    };
    timeout(Duration::from_secs(20), async {
        while !refused(&app.streamer.status().await.expect("read")) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the status says why");
    assert_eq!(app.status().await.state, StreamState::Connected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_socket_comes_back_with_all_that_it_carried() {
    let (mut app, mut client) = Running::streaming().await;
    app.streamer.start_streaming(&symbol("ETHUSDT")).await.expect("started");
    client.answer().await;
    client.send_trades([1]).await;
    assert_eq!(app.broadcast(1).await, [1]);
    app.process("Sockets/1").expect("it runs").kill();
    let (mut client, path) = app.server.accept().await;
    assert_eq!(path, "/stream?streams=ethusdt@trade/xrpusdt@trade");
    client.send_trades([4]).await;
    assert_eq!(app.broadcast(1).await, [4]);
    assert_eq!(gaps(&app.status().await), [(2, 3)]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_without_combined_streams_gets_one_connection_per_symbol() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = ScriptedServer::bind_raw_only().await;
    let mut app = Running::start_as(folder, server, |streamer| streamer).await;
    app.streamer.start_streaming(&xrp()).await.expect("started");
    let (mut client, path) = app.server.accept().await;
    assert_eq!(path, "/ws/xrpusdt@trade");
    app.streamer.start_streaming(&symbol("BTCUSDT")).await.expect("started");
    let (_btc, path) = app.server.accept().await;
    assert_eq!(path, "/ws/btcusdt@trade");
    client.send_trades([1, 2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    app.kill_stream();
    let (mut client, _) = app.server.accept().await;
    client.send_trades([1, 2, 5]).await;
    assert_eq!(app.broadcast(1).await, [5]);
    assert_eq!(gaps(&app.status().await), [(3, 4)]);
    drop(client);
    let (_client, _) = app.server.accept().await;
    app.streamer.stop_streaming(&xrp()).await.expect("stopped");
    assert_eq!(app.status().await.state, StreamState::Off);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_connects_before_the_gate_opens() {
    let (open_gate, gate) = tokio::sync::watch::channel(false);
    let folder = tempfile::tempdir().expect("a folder");
    let app = Running::start_as(folder, ScriptedServer::bind().await, |streamer| streamer.after(gate)).await;
    app.streamer.start_streaming(&xrp()).await.expect("started");
    app.eventually(|status| status.last_error.as_deref() == Some("the warehouse does not listen yet"))
        .await;
    assert!(app.process("Sockets/1").is_none(), "there is not even a socket");
    open_gate.send_replace(true);
    let (_client, _) = app.server.accept().await;
    app.streamer.connected(&[xrp()]).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_go_back_are_heard_again_in_another_epoch_across_a_restart() {
    let impatient = |streamer: Streamer| streamer.patience(Duration::ZERO);
    let folder = tempfile::tempdir().expect("a folder");
    let mut app = Running::start_as(folder, ScriptedServer::bind().await, impatient).await;
    app.streamer.start_streaming(&xrp()).await.expect("started");
    let (mut client, _) = app.server.accept().await;
    let told = |id: i64, price: &str| trade_frame(id).replace("0.42856000", price);
    for id in 100..=104 {
        client.send(told(id, "1")).await;
    }
    for id in [1, 2, 4] {
        client.send(told(id, "2")).await;
    }
    assert_eq!(app.broadcast(5).await, [100, 101, 102, 103, 104]);
    // Nothing is remembered of ids below the first one: time decides.
    assert_eq!(app.broadcast(3).await, [1, 2, 4]);
    let folder = app.stop().await;
    let app = Running::start_in(folder).await;
    let recalled = app.eventually(|status| status.last_trade_id.is_some()).await;
    assert_eq!(
        (recalled.epoch, recalled.last_trade_id, gaps(&recalled)),
        (1, Some(4), vec![(3, 3)])
    );
    assert_eq!(recalled.gap_ranges[0].epoch, 1);
    app.stop().await;
}

/// Stores what it is told, and hangs with the first question about a range.
struct Archive(Mutex<Option<Vec<i64>>>, tokio::sync::Notify);

impl TradeArchive for Archive {
    fn missing<'a>(
        &'a self,
        _: &'a Symbol,
        _: i32,
        range: RangeInclusive<i64>,
    ) -> BoxFuture<'a, Result<Vec<RangeInclusive<i64>>, OperationError>> {
        Box::pin(async move {
            let stored = self.0.lock().clone();
            let Some(stored) = stored else {
                self.1.notify_one();
                return Err(OperationError::AppNotRunning("warehouse"));
            };
            Ok(range.filter(|id| !stored.contains(id)).map(|id| id..=id).collect())
        })
    }

    fn trades<'a>(
        &'a self,
        _: &'a Symbol,
        _: i32,
        _: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<TradeEvent>, OperationError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_downtime_cost_is_told_when_the_archive_answers_and_not_before() {
    let (mut app, mut client) = Running::streaming().await;
    client.send_trades([1, 2]).await;
    assert_eq!(app.broadcast(2).await, [1, 2]);
    let folder = app.stop().await;

    let archive = Arc::new(Archive(Mutex::new(None), tokio::sync::Notify::new()));
    let asked = Arc::clone(&archive);
    let mut app = Running::start_as(folder, ScriptedServer::bind().await, |streamer| {
        streamer.archive(archive)
    })
    .await;
    let (mut client, _) = app.server.accept().await;
    client.send_trades([8, 9]).await;
    assert_eq!(
        app.broadcast(2).await,
        [8, 9],
        "a trade does not wait for what is missing before it"
    );
    asked.1.notified().await;
    assert_eq!(app.status().await.gaps, 0, "nobody knows yet");
    // 3 and 4 were stored by the last program, whose position was behind.
    *asked.0.lock() = Some(vec![3, 4, 6]);
    let told = app.eventually(|status| status.gaps > 0).await;
    assert_eq!((gaps(&told), told.missing), (vec![(5, 5), (7, 7)], 2));
    client.send_trades([7]).await;
    assert_eq!(app.broadcast(1).await, [7], "what comes late fills it");
    let folder = app.stop().await;
    let recalled = super::settings::recall(&open(&folder).await, &xrp())
        .await
        .expect("read");
    assert_eq!(recalled.position, Some((0, 9)));
    let rows: Vec<_> = recalled
        .gaps
        .iter()
        .map(|(epoch, range, ..)| (*epoch, range.clone()))
        .collect();
    assert_eq!(rows, [(0, 5..=5)]);
}
