//! `RUST_LOG`, read strictly: a slip of the hand in it would make the program mute, and nobody would learn why.

use crate::failure::{Failure, FailureKind};
use crate::spelling::{did_you_mean, nearest};
use tracing_subscriber::EnvFilter;

/// Ours in plain words, of the others only what went wrong. `RUST_LOG` replaces it.
pub(super) const DEFAULT: &str = "warn,hedgehog=info,hedgehog_bin=info";

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Our crates.
const CRATES: [&str; 3] = ["hedgehog", "hedgehog_bin", "hedgehog_core"];

/// The modules of this crate, as they are declared: a list beside that would be behind by the next one.
fn modules() -> Vec<&'static str> {
    let declared = |line: &'static str| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    };
    include_str!("../../lib.rs").lines().filter_map(declared).collect()
}

/// Others who have something to say.
const OTHERS: [&str; 18] = [
    "axum",
    "deadpool",
    "diesel",
    "diesel_async",
    "h2",
    "hyper",
    "hyper_util",
    "log",
    "mio",
    "ractor",
    "reqwest",
    "rustls",
    "tokio",
    "tokio_postgres",
    "tokio_tungstenite",
    "tower",
    "tracing",
    "tungstenite",
];

/// The filter, and what about it is doubtful; or why it cannot be what was meant.
pub(super) fn read(directives: &str) -> Result<(EnvFilter, Vec<String>), Failure> {
    if directives.trim().is_empty() {
        return Ok((EnvFilter::new(DEFAULT), Vec::new()));
    }
    let parse = |text: &str| {
        let parsed = EnvFilter::builder().parse(text);
        parsed.map_err(|error| refusal(directives, &error.to_string()))
    };
    // Filters by span and field are for those who know them; they may hold commas themselves.
    if directives.contains(['[', '{']) {
        return Ok((parse(directives)?, Vec::new()));
    }
    let mut doubts = Vec::new();
    let words: Vec<_> = (directives.split(',').map(str::trim))
        .filter(|directive| !directive.is_empty())
        .collect();
    for word in &words {
        doubts.extend(check(word)?);
    }
    Ok((parse(&words.join(","))?, doubts))
}

/// One of `level`, `target` and `target=level`.
fn check(directive: &str) -> Result<Option<String>, Failure> {
    let (target, level) = match directive.split_once('=') {
        Some((target, level)) => (target.trim(), Some(level.trim())),
        None => (directive, None),
    };
    if let Some(level) = level.filter(|level| !is_level(level)) {
        let near = nearest(level, LEVELS);
        let meant = did_you_mean(&near[..near.len().min(1)]);
        let levels = LEVELS.join(", ");
        return Err(refusal(
            directive,
            &format!("{level:?} is no level{meant} (the levels are {levels})"),
        ));
    }
    if is_known(target) || (level.is_none() && is_level(target)) {
        return Ok(None);
    }
    let last = target.rsplit("::").next().unwrap_or(target);
    let levels = LEVELS.iter().filter(|_| level.is_none()).copied();
    let candidates: Vec<String> = (levels.chain(CRATES).chain(OTHERS).map(str::to_owned))
        .chain(modules().iter().map(|module| format!("hedgehog_bin::{module}")))
        .collect();
    let near = nearest(target, candidates.iter().map(String::as_str));
    let as_module = nearest(last, modules());
    let meant = match (near.first(), as_module.first()) {
        (Some(near), _) => did_you_mean(&[near]),
        (None, Some(module)) => did_you_mean(&[format!("hedgehog_bin::{module}")]),
        (None, None) => String::new(),
    };
    if level.is_none() || !meant.is_empty() {
        return Err(refusal(directive, &format!("nothing here is called {target:?}{meant}")));
    }
    Ok(Some(format!(
        "RUST_LOG: nothing here is called {target:?}, so {directive:?} shows nothing"
    )))
}

fn is_level(word: &str) -> bool {
    LEVELS.contains(&word.to_lowercase().as_str()) || matches!(word, "0" | "1" | "2" | "3" | "4" | "5")
}

/// A target is compared as a prefix, so a part of a name is enough; below the modules nothing is looked up.
fn is_known(target: &str) -> bool {
    let (name, module) = match target.split_once("::") {
        Some((name, rest)) => (name, rest.split("::").next()),
        None => (target, None),
    };
    match module {
        Some(module) if name == "hedgehog_bin" => modules().iter().any(|known| known.starts_with(module)),
        Some(_) => CRATES.contains(&name) || OTHERS.contains(&name),
        None => CRATES
            .iter()
            .chain(&OTHERS)
            .any(|known| *known == name || (name.len() > 3 && known.starts_with(name))),
    }
}

fn refusal(directive: &str, why: &str) -> Failure {
    Failure {
        kind: FailureKind::BadInput,
        message: format!("RUST_LOG: {directive:?}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(directives: &str) -> String {
        read(directives).map(drop).expect_err(directives).to_string()
    }

    #[test]
    fn what_is_right_is_taken_without_a_word() {
        for directives in [
            "",
            " ",
            "debug",
            "INFO",
            "off",
            "warn,hedgehog_bin=debug",
            "hedgehog_bin::naive=debug",
            "hedgehog_bin::naive::trader=trace, tokio_tungstenite=debug",
            "hedgehog",
            "hyper=trace",
            "hedgehog_core::supervisor=4",
            "trace,tungstenite=trace",
            "hedgehog_bin[place{symbol=BTCUSDT}]=debug",
        ] {
            let (_, doubts) = read(directives).map_err(|error| error.message).expect(directives);
            assert_eq!(doubts, Vec::<String>::new(), "{directives}");
        }
    }

    #[test]
    fn a_slip_of_the_hand_is_refused_with_what_was_meant() {
        assert!(refused("inof").contains("did you mean info?"), "{}", refused("inof"));
        assert!(refused("hedgehog_bin=debgu").contains("\"debgu\" is no level, did you mean debug?"));
        assert!(refused("hedgehog_bni=debug").contains("did you mean hedgehog_bin?"));
        assert!(refused("hedgehog_bin::niave=debug").contains("did you mean hedgehog_bin::naive?"));
        assert!(refused("warn,xyzzy").contains("nothing here is called \"xyzzy\""));
        assert!(refused("hedgehog_bin=").contains("is no level"));
        assert!(refused("info;debug").starts_with("RUST_LOG: "));
        assert!(!refused("verbose").contains('\n'));
    }

    #[test]
    fn a_target_that_nobody_has_is_doubted() {
        let (_, doubts) = read("warn,sqlx=debug").expect("it may be meant");
        assert_eq!(
            doubts,
            ["RUST_LOG: nothing here is called \"sqlx\", so \"sqlx=debug\" shows nothing"]
        );
    }

    #[test]
    fn the_modules_are_those_that_are_declared() {
        let modules = modules();
        for module in ["cli", "naive", "streamer", "warehouse", "spelling"] {
            assert!(modules.contains(&module), "{modules:?}");
        }
    }
}
