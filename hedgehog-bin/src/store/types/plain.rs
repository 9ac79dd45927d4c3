//! Plain decimal text ("-12.50", never "1E-8") and back, quick where the digits fit 128 bits, as all prices do.

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, ToPrimitive};

/// The digits with their scale kept: `1.50` stays `1.50`.
pub(super) fn format(value: &BigDecimal) -> String {
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

/// `None` for what is not a decimal number.
pub(in crate::store) fn parse(text: &str) -> Option<BigDecimal> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    // 18 digits and a point: the sum stays within an i64.
    if digits.len() <= 19
        && let Some((magnitude, scale)) = parse_short(digits)
    {
        let signed = if negative { -magnitude } else { magnitude };
        return Some(BigDecimal::new(signed.into(), scale));
    }
    text.parse().ok()
}

/// Digits and at most one point; `None` for anything else, or when a 64-bit integer is too small.
fn parse_short(digits: &[u8]) -> Option<(i64, i64)> {
    let mut magnitude = 0i64;
    let mut scale = None;
    let mut any = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                magnitude = magnitude.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                scale = scale.map(|scale: i64| scale + 1);
                any = true;
            }
            b'.' if scale.is_none() => scale = Some(0),
            _ => return None,
        }
    }
    any.then_some((magnitude, scale.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_keeps_its_scale_and_never_has_an_exponent() {
        for text in [
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
            "99999999999999999999999999999999999999999.5",
            "340282366920938463463374607431768211455",
            "-340282366920938463463374607431768211455",
            "0.00000000000000000000000000000000000001",
            "-3.40282366920938463463374607431768211455",
            "-0.340282366920938463463374607431768211455",
        ] {
            let value = parse(text).unwrap_or_else(|| panic!("{text} does not parse"));
            assert_eq!(format(&value), text);
        }
    }

    #[test]
    fn a_large_exponent_is_written_out() {
        let value: BigDecimal = "1e20".parse().expect("a decimal");
        assert_eq!(format(&value), "100000000000000000000");
    }

    #[test]
    fn junk_is_not_a_decimal() {
        for text in ["", ".", "-", "-.", "x", "1.2.3", "--1", "1-2", "12,5", "١"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn quick_ways_agree_with_bigdecimal(digits in any::<i128>(), scale in 0i64..45) {
            let value = BigDecimal::new(digits.into(), scale);
            let text = format(&value);
            prop_assert_eq!(&text, &value.to_plain_string());
            let back = parse(&text).expect("a decimal");
            prop_assert_eq!(back.as_bigint_and_scale(), value.as_bigint_and_scale());
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text in "[-+.0-9eE_ ]{0,24}") {
            let quick = parse(&text);
            if quick.is_some() {
                prop_assert_eq!(quick, text.parse().ok());
            }
        }
    }
}
