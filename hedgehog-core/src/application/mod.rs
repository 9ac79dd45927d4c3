//! [`Application`]: a root supervisor with a name, callbacks around it, and an end that the program hears of.
//!
//! One application is a program: [`Application::run`]. Several that need one another stand in [`Applications`]. What an
//! application does at its start and at its end is told in [`callbacks`]; what happens between is [`running`].

mod callbacks;
mod controller;
mod running;
mod signals;

pub use callbacks::ApplicationCallbacks;
pub use controller::Applications;
pub use running::RunningApplication;

use crate::{
    exit::ExitReason,
    start_error::StartError,
    supervisor::{Strategy, Supervisor},
};
use callbacks::{Erased, Module, Tree};
use running::{End, Master};
use signals::Signals;
use std::{
    borrow::Cow,
    fmt, io,
    process::{ExitCode, Termination},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;

/// What an application is called.
pub type ApplicationName = Cow<'static, str>;

/// A program, or a part of one, made of one supervision tree.
///
/// ```
/// use hedgehog_core::*;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ApplicationError> {
/// let names: Registry<&str, ()> = Registry::unique("names");
/// let tree = Supervisor::new(Strategy::OneForOne).child(names.spec("names"));
/// let running = Application::new("program").root(tree).start().await?; // `run` also waits for a signal
/// assert_eq!(running.root().tree().expect("it runs").id, "program");
/// running.clone().stop().await;
/// assert!(matches!(running.exited().await, ExitReason::Shutdown)); // whoever stopped it
/// # Ok(()) }
/// ```
#[must_use = "an application does nothing until it is started, run, or loaded into `Applications`"]
#[derive(Clone)]
pub struct Application {
    name: ApplicationName,
    depends_on: Vec<ApplicationName>,
    callbacks: Arc<dyn Erased>,
    on_exit: OnExit,
    stop_deadline: Duration,
    exit_deadline: Option<Duration>,
}

/// What it means to the other [`Applications`] when one ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// Nothing: it is logged, and the others go on. OTP's `temporary`.
    #[default]
    Report,
    /// The others are stopped too, and [`Applications::run`] returns. OTP's `permanent`.
    StopRuntime,
}

impl Application {
    /// An application called `name`, which is also the root's id in [`tree`](crate::SupervisorRef::tree).
    pub fn new(name: impl Into<ApplicationName>) -> Self {
        Self {
            name: name.into(),
            depends_on: Vec::new(),
            callbacks: Arc::new(Module::new(Tree(Supervisor::new(Strategy::OneForOne)))),
            on_exit: OnExit::default(),
            stop_deadline: Duration::from_secs(10),
            exit_deadline: None,
        }
    }

    /// The root of the tree. Default: a supervisor without children.
    pub fn root(self, root: Supervisor) -> Self {
        self.callbacks(Tree(root))
    }

    /// Who makes the root, and what is to be done before and after the tree stops; instead of [`root`](Self::root).
    pub fn callbacks(mut self, callbacks: impl ApplicationCallbacks) -> Self {
        self.callbacks = Arc::new(Module::new(callbacks));
        self
    }

    /// Names an application of the same [`Applications`] that must be started before this one; may be repeated.
    pub fn depends_on(mut self, application: impl Into<ApplicationName>) -> Self {
        self.depends_on.push(application.into());
        self
    }

    /// What its end means to the other [`Applications`]. Default: [`OnExit::Report`].
    pub fn on_exit(mut self, on_exit: OnExit) -> Self {
        self.on_exit = on_exit;
        self
    }

    /// How long the tree may take to stop before it is killed, and each of the callbacks before it is given up. Default: 10 s.
    pub fn stop_deadline(mut self, stop_deadline: Duration) -> Self {
        self.stop_deadline = stop_deadline;
        self
    }

