//! Market streams at each pace.

use super::*;

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
async fn a_paced_recording_begins_with_its_first_subscriber() {
    let venue = Venue::open(recording(&["0.43"; 50], Speed::Times(100.0))).await;
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=50 {
        assert_eq!(next_json(&mut socket).await["t"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_replay_at_full_speed_leaves_nothing_out() {
    let market = recording(&vec!["0.43"; 60_000], Speed::Max);
    let mut venue = Venue::open(market.clone()).await;
    let mut read = 0;
    for part in 0..6 {
        let (mut socket, first) = tokio::time::timeout(PATIENCE, first_trade(&venue))
            .await
            .expect("in time");
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

/// Connects until a trade comes: a simulator that is just being killed may still take a connection.
async fn first_trade(venue: &Venue) -> (Socket, i64) {
    loop {
        let mut socket = venue.socket("/ws/xrpusdt@trade").await;
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                let event: Value = serde_json::from_str(&text).expect("JSON");
                return (socket, event["t"].as_i64().expect("an id"));
            }
        }
    }
}
