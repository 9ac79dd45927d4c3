//! Panics as values: what a child does wrong becomes a reason, never its supervisor's problem.

use futures_util::FutureExt as _;
use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc};

/// Runs `future`; a panic becomes an `Err` with its text. Holds `future` once, as an `async fn` would not.
pub(crate) fn catch<F: Future>(future: F) -> impl Future<Output = Result<F::Output, Arc<str>>> {
    let caught = AssertUnwindSafe(future).catch_unwind();
    caught.map(|outcome| outcome.map_err(text))
}

/// Runs `f`; a panic becomes an `Err` with its text.
pub(crate) fn catch_sync<R>(f: impl FnOnce() -> R) -> Result<R, Arc<str>> {
    // What `f` may have left torn is the child's own, and is not used again.
    std::panic::catch_unwind(AssertUnwindSafe(f)).map_err(text)
}

/// Drops what is the user's where its panic would be the problem of somebody who only holds it last.
pub(crate) fn discard<T>(value: T) {
    let _ = catch_sync(|| drop(value));
}

/// What a caught panic says.
pub(crate) fn text(panic: Box<dyn Any + Send>) -> Arc<str> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic without a text").into();
    // It may be a value of the user's, and panic in its turn: then the second one is better leaked than let through.
    if let Err(second) = std::panic::catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(second);
    }
    text
}
