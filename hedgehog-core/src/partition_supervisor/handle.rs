//! [`PartitionSupervisorRef`] and the addresses it makes of keys, [`PartitionVia`].

use super::routes::{KeyHash, Routes};
use crate::{
    actor_ref::ActorRef,
    address::{self, Address},
    dynamic_supervisor::{DynamicSupervisorMsg, DynamicSupervisorRef},
    exit::ExitReason,
    name::Name,
    observe::TreeNode,
    registry::{Key, Value, Via},
    start_error::StartError,
    supervisor::{ChildCount, ChildInfo, NoProc, RestartError, TerminateError, handle::Target, server::Request},
};
use futures_util::future::BoxFuture;
use ractor::Message;
use std::{fmt, hash::Hash, marker::PhantomData, sync::Arc};

/// What a partition supervisor understands; built by [`PartitionSupervisorRef`] only. `M` is what its partitions understand.
pub struct PartitionSupervisorMsg<M>(Request, PhantomData<fn(M)>);

impl<M> From<Request> for PartitionSupervisorMsg<M> {
    fn from(request: Request) -> Self {
        Self(request, PhantomData)
    }
}

impl<M> From<PartitionSupervisorMsg<M>> for Request {
    fn from(PartitionSupervisorMsg(request, _): PartitionSupervisorMsg<M>) -> Self {
        request
    }
}

/// A reference to a [`PartitionSupervisor`](crate::PartitionSupervisor): one incarnation, or whichever one holds a name
/// (see [`SupervisorRef`](crate::SupervisorRef)).
pub struct PartitionSupervisorRef<M>(Target<PartitionSupervisorMsg<M>>);

impl<M: Message> PartitionSupervisorRef<M> {
    /// The address of the partition that serves `key`: `{:via, PartitionSupervisor, {pool, key}}`.
    ///
    /// An integer, or what hashes as one integer, goes to the partition of its absolute value modulo the number of
    /// partitions, anything else to that of its hash. A key stays with its partition as long as the number is the same.
    pub fn via(&self, key: impl Hash) -> PartitionVia<M> {
        PartitionVia {
            pool: self.clone(),
            key: KeyHash::of(&key),
        }
    }

    /// How many partitions serve keys at present.
    pub fn partitions(&self) -> Result<usize, NoProc> {
        let pool = self.whereis().ok_or(NoProc)?;
        Ok(Routes::of(&pool).ok_or(NoProc)?.published())
    }

    /// Changes how many partitions serve keys, and returns how many did. `PartitionSupervisor.resize!`.
    ///
    /// Keys never lead to a partition that is about to be stopped: a smaller number counts at once, before the surplus
    /// partitions are stopped, a larger one when all partitions have started. Several resizes take turns. A restart of the
    /// partition supervisor brings all partitions back.
    ///
    /// # Errors
    /// [`ResizeError::TooMany`] for more than there were at the start; [`ResizeError::Partition`] when one did not start
    /// again: then the number is what it was.
    ///
    /// # Cancel safety
    /// Dropping the future leaves either the old number or the new one; what is left to stop is stopped by the next resize.
    pub async fn resize(&self, partitions: usize) -> Result<usize, ResizeError> {
        let pool = self.whereis().ok_or(ResizeError::NoProc)?;
        let routes = Routes::of(&pool).ok_or(ResizeError::NoProc)?;
        let max = routes.max();
        if partitions > max {
            return Err(ResizeError::TooMany {
                requested: partitions,
                max,
            });
        }
        let _turn = routes.resizing.lock().await;
        let before = routes.published();
        routes.want(partitions);
        let mut surplus = partitions;
        let mut outcome = Ok(before);
        match grow(&pool, before..partitions).await {
            Ok(()) => routes.publish(partitions),
            Err(error) => {
                routes.want(before);
                surplus = before;
                outcome = Err(error);
            }
        }
        // From the new size on and not up to the old one: a resize that was dropped may have left some running.
        for partition in (surplus..max).rev() {
            terminate(&pool, partition).await?;
        }
        outcome
    }

    /// The partitions in order; their ids are their numbers, also those of the stopped ones.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, NoProc> {
        self.0.ask(|reply| Request::Which(reply).into()).await
    }

    /// How many partitions there are; those that a [`resize`](Self::resize) stopped are not active.
    pub async fn count_children(&self) -> Result<ChildCount, NoProc> {
        self.0.ask(|reply| Request::Count(reply).into()).await
    }

    /// Stops the supervisor after its partitions (see [`SupervisorRef::stop`](crate::SupervisorRef::stop)).
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        self.0.stop(reason).await
    }

    /// The tree below. Reads shared memory and never waits, not even for a supervisor that is busy.
    pub fn tree(&self) -> Option<TreeNode> {
        TreeNode::below(self.whereis())
    }

    /// The present incarnation.
    pub fn whereis(&self) -> Option<ActorRef<PartitionSupervisorMsg<M>>> {
        self.0.whereis()
    }
}

