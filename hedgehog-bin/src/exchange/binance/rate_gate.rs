//! Closed while the exchange wants to hear nothing from this address.
//!
//! Asking on after a 429 turns into a ban (418) of two minutes up to three days, so one refusal closes the gate for every
//! request of the client.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct RateGate(Mutex<Option<Instant>>);

impl RateGate {
    /// How long it stays closed.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        let remaining = self.0.lock().as_ref()?.saturating_duration_since(Instant::now());
        (!remaining.is_zero()).then_some(remaining)
    }

    /// Closes it; an earlier and longer closure stands.
    pub(super) fn close(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut gate = self.0.lock();
        *gate = (*gate).max(Some(until));
    }
}
