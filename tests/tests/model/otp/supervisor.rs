//! What a static supervisor does. The numbers are those of the rules it follows.

use std::rc::Rc;

use hedgehog_core::{AutoShutdown, Restart, Strategy};

use super::Rule;
use super::serve::{End, Supervise, bear, calls_for_restart, count, incarnation, serve, which};
use super::world::{Child, Failure, Pid, Status, World};
use crate::scenario::{Body, Node, NodeId, Reason, Request, Static, Told};

pub(super) async fn run(world: &World, me: Pid, node: &Node) -> Reason {
    let Body::Static(options) = &node.body else {
        unreachable!("it is run as a static supervisor");
    };
    if options.declines == Some(world.nth(me)) {
        world.fail(me, Failure::Ignore);
        return Reason::Normal;
    }
    let supervisor = Supervisor { world, me, options };
    match supervisor.boot().await {
        Ok(()) => world.started(me),
        Err((failure, reason)) => {
            world.fail(me, failure);
            return reason;
        }
    }
    serve(world, me, supervisor).await
}

struct Supervisor<'a> {
    world: &'a World,
    me: Pid,
    options: &'a Static,
}

impl Supervise for Supervisor<'_> {
    async fn answer(&mut self, request: &Request) -> Result<Result<String, Failure>, End> {
        Ok(match request {
            Request::Start(child) => self.start_child(child).await?,
            Request::Terminate(id, _) => self.terminate_child(*id).await,
            Request::Restart(id) => self.restart_child(*id).await,
            Request::Delete(id) => self.delete_child(*id),
            Request::Which => Ok(self.table(|table| which(table))),
            Request::Count => Ok(self.table(|table| count(table))),
        })
    }

    /// Section 2.1; SPEC-026, 031, 045: exits of those who are no children any more are ignored.
    async fn exited(&mut self, pid: Pid, reason: Reason) -> Result<(), End> {
        let Some(at) = self.table(|table| table.iter().position(|child| child.status == Status::Running(pid))) else {
            return Ok(());
        };
        let node = self.node(at);
        self.ended(at, reason);
        self.world.tell(pid, Told::Exited(reason.word()));
        if calls_for_restart(node.restart, reason) {
            return self.restart(at).await;
        }
        if node.restart == Restart::Temporary {
            self.remove(at);
        }
        // SPEC-049, 050, 052.
        if !node.significant {
            return Ok(());
        }
        let (rule, outcome) = match self.options.auto_shutdown {
            AutoShutdown::Never => return Ok(()),
            AutoShutdown::AnySignificant => (Rule::FirstSignificantEnds, Err(End)),
            AutoShutdown::AllSignificant => {
                let others = self.table(|table| table.clone()).into_iter();
                let mut active = others.filter(|child| child.node.significant && child.status != Status::Stopped);
                match active.next().map(|child| child.status) {
                    None => (Rule::LastSignificantEnds, Err(End)),
                    Some(Status::Restarting(_)) => (Rule::SignificantWaitsForRestarting, Ok(())),
                    Some(_) => (Rule::SignificantWaits, Ok(())),
                }
            }
        };
        self.world.met(rule);
        if outcome.is_err() {
            self.world.tell_of_spec(&node, Told::AutoShutdown);
        }
        outcome
    }

    /// SPEC-028 to 030, 032, 033.
    async fn restart(&mut self, failed: usize) -> Result<(), End> {
        bear(self.world, self.me, self.options.max_restarts, &self.node(failed))?;
        let from = match self.options.strategy {
            Strategy::OneForOne => {
                self.start_or_retry(failed).await;
                return Ok(());
            }
            Strategy::OneForAll => {
                self.world.met(Rule::RestartsAll);
                0
            }
            Strategy::RestForOne => {
                self.world.met(Rule::RestartsRest);
                failed
            }
        };
        let stopped = |child: &Child| child.status == Status::Stopped;
        if self.table(|table| {
            table
                .iter()
                .enumerate()
                .any(|(at, child)| at > from && at != failed && stopped(child))
        }) {
            self.world.met(Rule::GroupRevives);
        }
        self.stop_from(from).await;
        for at in (from..self.len()).rev() {
            if self.node(at).restart == Restart::Temporary {
                self.world.met(Rule::GroupDropsTemporary);
                self.remove(at);
            }
        }
        for at in from..self.len() {
            if !self.start_or_retry(at).await {
                break;
            }
        }
        Ok(())
    }

    async fn stop_all(&self) {
        self.stop_from(0).await;
    }
}

