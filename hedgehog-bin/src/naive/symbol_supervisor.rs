//! The tree of one traded symbol.
//!
//! ```text
//! <SYMBOL> (one_for_all)
//! ├─ Traders   a dynamic supervisor; its children are temporary
//! └─ Leader
//! ```
//! One for all, because a leader without its traders, or the reverse, has no valid state; what both need to start afresh
//! is in the ledger. Each symbol has a restart limit of its own.

use super::desk::Desk;
use super::leader::Post;
use super::messages::LeaderMsg;
use crate::market::Symbol;
use hedgehog_core::{ChildSpec, DynamicSupervisor, Name, Registry, Strategy, Supervisor, SupervisorMsg};

/// The tree of `symbol`; its leader is found in `leaders`.
pub(super) fn spec(desk: &Desk, leaders: &Registry<Symbol, LeaderMsg>, symbol: &Symbol) -> ChildSpec<SupervisorMsg> {
    let (desk, leaders, symbol) = (desk.clone(), leaders.clone(), symbol.clone());
    Supervisor::spec(symbol.to_string(), move || {
        let traders = Name::new(format!("Naive.DynamicTraderSupervisor-{symbol}"));
        let post = Post {
            desk: desk.clone(),
            symbol: symbol.clone(),
            traders: traders.clone(),
        };
        Supervisor::new(Strategy::OneForAll)
            .child(DynamicSupervisor::spec("Traders", DynamicSupervisor::new).name(&traders))
            .child(post.spec().via(leaders.via(symbol.clone())))
    })
}
