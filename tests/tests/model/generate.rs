//! Random scenarios from a seed: first trees, then deeds that fit what is alive.
//!
//! Invariant: nothing restarts for ever without time passing, because every node fails to start a few times at most.

use std::rc::Rc;
use std::time::Duration;

use fastrand::Rng;
use hedgehog_core::{AutoShutdown, Restart, Shutdown, Strategy};

use crate::otp::{Alive, Otp};
use crate::scenario::{Body, Deed, Dynamic, Life, Node, NodeId, Order, ROOT, Reason, Request, Start, Static};

/// No tree has more nodes.
const MOST_NODES: u32 = 50;
const MOST_DEEP: u32 = 4;

/// What everything stands under.
pub(crate) fn root() -> Rc<Node> {
    Rc::new(Node {
        id: ROOT,
        restart: Restart::Permanent,
        shutdown: Shutdown::Infinity,
        significant: false,
        drain: false,
        body: Body::Dynamic(Dynamic {
            max_children: usize::MAX,
            max_restarts: usize::MAX,
            window: Duration::from_secs(5),
        }),
    })
}

pub(crate) struct Generator {
    random: Rng,
    nodes: u32,
    /// Every node that was ever part of the scenario, below its supervisor.
    known: Vec<(NodeId, Node)>,
    /// What belongs together: the next deeds, the last one first.
    planned: Vec<Deed>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            nodes: 0,
            known: Vec::new(),
            planned: Vec::new(),
        }
    }

    /// How many deeds a scenario has.
    pub(crate) fn length(&mut self) -> usize {
        self.random.usize(10..60)
    }

    /// How long nothing is done to the tree, in milliseconds.
    pub(crate) fn pause(&mut self, otp: &Otp) -> u64 {
        let busy = otp.alive().iter().any(|process| process.busy);
        match self.random.u8(0..10) {
            0..8 if busy => self.random.u64(1..150),
            0..4 => self.random.u64(1..30),
            4..8 => self.random.u64(1..600),
            _ => self.random.u64(1..6_000),
        }
    }

    /// Something to do to the tree that `otp` is now.
    pub(crate) fn deed(&mut self, otp: &Otp) -> Deed {
        if let Some(planned) = self.planned.pop() {
            return planned;
        }
        let alive = otp.alive();
        let busy = alive.iter().filter(|process| process.busy).collect::<Vec<_>>();
        if let Some(supervisor) = self.random.choice(busy).filter(|_| self.random.u8(0..10) < 6) {
            return self.deed_while_busy(otp, supervisor, &alive);
        }
        let below_root: Vec<&Alive> = alive.iter().filter(|process| process.node != ROOT).collect();
        let Some(victim) = self.random.choice(&below_root).copied() else {
            return self.start_tree();
        };
        if victim.starting {
            // What waits for it when its start is done would often be a tie.
            let kill = self.random.u8(0..10) < 9;
            return if kill {
                Deed::Kill(victim.node)
            } else {
                self.done_to(otp, victim)
            };
        }
        let supervisors = alive
            .iter()
            .filter(|process| !matches!(process.body, Body::Worker(_)) && !process.starting);
        let supervisors: Vec<&Alive> = supervisors.collect();
        let asked = self.random.choice(supervisors).expect("the root is one");
        match self.random.u8(0..100) {
            0..3 => self.start_tree(),
            3..55 => self.done_to(otp, victim),
            _ => Deed::Ask(asked.node, self.request(otp, asked)),
        }
    }

    /// What then waits for the supervisor meets whatever it is doing.
    fn deed_while_busy(&mut self, otp: &Otp, supervisor: &Alive, alive: &[Alive]) -> Deed {
        let children = alive
            .iter()
            .filter(|process| supervisor.children.contains(&process.node) && !process.starting);
        let children: Vec<&Alive> = children.collect();
        match (self.random.choice(children), self.random.u8(0..10)) {
            (Some(child), 0..5) => self.done_to(otp, child),
            (Some(child), 5..7) => {
                if self.random.bool() {
                    // If it dies now, the newcomer comes before the supervisor has heard of it.
                    self.planned.push(Deed::Kill(child.node));
                }
                self.ask_to_start_again(supervisor, child.node)
            }
            (Some(child), 7..9) if !supervisor.troubled.is_empty() && matches!(child.body, Body::Worker(_)) => {
                Deed::Tell(child.node, Order::End(Reason::Normal))
            }
            (_, 7..9) if !supervisor.troubled.is_empty() => {
                let child = self.one_of(&supervisor.troubled);
                self.ask_to_start_again(supervisor, child)
            }
            _ => Deed::Ask(supervisor.node, self.request(otp, supervisor)),
        }
    }

    /// It is stopped while it works and more work waits for it.
    fn stop_with_backlog(&mut self, otp: &Otp, worker: NodeId) -> Deed {
        let supervisor = otp.parents()[&worker];
        let terminate = Request::Terminate(worker, otp.last_nth(worker));
        let more = self.order();
        self.planned = vec![Deed::Ask(supervisor, terminate), Deed::Tell(worker, more)];
        Deed::Tell(worker, Order::Work(self.millis(500..1_500)))
    }

    fn ask_to_start_again(&self, supervisor: &Alive, child: NodeId) -> Deed {
        let known = self.known.iter().find(|(_, node)| node.id == child);
        let (_, node) = known.expect("whatever has run was part of a scenario");
        Deed::Ask(supervisor.node, Request::Start(node.clone()))
    }

    fn done_to(&mut self, otp: &Otp, victim: &Alive) -> Deed {
        let is_worker = matches!(victim.body, Body::Worker(_));
        match self.random.u8(0..10) {
            0..2 => Deed::Stop(victim.node, self.asked_for()),
            2..6 if is_worker => Deed::Tell(victim.node, self.order()),
            6 if is_worker => self.stop_with_backlog(otp, victim.node),
            _ => Deed::Kill(victim.node),
        }
    }

    fn request(&mut self, otp: &Otp, supervisor: &Alive) -> Request {
        let child = self.child_of(supervisor);
        match (&supervisor.body, self.random.u8(0..100)) {
            (_, 0..10) => Request::Which,
            (_, 10..20) => Request::Count,
            (Body::Dynamic(_), 20..50) | (Body::Static(_), 20..40) => {
                let depth = self.random.u32(1..=MOST_DEEP);
                let child = self.node(depth, 6);
                self.asked_to_start(supervisor.node, child)
            }
            (_, 20..55) => self.again(supervisor.node).map_or(Request::Which, Request::Start),
            (Body::Static(_), 55..75) | (Body::Dynamic(_), _) => {
                let last = otp.last_nth(child);
                // The one before is no child any more.
                let stale = self.random.u8(0..6) == 0;
                Request::Terminate(child, last.saturating_sub(usize::from(stale)))
            }
            (_, 75..90) => Request::Restart(child),
            _ => Request::Delete(child),
        }
    }

    /// One of those that the supervisor was asked to start before, or that it starts by itself.
    fn again(&mut self, supervisor: NodeId) -> Option<Node> {
        let of: Vec<&Node> = self
            .known
            .iter()
            .filter(|(by, _)| *by == supervisor)
            .map(|(_, node)| node)
            .collect();
        self.random.choice(of).cloned()
    }

    /// One of its children, or now and then of others.
    fn child_of(&mut self, supervisor: &Alive) -> NodeId {
        let own = self.random.choice(supervisor.children.iter()).copied();
        match own {
            Some(child) if self.random.u8(0..12) > 0 => child,
            _ => self.random.choice(self.known.iter()).map_or(ROOT, |(_, node)| node.id),
        }
    }

    fn start_tree(&mut self) -> Deed {
        let most = self.random.u32(1..=MOST_NODES);
        let tree = self.node(0, most);
        Deed::Ask(ROOT, self.asked_to_start(ROOT, tree))
    }

    fn asked_to_start(&mut self, supervisor: NodeId, child: Node) -> Request {
        self.remember(supervisor, &child);
        Request::Start(child)
    }

    fn remember(&mut self, supervisor: NodeId, node: &Node) {
        self.known.push((supervisor, node.clone()));
        if let Body::Static(Static { children, .. }) = &node.body {
            for child in children {
                self.remember(node.id, child);
            }
        }
    }

    /// A tree of at most `most` nodes.
    fn node(&mut self, depth: u32, most: u32) -> Node {
        self.nodes += 1;
        let id = self.nodes;
        let is_leaf = depth >= MOST_DEEP || most < 2 || self.random.u32(0..=depth) > 1;
        let body = match self.random.u8(0..10) {
            _ if is_leaf => Body::Worker(self.lives()),
            0..4 if depth > 0 => Body::Dynamic(self.dynamic()),
            _ => Body::Static(self.supervisor(depth, most - 1)),
        };
        Node {
            id,
            restart: self.one_of(&[
                Restart::Permanent,
                Restart::Permanent,
                Restart::Transient,
                Restart::Temporary,
            ]),
            shutdown: self.shutdown(&body),
            significant: false,
            drain: matches!(body, Body::Worker(_)) && self.random.u8(0..4) == 0,
            body,
        }
    }

    fn supervisor(&mut self, depth: u32, mut most: u32) -> Static {
        let auto_shutdown = self.one_of(&[
            AutoShutdown::Never,
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
            AutoShutdown::AllSignificant,
        ]);
        let mut children = Vec::new();
        if auto_shutdown == AutoShutdown::AllSignificant && most > 2 && self.random.bool() {
            // One of which may be restarting when the other has done its work.
            children.extend([self.significant_worker(), self.significant_worker()]);
            most -= 2;
        }
        let wanted = self.random.u32(0..7);
        while most > 0 && (children.len() as u32) < wanted {
            let share = self.random.u32(1..=most);
            let mut child = self.node(depth + 1, share);
            // Now and then one that has to be refused.
            let allowed = auto_shutdown != AutoShutdown::Never && child.restart != Restart::Permanent;
            child.significant = if allowed {
                self.random.bool()
            } else {
                self.random.u16(0..400) == 0
            };
            most -= (child.iter().count() as u32).min(most);
            children.push(child);
        }
        Static {
            strategy: self.one_of(&[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]),
            declines: (self.random.u8(0..12) == 0).then(|| self.random.usize(1..4)),
            max_restarts: self.max_restarts(),
            window: self.millis(1..8_000),
            auto_shutdown,
            children,
        }
    }

    fn significant_worker(&mut self) -> Node {
        Node {
            restart: self.one_of(&[Restart::Transient, Restart::Transient, Restart::Temporary]),
            significant: true,
            body: Body::Worker(self.flaky_lives()),
            ..self.node(MOST_DEEP, 1)
        }
    }

    fn dynamic(&mut self) -> Dynamic {
        Dynamic {
            max_children: self.one_of(&[0, 1, 2, 5, usize::MAX, usize::MAX]),
            max_restarts: self.max_restarts(),
            window: self.millis(1..8_000),
        }
    }

    fn max_restarts(&mut self) -> usize {
        self.one_of(&[0, 1, 2, 3, 4, 5, 6, 8, 10])
    }

    fn lives(&mut self) -> Vec<Life> {
        match self.random.u8(0..10) {
            // Never does anything unexpected.
            0..4 => Vec::new(),
            4..7 => {
                let starts = self.random.usize(1..7);
                (0..starts).map(|_| self.life()).collect()
            }
            _ => self.flaky_lives(),
        }
    }

    /// Lives at first, and then fails again and again while its supervisor waits for it.
    fn flaky_lives(&mut self) -> Vec<Life> {
        let first = Life {
            start: Start::Succeeds,
            ..self.life()
        };
        let failures = self.random.usize(1..5);
        let failures = (0..failures).map(|_| Life {
            start_takes: self.millis(1..600),
            start: self.one_of(&[Start::Fails, Start::Fails, Start::Panics]),
            ..Life::default()
        });
        std::iter::once(first).chain(failures).collect()
    }

    fn life(&mut self) -> Life {
        let slow = self.random.u8(0..3) == 0;
        let cleanup = self.random.u8(0..10);
        Life {
            start_takes: if slow { self.millis(1..900) } else { Duration::ZERO },
            start: self.one_of(&[
                Start::Succeeds,
                Start::Succeeds,
                Start::Succeeds,
                Start::Succeeds,
                Start::Succeeds,
                Start::Fails,
                Start::Panics,
                Start::Declines,
            ]),
            ends: (self.random.u8(0..6) == 0).then(|| (self.millis(1..4_000), self.ended_by_itself())),
            cleanup_takes: match cleanup {
                0..2 => None,
                2..6 => Some(self.millis(1..1_500)),
                _ => Some(Duration::ZERO),
            },
            insists_on: (self.random.u8(0..5) == 0).then(|| self.ended_by_itself()),
        }
    }

    fn shutdown(&mut self, body: &Body) -> Shutdown {
        match (body, self.random.u8(0..10)) {
            // A worker whose cleanup waits for ever would keep its supervisor for ever.
            (Body::Worker(lives), 0) if lives.iter().all(|life| life.cleanup_takes.is_some()) => Shutdown::Infinity,
            (Body::Static(_) | Body::Dynamic(_), 0..8) => Shutdown::Infinity,
            (_, 8) => Shutdown::BrutalKill,
            _ => Shutdown::Timeout(self.millis(1..2_500)),
        }
    }

    fn order(&mut self) -> Order {
        match self.random.u8(0..10) {
            0 => Order::Hang,
            1..3 => Order::Work(self.millis(1..1_500)),
            _ => Order::End(self.ended_by_itself()),
        }
    }

    fn asked_for(&mut self) -> Reason {
        self.one_of(&[Reason::Normal, Reason::Shutdown, Reason::Detail])
    }

    fn ended_by_itself(&mut self) -> Reason {
        self.one_of(&[
            Reason::Normal,
            Reason::Shutdown,
            Reason::Detail,
            Reason::Error,
            Reason::Error,
            Reason::Panic,
        ])
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.usize(0..choices.len())]
    }
}
