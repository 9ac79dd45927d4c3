//! The app as a whole, on a real database and against an exchange that does what the test says.

mod old_worlds;
mod status;
mod world;

use super::messages::AccountEvent;
use super::schema::TraderState;
use super::*;
use crate::market::Side;
use crate::operation::Outcome;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_buys_sells_and_starts_over() {
    let world = World::start().await;
    let mut orders = world.orders_on_the_bus();
    assert_eq!(
        world.app.start_trading(&world.symbol).await.expect("started"),
        Outcome::Started
    );
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    let buy = world.exchange.open(Side::Buy).remove(0);
    assert_eq!(
        (buy.price.to_string(), buy.original_quantity.to_string()),
        ("99.80".to_owned(), "2.0040".to_owned())
    );

    world.fill(&buy);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    let sell = world.exchange.open(Side::Sell).remove(0);
    assert_eq!(
        (sell.price.to_string(), sell.original_quantity.to_string()),
        ("100.09".to_owned(), "2.0040".to_owned())
    );

    world.fill(&sell);
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    let status = world.status().await.remove(0);
    assert_eq!(status.cycles, 1);
    // 2.0040 × 0.29, less 0.1 % of 2.0040 × 99.80 and of 2.0040 × 100.09.
    assert_eq!(crate::market::short_text(&status.profit), "0.18058044");
    assert_eq!(status.open_traders.len(), 1);
    let statuses: Vec<String> = orders
        .seen()
        .iter()
        .map(|order| format!("{} {}", order.side, order.status))
        .collect();
    assert_eq!(
        statuses,
        ["BUY NEW", "BUY FILLED", "SELL NEW", "SELL FILLED", "BUY NEW"]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_beyond_the_order_is_not_a_fill() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.trade("99.70");
    let seen = world.traders_have_acted_on_everything().await;
    assert!(seen && world.exchange.open(Side::Sell).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_traders_drain_one_by_one() {
    let world = World::start().await;
    world.grow_to_five().await;
    // A sixth is refused however far the price falls.
    world.trade("90.00");
    assert!(world.traders_have_acted_on_everything().await);
    assert_eq!(world.exchange.placed().len(), 5);

    for buy in world.exchange.open(Side::Buy) {
        world.fill(&buy);
    }
    world
        .until("96.00", async |w| w.exchange.open(Side::Sell).len() == 5)
        .await;
    assert_eq!(
        world.app.shutdown_trading(&world.symbol).await.expect("draining"),
        Outcome::Draining
    );
    assert_eq!(
        world.app.shutdown_trading(&world.symbol).await.expect("draining"),
        Outcome::AlreadyDraining
    );
    for left in (1..5).rev() {
        world.fill(&world.exchange.open(Side::Sell)[0]);
        world
            .until("96.00", async |w| w.status().await[0].open_traders.len() == left)
            .await;
        // As a message would that is left from an earlier drain.
        world.app.complete(&world.symbol).await.expect("answered");
        assert!(world.has_tree().await);
    }
    world.fill(&world.exchange.open(Side::Sell)[0]);
    world.until("96.00", async |w| !w.has_tree().await).await;
    assert!(world.is_off_and_done().await);
    assert_eq!(world.exchange.placed().len(), 10, "nothing was opened while draining");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_takes_back_what_is_not_bought_and_sells_what_is() {
    let world = World::start().await;
    world.grow_to_five().await;
    let partly = world.exchange.open(Side::Buy).remove(0);
    world.execute(&partly, "1.0000");
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world
        .until("96.00", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world
        .until("96.00", async |w| w.exchange.open(Side::Buy).is_empty())
        .await;
    let sell = world.exchange.open(Side::Sell).remove(0);
    assert_eq!(sell.original_quantity.to_string(), "1.0000");
    world.fill(&sell);
    world.until("96.00", async |w| !w.has_tree().await).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trader_that_has_placed_nothing_leaves_when_draining() {
    let world = World::start().await;
    world.app.start_trading(&world.symbol).await.expect("started");
    world
        .until_quiet(async |w| w.status().await[0].open_traders.len() == 1)
        .await;
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world.until_quiet(async |w| !w.has_tree().await).await;
    assert!(world.exchange.placed().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_a_draining_symbol_cancels_the_drain() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    assert_eq!(
        world.app.start_trading(&world.symbol).await.expect("started"),
        Outcome::DrainCancelled
    );
    assert_eq!(
        world.app.start_trading(&world.symbol).await.expect("started"),
        Outcome::AlreadyRunning
    );
    world.fill(&world.exchange.open(Side::Sell)[0]);
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_trader_starts_again_and_its_leader_stays() {
    let world = World::start().await;
    world.app.start_trading(&world.symbol).await.expect("started");
    let leader = world.leader().await;
    // The order reaches the exchange; the trader never hears of it.
    world.exchange.panic_after_placing();
    world
        .until("100.00", async |w| w.exchange.open(Side::Buy).len() == 1)
        .await;
    world
        .until("100.00", async |w| {
            w.status().await[0].open_traders[0].state == TraderState::Buying
        })
        .await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("100.00", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    assert_eq!(world.leader().await.pid(), leader.pid());
    assert_eq!(world.exchange.placed().len(), 2, "the buy was not placed twice");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_keeps_the_orders_and_the_next_start_goes_on_with_them() {
    let world = World::start().await;
    world.start_and_buy().await;
    assert_eq!(
        world.app.stop_trading(&world.symbol).await.expect("stopped"),
        Outcome::Stopped
    );
    assert_eq!(
        world.app.stop_trading(&world.symbol).await.expect("stopped"),
        Outcome::NotRunning
    );
    let off = world.status().await.remove(0);
    assert_eq!((off.status, off.open_traders.len()), (Switch::Off, 1));

    // Filled while nobody listens.
    world.exchange.execute(&world.exchange.open(Side::Buy)[0], None);
    assert_eq!(
        world.app.start_trading(&world.symbol).await.expect("started"),
        Outcome::Started
    );
    world
        .until("90.00", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    assert_eq!(
        world
            .exchange
            .placed()
            .iter()
            .filter(|order| order.side == Side::Buy)
            .count(),
        1
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_drain_resumes_it() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.app.shutdown_trading(&world.symbol).await.expect("draining");

    let world = world.restart().await;
    assert!(world.has_tree().await);
    assert_eq!(world.status().await[0].status, Switch::Shutdown);
    world.fill(&world.exchange.open(Side::Sell)[0]);
    world.until("100.00", async |w| !w.has_tree().await).await;
    assert_eq!(world.exchange.placed().len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_that_meets_a_tree_in_its_restart_drains_it_all_the_same() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("99.90", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    // As between the end of the dynamic supervisor and the autostart after it: the row is on, and there is no tree.
    assert!(world.app.stop_symbol(&world.symbol).await);
    assert_eq!(
        world.app.shutdown_trading(&world.symbol).await.expect("draining"),
        Outcome::Draining
    );
    world.fill(&world.exchange.open(Side::Sell)[0]);
    world.until("100.00", async |w| !w.has_tree().await).await;
    assert_eq!(
        world.exchange.placed().len(),
        2,
        "its trade has finished, and none was opened"
    );
    assert!(world.is_off_and_done().await);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_running_or_not_known_is_said_so() {
    let world = World::start().await;
    assert_eq!(
        world.app.shutdown_trading(&world.symbol).await.expect("answered"),
        Outcome::NotRunning
    );
    assert_eq!(world.status().await.len(), 0, "the row is off, not draining for ever");
    let typo = "BTCUSD".parse().expect("a symbol");
    match world.app.start_trading(&typo).await {
        Err(OperationError::UnknownSymbol { nearest, .. }) => assert_eq!(nearest.first(), Some(&world.symbol)),
        other => panic!("{other:?}"),
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_parks_the_trader_and_is_not_repeated() {
    let world = World::start().await;
    world.exchange.refuse(true);
    world.app.start_trading(&world.symbol).await.expect("started");
    world
        .until("100.00", async |w| {
            w.status().await[0].open_traders.iter().any(|t| t.parked.is_some())
        })
        .await;
    for _ in 0..100 {
        world.trade("100.00");
    }
    assert!(world.traders_have_acted_on_everything().await);
    assert_eq!(world.exchange.attempts(), 1);
    world.exchange.refuse(false);
    // Parked or not, it leaves at once when nothing is to be bought any more.
    world.app.shutdown_trading(&world.symbol).await.expect("draining");
    world.until_quiet(async |w| !w.has_tree().await).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_unknown_outcome_is_found_and_not_placed_again() {
    let world = World::start().await;
    world.exchange.lose_the_next_answer();
    world.start_and_buy().await;
    world
        .until("100.00", async |w| w.status().await[0].open_traders[0].parked.is_none())
        .await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("100.00", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    assert_eq!(world.exchange.placed().len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_the_exchange_has_dropped_is_parked_and_the_others_trade() {
    let world = World::start().await;
    let gone: Symbol = "ETHUSDT".parse().expect("a symbol");
    world.exchange.delist(&gone);
    world.app.start_trading(&gone).await.expect("started");
    world.start_and_buy().await;
    let parked = |status: &TradingStatus| status.parked.clone().unwrap_or_default();
    world
        .until_quiet(async |w| parked(&w.status().await[1]).contains("does not list ETHUSDT"))
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_comes_back_with_the_same_traders() {
    let world = World::start().await;
    world.start_and_buy().await;
    let before = world.status().await[0].open_traders[0].id;
    let leader = world.leader().await;
    leader.kill();
    leader.exited().await;
    world
        .until("100.00", async |w| {
            w.status().await[0].open_traders.iter().any(|t| t.id == before)
        })
        .await;
    assert_ne!(world.leader().await.pid(), leader.pid());
    assert_eq!(world.exchange.placed().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fill_that_was_never_reported_is_noticed_when_the_market_trades_beyond_it() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.exchange.execute(&world.exchange.open(Side::Buy)[0], None);
    world
        .until("99.79", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fill_during_an_interruption_is_asked_for_when_the_stream_is_back() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.exchange.execute(&world.exchange.open(Side::Buy)[0], None);
    world
        .app
        .desk
        .account_events
        .broadcast(world.symbol.as_str(), AccountEvent::Connected);
    world
        .until_quiet(async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_sell_order_that_ended_early_is_sold_by_another() {
    let world = World::start().await;
    world.start_and_buy().await;
    world.fill(&world.exchange.open(Side::Buy)[0]);
    world
        .until("100.00", async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    let sell = world.exchange.open(Side::Sell).remove(0);
    world.execute(&sell, "0.5000");
    let key = crate::exchange::OrderKey::Id(sell.order_id);
    world
        .exchange
        .cancel(&world.symbol, &key)
        .await
        .expect("an answer")
        .expect("an open order");
    world
        .app
        .desk
        .account_events
        .broadcast(world.symbol.as_str(), AccountEvent::Connected);
    world
        .until_quiet(async |w| w.exchange.open(Side::Sell).len() == 1)
        .await;
    let rest = world.exchange.open(Side::Sell).remove(0);
    assert_eq!(
        (rest.original_quantity.to_string(), &rest.price),
        ("1.5040".to_owned(), &sell.price)
    );
    world.fill(&rest);
    world.until_quiet(async |w| w.status().await[0].cycles == 1).await;
    assert_eq!(crate::market::short_text(&world.status().await[0].profit), "0.18058044");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seeding_twice_changes_nothing() {
    let world = World::start().await;
    assert_eq!(
        world.app.seed().await.expect("seeded"),
        Seeded { inserted: 0, known: 2 }
    );
    world.stop().await;
}
