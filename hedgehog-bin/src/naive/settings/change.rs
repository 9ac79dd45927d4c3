//! A change of trading settings as it is typed: `chunks=3 budget=500`.

use super::Setting;
use crate::market::{Decimal, parse_decimal, short_text};
use crate::spelling::{did_you_mean, nearest};
use crate::store;
use serde::{Deserialize, Serialize};

/// A budget has at most so many digits before and behind its point; more is a slip of the hand.
const BUDGET_MAX: &str = "1000000000000000";
const DECIMALS: i64 = 18;

const KEYS: [&str; 5] = [
    "chunks",
    "budget",
    "buy_down_interval",
    "profit_interval",
    "rebuy_interval",
];

/// What of a symbol's settings is to change, and to what. Every value is one that trading can work with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct SettingsChange {
    chunks: Option<i32>,
    budget: Option<Decimal>,
    buy_down_interval: Option<Decimal>,
    profit_interval: Option<Decimal>,
    rebuy_interval: Option<Decimal>,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No `key=value`.
    #[error("{0:?} is not a setting: expected key=value, such as chunks=3")]
    NotASetting(String),
    /// A setting that does not exist.
    #[error(
        "unknown setting {key:?}{}; the settings are chunks, budget, buy_down_interval, profit_interval and rebuy_interval",
        did_you_mean(nearest)
    )]
    UnknownKey {
        /// As typed.
        key: String,
        /// Known ones that are spelt alike, best first.
        nearest: Vec<&'static str>,
    },
    /// Two values for one setting.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A value that trading cannot work with.
    #[error("{key}: {value:?} is not {expected}")]
    BadValue {
        /// The setting.
        key: &'static str,
        /// As typed.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl SettingsChange {
    /// Reads `key=value` for each setting that is to change.
    pub fn parse<T: AsRef<str>>(typed: impl IntoIterator<Item = T>) -> Result<Self, SettingsError> {
        let mut change = Self::default();
        for pair in typed {
            let pair = pair.as_ref();
            let not_a_setting = || SettingsError::NotASetting(pair.to_owned());
            let (key, value) = pair.split_once('=').ok_or_else(not_a_setting)?;
            change.set(key.trim(), value.trim())?;
        }
        Ok(change)
    }

    fn set(&mut self, typed: &str, value: &str) -> Result<(), SettingsError> {
        let lower = typed.to_lowercase().replace('-', "_");
        let Some(key) = KEYS.into_iter().find(|key| *key == lower) else {
            return Err(SettingsError::UnknownKey {
                key: typed.to_owned(),
                nearest: KEYS
                    .into_iter()
                    .filter(|key| nearest(&lower, KEYS).contains(key))
                    .take(1)
                    .collect(),
            });
        };
        let bad = |expected| SettingsError::BadValue {
            key,
            value: value.to_owned(),
            expected,
        };
        let (place, least, most, expected) = match key {
            "chunks" => {
                let expected = "a whole number from 1 to 100";
                let chunks = value.parse().ok().filter(|chunks| (1..=100).contains(chunks));
                return put(&mut self.chunks, key, chunks.ok_or_else(|| bad(expected))?);
            }
            "budget" => (
                &mut self.budget,
                "0",
                BUDGET_MAX,
                "an amount of the quote asset above 0, such as 1000",
            ),
            "buy_down_interval" => (
                &mut self.buy_down_interval,
                "0",
                "0.5",
                "a part of the price from 0 to 0.5, such as 0.002",
            ),
            "profit_interval" => (
                &mut self.profit_interval,
                "-0.1",
                "1",
                "a part of the price from -0.1 to 1, such as 0.001",
            ),
            _ => (
                &mut self.rebuy_interval,
                "0",
                "0.5",
                "a part of the price from 0 to 0.5, such as 0.005",
            ),
        };
        let bound = |text| parse_decimal(text).unwrap_or_default();
        let read = parse_decimal(value).ok().filter(|read| {
            let fits = *read >= bound(least) && *read <= bound(most) && read.fractional_digit_count() <= DECIMALS;
            fits && (key != "budget" || *read > Decimal::default())
        });
        put(place, key, read.ok_or_else(|| bad(expected))?)
    }

    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The row as it is to be.
    pub(in crate::naive) fn apply(&self, row: &Setting) -> Setting {
        let mut row = row.clone();
        row.chunks = self.chunks.unwrap_or(row.chunks);
        for (new, place) in [
            (&self.budget, &mut row.budget),
            (&self.buy_down_interval, &mut row.buy_down_interval),
            (&self.profit_interval, &mut row.profit_interval),
            (&self.rebuy_interval, &mut row.rebuy_interval),
        ] {
            if let Some(new) = new {
                *place = store::Decimal(new.clone());
            }
        }
        row
    }
}

