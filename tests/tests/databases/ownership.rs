//! A database belongs to one venue, and to one program at a time.

use std::time::Duration;

use diesel::prelude::*;
use futures_util::future::join_all;
use hedgehog_bin::databases::{NAIVE, STREAMER};
use hedgehog_bin::store::ownership::schema::ownership::{self as row, table};
use hedgehog_bin::store::{Db, Ownership, StoreError};
use hedgehog_bin::streamer::schema::streams;

use crate::engine::{Engine, Fresh, moment};

const DEADLINE: Duration = Duration::from_secs(20);

async fn claim(db: &Db, venue: &str) -> Result<Ownership, StoreError> {
    let claimed = Ownership::claim([(STREAMER, db.clone())], venue).await;
    claimed.map_err(|(_, error)| error)
}

/// A second handle, as another program has one.
async fn another(fresh: &Fresh) -> Db {
    fresh.again().await.expect("opens")
}

pub(crate) async fn every_database_has_one_venue_for_good(engine: Engine) {
    for &database in engine.databases() {
        let fresh = engine.open(database).await;
        let claim = async |venue| Ownership::claim([(database, another(&fresh).await)], venue).await;
        let first = claim("sim:1").await.expect("it was nobody's");
        first.release().await;
        let (which, error) = claim("sim:9").await.expect_err("another seed");
        assert_eq!(which, database);
        let StoreError::OtherVenue { held, wanted, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((held.as_str(), wanted.as_str()), ("sim:1", "sim:9"));
        claim("sim:1").await.expect("its own again");
    }
}

pub(crate) async fn a_second_writer_is_refused_and_told_of_the_first(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let first = claim(&fresh.db, "testnet").await.expect("it was nobody's");
    let error = claim(&another(&fresh).await, "testnet")
        .await
        .expect_err("it is in use");
    let told = error.to_string();
    assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
    first.release().await;
    claim(&another(&fresh).await, "testnet")
        .await
        .expect("it was given back");
}

pub(crate) async fn of_many_that_come_at_once_one_gets_it(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    for left_over in [false, true] {
        if left_over {
            // All find the same writer gone.
            fresh
                .db
                .run(diesel::update(table).set(row::pid.eq(i64::from(i32::MAX))))
                .await
                .expect("updates");
        }
        let claims = join_all((0..8).map(|_| async { claim(&another(&fresh).await, "live").await })).await;
        let (got, refused): (Vec<_>, Vec<_>) = claims.into_iter().partition(Result::is_ok);
        assert_eq!((got.len(), refused.len()), (1, 7), "left over: {left_over}");
        assert!(
            refused.iter().all(|one| matches!(one, Err(StoreError::Held { .. }))),
            "{refused:?}"
        );
    }
}

pub(crate) async fn a_writer_that_is_gone_is_followed_at_once_and_one_elsewhere_after_its_heartbeat(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let change = async |host: &str, started: i64, ago: i64| {
        let at =
            hedgehog_bin::store::Moment::from_micros(hedgehog_bin::store::Moment::now().as_micros() - ago * 1_000_000);
        let changed = (row::host.eq(host), row::started.eq(started), row::heartbeat_at.eq(at));
        fresh.db.run(diesel::update(table).set(changed)).await.expect("updates");
    };
    let next = async || claim(&another(&fresh).await, "live").await;
    next().await.expect("it was nobody's");
    let host: String = fresh.db.fetch_one(table.select(row::host)).await.expect("reads");
    // A later process has its id.
    change(&host, 1, 0).await;
    next().await.expect("that process is gone");
    change("elsewhere", 1, 5).await;
    let told = next().await.expect_err("it may live").to_string();
    assert!(told.contains("on elsewhere"), "{told}");
    change("elsewhere", 1, 31).await;
    next().await.expect("it is silent");
}

pub(crate) async fn who_was_taken_over_writes_nothing_more(engine: Engine) {
    let fresh = engine.open(STREAMER).await;
    let first = claim(&fresh.db, "live").await.expect("it was nobody's");
    let successor = another(&fresh).await;
    successor
        .run(diesel::update(table).set(row::token.eq(Some("another"))))
        .await
        .expect("updates");
    let lost = tokio::time::timeout(DEADLINE, first.lost())
        .await
        .expect("it is noticed");
    assert!(matches!(lost, StoreError::TakenOver { .. }), "{lost:?}");
    let insert = diesel::insert_into(streams::table).values((
        streams::symbol.eq("A"),
        streams::last_trade_id.eq(0i64),
        streams::updated_at.eq(moment(0)),
    ));
    let refused = fresh.db.run(insert).await.expect_err("it is another's");
    assert!(matches!(refused, StoreError::TakenOver { .. }), "{refused:?}");
    assert!(fresh.db.begin().await.is_err());
}

pub(crate) async fn a_refusal_leaves_no_claim_behind(engine: Engine) {
    let (new, held) = (engine.open(STREAMER).await, engine.open(NAIVE).await);
    let first = Ownership::claim([(NAIVE, held.db.clone())], "live")
        .await
        .expect("nobody's");
    let both = [(STREAMER, new.db.clone()), (NAIVE, another(&held).await)];
    let (which, _) = Ownership::claim(both, "live").await.expect_err("the second is in use");
    assert_eq!(which, NAIVE);
    assert_eq!(new.db.fetch_one::<i64>(table.count()).await.expect("counts"), 0);
    drop(first);
}
