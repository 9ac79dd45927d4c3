//! Every column of every table of the apps takes what its type holds and gives it back.

use bigdecimal::BigDecimal;
use diesel::prelude::*;

use hedgehog_bin::databases::{DATA_WAREHOUSE, NAIVE, STREAMER};
use hedgehog_bin::naive::schema::{self as naive, TraderState, TradingStatus};
use hedgehog_bin::store::{Decimal, Id, Moment, columns};
use hedgehog_bin::streamer::schema::{self as streamer, StreamingStatus};
use hedgehog_bin::warehouse::schema::{self as data_warehouse, SubscriberStatus};

use crate::engine::{Engine, decimal, moment};

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = streamer::settings)]
struct StreamerSetting {
    id: Id,
    symbol: String,
    status: StreamingStatus,
    exchange_status: String,
    inserted_at: Moment,
    updated_at: Moment,
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = naive::settings)]
pub(crate) struct NaiveSetting {
    id: Id,
    pub(crate) symbol: String,
    chunks: i32,
    // A plain type of another crate: written through the column's own.
    #[diesel(serialize_as = Decimal, deserialize_as = Decimal)]
    pub(crate) budget: BigDecimal,
    buy_down_interval: Decimal,
    profit_interval: Decimal,
    rebuy_interval: Decimal,
    pub(crate) status: TradingStatus,
    inserted_at: Moment,
    updated_at: Moment,
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = naive::traders)]
struct Trader {
    id: Id,
    symbol: String,
    state: TraderState,
    budget: Decimal,
    buy_order_id: Option<i64>,
    buy_client_order_id: Option<String>,
    buy_price: Option<Decimal>,
    buy_quantity: Option<Decimal>,
    buy_executed: Option<Decimal>,
    sell_order_id: Option<i64>,
    sell_client_order_id: Option<String>,
    sell_price: Option<Decimal>,
    sell_quantity: Option<Decimal>,
    sell_executed: Option<Decimal>,
    rebuy_notified: bool,
    profit: Option<Decimal>,
    inserted_at: Moment,
    updated_at: Moment,
    buy_paid: Option<Decimal>,
    sell_paid: Option<Decimal>,
    uncharged: Option<Decimal>,
}

pub(crate) fn naive_setting(symbol: &str, status: TradingStatus) -> NaiveSetting {
    NaiveSetting {
        id: Id::new(),
        symbol: symbol.into(),
        chunks: 5,
        budget: decimal("123456789012345678901234567890.123456789012345678901234567890").into(),
        buy_down_interval: decimal("0.0001"),
        profit_interval: decimal("-0.0012"),
        rebuy_interval: decimal("0.001"),
        status,
        inserted_at: moment(0),
        updated_at: moment(1),
    }
}

pub(crate) async fn streamer_settings_round_trip(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    for (&status, symbol) in StreamingStatus::ALL.iter().zip(["BTCUSDT", "ETHUSDT"]) {
        let row = StreamerSetting {
            id: Id::new(),
            symbol: symbol.into(),
            status,
            exchange_status: "BREAK".into(),
            inserted_at: moment(0),
            updated_at: moment(1),
        };
        let insert = diesel::insert_into(streamer::settings::table).values(&row);
        assert_eq!(fresh.db.run(insert).await.expect("inserts"), 1);
        let query = streamer::settings::table.filter(streamer::settings::id.eq(row.id));
        assert_eq!(fresh.db.fetch_one::<StreamerSetting>(query).await.expect("reads"), row);
    }
}

pub(crate) async fn streams_and_gaps_round_trip(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let stream = ("BTCUSDT".to_owned(), i64::MAX, moment(0), 0i32);
    let insert = diesel::insert_into(streamer::streams::table).values((
        streamer::streams::symbol.eq(&stream.0),
        streamer::streams::last_trade_id.eq(stream.1),
        streamer::streams::updated_at.eq(stream.2),
    ));
    fresh.db.run(insert).await.expect("inserts");
    assert_eq!(
        fresh
            .db
            .fetch_one::<(String, i64, Moment, i32)>(streamer::streams::table)
            .await
            .expect("reads"),
        stream
    );

    let gap = (
        Id::new(),
        "BTCUSDT".to_owned(),
        7i64,
        9i64,
        moment(2),
        "reconnect".to_owned(),
        0i32,
    );
    let insert = || {
        let values = (
            streamer::gaps::id.eq(gap.0),
            streamer::gaps::symbol.eq(&gap.1),
            streamer::gaps::first_missing_id.eq(gap.2),
            streamer::gaps::last_missing_id.eq(gap.3),
            streamer::gaps::detected_at.eq(gap.4),
            streamer::gaps::cause.eq(&gap.5),
        );
        diesel::insert_into(streamer::gaps::table).values(values)
    };
    fresh.db.run(insert()).await.expect("inserts");
    let stored = fresh
        .db
        .fetch_one::<(Id, String, i64, i64, Moment, String, i32)>(streamer::gaps::table)
        .await;
    assert_eq!(stored.expect("reads"), gap);
    let twice = fresh.db.run(insert()).await.expect_err("the same gap stands once");
    assert!(twice.is_unique_violation(), "{twice:?}");
    let ignored = fresh
        .db
        .run(insert().on_conflict_do_nothing())
        .await
        .expect("is left out");
    assert_eq!(ignored, 0);
}

