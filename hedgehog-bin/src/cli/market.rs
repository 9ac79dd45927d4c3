//! Which market `hedgehog run` uses: what the command line says; where it says nothing, that of the data folder.
//!
//! Invariant: only the command line, or a folder that the command line made so, decides that orders leave this program. A file
//! or a variable says at most where the chosen exchange answers.

use super::args::{ExchangeName, Run};
use super::replay;
use crate::app::Market;
use crate::config::{Config, ConfigError, SimulatorConfig};
use crate::exchange::simulator::{MarketSource, Speed};
use crate::exchange::{Address, AddressError, Addresses};
use crate::recording::{ReadOptions, RecordingError};
use crate::spelling::nearest;
use crate::venue::Venue;
use indicatif::ProgressBar;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// Reads a recording first: a file that cannot be played leaves no folder behind.
pub(super) fn chosen(run: &Run, config: &Config, bar: &ProgressBar) -> anyhow::Result<Market> {
    if let Some(file) = &run.replay {
        let options = ReadOptions {
            exchange_info: run.exchange_info.as_deref(),
            symbol: run.symbol.as_ref(),
            started: &run.start,
            folder: Some(config.data_dir.path()),
            progress: None,
        };
        return Ok(recorded(file, options, run.speed, bar)?);
    }
    let generated = || {
        let seed = config.simulator.seed.unwrap_or(SimulatorConfig::DEFAULT_SEED);
        Market::Simulated(MarketSource::Generated { seed })
    };
    let name = run.exchange.as_deref().map(str::parse).transpose()?;
    Ok(match name {
        Some(ExchangeName::Simulator) => generated(),
        Some(ExchangeName::Testnet) => Market::Testnet,
        Some(ExchangeName::Live) => Market::Live,
        Some(ExchangeName::Custom) => Market::Address(config.exchange.addresses().ok_or_else(|| ConfigError::BadValue {
            place: "--exchange".to_owned(),
            value: "custom".to_owned(),
            expected: "complete: it takes the addresses of [exchange] in the configuration, and exchange.rest is not set",
        })?),
        Some(ExchangeName::At(address)) => Market::Address(Addresses::at(&address)),
        None if run.seed.is_some() => generated(),
        // A seed in a file or a variable is that of the simulator, and chooses none.
        None => match (Venue::of(&config.data_dir)?, config.simulator.seed) {
            (Some(Venue::Simulator { .. }), Some(_)) => generated(),
            _ => Market::of(config)?,
        },
    })
}

/// A recording as a market.
pub(super) fn recorded(
    file: &Path,
    options: ReadOptions<'_>,
    speed: Option<Speed>,
    bar: &ProgressBar,
) -> Result<Market, RecordingError> {
    Ok(Market::Simulated(MarketSource::Recording {
        recording: Arc::new(replay::read(file, options, bar)?),
        speed: speed.unwrap_or(Speed::Times(1.0)),
    }))
}

impl FromStr for ExchangeName {
    type Err = ConfigError;

    /// Here and not in the parser of the command line, which would print an address with whatever it carries.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        const WORDS: [&str; 4] = ["simulator", "testnet", "live", "custom"];
        match text.trim().to_lowercase().as_str() {
            "simulator" => return Ok(Self::Simulator),
            "testnet" => return Ok(Self::Testnet),
            "live" => return Ok(Self::Live),
            "custom" => return Ok(Self::Custom),
            _ => {}
        }
        let refused = |AddressError { text, expected }| {
            let expected = match nearest(&text, WORDS).first() {
                Some(&"simulator") => "an exchange, did you mean simulator?",
                Some(&"testnet") => "an exchange, did you mean testnet?",
                Some(&"live") => "an exchange, did you mean live?",
                Some(_) => "an exchange, did you mean custom?",
                None => expected,
            };
            ConfigError::BadValue {
                place: "--exchange".to_owned(),
                value: text,
                expected,
            }
        };
        text.parse::<Address>().map(Self::At).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_is_a_word_or_an_address() {
        let read = |text: &str| text.parse::<ExchangeName>();
        assert!(matches!(read("Testnet"), Ok(ExchangeName::Testnet)));
        assert!(matches!(read("custom"), Ok(ExchangeName::Custom)));
        let Ok(ExchangeName::At(address)) = read("http://127.0.0.1:8080/") else {
            panic!("an address")
        };
        assert_eq!(address.brief(), "127.0.0.1:8080");
        for (text, words) in [
            ("testnt", vec!["did you mean testnet?", "\"testnt\""]),
            ("127.0.0.1:8080", vec!["a scheme (http, https, ws, wss)"]),
            (
                "http://me:pass-word@127.0.0.1:1",
                vec!["--exchange", "HEDGEHOG_API_KEY"],
            ),
        ] {
            let refused = read(text).expect_err(text).to_string();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
            assert!(!refused.contains("pass-word"), "{refused}");
        }
    }
}
