//! What can be seen of a tree from outside: what it looks like now ([`tree`], drawn by [`dot`]). What happens in it is told by
//! the supervisors themselves ([`SupervisorEvent`](crate::SupervisorEvent)).
//!
//! Looking asks nobody and being looked at waits for nobody: a snapshot reads what supervisors and topics share with their
//! exit records. Invariant: this only reads; nothing below knows that it is being looked at.

mod dot;
mod tree;

pub use tree::TreeNode;
