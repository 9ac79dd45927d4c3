//! What a scenario is made of: trees of nodes that know how they will behave, operations on them, and the words for what happens.
//!
//! The model and the stage both read these and share nothing else. Invariant: behaviour depends on the node and on the number of
//! its start alone, so that both sides see the same life without talking to each other.

use std::fmt;
use std::time::Duration;

use hedgehog_core::{AutoShutdown, Restart, Shutdown, Strategy};

/// One child spec. Ids are never used for two specs of one scenario; the id is also the node's name in the registry.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) significant: bool,
    /// It handles what its mailbox holds before it stops. Workers only.
    pub(crate) drain: bool,
    pub(crate) body: Body,
}

pub(crate) type NodeId = u32;

#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// How the first, the second, .. start goes. Those beyond the list succeed at once and live until they are told otherwise.
    Worker(Vec<Life>),
    Static(Static),
    Dynamic(Dynamic),
}

/// A supervisor with its children, in start order.
#[derive(Debug, Clone)]
pub(crate) struct Static {
    pub(crate) strategy: Strategy,
    /// It declines its start of this number.
    pub(crate) declines: Option<usize>,
    pub(crate) max_restarts: usize,
    pub(crate) window: Duration,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) children: Vec<Node>,
}

#[derive(Debug, Clone)]
pub(crate) struct Dynamic {
    pub(crate) max_children: usize,
    pub(crate) max_restarts: usize,
    pub(crate) window: Duration,
}

/// One incarnation of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Life {
    pub(crate) start_takes: Duration,
    pub(crate) start: Start,
    /// After so long it ends by itself.
    pub(crate) ends: Option<(Duration, Reason)>,
    /// `None`: its cleanup waits for ever.
    pub(crate) cleanup_takes: Option<Duration>,
    /// When it is asked to stop it ends with this reason instead.
    pub(crate) insists_on: Option<Reason>,
}

impl Life {
    /// The life of the `nth` start, counted from 1, that is due by `lives`.
    pub(crate) fn of(lives: &[Life], nth: usize) -> Life {
        let calm = Life {
            cleanup_takes: Some(Duration::ZERO),
            ..Life::default()
        };
        lives.get(nth - 1).copied().unwrap_or(calm)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Start {
    #[default]
    Succeeds,
    Fails,
    Panics,
    Declines,
}

/// Why an incarnation ends, or is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Normal,
    Shutdown,
    Detail,
    Killed,
    Error,
    Panic,
}

impl Reason {
    pub(crate) fn is_clean(self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::Detail)
    }
}

/// Something done to the tree from outside at one instant.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Since the beginning of the scenario, in milliseconds.
    pub(crate) at: u64,
    pub(crate) deed: Deed,
}

#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Kills the node's last incarnation.
    Kill(NodeId),
    /// Asks the node's last incarnation to stop.
    Stop(NodeId, Reason),
    Tell(NodeId, Order),
    /// Asks a supervisor for something and does not wait for the answer.
    Ask(NodeId, Request),
}

/// What a running worker can be told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    /// To end by itself.
    End(Reason),
    /// To stay in its handler for ever.
    Hang,
    /// To stay in its handler for so long.
    Work(Duration),
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    Start(Node),
    /// Dynamic supervisors: the incarnation of the node with this number.
    Terminate(NodeId, usize),
    Restart(NodeId),
    Delete(NodeId),
    Which,
    Count,
}

/// The dynamic supervisor that everything stands under. It restarts without a limit and is never killed.
pub(crate) const ROOT: NodeId = 0;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) at: u64,
    pub(crate) node: NodeId,
    pub(crate) nth: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// It has its names, and its `pre_start` is about to run.
    Begin,
    /// The `pre_start` of a worker has succeeded.
    Up,
    /// The cleanup of a worker has begun.
    Cleanup,
    /// The state of a worker is gone.
    Drop,
    Exit(&'static str),
    /// What its supervisor says of it.
    Told(Told),
}

/// An event of a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Started,
    StartFailed,
    Exited(&'static str),
    Restarted(u64),
    RestartFailed,
    Terminated { reason: &'static str, orderly: bool },
    MaxRestartsReached,
    AutoShutdown,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, node, nth, what } = self;
        write!(f, "{at:>7} ms  {node}#{nth} ")?;
        match what {
            What::Begin => f.write_str("begins"),
            What::Up => f.write_str("is up"),
            What::Cleanup => f.write_str("cleans up"),
            What::Drop => f.write_str("is dropped"),
            What::Exit(reason) => write!(f, "exits: {reason}"),
            What::Told(told) => write!(f, "is told of: {told:?}"),
        }
    }
}

impl Reason {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Shutdown => "shutdown",
            Self::Detail => "shutdown with detail",
            Self::Killed => "killed",
            Self::Error => "error",
            Self::Panic => "panic",
        }
    }
}

impl Node {
    /// This node and all that are listed below it.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = &Node> + '_> {
        let below = match &self.body {
            Body::Static(supervisor) => supervisor.children.as_slice(),
            Body::Worker(_) | Body::Dynamic(_) => &[],
        };
        Box::new(std::iter::once(self).chain(below.iter().flat_map(Node::iter)))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let Self {
            id,
            restart,
            shutdown,
            significant,
            drain,
            body,
        } = self;
        write!(f, "{:indent$}{id} {restart:?} {shutdown:?}", "", indent = 4 * depth)?;
        if *significant {
            f.write_str(" significant")?;
        }
        if *drain {
            f.write_str(" drain")?;
        }
        match body {
            Body::Worker(lives) => {
                f.write_str(" worker")?;
                for life in lives {
                    write!(f, "\n{:indent$}{life}", "", indent = 4 * depth + 6)?;
                }
                Ok(())
            }
            Body::Dynamic(Dynamic {
                max_children,
                max_restarts,
                window,
            }) => {
                write!(
                    f,
                    " dynamic: at most {max_children} children, {max_restarts} restarts in {window:?}"
                )
            }
            Body::Static(Static {
                strategy,
                declines,
                max_restarts,
                window,
                auto_shutdown,
                children,
            }) => {
                write!(
                    f,
                    " {strategy:?}: {max_restarts} restarts in {window:?}, {auto_shutdown:?}"
                )?;
                if let Some(nth) = declines {
                    write!(f, ", declines start {nth}")?;
                }
                children.iter().try_for_each(|child| {
                    f.write_str("\n")?;
                    child.write(f, depth + 1)
                })
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 4)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            start_takes,
            start,
            ends,
            cleanup_takes,
            insists_on,
        } = self;
        write!(f, "start {start:?} in {start_takes:?}")?;
        if let Some((after, reason)) = ends {
            write!(f, ", ends {} after {after:?}", reason.word())?;
        }
        match cleanup_takes {
            Some(takes) => write!(f, ", cleanup {takes:?}")?,
            None => f.write_str(", cleanup for ever")?,
        }
        match insists_on {
            Some(reason) => write!(f, ", stops with {}", reason.word()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7} ms  ", self.at)?;
        match &self.deed {
            Deed::Kill(node) => write!(f, "kill {node}"),
            Deed::Stop(node, reason) => write!(f, "stop {node}: {}", reason.word()),
            Deed::Tell(node, order) => write!(f, "tell {node}: {order:?}"),
            Deed::Ask(node, Request::Start(child)) => write!(f, "ask {node} to start\n{child}"),
            Deed::Ask(node, request) => write!(f, "ask {node}: {request:?}"),
        }
    }
}
