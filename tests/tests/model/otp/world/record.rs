//! What a [`World`] remembers and shows: supervisors' tables, what they tell, the log, and snapshots.

use std::collections::BTreeMap;

use super::{Child, Logged, Message, Pid, Process, Status, World};
use crate::otp::{Alive, Doing, Row, Rule, Snapshot};
use crate::scenario::{Body, Entry, Node, NodeId, ROOT, Reason, Told, What};

impl World {
    pub(in crate::otp) fn table<R>(&self, me: Pid, f: impl FnOnce(&mut Vec<Child>) -> R) -> R {
        self.process(me, |process| f(&mut process.table))
    }

    /// Asks `me` itself, through its own mailbox, to try again. The number tells this attempt from others.
    pub(in crate::otp) fn retry(&self, me: Pid) -> u64 {
        self.with(|inner| {
            inner.numbers += 1;
            let attempt = inner.numbers;
            inner.processes[me].mailbox.push_back(Message::Retry(attempt));
            attempt
        })
    }

    pub(in crate::otp) fn answer(&self, call: usize, answer: String) {
        self.with(|inner| inner.answers.insert(call, (inner.now, answer)));
    }

    /// Counts a situation that a good scenario comes to.
    pub(in crate::otp) fn met(&self, rule: Rule) {
        self.with(|inner| *inner.met.entry(rule).or_default() += 1);
    }

    pub(in crate::otp) fn rules(&self) -> BTreeMap<Rule, usize> {
        self.with(|inner| inner.met.clone())
    }

    /// Counts one restart and says how many are inside the window with it.
    pub(in crate::otp) fn count_restart(&self, me: Pid) -> usize {
        let now = self.now();
        self.process(me, |process| {
            process.restarts.push_back(now);
            process.restarts_in_window(now)
        })
    }

    /// Counts a restart of the child at `at`, which runs again.
    pub(in crate::otp) fn restarted(&self, me: Pid, at: usize) {
        let (pid, restarts) = self.table(me, |table| {
            table[at].restarts += 1;
            (table[at].last, table[at].restarts)
        });
        if let Some(pid) = pid {
            self.tell(pid, Told::Restarted(restarts));
        }
    }

    /// What the supervisor of `child` tells of that incarnation.
    pub(in crate::otp) fn tell(&self, child: Pid, told: Told) {
        self.tell_beside(child, told, None);
    }

    pub(super) fn tell_beside(&self, child: Pid, told: Told, unordered: Option<u32>) {
        let (node, nth) = self.process(child, |process| (process.node.id, process.nth));
        self.push_told(node, nth, told, unordered);
    }

    /// What a supervisor tells of a child that has no process.
    pub(in crate::otp) fn tell_of_spec(&self, child: &Node, told: Told) {
        self.push_told(child.id, 0, told, None);
    }

    pub(super) fn push_told(&self, node: NodeId, nth: usize, told: Told, unordered: Option<u32>) {
        let what = What::Told(told);
        let entry = Entry { at: 0, node, nth, what };
        self.with(|inner| inner.told.push(Logged { entry, unordered }));
    }

    pub(in crate::otp) fn take_told(&self) -> Vec<Logged> {
        self.with(|inner| std::mem::take(&mut inner.told))
    }

    pub(super) fn log(&self, pid: Pid, what: What, unordered: Option<u32>) {
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

    pub(in crate::otp) fn up(&self, me: Pid) {
        self.log(me, What::Up, None);
        self.started(me);
    }

    pub(in crate::otp) fn cleaning_up(&self, me: Pid) {
        self.log(me, What::Cleanup, None);
    }

    pub(in crate::otp) fn take_log(&self) -> Vec<Logged> {
        self.with(|inner| std::mem::take(&mut inner.log))
    }

    pub(in crate::otp) fn answers(&self) -> BTreeMap<usize, (u64, String)> {
        self.with(|inner| inner.answers.clone())
    }

    pub(in crate::otp) fn parents(&self) -> BTreeMap<NodeId, NodeId> {
        self.with(|inner| inner.parents.clone())
    }

    pub(in crate::otp) fn names(&self) -> BTreeMap<NodeId, usize> {
        self.with(|inner| {
            let alive = inner.processes.iter().filter(|process| process.exit.is_none());
            alive
                .filter(|process| process.node.id != ROOT)
                .map(|process| (process.node.id, process.nth))
                .collect()
        })
    }

    pub(in crate::otp) fn idle_supervisors(&self) -> BTreeMap<NodeId, Snapshot> {
        self.with(|inner| {
            let idle = inner
                .processes
                .iter()
                .filter(|process| process.idle && process.exit.is_none());
            let supervisors = idle.filter(|process| !matches!(process.node.body, Body::Worker(_)));
            let snapshot = |process: &Process| Snapshot {
                restarts: process.restarts_in_window(inner.now),
                children: process.table.iter().map(Child::row).collect(),
            };
            supervisors
                .map(|process| (process.node.id, snapshot(process)))
                .collect()
        })
    }

    pub(in crate::otp) fn alive(&self) -> Vec<Alive> {
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

impl Process {
    fn restarts_in_window(&self, now: u64) -> usize {
        let window = match &self.node.body {
            Body::Static(supervisor) => supervisor.window,
            Body::Dynamic(supervisor) => supervisor.window,
            Body::Worker(_) => return 0,
        };
        let window = window.as_millis() as u64;
        self.restarts.iter().filter(|at| **at + window >= now).count()
    }
}

impl Child {
    fn row(&self) -> Row {
        let doing = match self.status {
            Status::Running(_) => Doing::Running,
            Status::Restarting(_) => Doing::Restarting,
            Status::Stopped => Doing::Stopped,
        };
        Row {
            node: self.node.id,
            doing,
            restarts: self.restarts,
            last_exit: self.last_exit.map(Reason::word),
        }
    }
}
