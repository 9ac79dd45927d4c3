//! [`TaskOutput`]: with what a task ends that brings no value.

use ractor::ActorProcessingErr;

/// What the future of a task without a value may come to: `()`, or a `Result` whose error is how the task fails.
///
/// A function that never fails needs no `Ok(())` to be a task. A type of your own can say which of its values is a failure.
#[diagnostic::on_unimplemented(
    message = "a task without a value cannot end with `{Self}`",
    label = "this future comes to `{Self}`",
    note = "let it come to `()` or to `Result<(), E>`; a value is brought by `Task::async_linked` and `TaskSupervisor::async_nolink`"
)]
pub trait TaskOutput {
    /// The error with which the task ends, if it failed.
    ///
    /// # Errors
    /// Whatever is to be seen as [`ExitReason::Error`](crate::ExitReason::Error), or an [`ExitReason`](crate::ExitReason).
    fn into_result(self) -> Result<(), ActorProcessingErr>;
}

impl TaskOutput for () {
    fn into_result(self) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl<E: Into<ActorProcessingErr>> TaskOutput for Result<(), E> {
    fn into_result(self) -> Result<(), ActorProcessingErr> {
        self.map_err(Into::into)
    }
}
