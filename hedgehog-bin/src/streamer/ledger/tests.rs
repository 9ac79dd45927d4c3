//! What the ledger makes of each trade, and what it still has to write.

use super::*;

fn ledger() -> StreamLedger {
    StreamLedger {
        symbol: "XRPUSDT".parse().expect("a symbol"),
        record: Mutex::default(),
    }
}

fn row() -> Row {
    Row {
        symbol: "XRPUSDT".parse().expect("a symbol"),
        on: true,
        exchange_status: "TRADING".to_owned(),
    }
}

fn trade(trade_id: i64) -> TradeEvent {
    TradeEvent {
        event_time: 1,
        symbol: "XRPUSDT".parse().expect("a symbol"),
        epoch: 0,
        trade_id,
        price: "0.43".parse().expect("a price"),
        quantity: "1".parse().expect("a quantity"),
        trade_time: 1,
        buyer_market_maker: false,
    }
}

fn missing(verdict: &Verdict) -> Option<(i64, i64, Cause)> {
    match verdict {
        Verdict::After(found) => Some((found.gap.first_missing_id, found.gap.last_missing_id, found.cause)),
        _ => None,
    }
}

#[test]
fn the_first_trade_ever_has_no_gap_before_it() {
    let ledger = ledger();
    ledger.started();
    assert_eq!(ledger.trade(&trade(500)), Verdict::Fresh);
    assert_eq!(ledger.trade(&trade(501)), Verdict::Fresh);
}

#[test]
fn what_came_before_is_dropped_and_counted() {
    let ledger = ledger();
    for id in [5, 5, 4, 6] {
        ledger.trade(&trade(id));
    }
    let status = ledger.status(&row(), true);
    assert_eq!((status.trades, status.duplicates, status.gaps), (2, 2, 0));
}

#[test]
fn a_jump_is_a_gap_named_by_what_came_between() {
    let ledger = ledger();
    ledger.started();
    ledger.trade(&trade(1));
    assert_eq!(missing(&ledger.trade(&trade(3))), Some((2, 2, Cause::Jump)));
    ledger.connected();
    ledger.disconnected("cut".to_owned());
    ledger.connected();
    assert_eq!(ledger.trade(&trade(3)), Verdict::Duplicate);
    assert_eq!(
        missing(&ledger.trade(&trade(7))),
        Some((4, 6, Cause::Reconnect)),
        "a duplicate does not hide it"
    );
    ledger.started();
    assert_eq!(missing(&ledger.trade(&trade(9))), Some((8, 8, Cause::Restart)));
    ledger.stopped();
    ledger.started();
    assert_eq!(missing(&ledger.trade(&trade(20))), Some((10, 19, Cause::Stopped)));
    let status = ledger.status(&row(), true);
    assert_eq!((status.gaps, status.missing), (4, 15));
}

#[test]
fn an_earlier_program_s_position_shows_a_gap_and_never_a_duplicate() {
    let recollection = Recollection {
        last_trade_id: Some(100),
        ..Recollection::default()
    };
    let after_a_pause = ledger();
    after_a_pause.recall(recollection.clone());
    assert_eq!(
        missing(&after_a_pause.trade(&trade(103))),
        Some((101, 102, Cause::Downtime))
    );
    let replayed = ledger();
    replayed.recall(recollection);
    assert_eq!(replayed.trade(&trade(1)), Verdict::Fresh);
    assert_eq!(replayed.trade(&trade(2)), Verdict::Fresh);
}

#[test]
fn a_gap_stays_unsaved_until_it_was_written() {
    let ledger = ledger();
    ledger.trade(&trade(1));
    ledger.trade(&trade(5));
    let first = ledger.unsaved().expect("one gap");
    ledger.trade(&trade(9));
    ledger.saved(&first);
    let second = ledger.unsaved().expect("the gap that came during the write");
    assert_eq!(
        second
            .gaps
            .iter()
            .map(|found| found.gap.first_missing_id)
            .collect::<Vec<_>>(),
        [6]
    );
    ledger.saved(&second);
    assert!(ledger.unsaved().is_none());
}

#[test]
fn only_the_newest_gaps_are_shown_and_all_are_counted() {
    let ledger = ledger();
    for n in 0..=150 {
        ledger.trade(&trade(n * 2));
    }
    let status = ledger.status(&row(), true);
    assert_eq!((status.gaps, status.gap_ranges.len()), (150, GAPS_SHOWN));
    assert_eq!(status.gap_ranges.last().map(|gap| gap.first_missing_id), Some(299));
}
