//! An exchange that has begun its ids anew, has pruned our orders, or lists our symbol no more.

use super::*;
use crate::market::{Order, OrderStatus};
use std::sync::atomic::Ordering;

/// A trader with its buy order out.
async fn with_a_buy(patience: Duration) -> (World, Order) {
    let mut world = World::start().await;
    world.app.desk.patience = Patience {
        for_long: patience,
        every: Duration::from_millis(20),
    };
    world.start_and_buy().await;
    let buy = world.exchange.open(Side::Buy).remove(0);
    world
        .until_quiet(async |w| w.status().await[0].open_traders[0].buy_price.is_some())
        .await;
    (world, buy)
}

const SHORT: Duration = Duration::from_millis(100);
const FOR_EVER: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_trader_whose_order_the_exchange_has_forgotten_is_closed_and_another_starts() {
    let (world, _) = with_a_buy(SHORT).await;
    let before = world.status().await[0].open_traders[0].id;
    world.exchange.reset();
    world.reconnect();
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    let open = world.status().await.remove(0).open_traders;
    assert!(open.len() == 1 && open[0].id != before, "{open:?}");
    assert_eq!(world.rows().await[0], TraderState::Cancelled);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_denied_but_stands_among_the_open_ones_is_kept() {
    let (world, buy) = with_a_buy(SHORT).await;
    world.exchange.deny(buy.order_id);
    world.reconnect();
    world.until_quiet(async |w| w.exchange.denials() > 12).await;
    assert_eq!(world.rows().await, [TraderState::Buying]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_another_under_our_id_is_neither_absorbed_nor_cancelled() {
    let (world, buy) = with_a_buy(SHORT).await;
    let mut orders = world.orders_on_the_bus();
    world.exchange.reset();
    let theirs = Order {
        client_order_id: "theirs".to_owned(),
        price: "250".parse().expect("a price"),
        original_quantity: "7.0".parse().expect("a quantity"),
        executed_quantity: "7.0".parse().expect("a quantity"),
        status: OrderStatus::Filled,
        side: Side::Sell,
        ..buy
    };
    world.exchange.plant(theirs.clone());
    world.report(theirs.clone());
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    assert_eq!(world.exchange.placed()[0], theirs, "it stays as it was");
    assert!(world.exchange.open(Side::Sell).is_empty(), "nothing was bought");
    let told: Vec<_> = orders.seen().iter().map(|order| order.status).collect();
    assert!(!told.contains(&OrderStatus::Filled), "{told:?}");
    let profit = &world.status().await[0].open_traders[0].realised;
    assert_eq!(*profit, crate::market::Decimal::default(), "nothing of it is booked");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_is_enough_when_the_market_has_begun_anew() {
    let (world, _) = with_a_buy(FOR_EVER).await;
    world.exchange.reset();
    world.epoch.store(1, Ordering::Relaxed);
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    assert_eq!(world.rows().await[0], TraderState::Cancelled);
    // The successor's order is of the new world: it is not asked away.
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_when_what_is_to_be_sold_is_forgotten() {
    let (world, buy) = with_a_buy(SHORT).await;
    world.fill(&buy);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.exchange.reset();
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world.until_quiet(async |w| !w.has_tree().await).await;
    assert_eq!(world.rows().await, [TraderState::Cancelled]);
    assert!(world.status().await.is_empty(), "off, and nothing was earned");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_is_delisted_while_it_is_traded_can_be_shut_down() {
    let (world, buy) = with_a_buy(FOR_EVER).await;
    world.fill(&buy);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.exchange.delist(&world.symbol);
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world.until_quiet(async |w| !w.has_tree().await).await;
    assert_eq!(world.rows().await, [TraderState::Cancelled]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_was_delisted_meanwhile_shows_what_is_open_and_can_be_shut_down() {
    let (world, buy) = with_a_buy(FOR_EVER).await;
    world.fill(&buy);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.app.stop_trading(&world.symbol).await.expect("stopped");
    world.exchange.delist(&world.symbol);
    world.app.start_trading(&world.symbol).await.expect("started");
    world.until_quiet(async |w| w.status().await[0].parked.is_some()).await;
    let shown = world.status().await.remove(0);
    assert_eq!(shown.open_traders.len(), 1);
    assert!(shown.open_traders[0].sell_price.is_some(), "{shown:?}");
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world.until_quiet(async |w| !w.has_tree().await).await;
    assert_eq!(world.rows().await, [TraderState::Cancelled]);
    assert!(world.status().await.is_empty());
    world.stop().await;
}
