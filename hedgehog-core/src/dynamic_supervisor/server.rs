//! The actor behind a [`DynamicSupervisor`].

use super::DynamicSupervisor;
use crate::{
    actor_ref::AnyActorRef,
    child_spec::{AnyChildSpec, ErasedSpec, Extra},
    exit::ExitReason,
    identity::{ChildId, Pid},
    panic,
    start_error::StartError,
    supervisor::{
        ChildCount, ChildInfo, TerminateError,
        children::{Children, Notice},
        log,
        strategy::calls_for_restart,
        table::{Locked, Place},
    },
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use ractor::{Actor, ActorProcessingErr, RpcReplyPort};
use std::{marker::PhantomData, sync::Arc};

/// What a dynamic supervisor understands; built by [`DynamicSupervisorRef`](crate::DynamicSupervisorRef) only.
pub struct DynamicSupervisorMsg<X = ()>(Request, PhantomData<fn(X)>);

impl<X> From<Request> for DynamicSupervisorMsg<X> {
    fn from(request: Request) -> Self {
        Self(request, PhantomData)
    }
}

pub(super) enum Request {
    Start(Arc<ErasedSpec>, RpcReplyPort<Result<AnyActorRef, StartError>>),
    TerminatePid(Pid, RpcReplyPort<Result<(), TerminateError>>),
    TerminateId(ChildId, RpcReplyPort<Result<(), TerminateError>>),
    Which(RpcReplyPort<Vec<ChildInfo>>),
    WhichPid(Pid, RpcReplyPort<Option<ChildInfo>>),
    Spec(Pid, RpcReplyPort<Option<AnyChildSpec>>),
    Count(RpcReplyPort<ChildCount>),
    SetMaxChildren(usize, RpcReplyPort<()>),
    Notice(Notice),
}

pub(super) struct Server<X>(PhantomData<fn(X)>);

impl<X> Default for Server<X> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

pub(super) struct State<X> {
    max_children: usize,
    children: Children<DynamicSupervisorMsg<X>>,
}

impl<X: Send + Sync + 'static> Actor for Server<X> {
    type Msg = DynamicSupervisorMsg<X>;
    type State = State<X>;
    type Arguments = DynamicSupervisor<X>;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<DynamicSupervisorMsg<X>>,
        supervisor: DynamicSupervisor<X>,
    ) -> Result<State<X>, ActorProcessingErr> {
        if supervisor.options.ignore {
            return Err(StartError::Ignore.into());
        }
        supervisor.options.validate()?;
        Ok(State {
            max_children: supervisor.max_children,
            children: Children::new(Vec::new(), &supervisor.options, myself, |notice| {
                Request::Notice(notice).into()
            })
            .extra(Extra::new(supervisor.extra_arguments)),
        })
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<DynamicSupervisorMsg<X>>,
        DynamicSupervisorMsg(request, _): DynamicSupervisorMsg<X>,
        state: &mut State<X>,
    ) -> Result<(), ActorProcessingErr> {
        // A caller that went away does not want its answer any more.
        match request {
            Request::Start(spec, reply) => {
                state.catch_up(&spec).await?;
                panic::discard(reply.send(state.start_child(spec).await));
            }
            Request::TerminatePid(pid, reply) => {
                let child = state.table().with_pid(pid).into_iter().collect();
                let found = state.terminate(child).await;
                drop(reply.send(found.then_some(()).ok_or_else(|| not_found(&pid))));
            }
            Request::TerminateId(id, reply) => {
                let children = state.table().with_id(&id).collect();
                let found = state.terminate(children).await;
                drop(reply.send(found.then_some(()).ok_or_else(|| not_found(&id))));
            }
            Request::Which(reply) => drop(reply.send(state.table().info())),
            Request::WhichPid(pid, reply) => drop(reply.send(state.table().info_of(pid))),
            Request::Spec(pid, reply) => drop(reply.send(state.table().spec_of(pid))),
            Request::Count(reply) => drop(reply.send(state.table().count())),
            Request::SetMaxChildren(max_children, reply) => {
                state.max_children = max_children;
                drop(reply.send(()));
            }
            Request::Notice(Notice::Exited(pid, reason)) => {
                let handled = state.exited(pid, &reason).await;
                panic::discard(reason);
                handled?;
            }
            Request::Notice(Notice::Retry(at, attempt)) => {
                let due = state.table().is_due(at, attempt);
                if due {
                    state.restart(at).await?;
                }
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ractor::ActorRef<DynamicSupervisorMsg<X>>,
        state: &mut State<X>,
    ) -> Result<(), ActorProcessingErr> {
        let children = state.table().places(..);
        state.terminate(children).await;
        Ok(())
    }
}

impl<X: 'static> State<X> {
    fn table(&self) -> Locked<'_> {
        self.children.table()
    }

    /// Handles the exits of the namesakes of `spec` whose notices still wait in the mailbox: they are restarted under their
    /// names before anybody else can take these.
    async fn catch_up(&mut self, spec: &ErasedSpec) -> Result<(), ActorProcessingErr> {
        let dead = {
            let table = self.table();
            table.dead(table.namesakes(spec))
        };
        for (pid, reason) in dead {
            self.exited(pid, &reason).await?;
        }
        Ok(())
    }

    async fn start_child(&self, spec: Arc<ErasedSpec>) -> Result<AnyActorRef, StartError> {
        let at = {
            let mut table = self.table();
            if table.len() >= self.max_children {
                return Err(StartError::MaxChildren { max: self.max_children });
            }
            if let Some(holder) = table.restarting_namesake(&spec) {
                return Err(spec.name_taken(holder));
            }
            table.push(spec.clone())
        };
        let started = self.children.start(at).await;
        if let Err(error) = &started {
            self.table().remove(at);
            log::start_failed(self.children.scope(), &spec.id, error);
        }
        started.map(AnyActorRef)
    }

    /// Stops the children at the same time and forgets them; false when there are none. They stay in the table until they
    /// are gone.
    async fn terminate(&self, children: Vec<Place>) -> bool {
        let mut stopping: FuturesUnordered<_> = children.into_iter().map(|at| self.stop(at)).collect();
        let found = !stopping.is_empty();
        while stopping.next().await.is_some() {}
        found
    }

    async fn stop(&self, at: Place) {
        self.children.stop(at).await;
        self.table().remove(at);
    }

    /// A child ended by itself, unless the notice is stale: of an incarnation that was stopped or replaced since.
    async fn exited(&mut self, pid: Pid, reason: &ExitReason) -> Result<(), ActorProcessingErr> {
        let Some(at) = self.table().running(pid) else {
            return Ok(());
        };
        if let Some(child) = self.children.running(at) {
            log::exited(self.children.scope(), &child, reason);
        }
        if !calls_for_restart(self.children.spec(at).restart, reason) {
            self.table().remove(at);
            return Ok(());
        }
        {
            let mut table = self.table();
            table.exited(at, reason.clone());
            // Shown until the restart succeeds; no retry carries this attempt.
            table.restarting(at);
        }
        self.restart(at).await
    }

    async fn restart(&mut self, at: Place) -> Result<(), ActorProcessingErr> {
        self.children.count_restart(at)?;
        match self.children.start(at).await {
            Ok(child) => self.children.restarted(at, &child),
            Err(StartError::Ignore) => self.table().remove(at),
            // Its name was taken in the moment of its death, by a sibling that is supervised in its stead.
            Err(StartError::AlreadyRegistered { holder, .. }) if self.table().running(holder).is_some() => {
                log::replaced(self.children.scope(), &self.children.spec(at).id, holder);
                self.table().remove(at);
            }
            Err(error) => self.children.retry(at, error),
        }
        Ok(())
    }
}

fn not_found(child: &impl ToString) -> TerminateError {
    let child = child.to_string();
    TerminateError::NotFound { child }
}
