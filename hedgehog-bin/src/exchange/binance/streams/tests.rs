//! Every shape of frame, and a socket on a real port.

use super::*;
use crate::exchange::binance::scripted_server::{ScriptedServer, trade_frame};
use crate::exchange::binance::trade_socket::StreamSocket;
use crate::exchange::{Heard, SocketError, TradeSocket};
use crate::market::TradeEvent;
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

const TODAY: &str = r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#;
const BEFORE_2024: &str = r#"{"e":"trade","E":1559433601351,"s":"XRPUSDT","t":25388799,"p":"0.42856000","q":"26.70000000","b":151732446,"a":151732463,"T":1559433601348,"m":true,"M":true}"#;
const MICROSECONDS: &str = r#"{"stream":"adausdt@trade","data":{"e":"trade","E":1560556802376000,"s":"ADAUSDT","t":14786142,"p":"0.09000000","q":"879.50000000","T":1560556802370000,"m":false,"M":true}}"#;

fn trade(text: &str) -> TradeEvent {
    match decode(text) {
        Frame::Trade(trade) => trade,
        other => panic!("{text} was read as {other:?}"),
    }
}

#[test]
fn both_formats_raw_and_combined_in_both_units_are_trades() {
    let today = trade(TODAY);
    assert_eq!((today.symbol.as_str(), today.trade_id), ("BTCUSDT", 3_735_683_259));
    assert_eq!(
        (today.price.to_string(), today.quantity.to_string()),
        ("61837.63000000".into(), "0.02000000".into())
    );
    assert_eq!(
        (today.event_time, today.trade_time),
        (1_723_161_255_343, 1_723_161_255_342)
    );
    assert!(today.buyer_market_maker);
    assert_eq!(trade(BEFORE_2024).trade_id, 25_388_799);
    let micros = trade(MICROSECONDS);
    assert_eq!(
        (micros.event_time, micros.trade_time),
        (1_560_556_802_376, 1_560_556_802_370)
    );
    let wrapped = format!(r#"{{"data":{TODAY},"stream":"btcusdt@trade"}}"#);
    assert_eq!(trade(&wrapped), today, "whatever the order of the keys");
}

#[test]
fn what_is_not_a_trade_is_named_and_never_an_error_of_the_connection() {
    let unknown = |name: &str| Frame::Unknown(name.to_owned());
    let cases = [
        (r#"{"result":null,"id":1}"#, Frame::Control),
        (
            r#"{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":2}"#,
            Frame::Control,
        ),
        (
            r#"{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}"#,
            Frame::Control,
        ),
        (r#"{"e":"serverShutdown","E":1723161255343}"#, Frame::ServerShutdown),
        (
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#,
            Frame::ServerShutdown,
        ),
        (r#"{"e":"kline","E":1,"s":"X","k":{"t":1}}"#, unknown("kline")),
        (
            r#"{"e":"depthUpdate","E":1,"s":"X","b":[["1","2"]],"a":[]}"#,
            unknown("depthUpdate"),
        ),
        (
            r#"{"stream":"x@miniTicker","data":[{"e":"24hrMiniTicker"}]}"#,
            unknown(r#"{"stream":"x@miniTicker","data":[{"e":"24hrMiniTicker"}]}"#),
        ),
        ("[]", unknown("[]")),
        ("null", unknown("null")),
    ];
    for (text, expected) in cases {
        assert_eq!(decode(text), expected, "{text}");
    }
}

#[test]
fn a_trade_that_lacks_something_is_malformed() {
    let broken = [
        TODAY.replace("\"t\":3735683259,", ""),
        TODAY.replace("61837.63000000", "6.1e4"),
        TODAY.replace("\"61837.63000000\"", "61837.63"),
        TODAY.replace("BTCUSDT", "B T C"),
        TODAY.replace("3735683259", "99999999999999999999"),
        TODAY[..60].to_owned(),
        String::new(),
    ];
    for text in broken {
        assert!(
            matches!(decode(&text), Frame::Malformed(_)),
            "{text}: {:?}",
            decode(&text)
        );
    }
}

#[test]
fn a_trade_that_is_none_of_the_market_is_told_apart_and_what_nobody_can_pay_is_malformed() {
    let futures = TODAY.replace("\"m\":true", "\"X\":\"MARKET\",\"m\":true");
    assert_eq!(trade(&futures), trade(TODAY));
    for other in ["INSURANCE_FUND", "ADL", "NA"] {
        let text = futures.replace("MARKET", other).replace("61837.63000000", "0");
        for text in [text.clone(), format!(r#"{{"stream":"btcusdt@trade","data":{text}}}"#)] {
            let told = Frame::OtherTrade {
                symbol: "BTCUSDT".parse().expect("a symbol"),
                trade_id: 3_735_683_259,
            };
            assert_eq!(decode(&text), told, "{text}");
        }
    }
    let endless = "9".repeat(4_000_000);
    for (what, broken) in [
        ("price", TODAY.replace("61837.63000000", "0.0")),
        ("price", TODAY.replace("61837.63000000", "-1")),
        ("quantity", TODAY.replace("0.02000000", "0")),
        ("trade id", TODAY.replace("3735683259", "-1")),
        ("event time", TODAY.replace("1723161255343", "1723161255")),
        ("price", TODAY.replace("61837.63000000", &endless)),
        ("not a symbol", TODAY.replace("BTCUSDT", &endless)),
    ] {
        match decode(&broken) {
            Frame::Malformed(why) => assert!(why.contains(what) && why.len() < 300, "{what}: {why}"),
            other => panic!("{what} was read as {other:?}"),
        }
    }
}

/// Any JSON, leaning towards objects with the keys of a trade.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("trade")),
        Just(Value::from("1.5")),
    ];
    leaf.prop_recursive(3, 32, 10, |inner| {
        let key = prop_oneof![
            proptest::sample::select(&["e", "E", "s", "t", "p", "q", "T", "m", "stream", "data", "event"][..])
                .prop_map(str::to_owned),
            ".{0,3}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(key, inner, 0..10)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_decoding_panic(json in any_json()) {
        decode(&json.to_string());
    }

    #[test]
    fn no_text_makes_decoding_panic(text in ".*") {
        decode(&text);
    }

    #[test]
    fn every_truncated_trade_is_malformed(end in 0..TODAY.len()) {
        prop_assert!(matches!(decode(&TODAY[..end]), Frame::Malformed(_)));
    }
}

async fn connected() -> (
    ScriptedServer,
    crate::exchange::binance::scripted_server::Client,
    Box<dyn TradeSocket>,
) {
    let server = ScriptedServer::bind().await;
    let (endpoints, symbol) = (server.endpoints(), "XRPUSDT".parse().expect("a symbol"));
    let ((client, path), socket) = tokio::join!(server.accept(), StreamSocket::connect(&endpoints, symbol));
    assert_eq!(path, "/ws/xrpusdt@trade");
    (server, client, Box::new(socket.expect("a connection")))
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_payload() {
    let (_server, mut client, mut socket) = connected().await;
    client.send_message(Message::Ping("1723161255343".into())).await;
    let pong = tokio::select! {
        pong = client.receive() => pong,
        frame = socket.next() => panic!("a ping is not a frame for the reader: {frame:?}"),
    };
    assert_eq!(pong, Some(Message::Pong("1723161255343".into())));
}

#[tokio::test]
async fn a_minute_of_silence_ends_the_connection_and_a_ping_breaks_the_silence() {
    let (_server, mut client, mut socket) = connected().await;
    let begun = Instant::now();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(59)).await;
    client.send_message(Message::Ping("20".into())).await;
    assert!(matches!(socket.next().await, Err(SocketError::Silent(_))));
    assert!(begun.elapsed() >= Duration::from_secs(59 + 60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_goodbye_and_a_cut_both_end_the_connection() {
    let (_server, mut client, mut socket) = connected().await;
    client.send(trade_frame(1)).await;
    client.send_message(Message::Close(None)).await;
    assert!(matches!(socket.next().await, Ok(Heard::Frame(_, Frame::Trade(_)))));
    assert!(matches!(socket.next().await, Err(SocketError::Closed(_))));
    let (_server, client, mut socket) = connected().await;
    drop(client);
    assert!(matches!(
        socket.next().await,
        Err(SocketError::Broken(_) | SocketError::Closed(_))
    ));
}
