//! Each violation is found, alone and where it stands; sound books have none.

use super::*;

fn books(stored: impl IntoIterator<Item = i64>, gaps: &[Span]) -> Books {
    Books {
        stored: stored.into_iter().collect(),
        gaps: gaps.to_vec(),
        ..Books::default()
    }
}

#[test]
fn sound_books_have_no_violations() {
    assert_eq!(violations(&Books::default()), []);
    let sound = Books {
        stored: (1..=5).chain(9..=12).rev().collect(),
        gaps: vec![(8, 8), (6, 7), (13, 20)],
        position: Some(12),
        playable: Some(vec![(1, 5), (9, 12)]),
    };
    assert_eq!(violations(&sound), []);
}

#[test]
fn a_row_twice_is_a_duplicate() {
    assert_eq!(violations(&books([3, 1, 2, 3], &[])), [Violation::Duplicate(3)]);
}

#[test]
fn what_is_neither_stored_nor_told_is_a_hole_of_exactly_that_width() {
    assert_eq!(violations(&books([1, 2, 6], &[])), [Violation::Hole((3, 5))]);
    assert_eq!(
        violations(&books([1, 2, 6], &[(4, 4)])),
        [Violation::Hole((3, 3)), Violation::Hole((5, 5))]
    );
    assert_eq!(
        violations(&books([1], &[(4, 5)])),
        [Violation::Hole((2, 3))],
        "a gap at the end counts as known"
    );
}

#[test]
fn a_gap_that_holds_a_stored_id_is_not_exact() {
    let found = violations(&books([1, 2, 3, 4, 7], &[(3, 6)]));
    let inexact = Violation::StoredInGap {
        gap: (3, 6),
        stored: 2,
        first: 3,
    };
    assert_eq!(found, [inexact]);
}

#[test]
fn gap_rows_are_disjoint_and_not_empty() {
    assert_eq!(
        violations(&books([1, 9], &[(2, 8), (3, 4), (8, 8)])),
        [Violation::Overlap((2, 8), (3, 4)), Violation::Overlap((2, 8), (8, 8))]
    );
    assert_eq!(
        violations(&books([1, 9], &[(2, 8), (2, 8)])),
        [Violation::Overlap((2, 8), (2, 8))]
    );
    assert_eq!(violations(&books([1, 2], &[(2, 1)])), [Violation::EmptyGap((2, 1))]);
}

#[test]
fn a_position_must_not_be_ahead_of_what_is_known() {
    let at = |position| Books {
        position: Some(position),
        ..books([1, 2, 3], &[(4, 6)])
    };
    assert_eq!(violations(&at(3)), []);
    assert_eq!(violations(&at(6)), []);
    let ahead = Violation::PositionAhead {
        position: 7,
        covered: Some(6),
    };
    assert_eq!(violations(&at(7)), [ahead]);
    let nothing = Books {
        position: Some(1),
        ..Books::default()
    };
    assert_eq!(violations(&nothing).len(), 1);
}

#[test]
fn what_could_be_played_again_must_be_stored_even_where_a_gap_tells_of_it() {
    let played = |stored: &[i64], gaps: &[Span]| {
        violations(&Books {
            playable: Some(vec![(1, 4), (8, 9)]),
            ..books(stored.iter().copied(), gaps)
        })
    };
    assert_eq!(played(&[1, 2, 3, 4, 8, 9], &[(5, 7)]), []);
    assert_eq!(played(&[1, 4, 8, 9], &[(2, 3), (5, 7)]), [Violation::Lost((2, 3))]);
    assert_eq!(
        played(&[1, 2, 3], &[]),
        [Violation::Lost((4, 4)), Violation::Lost((8, 9))],
        "also at the end"
    );
    assert_eq!(
        played(&[2, 3, 4, 8, 9], &[(5, 7)]),
        [Violation::Lost((1, 1))],
        "and at the beginning"
    );
    assert_eq!(played(&[1, 2, 3, 4, 5, 8, 9], &[(6, 7)]), [Violation::Invented(5)]);
}

fn healthy() -> Account {
    Account {
        ending: Ending::Ordered,
        code: Some(0),
        told_new: Some(7),
        told_unstored: false,
        rows_added: 7,
        unstored: Vec::new(),
        answers_lost: false,
        troubled: false,
    }
}

fn untrue(change: impl FnOnce(&mut Account)) -> usize {
    let mut account = healthy();
    change(&mut account);
    untruths(&account).len()
}

#[test]
fn an_ordered_end_tells_what_is_so() {
    assert_eq!(untruths(&healthy()), [""; 0]);
    assert_eq!(untrue(|account| account.told_new = Some(8)), 1, "more told than stored");
    assert_eq!(
        untrue(|account| account.told_new = Some(6)),
        1,
        "fewer told than stored"
    );
    assert_eq!(untrue(|account| account.told_new = None), 1);
    assert_eq!(
        untrue(|account| account.unstored = vec![9]),
        1,
        "0 although something is missing"
    );
    assert_eq!(untrue(|account| account.code = Some(4)), 1, "4 without a reason");
    for code in [None, Some(1), Some(143)] {
        assert_eq!(untrue(|account| account.code = code), 1, "{code:?}");
    }
}

#[test]
fn what_was_not_stored_is_told_with_a_sum() {
    let kept = |told| {
        untrue(|account| {
            (account.code, account.told_unstored) = (Some(4), told);
            (account.troubled, account.unstored) = (true, vec![9]);
        })
    };
    assert_eq!((kept(true), kept(false)), (0, 1));
}

#[test]
fn a_database_that_did_not_answer_may_hold_more_than_was_told_and_never_less() {
    let told = |new| {
        untrue(|account| {
            account.answers_lost = true;
            account.told_new = Some(new);
        })
    };
    assert_eq!((told(6), told(7), told(8)), (0, 0, 1));
}

#[test]
fn other_ends_have_their_own_codes() {
    let ended = |ending, code| {
        untrue(|account| {
            (account.ending, account.code, account.told_new) = (ending, code, None);
        })
    };
    assert_eq!(ended(Ending::Killed, None), 0);
    assert_eq!(ended(Ending::Killed, Some(0)), 1);
    assert_eq!(ended(Ending::Forced(15), Some(143)), 0);
    assert_eq!(ended(Ending::Forced(15), Some(0)), 1);
    assert_eq!(ended(Ending::Forced(1), None), 1);
}
