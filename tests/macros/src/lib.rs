//! The attributes that make a function a conformance case.
//!
//! [`macro@suite`] stands on an inline module and gathers every function marked [`macro@row`] or [`macro@invariant`] into a
//! generated `cases()`, which the test target lists. Nothing registers itself behind the reader's back: a case is a value, and a
//! suite that nobody lists is an unused function, which the compiler reports.
//!
//! Invariant: a marked function outside of a suite does not compile, so no case can be written and silently never run.

mod suite;

use proc_macro::TokenStream;

/// Gathers the cases of an inline module into `cases() -> Vec<Case>`.
///
/// ```text
/// #[suite]
/// pub(crate) mod restart_types {
///     #[row("SPEC-003")]
///     async fn temporary_child_is_never_restarted() { /* .. */ }
/// }
/// ```
#[proc_macro_attribute]
pub fn suite(arguments: TokenStream, module: TokenStream) -> TokenStream {
    suite::expand(arguments.into(), module.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Names the one to three catalogue rows that a case shows: `#[row("SPEC-003", "SPEC-031")]`.
///
/// More than three rows do not compile: such a test says too little about each of them. An async case runs on a current-thread
/// runtime whose clock is paused; `#[row("SPEC-022", real_time)]` asks for a multi-thread runtime and the real clock.
#[proc_macro_attribute]
pub fn row(_: TokenStream, item: TokenStream) -> TokenStream {
    suite::outside(&item.into(), "row").into()
}

/// Marks a case of a promise that stands in no catalogue row; takes `real_time` as [`macro@row`] does.
#[proc_macro_attribute]
pub fn invariant(_: TokenStream, item: TokenStream) -> TokenStream {
    suite::outside(&item.into(), "invariant").into()
}
