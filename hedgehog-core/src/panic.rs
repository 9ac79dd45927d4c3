//! Panics as values: what a child does wrong becomes a reason, never its supervisor's problem.

use futures_util::FutureExt as _;
use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc};

/// Runs `future`; a panic becomes an `Err` with its text. Holds `future` once, as an `async fn` would not.
pub(crate) fn catch<F: Future>(future: F) -> impl Future<Output = Result<F::Output, Arc<str>>> {
    let caught = AssertUnwindSafe(future).catch_unwind();
    caught.map(|outcome| outcome.map_err(|panic| text(&*panic)))
}

/// Runs `f`; a panic becomes an `Err` with its text.
pub(crate) fn catch_sync<R>(f: impl FnOnce() -> R) -> Result<R, Arc<str>> {
    // What `f` may have left torn is the child's own, and is not used again.
    std::panic::catch_unwind(AssertUnwindSafe(f)).map_err(|panic| text(&*panic))
}

fn text(panic: &(dyn Any + Send)) -> Arc<str> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").into()
}
