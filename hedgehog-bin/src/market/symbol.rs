//! A symbol, normalised once at the edge.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A trading pair as the exchange writes it: `BTCUSDT`. Always upper case, cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Symbol(Arc<str>);

/// What a text must be to name a symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a symbol: expected 1 to 40 letters or digits such as BTCUSDT")]
pub struct SymbolError {
    text: String,
}

impl Symbol {
    /// The text in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in lower case, as stream names are written (`btcusdt@trade`).
    pub fn to_lowercase(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    /// Takes any case. Letters outside ASCII are legal in the exchange's symbols.
    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let name = text.trim();
        let fits = (1..=40).contains(&name.chars().take(41).count());
        if fits
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            Ok(Self(name.to_uppercase().into()))
        } else {
            // Whatever was sent as a symbol, a line of the log must hold it.
            Err(SymbolError {
                text: text.chars().take(60).collect(),
            })
        }
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case_is_normalised() {
        assert_eq!(
            "btcUsdt".parse::<Symbol>().map(|s| s.as_str().to_owned()),
            Ok("BTCUSDT".to_owned())
        );
    }

    #[test]
    fn text_that_cannot_be_a_symbol_is_refused() {
        for text in ["", "  ", "BTC/USDT", "A B", &"X".repeat(41)] {
            assert!(text.parse::<Symbol>().is_err(), "{text:?}");
        }
        let endless = "X".repeat(4_000_000).parse::<Symbol>().expect_err("too long");
        assert!(endless.to_string().len() < 200, "{endless}");
    }
}
