//! On a real database and a topic, with whoever stores orders played by the test.

use super::super::ledger::{self, Record};
use super::*;
use crate::market::{Decimal, OrderStatus, OrderType, Price, Quantity, Side, TimeInForce};
use crate::naive::schema::DATABASE;
use hedgehog_core::{Overflow, Subscription};
use tempfile::TempDir;

/// A ledger on disk, and one run of the program after the other on it.
struct Runs {
    db: Db,
    topics: PubSub<Order>,
    told: Told,
    _folder: TempDir,
}

impl Runs {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = folder.path().join("naive.db").display().to_string();
        let db = Db::open(&url, DATABASE).await.expect("a database");
        let topics = PubSub::new();
        Self {
            db,
            told: Told::new(topics.clone()),
            topics,
            _folder: folder,
        }
    }

    /// Nothing but the ledger is left of the run before, as after `kill -9`.
    fn again(self) -> Self {
        let topics = PubSub::new();
        Self {
            told: Told::new(topics.clone()),
            topics,
            ..self
        }
    }

    /// What a trader does with a state that is news to it.
    async fn absorb(&self, order: &Order) {
        self.told.tell(order);
        self.save(order).await;
    }

    async fn save(&self, order: &Order) {
        let trader = Record::fresh(&order.symbol, Decimal::from(100));
        ledger::save(&self.db, &trader, std::slice::from_ref(order))
            .await
            .expect("saved");
    }

    async fn look(&self) {
        self.told.look_after(&self.db).await.expect("looked");
    }

    async fn unacknowledged(&self) -> Vec<(i64, OrderStatus)> {
        let orders = orders::unacknowledged(&self.db, &["XRPUSDT".to_owned()]).await;
        orders
            .expect("read")
            .iter()
            .map(|order| (order.order_id, order.status))
            .collect()
    }

    fn store(&self) -> Subscription<Order> {
        self.topics.subscribe_acked("ORDERS:XRPUSDT")
    }
}

/// What has come since the last look.
fn read(storing: &mut Subscription<Order>) -> Vec<(i64, OrderStatus)> {
    let mut read = Vec::new();
    let _ = storing.drain(usize::MAX, |order| read.push((order.order_id, order.status)));
    read
}

fn order(order_id: i64, executed: &str, status: OrderStatus) -> Order {
    let quantity = |text: &str| text.parse::<Quantity>().expect(text);
    Order {
        order_id,
        client_order_id: format!("ours-{order_id}"),
        symbol: "XRPUSDT".parse().expect("a symbol"),
        price: "0.50000000".parse().expect("a price"),
        original_quantity: quantity("20.0"),
        executed_quantity: quantity(executed),
        cummulative_quote_quantity: quantity("0"),
        status,
        time_in_force: TimeInForce::Gtc,
        order_type: OrderType::Limit,
        side: Side::Buy,
        stop_price: Price::zero(),
        iceberg_quantity: Quantity::zero(),
        time: 5,
        update_time: 5,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_is_told_again_after_any_end() {
    let runs = Runs::begin().await;
    let mut storing = runs.store();
    runs.absorb(&order(1, "0", OrderStatus::New)).await;
    runs.absorb(&order(1, "20.0", OrderStatus::Filled)).await;
    runs.absorb(&order(2, "0", OrderStatus::New)).await;
    assert_eq!(read(&mut storing).len(), 3, "read, and never acknowledged");
    runs.look().await;
    assert_eq!(read(&mut storing), [], "what waits in the topic is not told again");

    let runs = runs.again();
    let mut storing = runs.store();
    let last_states = [(1, OrderStatus::Filled), (2, OrderStatus::New)];
    runs.look().await;
    assert_eq!(read(&mut storing), last_states);
    storing.ack(2);
    runs.look().await;
    runs.look().await;
    assert_eq!((read(&mut storing), runs.unacknowledged().await), (vec![], vec![]));

    let runs = runs.again();
    let mut storing = runs.store();
    runs.look().await;
    assert_eq!(read(&mut storing), [], "it stands in the ledger that they are stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_to_store_later_hears_what_nobody_has_stored() {
    let runs = Runs::begin().await;
    // A listener that keeps nothing makes nothing durable.
    let _watching = runs.topics.subscribe("ORDERS:XRPUSDT", Overflow::Lossless);
    runs.absorb(&order(1, "20.0", OrderStatus::Filled)).await;
    runs.look().await;
    assert_eq!(runs.unacknowledged().await, [(1, OrderStatus::Filled)]);

    // It begins beyond everything that was told: by that alone nothing of it is stored.
    let mut storing = runs.store();
    runs.look().await;
    assert_eq!(read(&mut storing), [(1, OrderStatus::Filled)]);
    runs.absorb(&order(2, "0", OrderStatus::New)).await;
    // One that stores goes with what it has not stored, and the next one begins.
    drop(storing);
    let mut storing = runs.store();
    runs.look().await;
    assert_eq!(read(&mut storing).len(), 2);
    storing.ack(u64::MAX);
    runs.look().await;
    assert_eq!(runs.unacknowledged().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_neither_overwrites_a_newer_one_nor_acknowledges_it() {
    let runs = Runs::begin().await;
    let mut storing = runs.store();
    runs.absorb(&order(1, "0", OrderStatus::New)).await;
    let _ = read(&mut storing);
    storing.ack(1);
    // The newer state reaches the ledger before anybody looks.
    runs.save(&order(1, "20.0", OrderStatus::Filled)).await;
    runs.look().await;
    assert_eq!(runs.unacknowledged().await, [(1, OrderStatus::Filled)]);
    assert_eq!(
        read(&mut storing),
        [(1, OrderStatus::Filled)],
        "its trader ended before it could tell"
    );
    runs.save(&order(1, "5.0", OrderStatus::PartiallyFilled)).await;
    storing.ack(2);
    runs.look().await;
    assert_eq!(runs.unacknowledged().await, []);
    // Written once more as it stands: nothing is news.
    runs.save(&order(1, "20.0", OrderStatus::Filled)).await;
    assert_eq!(runs.unacknowledged().await, []);
}
