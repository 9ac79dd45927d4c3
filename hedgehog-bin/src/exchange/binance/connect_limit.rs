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
pub(super) struct ConnectLimit {
    /// Admissions still inside the window, oldest first.
    recent: Mutex<VecDeque<Instant>>,
}

impl ConnectLimit {
    /// Returns when one more connection may be opened. `waits` is told why it takes time.
    pub(super) async fn admit(&self, waits: impl Fn(&str)) {
        while let Some(wait) = self.try_admit(Instant::now()) {
            let minutes = WINDOW.as_secs() / 60;
            waits(&format!(
                "{CONNECTIONS} connections in {minutes} minutes are used up, the next one may be opened in {}s",
                wait.as_secs() + 1
            ));
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
            limit.admit(|_| panic!("there is room")).await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let told = Mutex::new(String::new());
        limit.admit(|why| why.clone_into(&mut told.lock())).await;
        assert!(begun.elapsed() >= WINDOW);
        let told = told.into_inner();
        assert!(told.starts_with("280 connections in 5 minutes are used up"), "{told}");
    }
}
