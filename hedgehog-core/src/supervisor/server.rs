//! The actor behind a [`Supervisor`]: carries out what the strategy and the intensity decide.
//!
//! Requests, exits of children and retries come through one mailbox and are handled in that order. While a child starts or
//! stops nothing else is handled. Nothing a child does can make this actor fail: it learns of exits by message, and a start
//! is a result.

use super::{
    AutoShutdown, Supervisor,
    handle::{ChildCount, ChildInfo, DeleteError, RestartError, TerminateError},
    intensity::Intensity,
    log,
    shutdown::shutdown,
    strategy::{Strategy, calls_for_restart},
    table::{Attempt, SharedTable, Status, Table},
};
use crate::{
    Restart,
    actor_ref::{AnyActorRef, Pid},
    child_spec::{ChildId, ErasedSpec},
    exit::{ExitReason, record::Incarnation},
    observe::ChildState,
    start_error::StartError,
};
use parking_lot::{Mutex, MutexGuard};
use ractor::{Actor, ActorProcessingErr, RpcReplyPort};
use std::sync::Arc;
use tokio::time::Instant;

/// What a supervisor understands; built by [`SupervisorRef`](crate::SupervisorRef) only.
pub struct SupervisorMsg(pub(super) Request);

pub(super) enum Request {
    Start(Arc<ErasedSpec>, RpcReplyPort<Result<AnyActorRef, StartError>>),
    Terminate(ChildId, RpcReplyPort<Result<(), TerminateError>>),
    Restart(ChildId, RpcReplyPort<Result<AnyActorRef, RestartError>>),
    Delete(ChildId, RpcReplyPort<Result<(), DeleteError>>),
    Which(RpcReplyPort<Vec<ChildInfo>>),
    WhichOne(ChildId, RpcReplyPort<Option<ChildInfo>>),
    Count(RpcReplyPort<ChildCount>),
    Exited(Pid, ExitReason),
    Retry(Attempt),
}

pub(super) struct Server;

pub(super) struct State {
    strategy: Strategy,
    intensity: Arc<Mutex<Intensity>>,
    auto_shutdown: AutoShutdown,
    children: Arc<SharedTable>,
    incarnation: Arc<Incarnation>,
    myself: ractor::ActorRef<SupervisorMsg>,
}

impl Actor for Server {
    type Msg = SupervisorMsg;
    type State = State;
    type Arguments = Supervisor;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<SupervisorMsg>,
        supervisor: Supervisor,
    ) -> Result<State, ActorProcessingErr> {
        supervisor.validate()?;
        let incarnation = Incarnation::current().expect("the adapter runs callbacks as their incarnation");
        let children: Arc<SharedTable> = Arc::new(Mutex::new(Table::new(supervisor.children)));
        let intensity = supervisor.options.intensity();
        incarnation.take_charge(children.clone(), intensity.clone(), &supervisor.options);
        let state = State {
            strategy: supervisor.strategy,
            intensity,
            auto_shutdown: supervisor.auto_shutdown,
            children,
            incarnation,
            myself,
        };
        state.boot().await?;
        Ok(state)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<SupervisorMsg>,
        SupervisorMsg(request): SupervisorMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // A caller that went away does not want its answer any more.
        match request {
            Request::Start(spec, reply) => {
                state.catch_up(&spec).await?;
                drop(reply.send(state.start_child(spec).await));
            }
            Request::Terminate(id, reply) => drop(reply.send(state.terminate_child(&id).await)),
            Request::Restart(id, reply) => drop(reply.send(state.restart_child(&id).await)),
            Request::Delete(id, reply) => drop(reply.send(state.delete_child(&id))),
            Request::Which(reply) => drop(reply.send(state.table().info())),
            Request::WhichOne(id, reply) => drop(reply.send(state.table().info_of(&id))),
            Request::Count(reply) => drop(reply.send(state.table().count())),
            Request::Exited(pid, reason) => state.exited(pid, reason).await?,
            Request::Retry(attempt) => {
                let child = state.table().by_attempt(attempt);
                if let Some(at) = child {
                    state.restart(at).await?;
                }
            }
        }
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<SupervisorMsg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.stop_from(0).await;
        Ok(())
    }
}

