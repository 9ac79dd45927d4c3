//! An exchange of its own: it goes on while nobody listens, and never goes back.

use super::*;

async fn alone(folder: &Arc<TempDir>, market: MarketSource) -> Venue {
    let venue = Venue::of(Arc::clone(folder), market, |config| config.alone = true).await;
    venue.simulator.open_market();
    venue
}

/// What the database of a program would be that ended at this moment.
async fn as_after_a_kill(folder: &TempDir) -> Arc<TempDir> {
    let copy = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let path = copy.path().join("simulator.db");
    let copied = database(folder)
        .await
        .run(diesel::sql_query(format!("VACUUM INTO '{}'", path.display())))
        .await;
    copied.expect("a copy");
    copy
}

async fn next_id(socket: &mut Socket) -> i64 {
    next_json(socket).await["t"].as_i64().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_of_its_own_goes_on_unheard_and_continues_exactly_after_a_stop() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let market = MarketSource::Generated { seed: 1 };
    let venue = alone(&folder, market.clone()).await;
    let mut progress = venue.simulator.progress();
    let unheard = |progress: &Progress| progress.last_trade_ids.values().filter(|id| **id >= 10).count() >= 20;
    let heard = tokio::time::timeout(PATIENCE, progress.wait_for(unheard)).await;
    heard.expect("in time").expect("it lives");
    venue.tree.stop(ExitReason::Shutdown).await;
    let before = venue.simulator.progress().borrow().last_trade_ids.clone();

    let venue = Venue::of(Arc::clone(&folder), market, |config| config.alone = true).await;
    let after = venue.simulator.progress().borrow().last_trade_ids.clone();
    assert_eq!(before, after, "an orderly stop knows exactly where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sudden_end_a_market_of_its_own_goes_on_a_little_ahead_and_never_back() {
    let markets = [
        MarketSource::Generated { seed: 1 },
        recording(&vec!["0.43"; 100_000], Speed::Times(500.0)),
    ];
    for (market, symbol) in markets.into_iter().zip(["btcusdt", "xrpusdt"]) {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let venue = alone(&folder, market.clone()).await;
        let mut socket = venue.socket(&format!("/ws/{symbol}@trade")).await;
        let mut last = next_id(&mut socket).await;
        for _ in 0..20 {
            last = next_id(&mut socket).await;
        }
        let copy = as_after_a_kill(&folder).await;

        let again = alone(&copy, market).await;
        let first = next_id(&mut again.socket(&format!("/ws/{symbol}@trade")).await).await;
        assert!(first > last, "{symbol}: {last} was told, then {first}");
        assert!(first < last + 5_000, "{symbol}: {last} was told, then {first}");
        // What was skipped has happened, and can be asked for.
        let query = format!("symbol={}&fromId={}&limit=5", symbol.to_uppercase(), last + 1);
        let (_, missed) = again.request("GET", "/api/v3/historicalTrades", &query, None).await;
        let ids: Vec<_> = missed
            .as_array()
            .expect("a list")
            .iter()
            .map(|trade| trade["id"].as_i64())
            .collect();
        assert_eq!(ids, (last + 1..last + 6).map(Some).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_its_own_waits_for_its_first_subscriber() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let venue = alone(&folder, recording(&["0.43"; 50], Speed::Times(1_000.0))).await;
    let mut other = venue.socket("/ws/btcusdt@trade").await;
    say(&mut other, &json!({"method": "LIST_SUBSCRIPTIONS", "id": 1})).await;
    next_json(&mut other).await;
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=50 {
        assert_eq!(next_id(&mut socket).await, id);
    }
    assert_eq!(finished(&venue.simulator).await.unheard, BTreeMap::new());
}
