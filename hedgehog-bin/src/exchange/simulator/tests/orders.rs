//! Orders over REST, and what the account is told of them.

use super::*;

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