    /// How long after the first signal the *process* may live, for [`run`](Self::run) and
    /// [`run_until`](Self::run_until). Default: for as long as it takes.
    ///
    /// A tree that stops in time does not end a process: what blocks a thread (a lookup without an answer, a disk that hangs)
    /// can keep the runtime, or even the stop, for minutes. When this time is over the process ends, with exit code 128 + the
    /// signal's number. Longer than [`stop_deadline`](Self::stop_deadline), or the tree has no time to stop.
    pub fn exit_deadline(mut self, exit_deadline: Duration) -> Self {
        self.exit_deadline = Some(exit_deadline);
        self
    }

    /// Starts the tree and returns when it stands. Handles no signals; for embedding.
    ///
    /// # Errors
    /// [`ApplicationError::Start`] when the callback or a child fails, whose names are in its chain of sources: nothing is
    /// left running. [`ApplicationError::DependencyNotStarted`] for one that depends on others, because here there are none.
    ///
    /// # Cancel safety
    /// Dropping the future kills what was started so far.
    pub async fn start(self) -> Result<RunningApplication, ApplicationError> {
        if let Some(dependency) = self.depends_on.first() {
            return Err(self.lacks(dependency));
        }
        self.launch(|_| {}, |_| {}).await
    }

    /// Starts the tree, waits for a signal or the end of the root, and stops the tree in reverse start order.
    ///
    /// The signals are SIGINT and SIGTERM, and SIGHUP and SIGQUIT unless the process was started with them ignored, as by `nohup`. They
    /// are heard whatever the runtime's threads do. A second signal, later than half a second after the first, ends the process
    /// at once, with exit code 128 + its number; from then on any signal does, also after this has returned. See
    /// [`exit_deadline`](Self::exit_deadline) for a process that does not end.
    ///
    /// # Errors
    /// As for [`start`](Self::start); [`ApplicationError::Signals`].
    pub async fn run(self) -> Result<Outcome, ApplicationError> {
        self.run_until(|_| std::future::pending()).await
    }

    /// As [`run`](Self::run), with something to do beside the tree: `work` gets the started application, and its end stops
    /// the tree as a signal does. A signal drops it where it stands.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub async fn run_until<F: Future<Output = ()>>(
        self,
        work: impl FnOnce(RunningApplication) -> F,
    ) -> Result<Outcome, ApplicationError> {
        // Before the start: a signal during a long start is kept, not lost.
        let mut signals = Signals::listen(self.exit_deadline)?;
        let running = self.start().await?;
        let work = work(running.clone());
        let signal = tokio::select! {
            reason = running.exited() => return Ok(Outcome::RootExited(reason)),
            signal = signals.first() => Some(signal.name),
            () = work => None,
        };
        if let Some(signal) = signal {
            tracing::info!("{signal} received, stopping");
        }
        let reason = running.stop().await;
        Ok(match signal {
            Some(signal) => Outcome::Stopped { signal, reason },
            None => Outcome::Finished { reason },
        })
    }

    /// Starts the tree. `at_start` is called when it stands, `at_end` after the last callback; both must not block.
    async fn launch(
        &self,
        at_start: impl FnOnce(&RunningApplication) + Send + 'static,
        at_end: impl FnOnce(&End) + Send + 'static,
    ) -> Result<RunningApplication, ApplicationError> {
        if cfg!(panic = "abort") {
            return Err(ApplicationError::PanicAborts);
        }
        let (callbacks, name, stop_deadline) = (self.callbacks.clone(), self.name.clone(), self.stop_deadline);
        // A task of its own: an application is not linked to the actor that happens to start it.
        let mut starting = AbortOnDrop(tokio::spawn(async move {
            let (root, started) = callbacks.start().await?;
            let root = root.label(name.clone()).start().await?;
            // From here to the end nothing is awaited, so that no started tree is left without its master.
            let (running, master) = Master::new(name, root, started, stop_deadline);
            at_start(&running);
            master.spawn(at_end);
            Ok(Unclaimed(Some(running)))
        }));
        // It is cut off by the end of the runtime only.
        let started = (&mut starting.0).await.unwrap_or(Err(StartError::Killed));
        let claimed = started.and_then(|unclaimed| unclaimed.claim().ok_or(StartError::Killed));
        claimed.map_err(|source| ApplicationError::Start {
            application: self.name.clone(),
            source,
        })
    }

    fn lacks(&self, dependency: &ApplicationName) -> ApplicationError {
        ApplicationError::DependencyNotStarted {
            application: self.name.clone(),
            dependency: dependency.clone(),
        }
    }
}

