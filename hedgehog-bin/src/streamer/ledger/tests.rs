//! What a stream's ledger broadcasts, what it tells, and what it still has to write.

use super::record::GAPS_SHOWN;
use super::*;
use crate::market::Topic;
use crate::streamer::continuity::About;
use crate::streamer::gap_rows::{Change, Found};
use hedgehog_core::Subscription;

fn symbol() -> Symbol {
    "XRPUSDT".parse().expect("a symbol")
}

fn row() -> Row {
    Row {
        symbol: symbol(),
        on: true,
        exchange_status: "TRADING".to_owned(),
    }
}

fn trade(trade_id: i64) -> TradeEvent {
    TradeEvent {
        event_time: 1,
        symbol: symbol(),
        epoch: 0,
        trade_id,
        price: format!("0.{trade_id}").parse().expect("a price"),
        quantity: "1".parse().expect("a quantity"),
        trade_time: trade_id,
        buyer_market_maker: false,
    }
}

/// A position, and the changes of rows with a sign.
type Written = (Option<(i32, i64)>, Vec<(char, i64, i64)>);

/// A stream whose trades somebody stores, by hand.
struct Stored {
    stream: Arc<StreamLedger>,
    durable: Subscription<TradeEvent>,
}

impl Stored {
    fn new(ledger: &Ledger) -> Self {
        let durable = ledger
            .bus
            .trade_events
            .subscribe_acked(&Topic::trade_events(&symbol()).to_string());
        let stream = ledger.of(&symbol());
        Self { stream, durable }
    }

    fn take(&self, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            self.stream.take(trade(id));
        }
    }

    /// Stores what was broadcast up to here: so many trades in all.
    fn store(&mut self, count: u64) {
        let _ = self.durable.drain(usize::MAX, |_| {});
        self.durable.ack(count);
    }

    /// What is written now.
    fn save(&self) -> Written {
        let Some(unsaved) = self.stream.unsaved() else {
            return (None, vec![]);
        };
        self.stream.saved(&unsaved);
        let changes = unsaved.changes.iter().map(|change| match change {
            Change::Add { range, .. } => ('+', *range.start(), *range.end()),
            Change::Remove { range, .. } => ('-', *range.start(), *range.end()),
        });
        (unsaved.position, changes.collect())
    }
}

fn recollection(position: i64, gaps: &[(i64, i64)]) -> Recollection {
    let gap = |(first, last): &(i64, i64)| (0, *first..=*last, Cause::Jump, 0);
    Recollection {
        position: Some((0, position)),
        gaps: gaps.iter().map(gap).collect(),
    }
}

#[test]
fn the_saved_position_is_what_is_durable_and_never_what_was_read() {
    let mut stored = Stored::new(&Ledger::new(Bus::new()));
    stored.take(5..=9);
    assert_eq!(
        stored.save(),
        (Some((0, 4)), vec![]),
        "the beginning: from 5 on all is expected"
    );
    assert_eq!(stored.save(), (None, vec![]));
    stored.store(3);
    assert_eq!(stored.save(), (Some((0, 7)), vec![]));
    stored.store(5);
    assert_eq!(stored.save(), (Some((0, 9)), vec![]));
}

#[test]
fn a_gap_is_written_at_once_and_shrinks_when_the_late_trade_is_durable() {
    let mut stored = Stored::new(&Ledger::new(Bus::new()));
    stored.take([1, 5]);
    assert_eq!(stored.save(), (Some((0, 0)), vec![('+', 2, 4)]));
    stored.take([3]);
    assert_eq!(stored.stream.status(&row(), true).gaps, 2);
    assert_eq!(stored.save(), (None, vec![]), "not durable yet");
    stored.store(2);
    assert_eq!(stored.save(), (Some((0, 5)), vec![]));
    stored.store(3);
    assert_eq!(stored.save(), (None, vec![('-', 2, 4), ('+', 2, 2), ('+', 4, 4)]));
}

#[test]
fn what_crossed_leaves_no_gap() {
    let mut stored = Stored::new(&Ledger::new(Bus::new()));
    stored.take([1, 3, 2, 4]);
    stored.store(4);
    let (position, changes) = stored.save();
    assert_eq!((position, changes), (Some((0, 4)), vec![('+', 2, 2), ('-', 2, 2)]));
    let status = stored.stream.status(&row(), true);
    assert_eq!((status.trades, status.gaps, status.duplicates), (4, 0, 0));
}

