//! Where the real recordings are, when they are there at all.

use std::path::{Path, PathBuf};

/// A file of the shared market data, or why a test that needs it must report *ignored*.
pub fn recording(name: &str) -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("the recording {name} is not beside the project"))
    }
}