/// Starts partitions again that a resize had stopped; when one fails, some may be left running.
async fn grow<M: Message>(
    pool: &ActorRef<PartitionSupervisorMsg<M>>,
    partitions: impl Iterator<Item = usize>,
) -> Result<(), ResizeError> {
    for partition in partitions {
        let started = pool
            .call(
                |reply| Request::Restart(partition.to_string().into(), reply).into(),
                None,
            )
            .await
            .map_err(|_| ResizeError::NoProc)?;
        match started {
            // A group restart may have been faster, and a partition may decline.
            Ok(_)
            | Err(
                RestartError::Running { .. }
                | RestartError::Restarting { .. }
                | RestartError::Start(StartError::Ignore),
            ) => {}
            Err(source) => return Err(ResizeError::Partition { partition, source }),
        }
    }
    Ok(())
}

async fn terminate<M: Message>(
    pool: &ActorRef<PartitionSupervisorMsg<M>>,
    partition: usize,
) -> Result<(), ResizeError> {
    let id = partition.to_string().into();
    match pool.call(|reply| Request::Terminate(id, reply).into(), None).await {
        // A temporary partition leaves no spec behind.
        Ok(Ok(()) | Err(TerminateError::NotFound { .. })) => Ok(()),
        Ok(Err(TerminateError::NoProc)) | Err(_) => Err(ResizeError::NoProc),
    }
}

impl<M: Message> Routes<M> {
    /// The routes of one incarnation.
    fn of(pool: &ActorRef<PartitionSupervisorMsg<M>>) -> Option<&Arc<Self>> {
        pool.start_info()
    }
}

impl<M> Clone for PartitionSupervisorRef<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> fmt::Debug for PartitionSupervisorRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionSupervisorRef").field(&self.0).finish()
    }
}

impl<M> From<ActorRef<PartitionSupervisorMsg<M>>> for PartitionSupervisorRef<M> {
    fn from(actor: ActorRef<PartitionSupervisorMsg<M>>) -> Self {
        Self(Target::Incarnation(actor))
    }
}

impl<M: Message> From<&Name<PartitionSupervisorMsg<M>>> for PartitionSupervisorRef<M> {
    fn from(name: &Name<PartitionSupervisorMsg<M>>) -> Self {
        Self(Target::address(name.clone()))
    }
}

impl<K: Key, M: Message, V: Value> From<&Via<K, PartitionSupervisorMsg<M>, V>> for PartitionSupervisorRef<M> {
    fn from(via: &Via<K, PartitionSupervisorMsg<M>, V>) -> Self {
        Self(Target::address(via.clone()))
    }
}

/// A key of a [`PartitionSupervisor`](crate::PartitionSupervisor) as an address: resolved at every use, so that it follows
/// restarts and resizes.
///
/// While there are no partitions it leads nowhere, as one whose partition is being restarted does. It cannot be given to
/// [`ChildSpec::via`](crate::ChildSpec::via): partitions have their places already. When the partitions are dynamic supervisors,
/// it can be made into a [`DynamicSupervisorRef`].
pub struct PartitionVia<M> {
    pool: PartitionSupervisorRef<M>,
    key: KeyHash,
}

impl<M: Message> PartitionVia<M> {
    address::calls!(M);

    fn reach<R>(&self, f: impl FnOnce(Option<&ActorRef<M>>) -> R) -> R {
        let pool = self.pool.whereis();
        let name = pool.as_ref().and_then(|pool| Routes::of(pool)?.name(self.key));
        f(name.and_then(Name::whereis).as_ref())
    }

    async fn next_holder(&self) -> Option<ActorRef<M>> {
        loop {
            let pool = self.pool.0.holder().await?;
            tokio::select! {
                biased;
                holder = Routes::of(&pool)?.holder(self.key) => return holder,
                _ = pool.exited() => {}
            }
        }
    }
}

impl<M: Message> Address<M> for PartitionVia<M> {
    fn whereis(&self) -> Option<ActorRef<M>> {
        self.whereis()
    }

    fn holder(&self) -> BoxFuture<'_, Option<ActorRef<M>>> {
        Box::pin(self.next_holder())
    }
}

impl<X: 'static> From<PartitionVia<DynamicSupervisorMsg<X>>> for DynamicSupervisorRef<X> {
    /// Whichever dynamic supervisor serves the key.
    fn from(via: PartitionVia<DynamicSupervisorMsg<X>>) -> Self {
        Target::address(via).into()
    }
}

impl<M> Clone for PartitionVia<M> {
    fn clone(&self) -> Self {
        let Self { pool, key } = self;
        let (pool, key) = (pool.clone(), *key);
        Self { pool, key }
    }
}

impl<M> fmt::Debug for PartitionVia<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, key } = self;
        f.debug_struct("PartitionVia")
            .field("pool", pool)
            .field("key", key)
            .finish()
    }
}

/// Why a partition supervisor was not resized.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// There cannot be more partitions than at the start.
    #[error("{requested} partitions are more than the {max} of the start")]
    TooMany {
        /// How many were asked for.
        requested: usize,
        /// How many there can be.
        max: usize,
    },
    /// A partition did not start again.
    #[error("partition {partition} did not start again")]
    Partition {
        /// Its number.
        partition: usize,
        /// Why.
        #[source]
        source: RestartError,
    },
    /// The partition supervisor is not running.
    #[error("the partition supervisor is not running")]
    NoProc,
}