#[test]
fn the_position_waits_for_the_answer_of_what_is_stored() {
    let mut stored = Stored::new(&Ledger::new(Bus::new()).with_archive());
    stored.stream.recall(&recollection(100, &[]));
    stored.take([110, 111]);
    assert_eq!(
        stored.stream.unasked(9),
        (0, vec![110, 111]),
        "it may be stored, by a market that rewound"
    );
    stored.stream.answer(0, &[110, 111], &[]);
    assert_eq!(stored.stream.status(&row(), true).trades, 2);
    stored.store(2);
    assert_eq!(stored.save(), (None, vec![]));
    let questions = stored.stream.questions();
    assert_eq!((questions.len(), questions[0].range.clone()), (1, 101..=109));
    stored.take([105]);
    stored.stream.settle(&questions[0], &[103..=106]);
    let (position, changes) = stored.save();
    assert_eq!(
        (position, changes),
        (Some((0, 111)), vec![('+', 103, 106)]),
        "105 is not durable yet"
    );
    let missing = |stored: &Stored| stored.stream.status(&row(), true).missing;
    assert_eq!(missing(&stored), 3);
    stored.store(3);
    assert_eq!(
        stored.save(),
        (None, vec![('-', 103, 106), ('+', 103, 104), ('+', 106, 106)])
    );
    stored.take([105]);
    assert_eq!(
        (missing(&stored), stored.stream.status(&row(), true).duplicates),
        (3, 1)
    );
}

#[test]
fn a_recalled_row_that_counts_a_stored_trade_is_put_right() {
    let stored = Stored::new(&Ledger::new(Bus::new()).with_archive());
    stored.stream.recall(&recollection(100, &[(50, 54), (70, 70)]));
    for question in stored.stream.questions() {
        assert_eq!(question.about, About::Row);
        let missing: Vec<_> = if question.range == (50..=54) {
            vec![50..=51, 53..=54]
        } else {
            vec![]
        };
        stored.stream.settle(&question, &missing);
    }
    let (_, changes) = stored.save();
    assert_eq!(changes, [('-', 50, 54), ('+', 50, 51), ('+', 53, 54), ('-', 70, 70)]);
    let mut recalled = Stored::new(&Ledger::new(Bus::new()));
    recalled.stream.recall(&recollection(100, &[(50, 54)]));
    recalled.take([52, 101]);
    recalled.store(2);
    assert_eq!(
        recalled.save(),
        (Some((0, 101)), vec![('-', 50, 54), ('+', 50, 51), ('+', 53, 54)])
    );
}

#[test]
fn without_an_archive_all_since_the_position_is_missing() {
    let mut stored = Stored::new(&Ledger::new(Bus::new()));
    stored.stream.recall(&recollection(100, &[(90, 91)]));
    stored.take([103]);
    stored.store(1);
    assert_eq!(stored.save(), (Some((0, 103)), vec![('+', 101, 102)]));
    let status = stored.stream.status(&row(), true);
    let gaps: Vec<_> = status
        .gap_ranges
        .iter()
        .map(|gap| (gap.first_missing_id, gap.last_missing_id))
        .collect();
    assert_eq!((gaps, status.missing), (vec![(90, 91), (101, 102)], 4));
}

#[test]
fn a_new_epoch_is_saved_when_the_old_one_is_durable() {
    let mut stored = Stored::new(&Ledger::new(Bus::new()));
    stored.take(1_000..=1_003);
    stored.store(4);
    assert_eq!(stored.save(), (Some((0, 1_003)), vec![]));
    stored.take([1_004]);
    for id in 1_000..=1_002 {
        stored.stream.take(TradeEvent {
            price: "7".parse().expect("a price"),
            ..trade(id)
        });
    }
    let status = stored.stream.status(&row(), true);
    assert_eq!((status.epoch, status.last_trade_id, status.trades), (1, Some(1_002), 8));
    assert_eq!(stored.save(), (None, vec![]), "1004 of the old epoch is not durable");
    stored.store(5);
    assert_eq!(stored.save(), (Some((1, 999)), vec![]));
    stored.store(7);
    assert_eq!(stored.save(), (Some((1, 1_001)), vec![]));
}

#[test]
fn time_decides_about_what_is_in_doubt() {
    let stored = Stored::new(&Ledger::new(Bus::new()).with_patience(Duration::ZERO));
    stored.stream.recall(&recollection(5_000, &[]));
    stored.take([3]);
    stored.stream.tick();
    let status = stored.stream.status(&row(), true);
    assert_eq!((status.epoch, status.trades), (1, 1));
}

#[test]
fn what_could_not_be_written_is_written_again() {
    let stored = Stored::new(&Ledger::new(Bus::new()));
    stored.take([1, 5]);
    let first = stored.stream.unsaved().expect("one gap");
    stored.take([9]);
    stored.stream.saved(&first);
    let second = stored.stream.unsaved().expect("the gap that came during the write");
    let found = |change: &Change| match change {
        Change::Add {
            found: Found { cause, .. },
            range,
            ..
        } => (*cause, range.clone()),
        Change::Remove { .. } => panic!("nothing came late"),
    };
    assert_eq!(
        second.changes.iter().map(found).collect::<Vec<_>>(),
        [(Cause::Jump, 6..=8)]
    );
    stored.stream.saved(&second);
    assert!(stored.stream.unsaved().is_none());
}

#[test]
fn only_the_newest_gaps_are_shown_and_all_are_counted() {
    let stored = Stored::new(&Ledger::new(Bus::new()));
    stored.take((0..=150).map(|n| n * 2));
    let status = stored.stream.status(&row(), true);
    assert_eq!((status.gaps, status.gap_ranges.len()), (150, GAPS_SHOWN));
    assert_eq!(status.gap_ranges.last().map(|gap| gap.first_missing_id), Some(299));
}
