//! What each order of ids comes to.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a trade of a world says: another price for each id and world.
fn trade(world: i64, id: i64) -> TradeEvent {
    TradeEvent {
        event_time: 0,
        symbol: "XRPUSDT".parse().expect("a symbol"),
        epoch: 0,
        trade_id: id,
        price: format!("{}.{id}1", world + 1).parse().expect("a price"),
        quantity: "1".parse().expect("a quantity"),
        trade_time: id.wrapping_add(1_000 * world),
        buyer_market_maker: false,
    }
}

/// A continuity, and what came of it.
struct Heard {
    continuity: Continuity,
    now: Duration,
    broadcast: Vec<(i32, i64)>,
    /// Where each came from: the whole number of the price is its world.
    prices: Vec<String>,
    others: Vec<Effect>,
    /// What is stored, where there is an archive: it answers at once.
    stored: BTreeMap<(i32, i64), TradeEvent>,
}

impl Heard {
    fn new(archive: bool) -> Self {
        Self {
            continuity: Continuity::new(archive, PATIENCE),
            now: Duration::ZERO,
            broadcast: Vec::new(),
            prices: Vec::new(),
            others: Vec::new(),
            stored: BTreeMap::new(),
        }
    }

    fn recalled(archive: bool, recollection: &Recollection) -> Self {
        let mut heard = Self::new(archive);
        let mut out = Vec::new();
        heard.continuity.recall(recollection, &mut out);
        heard.carry_out(out);
        heard
    }

    fn take(&mut self, trade: TradeEvent) {
        let mut out = Vec::new();
        self.continuity.take(trade, self.now, &mut out);
        self.carry_out(out);
    }

    fn ids(&mut self, world: i64, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            self.take(trade(world, id));
        }
    }

    fn after(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let mut out = Vec::new();
        self.continuity.review(self.now, &mut out);
        self.carry_out(out);
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        loop {
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::Publish { trade, .. } => {
                        self.broadcast.push((trade.epoch, trade.trade_id));
                        self.prices.push(trade.price.to_string());
                    }
                    Effect::Ask(question) => {
                        let is_stored = |id: &i64| self.stored.contains_key(&(question.epoch, *id));
                        let missing: Vec<_> = (question.range.clone()).filter(|id| !is_stored(id)).collect();
                        // As an archive tells it: ranges.
                        let mut ranges: Vec<RangeInclusive<i64>> = Vec::new();
                        for id in missing {
                            match ranges.last_mut() {
                                Some(last) if last.end() + 1 == id => *last = *last.start()..=id,
                                _ => ranges.push(id..=id),
                            }
                        }
                        self.continuity.settle(&question, &ranges);
                    }
                    other => self.others.push(other),
                }
            }
            let (epoch, asked) = self.continuity.unasked(usize::MAX);
            let stored: Vec<_> = (asked.iter())
                .filter_map(|id| self.stored.get(&(epoch, *id)).cloned())
                .collect();
            self.continuity.answer(epoch, &asked, &stored, self.now, &mut effects);
            if effects.is_empty() {
                return;
            }
        }
    }

    fn gaps(&self) -> Vec<(i32, i64, i64)> {
        let gaps = self.continuity.gaps();
        gaps.map(|(epoch, range)| (epoch, *range.start(), *range.end()))
            .collect()
    }

    fn broadcast_ids(&self) -> Vec<i64> {
        self.broadcast.iter().map(|(_, id)| *id).collect()
    }

    fn repeated(&self) -> u64 {
        let repeated = self.others.iter().map(|effect| match effect {
            Effect::Repeated(count) => *count,
            _ => 0,
        });
        repeated.sum()
    }

    fn epochs(&self) -> usize {
        let begun = |effect: &&Effect| matches!(effect, Effect::NewEpoch { .. });
        self.others.iter().filter(begun).count()
    }
}

#[test]
fn the_first_trade_ever_has_no_gap_before_it() {
    let mut heard = Heard::new(false);
    heard.ids(0, [500, 501]);
    assert_eq!((heard.broadcast_ids(), heard.gaps()), (vec![500, 501], vec![]));
}

