//! Exact decimals with eight places in one integer: how the exchange writes every price and amount.
//!
//! For where they are compared and multiplied by the million: a recording, a book. Elsewhere an amount is text, or a
//! [`Price`], [`Quantity`] or [`Decimal`] of any length.
//!
//! Invariant: exact or not at all. What does not fit is refused where it comes in, and a sum beyond 128 bits ends the program's
//! part that made it instead of becoming another amount.

use super::{Decimal, Price, Quantity};
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

/// Decimal places of every number on the wire.
const PLACES: u32 = 8;
const ONE: i128 = 10i128.pow(PLACES);

/// Beyond 64 bits on both sides of a product: no amount that was read from outside comes near it.
const TOO_LARGE: &str = "amounts fit 128 bits";

/// An exact multiple of 0.00000001.
///
/// Whatever was read from outside fits 64 bits, so a product of two such numbers fits 128.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fixed(i128);

/// What a text must be to become [`Fixed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a decimal number of at most eight places such as 0.43849000")]
pub(crate) struct FixedError {
    text: String,
}

impl Fixed {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(0);

    /// So many hundred-millionths.
    pub(crate) fn from_raw(raw: i64) -> Self {
        Self(i128::from(raw))
    }

    /// In hundred-millionths; `None` beyond 64 bits.
    pub(crate) fn raw(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }

    /// A whole number.
    pub(crate) fn whole(number: i64) -> Self {
        Self(i128::from(number) * ONE)
    }

    /// The product, rounded up to eight places: an amount to be paid is never a hair too small.
    ///
    /// Exact wherever tick size times step size has at most eight places, as on every USDT pair.
    pub(crate) fn times(self, other: Self) -> Self {
        let product = self.0.checked_mul(other.0).expect(TOO_LARGE);
        Self(product.div_euclid(ONE) + i128::from(product.rem_euclid(ONE) != 0))
    }

    /// The greatest multiple of `unit` that is not above `self`.
    pub(crate) fn floor_to(self, unit: Self) -> Self {
        if unit.0 == 0 {
            self
        } else {
            Self(self.0.div_euclid(unit.0) * unit.0)
        }
    }

    /// As the rest of the program counts, with eight places.
    pub(crate) fn to_decimal(self) -> Decimal {
        BigDecimal::new(self.0.into(), i64::from(PLACES))
    }

    /// The exact value, if it has at most eight places and fits.
    pub(crate) fn from_decimal(value: &Decimal) -> Option<Self> {
        let (digits, scale) = value.as_bigint_and_scale();
        if let (Some(digits), 0..=8) = (digits.to_i128(), scale) {
            // As the exchange writes it: nothing is allocated.
            return digits.checked_mul(10i128.pow(PLACES - scale as u32)).map(Self);
        }
        let exact = value.with_scale(i64::from(PLACES));
        if exact != *value {
            return None;
        }
        exact.into_bigint_and_scale().0.to_i128().map(Self)
    }

    /// The least value that is not below `value`, if it fits: whatever has eight places is below the one exactly where it is below
    /// the other.
    pub(crate) fn ceiling(value: &Decimal) -> Option<Self> {
        let above = value.with_scale_round(i64::from(PLACES), RoundingMode::Ceiling);
        above.into_bigint_and_scale().0.to_i128().map(Self)
    }

    /// How many places its digits really use: 2 for 61000.12000000.
    pub(crate) fn places(self) -> u32 {
        (0..PLACES)
            .find(|places| self.0 % 10i128.pow(PLACES - places) == 0)
            .unwrap_or(PLACES)
    }

    /// 10^−`places`.
    pub(crate) fn unit(places: u32) -> Self {
        Self(10i128.pow(PLACES.saturating_sub(places)))
    }
}

impl FromStr for Fixed {
    type Err = FixedError;

    fn from_str(text: &str) -> Result<Self, FixedError> {
        parse(text.as_bytes()).map(Self::from_raw).ok_or_else(|| FixedError {
            text: text.chars().take(60).collect(),
        })
    }
}

/// Digits with at most one point. Places beyond the eighth must be zeros.
fn parse(text: &[u8]) -> Option<i64> {
    let (mut raw, mut places, mut point, mut any) = (0i64, 0, false, false);
    for &byte in text {
        match byte {
            b'0' if places == PLACES => {}
            b'0'..=b'9' if places < PLACES => {
                raw = raw.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                places += u32::from(point);
                any = true;
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    if any {
        raw.checked_mul(10i64.pow(PLACES - places))
    } else {
        None
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if let (Ok(whole), fraction) = (u64::try_from(magnitude / one), (magnitude % one) as u32) {
            write!(f, "{sign}{whole}.{fraction:08}")
        } else {
            write!(f, "{sign}{}.{:08}", magnitude / one, magnitude % one)
        }
    }
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Fixed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Add for Fixed {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect(TOO_LARGE))
    }
}

impl Sub for Fixed {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect(TOO_LARGE))
    }
}

