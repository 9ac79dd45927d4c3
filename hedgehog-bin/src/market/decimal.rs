//! Exact decimals: `BigDecimal` with fast paths for the digits that exchanges really send.

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An amount that is neither a price nor a quantity: a budget, an interval, a profit.
pub type Decimal = BigDecimal;

/// No exchange means a number of more digits than this. A longer one is refused before it is read: a few million digits would
/// take a processor for a quarter of a minute.
pub(super) const LONGEST_DECIMAL: usize = 64;

/// What a text must be to be a decimal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", told(text, *length))]
pub struct DecimalError {
    /// Its beginning.
    text: String,
    /// Of the whole.
    length: usize,
}

impl DecimalError {
    fn of(text: &str) -> Self {
        Self {
            text: text.chars().take(60).collect(),
            length: text.len(),
        }
    }
}

fn told(text: &str, length: usize) -> String {
    if length > LONGEST_DECIMAL {
        format!("{text:?}... is too long for a number: {length} digits, more than {LONGEST_DECIMAL}")
    } else {
        format!("{text:?} is not a decimal number such as 0.43849000")
    }
}

/// [`parse_decimal`] of what came from outside: too long a text is refused unread.
pub(super) fn parse_foreign_decimal(text: &str) -> Result<BigDecimal, DecimalError> {
    if text.len() > LONGEST_DECIMAL {
        return Err(DecimalError::of(text));
    }
    parse_decimal(text)
}

/// Reads plain decimal text exactly. Scientific notation is refused: no exchange sends it, and it hides typing errors.
pub fn parse_decimal(text: &str) -> Result<BigDecimal, DecimalError> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let refused = || DecimalError::of(text);
    let (mut mantissa, mut scale, mut point, mut any) = (0u64, 0i64, false, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                // Wraps only beyond 19 digits, where the slow path below reads the text again.
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                scale += i64::from(point);
                any = true;
            }
            b'.' if !point => point = true,
            _ => return Err(refused()),
        }
    }
    if !any {
        return Err(refused());
    }
    if digits.len() <= 19 {
        let mantissa = i128::from(mantissa);
        return Ok(BigDecimal::new(
            (if negative { -mantissa } else { mantissa }).into(),
            scale,
        ));
    }
    text.parse().map_err(|_| refused())
}

/// Plain text without an exponent, every digit of the scale kept: `0.43849000`. Quick where the digits fit 128 bits, as
/// all prices do.
pub fn plain_text(value: &BigDecimal) -> String {
    let (digits, scale) = value.as_bigint_and_scale();
    let (Some(mut high), 0..=38) = (digits.magnitude().to_u128(), scale) else {
        return value.to_plain_string();
    };
    let scale = scale as usize;
    // A sign, 39 digits and a point; filled from the right.
    let mut text = [0u8; 41];
    let mut at = text.len();
    let mut put = |byte: u8| {
        at -= 1;
        text[at] = byte;
    };
    let mut written = 0;
    let mut put_digit = |digit: u8| {
        put(b'0' + digit);
        written += 1;
        if written == scale {
            put(b'.');
        }
        written
    };
    // 128-bit division is slow: it stops as soon as the rest fits 64 bits.
    while high > u128::from(u64::MAX) {
        put_digit((high % 10) as u8);
        high /= 10;
    }
    let mut low = high as u64;
    let mut count = 0;
    while low > 0 {
        count = put_digit((low % 10) as u8);
        low /= 10;
    }
    // Zeros between the point and the first digit, and the one before the point.
    while count <= scale {
        count = put_digit(0);
    }
    if digits.sign() == Sign::Minus {
        put(b'-');
    }
    text[at..].iter().map(|&byte| char::from(byte)).collect()
}

/// Plain text for a person: without the zeros that carry no value, `0.43849000` as `0.43849`.
pub fn short_text(value: &BigDecimal) -> String {
    let text = plain_text(value);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A count for a person, with its thousands apart: `117 859`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The greatest multiple of `unit` that is not above `value`, with as many decimals as the unit is written with.
///
/// A unit of zero means that the exchange has switched the rule off: the value comes back unchanged.
pub fn floor_to(value: &BigDecimal, unit: &BigDecimal) -> BigDecimal {
    if unit.is_zero() {
        return value.clone();
    }
    // Exact: scale both to integers, then divide with floor. `BigDecimal`'s own division would round at 100 digits.
    let scale = value.fractional_digit_count().max(unit.fractional_digit_count());
    let (numerator, _) = value
        .with_scale_round(scale, RoundingMode::Floor)
        .into_bigint_and_scale();
    let (denominator, _) = unit
        .with_scale_round(scale, RoundingMode::Floor)
        .into_bigint_and_scale();
    let mut steps = &numerator / &denominator;
    if (&numerator % &denominator).sign() == Sign::Minus {
        steps -= 1;
    }
    BigDecimal::new(steps * denominator, scale).with_scale_round(unit.fractional_digit_count(), RoundingMode::Floor)
}

macro_rules! exact {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(BigDecimal);

        impl $name {
            /// The exact value.
            pub fn value(&self) -> &BigDecimal {
                &self.0
            }
            /// The exact value, taken out.
            pub fn into_inner(self) -> BigDecimal {
                self.0
            }
            /// Zero, written with eight decimals as the exchange does.
            pub fn zero() -> Self {
                Self(BigDecimal::new(0.into(), 8))
            }
            /// Whether the value is zero, however it is written.
            pub fn is_zero(&self) -> bool {
                self.0.is_zero()
            }
        }

        impl From<BigDecimal> for $name {
            fn from(value: BigDecimal) -> Self {
                Self(value)
            }
        }

        impl FromStr for $name {
            type Err = DecimalError;
            fn from_str(text: &str) -> Result<Self, DecimalError> {
                parse_foreign_decimal(text).map(Self)
            }
        }

        /// Every digit as the exchange writes it; `{:#}` leaves out the zeros that carry no value.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&if f.alternate() { short_text(&self.0) } else { plain_text(&self.0) })
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&plain_text(&self.0))
            }
        }

        /// As a JSON string: a JSON number would pass through a float in most readers.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&plain_text(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

