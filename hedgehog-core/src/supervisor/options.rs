//! [`Options`]: what every kind of supervisor can be told, with the builder methods that tell it ([`option_methods`]).

use super::{event::SupervisorEvent, intensity::Intensity};
use crate::{
    identity::ChildId,
    incarnation::{Incarnation, KILL_GRACE},
    pubsub::Topic,
    start_error::StartError,
};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};

/// The part of a supervisor to be that does not depend on its kind.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) label: ChildId,
    pub(crate) max_restarts: usize,
    pub(crate) max_seconds: Duration,
    pub(crate) kill_grace: Duration,
    /// It declines to start.
    pub(crate) ignore: bool,
    pub(crate) events: Option<Topic<SupervisorEvent>>,
}

impl Options {
    /// Elixir's defaults; OTP's own are 1 restart in 5 seconds.
    pub(crate) fn new(label: &'static str) -> Self {
        Self {
            label: label.into(),
            max_restarts: 3,
            max_seconds: Duration::from_secs(5),
            kill_grace: KILL_GRACE,
            ignore: false,
            events: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), StartError> {
        // A window of no time would forget every restart at once.
        if self.max_seconds.is_zero() {
            return Err(StartError::NoWindow);
        }
        Ok(())
    }

    /// The empty restart window, as the supervisor and snapshots share it.
    pub(crate) fn intensity(&self) -> Arc<Mutex<Intensity>> {
        Arc::new(Mutex::new(Intensity::new(self.max_restarts, self.max_seconds)))
    }

    /// The incarnation of a supervisor that is started outside a tree.
    pub(crate) fn incarnation(&self) -> Arc<Incarnation> {
        Incarnation::new(self.label.clone(), self.kill_grace)
    }
}

/// The builder methods of a supervisor whose field `options` is an [`Options`].
macro_rules! option_methods {
    () => {
        /// The id it has in [`TreeNode`](crate::TreeNode) and in the log when it is started as a root. Default:
        /// `supervisor`, `dynamic_supervisor` or `partition_supervisor`.
        pub fn label(mut self, label: impl Into<$crate::ChildId>) -> Self {
            self.options.label = label.into();
            self
        }

        /// How many restarts within [`max_seconds`](Self::max_seconds) are borne, of all its children together; one more
        /// ends the supervisor with [`ExitReason::Shutdown`](crate::ExitReason::Shutdown). Default: 3. Zero: the first one
        /// does.
        pub fn max_restarts(mut self, max_restarts: usize) -> Self {
            self.options.max_restarts = max_restarts;
            self
        }

        /// The sliding window of [`max_restarts`](Self::max_restarts); a restart exactly this old still counts. Default:
        /// 5 s. Zero is refused with [`StartError::NoWindow`](crate::StartError::NoWindow) when it is started.
        pub fn max_seconds(mut self, max_seconds: ::std::time::Duration) -> Self {
            self.options.max_seconds = max_seconds;
            self
        }

        /// How long a killed child may take to yield before it is declared dead and left behind. Default: 1 s.
        pub fn kill_grace(mut self, kill_grace: ::std::time::Duration) -> Self {
            self.options.kill_grace = kill_grace;
            self
        }

        /// Publishes what happens to its children, and to those of all supervisors below it, to `events`
        /// (see [`SupervisorEvent`](crate::SupervisorEvent)). A supervisor below that has a topic of its own publishes to
        /// both. No subscription can slow the tree down, whatever its [`Overflow`](crate::Overflow).
        pub fn events(mut self, events: &$crate::Topic<$crate::SupervisorEvent>) -> Self {
            self.options.events = Some(events.clone());
            self
        }
    };
}
pub(crate) use option_methods;
