//! The actor behind a [`DynamicSupervisor`].

use super::{
    DynamicSupervisor,
    table::{Attempt, SharedTable, Stopping, Table},
};
use crate::{
    actor_ref::{AnyActorRef, Pid},
    child_spec::{ChildId, ErasedSpec},
    exit::{ExitReason, record::Incarnation},
    start_error::StartError,
    supervisor::{
        AutoShutdown, ChildCount, ChildInfo, TerminateError, intensity::Intensity, log, shutdown::shutdown,
        strategy::calls_for_restart,
    },
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use parking_lot::{Mutex, MutexGuard};
use ractor::{Actor, ActorProcessingErr, RpcReplyPort};
use std::sync::Arc;
use tokio::time::Instant;

/// What a dynamic supervisor understands; built by [`DynamicSupervisorRef`](crate::DynamicSupervisorRef) only.
pub struct DynamicSupervisorMsg(pub(super) Request);

pub(super) enum Request {
    Start(Arc<ErasedSpec>, RpcReplyPort<Result<AnyActorRef, StartError>>),
    TerminatePid(Pid, RpcReplyPort<Result<(), TerminateError>>),
    TerminateId(ChildId, RpcReplyPort<Result<(), TerminateError>>),
    Which(RpcReplyPort<Vec<ChildInfo>>),
    Count(RpcReplyPort<ChildCount>),
    Exited(Pid, ExitReason),
    Retry(Attempt),
}

pub(super) struct Server;

pub(super) struct State {
    max_children: usize,
    intensity: Arc<Mutex<Intensity>>,
    children: Arc<SharedTable>,
    incarnation: Arc<Incarnation>,
    myself: ractor::ActorRef<DynamicSupervisorMsg>,
}

impl Actor for Server {
    type Msg = DynamicSupervisorMsg;
    type State = State;
    type Arguments = DynamicSupervisor;

    async fn pre_start(
        &self,
        myself: ractor::ActorRef<DynamicSupervisorMsg>,
        supervisor: DynamicSupervisor,
    ) -> Result<State, ActorProcessingErr> {
        supervisor.options.validate()?;
        let incarnation = Incarnation::current().expect("the adapter runs callbacks as their incarnation");
        let children: Arc<SharedTable> = Arc::default();
        let intensity = supervisor.options.intensity();
        incarnation.take_charge(children.clone(), intensity.clone(), &supervisor.options);
        Ok(State {
            max_children: supervisor.max_children,
            intensity,
            children,
            incarnation,
            myself,
        })
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<DynamicSupervisorMsg>,
        DynamicSupervisorMsg(request): DynamicSupervisorMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // A caller that went away does not want its answer any more.
        match request {
            Request::Start(spec, reply) => {
                state.catch_up(&spec).await?;
                drop(reply.send(state.start_child(spec).await));
            }
            Request::TerminatePid(pid, reply) => drop(reply.send(state.terminate(vec![pid]).await)),
            Request::TerminateId(id, reply) => {
                let pids = state.table().with_id(&id);
                drop(reply.send(state.terminate(pids).await));
            }
            Request::Which(reply) => drop(reply.send(state.table().info())),
            Request::Count(reply) => drop(reply.send(state.table().count())),
            Request::Exited(pid, reason) => state.exited(pid, reason).await?,
            Request::Retry(attempt) => {
                if state.table().is_current(attempt) {
                    state.restart(attempt.child).await?;
                }
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ractor::ActorRef<DynamicSupervisorMsg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let pids = state.table().pids();
        let _ = state.terminate(pids).await;
        Ok(())
    }
}

impl State {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.children.lock()
    }

    /// Handles the exits of the namesakes of `spec` whose notices still wait in the mailbox: they are restarted under their
    /// names before anybody else can take these.
    async fn catch_up(&mut self, spec: &ErasedSpec) -> Result<(), ActorProcessingErr> {
        let namesakes = self.table().namesakes(spec);
        for pid in namesakes {
            let child = self.table().running(pid);
            if let Some(reason) = child.and_then(|child| child.incarnation.exit_reason().cloned()) {
                self.exited(pid, reason).await?;
            }
        }
        Ok(())
    }

    async fn start_child(&self, spec: Arc<ErasedSpec>) -> Result<AnyActorRef, StartError> {
        spec.validate(AutoShutdown::Never)?;
        if self.table().len() >= self.max_children {
            return Err(StartError::MaxChildren { max: self.max_children });
        }
        let restarting = {
            let table = self.table();
            let mut namesakes = table.namesakes(&spec).into_iter();
            namesakes.find(|namesake| table.is_restarting(*namesake))
        };
        if let Some(holder) = restarting {
            return Err(spec.name_taken(holder));
        }
        let child = self.incarnation.child(spec.id.clone());
        if !self.table().insert(spec.clone(), &child) {
            return Err(StartError::NoProc);
        }
        if let Err(error) = spec.start(child.clone()).await {
            self.table().remove(child.pid());
            log::start_failed(&self.incarnation, &spec.id, &error);
            return Err(error);
        }
        self.watch(child.pid(), &child);
        Ok(AnyActorRef(child))
    }

    /// Stops the children at the same time and forgets them. They stay in the table until they are gone.
    async fn terminate(&self, pids: Vec<Pid>) -> Result<(), TerminateError> {
        let mut found = false;
        let mut stopping = FuturesUnordered::new();
        for pid in pids {
            let running = self.table().running(pid);
            match running {
                Some(child) => stopping.push(self.stop(child)),
                // One that is being restarted has no process: forgetting it cancels the retry.
                None => found |= self.table().remove(pid),
            }
        }
        while stopping.next().await.is_some() {
            found = true;
        }
        found.then_some(()).ok_or(TerminateError::NotFound)
    }

    async fn stop(&self, Stopping { spec, incarnation }: Stopping) {
        let reason = shutdown(&incarnation, &spec).await;
        log::shut_down(&self.incarnation, &spec, &incarnation, &reason);
        self.table().remove(incarnation.pid());
    }

    /// A child ended by itself, unless the notice is stale: of an incarnation that was stopped or replaced since.
    async fn exited(&mut self, pid: Pid, reason: ExitReason) -> Result<(), ActorProcessingErr> {
        let child = self.table().running(pid);
        let Some(Stopping { spec, incarnation }) = child else {
            return Ok(());
        };
        log::exited(&self.incarnation, &incarnation, &reason);
        if !calls_for_restart(spec.restart, &reason) {
            self.table().remove(pid);
            return Ok(());
        }
        // Shown until the restart succeeds; no retry carries this attempt.
        self.table().restarting(pid, Some(reason));
        self.restart(pid).await
    }

    async fn restart(&mut self, pid: Pid) -> Result<(), ActorProcessingErr> {
        if !self.intensity.lock().record(Instant::now()) {
            let id = self.table().spec_id(pid);
            log::intensity_reached(&self.incarnation, &id);
            return Err(ExitReason::Shutdown.into());
        }
        let child = self.incarnation.child(self.table().spec_id(pid));
        let spec = self.table().reincarnate(pid, &child);
        let Some(spec) = spec else { return Ok(()) };
        match spec.start(child.clone()).await {
            Ok(_) => {
                let restarts = self.table().restarted(pid);
                self.watch(pid, &child);
                log::restarted(&self.incarnation, &child, restarts);
            }
            Err(StartError::Ignore) => {
                self.table().remove(pid);
            }
            // Its name was taken in the moment of its death, by a sibling that is supervised in its stead.
            Err(StartError::AlreadyRegistered { holder, .. }) if self.table().running(holder).is_some() => {
                log::replaced(&self.incarnation, &spec.id, holder);
                self.table().remove(pid);
            }
            Err(error) => {
                log::restart_failed(&self.incarnation, &spec.id, &error);
                let attempt = self.table().restarting(pid, None);
                if let Some(attempt) = attempt {
                    // Through the mailbox: what waits there is served between two attempts.
                    let _ = self.myself.cast(DynamicSupervisorMsg(Request::Retry(attempt)));
                }
            }
        }
        Ok(())
    }

    /// The child that stood under `pid` runs as `child` from now on.
    fn watch(&self, pid: Pid, child: &Arc<Incarnation>) {
        self.table().started(pid, child);
        log::started(&self.incarnation, child);
        let (myself, pid) = (self.myself.clone(), child.pid());
        child.on_exit(move |reason| {
            let _ = myself.cast(DynamicSupervisorMsg(Request::Exited(pid, reason.clone())));
        });
    }
}
