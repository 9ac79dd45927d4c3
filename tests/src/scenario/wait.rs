//! The two ways in which a test waits.

use std::time::Duration;

use tokio::time::{self, Instant};

/// Real or paused time that [`eventually`] gives a condition.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits on a paused clock until nothing is left to do at this instant.
///
/// A paused clock moves only when every task is idle, so when this returns each message that was in flight has been handled, and
/// with it what it caused. On the real clock it proves nothing: use [`eventually`] there.
pub async fn settle() {
    time::sleep(Duration::from_millis(1)).await;
}

/// Waits until `condition` holds.
///
/// # Panics
///
/// When it does not hold within 20 s.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", PATIENCE.as_secs());
        time::sleep(Duration::from_millis(1)).await;
    }
}
