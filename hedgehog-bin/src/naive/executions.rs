//! The account's user data stream, once for the whole app: hands each execution to the traders of its symbol.

use super::balances::Balances;
use super::desk::AccountEvent;
use crate::exchange::binance::user_data::{self, UserDataEvent};
use crate::exchange::{Credentials, Endpoints};
use hedgehog_core::{ActorProcessingErr, ChildSpec, PubSub, Restart, Task, TaskMsg};
use std::sync::Arc;

/// The process `Executions`. It reconnects by itself, and ends only by being stopped.
pub(super) fn spec(
    endpoints: &Endpoints,
    credentials: &Credentials,
    account: &PubSub<AccountEvent>,
    balances: &Balances,
) -> ChildSpec<TaskMsg> {
    let (endpoints, credentials) = (endpoints.clone(), credentials.clone());
    let (account, balances) = (account.clone(), balances.clone());
    let listen = move || {
        let (endpoints, credentials) = (endpoints.clone(), credentials.clone());
        let (account, balances) = (account.clone(), balances.clone());
        async move {
            let tell = move |event| {
                if !matches!(event, UserDataEvent::Disconnected(_)) {
                    balances.changed();
                }
                publish(&account, event);
            };
            user_data::run(endpoints, credentials, tell).await;
            Ok::<(), ActorProcessingErr>(())
        }
    };
    Task::spec("Executions", listen).restart(Restart::Permanent)
}

fn publish(account: &PubSub<AccountEvent>, event: UserDataEvent) {
    match event {
        UserDataEvent::Execution(execution) => {
            let symbol = execution.order.symbol.clone();
            account.broadcast(symbol.as_str(), AccountEvent::Execution(Arc::new(execution)));
        }
        UserDataEvent::Connected => {
            tracing::debug!("the user data stream is connected");
            for topic in account.topics() {
                account.broadcast(&topic.name, AccountEvent::Connected);
            }
        }
        UserDataEvent::Disconnected(why) => tracing::warn!("the user data stream is interrupted: {why}"),
    }
}