fn put<T>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), SettingsError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(SettingsError::Twice(key)),
    }
}

impl TryFrom<Vec<String>> for SettingsChange {
    type Error = SettingsError;

    fn try_from(typed: Vec<String>) -> Result<Self, SettingsError> {
        Self::parse(typed)
    }
}

impl From<SettingsChange> for Vec<String> {
    fn from(change: SettingsChange) -> Self {
        let decimals = [
            ("budget", change.budget),
            ("buy_down_interval", change.buy_down_interval),
            ("profit_interval", change.profit_interval),
            ("rebuy_interval", change.rebuy_interval),
        ];
        let chunks = change.chunks.map(|chunks| format!("chunks={chunks}"));
        let decimals = decimals
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", short_text(&value?))));
        chunks.into_iter().chain(decimals).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::Profile;
    use crate::naive::settings::TradingSettings;
    use crate::store::Moment;

    fn refusal(typed: &str) -> String {
        SettingsChange::parse(typed.split(' ')).expect_err(typed).to_string()
    }

    #[test]
    fn a_change_changes_what_it_names_and_reads_back() {
        let change = SettingsChange::parse(["chunks=3", "Budget=500.50", "profit-interval=-0.0012"]).expect("right");
        let symbol = "BTCUSDT".parse().expect("a symbol");
        let row = Profile::Safe.row(&symbol, Moment::from_micros(0));
        let shown = TradingSettings::from(&change.apply(&row));
        assert_eq!((shown.chunks, shown.budget.as_str()), (3, "500.5"));
        assert_eq!(
            (shown.profit_interval.as_str(), shown.rebuy_interval.as_str()),
            ("-0.0012", "0.005")
        );
        let typed: Vec<String> = change.clone().into();
        assert_eq!(SettingsChange::parse(typed), Ok(change));
    }

    #[test]
    fn what_trading_cannot_work_with_is_refused_with_what_it_can() {
        for typed in ["chunks=0", "chunks=101", "chunks=2.5", "chunks=", "chunks=many"] {
            assert!(
                refusal(typed).ends_with("is not a whole number from 1 to 100"),
                "{typed}"
            );
        }
        for typed in [
            "budget=0",
            "budget=-1",
            "budget=1e3x",
            "budget=9000000000000000000",
            "budget=0.0000000000000000001",
        ] {
            assert!(
                refusal(typed).contains("is not an amount of the quote asset above 0"),
                "{typed}"
            );
        }
        for typed in [
            "buy_down_interval=-0.1",
            "buy_down_interval=0.6",
            "profit_interval=5",
            "profit_interval=-0.2",
            "rebuy_interval=NaN",
        ] {
            assert!(refusal(typed).contains("is not a part of the price"), "{typed}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_refused_with_the_nearest_one() {
        assert!(refusal("chunk=3").starts_with("unknown setting \"chunk\", did you mean chunks?"));
        assert!(
            refusal("profit=3").contains("did you mean profit_interval?"),
            "{}",
            refusal("profit=3")
        );
        assert!(refusal("zzz=3").starts_with("unknown setting \"zzz\"; the settings are chunks"));
        assert_eq!(refusal("chunks=3 chunks=4"), "chunks is given twice");
        assert!(refusal("chunks").contains("expected key=value"));
    }
}