pub(crate) async fn naive_settings_round_trip(engine: Engine) {
    let fresh = engine.open(NAIVE).await;
    for (&status, symbol) in TradingStatus::ALL.iter().zip(["A", "B", "C"]) {
        let row = naive_setting(symbol, status);
        let insert = diesel::insert_into(naive::settings::table).values(row.clone());
        fresh.db.run(insert).await.expect("inserts");
        let query = naive::settings::table.filter(naive::settings::status.eq(status));
        let stored = fresh
            .db
            .fetch_one::<NaiveSetting>(query.select(columns::<NaiveSetting>()))
            .await;
        assert_eq!(stored.expect("reads"), row);
    }
}

pub(crate) async fn an_update_can_return_the_row(engine: Engine) {
    let fresh = engine.open(NAIVE).await;
    let row = naive_setting("BTCUSDT", TradingStatus::On);
    fresh
        .db
        .run(diesel::insert_into(naive::settings::table).values(row.clone()))
        .await
        .expect("inserts");
    let update = diesel::update(naive::settings::table.filter(naive::settings::symbol.eq("BTCUSDT")))
        .set(naive::settings::status.eq(TradingStatus::Shutdown))
        .returning(naive::settings::all_columns);
    let updated = fresh.db.run_returning::<NaiveSetting>(update).await.expect("updates");
    assert_eq!(
        updated,
        [NaiveSetting {
            status: TradingStatus::Shutdown,
            ..row
        }]
    );
}

pub(crate) async fn traders_round_trip_with_and_without_orders(engine: Engine) {
    let fresh = engine.open(NAIVE).await;
    for &state in TraderState::ALL {
        let ready = state == TraderState::Ready;
        let price = |text| (!ready).then(|| decimal(text));
        let row = Trader {
            id: Id::new(),
            symbol: "BTCUSDT".into(),
            state,
            budget: decimal("200"),
            buy_order_id: (!ready).then_some(i64::MAX),
            buy_client_order_id: (!ready).then(|| "hh-1".into()),
            buy_price: price("61000.12000000"),
            buy_quantity: price("0.00327868"),
            buy_executed: price("0.00000000"),
            sell_order_id: (!ready).then_some(2),
            sell_client_order_id: (!ready).then(|| "hh-2".into()),
            sell_price: price("61100"),
            sell_quantity: price("0.00327"),
            sell_executed: price("0"),
            rebuy_notified: !ready,
            profit: price("-0.12345678901234567890123456789"),
            inserted_at: moment(0),
            updated_at: moment(1),
            buy_paid: price("200.00000001"),
            sell_paid: None,
            uncharged: price("0.00000327"),
        };
        fresh
            .db
            .run(diesel::insert_into(naive::traders::table).values(&row))
            .await
            .expect("inserts");
        let query = naive::traders::table.filter(naive::traders::state.eq(state));
        assert_eq!(fresh.db.fetch_one::<Trader>(query).await.expect("reads"), row);
    }
    let open = naive::traders::table.filter(naive::traders::state.eq_any([TraderState::Buying, TraderState::Selling]));
    assert_eq!(fresh.db.fetch_one::<i64>(open.count()).await.expect("counts"), 2);
}

pub(crate) async fn subscriber_settings_are_upserted_by_topic(engine: Engine) {
    use data_warehouse::subscriber_settings::{self, id, inserted_at, status, topic, updated_at};
    type Row = (Id, String, SubscriberStatus, Moment, Moment, i64);

    let fresh = engine.open(DATA_WAREHOUSE).await;
    let upsert = |wanted: SubscriberStatus, at: Moment| {
        diesel::insert_into(subscriber_settings::table)
            .values((
                id.eq(Id::new()),
                topic.eq("ORDERS:BTCUSDT"),
                status.eq(wanted),
                inserted_at.eq(at),
                updated_at.eq(at),
            ))
            .on_conflict(topic)
            .do_update()
            .set((
                status.eq(diesel::upsert::excluded(status)),
                updated_at.eq(diesel::upsert::excluded(updated_at)),
            ))
            .returning(subscriber_settings::all_columns)
    };
    let first = fresh
        .db
        .run_returning::<Row>(upsert(SubscriberStatus::On, moment(0)))
        .await
        .expect("inserts");
    let second = fresh
        .db
        .run_returning::<Row>(upsert(SubscriberStatus::Off, moment(9)))
        .await
        .expect("updates");
    assert_eq!(first[0].2, SubscriberStatus::On);
    assert_eq!(
        second,
        [(
            first[0].0,
            first[0].1.clone(),
            SubscriberStatus::Off,
            moment(0),
            moment(9),
            0
        )]
    );
}
