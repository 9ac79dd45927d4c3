//! The protocol on a real port, over the clients that everybody uses.

use super::*;
use crate::exchange::binance::BinanceClient;
use crate::exchange::{Exchange, ExchangeError, NewOrder, OrderKey, Submission};
use crate::market::{Order, OrderStatus, Side};
use crate::store::Database;
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
        let path = folder.path().join("simulator.db");
        let database = Db::open(path.to_str().expect("UTF-8"), Database::Simulator)
            .await
            .expect("a database");
        let listen = ([127, 0, 0, 1], 0).into();
        let config = SimulatorConfig {
            listen,
            market,
            rule: FillRule::Through,
            database,
        };
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
        tokio_tungstenite::connect_async(url).await.expect("connected").0
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
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trades.csv");
    let mut text = "event_type,event_time,symbol,trade_id,price,quantity,trade_time,buyer_market_maker\n".to_owned();
    for (id, price) in (1i64..).zip(prices) {
        let time = 1_559_347_200_000 + id * 1_000;
        writeln!(
            text,
            "trade,{},XRPUSDT,{id},{price},10,{time},{}",
            time + 3,
            id % 2 == 0
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

#[tokio::test(flavor = "multi_thread")]
async fn trades_wait_for_the_opening_and_come_in_today_s_format() {
    let venue = Venue::closed(recording(&["0.43844", "0.4379"], Speed::Max)).await;
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    say(&mut socket, &json!({"method": "LIST_SUBSCRIPTIONS", "id": 1})).await;
    assert_eq!(
        next_json(&mut socket).await,
        json!({"result": ["xrpusdt@trade"], "id": 1}),
        "and no trade before it"
    );
    venue.simulator.open_market();
    assert_eq!(
        next_text(&mut socket).await,
        r#"{"e":"trade","E":1559347201003,"s":"XRPUSDT","t":1,"p":"0.43844000","q":"10.00000000","T":1559347201000,"m":false,"M":true}"#
    );
    assert_eq!(next_json(&mut socket).await["t"], 2);
    let _reading = read_on(socket);
    let end = finished(&venue.simulator).await;
    assert_eq!(
        (
            end.played,
            end.total,
            end.last_trade_ids[&xrpusdt()],
            end.remaining[&xrpusdt()]
        ),
        (2, Some(2), 2, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn combined_streams_are_wrapped_and_microseconds_are_scaled() {
    let venue = Venue::open(recording(&["0.43844"], Speed::Max)).await;
    let mut socket = venue
        .socket("/stream?streams=xrpusdt@trade/btcusdt@depth&timeUnit=MICROSECOND")
        .await;
    assert_eq!(
        next_text(&mut socket).await,
        r#"{"stream":"xrpusdt@trade","data":{"e":"trade","E":1559347201003000,"s":"XRPUSDT","t":1,"p":"0.43844000","q":"10.00000000","T":1559347201000000,"m":false,"M":true}}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn control_messages_change_the_streams_and_echo_their_id() {
    let venue = Venue::open(recording(&["0.43"], Speed::Max)).await;
    let mut socket = venue.socket("/ws").await;
    for (message, answer) in [
        (
            json!({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "xrpusdt@depth"], "id": "a"}),
            json!({"result": null, "id": "a"}),
        ),
        (
            json!({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": -1}),
            json!({"result": null, "id": -1}),
        ),
        (
            json!({"method": "LIST_SUBSCRIPTIONS", "id": null}),
            json!({"result": ["xrpusdt@depth"], "id": null}),
        ),
        (
            json!({"method": "GET_PROPERTY", "params": ["combined"], "id": 4}),
            json!({"result": false, "id": 4}),
        ),
    ] {
        say(&mut socket, &message).await;
        assert_eq!(next_json(&mut socket).await, answer);
    }
    drop(socket);
    let mut socket = venue.socket("/ws").await;
    for (message, code, id) in [
        (
            json!({"method": "SUBSCRIBE", "params": ["nonsense"], "id": 2}),
            2,
            json!(2),
        ),
        (json!({"method": "DANCE", "id": 3}), 2, json!(3)),
        (json!({"id": 4}), 2, json!(4)),
        (
            json!({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 5}),
            1,
            json!(5),
        ),
    ] {
        say(&mut socket, &message).await;
        let answer = next_json(&mut socket).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), &id),
            "{answer}"
        );
    }
    socket.send(Message::text("{")).await.expect("connected");
    assert_eq!(next_json(&mut socket).await["error"]["code"], 3);
    assert!(
        is_over({
            say(&mut socket, &json!({"method": "LIST_SUBSCRIPTIONS", "id": 6})).await;
            socket
        })
        .await,
        "a sixth message"
    );

    let mut socket = venue.socket("/ws").await;
    say(
        &mut socket,
        &json!({"method": "SET_PROPERTY", "params": ["combined", true], "id": 1}),
    )
    .await;
    next_json(&mut socket).await;
    say(
        &mut socket,
        &json!({"method": "SUBSCRIBE", "params": ["xrpusdt@trade"], "id": 2}),
    )
    .await;
    let (first, second) = (next_json(&mut socket).await, next_json(&mut socket).await);
    let event = if first["id"] == 2 { second } else { first };
    assert_eq!(
        (&event["stream"], &event["data"]["t"]),
        (&json!("xrpusdt@trade"), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_at_full_speed_waits_for_its_subscriber_and_loses_nothing() {
    let prices = vec!["0.43"; 20_000];
    let venue = Venue::open(recording(&prices, Speed::Max)).await;
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=20_000i64 {
        assert_eq!(next_json(&mut socket).await["t"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paced_recording_runs_whether_or_not_anybody_listens() {
    let venue = Venue::open(recording(&["0.43"; 50], Speed::Times(100.0))).await;
    assert_eq!(finished(&venue.simulator).await.played, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_replay_at_full_speed_leaves_nothing_out() {
    let market = recording(&vec!["0.43"; 60_000], Speed::Max);
    let mut venue = Venue::open(market.clone()).await;
    let mut read = 0;
    for part in 0..6 {
        let mut socket = venue.socket("/ws/xrpusdt@trade").await;
        let first = next_json(&mut socket).await["t"].as_i64().expect("an id");
        assert!((1..=read + 1).contains(&first), "{read} were read, then {first} came");
        read = read.max(first);
        // Slower than the market: what is on its way when the connection is dropped fills every buffer.
        for _ in 0..5_000 {
            read = read.max(next_json(&mut socket).await["t"].as_i64().expect("an id"));
        }
        drop(socket);
        match part {
            1 => venue.simulator.shared.name.whereis().expect("running").kill(),
            3 => {
                venue = venue.restart(market.clone()).await;
                venue.simulator.open_market();
            }
            _ => {}
        }
    }
    assert!(read > 10_000, "most is not read twice: {read}");
    let _reading = read_on(venue.socket("/ws/xrpusdt@trade").await);
    assert_eq!(finished(&venue.simulator).await.played, 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_market_flows_to_subscribers_and_its_history_is_what_was_sent() {
    let venue = Venue::open(MarketSource::Generated { seed: 1 }).await;
    let mut socket = venue.socket("/ws/btcusdt@trade").await;
    let mut sent = Vec::new();
    for id in 1..=5 {
        let event = next_json(&mut socket).await;
        assert_eq!((&event["t"], &event["s"]), (&json!(id), &json!("BTCUSDT")));
        sent.push((event["p"].clone(), event["q"].clone(), event["m"].clone()));
    }
    let (status, trades) = venue
        .request(
            "GET",
            "/api/v3/historicalTrades",
            "symbol=BTCUSDT&fromId=2&limit=3",
            None,
        )
        .await;
    let told = trades.as_array().expect("an array");
    let told: Vec<_> = told
        .iter()
        .map(|trade| {
            (
                trade["price"].clone(),
                trade["qty"].clone(),
                trade["isBuyerMaker"].clone(),
            )
        })
        .collect();
    assert_eq!((status, &told[..]), (200, &sent[1..4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_every_symbol_are_listed() {
    let venue = Venue::open(MarketSource::Generated { seed: 1 }).await;
    let info = client(&venue.simulator).exchange_info().await.expect("an answer");
    assert!(info.symbols.len() >= 20);
    let rules = &info.symbols[&"BTCUSDT".parse().expect("a symbol")].filters;
    let texts = [&rules.tick_size, &rules.step_size, &rules.min_notional].map(crate::market::plain_text);
    assert_eq!(texts, ["0.01000000", "0.00001000", "5.00000000"]);
    let (_, one) = venue
        .request("GET", "/api/v3/exchangeInfo", "symbol=ETHBTC", None)
        .await;
    assert_eq!(
        (one["symbols"].as_array().map(Vec::len), &one["symbols"][0]["baseAsset"]),
        (Some(1), &json!("ETH"))
    );
    let (status, refusal) = venue
        .request("GET", "/api/v3/exchangeInfo", "symbol=NOSUCH", None)
        .await;
    assert_eq!((status, &refusal["code"]), (400, &json!(-1121)));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_not_properly_signed_are_refused() {
    let venue = Venue::open(recording(&["0.43"], Speed::Max)).await;
    let fresh = format!("symbol=XRPUSDT&timestamp={}", server::now());
    let late = format!("symbol=XRPUSDT&timestamp={}", server::now() - 6_000);
    let unstamped = "symbol=XRPUSDT";
    let signed = |text: &str| format!("{text}&signature={}", sign(text));
    for (query, key, status, code) in [
        (signed(&fresh), Some(API_KEY), 200, None),
        (signed(&fresh), None, 401, Some(-2014)),
        (signed(&fresh), Some("nobody"), 401, Some(-2015)),
        (
            format!("{fresh}&signature={}", "0".repeat(64)),
            Some(API_KEY),
            400,
            Some(-1022),
        ),
        (
            signed(&fresh).replace("XRPUSDT", "BTCUSDT"),
            Some(API_KEY),
            400,
            Some(-1022),
        ),
        (fresh.clone(), Some(API_KEY), 400, Some(-1102)),
        (signed(&late), Some(API_KEY), 400, Some(-1021)),
        (signed(unstamped), Some(API_KEY), 400, Some(-1102)),
    ] {
        let (told, body) = venue.request("GET", "/api/v3/openOrders", &query, key).await;
        assert_eq!((told, body["code"].as_i64()), (status, code), "{query}: {body}");
    }
    let (status, _) = venue.request("GET", "/api/v3/nothing", "", None).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_break_a_rule_are_refused_with_its_code() {
    let venue = Venue::open(recording(&["0.43"], Speed::Max)).await;
    let place = |params: &str| {
        let params = format!("symbol=XRPUSDT&{params}");
        let venue = &venue;
        async move { venue.signed("POST", "/api/v3/order", &params).await.1 }
    };
    for (params, code, text) in [
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=100&price=0.400001",
            -1013,
            "Filter failure: PRICE_FILTER",
        ),
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=100.01&price=0.4",
            -1013,
            "Filter failure: LOT_SIZE",
        ),
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=10&price=0.4",
            -1013,
            "Filter failure: NOTIONAL",
        ),
        (
            "side=SELL&type=LIMIT&timeInForce=GTC&quantity=100&price=0.4",
            -2010,
            "insufficient balance",
        ),
        (
            "side=HOLD&type=LIMIT&timeInForce=GTC&quantity=100&price=0.4",
            -1117,
            "side",
        ),
        ("side=BUY&type=MARKET&quantity=100", -1116, "orderType"),
        (
            "side=BUY&type=LIMIT&timeInForce=FOK&quantity=100&price=0.4",
            -1115,
            "timeInForce",
        ),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=100", -1102, "'price'"),
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1e2&price=0.4",
            -1100,
            "'quantity'",
        ),
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=100&price=0.4&newClientOrderId=a%20b",
            -1100,
            "newClientOrderId",
        ),
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=100&price=0.4&typo=1",
            -1104,
            "Not all sent parameters",
        ),
    ] {
        let body = place(params).await;
        assert_eq!(body["code"], code, "{params}: {body}");
        assert!(
            body["msg"].as_str().is_some_and(|msg| msg.contains(text)),
            "{params}: {body}"
        );
    }
    let ack = place("side=BUY&type=LIMIT&timeInForce=GTC&quantity=100&price=0.4&newOrderRespType=ACK").await;
    assert_eq!(
        (ack["orderId"].as_i64(), ack.get("status")),
        (Some(1), None),
        "refusals take no ids"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lives_from_placement_to_fill_and_the_account_is_told_each_step() {
    let venue = Venue::closed(recording(&["0.43", "0.42", "0.4", "0.5"], Speed::Max)).await;
    let mut events = venue.user_data().await;
    let client = client(&venue.simulator);
    let bought = place(&client, buy("0.42", "first")).await;
    assert_eq!(
        (bought.order_id, bought.status, bought.time),
        (1, OrderStatus::New, bought.update_time)
    );
    let cancelled = place(&client, buy("0.41", "second")).await;
    let duplicate = client.place(&buy("0.41", "second")).await;
    assert!(
        matches!(duplicate, Submission::Rejected(ExchangeError::Api { code: -2010, .. })),
        "{duplicate:?}"
    );
    let cancelled = client
        .cancel(&xrpusdt(), &OrderKey::Id(cancelled.order_id))
        .await
        .expect("an answer")
        .expect("open");
    assert_eq!(cancelled.status, OrderStatus::Canceled);
    assert_eq!(
        client.cancel(&xrpusdt(), &OrderKey::Id(2)).await.expect("an answer"),
        None
    );
    assert_eq!(
        client.open_orders(&xrpusdt()).await.expect("an answer"),
        std::slice::from_ref(&bought)
    );

    let told = async |events: &mut Socket| {
        let report = next_json(events).await;
        let position = next_json(events).await;
        assert_eq!(
            (&report["subscriptionId"], &position["event"]["e"]),
            (&json!(0), &json!("outboundAccountPosition"))
        );
        (report["event"].clone(), position["event"]["B"].clone())
    };
    let (report, balances) = told(&mut events).await;
    assert_eq!(report["x"], "NEW");
    assert_eq!(
        balances,
        json!([{"a": "USDT", "f": "9999957.95800000", "l": "42.04200000"}])
    );
    assert_eq!(told(&mut events).await.0["i"], 2);
    let (report, _) = told(&mut events).await;
    assert_eq!(
        [&report["x"], &report["X"], &report["C"]],
        [&json!("CANCELED"), &json!("CANCELED"), &json!("second")]
    );

    venue.simulator.open_market();
    let mut market = venue.socket("/ws/xrpusdt@trade").await;
    let (report, balances) = told(&mut events).await;
    let expected = json!({
        "e": "executionReport", "E": report["E"], "s": "XRPUSDT", "c": "first", "S": "BUY", "o": "LIMIT", "f": "GTC",
        "q": "100.00000000", "p": "0.42000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "TRADE",
        "X": "FILLED", "r": "NONE", "i": 1, "l": "100.00000000", "z": "100.00000000", "L": "0.42000000",
        "n": "0.04200000", "N": "USDT", "T": report["E"], "t": 3, "I": report["I"], "w": false, "m": true, "M": false,
        "O": bought.time, "Z": "42.00000000", "Y": "42.00000000", "Q": "0.00000000", "W": bought.time, "V": "EXPIRE_MAKER",
    });
    assert_eq!(report, expected, "filled by the first trade strictly below its price");
    let after = json!([{"a": "USDT", "f": "9999957.95800000", "l": "0.00000000"}, {"a": "XRP", "f": "100.00000000", "l": "0.00000000"}]);
    assert_eq!(balances, after);
    for id in 1..=4 {
        assert_eq!(next_json(&mut market).await["t"], id);
    }
    let filled = client
        .order(&xrpusdt(), &OrderKey::Client("first".into()))
        .await
        .expect("an answer")
        .expect("known");
    assert_eq!(
        (filled.status, &filled.executed_quantity),
        (OrderStatus::Filled, &bought.original_quantity)
    );
    assert_eq!(filled.cummulative_quote_quantity.to_string(), "42.00000000");
    assert!(filled.update_time >= filled.time);
    assert_eq!(
        client.order(&xrpusdt(), &OrderKey::Id(99)).await.expect("an answer"),
        None
    );

    let mut again = venue.user_data().await;
    say(&mut again, &json!({"id": null, "method": "time"})).await;
    assert!(next_json(&mut again).await["result"]["serverTime"].is_i64());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_simulator_comes_back_on_its_port_with_every_order() {
    let venue = Venue::open(recording(&["0.43", "0.43", "0.4"], Speed::Max)).await;
    let client = client(&venue.simulator);
    let order = place(&client, buy("0.42", "kept")).await;
    let (market, events) = (venue.socket("/ws/btcusdt@trade").await, venue.user_data().await);
    let children = venue.tree.which_children().await.expect("alive");
    assert_eq!(children.len(), 1);
    venue.simulator.shared.name.whereis().expect("running").kill();
    assert!(
        is_over(market).await && is_over(events).await,
        "connections end with the process"
    );

    let open = loop {
        match client.open_orders(&xrpusdt()).await {
            Ok(open) => break open,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    };
    assert_eq!(open, [order]);
    let mut market = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=3 {
        assert_eq!(next_json(&mut market).await["t"], id, "the market is still open");
    }
    let filled = client
        .order(&xrpusdt(), &OrderKey::Id(1))
        .await
        .expect("an answer")
        .expect("known");
    assert_eq!(filled.status, OrderStatus::Filled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_exchange_was() {
    let market = recording(&["0.43", "0.42", "0.4"], Speed::Max);
    let venue = Venue::open(market.clone()).await;
    place(&client(&venue.simulator), buy("0.41", "one")).await;
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=3 {
        assert_eq!(next_json(&mut socket).await["t"], id);
    }
    let reading = read_on(socket);
    finished(&venue.simulator).await;
    drop(reading);
    let venue = venue.restart(market).await;
    let progress = venue.simulator.progress().borrow().clone();
    assert!(progress.finished && progress.played == 3, "told at once: {progress:?}");
    venue.simulator.open_market();
    let client = client(&venue.simulator);
    let filled = client
        .order(&xrpusdt(), &OrderKey::Client("one".into()))
        .await
        .expect("an answer")
        .expect("known");
    assert_eq!(filled.status, OrderStatus::Filled);
    assert_eq!(place(&client, buy("0.41", "two")).await.order_id, 2);
    let (_, account) = venue.signed("GET", "/api/v3/account", "omitZeroBalances=true").await;
    let xrp = json!({"asset": "XRP", "free": "100.00000000", "locked": "0.00000000"});
    assert!(
        account["balances"]
            .as_array()
            .is_some_and(|balances| balances.contains(&xrp)),
        "{account}"
    );
    let (_, newest) = venue
        .request("GET", "/api/v3/historicalTrades", "symbol=XRPUSDT&limit=2", None)
        .await;
    assert_eq!(newest.as_array().map(Vec::len), Some(2), "what was played stays known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_market_continues_its_ids_after_a_restart() {
    let market = MarketSource::Generated { seed: 3 };
    let venue = Venue::open(market.clone()).await;
    let mut socket = venue.socket("/ws/ethusdt@trade").await;
    let mut last = 0;
    for _ in 0..3 {
        last = next_json(&mut socket).await["t"].as_i64().expect("an id");
    }
    drop(socket);
    let venue = venue.restart(market).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/ethusdt@trade").await;
    let first = next_json(&mut socket).await["t"].as_i64().expect("an id");
    // Some may have been on their way when the connection was dropped.
    assert!((last + 1..last + 10).contains(&first), "{last} then {first}");
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
