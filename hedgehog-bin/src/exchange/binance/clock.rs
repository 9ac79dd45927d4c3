//! The exchange's clock as seen from here.
//!
//! A signed request is refused (−1021) when its timestamp is more than a second ahead of the exchange or older than its
//! `recvWindow`, so requests carry the exchange's time and not that of this machine.

use chrono::Utc;
use parking_lot::Mutex;

/// Exchange time minus ours, in milliseconds; `None` until the exchange was asked.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<i64>>);

impl ServerClock {
    /// What a request should carry now.
    pub(super) fn now(&self) -> i64 {
        local_now() + self.0.lock().unwrap_or(0)
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Takes over the exchange's time, asked for at `asked` and known now; the answer is taken to be half a round trip old.
    pub(super) fn set(&self, server_time: i64, asked: i64) {
        *self.0.lock() = Some(server_time - i64::midpoint(asked, local_now()));
    }
}

/// Milliseconds since the epoch by this machine's clock.
pub(super) fn local_now() -> i64 {
    Utc::now().timestamp_millis()
}
