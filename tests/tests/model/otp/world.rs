//! A BEAM in miniature: processes, mailboxes, exits, timers, and one thread.
//!
//! A process is a future that ends with its exit reason; to kill it is to drop it. Only its own process writes a supervisor's
//! table, everything else goes through the mailbox.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hedgehog_core::{Restart, Shutdown};

use super::{Alive, Doing, Row, Rule, dynamic, supervisor, worker};
use crate::scenario::{Body, Entry, Node, NodeId, Order, ROOT, Reason, Request, Told, What};

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

    // Time.

    pub(super) fn run_until(&self, at: u64) -> Result<(), Tie> {
        self.run_ready()?;
        while let Some(due) = self.next_timer().filter(|due| *due <= at) {
            let (timer, tie) = self.with(|inner| {
                inner.now = due;
                let (_, timer) = inner.timers.pop_first().expect("it is the next one");
                (timer, inner.timers.keys().next().is_some_and(|(next, _)| *next == due))
            });
            if tie {
                return Err(Tie { at: due });
            }
            match timer {
                Timer::Wake(pid) => self.with(|inner| inner.ready.push_back(pid)),
                Timer::Send(pid, order) => {
                    self.send(pid, Message::Order(order));
                }
            }
            self.run_ready()?;
        }
        self.with(|inner| inner.now = at);
        Ok(())
    }

    fn next_timer(&self) -> Option<u64> {
        self.with(|inner| inner.timers.keys().next().map(|(due, _)| *due))
    }

    pub(super) fn has_timer_at(&self, at: u64) -> bool {
        self.with(|inner| inner.timers.range((at, 0)..=(at, u64::MAX)).next().is_some())
    }

    fn run_ready(&self) -> Result<(), Tie> {
        let mut context = Context::from_waker(Waker::noop());
        while let Some(pid) = self.with(|inner| inner.ready.pop_front()) {
            let Some(mut task) = self.process(pid, |process| process.task.take()) else {
                continue;
            };
            match task.as_mut().poll(&mut context) {
                Poll::Ready(reason) => self.exit(pid, reason, None),
                Poll::Pending => self.process(pid, |process| process.task = Some(task)),
            }
        }
        self.with(|inner| if inner.tie { Err(Tie { at: inner.now }) } else { Ok(()) })
    }

    /// `me` is about to start or stop a child: not beside one that has begun to act by itself at this very instant.
    fn acts(&self, me: Pid) {
        self.with(|inner| {
            let now = Some(inner.now);
            let mut children = inner.processes.iter().filter(|child| child.parent == Some(me));
            inner.tie |= children.any(|child| child.eager == now);
        });
    }

    pub(super) fn now(&self) -> u64 {
        self.with(|inner| inner.now)
    }

    fn timer(&self, after: Duration, timer: Timer) -> (u64, u64) {
        self.with(|inner| {
            inner.numbers += 1;
            let key = (inner.now + after.as_millis() as u64, inner.numbers);
            inner.timers.insert(key, timer);
            key
        })
    }

    pub(super) async fn sleep(&self, me: Pid, time: Duration) {
        if !time.is_zero() {
            Sleep::new(self, me, time).await;
        }
    }

    pub(super) fn send_after(&self, to: Pid, after: Duration, order: Order) {
        self.timer(after, Timer::Send(to, order));
    }

    // Processes.

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

    // Supervisors.

    pub(super) fn table<R>(&self, me: Pid, f: impl FnOnce(&mut Vec<Child>) -> R) -> R {
        self.process(me, |process| f(&mut process.table))
    }

    /// Asks `me` itself, through its own mailbox, to try again. The number tells this attempt from others.
    pub(super) fn retry(&self, me: Pid) -> u64 {
        self.with(|inner| {
            inner.numbers += 1;
            let attempt = inner.numbers;
            inner.processes[me].mailbox.push_back(Message::Retry(attempt));
            attempt
        })
    }

    pub(super) fn answer(&self, call: usize, answer: String) {
        self.with(|inner| inner.answers.insert(call, (inner.now, answer)));
    }

    /// Counts a situation that a good scenario comes to.
    pub(super) fn met(&self, rule: Rule) {
        self.with(|inner| *inner.met.entry(rule).or_default() += 1);
    }

    pub(super) fn rules(&self) -> BTreeMap<Rule, usize> {
        self.with(|inner| inner.met.clone())
    }

    /// Counts a restart of the child at `at`, which runs again.
    pub(super) fn restarted(&self, me: Pid, at: usize) {
        let (pid, restarts) = self.table(me, |table| {
            table[at].restarts += 1;
            (table[at].last, table[at].restarts)
        });
        if let Some(pid) = pid {
            self.tell(pid, Told::Restarted(restarts));
        }
    }

    /// What the supervisor of `child` tells of that incarnation.
    pub(super) fn tell(&self, child: Pid, told: Told) {
        self.tell_beside(child, told, None);
    }

    fn tell_beside(&self, child: Pid, told: Told, unordered: Option<u32>) {
        let (node, nth) = self.process(child, |process| (process.node.id, process.nth));
        self.push_told(node, nth, told, unordered);
    }

    /// What a supervisor tells of a child that has no process.
    pub(super) fn tell_of_spec(&self, child: &Node, told: Told) {
        self.push_told(child.id, 0, told, None);
    }

    fn push_told(&self, node: NodeId, nth: usize, told: Told, unordered: Option<u32>) {
        let what = What::Told(told);
        let entry = Entry { at: 0, node, nth, what };
        self.with(|inner| inner.told.push(Logged { entry, unordered }));
    }

    pub(super) fn take_told(&self) -> Vec<Logged> {
        self.with(|inner| std::mem::take(&mut inner.told))
    }

    // What can be seen from outside.

    fn log(&self, pid: Pid, what: What, unordered: Option<u32>) {
        self.with(|inner| {
            let Process { node, nth, .. } = &inner.processes[pid];
            if node.id != ROOT {
                let entry = Entry {
                    at: inner.now,
                    node: node.id,
                    nth: *nth,
                    what,
                };
                inner.log.push(Logged { entry, unordered });
            }
        });
    }

    pub(super) fn up(&self, me: Pid) {
        self.log(me, What::Up, None);
        self.started(me);
    }

    pub(super) fn cleaning_up(&self, me: Pid) {
        self.log(me, What::Cleanup, None);
    }

    pub(super) fn take_log(&self) -> Vec<Logged> {
        self.with(|inner| std::mem::take(&mut inner.log))
    }

    pub(super) fn answers(&self) -> BTreeMap<usize, (u64, String)> {
        self.with(|inner| inner.answers.clone())
    }

    pub(super) fn parents(&self) -> BTreeMap<NodeId, NodeId> {
        self.with(|inner| inner.parents.clone())
    }

    pub(super) fn names(&self) -> BTreeMap<NodeId, usize> {
        self.with(|inner| {
            let alive = inner.processes.iter().filter(|process| process.exit.is_none());
            alive
                .filter(|process| process.node.id != ROOT)
                .map(|process| (process.node.id, process.nth))
                .collect()
        })
    }

    pub(super) fn idle_supervisors(&self) -> BTreeMap<NodeId, Vec<Row>> {
        self.with(|inner| {
            let idle = inner
                .processes
                .iter()
                .filter(|process| process.idle && process.exit.is_none());
            let supervisors = idle.filter(|process| !matches!(process.node.body, Body::Worker(_)));
            let children = |process: &Process| {
                let row = |child: &Child| {
                    let doing = match child.status {
                        Status::Running(_) => Doing::Running,
                        Status::Restarting(_) => Doing::Restarting,
                        Status::Stopped => Doing::Stopped,
                    };
                    Row {
                        node: child.node.id,
                        doing,
                        restarts: child.restarts,
                        last_exit: child.last_exit.map(Reason::word),
                    }
                };
                process.table.iter().map(row).collect()
            };
            supervisors
                .map(|process| (process.node.id, children(process)))
                .collect()
        })
    }

    pub(super) fn alive(&self) -> Vec<Alive> {
        self.with(|inner| {
            let alive = inner.processes.iter().filter(|process| process.exit.is_none());
            let in_trouble = |child: &&Child| match child.status {
                Status::Running(pid) => inner.processes[pid].exit.is_some(),
                Status::Restarting(_) => true,
                Status::Stopped => false,
            };
            let view = |process: &Process| Alive {
                node: process.node.id,
                starting: !process.started,
                busy: process.started && !process.idle && !matches!(process.node.body, Body::Worker(_)),
                body: process.node.body.clone(),
                children: process.table.iter().map(|child| child.node.id).collect(),
                troubled: process
                    .table
                    .iter()
                    .filter(in_trouble)
                    .map(|child| child.node.id)
                    .collect(),
            };
            alive.map(view).collect()
        })
    }
}

/// A timer that is void when it is dropped.
struct Sleep<'w> {
    world: &'w World,
    key: (u64, u64),
}

impl<'w> Sleep<'w> {
    fn new(world: &'w World, me: Pid, time: Duration) -> Self {
        let key = world.timer(time, Timer::Wake(me));
        Self { world, key }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let waiting = self.world.with(|inner| inner.timers.contains_key(&self.key));
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.world.with(|inner| inner.timers.remove(&self.key));
    }
}
