//! Which symbol a file is of whose lines do not tell: its name does, or whoever plays it.

use super::assets::{self, Known};
use super::{ReadOptions, RecordingError};
use crate::market::Symbol;
use std::path::Path;

/// The symbol that was given; else the one that the file's name tells; else, of what the name could mean, the one that is to be
/// started. Never a guess among several.
pub(super) fn symbol(path: &Path, options: &ReadOptions<'_>) -> Result<Symbol, RecordingError> {
    if let Some(given) = options.symbol {
        return Ok(given.clone());
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = stem(name);
    let told = before_trades(stem).map_or_else(|| candidates(stem), told);
    if let [only] = told.as_slice() {
        return Ok(only.clone());
    }
    let started = |symbol: &&Symbol| told.contains(symbol) || words(stem).any(|word| word == symbol.as_str());
    match options.started.iter().filter(started).collect::<Vec<_>>()[..] {
        [only] => Ok(only.clone()),
        _ => Err(RecordingError::UnnamedSymbol {
            path: path.to_owned(),
            candidates: told.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// The name without the endings that tell how it is packed.
fn stem(name: &str) -> &str {
    let mut stem = name;
    while let Some((rest, ending)) = stem.rsplit_once('.') {
        if rest.is_empty()
            || !["csv", "gz", "gzip", "txt", "tsv", "dat"]
                .iter()
                .any(|known| ending.eq_ignore_ascii_case(known))
        {
            break;
        }
        stem = rest;
    }
    stem
}

/// The exchange names its dumps `BTCUSDT-trades-2024-08-08`: the symbol stands before `-trades`, whatever its letters.
fn before_trades(stem: &str) -> Option<&str> {
    let lower = stem.to_ascii_lowercase();
    let at = lower
        .find("-trades-")
        .or_else(|| lower.strip_suffix("-trades").map(str::len))?;
    Some(&stem[..at]).filter(|before| !before.is_empty())
}

/// What stands before `-trades`: one word, or several of which one is a pair.
fn told(before: &str) -> Vec<Symbol> {
    let is_contract = before.rsplit_once('_').is_some_and(|(pair, term)| {
        !pair.contains('_') && (term.eq_ignore_ascii_case("PERP") || (term.len() == 6 && is_number(term)))
    });
    if is_contract || words(before).count() == 1 {
        before.parse().into_iter().collect()
    } else {
        candidates(before)
    }
}

/// What in a name is a pair: a word that ends with an asset that prices are in, or two words that are assets.
fn candidates(text: &str) -> Vec<Symbol> {
    let words: Vec<String> = words(text).collect();
    let pairs = words.windows(2).filter_map(|pair| match pair {
        [base, quote] if assets::are_assets(base, quote) => Some(format!("{base}{quote}")),
        _ => None,
    });
    let mut found: Vec<Symbol> = (words.iter())
        .filter(|word| assets::of(word).known >= Known::Quote)
        .cloned()
        .chain(pairs)
        .filter_map(|word| word.parse().ok())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The words of a name in upper case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_uppercase)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, started: &[&str]) -> Result<String, String> {
        let started: Vec<Symbol> = started.iter().map(|name| name.parse().expect("a symbol")).collect();
        let options = ReadOptions {
            started: &started,
            ..ReadOptions::default()
        };
        symbol(Path::new(name), &options)
            .map(|symbol| symbol.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_stands_before_trades_is_the_symbol_whatever_its_letters() {
        for (name, symbol) in [
            ("币安人生USDT-trades-2025-10-20.csv", "币安人生USDT"),
            ("TBTC-trades-2022-03-01.csv", "TBTC"),
            ("WTRY-trades-2025-01-01.csv.gz", "WTRY"),
            ("BTCU-trades-2025-01-01.csv", "BTCU"),
            ("4USDT-trades-2025-01-01.csv", "4USDT"),
            ("A-trades.csv", "A"),
            ("btcusdt-trades.csv", "BTCUSDT"),
            ("1000SATSUSDT-trades-2025-01.csv", "1000SATSUSDT"),
            ("BTCUSDT-trades-2024-08-08 (1).csv", "BTCUSDT"),
            ("BTCUSD_PERP-trades-2024-08-08.csv", "BTCUSD_PERP"),
            ("BTCUSDT_240927-trades-2024-08-08.csv", "BTCUSDT_240927"),
        ] {
            assert_eq!(read(name, &[]).as_deref(), Ok(symbol), "{name}");
        }
    }

    #[test]
    fn other_names_tell_a_symbol_where_one_word_is_a_pair() {
        for (name, symbol) in [
            ("BINANCE_BTCUSDT_trades.csv", "BTCUSDT"),
            ("BINANCE-BTCUSDT-trades.csv", "BTCUSDT"),
            ("SPOT-1000SATSUSDT-trades.csv", "1000SATSUSDT"),
            ("SPOT_BTCUSDT_trades.csv", "BTCUSDT"),
            ("BTCUSDT.csv", "BTCUSDT"),
            ("trades_BTCUSDT.csv", "BTCUSDT"),
            ("BTCUSDT (1).csv", "BTCUSDT"),
            ("TRADES-BTCUSDT-2024.csv", "BTCUSDT"),
            ("BTCUSDT_DAILY_TRADES.csv", "BTCUSDT"),
            ("TRADES2024 BTCUSDT.csv", "BTCUSDT"),
            ("COPYOF BTCUSDT.csv", "BTCUSDT"),
            ("A1B2C3D4-BTCUSDT.csv", "BTCUSDT"),
            ("2024-08-01-TBTC.csv", "TBTC"),
            ("20240801_BTCUSDT.csv", "BTCUSDT"),
            ("2019-06-01-XRPUSDT.csv.gz", "XRPUSDT"),
            ("BTC-USDT-trades-2024.csv", "BTCUSDT"),
            ("BTC_USDT_trades.csv", "BTCUSDT"),
            ("BTCUSDT_PERP.csv", "BTCUSDT"),
        ] {
            assert_eq!(read(name, &[]).as_deref(), Ok(symbol), "{name}");
        }
    }

    #[test]
    fn of_none_or_several_the_one_to_be_started_is_meant_and_else_it_is_asked() {
        for name in [
            "DOWNLOAD.csv",
            "TRADES.CSV",
            "trades.csv",
            "x",
            "BINANCE.csv",
            "country.csv",
            "-trades-.csv",
        ] {
            let told = read(name, &[]).expect_err(name);
            assert!(
                told.contains("does not name its symbol") && told.contains("--symbol"),
                "{told}"
            );
        }
        let several = "ETHUSDT and BTCUSDT.csv";
        let told = read(several, &[]).expect_err(several);
        assert!(
            told.ends_with("may hold the trades of BTCUSDT or ETHUSDT: say which with --symbol BTCUSDT"),
            "{told}"
        );
        assert_eq!(read(several, &["ETHUSDT"]).as_deref(), Ok("ETHUSDT"));
        assert_eq!(read("WTRY.csv", &["WTRY"]).as_deref(), Ok("WTRY"));
        assert!(
            read("DOWNLOAD.csv", &["BTCUSDT"]).is_err(),
            "nothing in the name says so"
        );
        assert!(read(several, &["ETHUSDT", "BTCUSDT"]).is_err());
    }
}
