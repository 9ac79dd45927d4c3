//! What a dynamic supervisor does.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use hedgehog_core::Restart;

use super::supervisor::{End, bear, calls_for_restart};
use super::unsupported;
use super::world::{Child, Event, Failure, Message, Pid, Status, World};
use crate::scenario::{Body, Dynamic, Node, Reason, Request};

pub(super) async fn run(world: &World, me: Pid, node: &Node) -> Reason {
    let Body::Dynamic(options) = &node.body else {
        unreachable!("it is run as a dynamic supervisor");
    };
    let mut supervisor = Supervisor {
        world,
        me,
        options,
        restarts: VecDeque::new(),
    };
    world.started(me);
    loop {
        let done = match world.receive(me).await {
            Event::Stop(reason) => {
                supervisor.stop_all().await;
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
            world.close(me);
            supervisor.stop_all().await;
            return Reason::Shutdown;
        }
    }
}

struct Supervisor<'a> {
    world: &'a World,
    me: Pid,
    options: &'a Dynamic,
    restarts: VecDeque<u64>,
}

impl Supervisor<'_> {
    async fn answer(&mut self, request: &Request) -> Result<String, End> {
        let outcome = match request {
            Request::Start(child) => self.start_child(child).await?,
            Request::Terminate(id, nth) => self.terminate_child(*id, *nth).await,
            Request::Which => Ok(self.table(|table| {
                // Their order is left open.
                let mut table = table.clone();
                table.sort_by_key(|child| child.node.id);
                which(&table)
            })),
            Request::Count => Ok(self.table(|table| count(table))),
            Request::Restart(_) | Request::Delete(_) => unsupported(request),
        };
        Ok(outcome.unwrap_or_else(|failure| failure.to_string()))
    }

    /// DSUP-016, 018, 023, 024, 048. A child that has died under the same name is noticed first, and keeps its name while it is
    /// being restarted.
    async fn start_child(&mut self, child: &Node) -> Result<Result<String, Failure>, End> {
        let namesakes = self.table(|table| {
            let namesakes = table.iter().filter(|other| other.node.id == child.id);
            namesakes.map(|other| other.status).collect::<Vec<_>>()
        });
        for status in namesakes {
            if let Status::Running(pid) = status
                && let Some(reason) = self.world.exit_of(pid)
            {
                self.exited(pid, reason).await?;
            }
        }
        if child.significant {
            return Ok(Err(if child.restart == Restart::Permanent {
                Failure::SignificantPermanent
            } else {
                Failure::SignificantNeedsAutoShutdown
            }));
        }
        if self.table(|table| table.len()) >= self.options.max_children {
            return Ok(Err(Failure::MaxChildren));
        }
        let kept = self.table(|table| {
            let mut namesakes = table.iter().filter(|other| other.node.id == child.id);
            namesakes.any(|other| matches!(other.status, Status::Restarting(_)))
        });
        if kept {
            return Ok(Err(Failure::Registered));
        }
        let node = Rc::new(child.clone());
        Ok(match self.world.start(self.me, &node).await {
            Ok(pid) => {
                let child = Child {
                    node,
                    status: Status::Running(pid),
                    last: Some(pid),
                };
                let answer = incarnation(self.world, &child);
                self.table(|table| table.push(child));
                Ok(answer)
            }
            Err(failure) => Err(failure),
        })
    }

    /// DSUP-039 to 041, 044.
    async fn terminate_child(&self, id: u32, nth: usize) -> Result<String, Failure> {
        let last = self.table(|table| {
            let of = |child: &&Child| child.node.id == id;
            table
                .iter()
                .filter(of)
                .map(|child| (child.status, child.last))
                .collect::<Vec<_>>()
        });
        let child = last
            .into_iter()
            .find(|(_, last)| last.is_some_and(|pid| self.world.nth(pid) == nth));
        match child {
            None => return Err(Failure::NotFound),
            Some((Status::Running(pid), _)) => {
                self.stop(pid).await;
            }
            Some((_, last)) => self.table(|table| table.retain(|child| child.last != last)),
        }
        Ok("ok".to_owned())
    }

    async fn exited(&mut self, pid: Pid, reason: Reason) -> Result<(), End> {
        let child = self.table(|table| table.iter().position(|child| child.status == Status::Running(pid)));
        let Some(at) = child else { return Ok(()) };
        if calls_for_restart(self.table(|table| table[at].node.restart), reason) {
            self.restart(at).await
        } else {
            self.table(|table| table.remove(at));
            Ok(())
        }
    }

    async fn retry(&mut self, attempt: u64) -> Result<(), End> {
        let waiting = Status::Restarting(attempt);
        let at = self.table(|table| table.iter().position(|child| child.status == waiting));
        match at {
            Some(at) => self.restart(at).await,
            None => Ok(()),
        }
    }

    /// DSUP-022, 026 to 028.
    async fn restart(&mut self, at: usize) -> Result<(), End> {
        self.table(|table| table[at].status = Status::Stopped);
        bear(
            &mut self.restarts,
            self.world.now(),
            self.options.max_restarts,
            self.options.window.as_millis() as u64,
        )?;
        let node = self.table(|table| table[at].node.clone());
        match self.world.start(self.me, &node).await {
            Ok(pid) => self.table(|table| {
                table[at].status = Status::Running(pid);
                table[at].last = Some(pid);
            }),
            Err(Failure::Ignore) => self.table(|table| {
                table.remove(at);
            }),
            Err(_) => {
                let attempt = self.world.retry(self.me);
                self.table(|table| table[at].status = Status::Restarting(attempt));
            }
        }
        Ok(())
    }

    /// DSUP-045: all are told at once, each with its own deadline.
    async fn stop_all(&self) {
        let running = self.table(|table| {
            let pids = table.iter().filter_map(|child| match child.status {
                Status::Running(pid) => Some(pid),
                Status::Stopped | Status::Restarting(_) => None,
            });
            pids.collect::<Vec<_>>()
        });
        let mut stops: Vec<_> = running.into_iter().map(|pid| Box::pin(self.stop(pid))).collect();
        poll_fn(|context| {
            stops.retain_mut(|stop| Pin::new(stop).poll(context).is_pending());
            if stops.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    async fn stop(&self, pid: Pid) {
        let running = Status::Running(pid);
        let shutdown = self.table(|table| {
            let child = table.iter().find(|child| child.status == running);
            child.expect("it was found as running").node.shutdown
        });
        self.world.shut_down(self.me, pid, shutdown).await;
        self.table(|table| table.retain(|child| child.status != running));
    }

    fn table<R>(&self, f: impl FnOnce(&mut Vec<Child>) -> R) -> R {
        self.world.table(self.me, f)
    }
}

/// SPEC-044, DSUP-042: the children and what they are doing.
pub(super) fn which(table: &[Child]) -> String {
    let row = |child: &Child| {
        let state = match child.status {
            Status::Running(_) => "running",
            Status::Stopped => "stopped",
            Status::Restarting(_) => "restarting",
        };
        format!("{} {state}", child.node.id)
    };
    table.iter().map(row).collect::<Vec<_>>().join(", ")
}

/// SPEC-043.
pub(super) fn count(table: &[Child]) -> String {
    let active = table
        .iter()
        .filter(|child| matches!(child.status, Status::Running(_)))
        .count();
    let workers = table
        .iter()
        .filter(|child| matches!(child.node.body, Body::Worker(_)))
        .count();
    let specs = table.len();
    format!(
        "{specs} specs, {active} active, {} supervisors, {workers} workers",
        specs - workers
    )
}

pub(super) fn incarnation(world: &World, child: &Child) -> String {
    let nth = child.last.map_or(0, |pid| world.nth(pid));
    format!("{}#{nth}", child.node.id)
}
