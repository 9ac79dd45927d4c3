//! What a mistyped word was meant to be: for symbols, settings and paths alike.

use std::fmt::Display;

/// The known words nearest to a mistyped one, best first, at most three; empty when nothing is near.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&typed, &word.to_lowercase()), word))
        .filter(|(score, _)| *score >= 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, word)| word).collect()
}

/// The end of a refusal: `, did you mean A or B?`; nothing without a word to propose.
pub(crate) fn did_you_mean(nearest: &[impl Display]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    let words: Vec<_> = nearest.iter().map(ToString::to_string).collect();
    format!(", did you mean {}?", words.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_neighbours() {
        assert_eq!(
            nearest("BTCUSD", ["ETHBTC", "BTCUSDT", "XRPUSDT"]).first(),
            Some(&"BTCUSDT")
        );
        assert!(nearest("QQQ", ["BTCUSDT"]).is_empty());
    }

    #[test]
    fn a_refusal_proposes_what_is_near_and_else_nothing() {
        assert_eq!(did_you_mean(&["a", "b"]), ", did you mean a or b?");
        assert_eq!(did_you_mean(&[""; 0]), "");
    }
}
