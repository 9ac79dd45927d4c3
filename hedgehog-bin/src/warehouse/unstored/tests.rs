use super::*;
use crate::market::TradeEvent;
use std::ops::RangeInclusive;

fn topic() -> Topic {
    Topic::trade_events(&"XRPUSDT".parse().expect("a symbol"))
}

fn trades(ids: RangeInclusive<i64>) -> Vec<TradeEvent> {
    ids.map(|trade_id| TradeEvent {
        event_time: 1,
        symbol: topic().symbol,
        epoch: 2,
        trade_id,
        price: "0.43070000".parse().expect("a price"),
        quantity: "2".parse().expect("a quantity"),
        trade_time: 3,
        buyer_market_maker: true,
    })
    .collect()
}

fn scanned(folder: &Path) -> Arc<Unstored> {
    let mut found = scan(folder).expect("is read");
    assert_eq!(found.len(), 1);
    let (found_topic, unstored) = found.remove(0);
    assert_eq!(found_topic, topic());
    Arc::new(unstored)
}

#[tokio::test]
async fn what_was_appended_comes_back_in_order_and_the_file_goes_with_the_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("unstored");
    let unstored = Arc::new(Unstored::none(Some(&folder), &topic()));
    unstored.append(trades(1..=3)).await.expect("is kept");
    unstored.append(trades(4..=5)).await.expect("is kept");
    assert_eq!(unstored.count(), 5);
    let chunk = unstored.read::<TradeEvent>(2).await.expect("is read");
    assert_eq!(chunk.events, trades(1..=2));
    unstored.stored(chunk.lines, chunk.end).await.expect("is noted");
    // Behind what is there, in the middle of draining.
    unstored.append(trades(6..=6)).await.expect("is kept");
    let chunk = unstored.read::<TradeEvent>(10).await.expect("is read");
    assert_eq!(chunk.events, trades(3..=6));
    assert_eq!(scanned(&folder).count(), 6, "a crash here stores the first two again");
    unstored.stored(chunk.lines, chunk.end).await.expect("is noted");
    assert_eq!(unstored.count(), 0);
    assert!(scan(&folder).expect("is read").is_empty());
}

#[tokio::test]
async fn a_line_that_was_cut_off_and_one_that_was_damaged_are_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let unstored = Arc::new(Unstored::none(Some(folder.path()), &topic()));
    unstored.append(trades(1..=4)).await.expect("is kept");
    let file = folder.path().join(file_of(&topic()));
    let mut bytes = fs::read(&file).expect("is read");
    let second = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 20;
    bytes[second] ^= 1;
    bytes.truncate(bytes.len() - 1);
    fs::write(&file, bytes).expect("is written");
    let unstored = scanned(folder.path());
    assert_eq!(unstored.count(), 3, "the fourth has no end");
    assert!(unstored.ids(2).has(1) && !unstored.ids(2).has(2) && unstored.ids(2).has(3) && !unstored.ids(2).has(4));
    let chunk = unstored.read::<TradeEvent>(10).await.expect("is read");
    assert_eq!((chunk.events.len(), chunk.lines), (2, 3));
    unstored.append(trades(4..=4)).await.expect("is kept");
    let last = unstored.find::<TradeEvent>(2, &[4, 99]).await.expect("is read");
    assert_eq!(last, trades(4..=4));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_keeps_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let unwritable = folder.path().join("file");
    fs::write(&unwritable, "").expect("is written");
    let unstored = Arc::new(Unstored::none(Some(&unwritable), &topic()));
    unstored.append(trades(1..=1)).await.expect_err("a file is no folder");
    assert_eq!((unstored.count(), unstored.ids(2).has(1)), (0, false));
    Arc::new(Unstored::none(None, &topic()))
        .append(trades(1..=1))
        .await
        .expect_err("no folder at all");
}

#[tokio::test]
async fn a_file_that_could_not_be_read_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let unstored = Arc::new(Unstored::none(Some(folder.path()), &topic()));
    unstored.append(trades(1..=1)).await.expect("is kept");
    let unaware = Arc::new(Unstored::none(Some(folder.path()), &topic()));
    unaware
        .append(trades(2..=2))
        .await
        .expect_err("it would lose the first");
    assert_eq!(scanned(folder.path()).count(), 1);
}
