//! Many symbols at once.

use super::*;
use std::collections::BTreeMap;

const SYMBOLS: usize = 400;
const TRADES: i64 = 40;
const SOCKETS: usize = 4;

fn name(number: usize) -> String {
    format!("S{number:03}USDT")
}

/// Subscribes to all symbols over some combined sockets, half of them by their address and half by a message.
async fn subscribe(venue: &Venue) -> Vec<Socket> {
    let names: Vec<String> = (0..SYMBOLS)
        .map(|number| format!("{}@trade", name(number).to_lowercase()))
        .collect();
    let mut sockets = Vec::new();
    for (number, part) in names.chunks(SYMBOLS / SOCKETS).enumerate() {
        if number % 2 == 0 {
            sockets.push(venue.socket(&format!("/stream?streams={}", part.join("/"))).await);
        } else {
            let mut socket = venue.socket("/stream").await;
            say(&mut socket, &json!({"method": "SUBSCRIBE", "params": part, "id": 1})).await;
            assert_eq!(next_json(&mut socket).await, json!({"result": null, "id": 1}));
            sockets.push(socket);
        }
    }
    sockets
}

/// Reads until every symbol of the socket has told its last trade; none may be left out.
async fn read_all(mut socket: Socket) -> usize {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    while last.values().filter(|id| **id == TRADES).count() < SYMBOLS / SOCKETS {
        let event = next_json(&mut socket).await;
        let symbol = event["data"]["s"].as_str().expect("a symbol").to_owned();
        let id = last.entry(symbol).or_insert(0);
        *id += 1;
        assert_eq!(event["data"]["t"], *id, "{event}");
    }
    last.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_symbols_get_every_trade_at_every_pace() {
    let names: Vec<String> = (0..SYMBOLS).map(name).collect();
    let trades = || (0..TRADES).flat_map(|_| names.iter().map(|name| (name.as_str(), "1.5")));
    for speed in [Speed::Max, Speed::Times(200.0)] {
        let venue = Venue::closed(recorded(trades(), speed)).await;
        venue
            .simulator
            .open_market_for(names.iter().map(|name| name.parse().expect("a symbol")));
        let sockets = subscribe(&venue).await;
        let reading: JoinSet<usize> = sockets.into_iter().map(read_all).collect();
        let read = tokio::time::timeout(PATIENCE, reading.join_all())
            .await
            .expect("in time");
        assert_eq!(read.into_iter().sum::<usize>(), SYMBOLS, "at {speed}");
        assert_eq!(venue.simulator.progress().borrow().unheard, BTreeMap::new());
    }
}
