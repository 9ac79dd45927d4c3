//! Where the market goes on: behind what is durable, and exactly there.

use super::*;
use crate::exchange::Frame;
use crate::exchange::binance::streams::decode;
use crate::market::{Topic, TradeEvent};
use hedgehog_core::Subscription;

const EVENTS: usize = 300;

async fn with_bus(folder: &Arc<TempDir>, market: MarketSource, bus: &Bus, memory: usize) -> Venue {
    let venue = Venue::of(Arc::clone(folder), market, |config| {
        config.bus = Some(bus.clone());
        config.memory = memory;
    });
    venue.await
}

fn durable(bus: &Bus, symbol: &Symbol) -> Subscription<TradeEvent> {
    bus.trade_events
        .subscribe_acked(&Topic::trade_events(symbol).to_string())
}

/// Reads the next trade and publishes it, as a stream does.
async fn pass_on(socket: &mut Socket, bus: &Bus) -> i64 {
    let text = next_text(socket).await;
    let Frame::Trade(trade) = decode(&text) else {
        panic!("a trade: {text}")
    };
    let id = trade.trade_id;
    bus.trade_publisher(&trade.symbol).publish(trade);
    id
}

async fn newest_played(venue: &Venue) -> Value {
    let query = "symbol=XRPUSDT&limit=1";
    let (_, newest) = venue.request("GET", "/api/v3/historicalTrades", query, None).await;
    newest[0]["id"].clone()
}

