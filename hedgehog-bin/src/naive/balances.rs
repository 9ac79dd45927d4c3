//! What the account holds, kept fresh beside the tree.
//!
//! Asked for when the account's stream (re)connects and after executions, at most every few seconds: the answer weighs much.
//! Nothing depends on it but what is shown, so that a failure is shown and no more.

use crate::backoff::Backoff;
use crate::causes::causes;
use crate::exchange::{Account, AssetBalance, ExchangeError};
use hedgehog_core::{ActorProcessingErr, ChildSpec, Restart, Task, TaskMsg};
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const AT_MOST_EVERY: Duration = Duration::from_secs(5);

/// Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub(super) struct Balances {
    changed: Arc<Notify>,
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    balances: Vec<AssetBalance>,
    unread: Option<String>,
}

impl Balances {
    /// The process `Balances`.
    pub(super) fn spec(&self, account: &Arc<dyn Account>) -> ChildSpec<TaskMsg> {
        let (balances, account) = (self.clone(), Arc::clone(account));
        let keep = move || {
            let (balances, account) = (balances.clone(), Arc::clone(&account));
            async move {
                balances.keep_fresh(&*account).await;
                Ok::<(), ActorProcessingErr>(())
            }
        };
        Task::spec("Balances", keep).restart(Restart::Permanent)
    }

    /// They may be others now.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// As last told, by asset.
    pub(super) fn all(&self) -> Vec<AssetBalance> {
        self.known.read().balances.clone()
    }

    /// Why they could not be read anew, if so.
    pub(super) fn unread(&self) -> Option<String> {
        self.known.read().unread.clone()
    }

    async fn keep_fresh(&self, account: &dyn Account) {
        let mut backoff = Backoff::default();
        loop {
            self.changed.notified().await;
            while let Err(error) = self.read(account).await {
                self.known.write().unread = Some(causes(&error));
                tokio::time::sleep(AT_MOST_EVERY + backoff.next_delay()).await;
            }
            backoff.succeeded();
            tokio::time::sleep(AT_MOST_EVERY).await;
        }
    }

    async fn read(&self, account: &dyn Account) -> Result<(), ExchangeError> {
        let mut balances = account.balances().await?;
        balances.sort_by(|a, b| a.asset.cmp(&b.asset));
        *self.known.write() = Known { balances, unread: None };
        Ok(())
    }
}
