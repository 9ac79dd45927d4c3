//! How long to wait before the next attempt: exponential, capped, with full jitter.
//!
//! Full jitter (a uniform draw from zero to the ceiling) spreads the clients that one outage has cut off at the same
//! moment; without it they come back in step and bring the server down again.

use std::time::Duration;
use tokio::time::Instant;

/// The waits of one retry loop.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    stable_after: Duration,
    /// Delays handed out since the last stable time.
    failures: u32,
    /// When the last attempt succeeded; `None` while it has not.
    up_since: Option<Instant>,
}

impl Backoff {
    /// The ceiling starts at `base` and doubles up to `cap`. A success counts as stable after a minute.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            stable_after: Duration::from_mins(1),
            failures: 0,
            up_since: None,
        }
    }

    /// How long a success must last to start over from `base`. Zero: any success does.
    #[must_use]
    pub fn stable_after(mut self, time: Duration) -> Self {
        self.stable_after = time;
        self
    }

    /// Notes a success. A connection that is accepted and dropped again at once must not start over, or a server in
    /// trouble would be asked several times a second for ever.
    pub fn succeeded(&mut self) {
        self.up_since = Some(Instant::now());
    }

    /// The wait before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        if self
            .up_since
            .take()
            .is_some_and(|since| since.elapsed() >= self.stable_after)
        {
            self.failures = 0;
        }
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        rand::random_range(Duration::ZERO..=ceiling)
    }

    fn ceiling(&self) -> Duration {
        let factor = 2u32.checked_pow(self.failures).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }
}

/// From a quarter of a second to half a minute.
impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let mut ceilings = Vec::new();
        for _ in 0..40 {
            let ceiling = backoff.ceiling();
            assert!(backoff.next_delay() <= ceiling);
            ceilings.push(ceiling.as_millis());
        }
        assert_eq!(ceilings[..6], [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(ceilings.last(), Some(&1000), "the doubling does not overflow");
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_stable_success_starts_over() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.next_delay();
        }
        backoff.succeeded();
        tokio::time::advance(Duration::from_secs(59)).await;
        backoff.next_delay();
        assert_eq!(backoff.failures, 6, "59 s is not stable");
        backoff.succeeded();
        tokio::time::advance(Duration::from_mins(1)).await;
        backoff.next_delay();
        assert_eq!(backoff.failures, 1);
    }
}
