//! How a process that serves lives and ends: its runtime, its deadlines, and the limits that must not kill it.

use std::future::Future;
use std::time::Duration;

/// How long the tree may take to stop, and the process to end, from the first signal on: ten seconds are promised.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(8);
pub(super) const EXIT_WITHIN: Duration = Duration::from_millis(9_500);

/// How long the end of the process waits for threads that are blocked.
const BLOCKED: Duration = Duration::from_millis(200);

/// Runs `serve` on a runtime of its own. What still blocks a thread afterwards, such as a lookup without an answer, is not waited
/// for: everything that matters was.
pub(super) fn block_on<T>(serve: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let _limit = outlive_file_size_limits()?;
        serve.await
    });
    runtime.shutdown_timeout(BLOCKED);
    ended
}

/// A write beyond the limit of `ulimit -f` fails as on a full disk, instead of killing the process: having a handler for the signal
/// is enough (setrlimit(2), `RLIMIT_FSIZE`).
#[cfg(unix)]
fn outlive_file_size_limits() -> std::io::Result<tokio::signal::unix::Signal> {
    // The same number on Linux, macOS and the BSDs; the standard library has no name for it.
    const SIGXFSZ: i32 = 25;
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ))
}

#[cfg(not(unix))]
fn outlive_file_size_limits() -> std::io::Result<()> {
    Ok(())
}