#[test]
fn a_late_trade_fills_its_gap_and_what_came_before_is_dropped() {
    let mut heard = Heard::new(false);
    heard.ids(0, [1, 3, 2, 4, 4, 2, 10, 7]);
    assert_eq!(heard.broadcast_ids(), [1, 3, 2, 4, 10, 7]);
    assert_eq!((heard.gaps(), heard.repeated()), (vec![(0, 5, 6), (0, 8, 9)], 2));
}

#[test]
fn trades_that_crossed_at_the_very_beginning_are_all_broadcast() {
    let mut heard = Heard::new(false);
    heard.ids(0, [102, 101, 103, 100, 104]);
    assert_eq!(
        (heard.broadcast_ids(), heard.gaps()),
        (vec![102, 101, 103, 100, 104], vec![])
    );
    let mut lower = Heard::new(false);
    lower.ids(0, [102, 99, 103]);
    assert_eq!(
        (lower.broadcast_ids(), lower.gaps()),
        (vec![102, 99, 103], vec![(0, 100, 101)])
    );
}

#[test]
fn a_gap_is_named_by_what_came_between() {
    let mut heard = Heard::new(false);
    heard.ids(0, [1]);
    let gap = |heard: &Heard| match heard.others.last() {
        Some(Effect::Gap { range, cause, .. }) => (*range.start(), *range.end(), *cause),
        other => panic!("{other:?}"),
    };
    heard.ids(0, [3]);
    assert_eq!(gap(&heard), (2, 2, Cause::Jump));
    heard.continuity.interrupted(Cause::Reconnect);
    heard.ids(0, [3]);
    heard.ids(0, [7]);
    assert_eq!(gap(&heard), (4, 6, Cause::Reconnect), "a repetition does not hide it");
    heard.continuity.interrupted(Cause::Restart);
    heard.continuity.interrupted(Cause::Reconnect);
    heard.ids(0, [9]);
    assert_eq!(gap(&heard), (8, 8, Cause::Restart));
    heard.continuity.interrupted(Cause::Reconnect);
    heard.continuity.interrupted(Cause::Stopped);
    heard.ids(0, [20]);
    assert_eq!(gap(&heard), (10, 19, Cause::Stopped));
}

#[test]
fn three_other_trades_under_known_ids_are_a_new_world_and_none_is_lost() {
    let mut heard = Heard::new(false);
    heard.ids(0, 1..=100);
    heard.ids(1, [1, 2]);
    assert_eq!(heard.broadcast.len(), 100, "two may be strays");
    heard.ids(1, [3, 4, 6]);
    assert_eq!(heard.broadcast[100..], [(1, 1), (1, 2), (1, 3), (1, 4), (1, 6)]);
    assert_eq!(heard.gaps(), [(1, 5, 5)]);
    let first = Effect::NewEpoch {
        epoch: 1,
        highest: 100,
        first: 1,
    };
    assert!(heard.others.contains(&first), "{:?}", heard.others);
}

