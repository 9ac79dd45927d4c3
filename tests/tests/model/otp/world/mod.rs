//! A BEAM in miniature: processes, mailboxes, exits, timers, and one thread.
//!
//! A process is a future that ends with its exit reason; to kill it is to drop it. Only its own process writes a supervisor's
//! table, everything else goes through the mailbox.

mod clock;
mod record;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use hedgehog_core::{Restart, Shutdown};

use clock::Sleep;

use super::{Rule, dynamic, supervisor, worker};
use crate::scenario::{Body, Entry, Node, NodeId, Order, Reason, Request, Told, What};

/// One incarnation; never used again.
pub(super) type Pid = usize;

/// An entry of the model's log.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) entry: Entry,
    /// Those that follow each other with the same number may come in any order, as long as each node's own keep theirs.
    pub(crate) unordered: Option<u32>,
}

/// Two things are due at the same instant, and the rules do not say which comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tie {
    pub(crate) at: u64,
}

pub(super) enum Message {
    Order(Order),
    Call(usize, Request),
    Exited(Pid, Reason),
    /// A failed restart is to be tried again, unless something happened to the child since.
    Retry(u64),
}

/// What a process sees next: a request to stop overtakes the mailbox.
pub(super) enum Event {
    Stop(Reason),
    Message(Message),
}

/// Why something that was asked for was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Failed,
    Panicked,
    Killed,
    Ignore,
    Registered,
    Child(NodeId, Box<Failure>),
    MaxChildren,
    AlreadyStarted,
    AlreadyPresent,
    SignificantPermanent,
    SignificantNeedsAutoShutdown,
    NotFound,
    Running,
    Restarting,
    NoProc,
}

/// A child as its supervisor knows it.
#[derive(Clone)]
pub(super) struct Child {
    pub(super) node: Rc<Node>,
    pub(super) status: Status,
    /// The last incarnation that ran.
    pub(super) last: Option<Pid>,
    pub(super) restarts: u64,
    pub(super) last_exit: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Stopped,
    Running(Pid),
    Restarting(u64),
}

type Task = Pin<Box<dyn Future<Output = Reason>>>;

struct Process {
    node: Rc<Node>,
    nth: usize,
    parent: Option<Pid>,
    mailbox: VecDeque<Message>,
    stop: Option<Reason>,
    /// It is to stop with this reason when its mailbox is empty.
    drain: Option<Reason>,
    /// It takes no more messages from outside.
    closed: bool,
    /// It waits for something to do.
    idle: bool,
    /// Its start has succeeded.
    started: bool,
    /// When something waited for it at the time its start succeeded: that time. Whatever its parent does at this instant happens
    /// beside what it does itself.
    eager: Option<u64>,
    failure: Option<Failure>,
    exit: Option<Reason>,
    /// The question it is working on.
    serving: Option<usize>,
    table: Vec<Child>,
    /// When it restarted children, oldest first.
    restarts: VecDeque<u64>,
    task: Option<Task>,
}

#[derive(Default)]
struct Inner {
    now: u64,
    processes: Vec<Process>,
    ready: VecDeque<Pid>,
    timers: BTreeMap<(u64, u64), Timer>,
    numbers: u64,
    starts: BTreeMap<NodeId, usize>,
    parents: BTreeMap<NodeId, NodeId>,
    log: Vec<Logged>,
    /// What supervisors tell of their children; without times.
    told: Vec<Logged>,
    answers: BTreeMap<usize, (u64, String)>,
    kills: u32,
    tie: bool,
    met: BTreeMap<Rule, usize>,
}

enum Timer {
    Wake(Pid),
    Send(Pid, Order),
}

#[derive(Clone)]
pub(super) struct World(Rc<RefCell<Inner>>);

impl World {
    pub(super) fn new() -> Self {
        Self(Rc::default())
    }

    /// Lets go of the processes, which hold the world.
    pub(super) fn clear(&self) {
        let processes = self.with(|inner| std::mem::take(&mut inner.processes));
        drop(processes);
    }

    fn with<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> R {
        f(&mut self.0.borrow_mut())
    }

    fn process<R>(&self, pid: Pid, f: impl FnOnce(&mut Process) -> R) -> R {
        self.with(|inner| f(&mut inner.processes[pid]))
    }

