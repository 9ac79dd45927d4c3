//! What traders and leaders work with, handed to each of them when it starts.

use super::board::Board;
use super::messages::{AccountEvent, CompletionsMsg};
use super::teller::Told;
use crate::exchange::{Account, MarketData};
use crate::market::Bus;
use crate::store::Db;
use hedgehog_core::{Name, PubSub};
use std::sync::Arc;
use std::time::Duration;

/// The outside of a trader and its leader. Cheap to clone.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) db: Db,
    /// Whose rules hold.
    pub(super) market: Arc<dyn MarketData>,
    /// Whose orders they are.
    pub(super) account: Arc<dyn Account>,
    pub(super) bus: Bus,
    /// What the status shows.
    pub(super) board: Board,
    /// Through which every state of our orders is broadcast.
    pub(super) told: Told,
    /// By symbol; private to the app.
    pub(super) account_events: PubSub<AccountEvent>,
    /// Who ends a symbol's tree when it has drained: it cannot end itself.
    pub(super) completions: Name<CompletionsMsg>,
    /// With an exchange that denies what it had confirmed.
    pub(super) patience: Patience,
}

/// How long the exchange must deny an order that it had confirmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For so long in all.
    pub(super) for_long: Duration,
    /// How often it is asked meanwhile.
    pub(super) every: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            for_long: Duration::from_secs(30),
            every: Duration::from_secs(6),
        }
    }
}
