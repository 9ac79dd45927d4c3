//! The account's user data stream, once for the whole app: hands each execution to the traders of its symbol.

use super::balances::Balances;
use super::messages::AccountEvent;
use crate::exchange::{Account, UserDataEvent};
use hedgehog_core::{ActorProcessingErr, ChildSpec, PubSub, Restart, Task, TaskMsg};
use std::sync::Arc;

/// The process `Executions`. It reconnects by itself, and ends only by being stopped.
pub(super) fn spec(
    account: &Arc<dyn Account>,
    events: &PubSub<AccountEvent>,
    balances: &Balances,
) -> ChildSpec<TaskMsg> {
    let (account, events, balances) = (Arc::clone(account), events.clone(), balances.clone());
    let listen = move || {
        let (account, events, balances) = (Arc::clone(&account), events.clone(), balances.clone());
        async move {
            let tell = move |event| {
                if !matches!(event, UserDataEvent::Disconnected(_)) {
                    balances.changed();
                }
                publish(&events, event);
            };
            account.executions(Box::new(tell)).await;
            Ok::<(), ActorProcessingErr>(())
        }
    };
    Task::spec("Executions", listen).restart(Restart::Permanent)
}

fn publish(events: &PubSub<AccountEvent>, event: UserDataEvent) {
    match event {
        UserDataEvent::Execution(execution) => {
            let symbol = execution.order.symbol.clone();
            events.broadcast(symbol.as_str(), AccountEvent::Execution(Arc::new(execution)));
        }
        UserDataEvent::Connected => {
            tracing::debug!("the user data stream is connected");
            for topic in events.topics() {
                events.broadcast(&topic.name, AccountEvent::Connected);
            }
        }
        UserDataEvent::Disconnected(why) => tracing::warn!("the user data stream is interrupted: {why}"),
    }
}
