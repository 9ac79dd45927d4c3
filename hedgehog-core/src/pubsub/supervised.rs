//! The actor that owns the subscriptions of a [`PubSub`](super::PubSub) that is part of a tree.
//!
//! Topics are shared memory and would survive anything. That a restart starts afresh is wanted: it is how a tree gets rid of
//! subscribers that went astray.

use super::{Shared, TopicInfo};
use crate::{actor_ref::SelfRef, child_spec::ChildSpec, identity::ChildId, incarnation::Role};
use ractor::{Actor, ActorProcessingErr};
use std::sync::{Arc, atomic::Ordering};

/// The owner understands no messages: everything goes through shared memory.
pub enum PubSubMsg {}

pub(super) fn spec<T: Send + Sync + 'static>(shared: &Arc<Shared<T>>, id: impl Into<ChildId>) -> ChildSpec<PubSubMsg> {
    let shared = Arc::clone(shared);
    ChildSpec::worker(id, move || (Owner(Arc::clone(&shared)), ()))
}

/// The topics of an owner as its exit record keeps them, for snapshots. Their end is no matter of the record's.
pub(crate) struct Topics(Box<dyn Fn() -> Vec<TopicInfo> + Send + Sync>);

impl Topics {
    /// What they are doing. Runs in whoever takes the snapshot.
    pub(crate) fn infos(&self) -> Vec<TopicInfo> {
        (self.0)()
    }
}

impl Role for Topics {}

struct Owner<T>(Arc<Shared<T>>);

impl<T: Send + Sync + 'static> Actor for Owner<T> {
    type Msg = PubSubMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<PubSubMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        let me = myself.self_ref()?;
        if self.0.owned.swap(true, Ordering::AcqRel) {
            return Err("this PubSub has an owner already: `PubSub::spec` is for one place in one tree".into());
        }
        let shared = Arc::clone(&self.0);
        me.incarnation().set_role(Topics({
            let shared = Arc::clone(&shared);
            Box::new(move || shared.infos())
        }));
        me.on_cleanup(move || {
            shared.close_all();
            shared.owned.store(false, Ordering::Release);
        });
        Ok(())
    }
}
