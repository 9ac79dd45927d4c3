//! The actor behind a [`Supervisor`]: carries out what the strategy and the intensity decide.
//!
//! Requests, exits of children and retries come through one mailbox and are handled in that order. While a child starts or
//! stops nothing else is handled.

use super::{
    AutoShutdown, Supervisor,
    child::Child,
    children::{Children, Notice},
    handle::{DeleteError, RestartError, TerminateError},
    info::{ChildCount, ChildInfo, ChildState},
    log,
    strategy::{Strategy, calls_for_restart},
    table::{Locked, Place},
};
use crate::{
    actor_ref::AnyActorRef,
    child_spec::{AnyChildSpec, ErasedSpec, Restart},
    exit::ExitReason,
    identity::{ChildId, Pid},
    panic,
    start_error::StartError,
};
use ractor::{Actor, ActorProcessingErr, Message, RpcReplyPort};
use std::{marker::PhantomData, ops::RangeBounds, sync::Arc};

/// What a supervisor understands; built by [`SupervisorRef`](crate::SupervisorRef) only.
pub struct SupervisorMsg(pub(super) Request);

impl From<Request> for SupervisorMsg {
    fn from(request: Request) -> Self {
        Self(request)
    }
}

impl From<SupervisorMsg> for Request {
    fn from(SupervisorMsg(request): SupervisorMsg) -> Self {
        request
    }
}

pub(crate) enum Request {
    Start(Arc<ErasedSpec>, RpcReplyPort<Result<AnyActorRef, StartError>>),
    Terminate(ChildId, RpcReplyPort<Result<(), TerminateError>>),
    Restart(ChildId, RpcReplyPort<Result<AnyActorRef, RestartError>>),
    Delete(ChildId, RpcReplyPort<Result<(), DeleteError>>),
    Which(RpcReplyPort<Vec<ChildInfo>>),
    WhichOne(ChildId, RpcReplyPort<Option<ChildInfo>>),
    Spec(ChildId, RpcReplyPort<Option<AnyChildSpec>>),
    Count(RpcReplyPort<ChildCount>),
    Notice(Notice),
}

/// The actor, by the message type that its references know it by: all kinds of static supervisors run this one.
pub(crate) struct Server<W>(PhantomData<fn(W)>);

impl<W> Default for Server<W> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// A message type around [`Request`].
pub(crate) trait Wrapper: Message + From<Request> + Into<Request> {}
impl<W: Message + From<Request> + Into<Request>> Wrapper for W {}

pub(crate) struct State<W> {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    children: Children<W>,
}

