//! The attribute that makes functions conformance cases.
//!
//! [`macro@suite`] stands on an inline module and gathers every function marked `#[row(..)]` or `#[invariant]` into a generated
//! `cases()`, which the test target lists. Nothing registers itself behind the reader's back: a case is a value.
//!
//! Invariant: no case can be written and silently never run. A mark outside of a suite is an attribute that does not exist, and a
//! suite that nobody lists is a function that is never used; the compiler reports both.

mod suite;

use proc_macro::TokenStream;

/// Gathers the cases of an inline module into `cases() -> Vec<Case>`.
///
/// * `#[row("SPEC-003", "SPEC-031")]` names the one to three catalogue rows that a case shows. More than three do not compile: such
///   a test says too little about each of them.
/// * `#[invariant]` marks a case of a promise that stands in no row.
///
/// An async case runs on a current-thread runtime whose clock is paused; a last word `real_time` in either mark asks for a
/// multi-thread runtime and the real clock.
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
