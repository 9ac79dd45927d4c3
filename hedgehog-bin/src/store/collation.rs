//! The numeric order of plain decimal text, under the name `decimal`: what sqlite3's own shell ships.
//!
//! Diesel's bridge aborts the whole process when a collation panics or is handed text that is not UTF-8. So the order
//! is total over *every* text, with no step that can fail, and the CHECK on each decimal column keeps out the rest.

use std::cmp::Ordering;

use diesel::QueryResult;
use diesel::sqlite::SqliteConnection;

/// Makes the collation known to a connection. Needed before any table with decimals is made, sorted or searched.
pub(super) fn register(connection: &mut SqliteConnection) -> QueryResult<()> {
    // Diesel hands over the right side first. An index built in the wrong order is corrupt for every other tool.
    connection.register_collation("decimal", |right, left| compare(left, right))
}

/// Orders by value: "9.0" before "10.0", "1.5" the same as "1.50".
///
/// What is not a decimal has some place, always the same one: the texts are compared by a key of sign, whole digits and
/// fraction, and comparing keys is a total order whatever bytes they hold.
fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (Key::of(left.as_bytes()), Key::of(right.as_bytes()));
    match (left.negative, right.negative) {
        (false, false) => left.cmp_magnitude(&right),
        (true, true) => right.cmp_magnitude(&left),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// A text without the parts that carry no value.
struct Key<'a> {
    negative: bool,
    /// Without leading zeros.
    whole: &'a [u8],
    /// Without trailing zeros.
    fraction: &'a [u8],
}

impl<'a> Key<'a> {
    fn of(text: &'a [u8]) -> Self {
        let (minus, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
            Some(point) => (&digits[..point], &digits[point + 1..]),
            None => (digits, &[][..]),
        };
        let whole = trim_start(whole);
        let fraction = trim_end(fraction);
        // "-0.00" is zero.
        let negative = minus && !(whole.is_empty() && fraction.is_empty());
        Key {
            negative,
            whole,
            fraction,
        }
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        let whole = self
            .whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(other.whole));
        whole.then_with(|| self.fraction.cmp(other.fraction))
    }
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    &digits[zeros..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|&&byte| byte == b'0').count();
    &digits[..digits.len() - zeros]
}

#[cfg(test)]
mod tests {
    use bigdecimal::BigDecimal;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn different_spellings_of_one_value_are_equal() {
        for (left, right) in [
            ("1.5", "1.50"),
            ("007", "7"),
            ("-0.00", "0"),
            ("+3", "3"),
            (".5", "0.5"),
            ("5.", "5"),
        ] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }

    #[test]
    fn junk_does_not_panic() {
        let long = "9".repeat(100_000);
        let junk = [
            "", "-", "+", ".", "-.", "..", "--", "1.2.3", "1-2", "abc", "-abc", "\0", "é", "１２", "NaN", &long,
        ];
        for left in junk {
            for right in junk {
                assert_eq!(
                    compare(left, right),
                    compare(right, left).reverse(),
                    "{left:?} {right:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_values(
            left in "-?[0-9]{1,30}(\\.[0-9]{1,30})?",
            right in "-?[0-9]{1,30}(\\.[0-9]{1,30})?",
        ) {
            let value = |text: &str| text.parse::<BigDecimal>().expect("a decimal");
            prop_assert_eq!(compare(&left, &right), value(&left).cmp(&value(&right)));
        }

        #[test]
        fn the_order_is_total_over_any_text(
            a in "[-+.0-9a\\PC]{0,6}",
            b in "[-+.0-9a\\PC]{0,6}",
            c in "[-+.0-9a\\PC]{0,6}",
        ) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
