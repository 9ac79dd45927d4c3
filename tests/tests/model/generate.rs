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
    /// Every node that was ever part of the scenario, and who was asked to start it, if anybody was.
    known: Vec<(NodeId, Option<(NodeId, Node)>)>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            nodes: 0,
            known: Vec::new(),
        }
    }

    /// How many deeds a scenario has.
    pub(crate) fn length(&mut self) -> usize {
        self.random.usize(10..60)
    }

    /// How long nothing is done to the tree, in milliseconds.
    pub(crate) fn pause(&mut self) -> u64 {
        match self.random.u8(0..10) {
            0..4 => self.random.u64(1..30),
            4..8 => self.random.u64(1..600),
            _ => self.random.u64(1..6_000),
        }
    }

    /// Something to do to the tree that `otp` is now.
    pub(crate) fn deed(&mut self, otp: &Otp) -> Deed {
        let alive = otp.alive();
        let below_root: Vec<&Alive> = alive.iter().filter(|process| process.node != ROOT).collect();
        let Some(victim) = self.random.choice(&below_root).copied() else {
            return self.start_tree();
        };
        if victim.starting && self.random.u8(0..10) > 0 {
            // What waits for it when its start is done would often be a tie.
            return Deed::Kill(victim.node);
        }
        let supervisors = alive
            .iter()
            .filter(|process| !matches!(process.body, Body::Worker(_)) && !process.starting);
        let supervisors: Vec<&Alive> = supervisors.collect();
        let asked = self.random.choice(&supervisors).copied().expect("the root is one");
        let is_worker = matches!(victim.body, Body::Worker(_));
        match self.random.u8(0..100) {
            0..3 => self.start_tree(),
            3..11 => Deed::Stop(victim.node, self.asked_for()),
            11..40 if is_worker => Deed::Tell(victim.node, self.order()),
            11..55 => Deed::Kill(victim.node),
            _ => Deed::Ask(asked.node, self.request(otp, asked)),
        }
    }

    fn request(&mut self, otp: &Otp, supervisor: &Alive) -> Request {
        let child = self.child_of(supervisor);
        match (&supervisor.body, self.random.u8(0..100)) {
            (_, 0..10) => Request::Which,
            (_, 10..20) => Request::Count,
            (_, 20..40) => {
                let depth = self.random.u32(2..=MOST_DEEP);
                let child = self.node(depth, 6);
                self.asked_to_start(supervisor.node, child)
            }
            (_, 40..55) => {
                let of = |(_, asked): &(NodeId, Option<(NodeId, Node)>)| {
                    asked
                        .as_ref()
                        .filter(|(by, _)| *by == supervisor.node)
                        .map(|(_, node)| node.clone())
                };
                let again: Vec<Node> = self.known.iter().filter_map(of).collect();
                self.random.choice(again).map_or(Request::Which, Request::Start)
            }
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

    /// One of its children, or now and then of others.
    fn child_of(&mut self, supervisor: &Alive) -> NodeId {
        let own = self.random.choice(supervisor.children.iter()).copied();
        match own {
            Some(child) if self.random.u8(0..12) > 0 => child,
            _ => self.random.choice(self.known.iter()).map_or(ROOT, |(node, _)| *node),
        }
    }

    fn start_tree(&mut self) -> Deed {
        let most = self.random.u32(1..=MOST_NODES);
        let tree = self.node(0, most);
        Deed::Ask(ROOT, self.asked_to_start(ROOT, tree))
    }

    fn asked_to_start(&mut self, supervisor: NodeId, child: Node) -> Request {
        if let Some((_, asked)) = self.known.iter_mut().find(|(node, _)| *node == child.id) {
            *asked = Some((supervisor, child.clone()));
        }
        Request::Start(child)
    }

    /// A tree of at most `most` nodes.
    fn node(&mut self, depth: u32, most: u32) -> Node {
        self.nodes += 1;
        let id = self.nodes;
        self.known.push((id, None));
        let is_leaf = depth >= MOST_DEEP || most < 2 || self.random.u32(0..=depth) > 1;
        let body = match self.random.u8(0..10) {
            _ if is_leaf => Body::Worker(self.lives()),
            0..2 if depth > 0 => Body::Dynamic(self.dynamic()),
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
            body,
        }
    }

    fn supervisor(&mut self, depth: u32, mut most: u32) -> Static {
        let auto_shutdown = self.one_of(&[
            AutoShutdown::Never,
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
        ]);
        let mut children = Vec::new();
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
            max_restarts: self.random.usize(0..6),
            window: self.millis(1..8_000),
            auto_shutdown,
            children,
        }
    }

    fn dynamic(&mut self) -> Dynamic {
        Dynamic {
            max_children: self.one_of(&[0, 1, 2, 5, usize::MAX, usize::MAX]),
            max_restarts: self.random.usize(0..6),
            window: self.millis(1..8_000),
        }
    }

    /// Half of the workers never do anything unexpected.
    fn lives(&mut self) -> Vec<Life> {
        if self.random.bool() {
            return Vec::new();
        }
        let starts = self.random.usize(0..7);
        (0..starts).map(|_| self.life()).collect()
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