impl State {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.children.lock()
    }

    /// Starts the children one after another; on a failure stops what was started, in reverse.
    async fn boot(&self) -> Result<(), StartError> {
        let mut at = 0;
        while at < self.len() {
            match self.start(at).await {
                Err(StartError::Ignore) if self.spec(at).restart == Restart::Temporary => self.table().remove(at),
                Ok(_) | Err(StartError::Ignore) => at += 1,
                Err(error) => {
                    let id = self.spec(at).id.clone();
                    log::start_failed(&self.incarnation, &id, &error);
                    self.stop_from(0).await;
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
        let dead = self.table().dead_namesakes(spec);
        for (pid, reason) in dead {
            self.exited(pid, reason).await?;
        }
        Ok(())
    }

    async fn start_child(&self, spec: Arc<ErasedSpec>) -> Result<AnyActorRef, StartError> {
        spec.validate(self.auto_shutdown)?;
        let at = {
            let mut table = self.table();
            if let Some(at) = table.by_id(&spec.id) {
                let id = spec.id.clone();
                return Err(match table.status(at) {
                    Status::Running(child) => StartError::AlreadyStarted { id, pid: child.pid() },
                    _ => StartError::AlreadyPresent { id },
                });
            }
            if let Some(holder) = table.restarting_namesake(&spec) {
                return Err(spec.name_taken(holder));
            }
            table.push(spec.clone())
        };
        let started = self.start(at).await;
        match &started {
            Err(StartError::Ignore) if spec.restart != Restart::Temporary => {}
            Err(error) => {
                self.table().remove(at);
                log::start_failed(&self.incarnation, &spec.id, error);
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

    async fn terminate_child(&self, id: &str) -> Result<(), TerminateError> {
        let at = self.table().by_id(id).ok_or(TerminateError::NotFound)?;
        self.stop(at).await;
        if self.spec(at).restart == Restart::Temporary {
            self.table().remove(at);
        }
        Ok(())
    }

    async fn restart_child(&self, id: &str) -> Result<AnyActorRef, RestartError> {
        let at = self.table().by_id(id).ok_or(RestartError::NotFound)?;
        let state = self.table().status(at).state();
        match state {
            ChildState::Stopped => {}
            ChildState::Restarting => return Err(RestartError::Restarting),
            ChildState::Starting | ChildState::Running => return Err(RestartError::Running),
        }
        let started = self.start(at).await;
        if let Err(error) = &started {
            log::start_failed(&self.incarnation, &self.spec(at).id, error);
        }
        started.map(AnyActorRef).map_err(RestartError::Start)
    }

    fn delete_child(&self, id: &str) -> Result<(), DeleteError> {
        let mut table = self.table();
        let at = table.by_id(id).ok_or(DeleteError::NotFound)?;
        match table.status(at).state() {
            ChildState::Stopped => table.remove(at),
            ChildState::Restarting => return Err(DeleteError::Restarting),
            ChildState::Starting | ChildState::Running => return Err(DeleteError::Running),
        }
        Ok(())
    }

    /// A child ended by itself, unless the notice is stale: of an incarnation that was stopped or replaced since.
    async fn exited(&mut self, pid: Pid, reason: ExitReason) -> Result<(), ActorProcessingErr> {
        let Some(at) = self.table().by_pid(pid) else {
            return Ok(());
        };
        let spec = self.spec(at);
        let status = self.table().status(at).clone();
        if let Status::Running(child) = status {
            log::exited(&self.incarnation, &child, &reason);
        }
        let restart = calls_for_restart(spec.restart, &reason);
        {
            let mut table = self.table();
            table.exited(at, reason);
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
            log::auto_shutdown(&self.incarnation, &spec.id);
            return Err(ExitReason::Shutdown.into());
        }
        Ok(())
    }

    /// Restarts the group of the child at `failed`: one entry in the restart window, however many it rebuilds.
    async fn restart(&mut self, failed: usize) -> Result<(), ActorProcessingErr> {
        if !self.intensity.lock().record(Instant::now()) {
            log::intensity_reached(&self.incarnation, &self.spec(failed).id);
            return Err(ExitReason::Shutdown.into());
        }
        let mut group = self.strategy.group(failed, self.len());
        if self.strategy != Strategy::OneForOne {
            self.stop_from(group.start).await;
            self.table().remove_temporary(group.start);
            group.end = self.len();
        }
        for at in group {
            match self.start(at).await {
                Ok(child) => {
                    let restarts = self.table().restarted(at);
                    log::restarted(&self.incarnation, &child, restarts);
                }
                // Nothing to do for it any more: its spec stays, as after a boot.
                Err(StartError::Ignore) => {}
                // Its name was taken in the moment of its death, by a sibling that is supervised in its stead.
                Err(StartError::AlreadyRegistered { holder, .. })
                    if self.strategy == Strategy::OneForOne && self.table().by_pid(holder).is_some() =>
                {
                    log::replaced(&self.incarnation, &self.spec(at).id, holder);
                }
                Err(error) => {
                    log::restart_failed(&self.incarnation, &self.spec(at).id, &error);
                    let attempt = self.table().restarting(at);
                    // Through the mailbox: what waits there is served between two attempts.
                    let _ = self.myself.cast(SupervisorMsg(Request::Retry(attempt)));
                    break;
                }
            }
        }
        Ok(())
    }

    /// Starts the child at `at`, which has no process. On a failure it is left stopped.
    async fn start(&self, at: usize) -> Result<Arc<Incarnation>, StartError> {
        let spec = self.spec(at);
        let child = self.incarnation.child(spec.id.clone());
        if !self.table().starting(at, child.clone()) {
            return Err(StartError::NoProc);
        }
        let started = spec.start(child.clone()).await;
        if let Err(error) = started {
            self.table().stopped(at);
            return Err(error);
        }
        self.table().started(at, child.clone());
        log::started(&self.incarnation, &child);
        let (myself, pid) = (self.myself.clone(), child.pid());
        child.on_exit(move |reason| {
            let _ = myself.cast(SupervisorMsg(Request::Exited(pid, reason.clone())));
        });
        Ok(child)
    }

    /// Stops the children from `from` on, in reverse start order, each gone before the next is asked.
    async fn stop_from(&self, from: usize) {
        for at in (from..self.len()).rev() {
            self.stop(at).await;
        }
    }

    /// Stops the child at `at` and cancels its retry. It stays in the table as running until it is gone.
    async fn stop(&self, at: usize) {
        let (spec, status) = {
            let table = self.table();
            (table.spec(at), table.status(at).clone())
        };
        if let Status::Running(child) = status {
            let reason = shutdown(&child, &spec).await;
            log::shut_down(&self.incarnation, &spec, &child, &reason);
            self.table().exited(at, reason);
        } else {
            self.table().stopped(at);
        }
    }

    fn spec(&self, at: usize) -> Arc<ErasedSpec> {
        self.table().spec(at)
    }

    fn len(&self) -> usize {
        self.table().len()
    }
}