impl Supervisor<'_> {
    /// SPEC-017 to 020.
    async fn boot(&self) -> Result<(), (Failure, Reason)> {
        for child in &self.options.children {
            self.validate(child).map_err(|failure| (failure, Reason::Error))?;
        }
        let children = self.options.children.iter().cloned().map(Rc::new);
        self.table(|table| table.extend(children.map(stopped)));
        let mut at = 0;
        while at < self.len() {
            let child = self.node(at);
            match self.start(at).await {
                Err(Failure::Ignore) if child.restart == Restart::Temporary => {
                    self.world.met(Rule::TemporaryDeclinesAtBoot);
                    self.remove(at);
                }
                Ok(()) => at += 1,
                Err(Failure::Ignore) => {
                    self.world.met(Rule::DeclinesAtBoot);
                    at += 1;
                }
                Err(failure) => {
                    self.world.tell_of_spec(&child, Told::StartFailed);
                    if at > 0 {
                        self.world.met(Rule::BootFailsHalfWay);
                    }
                    self.stop_from(0).await;
                    return Err((Failure::Child(child.id, Box::new(failure)), Reason::Detail));
                }
            }
        }
        Ok(())
    }

    /// SPEC-054.
    fn validate(&self, child: &Node) -> Result<(), Failure> {
        if child.significant && child.restart == Restart::Permanent {
            Err(Failure::SignificantPermanent)
        } else if child.significant && self.options.auto_shutdown == AutoShutdown::Never {
            Err(Failure::SignificantNeedsAutoShutdown)
        } else {
            Ok(())
        }
    }

    /// SPEC-039, 040, 041. What has died under the same id is noticed first: hedgehog never lets a newcomer take the place of a
    /// child that is to be restarted.
    async fn start_child(&mut self, child: &Node) -> Result<Result<String, Failure>, End> {
        if let Some(at) = self.find(child.id)
            && let Status::Running(pid) = self.status(at)
            && let Some(reason) = self.world.exit_of(pid)
        {
            self.world.met(Rule::HearsOfDeathFirst);
            self.exited(pid, reason).await?;
        }
        if let Err(failure) = self.validate(child) {
            return Ok(Err(failure));
        }
        if let Some(at) = self.find(child.id) {
            return Ok(Err(match self.status(at) {
                Status::Running(_) => Failure::AlreadyStarted,
                Status::Stopped | Status::Restarting(_) => Failure::AlreadyPresent,
            }));
        }
        let at = self.len();
        self.table(|table| table.push(stopped(Rc::new(child.clone()))));
        Ok(match self.start(at).await {
            Ok(()) => Ok(self.running(at)),
            Err(Failure::Ignore) => {
                if child.restart == Restart::Temporary {
                    self.remove(at);
                }
                Err(Failure::Ignore)
            }
            Err(failure) => {
                self.world.tell_of_spec(child, Told::StartFailed);
                self.remove(at);
                Err(match failure {
                    Failure::Registered => failure,
                    failure => Failure::Child(child.id, Box::new(failure)),
                })
            }
        })
    }

    /// SPEC-035, 036.
    async fn terminate_child(&self, id: NodeId) -> Result<String, Failure> {
        let at = self.find(id).ok_or(Failure::NotFound)?;
        if matches!(self.status(at), Status::Restarting(_)) {
            self.world.met(Rule::TerminatesRestarting);
        }
        self.stop(at).await;
        if self.node(at).restart == Restart::Temporary {
            self.remove(at);
        }
        Ok("ok".to_owned())
    }

    /// SPEC-037.
    async fn restart_child(&self, id: NodeId) -> Result<String, Failure> {
        let at = self.find(id).ok_or(Failure::NotFound)?;
        match self.status(at) {
            Status::Running(_) => Err(Failure::Running),
            Status::Restarting(_) => Err(Failure::Restarting),
            Status::Stopped => {
                let started = self.start(at).await;
                if started.as_ref().is_err_and(|failure| *failure != Failure::Ignore) {
                    self.world.tell_of_spec(&self.node(at), Told::StartFailed);
                }
                started.map(|()| self.running(at))
            }
        }
    }

    /// SPEC-038.
    fn delete_child(&self, id: NodeId) -> Result<String, Failure> {
        let at = self.find(id).ok_or(Failure::NotFound)?;
        match self.status(at) {
            Status::Running(_) => Err(Failure::Running),
            Status::Restarting(_) => Err(Failure::Restarting),
            Status::Stopped => {
                self.remove(at);
                Ok("ok".to_owned())
            }
        }
    }

    async fn start_or_retry(&self, at: usize) -> bool {
        match self.start(at).await {
            Ok(()) => {
                self.world.restarted(self.me, at);
                true
            }
            Err(Failure::Ignore) => {
                self.world.met(Rule::DeclinesRestart);
                true
            }
            Err(_) => {
                self.world.met(Rule::RestartFails);
                self.world.tell_of_spec(&self.node(at), Told::RestartFailed);
                let attempt = self.world.retry(self.me);
                self.set(at, Status::Restarting(attempt));
                false
            }
        }
    }

    async fn start(&self, at: usize) -> Result<(), Failure> {
        let started = self.world.start(self.me, &self.node(at)).await;
        match started {
            Ok(pid) => {
                self.table(|table| table[at].last = Some(pid));
                self.set(at, Status::Running(pid));
            }
            Err(_) => self.set(at, Status::Stopped),
        }
        started.map(drop)
    }

    /// SPEC-021: each is gone before the next is asked.
    async fn stop_from(&self, from: usize) {
        for at in (from..self.len()).rev() {
            self.stop(at).await;
        }
    }

    async fn stop(&self, at: usize) {
        if let Status::Running(pid) = self.status(at) {
            let reason = self.world.shut_down(self.me, pid, &self.node(at)).await;
            self.ended(at, reason);
        }
        self.set(at, Status::Stopped);
    }

    fn table<R>(&self, f: impl FnOnce(&mut Vec<Child>) -> R) -> R {
        self.world.table(self.me, f)
    }

    fn len(&self) -> usize {
        self.table(|table| table.len())
    }

    fn node(&self, at: usize) -> Rc<Node> {
        self.table(|table| table[at].node.clone())
    }

    fn status(&self, at: usize) -> Status {
        self.table(|table| table[at].status)
    }

    fn ended(&self, at: usize, reason: Reason) {
        self.table(|table| table[at].last_exit = Some(reason));
        self.set(at, Status::Stopped);
    }

    fn set(&self, at: usize, status: Status) {
        self.table(|table| table[at].status = status);
    }

    fn remove(&self, at: usize) {
        self.table(|table| table.remove(at));
    }

    fn find(&self, id: NodeId) -> Option<usize> {
        self.table(|table| table.iter().position(|child| child.node.id == id))
    }

    fn running(&self, at: usize) -> String {
        let child = self.table(|table| table[at].clone());
        incarnation(self.world, &child)
    }
}

fn stopped(node: Rc<Node>) -> Child {
    Child {
        node,
        status: Status::Stopped,
        last: None,
        restarts: 0,
        last_exit: None,
    }
}
