//! Errors and reasons as text. They are the user's: formatting one may panic, and that must not reach whoever reports it.
//!
//! Not called `log`: tracing's macros bring a module of that name into their own scope when a program turns on `tracing/log`.

use crate::panic;
use std::{error::Error, fmt::Display};

/// An error may be its own cause.
const MOST_CAUSES: usize = 64;

/// `value` as text, whatever its `Display` does.
pub(crate) fn text(value: &dyn Display) -> String {
    panic::catch_sync(|| value.to_string()).unwrap_or_else(|_| "(not printable)".to_owned())
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(cause(error), |error| cause(*error)).take(MOST_CAUSES);
    causes.fold(text(&error), |line, cause| format!("{line}: {}", text(&cause)))
}

/// The cause of an error, whatever its `source` does.
fn cause(error: &dyn Error) -> Option<&(dyn Error + 'static)> {
    panic::catch_sync(|| error.source()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[test]
    fn a_reason_that_cannot_be_printed_hurts_nobody() {
        struct Bomb;
        impl Display for Bomb {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        assert_eq!(text(&Bomb), "(not printable)");
    }
}