    pub(super) fn spawn(&self, parent: Option<Pid>, node: &Rc<Node>) -> Pid {
        let pid = self.with(|inner| {
            let nth = inner.starts.entry(node.id).or_default();
            *nth += 1;
            let nth = *nth;
            if let Some(parent) = parent {
                let parent = inner.processes[parent].node.id;
                inner.parents.insert(node.id, parent);
            }
            inner.processes.push(Process {
                node: node.clone(),
                nth,
                parent,
                mailbox: VecDeque::new(),
                stop: None,
                drain: None,
                closed: false,
                idle: false,
                started: false,
                eager: None,
                failure: None,
                exit: None,
                serving: None,
                table: Vec::new(),
                restarts: VecDeque::new(),
                task: None,
            });
            inner.processes.len() - 1
        });
        self.log(pid, What::Begin, None);
        let (world, node) = (self.clone(), node.clone());
        let task: Task = match &node.body {
            Body::Worker(_) => Box::pin(async move { worker::run(&world, pid, &node).await }),
            Body::Static(_) => Box::pin(async move { supervisor::run(&world, pid, &node).await }),
            Body::Dynamic(_) => Box::pin(async move { dynamic::run(&world, pid, &node).await }),
        };
        self.with(|inner| {
            inner.processes[pid].task = Some(task);
            inner.ready.push_back(pid);
        });
        pid
    }

    /// Starts a child and waits until its start has succeeded or failed. A failed one leaves nothing behind.
    pub(super) async fn start(&self, me: Pid, node: &Rc<Node>) -> Result<Pid, Failure> {
        let started = self.start_process(me, node).await;
        if let Ok(pid) = started {
            self.tell(pid, Told::Started);
        }
        started
    }

    async fn start_process(&self, me: Pid, node: &Rc<Node>) -> Result<Pid, Failure> {
        if self.last(node.id).is_some_and(|holder| self.exit_of(holder).is_none()) {
            return Err(Failure::Registered);
        }
        self.acts(me);
        let pid = self.spawn(Some(me), node);
        poll_fn(|_| {
            self.process(pid, |process| match (&process.failure, process.exit) {
                _ if process.started => Poll::Ready(Ok(pid)),
                (Some(failure), Some(_)) => Poll::Ready(Err(failure.clone())),
                (None, Some(_)) => Poll::Ready(Err(Failure::Killed)),
                (_, None) => Poll::Pending,
            })
        })
        .await
    }

    /// Tells whoever started `me` that it runs.
    pub(super) fn started(&self, me: Pid) {
        let now = self.now();
        let parent = self.process(me, |process| {
            process.started = true;
            let is_eager = process.stop.is_some() || !process.mailbox.is_empty();
            process.eager = is_eager.then_some(now);
            process.parent.map(|parent| (parent, is_eager))
        });
        let Some((parent, is_eager)) = parent else { return };
        self.with(|inner| {
            inner.ready.push_back(parent);
            let parent = &inner.processes[parent];
            if is_eager && (!parent.started || parent.stop.is_some() || !parent.mailbox.is_empty()) {
                inner.tie = true;
            }
        });
    }

    /// Says why the start of `me` fails; it has to exit then.
    pub(super) fn fail(&self, me: Pid, failure: Failure) {
        self.process(me, |process| process.failure = Some(failure));
    }

    pub(super) fn nth(&self, pid: Pid) -> usize {
        self.process(pid, |process| process.nth)
    }

    /// The last incarnation of a node, dead or alive.
    pub(super) fn last(&self, node: NodeId) -> Option<Pid> {
        self.with(|inner| inner.processes.iter().rposition(|process| process.node.id == node))
    }

    pub(super) fn exit_of(&self, pid: Pid) -> Option<Reason> {
        self.process(pid, |process| process.exit)
    }

    pub(super) async fn receive(&self, me: Pid) -> Event {
        self.process(me, |process| process.serving = None);
        poll_fn(|_| {
            self.process(me, |process| {
                let event = if let Some(reason) = process.stop {
                    Some(Event::Stop(reason))
                } else {
                    let message = process.mailbox.pop_front().map(Event::Message);
                    message.or(process.drain.map(Event::Stop))
                };
                process.idle = event.is_none();
                if let Some(Event::Message(Message::Call(call, _))) = &event {
                    process.serving = Some(*call);
                }
                event.map_or(Poll::Pending, Poll::Ready)
            })
        })
        .await
    }

    /// False when `to` takes no more messages.
    pub(super) fn send(&self, to: Pid, message: Message) -> bool {
        let open = self.process(to, |process| {
            let open = !process.closed && process.exit.is_none();
            if open {
                process.mailbox.push_back(message);
            }
            open
        });
        self.with(|inner| inner.ready.push_back(to));
        open
    }

    /// `me` is ending by itself.
    pub(super) fn close(&self, me: Pid) {
        self.process(me, |process| process.closed = true);
    }

    pub(super) fn request_stop(&self, pid: Pid, reason: Reason) {
        self.process(pid, |process| {
            process.closed = true;
            process.stop.get_or_insert(process.drain.unwrap_or(reason));
        });
        self.with(|inner| inner.ready.push_back(pid));
    }

    /// SPEC-055: a stop that waits its turn, for those who asked for that.
    fn request_drain(&self, pid: Pid, reason: Reason) {
        let waits = self.process(pid, |process| {
            process.closed = true;
            process.drain.get_or_insert(reason);
            !process.mailbox.is_empty()
        });
        if waits {
            self.met(Rule::DrainsMailbox);
        }
        self.with(|inner| inner.ready.push_back(pid));
    }

