//! The protocol on a real port, over the clients that everybody uses.

mod alone;
mod databases;
mod orders;
mod positions;
mod streams;
mod symbols;
mod tables;

use super::schema::DATABASE;
use super::*;
use crate::exchange::binance::BinanceClient;
use crate::exchange::{Account, ExchangeError, MarketData, NewOrder, OrderKey, Submission};
use crate::market::{Order, OrderStatus, Side};
use futures_util::{SinkExt, StreamExt};
use hedgehog_core::{ExitReason, Strategy, Supervisor, SupervisorRef};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(20);

/// A running simulator with a folder of its own.
struct Venue {
    folder: Arc<TempDir>,
    simulator: Simulator,
    tree: SupervisorRef,
    http: reqwest::Client,
}

impl Venue {
    async fn open(market: MarketSource) -> Self {
        let venue = Self::closed(market).await;
        venue.simulator.open_market();
        venue
    }

    async fn closed(market: MarketSource) -> Self {
        Self::in_folder(Arc::new(tempfile::tempdir().expect("a temporary folder")), market).await
    }

    async fn in_folder(folder: Arc<TempDir>, market: MarketSource) -> Self {
        Self::of(folder, market, |_| {}).await
    }

    /// With another configuration than the usual one.
    async fn of(folder: Arc<TempDir>, market: MarketSource, change: impl FnOnce(&mut SimulatorConfig)) -> Self {
        let mut config = SimulatorConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            market,
            rule: FillRule::Through,
            database: database(&folder).await,
            bus: None,
            memory: 64 << 20,
            alone: false,
        };
        change(&mut config);
        let simulator = Simulator::bind(config).await.expect("a free port");
        let tree = Supervisor::new(Strategy::OneForOne)
            .child(simulator.spec())
            .start()
            .await
            .expect("started");
        // The client installs the TLS provider that reqwest wants even for plain HTTP.
        let _ = client(&simulator);
        let http = reqwest::Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .build()
            .expect("an HTTP client");
        Self {
            folder,
            simulator,
            tree,
            http,
        }
    }

    /// Stops the simulator in good order and starts another one on the same database.
    async fn restart(self, market: MarketSource) -> Self {
        self.tree.stop(ExitReason::Shutdown).await;
        Self::in_folder(self.folder, market).await
    }

    /// Sends a request whose parameters are signed.
    async fn signed(&self, method: &str, path: &str, params: &str) -> (u16, Value) {
        let text = format!("{params}&timestamp={}", server::now());
        self.request(
            method,
            path,
            &format!("{text}&signature={}", sign(&text)),
            Some(API_KEY),
        )
        .await
    }

    async fn request(&self, method: &str, path: &str, query: &str, key: Option<&str>) -> (u16, Value) {
        let url = format!("http://{}{path}?{query}", self.simulator.shared.address);
        let mut request = self.http.request(method.parse().expect("a method"), url);
        if let Some(key) = key {
            request = request.header("X-MBX-APIKEY", key);
        }
        let response = request.send().await.expect("an answer");
        assert!(response.headers().contains_key("X-MBX-USED-WEIGHT-1M"));
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    async fn socket(&self, path: &str) -> Socket {
        let url = format!("ws://{}{path}", self.simulator.shared.address);
        // A simulator that is just being killed takes connections and does not answer them.
        let connecting = async {
            loop {
                match tokio_tungstenite::connect_async(&url).await {
                    Ok((socket, _)) => break socket,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, connecting)
            .await
            .expect("connected in time")
    }

    async fn user_data(&self) -> Socket {
        let mut socket = self.socket("/ws-api/v3").await;
        let params = format!("apiKey={API_KEY}&timestamp={}", server::now());
        let mut call = json!({"id": 7, "method": "userDataStream.subscribe.signature", "params": {}});
        call["params"]["signature"] = json!(sign(&params));
        for pair in params.split('&') {
            let (name, value) = pair.split_once('=').expect("a pair");
            call["params"][name] = value
                .parse::<i64>()
                .map_or_else(|_| json!(value), |number| json!(number));
        }
        say(&mut socket, &call).await;
        let answer = next_json(&mut socket).await;
        assert_eq!(
            (&answer["id"], &answer["status"], &answer["result"]),
            (&json!(7), &json!(200), &json!({"subscriptionId": 0}))
        );
        socket
    }
}

async fn database(folder: &TempDir) -> Db {
    let path = folder.path().join("simulator.db");
    Db::open(path.to_str().expect("UTF-8"), DATABASE)
        .await
        .expect("a database")
}

fn client(simulator: &Simulator) -> BinanceClient {
    BinanceClient::new(simulator.endpoints(), simulator.credentials()).expect("a client")
}

fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(API_SECRET.as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

async fn next_text(socket: &mut Socket) -> String {
    loop {
        match tokio::time::timeout(PATIENCE, socket.next())
            .await
            .expect("a frame in time")
        {
            Some(Ok(Message::Text(text))) => return text.as_str().to_owned(),
            Some(Ok(_)) => {}
            other => panic!("the connection ended: {other:?}"),
        }
    }
}

async fn next_json(socket: &mut Socket) -> Value {
    serde_json::from_str(&next_text(socket).await).expect("JSON")
}

async fn say(socket: &mut Socket, message: &Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .expect("connected");
}

/// Keeps reading, as a client does that answers pings.
fn read_on(mut socket: Socket) -> JoinSet<()> {
    let mut reading = JoinSet::new();
    reading.spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    reading
}

async fn finished(simulator: &Simulator) -> Progress {
    let mut progress = simulator.progress();
    let end = tokio::time::timeout(PATIENCE, progress.wait_for(|progress| progress.finished)).await;
    end.expect("in time").expect("the simulator lives").clone()
}

/// Whether the other side has ended the connection.
async fn is_over(mut socket: Socket) -> bool {
    let ended = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.is_ok()
}

/// A recording of XRPUSDT trades with ids from 1, a second apart.
fn recording(prices: &[&str], speed: Speed) -> MarketSource {
    recorded(prices.iter().map(|price| ("XRPUSDT", *price)), speed)
}

/// A recording of trades, each a second after the last one of its symbol, with ids from 1.
fn recorded<'a>(trades: impl IntoIterator<Item = (&'a str, &'a str)>, speed: Speed) -> MarketSource {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trades.csv");
    let mut text = "event_type,event_time,symbol,trade_id,price,quantity,trade_time,buyer_market_maker\n".to_owned();
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for (symbol, price) in trades {
        let id = last.entry(symbol).or_default();
        *id += 1;
        let time = 1_559_347_200_000 + *id * 1_000;
        writeln!(
            text,
            "trade,{},{symbol},{id},{price},10,{time},{}",
            time + 3,
            *id % 2 == 0
        )
        .expect("in memory");
    }
    std::fs::write(&path, text).expect("writable");
    let recording = Recording::open(&path, None).expect("readable");
    MarketSource::Recording {
        recording: Arc::new(recording),
        speed,
    }
}

fn xrpusdt() -> Symbol {
    "XRPUSDT".parse().expect("a symbol")
}

fn buy(price: &str, client_order_id: &str) -> NewOrder {
    NewOrder {
        symbol: xrpusdt(),
        side: Side::Buy,
        price: price.parse().expect("a price"),
        quantity: "100".parse().expect("a quantity"),
        client_order_id: client_order_id.into(),
    }
}

async fn place(client: &BinanceClient, order: NewOrder) -> Order {
    match client.place(&order).await {
        Submission::Accepted(order) => order,
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let venue = Venue::closed(recording(&["0.43"], Speed::Max)).await;
    let config = SimulatorConfig {
        listen: venue.simulator.shared.address,
        ..venue.simulator.shared.config.clone()
    };
    let error = Simulator::bind(config).await.expect_err("taken").to_string();
    assert!(
        error.starts_with(&format!("cannot listen on {}", venue.simulator.shared.address)),
        "{error}"
    );
}

#[test]
fn speeds_are_read_as_typed() {
    assert_eq!("max".parse(), Ok(Speed::Max));
    assert_eq!("60".parse(), Ok(Speed::Times(60.0)));
    assert_eq!(Speed::Times(60.0).to_string(), "60");
    for text in ["", "0", "-1", "fast", "NaN", "inf"] {
        assert!(
            text.parse::<Speed>().is_err_and(|error| error.contains("expected max")),
            "{text:?}"
        );
    }
}