impl AddAssign for Fixed {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Fixed {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Fixed {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::add)
    }
}

impl From<Fixed> for Price {
    fn from(fixed: Fixed) -> Self {
        fixed.to_decimal().into()
    }
}

impl From<Fixed> for Quantity {
    fn from(fixed: Fixed) -> Self {
        fixed.to_decimal().into()
    }
}

/// A price with its scaled integer, which is worked out once for all who compare it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level<'a> {
    exact: &'a Price,
    /// None beyond eight places or 128 bits: then it is compared digit by digit.
    fixed: Option<Fixed>,
}

impl<'a> Level<'a> {
    pub(crate) fn of(exact: &'a Price) -> Self {
        Self::known(exact, Fixed::from_decimal(exact.value()))
    }

    /// With what [`Level::fixed`] has told of the same price before.
    pub(crate) fn known(exact: &'a Price, fixed: Option<Fixed>) -> Self {
        Self { exact, fixed }
    }

    pub(crate) fn exact(self) -> &'a Price {
        self.exact
    }

    pub(crate) fn fixed(self) -> Option<Fixed> {
        self.fixed
    }
}

impl Ord for Level<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.fixed, other.fixed) {
            (Some(own), Some(other)) => own.cmp(&other),
            _ => self.exact.cmp(other.exact),
        }
    }
}

impl PartialOrd for Level<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Level<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Level<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fixed(text: &str) -> Fixed {
        text.parse().expect(text)
    }

    #[test]
    fn text_becomes_eight_places_exactly() {
        for (text, written) in [
            ("0.43849", "0.43849000"),
            ("61837.63000000", "61837.63000000"),
            ("1", "1.00000000"),
            ("0.00000001", "0.00000001"),
            ("2.5000000000000", "2.50000000"),
        ] {
            assert_eq!(fixed(text).to_string(), written);
        }
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1e5",
            "0.000000001",
            "1.2.3",
            " 1",
            "92233720369",
            "NaN",
        ] {
            assert!(text.parse::<Fixed>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn products_are_exact_where_eight_places_hold_them_and_else_rounded_up() {
        assert_eq!(fixed("0.43844").times(fixed("456.1")).to_string(), "199.97248400");
        assert_eq!(fixed("0.00000001").times(fixed("0.1")).to_string(), "0.00000001");
    }

    #[test]
    fn places_count_the_digits_in_use() {
        let places = ["61837.63000000", "7.0", "0.00000001", "0.5"].map(|text| fixed(text).places());
        assert_eq!(places, [2, 0, 8, 1]);
        assert_eq!(Fixed::unit(2).to_string(), "0.01000000");
    }

    proptest! {
        #[test]
        fn decimals_round_trip(raw in any::<i64>()) {
            let fixed = Fixed::from_raw(raw);
            prop_assert_eq!(Fixed::from_decimal(&fixed.to_decimal()), Some(fixed));
        }

        #[test]
        fn whatever_the_digits_a_number_is_exact_or_none(digits in any::<i128>(), scale in -3i64..24) {
            let value = Decimal::new(digits.into(), scale);
            if let Some(fixed) = Fixed::from_decimal(&value) {
                prop_assert_eq!(fixed.to_decimal(), value);
            } else {
                let fits = value.with_scale(8) == value && value.with_scale(8).into_bigint_and_scale().0.to_i128().is_some();
                prop_assert!(!fits, "{}", value);
            }
        }

        #[test]
        fn a_ceiling_parts_the_numbers_of_eight_places_as_the_exact_one_does(
            digits in any::<i64>(), scale in 0i64..24, beside in -2i64..3,
        ) {
            let value = Decimal::new(digits.into(), scale);
            let ceiling = Fixed::ceiling(&value).expect("it is small");
            let near = ceiling + Fixed::from_raw(beside);
            prop_assert_eq!(near < ceiling, near.to_decimal() < value);
        }

        #[test]
        fn levels_stand_as_their_prices_do(digits in [-9_000i64..9_000, -9_000i64..9_000], scales in [5i64..12, 5i64..12]) {
            let price = |at: usize| Price::from(Decimal::new(digits[at].into(), scales[at]));
            let (one, other) = (price(0), price(1));
            prop_assert_eq!(Level::of(&one).cmp(&Level::of(&other)), one.cmp(&other));
        }
    }
}