exact! {
    /// A price in the quote asset per unit of the base asset.
    Price
}
exact! {
    /// An amount of an asset: of the base asset, or of the quote asset where a field's name says `quote`.
    Quantity
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_survives_digit_by_digit() {
        let texts = [
            "0",
            "0.0",
            "0.00000000",
            "1",
            "-1",
            "10",
            "0.1",
            "-0.1",
            "61000.12000000",
            "0.00000001",
            "-0.00000001",
            "999999999999999999",
            "9999999999999999999",
            "123456789012345678901234.123456789012",
            "340282366920938463463374607431768211455",
            "-340282366920938463463374607431768211455",
            "-3.40282366920938463463374607431768211455",
            "-0.340282366920938463463374607431768211455",
            "0.00000000000000000000000000000000000001",
            "99999999999999999999999999999999999999999.5",
        ];
        for text in texts {
            let value = parse_decimal(text).expect(text);
            assert_eq!(plain_text(&value), text);
            assert_eq!(value, text.parse::<BigDecimal>().expect(text));
        }
    }

    #[test]
    fn a_large_exponent_is_written_out() {
        let value: BigDecimal = "1e20".parse().expect("a decimal");
        assert_eq!(plain_text(&value), "100000000000000000000");
    }

    proptest! {
        #[test]
        fn quick_ways_agree_with_bigdecimal(digits in any::<i128>(), scale in 0i64..45) {
            let value = BigDecimal::new(digits.into(), scale);
            let text = plain_text(&value);
            prop_assert_eq!(&text, &value.to_plain_string());
            let back = parse_decimal(&text).expect("a decimal");
            prop_assert_eq!(back.as_bigint_and_scale(), value.as_bigint_and_scale());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[-+.0-9eE_ ]{0,24}") {
            if let Ok(value) = parse_decimal(&text) {
                prop_assert_eq!(Ok(value), text.parse::<BigDecimal>());
            }
        }
    }

    #[test]
    fn a_person_reads_no_empty_zeros() {
        for (text, short) in [
            ("0.43849000", "0.43849"),
            ("100", "100"),
            ("100.00", "100"),
            ("0.00000000", "0"),
            ("-1.50", "-1.5"),
        ] {
            assert_eq!(short_text(&parse_decimal(text).expect(text)), short);
        }
        assert_eq!(
            format!("{:#}", "61831.44000000".parse::<Price>().expect("a price")),
            "61831.44"
        );
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1_000, 117_859, 1_000_000].map(grouped),
            ["0", "999", "1 000", "117 859", "1 000 000"]
        );
    }

    #[test]
    fn what_is_not_plain_decimal_text_is_refused() {
        for text in [
            "", ".", "-", "-.", "1-2", "١", "1e5", "0x1", "1,5", "NaN", " 1", "1 ", "1.2.3", "--1", "+1",
        ] {
            assert!(parse_decimal(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_for_a_number_is_refused_unread() {
        let begun = std::time::Instant::now();
        let told = "7"
            .repeat(4_000_000)
            .parse::<Price>()
            .expect_err("too long")
            .to_string();
        assert!(
            told.contains("4000000 digits, more than 64") && told.len() < 200,
            "{told}"
        );
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        assert!("7".repeat(64).parse::<Quantity>().is_ok());
    }

    #[test]
    fn flooring_is_exact_and_keeps_the_unit_s_decimals() {
        let floor = |value: &str, unit: &str| {
            plain_text(&floor_to(
                &parse_decimal(value).expect(value),
                &parse_decimal(unit).expect(unit),
            ))
        };
        assert_eq!(floor("0.43075052475", "0.0001"), "0.4307");
        assert_eq!(floor("0.43075052475", "0.00010000"), "0.43070000");
        assert_eq!(floor("5.3263", "0.001"), "5.326");
        assert_eq!(floor("10.101", "1"), "10");
        assert_eq!(floor("-0.5", "1"), "-1");
        assert_eq!(floor("7.5", "0.3"), "7.5");
        assert_eq!(floor("7.59", "0"), "7.59");
    }
}
