//! What is shown: from memory, with money, and with an exchange that does not answer.

use super::*;
use crate::market::short_text;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_valued_at_the_market_and_what_is_earned_stays() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("100.00", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world
        .until("100.00", async |w| {
            w.status().await[0].open_traders[0].sell_price.is_some()
        })
        .await;
    let status = world.status().await.remove(0);
    let text = |value: Option<String>| value.unwrap_or_default();
    assert_eq!(
        (
            text(status.base_asset),
            text(status.quote_asset),
            status.price.map(|price| price.to_string())
        ),
        ("BTC".to_owned(), "USDT".to_owned(), Some("100.00".to_owned()))
    );
    // 2.0040 x (100.00 - 99.80), less 0.1 % of 2.0040 x 99.80.
    assert_eq!(
        status.open_profit.map(|open| short_text(&open)),
        Some("0.2008008".to_owned())
    );
    assert_eq!(format!("{:#}", status.open_traders[0].held), "2.004");

    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world.fill(&world.exchange.open(Side::Sell)[0]);
    world.until_quiet(async |w| !w.has_tree().await).await;
    let status = world.status().await;
    assert!(world.is_off_and_done().await, "{status:?}");
    assert_eq!(status[0].quote_asset.as_deref(), Some("USDT"));
    assert_eq!(short_text(&status[0].profit), "0.18058044");

    // The next program reads it from the ledger.
    let world = world.restart().await;
    assert!(world.is_off_and_done().await);
    assert_eq!(short_text(&world.status().await[0].profit), "0.18058044");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_exchange_down_the_ledger_shows_and_the_cause_too() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.exchange.down(true);
    let world = world.restart().await;
    assert_eq!(
        world.app.start_trading(&world.symbol).await.expect("it waits"),
        Outcome::AlreadyRunning
    );
    world.until_quiet(async |w| w.status().await[0].parked.is_some()).await;
    let status = world.status().await.remove(0);
    assert_eq!(status.open_traders.len(), 1);
    assert_eq!(
        status.open_traders[0].buy_price.as_ref().map(ToString::to_string),
        Some("99.80".to_owned())
    );
    let why = status.parked.unwrap_or_default();
    assert!(why.ends_with("exchangeInfo: connection refused"), "{why}");
    world.exchange.down(false);
    world.until_quiet(async |w| w.status().await[0].parked.is_none()).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_of_which_nothing_is_known_yet_may_be_started_later() {
    let world = World::unseeded().await;
    world.exchange.down(true);
    assert!(world.app.seed().await.is_err());
    match world.app.start_trading(&world.symbol).await {
        Err(error @ OperationError::NotSeededYet { .. }) => {
            assert!(error.to_string().ends_with("connection refused"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    world.exchange.down(false);
    world.app.seed().await.expect("seeded");
    world.app.start_trading(&world.symbol).await.expect("started");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trader_that_crashed_can_be_told_from_one_that_did_not() {
    let world = World::start().await;
    world.exchange.panic_after_placing();
    world.app.start_trading(&world.symbol).await.expect("started");
    world
        .until("100.00", async |w| {
            w.status().await[0].open_traders.iter().any(|t| t.restarts == 1)
        })
        .await;
    let exit = world.status().await[0].open_traders[0].last_exit.clone();
    assert!(
        exit.as_deref().is_some_and(|exit| exit.contains("the test wants")),
        "{exit:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_refused_is_neither_shown_nor_kept() {
    let world = World::start().await;
    world.exchange.refuse(true);
    world.app.start_trading(&world.symbol).await.expect("started");
    world
        .until("100.00", async |w| {
            w.status().await[0]
                .open_traders
                .iter()
                .any(|t| t.parked.is_some() && t.buy_price.is_none())
        })
        .await;
    world
        .until_quiet(async |w| w.rows().await == [TraderState::Ready])
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_an_hour_ago_reach_whoever_begins_to_store_now() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("100.00", async |w| {
            w.status().await[0].open_traders[0].sell_price.is_some()
        })
        .await;
    // The program is killed, and the next one stores.
    let world = world.restart().await;
    let storing = parking_lot::Mutex::new((world.store_orders(), Vec::new()));
    let stored = async |_: &World| {
        let mut storing = storing.lock();
        let (orders, seen) = &mut *storing;
        seen.extend(
            orders
                .seen()
                .iter()
                .map(|order| format!("{} {}", order.side, order.status)),
        );
        ["BUY FILLED", "SELL NEW"]
            .iter()
            .all(|state| seen.iter().any(|seen| seen == state))
    };
    world.until_quiet(stored).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_are_read_when_something_has_changed() {
    let world = World::start().await;
    assert!(world.app.balances().is_empty());
    world.app.balances.changed();
    world.until_quiet(async |w| !w.app.balances().is_empty()).await;
    let balance = world.app.balances().remove(0);
    assert_eq!(
        (balance.asset.as_str(), balance.locked.to_string()),
        ("USDT", "200".to_owned())
    );
    world.stop().await;
}
