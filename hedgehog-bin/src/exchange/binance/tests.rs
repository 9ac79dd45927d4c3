//! The client against servers that answer as the exchange does on its bad days.

use super::BinanceClient;
use super::scripted_server::ScriptedServer;
use super::signing::{signature, ws_api_payload};
use crate::exchange::{
    Account, Credentials, Endpoints, ExchangeError, Execution, ExecutionType, MarketData, NewOrder, OrderKey,
    Submission, UserDataEvent,
};
use crate::market::{OrderStatus, Side, Symbol};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Answers the clock by itself and everything else from a list; remembers what was asked.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    answers: VecDeque<(u16, HeaderMap, String)>,
    requests: Vec<String>,
    clock_ahead: i64,
}

impl Script {
    fn then(self, status: u16, body: impl Into<String>) -> Self {
        self.0.lock().answers.push_back((status, HeaderMap::new(), body.into()));
        self
    }

    fn then_pause(self, status: u16, retry_after: &'static str) -> Self {
        let headers = HeaderMap::from_iter([(axum::http::header::RETRY_AFTER, retry_after.parse().expect("a header"))]);
        self.0
            .lock()
            .answers
            .push_back((status, headers, r#"{"code":-1003,"msg":"Too many requests."}"#.into()));
        self
    }

    /// What was asked, the clock left out: method, path and parameters.
    fn requests(&self) -> Vec<String> {
        self.0.lock().requests.clone()
    }

    async fn client(&self) -> BinanceClient {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let endpoints = Endpoints::simulator(listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        BinanceClient::new(endpoints, credentials()).expect("a client")
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let mut played = script.0.lock();
    if request.uri().path() == "/api/v3/time" {
        let time = super::clock::local_now() + played.clock_ahead;
        return json!({ "serverTime": time }).to_string().into_response();
    }
    let signed = request
        .headers()
        .get("X-MBX-APIKEY")
        .is_some_and(|key| key == "the-key");
    played.requests.push(format!(
        "{} {}{}",
        request.method(),
        request.uri(),
        if signed { " with key" } else { "" }
    ));
    let (status, headers, body) = played.answers.pop_front().expect("the script has an answer left");
    (StatusCode::from_u16(status).expect("a status"), headers, body).into_response()
}

fn credentials() -> Credentials {
    Credentials::new("the-key", "the-secret")
}

fn symbol() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

fn buy() -> NewOrder {
    NewOrder {
        symbol: symbol(),
        side: Side::Buy,
        price: "61831.44".parse().expect("a price"),
        quantity: "0.00323".parse().expect("a quantity"),
        client_order_id: "hh-1".to_owned(),
    }
}

const PLACED: &str = r#"{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"hh-1","transactTime":1507725176595,
    "price":"61831.44000000","origQty":"0.00323000","executedQty":"0.00100000","origQuoteOrderQty":"0.000000",
    "cummulativeQuoteQty":"61.83144000","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY",
    "workingTime":1507725176595,"selfTradePreventionMode":"NONE","fills":[{"price":"61831.44","qty":"0.001","commission":"0","commissionAsset":"BTC","tradeId":56}]}"#;

const QUERIED: &str = r#"{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"hh-1","price":"61831.44000000",
    "origQty":"0.00323000","executedQty":"0.00323000","cummulativeQuoteQty":"199.71555120","status":"FILLED","timeInForce":"GTC",
    "type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1507725176595,"updateTime":1507725177000,
    "isWorking":true,"workingTime":1507725176595,"origQuoteOrderQty":"0.000000","selfTradePreventionMode":"NONE"}"#;

#[tokio::test]
async fn an_accepted_order_has_every_field_and_was_signed_in_the_order_it_was_sent() {
    let script = Script::default().then(200, PLACED);
    let Submission::Accepted(order) = script.client().await.place(&buy()).await else {
        panic!("not accepted")
    };
    assert_eq!((order.order_id, order.status), (28, OrderStatus::PartiallyFilled));
    assert_eq!((order.time, order.update_time), (1_507_725_176_595, 1_507_725_176_595));
    assert_eq!(order.cummulative_quote_quantity.to_string(), "61.83144000");
    assert_eq!(order.stop_price.to_string(), "0.00000000");

    let request = &script.requests()[0];
    let query = request
        .strip_prefix("POST /api/v3/order?")
        .expect(request)
        .strip_suffix(" with key")
        .expect(request);
    let (unsigned, signed) = query.split_once("&signature=").expect("a signature");
    assert!(unsigned.starts_with("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.00323&price=61831.44"));
    assert!(unsigned.contains("newClientOrderId=hh-1") && unsigned.contains("timestamp="));
    assert_eq!(signed, signature("the-secret", unsigned));
}

#[tokio::test]
async fn an_order_of_unknown_outcome_is_never_called_rejected() {
    let unknown = [
        (500, ""),
        (503, r#"{"code":-1008,"msg":"Server is currently overloaded."}"#),
        (
            400,
            r#"{"code":-1006,"msg":"An unexpected response was received from the message bus."}"#,
        ),
        (
            408,
            r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#,
        ),
        (200, "<html>"),
        (302, ""),
    ];
    for (status, body) in unknown {
        let outcome = Script::default().then(status, body).client().await.place(&buy()).await;
        assert!(
            matches!(outcome, Submission::Unknown(_)),
            "HTTP {status} {body}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_order_is_rejected_with_the_reason() {
    let script = Script::default()
        .then(
            400,
            r#"{"code":-2010,"msg":"Account has insufficient balance for requested action."}"#,
        )
        .then(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#)
        .then(403, "<html>firewall</html>");
    let client = script.client().await;
    let outcome = client.place(&buy()).await;
    assert!(
        matches!(&outcome, Submission::Rejected(ExchangeError::Api { code: -2010, .. })),
        "{outcome:?}"
    );
    let outcome = client.place(&buy()).await;
    assert!(
        matches!(&outcome, Submission::Rejected(ExchangeError::UnknownSymbol(s)) if *s == symbol()),
        "{outcome:?}"
    );
    let outcome = client.place(&buy()).await;
    assert!(
        matches!(&outcome, Submission::Rejected(ExchangeError::Protocol { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn without_a_connection_the_order_was_not_sent_and_the_error_tells_no_secret() {
    let endpoints = Endpoints::simulator(([127, 0, 0, 1], 1).into());
    let client = BinanceClient::new(endpoints, credentials()).expect("a client");
    let Submission::Rejected(error) = client.place(&buy()).await else {
        panic!("nothing was sent")
    };
    assert!(error.is_transient());
    let shown = format!("{error} {error:?} {client:?}");
    assert!(
        !shown.contains("signature") && !shown.contains("the-key") && !shown.contains("the-secret"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_open_and_the_error_tells_no_signature() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let endpoints = Endpoints::simulator(listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        // The clock is answered; the order is read and the connection cut.
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut buffer = [0; 4096];
        loop {
            let (mut tcp, _) = listener.accept().await.expect("a client");
            let read = tcp.read(&mut buffer).await.expect("a request");
            if buffer[..read].starts_with(b"GET /api/v3/time") {
                let body = json!({ "serverTime": super::clock::local_now() }).to_string();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                tcp.write_all(answer.as_bytes()).await.expect("sent");
            }
        }
    });
    let client = BinanceClient::new(endpoints, credentials()).expect("a client");
    let outcome = client.place(&buy()).await;
    let Submission::Unknown(error) = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(!format!("{error} {error:?}").contains("signature"), "{error:?}");
}

#[tokio::test]
async fn after_a_429_nothing_is_asked_before_its_time() {
    let script = Script::default().then_pause(429, "7").then(200, QUERIED);
    let client = script.client().await;
    let key = OrderKey::Id(28);
    for _ in 0..2 {
        match client.order(&symbol(), &key).await {
            Err(ExchangeError::RateLimited { retry_after }) => assert!(retry_after.as_secs_f32() > 6.0),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(script.requests().len(), 1, "the second one stayed at home");
    assert!(matches!(
        client.place(&buy()).await,
        Submission::Rejected(ExchangeError::RateLimited { .. })
    ));
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(7)).await;
    tokio::time::resume();
    assert!(client.order(&symbol(), &key).await.expect("asked again").is_some());
}

#[tokio::test]
async fn a_clock_that_went_wrong_is_set_and_the_request_sent_again() {
    let script = Script::default().then(
        400,
        r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#,
    );
    let script = script.then(200, PLACED);
    script.0.lock().clock_ahead = 3_600_000;
    let outcome = script.client().await.place(&buy()).await;
    assert!(matches!(outcome, Submission::Accepted(_)), "{outcome:?}");
    let requests = script.requests();
    let timestamp = requests[1]
        .split("timestamp=")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .expect("a timestamp");
    let ahead = timestamp.parse::<i64>().expect("a number") - super::clock::local_now();
    assert!((3_590_000..3_610_000).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn queries_and_cancels_tell_what_is_there() {
    let script = Script::default()
        .then(200, QUERIED)
        .then(400, r#"{"code":-2013,"msg":"Order does not exist."}"#)
        .then(200, r#"{"symbol":"BTCUSDT","origClientOrderId":"hh-1","orderId":28,"clientOrderId":"x","transactTime":1,"status":"CANCELED"}"#)
        .then(200, QUERIED.replace("FILLED", "CANCELED"))
        .then(400, r#"{"code":-2011,"msg":"Unknown order sent."}"#)
        .then(200, format!(r#"[{QUERIED},{{"symbol":"BTCUSDT","type":"STOP_LOSS"}}]"#));
    let (client, symbol) = (script.client().await, symbol());
    let filled = client
        .order(&symbol, &OrderKey::Client("hh-1".to_owned()))
        .await
        .expect("answered")
        .expect("known");
    assert_eq!(
        (filled.status, filled.time, filled.update_time),
        (OrderStatus::Filled, 1_507_725_176_595, 1_507_725_177_000)
    );
    assert_eq!(client.order(&symbol, &OrderKey::Id(9)).await.expect("answered"), None);
    let cancelled = client
        .cancel(&symbol, &OrderKey::Client("hh-1".to_owned()))
        .await
        .expect("answered")
        .expect("was open");
    assert_eq!(cancelled.status, OrderStatus::Canceled);
    assert_eq!(client.cancel(&symbol, &OrderKey::Id(28)).await.expect("answered"), None);
    assert_eq!(
        client.open_orders(&symbol).await.expect("answered"),
        [filled],
        "one odd order hides no other"
    );
    let requests = script.requests();
    assert!(requests[0].starts_with("GET /api/v3/order?symbol=BTCUSDT&origClientOrderId=hh-1&timestamp="));
    assert!(requests[2].starts_with("DELETE /api/v3/order?") && requests[3].contains("orderId=28&"));
}

#[tokio::test]
async fn an_account_tells_what_it_holds_and_nothing_of_what_it_does_not() {
    let account = r#"{"makerCommission":10,"canTrade":true,"balances":[
        {"asset":"BTC","free":"4723846.89208129","locked":"0.00000000"},
        {"asset":"LTC","free":"0.00000000","locked":"0.00000000"},
        {"asset":"USDT","free":"0.00000000","locked":"200.5"}]}"#;
    let script = Script::default().then(200, account);
    let held = script.client().await.balances().await.expect("answered");
    let words: Vec<String> = (held.iter())
        .map(|balance| format!("{} {:#} {:#}", balance.asset, balance.free, balance.locked))
        .collect();
    assert_eq!(words, ["BTC 4723846.89208129 0", "USDT 0 200.5"]);
    assert!(script.requests()[0].starts_with("GET /api/v3/account?omitZeroBalances=true&timestamp="));
}

#[tokio::test]
async fn the_rules_are_asked_for_once_by_whoever_needs_them() {
    let rules = r#"{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[
        {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"0.01"}]}]}"#;
    let script = Script::default().then(503, "").then(200, rules).then(200, rules);
    let client = script.client().await;
    let (first, second) = tokio::join!(client.exchange_info(), client.exchange_info());
    assert!(first.is_err() && second.is_err(), "who waited takes the refusal too");
    let (first, second) = tokio::join!(client.exchange_info(), client.exchange_info());
    assert!(Arc::ptr_eq(&first.expect("answered"), &second.expect("answered")));
    client.exchange_info().await.expect("at hand");
    assert_eq!(script.requests().len(), 2);

    let off_tick = NewOrder {
        price: "61831.445".parse().expect("a price"),
        ..buy()
    };
    assert!(matches!(
        client.place(&off_tick).await,
        Submission::Rejected(ExchangeError::Filter(_))
    ));
    assert_eq!(script.requests().len(), 2, "an order that breaks a filter is not sent");
}

const EXECUTION: &str = r#"{"e":"executionReport","E":1499405658658,"s":"BTCUSDT","c":"hh-1","S":"BUY","o":"LIMIT","f":"GTC",
    "q":"0.00323000","p":"61831.44000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"FILLED","r":"NONE",
    "i":28,"l":"0.00223000","z":"0.00323000","L":"61831.44000000","n":"0.00000223","N":"BTC","T":1499405658657,"t":77,"I":8641984,
    "w":false,"m":true,"M":false,"O":1499405658000,"Z":"199.71555120","Y":"137.88411120","Q":"0.00000000","W":1499405658000,"V":"NONE"}"#;

async fn execution(events: &mut mpsc::UnboundedReceiver<UserDataEvent>) -> Execution {
    match events.recv().await {
        Some(UserDataEvent::Execution(execution)) => execution,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_user_data_stream_subscribes_signed_tells_executions_and_comes_back() {
    let server = ScriptedServer::bind().await;
    let (sender, mut events) = mpsc::unbounded_channel();
    let client = BinanceClient::new(server.endpoints(), credentials()).expect("a client");
    let listening = tokio::spawn(async move {
        let tell = move |event| drop(sender.send(event));
        client.executions(Box::new(tell)).await
    });

    let (mut client, path) = server.accept().await;
    assert_eq!(path, "/ws-api/v3");
    let request = client.request().await;
    assert_eq!(request["method"], "userDataStream.subscribe.signature");
    let timestamp = request["params"]["timestamp"].as_i64().expect("a number").to_string();
    let payload = ws_api_payload(&[("timestamp", timestamp.as_str()), ("apiKey", "the-key")]);
    assert_eq!(request["params"]["signature"], signature("the-secret", &payload));
    // Refused for its time, it asks for the exchange's and tries again.
    client
        .send(json!({ "id": request["id"], "status": 400, "error": { "code": -1021, "msg": "Timestamp" } }).to_string())
        .await;
    let clock = client.request().await;
    assert_eq!(clock["method"], "time");
    client
        .send(json!({ "id": clock["id"], "status": 200, "result": { "serverTime": 1_000_000 } }).to_string())
        .await;
    let request = client.request().await;
    assert!((1_000_000..1_060_000).contains(&request["params"]["timestamp"].as_i64().expect("a number")));
    client
        .send(json!({ "id": request["id"], "status": 200, "result": { "subscriptionId": 0 } }).to_string())
        .await;
    assert!(matches!(events.recv().await, Some(UserDataEvent::Connected)));

    client
        .send(format!(r#"{{"subscriptionId":0,"event":{EXECUTION}}}"#))
        .await;
    let filled = execution(&mut events).await;
    assert_eq!(
        (filled.execution_type, filled.order.status, filled.trade_id),
        (ExecutionType::Trade, OrderStatus::Filled, Some(77))
    );
    assert_eq!(
        (
            filled.order.client_order_id.as_str(),
            filled.order.time,
            filled.order.update_time
        ),
        ("hh-1", 1_499_405_658_000, 1_499_405_658_657)
    );
    assert_eq!(
        (filled.commission.to_string(), filled.commission_asset.as_deref()),
        ("0.00000223".to_owned(), Some("BTC"))
    );
    assert!(filled.maker && filled.reject_reason.is_none());

    // Other events and junk are passed over; a cancel names the order by its original id.
    client
        .send(r#"{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,"B":[]}}"#)
        .await;
    client.send("junk").await;
    client
        .send(r#"{"subscriptionId":0,"event":{"e":"executionReport"}}"#)
        .await;
    let cancel = EXECUTION
        .replace(r#""c":"hh-1""#, r#""c":"cancel-9""#)
        .replace(r#""C":"""#, r#""C":"hh-1""#);
    let cancel = cancel
        .replace(r#""x":"TRADE","X":"FILLED""#, r#""x":"CANCELED","X":"CANCELED""#)
        .replace(r#""t":77"#, r#""t":-1"#);
    client.send(format!(r#"{{"subscriptionId":0,"event":{cancel}}}"#)).await;
    let cancelled = execution(&mut events).await;
    assert_eq!(
        (cancelled.order.client_order_id.as_str(), cancelled.trade_id),
        ("hh-1", None)
    );

    client
        .send(r#"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}"#)
        .await;
    assert!(matches!(events.recv().await, Some(UserDataEvent::Disconnected(_))));
    let (mut client, _) = server.accept().await;
    let request = client.request().await;
    // A report may come before the answer to the subscription.
    client
        .send(format!(r#"{{"subscriptionId":1,"event":{EXECUTION}}}"#))
        .await;
    client
        .send(json!({ "id": request["id"], "status": 200, "result": { "subscriptionId": 1 } }).to_string())
        .await;
    assert!(matches!(events.recv().await, Some(UserDataEvent::Connected)));
    assert_eq!(execution(&mut events).await.order.order_id, 28);
    listening.abort();
}
