//! What a static supervisor does. The numbers are those of the rules it follows.

use std::collections::VecDeque;
use std::rc::Rc;

use hedgehog_core::{AutoShutdown, Restart, Strategy};

use super::world::{Child, Event, Failure, Message, Pid, Status, World};
use crate::scenario::{Body, Node, NodeId, Reason, Request, Static};

pub(super) async fn run(world: &World, me: Pid, node: &Node) -> Reason {
    let Body::Static(options) = &node.body else {
        unreachable!("it is run as a static supervisor");
    };
    let mut supervisor = Supervisor {
        world,
        me,
        options,
        restarts: VecDeque::new(),
    };
    match supervisor.boot().await {
        Ok(()) => world.started(me),
        Err((failure, reason)) => {
            world.fail(me, failure);
            return reason;
        }
    }
    loop {
        let done = match world.receive(me).await {
            Event::Stop(reason) => {
                supervisor.stop_from(0).await;
                return reason;
            }
            Event::Message(Message::Call(call, request)) => match supervisor.answer(&request).await {
                Ok(answer) => {
                    world.answer(call, &answer);
                    Ok(())
                }
                Err(end) => Err(end),
            },
            Event::Message(Message::Exited(pid, reason)) => supervisor.exited(pid, reason).await,
            Event::Message(Message::Retry(attempt)) => supervisor.retry(attempt).await,
            Event::Message(Message::Order(_)) => unreachable!("orders are for workers"),
        };
        if let Err(End) = done {
            // SPEC-012, 053: the others stop in reverse order, and the reason is Shutdown.
            world.close(me);
            supervisor.stop_from(0).await;
            return Reason::Shutdown;
        }
    }
}

/// The supervisor gives up, or has done its work.
pub(super) struct End;

struct Supervisor<'a> {
    world: &'a World,
    me: Pid,
    options: &'a Static,
    /// When it restarted, oldest first.
    restarts: VecDeque<u64>,
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
                Err(Failure::Ignore) if child.restart == Restart::Temporary => self.remove(at),
                Ok(()) | Err(Failure::Ignore) => at += 1,
                Err(failure) => {
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

    async fn answer(&mut self, request: &Request) -> Result<String, End> {
        let outcome = match request {
            Request::Start(child) => self.start_child(child).await?,
            Request::Terminate(id, _) => self.terminate_child(*id).await,
            Request::Restart(id) => self.restart_child(*id).await,
            Request::Delete(id) => self.delete_child(*id),
            Request::Which => Ok(self.table(|table| super::dynamic::which(table))),
            Request::Count => Ok(self.table(|table| super::dynamic::count(table))),
        };
        Ok(outcome.unwrap_or_else(|failure| failure.to_string()))
    }

    /// SPEC-039, 040, 041. What has died under the same id is noticed first: hedgehog never lets a newcomer take the place of a
    /// child that is to be restarted.
    async fn start_child(&mut self, child: &Node) -> Result<Result<String, Failure>, End> {
        if let Some(at) = self.find(child.id)
            && let Status::Running(pid) = self.status(at)
            && let Some(reason) = self.world.exit_of(pid)
        {
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
            Status::Stopped => self.start(at).await.map(|()| self.running(at)),
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

    /// Section 2.1; SPEC-026, 031, 045: exits of those who are no children any more are ignored.
    async fn exited(&mut self, pid: Pid, reason: Reason) -> Result<(), End> {
        let Some(at) = self.table(|table| table.iter().position(|child| child.status == Status::Running(pid))) else {
            return Ok(());
        };
        let node = self.node(at);
        self.set(at, Status::Stopped);
        if calls_for_restart(node.restart, reason) {
            return self.restart(at).await;
        }
        if node.restart == Restart::Temporary {
            self.remove(at);
        }
        // SPEC-049, 050, 052.
        let others = self.table(|table| {
            let significant = table.iter().filter(|child| child.node.significant);
            significant.filter(|child| child.status != Status::Stopped).count()
        });
        match self.options.auto_shutdown {
            AutoShutdown::AnySignificant if node.significant => Err(End),
            AutoShutdown::AllSignificant if node.significant && others == 0 => Err(End),
            _ => Ok(()),
        }
    }

    /// SPEC-014, 015.
    async fn retry(&mut self, attempt: u64) -> Result<(), End> {
        let waiting = Status::Restarting(attempt);
        let at = self.table(|table| table.iter().position(|child| child.status == waiting));
        match at {
            Some(at) => self.restart(at).await,
            None => Ok(()),
        }
    }

    /// SPEC-028 to 030, 032, 033.
    async fn restart(&mut self, failed: usize) -> Result<(), End> {
        bear(
            &mut self.restarts,
            self.world.now(),
            self.options.max_restarts,
            self.options.window.as_millis() as u64,
        )?;
        let from = match self.options.strategy {
            Strategy::OneForOne => {
                self.start_or_retry(failed).await;
                return Ok(());
            }
            Strategy::OneForAll => 0,
            Strategy::RestForOne => failed,
        };
        self.stop_from(from).await;
        for at in (from..self.len()).rev() {
            if self.node(at).restart == Restart::Temporary {
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

    async fn start_or_retry(&self, at: usize) -> bool {
        match self.start(at).await {
            Ok(()) | Err(Failure::Ignore) => true,
            Err(_) => {
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
            self.world.shut_down(self.me, pid, self.node(at).shutdown).await;
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
        super::dynamic::incarnation(self.world, &child)
    }
}

fn stopped(node: Rc<Node>) -> Child {
    Child {
        node,
        status: Status::Stopped,
        last: None,
    }
}

/// Section 2.1.
pub(super) fn calls_for_restart(restart: Restart, reason: Reason) -> bool {
    match restart {
        Restart::Permanent => true,
        Restart::Transient => !reason.is_clean(),
        Restart::Temporary => false,
    }
}

/// Section 2.2, on exact time.
pub(super) fn bear(restarts: &mut VecDeque<u64>, now: u64, max_restarts: usize, window: u64) -> Result<(), End> {
    restarts.retain(|at| at + window >= now);
    restarts.push_back(now);
    if restarts.len() <= max_restarts {
        Ok(())
    } else {
        Err(End)
    }
}
