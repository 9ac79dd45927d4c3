//! The seam to those who ask the program while it runs.

use super::System;
use crate::data_dir::Lock;
use hedgehog_core::{ChildSpec, TaskMsg};
use std::io;

/// A way to ask the running program. The program is given its frontends and knows none of them: each turns what it hears into
/// an [`Operation`](super::Operation).
#[derive(Clone, Copy, Debug)]
pub struct Frontend {
    /// What of the machine it takes hold of, as an error names it.
    pub name: &'static str,
    /// Takes hold of it, before any process starts, for a folder that we hold.
    pub bind: fn(&Lock) -> io::Result<Serve>,
}

/// The child of the root that serves what was bound. What was bound is given back with this, after the tree has stopped.
pub type Serve = Box<dyn Fn(System) -> ChildSpec<TaskMsg> + Send + Sync>;
