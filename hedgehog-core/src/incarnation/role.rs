//! What an incarnation is besides an actor ([`Role`]), and what it stands below ([`Above`]).
//!
//! Declared here and implemented where it means something: by supervisors, whose children must be gone before their exit may
//! be seen, and by owners of topics, which snapshots show. The traits have what an exit needs of them and no more. Whoever
//! looks for the rest knows the type that it asks for ([`Incarnation::role`], [`Incarnation::above`]).

use super::Incarnation;
use std::{any::Any, sync::Arc, time::Duration};

/// What an incarnation is more than a worker. One that has no children needs nothing of this but its type.
pub(crate) trait Role: Any + Send + Sync {
    /// Refuses further children and returns those whose end the supervisor has not dealt with. Called once, when the
    /// supervisor ends.
    fn close(&self) -> Vec<Arc<Incarnation>> {
        Vec::new()
    }

    /// Tells of a child that had ended before its supervisor was killed, which therefore never learned of it.
    fn outlived(&self, _child: &Incarnation) {}

    /// Tells of a child that was killed with its supervisor and is gone.
    fn orphaned(&self, _child: &Incarnation) {}
}

/// Where the supervisor of an incarnation stands, as the record of the child keeps it: it may outlive that supervisor.
pub(crate) trait Above: Any + Send + Sync {
    /// The path of the supervisor.
    fn path(&self) -> &str;

    /// Tells whoever watches that `child` did not yield to a kill within `grace`, whoever killed it.
    fn left_behind(&self, child: &Incarnation, grace: Duration);
}
