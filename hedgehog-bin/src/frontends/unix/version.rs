//! Which version speaks: operations and answers are plain data of the program, and change with it.

use serde::Deserialize;

/// Ours.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// As much of a line as every version reads.
#[derive(Debug, Deserialize)]
pub(super) struct Spoken {
    /// Who speaks; the first ones did not say.
    pub(super) version: Option<String>,
}

/// A version for people.
pub(super) fn named(version: Option<&str>) -> String {
    version.map_or_else(
        || "another version of hedgehog".to_owned(),
        |version| format!("hedgehog {version}"),
    )
}
