//! [`Application`]: a root supervisor that runs until a signal, or until it ends by itself.

use crate::{
    exit::ExitReason,
    start_error::StartError,
    supervisor::{Supervisor, SupervisorRef},
};
use std::{borrow::Cow, io, time::Duration};

/// A program made of one supervision tree.
#[derive(Debug)]
pub struct Application {
    name: Cow<'static, str>,
    root: Option<Supervisor>,
    stop_deadline: Duration,
}

impl Application {
    /// An application called `name`, which is also the root's id in [`tree`](SupervisorRef::tree).
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            root: None,
            stop_deadline: Duration::from_secs(10),
        }
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(mut self, root: Supervisor) -> Self {
        self.root = Some(root);
        self
    }

    /// How long the tree may take to stop before it is killed. Default: 10 s.
    #[must_use]
    pub fn stop_deadline(mut self, stop_deadline: Duration) -> Self {
        self.stop_deadline = stop_deadline;
        self
    }

    /// Starts the tree and returns when it stands. Handles no signals; for embedding.
    pub async fn start(self) -> Result<RunningApplication, ApplicationError> {
        if cfg!(panic = "abort") {
            return Err(ApplicationError::PanicAborts);
        }
        let root = self
            .root
            .unwrap_or_else(|| Supervisor::new(crate::Strategy::OneForOne))
            .label(self.name);
        Ok(RunningApplication {
            root: root.start().await?,
            stop_deadline: self.stop_deadline,
        })
    }

    /// Starts the tree, waits for SIGINT, SIGTERM or the end of the root, and stops the tree in reverse start order.
    ///
    /// A second signal ends the process at once, with exit code 128 + its number.
    pub async fn run(self) -> Result<Outcome, ApplicationError> {
        self.run_until(|_| std::future::pending()).await
    }

    /// As [`run`](Self::run), with something to do beside the tree: `work` gets the started application, and its end stops
    /// the tree as a signal does. A signal drops it where it stands.
    pub async fn run_until<F: Future<Output = ()>>(
        self,
        work: impl FnOnce(RunningApplication) -> F,
    ) -> Result<Outcome, ApplicationError> {
        // Before the start: a signal during a long start is kept, not lost.
        let mut signals = Signals::listen()?;
        let running = self.start().await?;
        let work = work(running.clone());
        running.until_signal(work, &mut signals).await
    }
}

/// A started [`Application`]. Dropping it leaves the tree running.
#[derive(Clone, Debug)]
pub struct RunningApplication {
    root: SupervisorRef,
    stop_deadline: Duration,
}

impl RunningApplication {
    /// The root supervisor.
    pub fn root(&self) -> &SupervisorRef {
        &self.root
    }

    /// Stops the tree in reverse start order, and kills what is left of it at the deadline. Returns the root's exit reason.
    pub async fn stop(&self) -> ExitReason {
        match tokio::time::timeout(self.stop_deadline, self.root.stop(ExitReason::Shutdown)).await {
            Ok(reason) => reason,
            Err(_) => match self.root.whereis() {
                Some(root) => {
                    tracing::error!("the tree did not stop within {:?}, killing it", self.stop_deadline);
                    root.kill();
                    root.exited().await
                }
                None => ExitReason::Shutdown,
            },
        }
    }

    async fn until_signal(
        &self,
        work: impl Future<Output = ()>,
        signals: &mut Signals,
    ) -> Result<Outcome, ApplicationError> {
        let Some(root) = self.root.whereis() else {
            return Ok(Outcome::RootExited(ExitReason::Normal));
        };
        let signal = tokio::select! {
            reason = root.exited() => return Ok(Outcome::RootExited(reason)),
            signal = signals.next() => Some(signal),
            () = work => None,
        };
        if let Some(signal) = signal {
            tracing::info!("{} received, stopping", signal.name);
        }
        tokio::select! {
            reason = self.stop() => Ok(match signal {
                Some(signal) => Outcome::Stopped { signal: signal.name, reason },
                None => Outcome::Finished { reason },
            }),
            again = signals.next() => {
                tracing::warn!("{} received, ending at once", again.name);
                std::process::exit(128 + again.number)
            }
        }
    }
}

/// How [`Application::run`] ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A signal came and the tree was stopped.
    Stopped {
        /// The signal's name.
        signal: &'static str,
        /// The root's exit reason: `Shutdown`, or `Killed` when it missed the deadline.
        reason: ExitReason,
    },
    /// The work of [`Application::run_until`] was done and the tree was stopped.
    Finished {
        /// The root's exit reason, as for a signal.
        reason: ExitReason,
    },
    /// The root ended by itself: it gave up, or somebody stopped it.
    RootExited(ExitReason),
}

/// Why an application could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// Built with `panic = "abort"`: the first panic would end the process, and nothing would be left to supervise.
    #[error("supervision needs panic = \"unwind\" in the build profile, this program was built with \"abort\"")]
    PanicAborts,
    /// The tree did not start.
    #[error("the supervision tree did not start")]
    Start(#[from] StartError),
    /// The signal handlers could not be installed.
    #[error("could not listen for signals")]
    Signals(#[from] io::Error),
}

#[derive(Clone, Copy)]
struct Signal {
    name: &'static str,
    number: i32,
}

const INTERRUPT: Signal = Signal {
    name: "SIGINT",
    number: 2,
};

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => Signal { name: "SIGTERM", number: 15 },
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the signature of the other platforms")]
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        // An error means that the handler cannot be installed: then there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}
