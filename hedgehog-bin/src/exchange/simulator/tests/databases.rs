//! A database that refuses: nobody is told of what it has not got, and nothing ends.

use super::*;

async fn sql(folder: &TempDir, statement: &str) {
    let done = database(folder)
        .await
        .run(diesel::sql_query(statement.to_owned()))
        .await;
    done.expect(statement);
}

fn incarnation(venue: &Venue) -> hedgehog_core::Pid {
    venue.simulator.shared.name.whereis().expect("it runs").pid()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_refuses_the_market_stands_still_and_nobody_is_told() {
    let venue = Venue::closed(recording(&["0.43"; 20], Speed::Max)).await;
    let before = incarnation(&venue);
    sql(&venue.folder, "ALTER TABLE orders RENAME TO elsewhere").await;
    let placing = {
        let client = client(&venue.simulator);
        tokio::spawn(async move { client.place(&buy("0.42", "held")).await })
    };
    // The order is in the engine when whatever is asked after it waits behind it.
    let asked = async || {
        let asking = venue.signed("GET", "/api/v3/openOrders", "symbol=XRPUSDT");
        tokio::time::timeout(Duration::from_millis(500), asking).await
    };
    while asked().await.is_ok() {}
    assert!(!placing.is_finished(), "nobody is told of an order that is not written");
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    say(&mut socket, &json!({"method": "LIST_SUBSCRIPTIONS", "id": 1})).await;
    assert_eq!(next_json(&mut socket).await["id"], 1, "no trade happens meanwhile");
    sql(&venue.folder, "ALTER TABLE elsewhere RENAME TO orders").await;
    let placed = tokio::time::timeout(PATIENCE, placing)
        .await
        .expect("in time")
        .expect("no panic");
    // The order, or no answer within ten seconds; then the order can be found.
    match placed {
        Submission::Accepted(_) | Submission::Unknown(_) => {}
        Submission::Rejected(error) => panic!("an order that was taken is not refused: {error}"),
    }
    let found = client(&venue.simulator)
        .order(&xrpusdt(), &OrderKey::Client("held".into()))
        .await;
    assert!(found.expect("an answer").is_some());
    assert_eq!(next_json(&mut socket).await["t"], 1, "the market goes on");
    assert_eq!(incarnation(&venue), before, "no restart was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_waited_too_long_for_the_database_is_not_placed_behind_its_client_s_back() {
    let venue = Venue::closed(recording(&["0.43"], Speed::Max)).await;
    let (port, asked) = hedgehog_core::ractor::concurrency::oneshot();
    drop(asked);
    let placement = engine::Placement {
        symbol: xrpusdt(),
        side: Side::Buy,
        price: "0.42".parse().expect("a price"),
        quantity: "100".parse().expect("a quantity"),
        client_order_id: Some("late".into()),
    };
    let request = SimulatorMsg(Request::Place(placement, port.into()));
    venue.simulator.shared.name.cast(request).expect("it runs");
    let found = client(&venue.simulator)
        .order(&xrpusdt(), &OrderKey::Client("late".into()))
        .await;
    assert_eq!(found.expect("an answer"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_read_at_the_start_is_waited_for() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    database(&folder).await;
    sql(&folder, "ALTER TABLE markets RENAME TO elsewhere").await;
    let venue = Venue::in_folder(Arc::clone(&folder), recording(&["0.43", "0.42"], Speed::Max)).await;
    let before = incarnation(&venue);
    venue.simulator.open_market();
    sql(&folder, "ALTER TABLE elsewhere RENAME TO markets").await;
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    assert_eq!(next_json(&mut socket).await["t"], 1);
    assert_eq!(incarnation(&venue), before, "no restart was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_generation_of_its_market() {
    for (told, price) in [(None, "61919.33000000"), (Some(1), "61919.33000000")] {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        database(&folder).await;
        if let Some(told) = told {
            sql(
                &folder,
                &format!("INSERT INTO generator (id, generation) VALUES (1, {told})"),
            )
            .await;
        }
        // As an older release left it.
        sql(
            &folder,
            "INSERT INTO markets (symbol, last_trade_id, last_order_id) VALUES ('BTCUSDT', 776, 0)",
        )
        .await;
        let venue = Venue::in_folder(Arc::clone(&folder), MarketSource::Generated { seed: 1 }).await;
        venue.simulator.open_market();
        let trade = next_json(&mut venue.socket("/ws/btcusdt@trade").await).await;
        assert_eq!((&trade["t"], &trade["p"]), (&json!(777), &json!(price)));
    }
}
