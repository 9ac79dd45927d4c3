//! Builds what a test runs, on demand: it is never absent and never stale.

use anyhow::{Context as _, Result};
use escargot::CargoBuild;
use std::path::{Path, PathBuf};

/// Builds `target` of this workspace, in the profile that the tests were built in, and says where it is.
pub fn build(target: CargoBuild) -> Result<PathBuf> {
    // What cargo tells this test of itself would reach build scripts that watch it (ring's does), and each test run and each
    // build would then undo the other's work.
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let ours = ours.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    let target = ours.fold(target, CargoBuild::env_remove);
    let target = if cfg!(debug_assertions) {
        target
    } else {
        target.release()
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let built = target.manifest_path(manifest).run().context("it does not build")?;
    Ok(built.path().to_owned())
}