    /// A process that is killed takes those below it along, in any order, and is gone when they are.
    pub(super) fn kill(&self, pid: Pid) {
        self.kill_with(pid, None);
    }

    fn kill_with(&self, pid: Pid, unordered: Option<u32>) {
        if self.exit_of(pid).is_some() {
            return;
        }
        let task = self.process(pid, |process| process.task.take());
        drop(task);
        if self.process(pid, |process| !process.started) {
            self.met(Rule::KilledDuringStart);
        }
        let (group, children) = self.with(|inner| {
            inner.kills += 1;
            let children = inner.processes.iter().enumerate();
            let children = children.filter(|(_, child)| child.parent == Some(pid) && child.exit.is_none());
            (inner.kills, children.map(|(child, _)| child).collect::<Vec<_>>())
        });
        let known = self.table(pid, |table| table.clone());
        let known = known.iter().filter_map(|child| match child.status {
            Status::Running(child) => Some(child),
            Status::Stopped | Status::Restarting(_) => None,
        });
        for child in known {
            // It has ended before, and its supervisor has not heard of it.
            if let Some(reason) = self.exit_of(child) {
                self.tell_beside(child, Told::Exited(reason.word()), Some(group));
            }
        }
        for child in children {
            self.kill_with(child, Some(group));
            if self.process(child, |process| process.started) {
                let told = Told::Terminated {
                    reason: Reason::Killed.word(),
                    orderly: false,
                };
                self.tell_beside(child, told, Some(group));
            }
        }
        self.exit(pid, Reason::Killed, unordered);
    }

    fn exit(&self, pid: Pid, reason: Reason, unordered: Option<u32>) {
        let has_state = self.process(pid, |process| {
            matches!(process.node.body, Body::Worker(_)) && process.started
        });
        if has_state {
            self.log(pid, What::Drop, unordered);
        }
        self.log(pid, What::Exit(reason.word()), unordered);
        let unanswered = self.process(pid, |process| {
            process.exit = Some(reason);
            let waiting = process.mailbox.drain(..).filter_map(|message| match message {
                Message::Call(call, _) => Some(call),
                _ => None,
            });
            waiting.chain(process.serving).collect::<Vec<_>>()
        });
        if !unanswered.is_empty() {
            self.met(Rule::EndsUnanswered);
        }
        for call in unanswered {
            self.answer(call, Failure::NoProc.to_string());
        }
        let (parent, started) = self.process(pid, |process| (process.parent, process.started));
        self.with(|inner| {
            inner
                .timers
                .retain(|_, timer| !matches!(timer, Timer::Send(to, _) if *to == pid));
            let Some(parent) = parent else { return };
            if started {
                inner.processes[parent].mailbox.push_back(Message::Exited(pid, reason));
            }
            inner.ready.push_back(parent);
        });
    }

    pub(super) async fn exited(&self, pid: Pid) -> Reason {
        poll_fn(|_| self.exit_of(pid).map_or(Poll::Pending, Poll::Ready)).await
    }

    /// SPEC-022, 023, 024: stops a child of `me` as its spec says, and returns when it is gone.
    pub(super) async fn shut_down(&self, me: Pid, child: Pid, node: &Node) -> Reason {
        self.acts(me);
        if self.exit_of(child).is_some() {
            self.met(Rule::StopsTheDead);
        }
        let ask = || {
            if node.drain {
                self.request_drain(child, Reason::Shutdown);
            } else {
                self.request_stop(child, Reason::Shutdown);
            }
        };
        match node.shutdown {
            Shutdown::BrutalKill => {
                self.met(Rule::BrutalKill);
                self.kill(child);
            }
            Shutdown::Infinity => ask(),
            Shutdown::Timeout(limit) => {
                ask();
                let mut exited = Box::pin(self.exited(child));
                let mut timeout = Sleep::new(self, me, limit);
                poll_fn(|context| match exited.as_mut().poll(context) {
                    Poll::Ready(_) => Poll::Ready(()),
                    Poll::Pending => Pin::new(&mut timeout).poll(context),
                })
                .await;
                if self.exit_of(child).is_none() {
                    self.met(Rule::ShutdownTimesOut);
                    self.kill(child);
                }
            }
        }
        let reason = self.exited(child).await;
        // SPEC-025.
        let orderly = match (node.shutdown, reason) {
            (Shutdown::BrutalKill, reason) => reason == Reason::Killed,
            (_, Reason::Shutdown) => true,
            (_, Reason::Normal | Reason::Detail) => node.restart != Restart::Permanent,
            (_, Reason::Killed | Reason::Error | Reason::Panic) => false,
        };
        self.tell(
            child,
            Told::Terminated {
                reason: reason.word(),
                orderly,
            },
        );
        reason
    }
}
