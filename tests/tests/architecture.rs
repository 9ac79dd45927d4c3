//! Which way dependencies point inside the program, read from its sources.

use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../hedgehog-bin/src");

/// What each part may use of the others; its own name is always allowed.
const LAYERS: &[(&str, &[&str])] = &[
    ("market", &[]),
    ("store", &["market"]),
    ("exchange", &["market", "store"]),
    ("operation", &["market", "store", "exchange"]),
    ("service", &["market", "store", "exchange", "operation"]),
    ("streamer", &["market", "store", "exchange", "operation", "service"]),
    ("naive", &["market", "store", "exchange", "operation", "service"]),
    ("warehouse", &["market", "store", "exchange", "operation", "service"]),
];

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    entries
        .into_iter()
        .flatten()
        .flat_map(|entry| rust_files(&entry.path()))
        .collect()
}

/// The parts that a source names in `crate::part`, comments left out.
fn used_parts(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let parts = code.split("crate::").skip(1).map(|rest| {
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    });
    parts.filter(|part| !part.is_empty()).collect()
}

#[test]
fn dependencies_point_one_way_and_the_three_apps_never_meet() {
    let mut seen = 0;
    for (part, allowed) in LAYERS {
        let files = [
            PathBuf::from(SOURCES).join(part),
            PathBuf::from(SOURCES).join(format!("{part}.rs")),
        ];
        for file in files.iter().flat_map(|path| rust_files(path)) {
            let source = fs::read_to_string(&file).expect("a source file is readable");
            seen += 1;
            for used in used_parts(&source) {
                let known = LAYERS.iter().any(|(name, _)| *name == used) || ["app", "cli", "control"].contains(&&*used);
                assert!(
                    !known || used == *part || allowed.contains(&&*used),
                    "{} uses crate::{used}; {part} may use only {allowed:?}",
                    file.display(),
                );
            }
        }
    }
    assert!(
        seen > LAYERS.len(),
        "the sources are not where this test looks for them: {SOURCES}"
    );
}
