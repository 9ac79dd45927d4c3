//! What to type next, in a form that works when it is copied.

use crate::config::{App, AppSet};
use crate::data_dir::{DEFAULT, DataDir};
use std::path::Path;

/// A command for the program that runs on a folder.
pub(super) fn command(folder: &DataDir, words: &str) -> String {
    let program = quoted(&args().next().unwrap_or_else(|| "hedgehog".to_owned()));
    if folder.path() == Path::new(DEFAULT) {
        format!("{program} {words}")
    } else {
        format!(
            "{program} --data-dir {} {words}",
            quoted(&folder.path().display().to_string())
        )
    }
}

/// What turns a symbol on where only some apps run: a command that is not refused.
pub(super) fn turn_on(apps: &AppSet, symbol: &str) -> String {
    let known = [
        (App::Streamer, "streaming"),
        (App::Naive, "trading"),
        (App::Warehouse, "storing"),
    ];
    let first = known.into_iter().find(|(app, _)| apps.contains(*app));
    let activity = first.map_or("streaming", |(_, activity)| activity);
    format!("start {activity} {symbol}")
}

/// A command of this program on its usual folder.
pub(super) fn program(words: &str) -> String {
    command(&DataDir::default(), words)
}

/// The command of this process, with another data folder.
pub(super) fn same_command_in(folder: &Path) -> String {
    with_data_dir(args(), folder)
}

/// What this process was called with. Not `std::env::args`, which panics on a file name that is not UTF-8.
fn args() -> impl Iterator<Item = String> {
    std::env::args_os().map(|arg| arg.to_string_lossy().into_owned())
}

fn with_data_dir(args: impl IntoIterator<Item = String>, folder: &Path) -> String {
    let mut words = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--data-dir" {
            args.next();
        } else if !arg.starts_with("--data-dir=") {
            words.push(quoted(&arg));
        }
    }
    words.push(format!("--data-dir {}", quoted(&folder.display().to_string())));
    words.join(" ")
}

/// As a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_command_is_the_typed_one_in_another_folder() {
        let typed = |line: &str| with_data_dir(line.split(' ').map(str::to_owned), Path::new("new data"));
        let expected = "hedgehog run --replay x.gz --data-dir 'new data'";
        assert_eq!(typed("hedgehog run --replay x.gz"), expected);
        assert_eq!(typed("hedgehog --data-dir old run --replay x.gz"), expected);
        assert_eq!(typed("hedgehog --data-dir=old run --replay x.gz"), expected);
    }

    #[test]
    fn what_is_advised_is_not_refused() {
        let advised = |apps: &str| turn_on(&apps.parse().expect(apps), "BTCUSDT");
        assert_eq!(advised("streamer,naive"), "start streaming BTCUSDT");
        assert_eq!(advised("naive"), "start trading BTCUSDT");
        assert_eq!(advised("warehouse"), "start storing BTCUSDT");
    }

    #[test]
    fn a_word_that_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("a/b-c.gz"), "a/b-c.gz");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