#[test]
fn a_new_world_that_outgrows_a_short_old_one_is_not_taken_for_it() {
    let mut heard = Heard::new(false);
    heard.ids(0, 1..=2);
    heard.ids(1, 1..=5);
    assert_eq!(heard.broadcast[2..], [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
}

#[test]
fn strays_among_trades_that_go_on_are_dropped_and_told() {
    let mut heard = Heard::new(false);
    heard.ids(0, 1..=100);
    heard.ids(1, [50, 70]);
    heard.ids(0, [101, 102]);
    assert_eq!((heard.broadcast.len(), heard.epochs()), (102, 0));
    assert!(heard.others.contains(&Effect::Strays(2)), "{:?}", heard.others);
}

#[test]
fn a_market_that_has_rewound_repeats_itself() {
    let mut heard = Heard::new(false);
    heard.ids(0, 1..=100);
    heard.ids(0, 60..=103);
    // A made-up market tells the same trades with another time.
    for id in 80..=105 {
        heard.take(TradeEvent {
            trade_time: 99_999,
            ..trade(0, id)
        });
    }
    assert_eq!(heard.broadcast_ids(), (1..=105).collect::<Vec<_>>());
    assert_eq!((heard.epochs(), heard.repeated()), (0, 41 + 24));
}

#[test]
fn a_new_market_that_tells_the_same_is_seen_within_a_minute() {
    let same = |id, trade_time| TradeEvent {
        trade_time,
        price: "5".parse().expect("a price"),
        ..trade(0, id)
    };
    let mut constant = Heard::new(false);
    for id in 1..=100 {
        constant.take(same(id, id));
    }
    for id in 1..=3 {
        constant.take(same(id, 1_000 + id));
    }
    assert_eq!(constant.broadcast[100..], [(1, 1), (1, 2), (1, 3)]);

    let mut of_one_seed = Heard::new(false);
    of_one_seed.ids(0, 1..=10_000);
    for id in 1..=40 {
        of_one_seed.take(TradeEvent {
            trade_time: 99_999 + id,
            ..trade(0, id)
        });
        of_one_seed.after(1);
    }
    assert_eq!(of_one_seed.broadcast[10_000..].len(), 40);
}

#[test]
fn ids_below_all_that_is_remembered_are_a_new_world_after_ten_seconds_without_a_fresh_one() {
    let mut heard = Heard::recalled(
        false,
        &Recollection {
            position: Some((0, 5_000)),
            gaps: vec![],
        },
    );
    heard.ids(1, [7, 8]);
    heard.after(9);
    assert!(heard.broadcast.is_empty());
    heard.after(1);
    assert_eq!(heard.broadcast, [(1, 7), (1, 8)]);

    let mut rewound = Heard::recalled(
        false,
        &Recollection {
            position: Some((0, 5_000)),
            gaps: vec![],
        },
    );
    rewound.ids(0, 4_990..=5_002);
    assert_eq!((rewound.broadcast_ids(), rewound.repeated()), (vec![5_001, 5_002], 11));
}

#[test]
fn one_absurd_id_is_dropped_and_a_leap_that_goes_on_is_a_gap() {
    let mut heard = Heard::new(false);
    heard.ids(0, [1, 2, 9_000_000_000_000_000_000, 3, 4]);
    assert_eq!((heard.broadcast_ids(), heard.gaps()), (vec![1, 2, 3, 4], vec![]));
    let told = Effect::Absurd {
        id: 9_000_000_000_000_000_000,
        highest: 2,
    };
    assert!(heard.others.contains(&told), "{:?}", heard.others);
    heard.ids(0, [20_000_000, 20_000_001]);
    assert_eq!(heard.gaps(), [(0, 5, 19_999_999)]);
    assert_eq!(heard.broadcast_ids()[4..], [20_000_000, 20_000_001]);
    heard.ids(0, [i64::MAX, 20_000_002]);
    assert_eq!(heard.broadcast_ids()[6..], [20_000_002]);
}

#[test]
fn an_absurd_first_id_is_an_epoch_of_its_own() {
    let mut heard = Heard::new(false);
    heard.ids(0, [i64::MAX, 5, 6]);
    heard.after(10);
    assert_eq!(heard.broadcast, [(0, i64::MAX), (1, 5), (1, 6)]);
}

/// Stored up to 120 but for 105 and 118; the position was saved at 100, and a gap row at 118.
fn stopped_behind() -> Heard {
    let position = Some((0, 100));
    let gaps = vec![(0, 50..=52, Cause::Jump, 0), (0, 118..=118, Cause::Jump, 0)];
    let mut heard = Heard::new(true);
    for id in (1..=120).filter(|id| ![50, 52, 105, 118].contains(id)) {
        heard.stored.insert((0, id), trade(0, id));
    }
    let mut out = Vec::new();
    heard.continuity.recall(&Recollection { position, gaps }, &mut out);
    heard.carry_out(out);
    heard
}

#[test]
fn what_is_missing_after_a_downtime_is_what_is_not_stored() {
    let mut heard = stopped_behind();
    assert_eq!(
        heard.gaps(),
        [(0, 50, 50), (0, 52, 52), (0, 105, 105), (0, 118, 118)],
        "51 was stored late"
    );
    heard.ids(0, [125, 118, 126]);
    assert_eq!(heard.broadcast_ids(), [125, 118, 126]);
    assert_eq!(heard.gaps(), [(0, 50, 50), (0, 52, 52), (0, 105, 105), (0, 121, 124)]);
}

#[test]
fn a_market_that_rewound_while_the_program_was_down_is_told_by_what_is_stored() {
    let mut same = stopped_behind();
    same.ids(0, 90..=123);
    assert_eq!(same.broadcast_ids(), [105, 118, 121, 122, 123]);
    let mut other = stopped_behind();
    other.ids(1, 119..=123);
    assert_eq!(other.broadcast, [(1, 119), (1, 120), (1, 121), (1, 122), (1, 123)]);
    let mut reset = stopped_behind();
    reset.ids(1, 1..=3);
    assert_eq!(reset.broadcast, [(1, 1), (1, 2), (1, 3)]);
}

#[test]
fn without_a_position_what_is_stored_tells_the_beginning() {
    let mut heard = Heard::new(true);
    for id in [7, 8, 10] {
        heard.stored.insert((0, id), trade(0, id));
    }
    heard.continuity.recall(&Recollection::default(), &mut Vec::new());
    heard.ids(0, [12, 13]);
    assert_eq!(
        (heard.broadcast_ids(), heard.gaps()),
        (vec![12, 13], vec![(0, 9, 9), (0, 11, 11)])
    );
}

/// Killed before the archive had answered about the beginning: there are rows of gaps and no position.
fn killed_at_the_beginning() -> Heard {
    let gaps = vec![(0, 4..=5, Cause::Jump, 0), (0, 8..=9, Cause::Jump, 0)];
    let mut heard = Heard::new(true);
    for id in [1, 2, 3, 6] {
        heard.stored.insert((0, id), trade(0, id));
    }
    let mut out = Vec::new();
    heard
        .continuity
        .recall(&Recollection { position: None, gaps }, &mut out);
    heard.carry_out(out);
    heard
}

#[test]
fn without_a_position_a_market_that_goes_back_goes_on_from_there() {
    let mut again = killed_at_the_beginning();
    again.ids(0, [1, 2, 3, 6, 7, 9, 10]);
    assert_eq!(again.broadcast, [(0, 7), (0, 9), (0, 10)]);
    assert_eq!(again.gaps(), [(0, 4, 5), (0, 8, 8)]);
}

#[test]
fn without_a_position_what_came_behind_the_first_gap_is_missing() {
    let mut beyond = killed_at_the_beginning();
    beyond.ids(0, [13, 14]);
    assert_eq!(beyond.broadcast, [(0, 13), (0, 14)]);
    assert_eq!(beyond.gaps(), [(0, 4, 5), (0, 7, 7), (0, 8, 9), (0, 10, 12)]);
}

#[test]
fn an_archive_that_does_not_answer_holds_nobody_up_for_long() {
    let mut continuity = Continuity::new(true, PATIENCE);
    let mut out = Vec::new();
    continuity.recall(
        &Recollection {
            position: Some((0, 100)),
            gaps: vec![],
        },
        &mut out,
    );
    let passed = Effect::Passed { epoch: 0, id: 100 };
    assert_eq!(std::mem::take(&mut out), [passed], "what is saved is done");
    continuity.take(trade(0, 103), Duration::ZERO, &mut out);
    assert!(out.is_empty());
    continuity.review(PATIENCE, &mut out);
    let asked = Question {
        epoch: 0,
        range: 101..=102,
        about: About::Downtime,
    };
    assert_eq!(out[0], Effect::Ask(asked), "missing only when the archive says so");
    assert!(matches!(out[1], Effect::Publish { .. }) && continuity.gaps().next().is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Next,
    Drop(u8),
    Repeat(u8),
    Late(u8),
    Rewind(u8),
    Reset,
    Stray(u8),
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Next),
        3 => (1u8..9).prop_map(Step::Drop),
        2 => any::<u8>().prop_map(Step::Repeat),
        3 => any::<u8>().prop_map(Step::Late),
        1 => any::<u8>().prop_map(Step::Rewind),
        1 => Just(Step::Reset),
        1 => any::<u8>().prop_map(Step::Stray),
        1 => (0u8..5).prop_map(Step::Wait),
    ]
}

/// Broadcast and missing make one range in each epoch, share no id, and nothing came twice.
fn check(heard: &Heard) -> Result<(), TestCaseError> {
    let mut ids: BTreeMap<i32, BTreeSet<i64>> = BTreeMap::new();
    for (epoch, id) in &heard.broadcast {
        prop_assert!(ids.entry(*epoch).or_default().insert(*id), "{id} of {epoch} twice");
    }
    for (epoch, range) in heard.continuity.gaps() {
        for id in range {
            prop_assert!(ids.entry(epoch).or_default().insert(id), "{id} of {epoch} is no gap");
        }
    }
    for (epoch, ids) in ids {
        let all: Vec<i64> = ids.iter().copied().collect();
        let contiguous = all.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        prop_assert!(contiguous, "epoch {epoch}: {all:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn broadcast_and_missing_are_contiguous_whatever_comes(
        archive in any::<bool>(), steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut heard = Heard::new(archive);
        let (mut world, mut next, mut dropped) = (0, 20, Vec::new());
        for step in steps {
            match step {
                Step::Next => { heard.ids(world, [next]); next += 1; }
                Step::Drop(count) => { dropped.extend(next..next + i64::from(count)); next += i64::from(count); }
                Step::Repeat(back) => heard.ids(world, [(next - 1 - i64::from(back)).max(0)]),
                Step::Late(which) if !dropped.is_empty() => {
                    let late = dropped.remove(usize::from(which) % dropped.len());
                    heard.ids(world, [late]);
                }
                Step::Late(_) => {}
                Step::Rewind(back) => heard.ids(world, ((next - i64::from(back)).max(0)..next).filter(|id| !dropped.contains(id))),
                Step::Reset => { world += 1; next = 1; dropped.clear(); }
                Step::Stray(id) => heard.ids(world + 100, [i64::from(id)]),
                Step::Wait(seconds) => heard.after(u64::from(seconds)),
            }
            check(&heard)?;
        }
    }

    #[test]
    fn in_one_world_exactly_what_never_came_is_missing(
        mut arrival in Just((100i64..160).collect::<Vec<_>>()),
        drops in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), 1usize..5), 0..20),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        for drop in drops { let at = drop.index(arrival.len()); arrival.remove(at); }
        // Late by a few trades, as two of the exchange's own threads may have them.
        for (at, by) in swaps { let at = at.index(arrival.len()); let to = (at + by).min(arrival.len() - 1); let id = arrival.remove(at); arrival.insert(to, id); }
        for at in again { let at = at.index(arrival.len()); arrival.insert(at + 1, arrival[at]); }
        let mut heard = Heard::new(false);
        heard.ids(0, arrival.clone());
        let came: BTreeSet<i64> = arrival.into_iter().collect();
        let (first, last) = (*came.first().expect("some"), *came.last().expect("some"));
        let never: Vec<i64> = (first..=last).filter(|id| !came.contains(id)).collect();
        let gaps: Vec<i64> = heard.continuity.gaps().flat_map(|(_, range)| range).collect();
        prop_assert_eq!(gaps, never);
        prop_assert_eq!(heard.broadcast.len(), came.len());
    }

    #[test]
    fn after_a_reset_every_trade_of_the_new_world_is_broadcast(old in 4i64..400, new in 3i64..400, archive in any::<bool>()) {
        let mut heard = Heard::new(archive);
        heard.ids(0, 1..=old);
        heard.ids(1, 1..=new);
        let told: Vec<_> = heard.broadcast[old as usize..].to_vec();
        prop_assert_eq!(told, (1..=new).map(|id| (1, id)).collect::<Vec<_>>());
        let of_new = heard.prices.iter().filter(|price| price.starts_with("2.")).count();
        prop_assert_eq!(of_new, new as usize);
    }

    #[test]
    fn no_ids_at_all_make_it_panic(ids in prop::collection::vec((any::<bool>(), 0i64..=i64::MAX), 0..40)) {
        let mut heard = Heard::new(false);
        for (world, id) in ids {
            heard.take(TradeEvent { trade_time: i64::from(world), price: "1".parse().expect("a price"), ..trade(0, id % i64::MAX) });
            heard.after(3);
        }
    }
}

