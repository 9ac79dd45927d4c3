//! What can be seen of a tree from outside: what it looks like now ([`tree`], drawn by [`dot`]) and what happens in it
//! ([`event`], told by the supervisors through their [`scope`]).
//!
//! Looking asks nobody and being looked at waits for nobody: a snapshot reads the tables that supervisors share with their
//! exit records, and an event is one slot in a topic's log.

mod dot;
mod event;
pub(crate) mod scope;
mod tree;

pub use event::{SupervisorEvent, SupervisorEventKind};
pub(crate) use tree::ChildView;
pub use tree::{ChildState, RestartWindow, TreeNode};