impl<W: Wrapper> Actor for Server<W> {
    type Msg = W;
    type State = State<W>;
    type Arguments = Supervisor;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<W>,
        supervisor: Supervisor,
    ) -> Result<State<W>, ActorProcessingErr> {
        if supervisor.options.ignore {
            return Err(StartError::Ignore.into());
        }
        supervisor.validate()?;
        let wrap = |notice| Request::Notice(notice).into();
        let specs = supervisor.children.iter().map(|spec| spec.for_one_start()).collect();
        let state = State {
            strategy: supervisor.strategy,
            auto_shutdown: supervisor.auto_shutdown,
            children: Children::new(specs, &supervisor.options, myself, wrap),
        };
        // What only a temporary child's start holds goes with that.
        drop(supervisor.children);
        state.boot().await?;
        Ok(state)
    }

    async fn handle(&self, _: ractor::ActorRef<W>, message: W, state: &mut State<W>) -> Result<(), ActorProcessingErr> {
        // A caller that went away does not want its answer any more.
        match message.into() {
            Request::Start(spec, reply) => {
                state.catch_up(&spec).await?;
                panic::discard(reply.send(state.start_child(spec).await));
            }
            Request::Terminate(id, reply) => drop(reply.send(state.terminate_child(&id).await)),
            Request::Restart(id, reply) => panic::discard(reply.send(state.restart_child(&id).await)),
            Request::Delete(id, reply) => drop(reply.send(state.delete_child(&id))),
            Request::Which(reply) => drop(reply.send(state.table().info())),
            Request::WhichOne(id, reply) => drop(reply.send(state.find(&id, Child::info))),
            Request::Spec(id, reply) => drop(reply.send(state.find(&id, |child| (&*child.spec).into()))),
            Request::Count(reply) => drop(reply.send(state.table().count())),
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

    async fn post_stop(&self, _: ractor::ActorRef<W>, state: &mut State<W>) -> Result<(), ActorProcessingErr> {
        state.stop_all(..).await;
        Ok(())
    }
}

impl<W: Wrapper> State<W> {
    fn table(&self) -> Locked<'_> {
        self.children.table()
    }

    fn with_id(&self, id: &ChildId) -> Option<Place> {
        self.table().with_id(id).next()
    }

    /// Starts the children one after another; on a failure stops what was started, in reverse.
    async fn boot(&self) -> Result<(), StartError> {
        let places = self.table().places(..);
        for at in places {
            match self.children.start(at).await {
                Err(StartError::Ignore) if self.children.spec(at).restart == Restart::Temporary => {
                    self.table().remove(at);
                }
                Ok(_) | Err(StartError::Ignore) => {}
                Err(error) => {
                    let id = self.children.spec(at).id.clone();
                    log::start_failed(self.children.scope(), &id, &error);
                    self.stop_all(..).await;
                    return Err(StartError::FailedToStartChild {
                        id,
                        source: Box::new(error),
                    });
                }
            }
        }
        Ok(())
    }

    /// Handles the exits of the namesakes of `spec` whose notices still wait in the mailbox: they are restarted under their
    /// names before anybody else can take these.
    async fn catch_up(&mut self, spec: &ErasedSpec) -> Result<(), ActorProcessingErr> {
        let dead = {
            let table = self.table();
            table.dead(table.with_id(&spec.id).chain(table.namesakes(spec)))
        };
        for (pid, reason) in dead {
            self.exited(pid, &reason).await?;
        }
        Ok(())
    }

    async fn start_child(&self, spec: Arc<ErasedSpec>) -> Result<AnyActorRef, StartError> {
        self.auto_shutdown.admit(&spec)?;
        let at = {
            let mut table = self.table();
            if let Some(present) = table.with_id(&spec.id).next() {
                let id = spec.id.clone();
                return Err(match table.child(present).running() {
                    Some(child) => StartError::AlreadyStarted { id, pid: child.pid() },
                    None => StartError::AlreadyPresent { id },
                });
            }
            if let Some(holder) = table.restarting_namesake(&spec) {
                return Err(spec.name_taken(holder));
            }
            table.push(spec.clone())
        };
        let started = self.children.start(at).await;
        match &started {
            Err(StartError::Ignore) if spec.restart != Restart::Temporary => {}
            Err(error) => {
                self.table().remove(at);
                log::start_failed(self.children.scope(), &spec.id, error);
            }
            Ok(_) => {}
        }
        started.map(AnyActorRef).map_err(|error| match error {
            error @ (StartError::Ignore | StartError::AlreadyRegistered { .. }) => error,
            error => StartError::FailedToStartChild {
                id: spec.id.clone(),
                source: Box::new(error),
            },
        })
    }

    async fn terminate_child(&self, id: &ChildId) -> Result<(), TerminateError> {
        let at = self
            .with_id(id)
            .ok_or_else(|| TerminateError::NotFound { child: id.to_string() })?;
        self.children.stop(at).await;
        if self.children.spec(at).restart == Restart::Temporary {
            self.table().remove(at);
        }
        Ok(())
    }

    async fn restart_child(&self, id: &ChildId) -> Result<AnyActorRef, RestartError> {
        let of = || id.clone();
        let at = self.with_id(id).ok_or_else(|| RestartError::NotFound { id: of() })?;
        let state = self.table().child(at).state();
        match state {
            ChildState::Stopped => {}
            ChildState::Restarting => return Err(RestartError::Restarting { id: of() }),
            ChildState::Starting | ChildState::Running => return Err(RestartError::Running { id: of() }),
        }
        let started = self.children.start(at).await;
        if let Err(error) = &started {
            log::start_failed(self.children.scope(), &self.children.spec(at).id, error);
        }
        started.map(AnyActorRef).map_err(RestartError::Start)
    }

    fn delete_child(&self, id: &ChildId) -> Result<(), DeleteError> {
        let of = || id.clone();
        let at = self.with_id(id).ok_or_else(|| DeleteError::NotFound { id: of() })?;
        let mut table = self.table();
        match table.child(at).state() {
            ChildState::Stopped => table.remove(at),
            ChildState::Restarting => return Err(DeleteError::Restarting { id: of() }),
            ChildState::Starting | ChildState::Running => return Err(DeleteError::Running { id: of() }),
        }
        Ok(())
    }

    /// What `f` says of the child with this id.
    fn find<R>(&self, id: &ChildId, f: impl FnOnce(&Child) -> R) -> Option<R> {
        let at = self.with_id(id)?;
        Some(f(self.table().child(at)))
    }

    /// A child ended by itself, unless the notice is stale: of an incarnation that was stopped or replaced since.
    async fn exited(&mut self, pid: Pid, reason: &ExitReason) -> Result<(), ActorProcessingErr> {
        let Some(at) = self.table().running(pid) else {
            return Ok(());
        };
        let spec = self.children.spec(at);
        if let Some(child) = self.children.running(at) {
            log::exited(self.children.scope(), &child, reason);
        }
        let restart = calls_for_restart(spec.restart, reason);
        {
            let mut table = self.table();
            table.exited(at, reason.clone());
            if restart {
                // Shown until the restart succeeds; no retry carries this attempt.
                table.restarting(at);
            } else if spec.restart == Restart::Temporary {
                table.remove(at);
            }
        }
        if restart {
            return self.restart(at).await;
        }
        if spec.significant && self.auto_shutdown.is_due(self.table().active_significant()) {
            log::auto_shutdown(self.children.scope(), &spec.id);
            return Err(ExitReason::Shutdown.into());
        }
        Ok(())
    }

    /// Restarts the group of the child at `failed`: one entry in the restart window, however many it rebuilds.
    async fn restart(&mut self, failed: Place) -> Result<(), ActorProcessingErr> {
        self.children.count_restart(failed)?;
        let group = self.strategy.group(failed);
        if self.strategy != Strategy::OneForOne {
            self.stop_all(group).await;
            self.table().remove_temporary(group);
        }
        let group = self.table().places(group);
        for at in group {
            match self.children.start(at).await {
                Ok(child) => self.children.restarted(at, &child),
                // Nothing to do for it any more: its spec stays, as after a boot.
                Err(StartError::Ignore) => {}
                // Its name was taken in the moment of its death, by a sibling that is supervised in its stead.
                Err(StartError::AlreadyRegistered { holder, .. })
                    if self.strategy == Strategy::OneForOne && self.table().running(holder).is_some() =>
                {
                    log::replaced(self.children.scope(), &self.children.spec(at).id, holder);
                }
                Err(error) => {
                    self.children.retry(at, error);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Stops the children in `range`, in reverse start order, each gone before the next is asked.
    async fn stop_all(&self, range: impl RangeBounds<Place>) {
        let places = self.table().places(range);
        for at in places.into_iter().rev() {
            self.children.stop(at).await;
        }
    }
}
