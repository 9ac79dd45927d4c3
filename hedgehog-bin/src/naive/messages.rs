//! What the processes of the app say to each other.

use super::settings::Setting;
use super::status::TraderStatus;
use super::strategy::Terms;
use crate::exchange::Execution;
use crate::market::{Symbol, SymbolInfo};
use hedgehog_core::{ExitReason, Pid, RpcReplyPort};
use std::sync::Arc;
use uuid::Uuid;

/// What a leader is told.
#[derive(Debug)]
pub(super) enum LeaderMsg {
    /// Read rules, settings and ledger, and start the traders.
    Load,
    /// The symbol's row has changed.
    Settings(Setting),
    /// A trader's state has changed, and stands in the ledger.
    Told(Box<TraderStatus>),
    /// A trader offers to have a further one started. The answer: whether it was.
    Rebuy { id: Uuid, reply: RpcReplyPort<bool> },
    /// A monitored trader has ended.
    Exited { id: Uuid, pid: Pid, reason: ExitReason },
    /// Try again to start a trader.
    Start(Uuid),
    /// Say again that nothing is left to do, if that is still so.
    Drained,
    /// Are you draining, with nothing left to do?
    IsDrained(RpcReplyPort<bool>),
}

/// What a trader is told.
#[derive(Debug)]
pub(super) enum TraderMsg {
    /// Look at what you hold, and act.
    Act,
    /// The doorbell of the market's trades.
    Trades,
    /// The doorbell of the account's events.
    Account,
    /// What holds from now on.
    Mandate(Arc<Mandate>),
}

/// What a leader authorises its traders to do; replaced as a whole when a setting changes.
#[derive(Clone, Debug)]
pub(super) struct Mandate {
    pub(super) terms: Terms,
    pub(super) info: SymbolInfo,
    /// Open nothing, end what is open.
    pub(super) draining: bool,
}

/// What the account's user data stream says to the traders of a symbol.
#[derive(Clone, Debug)]
pub(super) enum AccountEvent {
    /// An order changed.
    Execution(Arc<Execution>),
    /// The stream is back; what happened before is not told: ask.
    Connected,
}

/// What the process `Completions` is told.
#[derive(Debug)]
pub(super) enum CompletionsMsg {
    /// The last trader of a draining symbol has ended. Told again if it seems to have been lost.
    Drained(Symbol),
}
