//! Text as it stands on a terminal: how wide it is, made narrower, filled up.

use serde::Serialize;
use std::time::Duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes: wide letters (CJK) take two, combining ones none.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text with at most so many columns; what was cut at its end shows as `…`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut kept = prefix(text.chars(), columns - 1);
    kept.push('…');
    kept
}

/// The text with at most so many columns, cut at its front: what tells two ids or two paths apart stands at their end.
/// The lines of a drawn tree before it stay.
pub(super) fn cut_front(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (branch, name) = text.split_at(text.len() - text.trim_start_matches(['│', '├', '└', '─', ' ']).len());
    let left = columns.saturating_sub(width(branch));
    if left == 0 {
        return cut(text, columns);
    }
    let backwards = prefix(name.chars().rev(), left - 1);
    branch
        .chars()
        .chain(std::iter::once('…'))
        .chain(backwards.chars().rev())
        .collect()
}

fn prefix(letters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut left = columns;
    letters
        .take_while(|letter| {
            let wide = letter.width().unwrap_or(0);
            let fits = wide <= left;
            left = left.saturating_sub(wide);
            fits
        })
        .collect()
}

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The text filled up with blanks.
pub(super) fn pad(text: &str, columns: usize, side: Side) -> String {
    let blanks = " ".repeat(columns.saturating_sub(width(text)));
    match side {
        Side::Left => format!("{text}{blanks}"),
        Side::Right => format!("{blanks}{text}"),
    }
}

/// One line whatever it was: an error of somebody else may hold line ends and what moves a terminal's cursor.
pub(super) fn one_line(text: &str) -> String {
    let printable = text.replace(|letter: char| letter.is_control(), " ");
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A sentence over as many lines as it needs, those after the first a little further in. A word that is wider than a line
/// is broken.
pub(super) fn wrapped(sentence: &str, columns: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in one_line(sentence).split(' ') {
        let mut word = word.to_owned();
        if !line.trim().is_empty() && width(&line) + 1 + width(&word) > columns {
            lines.push(std::mem::replace(&mut line, INDENT.to_owned()));
        }
        if !line.trim().is_empty() {
            line.push(' ');
        }
        while width(&line) + width(&word) > columns {
            let head = prefix(word.chars(), columns.saturating_sub(width(&line)).max(1));
            if head.is_empty() {
                break;
            }
            word = word[head.len()..].to_owned();
            lines.push(std::mem::replace(&mut line, INDENT.to_owned()) + &head);
        }
        line += &word;
    }
    lines.push(line);
    lines
}

/// How long something took or has lasted, to two units.
pub(super) fn duration(of: Duration) -> String {
    let seconds = of.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A state as its JSON spells it, for people: `backing off`.
pub(super) fn word(state: &impl Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_letter_counts_two() {
        assert_eq!(width("币安人生USDT"), 12);
        assert_eq!(pad("币", 4, Side::Right), "  币");
        assert_eq!(cut("币安人生USDT", 6), "币安…");
        assert_eq!(cut_front("币安人生USDT", 6), "…USDT");
        assert_eq!(cut_front("币安", 4), "币安");
        assert_eq!(cut_front("│  └─ 0193-abcd", 10), "│  └─ …bcd");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_long_sentence_is_broken_at_its_words_and_a_long_word_within() {
        assert_eq!(wrapped("one two\nthree", 9), ["one two", "  three"]);
        assert_eq!(wrapped("abcdefghij", 5), ["abcde", "  fgh", "  ij"]);
        assert!(wrapped("币安人生币安人生", 5).iter().all(|line| width(line) <= 5));
    }

    #[test]
    fn what_moves_a_cursor_is_taken_out() {
        assert_eq!(one_line("a\u{1b}[2Jb\n\tc"), "a [2Jb c");
    }

    #[test]
    fn a_duration_keeps_two_units() {
        let texts = [59, 61, 3_661, 90_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(texts, ["59s", "1m 1s", "1h 1m", "1d 1h"]);
    }

    #[test]
    fn a_state_reads_as_words() {
        assert_eq!(word(&crate::market::Stream::TradeEvents), "trade events");
    }
}
