//! The variables of this process.

use crate::failure::{Failure, FailureKind};
use std::ffi::OsStr;

/// The variables that can be text; ours are.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// One of ours that is no text would be passed over, and the program would work in another folder than was meant.
pub(super) fn check() -> Result<(), Failure> {
    let ours = |name: &OsStr| name.to_string_lossy().starts_with("HEDGEHOG_");
    match std::env::vars_os().find(|(name, value)| ours(name) && (name.to_str().is_none() || value.to_str().is_none()))
    {
        Some((name, value)) => Err(Failure {
            kind: FailureKind::BadInput,
            message: format!("{}: {} is not UTF-8", name.display(), value.display()),
        }),
        None => Ok(()),
    }
}
