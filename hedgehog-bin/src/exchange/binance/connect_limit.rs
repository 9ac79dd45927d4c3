//! The exchange allows 300 new connections in 5 minutes per address and bans repeat offenders (web-socket-streams.md,
//! "General information").

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// What the exchange allows, less a margin for the sockets that are not counted here (user data, other programs).
const CONNECTIONS: usize = 280;
const WINDOW: Duration = Duration::from_mins(5);

/// Shared by everything that opens sockets in numbers; a value per exchange.
#[derive(Debug, Default)]
pub struct ConnectLimit {
    /// Admissions still inside the window, oldest first.
    recent: Mutex<VecDeque<Instant>>,
}

impl ConnectLimit {
    /// Returns when one more connection may be opened.
    pub async fn admit(&self) {
        while let Some(wait) = self.try_admit(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Counts a connection, or tells how long to wait.
    fn try_admit(&self, now: Instant) -> Option<Duration> {
        let mut recent = self.recent.lock();
        while recent.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            recent.pop_front();
        }
        if recent.len() < CONNECTIONS {
            recent.push_back(now);
            return None;
        }
        recent
            .front()
            .map(|oldest| WINDOW.saturating_sub(now.duration_since(*oldest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_connection_beyond_the_limit_waits_for_the_window() {
        let limit = ConnectLimit::default();
        let begun = Instant::now();
        for _ in 0..CONNECTIONS {
            limit.admit().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        limit.admit().await;
        assert!(begun.elapsed() >= WINDOW);
    }
}