async fn until(simulator: &Simulator, what: &str, holds: impl Fn(&Progress) -> bool) -> Progress {
    let mut progress = simulator.progress();
    let reached = tokio::time::timeout(PATIENCE, progress.wait_for(|progress| holds(progress))).await;
    reached.expect(what).expect("the simulator lives").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_full_speed_the_market_waits_until_what_it_told_is_durable_and_goes_on_behind_it() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let market = recording(&vec!["0.43"; 20_000], Speed::Max);
    let bus = Bus::new();
    let mut kept = durable(&bus, &xrpusdt());
    let venue = with_bus(&folder, market.clone(), &bus, 1_000 * EVENTS).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=1_000 {
        assert_eq!(pass_on(&mut socket, &bus).await, id);
    }
    assert_eq!(newest_played(&venue).await, 1_000, "no more than there is room for");
    let _ = kept.drain(usize::MAX, |_| {});
    kept.ack(400);
    for id in 1_001..=1_400 {
        assert_eq!(pass_on(&mut socket, &bus).await, id);
    }
    assert_eq!(newest_played(&venue).await, 1_400);
    let progress = until(&venue.simulator, "what is durable is played", |progress| {
        progress.played == 400
    })
    .await;
    assert_eq!((progress.finished, progress.remaining[&xrpusdt()]), (false, 19_600));

    venue.tree.stop(ExitReason::Shutdown).await;
    let bus = Bus::new();
    let _kept = durable(&bus, &xrpusdt());
    let venue = with_bus(&folder, market, &bus, 1_000 * EVENTS).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    assert_eq!(
        next_json(&mut socket).await["t"],
        401,
        "what was not durable is told again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn symbols_share_the_room_equally() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let names = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"];
    let trades = names
        .into_iter()
        .flat_map(|name| std::iter::repeat_n((name, "1.5"), 2_000));
    let bus = Bus::new();
    let kept: Vec<_> = names.map(|name| durable(&bus, &name.parse().expect(name))).into();
    let venue = with_bus(&folder, recorded(trades, Speed::Max), &bus, 400 * EVENTS).await;
    let mut socket = venue
        .socket("/stream?streams=ausdt@trade/busdt@trade/cusdt@trade/dusdt@trade")
        .await;
    venue.simulator.open_market();
    let mut told = BTreeMap::new();
    for _ in 0..400 {
        let name = next_json(&mut socket).await["data"]["s"]
            .as_str()
            .expect("a symbol")
            .to_owned();
        *told.entry(name).or_insert(0) += 1;
    }
    assert_eq!(told, names.map(|name| (name.to_owned(), 100)).into());
    drop(kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paced_replay_is_over_when_its_last_trade_is_durable() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let market = recording(&["0.43"; 20], Speed::Times(1_000.0));
    let bus = Bus::new();
    let mut kept = durable(&bus, &xrpusdt());
    let venue = with_bus(&folder, market.clone(), &bus, 1_000 * EVENTS).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=20 {
        assert_eq!(pass_on(&mut socket, &bus).await, id);
    }
    let _ = kept.drain(usize::MAX, |_| {});
    kept.ack(17);
    until(&venue.simulator, "17 are durable", |progress| progress.played == 17).await;
    assert!(!venue.simulator.progress().borrow().finished);
    venue.tree.stop(ExitReason::Shutdown).await;

    let bus = Bus::new();
    let venue = with_bus(&folder, market, &bus, 1_000 * EVENTS).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 18..=20 {
        assert_eq!(pass_on(&mut socket, &bus).await, id, "the stop has lost none");
    }
    let progress = finished(&venue.simulator).await;
    assert_eq!((progress.played, progress.unheard.len()), (20, 0));
}

/// A program stops its streams first, and its simulator last.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_played_between_the_end_of_a_stream_and_that_of_the_program() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let market = recording(&vec!["0.43"; 3_000], Speed::Times(1_000.0));
    let bus = Bus::new();
    let venue = with_bus(&folder, market.clone(), &bus, 64 << 20).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 1..=50 {
        assert_eq!(pass_on(&mut socket, &bus).await, id);
    }
    // Read by nobody: what is told from here on is lost with the connection.
    drop(socket);
    let mut other = venue.socket("/ws/btcusdt@trade").await;
    say(&mut other, &json!({"method": "LIST_SUBSCRIPTIONS", "id": 1})).await;
    next_json(&mut other).await;
    venue.tree.stop(ExitReason::Shutdown).await;

    let bus = Bus::new();
    let venue = with_bus(&folder, market, &bus, 64 << 20).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    assert_eq!(pass_on(&mut socket, &bus).await, 51);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_tells_nothing_twice_and_leaves_nothing_out_at_a_pace() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let bus = Bus::new();
    let venue = with_bus(
        &folder,
        recording(&vec!["0.43"; 3_000], Speed::Times(1_000.0)),
        &bus,
        64 << 20,
    )
    .await;
    venue.simulator.open_market();
    let mut expected = 1;
    for part in 0..4 {
        let mut socket = venue.socket("/ws/xrpusdt@trade").await;
        let mut seen = 0;
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                let Frame::Trade(trade) = decode(text.as_str()) else {
                    panic!("a trade: {text}")
                };
                assert_eq!(trade.trade_id, expected, "after {part} kills");
                bus.trade_publisher(&trade.symbol).publish(trade);
                expected += 1;
                seen += 1;
                if seen == 200 && part < 3 {
                    venue.simulator.shared.name.whereis().expect("running").kill();
                }
                if expected > 3_000 {
                    break;
                }
            }
        }
    }
    assert_eq!(finished(&venue.simulator).await.unheard, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paced_market_begins_when_everybody_who_is_expected_listens() {
    let trades = ["AUSDT", "BUSDT"]
        .into_iter()
        .flat_map(|name| std::iter::repeat_n((name, "1.5"), 30));
    let venue = Venue::closed(recorded(trades, Speed::Times(1_000.0))).await;
    let symbols = ["AUSDT", "BUSDT", "NOTLISTED"].map(|name| name.parse::<Symbol>().expect(name));
    venue.simulator.open_market_for(symbols);
    let mut first = venue.socket("/ws/ausdt@trade").await;
    // The subscription stands before the question, and would have begun the market.
    say(&mut first, &json!({"method": "LIST_SUBSCRIPTIONS", "id": 1})).await;
    assert_eq!(next_json(&mut first).await["id"], 1);
    let (_, played) = venue
        .request("GET", "/api/v3/historicalTrades", "symbol=AUSDT", None)
        .await;
    assert_eq!(played, json!([]));
    let mut second = venue.socket("/ws/busdt@trade").await;
    for id in 1..=30 {
        assert_eq!(next_json(&mut first).await["t"], id);
        assert_eq!(next_json(&mut second).await["t"], id);
    }
    assert_eq!(finished(&venue.simulator).await.unheard, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_played_unheard_is_counted_and_never_waited_for() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let trades = ["AUSDT", "BUSDT"]
        .into_iter()
        .flat_map(|name| std::iter::repeat_n((name, "1.5"), 30));
    let bus = Bus::new();
    let venue = with_bus(&folder, recorded(trades, Speed::Times(1_000.0)), &bus, 64 << 20).await;
    let heard: Symbol = "AUSDT".parse().expect("a symbol");
    venue.simulator.open_market_for([heard]);
    let mut socket = venue.socket("/ws/ausdt@trade").await;
    for id in 1..=30 {
        assert_eq!(pass_on(&mut socket, &bus).await, id);
    }
    let progress = finished(&venue.simulator).await;
    assert_eq!(progress.unheard, [("BUSDT".parse().expect("a symbol"), 30)].into());
    assert_eq!(progress.played, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_that_is_told_again_fills_no_order_that_came_after_it() {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let market = recording(&["0.43", "0.40", "0.43", "0.43"], Speed::Max);
    let bus = Bus::new();
    let mut kept = durable(&bus, &xrpusdt());
    let venue = with_bus(&folder, market.clone(), &bus, 64 << 20).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for _ in 1..=3 {
        pass_on(&mut socket, &bus).await;
    }
    let _ = kept.drain(usize::MAX, |_| {});
    kept.ack(1);
    place(&client(&venue.simulator), buy("0.42", "later")).await;
    venue.tree.stop(ExitReason::Shutdown).await;

    let bus = Bus::new();
    let venue = with_bus(&folder, market, &bus, 64 << 20).await;
    venue.simulator.open_market();
    let mut socket = venue.socket("/ws/xrpusdt@trade").await;
    for id in 2..=4 {
        assert_eq!(pass_on(&mut socket, &bus).await, id);
    }
    let open = client(&venue.simulator)
        .open_orders(&xrpusdt())
        .await
        .expect("an answer");
    assert_eq!(open.len(), 1, "the trade at 0.40 was before the order");
}