#[test]
fn ids_that_the_exchange_gave_to_nobody_s_trades_are_not_missing() {
    for archive in [false, true] {
        let mut heard = Heard::new(archive);
        heard.continuity.use_up(4, &mut Vec::new());
        heard.ids(0, [5]);
        heard.continuity.use_up(6, &mut Vec::new());
        heard.ids(0, [7]);
        assert!(heard.gaps().is_empty(), "{:?}", heard.gaps());
        // What is missing around one is missing all the same, and comes late.
        heard.continuity.use_up(10, &mut Vec::new());
        heard.continuity.use_up(6, &mut Vec::new());
        heard.ids(0, [12]);
        assert_eq!(heard.gaps(), [(0, 8, 9), (0, 11, 11)]);
        heard.ids(0, [8, 9, 11]);
        assert!(heard.gaps().is_empty(), "{:?}", heard.gaps());
        assert_eq!(
            heard.broadcast.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
            [5, 7, 12, 8, 9, 11]
        );
    }
}

#[test]
fn they_may_be_told_while_a_trade_before_them_is_still_asked_about() {
    let mut continuity = Continuity::new(true, PATIENCE);
    let mut out = Vec::new();
    continuity.recall(&Recollection::default(), &mut out);
    continuity.take(trade(0, 1), Duration::ZERO, &mut out);
    continuity.use_up(2, &mut Vec::new());
    continuity.take(trade(0, 3), Duration::ZERO, &mut out);
    assert!(continuity.is_in_doubt(), "{out:?}");
    continuity.answer(0, &[1, 3], &[], Duration::ZERO, &mut out);
    assert!(
        !continuity.is_in_doubt() && continuity.gaps().next().is_none(),
        "{out:?}"
    );
    assert!(
        !out.iter().any(|effect| matches!(effect, Effect::Gap { .. })),
        "{out:?}"
    );
}

#[test]
fn a_market_that_tells_thousands_again_before_the_archive_answers_is_no_new_world() {
    let mut continuity = Continuity::new(true, PATIENCE);
    let mut out = Vec::new();
    let recollection = Recollection {
        position: Some((0, 10_000)),
        ..Recollection::default()
    };
    continuity.recall(&recollection, &mut out);
    for id in 1..=10_001 {
        continuity.take(trade(0, id), Duration::ZERO, &mut out);
    }
    out.clear();
    while let (0, asked) = continuity.unasked(256)
        && !asked.is_empty()
    {
        let stored: Vec<_> = asked
            .iter()
            .filter(|id| **id <= 10_000)
            .map(|id| trade(0, *id))
            .collect();
        continuity.answer(0, &asked, &stored, Duration::ZERO, &mut out);
    }
    let repeated = out.iter().filter(|effect| **effect == Effect::Repeated(1)).count();
    assert_eq!((repeated, continuity.epoch()), (10_000, 0));
    assert!(
        matches!(out.last(), Some(Effect::Publish { trade, late: false }) if trade.trade_id == 10_001),
        "{:?}",
        out.last()
    );
}
