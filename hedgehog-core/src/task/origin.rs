//! [`Origin`]: who asked for a task, and which code it runs. For [`Task::callers`](super::Task::callers) and for the log.

use super::runner;
use crate::{exit::ExitReason, identity::Pid, incarnation::Incarnation, printing::text};
use ractor::ActorProcessingErr;
use std::{any, iter, sync::Arc};

const TARGET: &str = "hedgehog_core::task";

/// A chain is cut here, or tasks that start their successors would pass on an ever longer one.
const MOST_CALLERS: usize = 16;

#[derive(Clone)]
pub(super) struct Origin {
    /// The actor in whose callback the task was asked for, then that one's own callers if it is a task.
    pub(super) callers: Arc<[Pid]>,
    /// Names the function in which the future was written.
    function: &'static str,
}

impl Origin {
    /// A future of type `F`, asked for here.
    pub(super) fn of<F>() -> Self {
        let caller = Incarnation::current().map(|caller| caller.pid());
        let before = runner::callers();
        let chain = caller
            .into_iter()
            .flat_map(|caller| iter::once(caller).chain(before.iter().copied()));
        Self {
            callers: chain.take(MOST_CALLERS).collect(),
            function: any::type_name::<F>().trim_end_matches("::{{closure}}"),
        }
    }

    /// Tells the log that the task has failed by itself, unless it has only said good-bye.
    pub(super) fn log_failure(&self, task: &Incarnation, error: &ActorProcessingErr) {
        if error.downcast_ref().is_some_and(ExitReason::is_clean) {
            return;
        }
        let caller = self.callers.first().map(tracing::field::display);
        let (function, reason) = (self.function, text(error));
        tracing::error!(target: TARGET, task = %task.label(), pid = %task.pid(), caller, function, reason, "task failed");
    }
}
