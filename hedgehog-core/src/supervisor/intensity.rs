//! Restart intensity: how many restarts a supervisor bears within a sliding window. Pure; the caller says what time it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// The restart window of one supervisor, shared by all its children.
#[derive(Debug)]
pub(crate) struct Intensity {
    max_restarts: usize,
    window: Duration,
    /// Restarts still inside the window, oldest first.
    ///
    /// Invariant: at most `max_restarts + 1` entries, because the one that exceeds the limit ends the supervisor.
    recent: VecDeque<Instant>,
}

impl Intensity {
    pub(crate) fn new(max_restarts: usize, window: Duration) -> Self {
        Self {
            max_restarts,
            window,
            recent: VecDeque::new(),
        }
    }

    /// Counts one restart attempt. False when it is one too many.
    pub(crate) fn record(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.recent.push_back(now);
        self.recent.len() <= self.max_restarts
    }

    /// What is inside the window now.
    pub(crate) fn window(&mut self, now: Instant) -> RestartWindow {
        self.forget(now);
        RestartWindow {
            restarts: self.recent.len(),
            max_restarts: self.max_restarts,
            max_seconds: self.window,
        }
    }

    fn forget(&mut self, now: Instant) {
        // From the front: thousands may be inside the window, and each restart comes by here.
        // `>`, not `>=`: OTP counts a restart exactly `max_seconds` old as still recent.
        while let Some(oldest) = self.recent.front()
            && now.duration_since(*oldest) > self.window
        {
            self.recent.pop_front();
        }
    }
}

/// The restarts of all children of one supervisor that still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestartWindow {
    /// Restarts within the window that ends now.
    pub restarts: usize,
    /// How many it bears; one more ends it.
    pub max_restarts: usize,
    /// The length of the window; in seconds when serialised.
    #[serde(serialize_with = "seconds", deserialize_with = "from_seconds")]
    pub max_seconds: Duration,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    // The longest of all is rounded up when it is written, to more than there is.
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests;
