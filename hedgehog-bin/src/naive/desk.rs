//! What traders and leaders work with, handed to each of them when it starts.

use super::board::Board;
use super::completions::CompletionsMsg;
use super::strategy::Terms;
use super::teller::Told;
use super::trader::Patience;
use crate::exchange::Exchange;
use crate::exchange::binance::user_data::Execution;
use crate::market::{Bus, SymbolInfo};
use crate::store::Db;
use hedgehog_core::{Name, PubSub};
use std::sync::Arc;

/// The outside of a trader and its leader. Cheap to clone.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) db: Db,
    pub(super) exchange: Arc<dyn Exchange>,
    pub(super) bus: Bus,
    /// What the status shows.
    pub(super) board: Board,
    /// Through which every state of our orders is broadcast.
    pub(super) told: Told,
    /// By symbol; private to the app.
    pub(super) account: PubSub<AccountEvent>,
    /// Who ends a symbol's tree when it has drained: it cannot end itself.
    pub(super) completions: Name<CompletionsMsg>,
    /// With an exchange that denies what it had confirmed.
    pub(super) patience: Patience,
}

/// What the account's user data stream says to the traders of a symbol.
#[derive(Clone, Debug)]
pub(super) enum AccountEvent {
    /// An order changed.
    Execution(Arc<Execution>),
    /// The stream is back; what happened before is not told: ask.
    Connected,
}

/// What a leader authorises its traders to do; replaced as a whole when a setting changes.
#[derive(Clone, Debug)]
pub(super) struct Mandate {
    pub(super) terms: Terms,
    pub(super) info: SymbolInfo,
    /// Open nothing, end what is open.
    pub(super) draining: bool,
}
