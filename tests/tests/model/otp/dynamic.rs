//! What a dynamic supervisor does.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use hedgehog_core::Restart;

use super::Rule;
use super::serve::{End, Supervise, bear, calls_for_restart, count, incarnation, serve, which};
use super::world::{Child, Failure, Pid, Status, World};
use crate::scenario::{Body, Dynamic, Node, Reason, Request, Told};

pub(super) async fn run(world: &World, me: Pid, node: &Node) -> Reason {
    let Body::Dynamic(options) = &node.body else {
        unreachable!("it is run as a dynamic supervisor");
    };
    let supervisor = Supervisor { world, me, options };
    world.started(me);
    serve(world, me, supervisor).await
}

struct Supervisor<'a> {
    world: &'a World,
    me: Pid,
    options: &'a Dynamic,
}

impl Supervise for Supervisor<'_> {
    async fn answer(&mut self, request: &Request) -> Result<Result<String, Failure>, End> {
        Ok(match request {
            Request::Start(child) => self.start_child(child).await?,
            Request::Terminate(id, nth) => self.terminate_child(*id, *nth).await,
            Request::Which => Ok(self.table(|table| {
                // Their order is left open.
                let mut table = table.clone();
                table.sort_by_key(|child| child.node.id);
                which(&table)
            })),
            Request::Count => Ok(self.table(|table| count(table))),
            Request::Restart(_) | Request::Delete(_) => unreachable!("the generator never asks for that"),
        })
    }

    async fn exited(&mut self, pid: Pid, reason: Reason) -> Result<(), End> {
        let child = self.table(|table| table.iter().position(|child| child.status == Status::Running(pid)));
        let Some(at) = child else { return Ok(()) };
        self.table(|table| table[at].last_exit = Some(reason));
        self.world.tell(pid, Told::Exited(reason.word()));
        if calls_for_restart(self.table(|table| table[at].node.restart), reason) {
            self.restart(at).await
        } else {
            self.table(|table| table.remove(at));
            Ok(())
        }
    }

    /// DSUP-022, 026 to 028.
    async fn restart(&mut self, at: usize) -> Result<(), End> {
        self.table(|table| table[at].status = Status::Stopped);
        let node = self.table(|table| table[at].node.clone());
        bear(self.world, self.me, self.options.max_restarts, &node)?;
        match self.world.start(self.me, &node).await {
            Ok(pid) => {
                self.table(|table| {
                    table[at].status = Status::Running(pid);
                    table[at].last = Some(pid);
                });
                self.world.restarted(self.me, at);
            }
            Err(Failure::Ignore) => {
                self.world.met(Rule::DeclinesRestart);
                self.table(|table| table.remove(at));
            }
            Err(_) => {
                self.world.met(Rule::RestartFails);
                self.world.tell_of_spec(&node, Told::RestartFailed);
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
        if running.len() > 1 {
            self.world.met(Rule::StopsSideBySide);
        }
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
}

impl Supervisor<'_> {
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
                self.world.met(Rule::HearsOfDeathFirst);
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
            self.world.met(Rule::KeepsName);
            return Ok(Err(Failure::Registered));
        }
        let node = Rc::new(child.clone());
        Ok(match self.world.start(self.me, &node).await {
            Ok(pid) => {
                let child = Child {
                    node,
                    status: Status::Running(pid),
                    last: Some(pid),
                    restarts: 0,
                    last_exit: None,
                };
                let answer = incarnation(self.world, &child);
                self.table(|table| table.push(child));
                Ok(answer)
            }
            Err(failure) => {
                if failure != Failure::Ignore {
                    self.world.tell_of_spec(child, Told::StartFailed);
                }
                Err(failure)
            }
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
            Some((_, last)) => {
                self.world.met(Rule::TerminatesRestarting);
                self.table(|table| table.retain(|child| child.last != last));
            }
        }
        Ok("ok".to_owned())
    }

    async fn stop(&self, pid: Pid) {
        let running = Status::Running(pid);
        let node = self.table(|table| {
            let child = table.iter().find(|child| child.status == running);
            child.expect("it was found as running").node.clone()
        });
        self.world.shut_down(self.me, pid, &node).await;
        self.table(|table| table.retain(|child| child.status != running));
    }

    fn table<R>(&self, f: impl FnOnce(&mut Vec<Child>) -> R) -> R {
        self.world.table(self.me, f)
    }
}
