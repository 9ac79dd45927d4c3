//! Exact decimals with eight places in one integer: how the exchange writes every price and amount.
//!
//! The book compares and multiplies these a hundred thousand times a second; the rest of the program meets them only
//! as text on the wire or as the [`market`](crate::market) types.

use crate::market::{Decimal, Price, Quantity};
use bigdecimal::{BigDecimal, ToPrimitive};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

/// Decimal places of every number on the wire.
const PLACES: u32 = 8;
const ONE: i128 = 10i128.pow(PLACES);

/// An exact multiple of 0.00000001.
///
/// Whatever was read from outside fits 64 bits, so a product of two such numbers fits 128.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Units(i128);

/// What a text must be to become [`Units`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a decimal number of at most eight places such as 0.43849000")]
pub(super) struct UnitsError {
    text: String,
}

impl Units {
    /// Nothing.
    pub(super) const ZERO: Self = Self(0);

    /// So many hundred-millionths.
    pub(super) fn from_raw(raw: i64) -> Self {
        Self(i128::from(raw))
    }

    /// In hundred-millionths; `None` beyond 64 bits.
    pub(super) fn raw(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }

    /// A whole number.
    pub(super) fn whole(number: i64) -> Self {
        Self(i128::from(number) * ONE)
    }

    /// The product, rounded up to eight places: an amount to be paid is never a hair too small.
    ///
    /// Exact wherever tick size times step size has at most eight places, as on every USDT pair.
    pub(super) fn times(self, other: Self) -> Self {
        let product = self.0 * other.0;
        Self(product.div_euclid(ONE) + i128::from(product.rem_euclid(ONE) != 0))
    }

    /// The greatest multiple of `unit` that is not above `self`.
    pub(super) fn floor_to(self, unit: Self) -> Self {
        if unit.0 == 0 {
            self
        } else {
            Self(self.0.div_euclid(unit.0) * unit.0)
        }
    }

    /// As the rest of the program counts, with eight places.
    pub(super) fn to_decimal(self) -> Decimal {
        BigDecimal::new(self.0.into(), i64::from(PLACES))
    }

    /// The exact value, if it has at most eight places and fits.
    pub(super) fn from_decimal(value: &Decimal) -> Option<Self> {
        let exact = value.with_scale(i64::from(PLACES));
        if exact != *value {
            return None;
        }
        exact.into_bigint_and_scale().0.to_i128().map(Self)
    }

    /// How many places its digits really use: 2 for 61000.12000000.
    pub(super) fn places(self) -> u32 {
        (0..PLACES)
            .find(|places| self.0 % 10i128.pow(PLACES - places) == 0)
            .unwrap_or(PLACES)
    }

    /// 10^−`places`.
    pub(super) fn unit(places: u32) -> Self {
        Self(10i128.pow(PLACES.saturating_sub(places)))
    }
}

impl FromStr for Units {
    type Err = UnitsError;

    fn from_str(text: &str) -> Result<Self, UnitsError> {
        parse(text.as_bytes()).map(Self::from_raw).ok_or_else(|| UnitsError {
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

impl fmt::Display for Units {
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

impl fmt::Debug for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Units {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Add for Units {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Units {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Units {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Units {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

impl From<Units> for Price {
    fn from(units: Units) -> Self {
        units.to_decimal().into()
    }
}

impl From<Units> for Quantity {
    fn from(units: Units) -> Self {
        units.to_decimal().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(text: &str) -> Units {
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
            assert_eq!(units(text).to_string(), written);
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
            assert!(text.parse::<Units>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn products_are_exact_where_eight_places_hold_them_and_else_rounded_up() {
        assert_eq!(units("0.43844").times(units("456.1")).to_string(), "199.97248400");
        assert_eq!(units("0.00000001").times(units("0.1")).to_string(), "0.00000001");
    }

    #[test]
    fn places_count_the_digits_in_use() {
        let places = ["61837.63000000", "7.0", "0.00000001", "0.5"].map(|text| units(text).places());
        assert_eq!(places, [2, 0, 8, 1]);
        assert_eq!(Units::unit(2).to_string(), "0.01000000");
    }

    proptest! {
        #[test]
        fn decimals_round_trip(raw in any::<i64>()) {
            let units = Units::from_raw(raw);
            prop_assert_eq!(Units::from_decimal(&units.to_decimal()), Some(units));
        }
    }
}