/// A start that goes no further when nobody waits for it any more.
struct AbortOnDrop(JoinHandle<Result<Unclaimed, StartError>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An application on its way to whoever started it: if that one is gone when it stands, it is stopped again. `None` once it
/// has arrived.
struct Unclaimed(Option<RunningApplication>);

impl Unclaimed {
    fn claim(mut self) -> Option<RunningApplication> {
        self.0.take()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.request_stop();
        }
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("depends_on", &self.depends_on)
            .field("on_exit", &self.on_exit)
            .finish_non_exhaustive()
    }
}

/// How [`Application::run`] or [`Applications::run`] ended.
///
/// As what `main` returns it is an exit status: 0 for [`Stopped`](Self::Stopped) and [`Finished`](Self::Finished), else 1.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A signal came and everything was stopped.
    Stopped {
        /// The signal's name.
        signal: &'static str,
        /// The root's exit reason: `Shutdown`, or `Killed` when it missed the deadline. Of several, the first that is not
        /// `Shutdown`.
        reason: ExitReason,
    },
    /// The work of [`Application::run_until`] was done and the tree was stopped.
    Finished {
        /// The root's exit reason, as for a signal.
        reason: ExitReason,
    },
    /// The root ended by itself: it gave up, or somebody stopped it.
    RootExited(ExitReason),
    /// One of several [`Applications`] ended by itself, and was to end the others ([`OnExit::StopRuntime`]).
    ApplicationExited {
        /// Its name.
        application: ApplicationName,
        /// The exit reason of its root.
        reason: ExitReason,
    },
}

impl Termination for Outcome {
    fn report(self) -> ExitCode {
        self.into()
    }
}

/// For a `main` that returns an `ExitCode`, because it has failures of its own to tell.
impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stopped { .. } | Outcome::Finished { .. } => Self::SUCCESS,
            Outcome::RootExited(_) | Outcome::ApplicationExited { .. } => Self::FAILURE,
        }
    }
}

/// Why an application could not be started, stopped or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// Built with `panic = "abort"`: the first panic would end the process, and nothing would be left to supervise.
    #[error("supervision needs panic = \"unwind\" in the build profile, this program was built with \"abort\"")]
    PanicAborts,
    /// The start callback or the tree failed.
    #[error("application {application} did not start")]
    Start {
        /// Which one.
        application: ApplicationName,
        /// Why.
        source: StartError,
    },
    /// There is no such application in the set.
    #[error("there is no application {application}, load it first")]
    NotLoaded {
        /// The name.
        application: ApplicationName,
    },
    /// There is an application of this name in the set.
    #[error("application {application} is loaded already")]
    AlreadyLoaded {
        /// The name.
        application: ApplicationName,
    },
    /// It runs.
    #[error("application {application} is started already")]
    AlreadyStarted {
        /// The name.
        application: ApplicationName,
    },
    /// It does not run.
    #[error("application {application} is not started")]
    NotStarted {
        /// The name.
        application: ApplicationName,
    },
    /// It needs another one that does not run.
    #[error("application {application} depends on {dependency}, which is not started")]
    DependencyNotStarted {
        /// The one that should start.
        application: ApplicationName,
        /// The one it needs.
        dependency: ApplicationName,
    },
    /// Applications that wait for one another could never start.
    #[error("applications depend on one another: {}", cycle.join(" -> "))]
    DependencyCycle {
        /// Each depends on the next one; the last is the first again.
        cycle: Vec<ApplicationName>,
    },
    /// The signal handlers could not be installed.
    #[error("could not listen for signals")]
    Signals(#[from] io::Error),
}
